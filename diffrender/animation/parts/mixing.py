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


class Mixing(NamedTuple):
    """How fast a chain forgets: steps that tell as much of a mean as one independent draw, with the standard error of
    that figure; and the correlation (K,) of states 0, 1, … steps apart whose sum it is. Of the slowest coordinate.
    """

    steps: float
    error: float
    correlation: np.ndarray


def mixing(x: np.ndarray) -> Mixing:
    """How fast chains forget, from their states (T, N, D), or those of one, (T, D).

    steps: the integrated autocorrelation time 1 + 2 Σ ρ(k) over Sokal's window, and its error by his formula (3.19):
    Sokal 1997, Monte Carlo methods in statistical mechanics, section 3.
    """
    x = np.asarray(x, float).reshape(len(x), -1, np.shape(x)[-1])
    x = x - x.mean(axis=(0, 1))
    count, chains, _ = x.shape
    power = np.abs(np.fft.rfft(x, 2 * count, axis=0)) ** 2
    covariance = np.fft.irfft(power, axis=0)[:count].mean(1)  # (T, D)
    correlation = covariance / np.maximum(covariance[0], 1e-300)
    times = 2 * np.cumsum(correlation, axis=0) - 1
    late = np.arange(count)[:, None] >= WINDOW * times
    last = np.where(late.any(0), late.argmax(0), count - 1)
    found = times[last, np.arange(len(last))]
    slowest = int(np.argmax(found))
    steps = float(found[slowest])
    error = steps * float(np.sqrt(2 * (2 * last[slowest] + 1) / (count * chains)))
    return Mixing(steps, error, correlation[:, slowest])


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


def rounded(value: float, figures: int = 2) -> int:
    """A number from 1 on, rounded to so many figures."""
    return int(float(f"{max(value, 1.0):.{figures - 1}e}"))
