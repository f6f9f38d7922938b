"""Distance to the data against evaluations, on logarithmic axes, a curve for each of some runs, over its floor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.furniture.panels import line, put_dashes
from diffrender.animation.parts.axes import Axes, decades

DOTS, NUMBERS = 0.85, 2.5  # units of the dotted line before the floor's name; em of the numbers at the left


class DistanceChart:
    """Distances (K,) to the data after so many network calls (K,), for each of some runs, with their floor.

    floor: how far fresh data are from those that samples are compared with; None if not known. name, floor_name: of
    their forms, parted by bars, those that fit beside each other stand over the chart. log_x: the number of calls on a
    logarithmic axis too. The curves go as far as `show_calls` says.
    """

    def __init__(
        self,
        page: Page,
        box: Box,
        calls: Sequence[np.ndarray],
        distances: Sequence[np.ndarray],
        colors: Sequence[str],
        *,
        name: str,
        floor: float | None,
        floor_name: str,
        log_x: bool = False,
    ) -> None:
        self.calls = [np.asarray(each, float) for each in calls]
        known = np.concatenate([np.asarray(each, float) for each in distances])
        low, high = min(float(known.min()), floor or np.inf), float(known.max())
        first, last = (float(end(np.concatenate(self.calls))) for end in (np.min, np.max))
        ticks = decades(first, last, 6) if log_x else None
        values, em = decades(low, high, 2), page.em("legend")
        form = page.fitting(floor_name, 0.4 * box.width, "legend", floor or 0.0)
        said = page.words(form.format(floor), "legend", "muted") if floor else None
        taken = said.width + DOTS + NUMBERS * em if said else 0.0
        name = page.fitting(name, min(0.55 * box.width, box.width - taken), "legend")
        self.axes = Axes(
            page, box, x=(first, last), y=(low, high), log_x=log_x, log_y=True,
            x_ticks=ticks, y_ticks=[values[0], values[-1]], y_name=name,
        )  # fmt: skip
        self.curves: list[Any] = [
            self.axes.curve(c, d, color=color, ring=page.theme.bg).set_z_index(3 + k)
            for k, (c, d, color) in enumerate(zip(self.calls, distances, colors, strict=True))
        ]
        self.standing: list[Any] = [*self.axes.mobjects]
        if floor and said:
            rect = self.axes.rect
            y, left = rect.top + 0.45 * em, rect.right - said.width
            dots = line([(0, 0), (0, 0)], page.theme.muted)
            put_dashes(dots, (left - DOTS, y + 0.24 * em), (left - 0.15, y + 0.24 * em))
            self.standing += [self.axes.floor(floor), said.at(rect.right, y, 1), dots]

    @property
    def mobjects(self) -> list[Any]:
        """Axes, floor and curves."""
        return [*self.standing, *self.curves]

    def show_calls(self, calls: float) -> None:
        """Draw every curve up to so many network calls."""
        for curve, at in zip(self.curves, self.calls, strict=True):
            curve.show_step(float(np.interp(calls, at, np.arange(len(at)))))

    def show_entry(self, entry: float) -> None:
        """Draw every curve up to its value number `entry`."""
        for curve in self.curves:
            curve.show_step(entry)
