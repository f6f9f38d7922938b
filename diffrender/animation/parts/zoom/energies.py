"""Two bars of energy: where a path begins and where it ends, each of what the density and what the momentum give."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from manim import VGroup, VMobject

from diffrender.animation.animations import OpacityScale
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.furniture.arrow import set_polygons
from diffrender.animation.mobjects.furniture.panels import Rect, pill
from diffrender.animation.parts.zoom.path_window import after
from diffrender.animation.text.numbers import Number

ROWS = ("H(x, v)", "H(x', v')")
NAME = "energy, over its least"  # above the bars
SHARE = 0.28  # length of the longest bar, as a part of the window's width


class Energies(VGroup):
    """The energy H of a path's start and of its end, as bars in the colours of the equation's two terms.

    In the lower right corner of the window, on a pill; in a tall frame beside each other in the row `below` it.
    terms: (T, 2, 2) of each step's start and end the potential, over its least, and the kinetic energy. longest: the
    energy of the longest bar. strip: height of the window that it covers.
    """

    def __init__(self, page: Page, window: Rect, below: Rect, terms: np.ndarray, longest: float) -> None:
        theme, em, tall = page.theme, page.em("floor"), page.shape == "tall"
        self.terms, self.longest = terms, longest or 1.0
        self.length, self.thick = (0.13 if tall else SHARE) * (window[1] - window[0]), 0.5 * em
        names = [page.maths(name, "floor") for name in ROWS]
        self.numbers = [Number(".2f", 8.88, em=em, color=theme.fg) for _ in ROWS]
        beside = max(name.width for name in names) + 0.1
        room = beside + self.length + 0.1 + self.numbers[0].room
        left, low = window[1] - 0.26 - room, window[2] + 0.16
        self.places = [(left, low + 2.05 * em), (left, low + 0.85 * em)]
        ground: list[VMobject] = []
        if tall:
            middle, y = (below[0] + below[1]) / 2, below[2] + 0.5 * em
            self.places = [(middle - 0.2 - room, y), (middle + 0.2, y)]
        else:
            ends = [[left - 0.1, low, 0], [window[1] - 0.16, low + 4.1 * em, 0]]
            ground.append(pill(VMobject().set_points_as_corners(ends), theme, pad=0, alpha=0.86))
            ground.append(page.label(NAME, left, low + 3.0 * em, -1, "floor", "muted"))
        self.bars = [[VMobject(fill_color=theme.color(c), fill_opacity=1, stroke_width=0) for c in ("score", "noise")]
                     for _ in ROWS]  # fmt: skip
        for name, number, (x, y) in zip(names, self.numbers, self.places, strict=True):
            name.at(x, y - 0.3 * em)
            number.at(x + room, y - 0.3 * em, 1)
        self.places = [(x + beside, y) for x, y in self.places]
        super().__init__(*ground, *names, *(bar for row in self.bars for bar in row), *self.numbers)
        self.strengths = [OpacityScale(number) for number in self.numbers]
        self.strip = 0.0 if tall else 0.16 + 4.1 * em

    def show(self, step: int, done: Mapping[str, float]) -> None:
        """Show a step's energies: that of the start as the momentum grows, that of the end when the path is there."""
        shown = done["score"], after(done["hold"], 0, 0.3)
        rows = zip(self.terms[step], self.bars, self.numbers, self.strengths, self.places, shown, strict=True)
        for terms, bars, number, strength, (x, y), part in rows:
            number.set_value(float(terms.sum()))
            strength.set(part)
            right = x + self.length
            for value, bar in zip(terms, bars, strict=True):
                end = min(x + value / self.longest * self.length * part, right)
                low, high = y - self.thick / 2, y + self.thick / 2
                box = [[x, low, 0], [end, low, 0], [end, high, 0], [x, high, 0]]
                set_polygons(bar, [np.array(box)] if end - x > 1e-3 else [])
                x = end
