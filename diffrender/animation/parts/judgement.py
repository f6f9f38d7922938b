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

NO_FARTHER = (
    "No farther from the data than true samples, by all three|no farther than true samples, by all three"
    "|no farther than true samples"
)
NEARER = (
    "Nearer to the data than true samples are: copies, or too narrow|nearer than true samples: copies, or too narrow"
)
NARROW = "A little nearer to the data than true samples: slightly too narrow|a little nearer: slightly too narrow"
MORE_STRAY = (
    "Together they lie where true samples lie, but {:,} of {:,} stray|where true samples lie, but {:,} of {:,} stray"
)
LOOSER = "Together they lie where true samples lie, each less close to the data|where true samples lie, but less close"
LOOSER_STRAY = (
    "Together they lie where true samples lie, but less close: {:,} of {:,} stray"
    "|where true samples lie, but {:,} of {:,} stray"
)
SHARES = "Close to the data, but too many in some places and too few in others|close, but unevenly shared"
SHARES_NEARER = "Closer than true samples, but too many in some places, too few in others|closer, but unevenly shared"
SHARES_STRAY = "Too many in some places, too few in others, and {:,} of {:,} stray|unevenly shared, {:,} of {:,} stray"
FARTHER = "Farther from the data than true samples, by both distances|farther than true samples"
VERDICTS = {  # farther as a whole; and how it is point by point
    False: {"near": NO_FARTHER, "narrow": NARROW, "nearer": NEARER, "stray": MORE_STRAY, "farther": LOOSER},
    True: {"near": SHARES, "narrow": SHARES_NEARER, "nearer": SHARES_NEARER, "stray": SHARES_STRAY, "farther": FARTHER},
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


def judgement(run: Trajectory, last: np.ndarray, *, stray: int, shown: int, outside: int = 0) -> Judgement | None:
    """Of the last states of a run, of which so many are `shown` and so many of these `stray`, some of them so far that
    they lie `outside` the panel; None if too few data were recorded."""
    whole, usual = judged_distance(run, last), usual_strays(run, last)
    if whole is None or usual is None:
        return None
    nearest = nearest_distances(run, [last])[0]
    (near, near_true), (far, far_true) = written(nearest), written(whole)
    return Judgement(
        [near, far, f"{stray:,} of {shown:,}" + (f", {outside:,} outside" if outside else "")],
        [near_true, far_true, f"{usual[0]:,}–{usual[1]:,}"],
        compared_points(run, last) or 0,
        verdict(whole.far > whole.high, point_by_point(nearest, stray > usual[1]), stray, usual[1], shown),
    )


def verdict(whole_farther: bool, how: str, stray: int, most: int, shown: int) -> str:
    """The sentence, in forms: what strays is counted in it if more than `most`, as of true samples."""
    forms = VERDICTS[whole_farther][how]
    forms = LOOSER_STRAY if forms == LOOSER and stray > most else forms
    return "|".join(form.format(stray, shown) for form in forms.split("|"))


def point_by_point(nearest: Judged, more_stray: bool) -> str:
    """How samples lie: `farther` from the nearest data than true ones, or but `stray`; `near`, `narrow` or `nearer`."""
    if nearest.far > nearest.high:
        return "farther"
    if more_stray:
        return "stray"
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
