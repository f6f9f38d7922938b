"""The zoom window on underdamped Langevin: how gradient, friction and chance change the momentum of one step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from diffrender.animation.mobjects.furniture.arrow import StepArrow
from diffrender.animation.mobjects.furniture.panels import Rect
from diffrender.animation.mobjects.plane.heat import Heatmap
from diffrender.animation.parts.zoom.path_window import Ends, PathView, after
from diffrender.animation.theme import Theme

COLORS = {"momentum": "accept", "kick": "score", "friction": "reject", "noise": "noise", "next": "accept"}
TURN = 0.35  # of the stage of chance, in which friction comes before it


class FrictionView(PathView):
    """The window in which a momentum is kicked, slowed and shaken, and the step is gone with what comes of it.

    step_size: h. friction: gamma. The parts are those of BAOAB, of the recorded path and momenta: both half kicks of
    the gradient, what friction takes, and what chance gives. tags: `momentum`, `next`, `end` and `state`.
    """

    def __init__(
        self,
        rect: Rect,
        size: tuple[float, float],
        heat: Heatmap,
        *,
        step_size: float,
        friction: float,
        theme: Theme,
        scale: float = 1.25,
        **window: Any,
    ) -> None:
        self.step_size, self.kept = step_size, float(np.exp(-friction * step_size))
        arrows = {
            name: StepArrow(theme.color(color), dashed=name != "next", scale=scale, casing=theme.panel)
            for name, color in COLORS.items()
        }
        super().__init__(rect, size, heat, arrows=arrows, going=("hold",), theme=theme, **window)

    def parts(self, step: int) -> dict[str, np.ndarray]:
        """The momentum of a step, (2,), and what is added to it one after the other: kick, friction, noise."""
        v, last = np.asarray(self.momentum[step], float), step + 1 >= len(self.momentum)
        first, second = np.diff(np.asarray(self.path[step], float), axis=0) * 2 / self.step_size
        arriving = second if last else np.asarray(self.momentum[step + 1], float)  # the last half kick is not recorded
        kick, noise = first - v + arriving - second, second - self.kept * first
        return {"momentum": v, "kick": kick, "friction": (self.kept - 1) * first, "noise": noise}

    def ends(self, step: int) -> Ends:
        """The momentum, each change of it where the one before ends, and their sum."""
        start = at = self.x[step]
        made = {}
        for name, vector in self.parts(step).items():
            made[name] = (at, at := at + self.time * vector)
        return made | {"next": (start, at)}

    def grown(self, done: Mapping[str, float]) -> Mapping[str, float]:
        """The momentum is there from before; it is kicked, slowed, shaken; then the step is gone."""
        friction, noise = after(done["noise"], 0, TURN), after(done["noise"], TURN, 1)
        grown = {"momentum": after(done["score"], 0, 0.1), "kick": after(done["score"], 0.1, 1), "friction": friction}
        lit = {"score": grown["kick"], "reject": friction}
        return grown | lit | {"noise": noise, "next": done["sum"], "end": self.gone(done)}
