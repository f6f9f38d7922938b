"""Flows on their straight clock: y = x/(α + σ) at t = σ/(α + σ), where every conditional path is a straight line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from diffrender.trajectory.reader import Trajectory


def straight_time(run: Trajectory) -> np.ndarray:
    """(T+1,) t = σ/(α + σ) of each state, from 1 in the noise to 0 in the data."""
    alpha, sigma = (np.asarray(run[key], float) for key in ("alpha", "sigma"))
    return sigma / (alpha + sigma)


def on_straight_clock(run: Trajectory, chains: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """y (T+1, N, D) and t (T+1,) of a recording's first chains: conditional paths are y = (1 − t) x_0 + t ε."""
    alpha, sigma = (np.asarray(run[key], float) for key in ("alpha", "sigma"))
    return np.asarray(run["x"][:, :chains], float) / (alpha + sigma)[:, None, None], straight_time(run)


def straightness(y: np.ndarray, t: np.ndarray) -> float:
    """S = ∫ E|ẏ_t − (y_1 − y_0)|² dt / E|y_1 − y_0|² of paths y (T+1, N, D) at t (T+1,): 0 where all are straight.

    Liu, Gong & Liu 2023, eq. 5, divided by the mean square way; each step is a straight piece at one speed.
    """
    span = t[-1] - t[0]
    way = (y[-1] - y[0]) / span
    speed = np.diff(y, axis=0) / np.diff(t)[:, None, None]
    off = np.square(speed - way).sum(2).mean(1)
    return float((off * np.abs(np.diff(t))).sum() / abs(span) / np.square(way).sum(1).mean())


def evaluations_needed(calls: Sequence[np.ndarray], far: Sequence[np.ndarray], level: float) -> list[int | None]:
    """The fewest calls (K,) of each with which its distance (K,) is at most `level`; None where none are enough."""
    return [
        next((int(c) for c, d in zip(each, to, strict=True) if d <= level), None)
        for each, to in zip(calls, far, strict=True)
    ]
