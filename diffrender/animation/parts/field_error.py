"""The error of a network's field, against that of the data that it learned, from a recording alone."""

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
    if not _is_known(run):
        return None
    at = places.reshape(-1, places.shape[-1])
    some = slice(None, None, max(1, len(at) // PLACES))
    steps = _moments(len(velocities))
    probed = np.stack([np.asarray(velocities[k], np.float32).reshape(at.shape)[some] for k in steps])
    error = _error(_data(run), at[some].astype(np.float32), probed, _levels(run, steps))
    return _at_all(error, len(velocities))


def _is_known(run: Trajectory) -> bool:
    """Whether a network's error can be told from a recording."""
    learned = (run.meta.get("model") or {}).get("kind") == "learned"
    return learned and len(run.target) >= FEWEST and "time" in run and bool(run["sigma"][:-1].all())


def _data(run: Trajectory) -> np.ndarray:
    return np.asarray(run.target[:MOST], np.float32)


def _moments(count: int) -> np.ndarray:
    return np.unique(np.rint(np.linspace(0, count - 1, min(count, MOMENTS))).astype(int))


def _levels(run: Trajectory, steps: np.ndarray) -> np.ndarray:
    """(K, 6) of α, α', σ, σ', t, t' of steps (K,)."""
    return np.stack(
        [[float(run[name][k + end]) for name in ("alpha", "sigma", "time") for end in (0, 1)] for k in steps]
    )


def _at_all(error: np.ndarray, count: int) -> np.ndarray:
    """(count,) of an error at `_moments`: between two of them the last one stands."""
    return error[np.searchsorted(_moments(count), np.arange(count), side="right") - 1]


@remembered
def _error(data: np.ndarray, places: np.ndarray, probed: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """(K,): the error of probed (K, P, D) at places (P, D), from data (N, D), as a share of the exact velocity;
    levels: (K, 6) of `_levels`."""
    shares = []
    for learned, (alpha, next_alpha, sigma, next_sigma, time, next_time) in zip(probed, levels, strict=True):
        x = places
        apart = np.square(alpha * data).sum(1) - 2 * alpha * x @ data.T  # but for what is the same for all data
        weight = np.exp((apart.min(1, keepdims=True) - apart) / (2 * sigma**2))
        x0 = weight @ data / weight.sum(1, keepdims=True)
        noise = (x - alpha * x0) / sigma
        exact = ((next_alpha - alpha) * x0 + (next_sigma - sigma) * noise) / (next_time - time)
        shares.append(np.linalg.norm(learned - exact) / max(float(np.linalg.norm(exact)), 1e-12))
    return np.array(shares)
