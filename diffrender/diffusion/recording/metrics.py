"""Distances between samples and target."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from diffrender.diffusion.noise import Purpose, generator


def directions(dim: int, count: int) -> np.ndarray:
    """Unit vectors (dim, count) float32: even over the half circle in the plane, else drawn once and for all."""
    if dim == 2:
        angle = np.arange(count) * np.pi / count
        return np.stack([np.cos(angle), np.sin(angle)]).astype(np.float32)
    drawn = generator(0, Purpose.METRIC).standard_normal((dim, count))
    return (drawn / np.linalg.norm(drawn, axis=0)).astype(np.float32)


def sliced_wasserstein(a: np.ndarray, b: np.ndarray, projections: int = 64) -> float:
    """Sliced Wasserstein-2 distance of two samples (N, *event) and (M, *event), in the units of the data.

    √ of the mean over directions of W2² of the projections, which is the mean square between sorted values (Bonneel et
    al. 2015). Of unequal samples the larger is read at the quantiles of the smaller.
    """
    a, b = (np.asarray(s, np.float32).reshape(len(s), -1) for s in (a, b))
    if len(a) < len(b):
        a, b = b, a
    along = directions(a.shape[1], 1 if a.shape[1] == 1 else projections)
    rows_a, rows_b = (np.sort(np.ascontiguousarray((s @ along).T), axis=1) for s in (a, b))
    if len(a) > len(b):
        place = (np.arange(len(b)) + 0.5) / len(b) * len(a) - 0.5
        low = place.astype(np.int64)
        part = (place - low).astype(np.float32)
        rows_a = rows_a[:, low] * (1 - part) + rows_a[:, np.minimum(low + 1, len(a) - 1)] * part
    return math.sqrt(np.square(rows_a - rows_b, dtype=np.float64).mean())


def against_target(samples: np.ndarray, fresh: list[np.ndarray]) -> tuple[float, float]:
    """Sliced Wasserstein-2 of samples to fresh data, and the floor: that between two fresh data sets of the same size.

    Both are means, over the sets in `fresh` (each (N, *event)) and over neighbouring pairs of them.
    """
    distance = float(np.mean([sliced_wasserstein(samples, f) for f in fresh]))
    return distance, float(np.mean([sliced_wasserstein(f, g) for f, g in pairwise(fresh)]))
