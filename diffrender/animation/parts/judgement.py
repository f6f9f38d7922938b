"""Judgement of samples: figures beside those of true ones, and a sentence that claims no more than they."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from diffrender.trajectory.distance import (
    Judged,
    compared_points,
    judged_distance,
    nearest_distances,
    usual_strays,
)
from diffrender.trajectory.reader import Trajectory

UNEVEN = "too many in some places, too few in others"
SAID = {  # farther as a whole, and how most are point by point: if no more stray than of true samples, and if more do
    (False, "near"): (
        "No farther from the data than true samples, by all three|no farther than true samples, by all three"
        "|no farther than true samples",
        "{:,} of {:,} stray, true: {}; the others land like true samples|{:,} of {:,} stray, others like true samples",
    ),
    (False, "narrow"): (
        "Slightly too narrow: {} from the nearest data, true: {}|slightly too narrow: {}, true: {}",
        "{:,} of {:,} stray, true: {}; the others are slightly too narrow|{:,} of {:,} stray, others too narrow",
    ),
    (False, "nearer"): (
        "Copies, or too narrow: {} from the nearest data, true: {}|copies, or too narrow: {}, true: {}",
        "{:,} of {:,} stray, true: {}; the others are copies, or too narrow"
        "|{:,} of {:,} stray, others copies, or narrow",
    ),
    (False, "farther"): (
        "Too loose: {} from the nearest data, true: {}|too loose: {}, true: {}",
        "Too loose, and {:,} of {:,} stray, true: {}|too loose; {:,} of {:,} stray",
    ),
    (True, "near"): (
        f"Unevenly shared: {UNEVEN}|unevenly shared",
        "Unevenly shared, and {:,} of {:,} stray, true: {}|unevenly shared; {:,} of {:,} stray",
    ),
    (True, "narrow"): (
        f"Slightly too narrow; {UNEVEN}|slightly too narrow, unevenly shared",
        "{:,} of {:,} stray, true: {}; the others are slightly too narrow, unevenly shared"
        "|{:,} of {:,} stray, others too narrow, uneven",
    ),
    (True, "nearer"): (
        f"Copies, or too narrow; {UNEVEN}|copies, or too narrow; unevenly shared",
        "{:,} of {:,} stray, true: {}; the others are copies or too narrow, unevenly shared"
        "|{:,} of {:,} stray, others copies or narrow, uneven",
    ),
    (True, "farther"): (
        "Farther from the data than true samples, by both distances|farther than true samples",
        "Farther from the data than true samples, and {:,} of {:,} stray, true: {}"
        "|farther than true samples; {:,} of {:,} stray",
    ),
}
CLEARLY = 0.5  # widths of the range of true samples, by which samples are nearer than its low end
COPIES = 0.8  # of that low end: what is nearer may be copies; what is between is narrow
MOST_DIGITS = 5  # of a distance


class Judgement(NamedTuple):
    """Mean distance to the nearest data, sliced Wasserstein distance and how many of the points shown stray.

    figures: of the samples. true: between which those of true samples, sets of `size` points, lie nine times in ten.
    said: the sentence, in forms, the longest first.
    """

    figures: list[str]
    true: list[str]
    size: int
    said: str


def judgement(run: Trajectory, last: np.ndarray, far: np.ndarray, *, outside: int = 0) -> Judgement | None:
    """Of the last states (N, D) of a run, of the first of which those that are `far` (M,), M <= N, stray, some of them
    so far that they lie `outside` the panel; None if too few data were recorded."""
    whole, usual = judged_distance(run, last), usual_strays(run, last)
    if whole is None or usual is None:
        return None
    stray, shown, true = int(far.sum()), len(far), f"{usual[0]:,}–{usual[1]:,}"
    more = stray > usual[1]
    # those that stray are told of besides: the others are judged without them
    most = last[:shown][~far] if more and not far.all() else last
    rest, nearest = nearest_distances(run, [most, last])
    (near, near_true), (apart, apart_true) = written(nearest), written(whole)
    of_most = judged_distance(run, most) if whole.far > whole.high and most is not last else whole
    farther = of_most is None or of_most.far > of_most.high
    return Judgement(
        [near, apart, f"{stray:,} of {shown:,}" + (f", {outside:,} outside" if outside else "")],
        [near_true, apart_true, true],
        compared_points(run, last) or 0,
        verdict(farther, point_by_point(rest), (stray, shown, true) if more else None, (near, near_true)),
    )


def verdict(farther: bool, how: str, strays: tuple[int, int, str] | None, nearest: tuple[str, str]) -> str:
    """The sentence, in forms: farther as a whole, or not, and `how` most are, `point_by_point`; how many of how many
    stray, and of true samples, if that is more than of these; else how far they are from the nearest data, and these.
    """
    usual, more = SAID[farther, how]
    forms, figures = (more, strays) if strays else (usual, nearest)
    return "|".join(form.format(*figures) for form in forms.split("|"))


def point_by_point(nearest: Judged) -> str:
    """How samples lie: `farther` from the nearest data than true ones; `near`, `narrow` or `nearer`."""
    if nearest.far > nearest.high:
        return "farther"
    if nearest.far < COPIES * nearest.low:
        return "nearer"
    return "narrow" if nearest.far < nearest.low - CLEARLY * (nearest.high - nearest.low) else "near"


def written(figures: Judged) -> tuple[str, str]:
    """A distance and its range, in as many digits as tell the range's ends apart, and the distance from both."""
    low, high = figures.low, figures.high
    marks = sorted({low, high, figures.far})
    least = min((b - a for a, b in pairwise(marks)), default=1.0)
    digits = next((k for k in range(3, MOST_DIGITS) if least > 10.0**-k), MOST_DIGITS)
    return f"{figures.far:.{digits}f}", f"{low:.{digits}f}–{high:.{digits}f}"
