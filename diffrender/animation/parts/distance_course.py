"""The falling distance of a run to the data, over the band in which two draws of the data lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffrender.animation.layout.box import Box
from diffrender.animation.parts.axes import Axes, evenly
from diffrender.animation.parts.beside import FAR, FLOOR, METRIC
from diffrender.animation.parts.clock import Clock
from diffrender.trajectory.distance import MOST_POINTS, Judged, compared_points, judged_distances

BAND = "two true samples"
AWAY = 0.25  # of the chart from texts
MOMENTS = 128  # of a run at which it is measured, at most: between two of them it is on the line from one to the next
LOW = 3.4  # em of the legend: a lower chart cannot be read


class DistanceCourse:
    """Distance to the data at each recorded step, judged as the end of a clip judges it, bound to a clock.

    steps, measured: (K,) where it was measured, and the distances there. far: (T+1,) distances; empty if none is known.
    usual: the last, with the band of two draws of the data, or None.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock, run = clock, clock.run
        every = np.arange(run.steps + 1)
        self.steps = np.unique(np.rint(np.linspace(0, run.steps, min(run.steps + 1, MOMENTS))).astype(int))
        course = judged_distances(run, [np.asarray(run.states[int(k)][:MOST_POINTS]) for k in self.steps])
        self.usual: Judged | None = course[-1] if course else None
        if course:
            self.measured = np.array([each.far for each in course])
        else:
            recorded = np.asarray(run[METRIC], float) if METRIC in run else np.zeros(0)
            self.steps, self.measured = every[: len(recorded)], recorded
        self.far = np.interp(every, self.steps, self.measured) if len(self.measured) else self.measured

    def halfway(self) -> int:
        """The first step at which half of the way to the data's distance is gone, before which states are not told from
        a blob; 0 if distances are not known."""
        far = self.far
        return int(np.argmax(far <= (far[0] + far[-1]) / 2)) if len(far) else 0

    def lines(self, width: float) -> list[Any]:
        """Texts for a column so wide: the distance as it is now, and under it of how many points it is, and its floor,
        that of two draws; none if not known."""
        page, run = self.clock.page, self.clock.run
        if not len(self.far):
            return []
        made = [self.clock.number(page.fitting(FAR, width, "legend", 0.0), self.far, size="legend")]
        if self.usual:
            values = compared_points(run, run.states[-1]), self.usual.usual
            said = page.fitting(FLOOR, width, "legend", *values).format(*values)
            made.append(page.roomy(page.words(said, "legend", "muted"), width))
        return made

    def chart(self, box: Box, above: Sequence[Any] = (), below: Any = None) -> list[Any]:
        """The curve over the steps, and the band, in what of a box lies under texts and over a legend.

        Nothing where it could not be read.
        """
        page, theme, steps = self.clock.page, self.clock.page.theme, self.clock.run.steps
        em = page.em("legend")
        tops = [float(text.get_bottom()[1]) - AWAY for text in above]
        box = box._replace(top=min([box.top, *tops]))
        foot = box.bottom if below is None else float(below.get_top()[1]) + AWAY
        box = box._replace(bottom=foot + 1.3 * em)
        if not len(self.far) or box.height < LOW * em:
            return []
        top = float(max(self.far.max(), self.usual.high if self.usual else 0))
        axes = Axes(
            page, box, x=(0, steps), y=(0, 1.02 * top), x_ticks=(), y_ticks=(0, evenly(0, top, 2)[1]), pad=0.06,
        )  # fmt: skip
        named = page.label("step", axes.rect.right, axes.rect.bottom - 1.1 * em, 1, "legend", "muted")
        curve = axes.curve(self.steps, self.measured, color=theme.samples, ring=theme.bg).set_z_index(3)
        order = np.arange(len(self.steps))
        self.clock.bind(lambda step: curve.show_step(float(np.interp(step, self.steps, order))), moves=[curve])
        return [*axes.mobjects, named, *self._band(axes), curve]

    def _band(self, axes: Axes) -> list[Any]:
        """The band of two draws, named over it or under it, wherever the curve leaves room."""
        if not self.usual:
            return []
        page, (left, _, bottom, top) = self.clock.page, axes.rect
        made: list[Any] = [axes.band(self.usual.low, self.usual.high)]
        name, em = page.words(BAND, "floor", "muted"), page.em("floor")
        share = (name.width + em) / axes.rect.width
        if share > 1:
            return made
        crossed = [axes.at(0, far)[1] for far in self.far[: int(np.ceil(share * len(self.far))) + 1]]
        low, high = (axes.at(0, value)[1] for value in (self.usual.low, self.usual.high))
        for y in (high + 0.3 * em, low - 1.0 * em):
            clear = all(far < y - 0.3 * em or far > y + em for far in crossed)
            if clear and y - 0.3 * em > bottom and y + em < top:
                return [*made, name.at(left + 0.3 * em, y)]
        return made
