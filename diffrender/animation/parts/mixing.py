"""The worth of a long chain: how many steps tell as much as one independent draw, and how far it is biased."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from diffrender.animation.parts.basins import Basins

WINDOW = 5  # correlation times over which correlations are summed
BATCHES = 20  # parts of a chain, whose differences say how sure a mean over it is


class Share(NamedTuple):
    """A part of a figure, in percent, and its standard error."""

    percent: float
    error: float


def steps_per_draw(x: np.ndarray) -> float:
    """The integrated autocorrelation time of states (T, D), of that coordinate in which it is longest.

    1 + 2 Σ ρ(k) over the window of Sokal 1997, Monte Carlo methods in statistical mechanics, section 3.
    """
    x = np.asarray(x, float) - np.mean(x, axis=0, dtype=float)
    power = np.abs(np.fft.rfft(x, 2 * len(x), axis=0)) ** 2
    covariance = np.fft.irfft(power, axis=0)[: len(x)]
    times = 2 * np.cumsum(covariance / np.maximum(covariance[0], 1e-300), axis=0) - 1
    late = np.arange(len(x))[:, None] >= WINDOW * times
    last = np.where(late.any(0), late.argmax(0), len(x) - 1)
    return float(np.max(times[last, np.arange(x.shape[1])]))


def spread_bias(basins: Basins, x: np.ndarray) -> Share:
    """How much wider states (T, 2) lie round the means of their basins than the density does."""
    own = basins.of(np.asarray(x))
    away = np.square(np.asarray(x, float) - basins.means[own]).mean(1)
    true = np.square(basins.spreads)[own]

    def wider(part: slice) -> float:
        return 100 * (float(np.sqrt(away[part].mean() / true[part].mean())) - 1)

    edges = np.linspace(0, len(x), BATCHES + 1).astype(int)
    parts = [wider(slice(a, b)) for a, b in pairwise(edges)]
    return Share(wider(slice(None)), float(np.std(parts, ddof=1) / np.sqrt(BATCHES)))


def rounded(value: float) -> int:
    """A number from 1 on, rounded to two figures."""
    return int(float(f"{max(value, 1.0):.1e}"))
