"""The zoom window on a chain whose steps are paths: the momentum at the start, and the way that is gone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from manim import VMobject

from diffrender.animation.animations import OpacityScale
from diffrender.animation.mobjects.furniture.arrow import StepArrow
from diffrender.animation.mobjects.furniture.panels import Rect
from diffrender.animation.mobjects.plane.cloud import PointCloud
from diffrender.animation.mobjects.plane.heat import Heatmap
from diffrender.animation.parts.zoom.pacing import STAGES
from diffrender.animation.parts.zoom.step_window import ChainWindow
from diffrender.animation.theme import LINE, Theme

RUNS = ("noise", "sides", "sum")  # the stages in which the path is gone


class PathView(ChainWindow):
    """The window in which a step is a momentum and the path that it takes.

    path: (T, L, 2) states of the way inside each step, momentum: (T, 2), as recorded. time: the arrow ends where the
    momentum alone would lead in it. color: a token, of the momentum; if it is that of chance, the equation's term
    `noise` lights up with it. tags: `momentum`, `end` (of the path) and `state`. scale: of the arrow.
    """

    def __init__(
        self,
        rect: Rect,
        size: tuple[float, float],
        heat: Heatmap,
        *,
        path: np.ndarray,
        momentum: np.ndarray,
        time: float,
        color: str,
        theme: Theme,
        scale: float = 1.25,
        **window: Any,
    ) -> None:
        self.path, self.momentum, self.time, self.chance = path, momentum, time, color == "noise"
        self.arrow = StepArrow(theme.color(color), dashed=True, scale=scale, casing=theme.panel)
        self.casing = VMobject(stroke_color=theme.panel, stroke_width=260 * LINE)
        self.way = VMobject(stroke_color=theme.sum, stroke_width=150 * LINE)
        self.stops = PointCloud(heat.box, rect, path[0], color=theme.sum, radius=0.065, ring=theme.panel)
        drawn = [self.arrow, self.casing, self.way, self.stops]
        super().__init__(rect, size, heat, theme=theme, drawn=drawn, **window)
        self.strength = OpacityScale(*drawn)

    def look_at(self, centre: np.ndarray) -> Rect:
        """Move the window over the plane; returns the part it shows."""
        self.stops.box = super().look_at(centre)
        return self.stops.box

    def draw_step(self, step: int, done: Mapping[str, float]) -> None:
        """Draw the momentum as far as it has grown, and the path as far as it has been gone."""
        self.arrow.put(self.heat.to_scene(self.x[step]), self.tips(step)["momentum"], done["score"])
        gone = self.grown(done)["end"] * (len(self.path[step]) - 1)
        points = self._until(step, gone)
        for mob in (self.casing, self.way):
            mob.set_points_as_corners([[*self.heat.to_scene(p)[:2], 0.0] for p in points])
        stops = np.minimum(np.arange(len(self.path[step])), int(gone + 1e-9))
        self.stops.set_xy(self.path[step][stops])
        self.strength.set(1 - done["move"])

    def tips(self, step: int) -> dict[str, np.ndarray]:
        """Where the momentum alone would lead, and where the path ends."""
        free = self.x[step] + self.time * self.momentum[step]
        return {"momentum": self.heat.to_scene(free), "end": self.heat.to_scene(self.path[step][-1])}

    def grown(self, done: Mapping[str, float]) -> Mapping[str, float]:
        """The momentum grows first, then the path is gone."""
        whole = sum(STAGES[name] for name in RUNS)
        gone = min(1.0, sum(STAGES[name] * done[name] for name in RUNS) / whole)
        return {"momentum": done["score"], "end": gone, **({"noise": done["score"]} if self.chance else {})}

    def now(self, step: int, part: float) -> np.ndarray:
        """(2,) where the chain is: on its path, or where it stays."""
        if np.array_equal(self.x[step], self.x[step + 1]):
            return self.x[step]
        return self._until(step, part * (len(self.path[step]) - 1))[-1]

    def _until(self, step: int, gone: float) -> np.ndarray:
        """(K, 2) the path's states up to the one with a number, which may lie between two."""
        path, k = np.asarray(self.path[step], float), int(gone)
        after = path[min(k + 1, len(path) - 1)]
        return np.concatenate([path[: k + 1], (path[k] + (gone - k) * (after - path[k]))[None]])
