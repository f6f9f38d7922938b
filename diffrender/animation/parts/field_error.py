"""How far a network's field is from that of the data that it learned, from a recording alone."""

from __future__ import annotations

import numpy as np

from diffrender.core.remembered import remembered
from diffrender.trajectory.reader import Trajectory

FEWEST, MOST = 500, 2000  # points of the data that stand for them
PLACES = 200  # of the grid at which it is asked, about so many
MOMENTS = 128  # of a run at which it is asked, at most: between two of them the last one stands


def field_error(run: Trajectory, places: np.ndarray, velocities: np.ndarray) -> np.ndarray | None:
    """(K,) root mean square of the error of learned velocities (K, …, D) at places (…, D), as a share of the exact's.

    The exact velocity over a step is ((α' − α) x̂0 + (σ' − σ) ε̂) / (t' − t), with x̂0 the mean of the recorded data
    given x (Karras et al. 2022, eq. 57). None if no network learned the field, or too few data were recorded.
    """
    learned = (run.meta.get("model") or {}).get("kind") == "learned"
    if not learned or len(run.target) < FEWEST or "time" not in run or not run["sigma"][:-1].all():
        return None
    count, dims = len(velocities), places.shape[-1]
    steps = np.unique(np.rint(np.linspace(0, count - 1, min(count, MOMENTS))).astype(int))
    at = places.reshape(-1, dims)
    some = slice(None, None, max(1, len(at) // PLACES))
    probed = np.stack([np.asarray(velocities[k], np.float32).reshape(-1, dims)[some] for k in steps])
    names = ("alpha", "sigma", "time")
    levels = np.stack([[float(run[name][k + end]) for name in names for end in (0, 1)] for k in steps])
    error = _error(np.asarray(run.target[:MOST], np.float32), at[some].astype(np.float32), probed, levels)
    return error[np.searchsorted(steps, np.arange(count), side="right") - 1]


@remembered
def _error(data: np.ndarray, places: np.ndarray, probed: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Of probed (K, P, D) at places (P, D), from data (N, D); levels: (K, 6) of α, α', σ, σ', t, t'."""
    shares = []
    for learned, (alpha, next_alpha, sigma, next_sigma, time, next_time) in zip(probed, levels, strict=True):
        apart = np.square(alpha * data).sum(1) - 2 * alpha * places @ data.T  # but for what is the same for all data
        weight = np.exp((apart.min(1, keepdims=True) - apart) / (2 * sigma**2))
        x0 = weight @ data / weight.sum(1, keepdims=True)
        noise = (places - alpha * x0) / sigma
        exact = ((next_alpha - alpha) * x0 + (next_sigma - sigma) * noise) / (next_time - time)
        shares.append(np.linalg.norm(learned - exact) / max(float(np.linalg.norm(exact)), 1e-12))
    return np.array(shares)
