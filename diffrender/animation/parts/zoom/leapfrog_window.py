"""The zoom window on Hamiltonian Monte Carlo: chance gives a momentum, the gradient bends its path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from diffrender.animation.mobjects.furniture.arrow import StepArrow, StepArrows
from diffrender.animation.mobjects.furniture.panels import Rect
from diffrender.animation.mobjects.plane.heat import Heatmap
from diffrender.animation.parts.zoom.path_window import Ends, PathView, after
from diffrender.animation.theme import Theme


class LeapfrogView(PathView):
    """The window in which a step is a momentum, kicked by the gradient at every stop of its path.

    leapfrog_step: h. momentum_end: (T, 2) with which each path arrives, if that was recorded. scale: of the momentum's
    arrow. tags: `momentum`, `arriving`, `end` (of the path) and `state`.
    """

    def __init__(
        self,
        rect: Rect,
        size: tuple[float, float],
        heat: Heatmap,
        *,
        leapfrog_step: float,
        momentum_end: np.ndarray | None,
        theme: Theme,
        scale: float = 1.25,
        **window: Any,
    ) -> None:
        self.leapfrog_step, self.momentum_end = leapfrog_step, momentum_end
        self.kicks = StepArrows(theme.score, scale=0.6 * scale, casing=theme.panel)
        arrows = {"momentum": StepArrow(theme.accept, scale=scale, casing=theme.panel)}
        if momentum_end is not None:
            arrows["arriving"] = StepArrow(theme.accept, scale=0.8 * scale, casing=theme.panel)
        going = ("noise", "sides", "sum")
        super().__init__(rect, size, heat, arrows=arrows, going=going, others=[self.kicks], theme=theme, **window)

    def kick_vectors(self, step: int) -> np.ndarray:
        """(L, 2) what the gradient adds to the velocity at each stop, as the recorded path says."""
        between = np.diff(np.asarray(self.path[step], float), axis=0) / self.leapfrog_step
        arriving = between[-1:] if self.momentum_end is None else self.momentum_end[step][None]
        return np.diff(np.concatenate([self.momentum[step][None], between, arriving]), axis=0)

    def ends(self, step: int) -> Ends:
        """The momentum where the path begins, and that with which it arrives."""
        x, last = self.x[step], self.path[step][-1]
        made = {"momentum": (x, x + self.time * self.momentum[step])}
        if self.momentum_end is not None:
            made["arriving"] = (last, last + self.time * self.momentum_end[step])
        return made

    def drawn_points(self, step: int) -> np.ndarray:
        """(M, 2) all that a step draws, first where the chain is before it."""
        kicked = self.path[step] + self.time * self.kick_vectors(step)
        return np.concatenate([super().drawn_points(step), kicked])

    def draw_step(self, step: int, done: Mapping[str, float]) -> None:
        """Draw the arrows, the path, and the kicks of the stops to which it has come."""
        stops = self.path[step]
        grown = np.clip(self.grown(done)["end"] * (len(stops) - 1) - np.arange(len(stops)) + 0.5, 0, 1)
        at, tips = self.inside(stops, stops + self.time * self.kick_vectors(step))
        self.kicks.put_all(at, tips, grown * self.holds(stops) * (done["score"] >= 1))
        super().draw_step(step, done)

    def grown(self, done: Mapping[str, float]) -> Mapping[str, float]:
        """The momentum grows first, then the path is gone, and what it arrives with is seen."""
        gone = self.gone(done)
        lit = {"noise": done["score"], "score": gone}
        return {"momentum": done["score"], "end": gone, "arriving": after(done["hold"], 0, 0.3), **lit}
