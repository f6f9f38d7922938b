"""How much of the recorded data, noised to the level of each step, lies within a curve that moves with the steps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from diffrender.trajectory.reader import Trajectory

COPIES = 20_000  # of the data together, each with a noise of its own


def noised_share(run: Trajectory, rings: Sequence[np.ndarray], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(T+1,) the part of αx₀ + σε that lies in the ring (K, 2) of each step, as shown; and its standard error.

    x₀ are the recorded data of the plane, with as many noises each as make `COPIES`. The error is of the data, of
    which there are far fewer than of the noise.
    """
    data = np.asarray(run.target, float)
    each = max(1, COPIES // len(data))
    noise = np.random.default_rng(seed).standard_normal((each, *data.shape))
    shares = []
    for ring, alpha, sigma, scale in zip(rings, run["alpha"], run["sigma"], run.scale, strict=True):
        found = within((alpha * data + sigma * noise).reshape(-1, 2) / scale, np.asarray(ring, float))
        of_each = found.reshape(each, -1).mean(0)
        shares.append((of_each.mean(), of_each.std() / np.sqrt(len(data))))
    share, error = np.transpose(shares)
    return share, error


def within(points: np.ndarray, ring: np.ndarray) -> np.ndarray:
    """(N,) which of points (N, 2) lie within a closed curve through (K, 2): a ray from them crosses it an odd number of
    times."""
    near = ((points >= ring.min(0)) & (points <= ring.max(0))).all(1)
    (x, y), inside = points[near].T[..., None], np.zeros(len(points), bool)
    (x0, y0), (x1, y1) = ring.T, np.roll(ring, -1, axis=0).T
    with np.errstate(divide="ignore", invalid="ignore"):
        right = x < x0 + (y - y0) * (x1 - x0) / (y1 - y0)
    inside[near] = (((y0 > y) != (y1 > y)) & right).sum(1) % 2 == 1
    return inside
