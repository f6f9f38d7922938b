"""How many generated points lie where no data are, at every snapshot of a training, in a corner of the panel."""

from __future__ import annotations

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
MANY, BEGUN = 0.2, 0.97  # share of all points, and of those that are off the data at first
ROOM, PAD, PATCH = 0.68, 0.1, 0.88  # of the panel's width; round the text; opacity of what lies under it


def stray_counts(shots: Any, data: np.ndarray) -> np.ndarray:
    """(K,) of how many points of snapshots (K, N, D) `distance.strays` says that they lie where no data (M, D) are."""
    tree = cKDTree(np.asarray(data, float))
    usual = tree.query(tree.data, k=2)[0][:, 1].max()
    return np.array([int((tree.query(np.asarray(shot, float))[0] > usual).sum()) for shot in shots])


def stray_count(page: Page, clock: Clock, shots: Any, data: np.ndarray, box: Box) -> list[Any]:
    """The number in the lower right corner of a box, on a patch, bound to a clock whose steps are these snapshots.

    While it falls and is still large, it is said in the upper left corner that what is seen there is half learned.
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
    half = page.tag(HALF, box)
    strength = OpacityScale(half)
    clock.bind(lambda shot: strength.set(float(half_learned(counts, total, int(shot)))), moves=[half])
    return [VGroup(patch).set_z_index(MOVING_TEXT), text.set_z_index(MOVING_TEXT + 1), half]


def half_learned(counts: np.ndarray, total: int, shot: int) -> bool:
    """Whether a snapshot has fewer points off the data than the first, and still many of the total."""
    return bool(MANY * total < counts[shot] < BEGUN * counts[0])
