"""A panel that moves: what lies on it goes from one rectangle to another of the same shape."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from manim import Animation, Group, Mobject, Scene, smooth

from diffrender.animation.layout.box import Box
from diffrender.animation.mobjects.furniture.panels import Rect


def fit(shape: Rect, box: Rect) -> Box:
    """The largest rectangle of the shape of `shape` in a box, in its middle."""
    ratio = (shape[1] - shape[0]) / (shape[3] - shape[2])
    width = min(box[1] - box[0], (box[3] - box[2]) * ratio)
    x, y = (box[0] + box[1]) / 2, (box[2] + box[3]) / 2
    return Box(x - width / 2, x + width / 2, y - width / ratio / 2, y + width / ratio / 2)


def lay_on(mob: Mobject, rect: Rect) -> None:
    """Lay a bulk mobject on another rectangle, of the shape of its own; its marks grow with it."""
    a, b, c, d = rect
    mob.points = np.array([[a, c, 0], [b, c, 0], [a, d, 0], [b, d, 0]], float)


class Glide(Animation):
    """Move mobjects with their panel from `start` to `end`; nothing is copied."""

    def __init__(self, mobjects: Sequence[Mobject], start: Rect, end: Rect, *, run_time: float) -> None:
        self.moving = [part for mob in mobjects for part in mob.get_family()]
        self.start_rect, self.end_rect = start, end
        super().__init__(Group(*mobjects), run_time=run_time, rate_func=smooth, introducer=True)

    def _setup_scene(self, scene: Scene) -> None:
        scene.add(*(m for m in self.mobject.submobjects if m not in scene.get_mobject_family_members()))

    def begin(self) -> None:
        """Remember where everything is."""
        self.before = [part.points.copy() for part in self.moving]
        self.interpolate(0)

    def interpolate(self, alpha: float) -> None:
        """Show what is there at `alpha` of the animation."""
        u = float(self.rate_func(alpha))
        now = tuple(a + u * (b - a) for a, b in zip(self.start_rect, self.end_rect, strict=True))
        for part, points in zip(self.moving, self.before, strict=True):
            part.points = _moved(points, self.start_rect, (now[0], now[1], now[2], now[3]))

    def finish(self) -> None:
        """The last frame."""
        self.interpolate(1)


def _moved(points: np.ndarray, start: Rect, end: Rect) -> np.ndarray:
    scale = (end[1] - end[0]) / (start[1] - start[0])
    return (points - (start[0], start[2], 0.0)) * (scale, scale, 1.0) + (end[0], end[2], 0.0)
