"""One chain on a panel: where it is, and the last steps of its path."""

from __future__ import annotations

from typing import Any

import numpy as np
from manim import Mobject

from diffrender.animation.mobjects.furniture.panels import Rect
from diffrender.animation.mobjects.plane.cloud import PointCloud
from diffrender.animation.mobjects.plane.trails import Trails
from diffrender.animation.theme import LINE, Theme

FLICKER = 600.0  # steps a second above which the path, each time another one, is drawn fainter
RADIUS, ALPHA = 0.065, 0.95
LEAST_ALPHA = 0.45  # at which a path still stands out 3 : 1 from an empty panel, in both themes


class OneChain:
    """The first chain of states x (T+1, N, 2) and its last `length` steps. mobjects: path, then point.

    color: one of the theme's. look: of the path, as `Trails` takes it.
    """

    def __init__(
        self, box: Rect, rect: Rect, x: np.ndarray, *, theme: Theme, length: int, color: str = "chain", **look: Any
    ) -> None:
        self.x, self.box, hue = x[:, 0], box, theme.color(color)
        drawn: dict[str, Any] = {"width": 1.15 * LINE, "alpha": ALPHA, "casing": theme.panel} | look
        self.path = Trails(box, rect, x[:, :1], color=hue, length=length, **drawn)
        self.point = PointCloud(box, rect, x[0, :1], color=hue, radius=RADIUS, ring=theme.panel)
        self.point.follow(x, slice(0, 1))
        self.mobjects: list[Mobject] = [self.path.set_z_index(2), self.point.set_z_index(3)]

    def show_step(self, step: float) -> None:
        """Show a recorded step, or the way to the next."""
        self.path.show_step(step)
        self.point.show_step(step)

    def first_inside(self, rect: Rect) -> int:
        """The first recorded step at which no part of the point is beyond a panel's edge."""
        (x0, x1, y0, y1), (a, b, c, d) = self.box, rect
        edge = RADIUS * np.array([(x1 - x0) / (b - a), (y1 - y0) / (d - c)])
        inside = ((self.x - edge > (x0, y0)) & (self.x + edge < (x1, y1))).all(1)
        return int(np.argmax(inside))

    def at_pace(self, pace: float) -> None:
        """Draw the path fainter where more than `FLICKER` steps go by in a second."""
        self.path.alpha = max(LEAST_ALPHA, ALPHA * min(1.0, (FLICKER / max(pace, 1e-9)) ** 0.3))
