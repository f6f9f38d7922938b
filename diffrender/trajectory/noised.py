"""Share of the recorded data, noised to the level of each step, within a curve that moves with the steps."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from diffrender.trajectory.reader import Trajectory

NODES, WEIGHTS = np.polynomial.legendre.leggauss(3)
PARTS = 64  # of a side at most: noise that is finer than one is taken for none
FAR = 7.0  # deviations from a point of the data beyond which none of its noise is counted


def noised_share(run: Trajectory, rings: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """(T+1,) the part of αx₀ + σε that lies in the ring (K, 2) of each step, as shown; and its standard error.

    x₀ are the recorded data of the plane, of which alone the error comes: of the noise ε it is the exact probability.
    """
    data = np.asarray(run.target, float)
    shares = []
    for ring, alpha, sigma, scale in zip(rings, run["alpha"], run["sigma"], run.scale, strict=True):
        of_each = mass_within(alpha * data / scale, float(sigma / scale), np.asarray(ring, float))
        shares.append((of_each.mean(), of_each.std() / np.sqrt(len(data))))
    share, error = np.transpose(shares)
    return share, error


def mass_within(points: np.ndarray, sigma: float, ring: np.ndarray) -> np.ndarray:
    """(N,) how much of the normal law of deviation `sigma` round each of points (N, 2) lies within a closed curve
    through (K, 2) that does not cross itself: by Green's theorem the integral of Φ(x) φ(y) dy along it."""
    from scipy.special import ndtr

    sides = np.roll(ring, -1, axis=0) - ring
    longest = float(np.linalg.norm(sides, axis=1).max())
    if longest > PARTS * sigma:
        return within(points, ring).astype(float)
    parts = max(1, math.ceil(longest / sigma))
    along = ((np.arange(parts)[:, None] + (NODES + 1) / 2) / parts).ravel()
    at = (ring[:, None] + along[:, None] * sides[:, None]).reshape(-1, 2)
    dy = (sides[:, 1, None] * np.tile(WEIGHTS / 2 / parts, parts)).ravel() / sigma
    mass = np.zeros(len(points))
    near = ((points > ring.min(0) - FAR * sigma) & (points < ring.max(0) + FAR * sigma)).all(1)
    u, v = np.moveaxis((at - points[near][:, None]) / sigma, -1, 0)
    mass[near] = np.abs((ndtr(u) * np.exp(-v * v / 2)) @ dy) / math.sqrt(2 * math.pi)
    return mass


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
