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
        self.step_size, self.friction = step_size, friction
        arrows = {
            name: StepArrow(theme.color(color), dashed=name != "next", scale=scale, casing=theme.panel)
            for name, color in COLORS.items()
        }
        super().__init__(rect, size, heat, arrows=arrows, going=("hold",), theme=theme, **window)

    def parts(self, step: int) -> dict[str, np.ndarray]:
        """The momentum of a step, (2,), and what is added to it one after the other: kick, friction, noise."""
        path, momentum = (
            np.asarray(self.path[step : step + 1], float),
            np.asarray(self.momentum[step : step + 2], float),
        )
        return {name: v[0] for name, v in momentum_parts(path, momentum, self.step_size, self.friction).items()}

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


def momentum_parts(path: np.ndarray, momentum: np.ndarray, step_size: float, friction: float) -> dict[str, np.ndarray]:
    """Of K steps of BAOAB the momentum, (K, 2), and what is added to it: kick, friction, noise.

    path: (K, 3, 2). momentum: (K + 1, 2), or (K, 2) if the recording ends with these steps.
    """
    kept = float(np.exp(-friction * step_size))
    first, second = np.moveaxis(np.diff(np.asarray(path, float), axis=1) * 2 / step_size, 1, 0)
    v = np.asarray(momentum[: len(path)], float)
    arriving = np.asarray(momentum[1:], float)
    if len(arriving) < len(path):  # the last half kick is not recorded
        arriving = np.concatenate([arriving, second[-1:]])
    kick, noise = first - v + arriving - second, second - kept * first
    return {"momentum": v, "kick": kick, "friction": (kept - 1) * first, "noise": noise}
