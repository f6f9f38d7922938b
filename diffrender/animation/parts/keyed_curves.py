"""Curves over recorded time with their key and running numbers over the chart; what is to come may be shown fainter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffrender.animation.colors import blend
from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.furniture.panels import key_line
from diffrender.animation.mobjects.plane.curve import Curve
from diffrender.animation.parts.axes import Axes
from diffrender.animation.parts.clock import Clock

AHEAD = 0.45  # of a curve's colour, towards the ground, where it is to come
NUMBER, LINE_OF, KEY = 0.8, 1.45, 0.4  # em from the top to the name, em between lines, units of a key's line
KEY_BESIDE = 0.24  # of keys beside each other


class KeyedCurves:
    """A chart of figures (K,) over `at` (K,), under its name and a line `name: number` in each curve's colour.

    rows: (name, figures, colour, spec) of each; of a name's forms, parted by bars, the longest that fits is taken.
    axes: keywords of `Axes`. curves: bound to the clock; foresee says whether what is to come shows. mobjects: all.
    """

    def __init__(
        self,
        page: Page,
        clock: Clock,
        box: Box,
        name: str,
        at: np.ndarray,
        rows: Sequence[tuple[str, np.ndarray, str, str]],
        **axes: Any,
    ) -> None:
        self.page, em = page, page.em("legend")
        columns = len(rows) if page.shape == "square" else 1  # where charts are low
        y, lines = box.top - NUMBER * em, -(-len(rows) // columns)
        self.axes = Axes(page, box._replace(top=y - (0.4 + LINE_OF * lines) * em), **axes)
        key = KEY if columns == 1 else KEY_BESIDE
        left, width, last = self.axes.rect.left, self.axes.rect.width, len(at) - 1
        self.mobjects: list[Any] = [*self.axes.mobjects]
        self.mobjects.append(page.label(page.fitting(name, width, "legend"), left, y))
        self.curves: list[Curve] = []
        for k, (forms, values, color, spec) in enumerate(rows):
            column, line = k % columns, k // columns
            x, low = left + column * width / columns, y - LINE_OF * (line + 1) * em
            longest = page.words(max((format(v, spec) for v in np.nan_to_num(values)), key=len), "legend").width
            said = page.fitting(forms, width / columns - key - 0.15 - longest - 0.2, "legend")
            number = clock.number(f"{said} {{:{spec}}}", np.nan_to_num(values), size="legend")
            self.mobjects += [key_line(color)(x, x + key, low + 0.24 * em), number.at(x + key + 0.15, low)]
            curve = self.axes.curve(at, values, color=color, ring=page.theme.bg)
            self.curves.insert(0, curve.set_z_index(3 + len(rows) - k))  # the first lies over the others
        clock.bind(lambda step: [curve.show_step(min(step, last)) for curve in self.curves], moves=self.curves)
        self.mobjects += self.curves

    def foresee(self, ahead: bool) -> None:
        """Whether the curves show, fainter, what is to come."""
        for curve in self.curves:
            hue = curve.get_fill_color().to_hex()
            curve.future = blend(hue, self.page.theme.bg, AHEAD) if ahead else None
