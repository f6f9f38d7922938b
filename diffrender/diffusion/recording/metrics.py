"""Distances between samples and target."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from diffrender.trajectory import distance


def sliced_wasserstein(a: np.ndarray, b: np.ndarray, projections: int = 64) -> float:
    """Sliced Wasserstein-2 distance of two samples (N, *event) and (M, *event), in the units of the data."""
    a, b = (np.asarray(s, np.float32).reshape(len(s), -1) for s in (a, b))
    return distance.sliced_wasserstein(a, b, distance.directions(a.shape[1], projections))


def against_target(samples: np.ndarray, fresh: list[np.ndarray]) -> tuple[float, float]:
    """Sliced Wasserstein-2 of samples to fresh data, and the floor: that between two fresh data sets of the same size.

    Both are means, over the sets in `fresh` (each (N, *event)) and over neighbouring pairs of them.
    """
    away = float(np.mean([sliced_wasserstein(samples, f) for f in fresh]))
    return away, float(np.mean([sliced_wasserstein(f, g) for f, g in pairwise(fresh)]))


def neighbour_agreement(points: np.ndarray, label: np.ndarray, count: int = 15) -> float:
    """The share of points (N, D) whose class (N,) most of their `count` nearest neighbours have: leave-one-out kNN."""
    from scipy.spatial import cKDTree

    count = min(count, len(points) - 1)
    near = cKDTree(points).query(points, count + 1)[1][:, 1:]
    votes = np.zeros((len(points), int(label.max()) + 1), np.int64)
    np.add.at(votes, (np.repeat(np.arange(len(points)), count), label[near].ravel()), 1)
    return float((votes.argmax(1) == label).mean())
