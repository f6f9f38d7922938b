"""Judgement of what came out: a table beside two true samples, and a sentence that claims no more than all of it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from manim import Circle, VGroup

from diffrender.animation.layout.box import Boxes
from diffrender.animation.layout.page import Page, narrowed
from diffrender.animation.layout.views import Plane
from diffrender.animation.theme import LINE
from diffrender.trajectory.distance import (
    Judged,
    compared_points,
    judged_distance,
    nearest_distances,
    strays,
    usual_strays,
)
from diffrender.trajectory.reader import Trajectory

NEAREST = "mean distance to the nearest data", "to the nearest data", "nearest data"  # forms, the longest first
WHOLE = "sliced Wasserstein distance", "sliced Wasserstein", "sliced $W_2$"
RINGED = "stray points (ringed)", "stray (ringed)", "stray"
STRAY = "stray points", "stray points", "stray"
TRUE = "two true samples of {:,}", "two true samples", "true samples"
MEANT = "stray: farther from the data than any of these from its nearest"  # for a caption
ONLY_STRAY = "{:,} of {:,} stray from the data|{:,} of {:,} stray"  # if too few data were recorded for more
NO_FARTHER = (
    "No farther from the data than true samples, by all three|no farther than true samples, by all three"
    "|no farther than true samples"
)
POINTS = "As a whole no farther than true samples, point by point farther|near as a whole, not point by point"
SHARES = "Point by point no farther than true samples, but shared out otherwise|near, but shared out otherwise"
FARTHER = "Farther than true samples, as a whole and point by point|farther than true samples"
VERDICTS = {False: (NO_FARTHER, POINTS), True: (SHARES, FARTHER)}  # farther as a whole; and point by point
MANY = 0.1  # share of points that stray, from which on rings would hide what they are to show
MOST_DIGITS = 5  # of a distance
GAPS = 1.6, 1.6, 0.9  # em, between columns
RING, POINT = 0.12, 0.055  # radius of the rings round points that stray; in space of their points, that have a rim


class JudgedTable:
    """Under both of two panels, of samples and of two true samples: mean distance to the nearest data, sliced
    Wasserstein distance and how many points shown stray; and a sentence on whether all three are as those of true ones.

    A point strays if it is farther from the data shown than any of these is from its nearest. right: the view of the
    samples, at rest; those that stray have rings if they are few. points: shown of the data and of the samples, each.
    last: all samples. name: of them. mobjects: the texts. meant: what a caption must say of them. rings: to be shown
    when the points are in place. lines: of legends under `two panels` that it needs.
    """

    lines: ClassVar[dict[str, int]] = {"wide": 5, "classic": 5, "square": 5, "tall": 3}

    def __init__(
        self, page: Page, run: Trajectory, last: np.ndarray, right: Plane, boxes: Boxes, *, points: int, name: str
    ) -> None:
        self.page, self.run, self.last, self.name = page, run, last, name
        self.box = boxes.left_key._replace(right=boxes.right_key.right)
        shown = np.asarray(last[:points], float)
        far = strays(shown, np.asarray(run.target[:points], float))
        self.stray, self.shown = int(far.sum()), len(shown)
        self.rings = self._rings(right, shown[far]) if 0 < self.stray <= MANY * self.shown else VGroup()
        self.mobjects: list[Any] = self._judgement() or [self._line(ONLY_STRAY, self.stray, self.shown)]
        self.meant = MEANT if page.shape in ("wide", "classic") else ""

    def _rings(self, right: Plane, points: np.ndarray) -> Any:
        """Rings round points (N, D) that are seen; in space points with a rim, that turn with the rest."""
        theme, at = self.page.theme, right.to_scene(points)
        (a, b, c, d) = right.rect
        seen = (at[:, 0] > a) & (at[:, 0] < b) & (at[:, 1] > c) & (at[:, 1] < d)
        if not seen.any():
            return VGroup()
        if right.dims == 3:
            rim: dict[str, Any] = {"color": theme.samples, "radius": POINT, "ring": theme.fg}
            return right.cloud(points[seen], **rim)
        drawn = [Circle(radius=RING).set_stroke(theme.fg, 100 * LINE).move_to([*p, 0.0]) for p in at[seen]]
        return VGroup(*drawn).set_z_index(9)

    def _line(self, forms: str, *values: int) -> Any:
        page, size = self.page, "label" if self.page.shape == "wide" else "legend"
        text = page.fitting(forms, self.box.width, size, *values).format(*values)
        return page.roomy(page.label(text, self.box.center[0], page.foot(self.box)[1], 0, size), self.box.width)

    def _judgement(self) -> list[Any]:
        """The table and the sentence; nothing if too few data were recorded."""
        run, last = self.run, self.last
        whole, usual = judged_distance(run, last), usual_strays(run, last)
        if whole is None or usual is None:
            return []
        nearest = nearest_distances(run, [last])[0]
        (near, near_true), (far, far_true) = written(nearest), written(whole)
        columns = [near, far, f"{self.stray:,} of {self.shown:,}"]
        true = [near_true, far_true, f"{usual[0]:,}–{usual[1]:,}"]
        points = nearest.far > nearest.high or self.stray > usual[1]
        said = VERDICTS[whole.far > whole.high][points]
        return [*self._table(columns, true, compared_points(run, last)), self._line(said)]

    def _table(self, figures: list[str], true: list[str], size: int | None) -> list[Any]:
        """Its words, the longest that there is room for, in the middle."""
        page, em = self.page, self.page.em("legend")
        rows = RINGED if len(self.rings) else STRAY
        for *names, heading, gap in zip(NEAREST, WHOLE, rows, TRUE, GAPS, strict=True):
            columns = [
                [page.words(name, "legend", "muted") for name in names],
                [page.words(self.name, "legend", "samples"), *(page.words(text, "legend") for text in figures)],
                [
                    page.words(heading.format(size or 0), "legend", "data"),
                    *(page.words(text, "legend") for text in true),
                ],
            ]
            widths = [max(text.width for text in column) for column in columns]
            if (whole := sum(widths) + 2 * gap * em) <= self.box.width:
                break
        left, line = self.box.center[0] - whole / 2, 1.35 * em
        foot = page.foot(self.box)[1] + 1.15 * line
        for column, width in zip(columns, widths, strict=True):
            for k, text in enumerate(reversed(column)):
                text.at(left, foot + k * line)
            left += width + gap * em
        return [narrowed(VGroup(*(text for column in columns for text in column)), self.box.width)]


def written(figures: Judged) -> tuple[str, str]:
    """A distance and its range, in as many digits as tell the range's ends apart, and the distance from both."""
    low, high = figures.low, figures.high
    marks = sorted({low, high, figures.far})
    least = min((b - a for a, b in pairwise(marks)), default=1.0)
    digits = next((k for k in range(3, MOST_DIGITS) if least > 10.0**-k), MOST_DIGITS)
    return f"{figures.far:.{digits}f}", f"{low:.{digits}f}–{high:.{digits}f}"
