"""Count of generated points that lie where no data are, at every snapshot of a training, in a corner of the panel."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from manim import VGroup
from scipy.spatial import cKDTree

from diffrender.animation.animations import OpacityScale
from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import MOVING_TEXT, Page
from diffrender.animation.mobjects.furniture.panels import frame
from diffrender.animation.parts.clock import Clock

FORMS = "{0:,} of {1:,} lie where no data are|{0:,} of {1:,} off the data"
HALF = "half learned: shapes no data have|half learned: not yet data|half learned"
APART = "half learned: $x$ and $y$ nearly independent|$x$ and $y$ nearly independent|$x$, $y$ nearly independent"
ANOTHER = "each frame: another network, the same noise|another network, the same noise|another network"
LEAST = "loss within 1 % of the best, yet some stray|best loss, yet some stray"
BINS, SHUFFLES = 12, 8  # of each coordinate, to see whether two depend on one another; shuffled pairs to judge it by
ALONE, CHANGED = 0.2, 0.15  # of what the data have of dependence; how far one coordinate's law has moved from the first
MANY, BEGUN = 0.2, 0.97  # share of all points, and of those that are off the data at first
ROOM, TAG_ROOM, PAD, PATCH = 0.68, 0.9, 0.1, 0.88  # of the panel's width; round the text; opacity of what is under it


def stray_counts(shots: Any, data: np.ndarray) -> np.ndarray:
    """(K,) of how many points of snapshots (K, N, D) `distance.strays` says that they lie where no data (M, D) are."""
    tree = cKDTree(np.asarray(data, float))
    usual = tree.query(tree.data, k=2)[0][:, 1].max()
    return np.array([int((tree.query(np.asarray(shot, float))[0] > usual).sum()) for shot in shots])


def stray_count(page: Page, clock: Clock, shots: Any, data: np.ndarray, box: Box, least: np.ndarray) -> list[Any]:
    """The number in the lower right corner of a box, on a patch, bound to a clock whose steps are these snapshots.

    In the upper left corner it is said what passes: one network after the other; while the number falls and is still
    large, that what is seen is half learned; and where the loss is the best possible, that points stray even so.
    least: (K,) whether it is.
    """
    counts, total = stray_counts(shots, data), len(shots[0])
    template = page.fitting(FORMS, ROOM * box.width, "legend", total, total)
    fixed = template.replace("{1:,}", f"{total:,}").replace("{0:,}", "{:,}")
    text = clock.number(fixed, counts, size="legend")
    em = page.em("legend")
    text.at(box.right - 0.2, box.bottom + 0.2, 1)
    low, high = box.bottom + 0.2 - 0.35 * em, box.bottom + 0.2 + 0.95 * em
    place = Box(box.right - 0.2 - text.room - PAD, box.right - 0.2 + PAD, low, high)
    patch = frame(place, page.theme.panel, 0, fill=page.theme.panel, radius=0.1).set_fill(opacity=PATCH)
    said = np.array([half_learned(counts, total, shot) for shot in range(len(counts))])
    apart = nearly_independent(shots, data)
    tags = []
    begun = np.logical_or.accumulate(said)
    at_best = ~said & begun & least & (counts > 0)
    for forms, when in ((ANOTHER, ~begun), (HALF, said & ~apart), (APART, said & apart), (LEAST, at_best)):
        tags.append(tag := page.tag(forms, box, room=TAG_ROOM))
        clock.bind(partial(_show, OpacityScale(tag), when), moves=[tag])
    return [VGroup(patch).set_z_index(MOVING_TEXT), text.set_z_index(MOVING_TEXT + 1), *tags]


def _show(strength: OpacityScale, when: np.ndarray, shot: float) -> None:
    strength.set(float(when[int(shot)]))


def nearly_independent(shots: Any, data: np.ndarray) -> np.ndarray:
    """(K,) whether the two coordinates of snapshots (K, N, 2) depend on one another hardly more than shuffled ones do,
    as those of the data (M, 2) do not, though one of their laws is no longer that of the first snapshot.

    The law of two is counted in `BINS` by `BINS` cells of the data's box. Never in space.
    """
    shots = np.asarray(shots, float)
    if shots.shape[2] != 2:
        return np.zeros(len(shots), bool)
    low, high = np.min(data, axis=0), np.max(data, axis=0)
    ends = np.stack([low, high], 1).tolist()
    rng = np.random.default_rng(0)

    def law(points: np.ndarray) -> np.ndarray:
        x, y = np.clip(points, low, high).T
        return np.histogram2d(x, y, bins=BINS, range=ends)[0] / len(points)

    def dependence(points: np.ndarray) -> float:
        """How far the law of both coordinates is from the product of theirs, beyond what shuffled pairs are."""
        both = [
            law(points),
            *(law(np.stack([points[:, 0], rng.permutation(points[:, 1])], 1)) for _ in range(SHUFFLES)),
        ]
        off = [np.abs(p - np.outer(p.sum(1), p.sum(0))).sum() / 2 for p in both]
        return float(off[0] - np.mean(off[1:]))

    laws = [law(shot) for shot in shots]
    moved = np.array([max(np.abs(p.sum(a) - laws[0].sum(a)).sum() / 2 for a in (0, 1)) for p in laws])
    alone = np.array([dependence(shot) for shot in shots]) < ALONE * dependence(np.asarray(data, float))
    return alone & (moved > CHANGED)


def half_learned(counts: np.ndarray, total: int, shot: int) -> bool:
    """Whether a snapshot has fewer points off the data than the first, and still many of the total."""
    return bool(MANY * total < counts[shot] < BEGUN * counts[0])
