"""Two bars beside a step's arrows: how far the gradient moves the chain, and how far chance does."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from manim import VGroup, VMobject

from diffrender.animation.animations import OpacityScale
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.furniture.arrow import set_polygons
from diffrender.animation.mobjects.furniture.panels import Rect, pill
from diffrender.animation.text.numbers import Number

BARS = ("score", "noise")
NAME = "arrow lengths"  # over the bars
LEAST = 0.005  # length that is written as more than 0.00
SHARE = 0.26  # length of the longest bar, as a part of the window's width


class Gauge(VGroup):
    """Lengths of a step's two arrows as two bars, with their values.

    In a corner of the window, one above the other on a pill; in a tall frame beside each other in the row `below` it.
    drift, noise: (T, 2) in data units. longest: the length of the longest bar. strip: height of the window that it
    covers.
    """

    def __init__(
        self, page: Page, window: Rect, below: Rect, drift: np.ndarray, noise: np.ndarray, longest: float
    ) -> None:
        self.vectors = dict(zip(BARS, (drift, noise), strict=True))
        theme, tall = page.theme, page.shape == "tall"
        em = page.em("floor")
        self.longest, self.length, self.thick = longest or 1.0, SHARE * (window[1] - window[0]), 0.42 * em
        numbers = [Number(".2f", 0.88, em=em, color=theme.fg) for _ in BARS]
        room = self.length + 0.12 + numbers[0].room
        if tall:
            y, middle = below[2] + 0.38 * em, (below[0] + below[1]) / 2
            self.places = [(middle - room - 0.25, y), (middle + 0.25, y)]
            self.strip = 0.0
        else:
            left, low = window[1] - 0.26 - room, window[2] + 0.16
            self.places = [(left, low + 2.05 * em), (left, low + 0.85 * em)]
            self.strip = 0.16 + 4.1 * em
        self.bars = {name: VMobject(fill_color=theme.color(name), fill_opacity=1, stroke_width=0) for name in BARS}
        self.numbers = dict(zip(BARS, numbers, strict=True))
        super().__init__(*self.bars.values(), *numbers)
        self.strengths = {name: OpacityScale(number) for name, number in self.numbers.items()}
        for number, (x, y) in zip(numbers, self.places, strict=True):
            number.at(x + room, y - 0.3 * em, 1)
        if tall:
            self.add(page.label(NAME, middle, y + 0.65 * em, 0, "floor", "muted"))
        else:
            self.add(page.label(NAME, left, low + 3.0 * em, -1, "floor", "muted"))
            corners = [[left - 0.1, low, 0], [left + room + 0.1, low + 4.1 * em, 0]]
            self.add_to_back(pill(VMobject().set_points_as_corners(corners), theme, pad=0, alpha=0.86))

    def show(self, step: int, grown: Mapping[str, float]) -> None:
        """Show the lengths of a step's two vectors, as far as each arrow has grown."""
        for name, (left, y) in zip(BARS, self.places, strict=True):
            value = float(np.hypot(*self.vectors[name][step])) * grown.get(name, 1.0)
            x = left + max(min(value / self.longest, 1.0) * self.length, 0.02 * (value > 0))
            low, high = y - self.thick / 2, y + self.thick / 2
            set_polygons(self.bars[name], [np.array([[left, low, 0], [x, low, 0], [x, high, 0], [left, high, 0]])])
            self.numbers[name].set_value(value)
            self.strengths[name].set(float(value >= LEAST))  # of an arrow that is hardly there yet nothing is said
