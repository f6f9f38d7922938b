"""A map for a view that has come near: all data, small, in a corner of the stage, and a frame on the part in view."""

from __future__ import annotations

from typing import Any

import numpy as np
from manim import VGroup, VMobject

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page, containing
from diffrender.animation.layout.plane import Plane
from diffrender.animation.mobjects.furniture.panels import frame, panel
from diffrender.animation.mobjects.plane.cloud import PointCloud
from diffrender.animation.theme import LINE

SHARE, GAP = 0.24, 0.12  # of the stage's width; from its corner
POINTS, POINT = 1200, 0.016  # of the data, and their radius


class Inset(VGroup):
    """All data (M, 2) in the lower right corner of the stage, and a frame that marks what the view shows of them."""

    def __init__(self, view: Plane, page: Page, stage: Box, data: np.ndarray) -> None:
        theme, width = page.theme, SHARE * stage.width
        low, high = np.quantile(data, (0.005, 0.995), axis=0)
        (x, y), (w, h) = (low + high) / 2, 0.6 * (high - low)
        right, bottom = stage.right - GAP, stage.bottom + GAP
        rect = Box(right - width, right, bottom, bottom + width * min(h / w, 0.9 * stage.height / stage.width))
        self.plane = Plane(containing((x - w, x + w, y - h, y + h), rect), rect)
        dots = PointCloud(self.plane.box, rect, data[:POINTS], color=theme.data, radius=POINT, alpha=0.8)
        self.mark = VMobject(stroke_color=theme.fg, stroke_width=140 * LINE)
        super().__init__(self.mark)
        self.mobjects: list[Any] = [panel(rect, theme), dots, frame(rect, theme.border), self.mark]
        for mob in self.mobjects:
            mob.set_z_index(9)
        view.attached.append(self)
        self.show_view(view)

    def show_view(self, view: Plane) -> None:
        """Mark the part that the view shows now; nothing where that is more than the inset holds."""
        x0, x1, y0, y1 = view.box
        (a, c), (b, d) = self.plane.to_scene(np.array([[x0, y0], [x1, y1]]))
        left, right, bottom, top = self.plane.rect
        if a < left and b > right:
            self.mark.clear_points()
            return
        a, b, c, d = max(a, left), min(b, right), max(c, bottom), min(d, top)
        self.mark.set_points_as_corners([[a, c, 0], [b, c, 0], [b, d, 0], [a, d, 0], [a, c, 0]])
