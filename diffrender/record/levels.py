"""Noise levels: x_t = α x_0 + σ ε for every model, as tables of (alpha, sigma, time) in float64.

Index 0 is the exact clean level (1, 0); the last is the noisiest. VP (DDPM), VE (NCSN, EDM) and flow matching
(α = 1 − t, σ = t) differ only in their tables.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class Level(NamedTuple):
    """One noise level: x = alpha·x_0 + sigma·eps; `time` is what a network is conditioned on."""

    alpha: float
    sigma: float
    time: float

    @property
    def log_snr(self) -> float:
        """log(alpha² / sigma²), ±inf at the ends; twice DPM-Solver's λ."""
        if self.sigma == 0:
            return math.inf
        return -math.inf if self.alpha == 0 else 2 * math.log(self.alpha / self.sigma)


@dataclass(frozen=True)
class Levels:
    """A table of levels; alpha, sigma, time are (L,) float64."""

    alpha: np.ndarray
    sigma: np.ndarray
    time: np.ndarray
    name: str = ""

    def __len__(self) -> int:
        return len(self.alpha)

    def __getitem__(self, i: int) -> Level:
        return Level(float(self.alpha[i]), float(self.sigma[i]), float(self.time[i]))

    def __iter__(self) -> Iterator[Level]:
        return (self[i] for i in range(len(self)))
