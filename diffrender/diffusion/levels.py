"""Noise levels: x_t = α x_0 + σ ε for every model, as tables of (alpha, sigma, time) in float64.

Index 0 is the exact clean level (1, 0); the last is the noisiest. VP (DDPM), VE (NCSN, EDM) and flow matching
(α = 1 − t, σ = t) differ only in their tables. Entry i + 1 is what diffusers calls timestep i; its time,
(i + 1) / N, is what a network is conditioned on and a slider shows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

from diffrender.core.errors import ConfigError


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

    @property
    def lam(self) -> float:
        """λ = log(alpha / sigma) of DPM-Solver (Lu et al. 2022), ±inf at the ends."""
        return self.log_snr / 2

    @property
    def ratio(self) -> float:
        """u = sigma / alpha, the σ of k-diffusion: the noise on x / alpha; inf where alpha = 0."""
        return math.inf if self.alpha == 0 else self.sigma / self.alpha

    @property
    def straight(self) -> float:
        """sigma / (alpha + sigma) in [0, 1]: the t of flow matching, where x / (alpha + sigma) = (1 − t) x_0 + t ε."""
        return self.sigma / (self.alpha + self.sigma)


@dataclass(frozen=True)
class Schedule:
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

    @property
    def snr(self) -> np.ndarray:
        """alpha² / sigma², (L,); inf at the clean level."""
        with np.errstate(divide="ignore"):
            return (self.alpha / self.sigma) ** 2

    @property
    def log_snr(self) -> np.ndarray:
        """log(alpha² / sigma²), (L,); ±inf at the ends: a plot must cap it."""
        with np.errstate(divide="ignore"):
            return np.log(self.snr)

    @property
    def alphas_cumprod(self) -> np.ndarray:
        """ᾱ = alpha², (L,), with ᾱ = 1 first; diffusers' table of this name begins at index 1."""
        return self.alpha**2

    @cached_property
    def straight(self) -> np.ndarray:
        """`Level.straight` of every entry, (L,), rising from 0."""
        return self.sigma / (self.alpha + self.sigma)

    @cached_property
    def family(self) -> Literal["vp", "ve", "flow"]:
        """Which curve alpha and sigma lie on: alpha² + sigma² = 1, alpha = 1, or alpha + sigma = 1."""
        if np.allclose(self.alpha, 1, atol=1e-6):
            return "ve"
        return "flow" if np.allclose(self.alpha + self.sigma, 1, atol=1e-6) else "vp"

    def at_ratio(self, ratio: float) -> Level:
        """The level where sigma / alpha = ratio, on the table's curve, its time interpolated."""
        straight = 1.0 if math.isinf(ratio) else ratio / (1 + ratio)
        time = float(np.interp(straight, self.straight, self.time))
        if self.family == "ve":
            return Level(1.0, ratio, time)
        if self.family == "flow":
            return Level(1 - straight, straight, time)
        if math.isinf(ratio):
            return Level(0.0, 1.0, time)
        return Level(1 / math.hypot(1, ratio), ratio / math.hypot(1, ratio), time)

    def at_index(self, index: float) -> Level:
        """The entry `index`, or the level between two entries when it is no whole number."""
        if float(index).is_integer():
            return self[int(index)]
        straight = float(np.interp(index, np.arange(len(self)), self.straight))
        return self.at_ratio(math.inf if straight == 1 else straight / (1 - straight))


class LevelSequence(list[Level]):
    """The levels a sampler walks, noisiest first; knows the table they were chosen from, for levels between them."""

    def __init__(self, levels: Iterable[Level], table: Schedule | None = None, spacing: str = "linspace") -> None:
        super().__init__(levels)
        self.spacing = spacing
        self.table = table or Schedule(*np.array(self[::-1], dtype=np.float64).reshape(-1, 3).T)

    @classmethod
    def of(cls, levels: Iterable[Level]) -> LevelSequence:
        """`levels` itself, or a grid of them that interpolates among themselves."""
        return levels if isinstance(levels, cls) else cls(levels)

    def at_ratio(self, ratio: float) -> Level:
        """The level of the table where sigma / alpha = ratio."""
        return self.table.at_ratio(ratio)


SPACINGS = ("leading", "trailing", "linspace", "karras", "log_snr", "angle")
LEVELS_BETWEEN = ("karras", "log_snr", "angle")  # spacings that take levels between entries of the table
KARRAS_RHO = 7.0  # Karras et al. 2022, eq. 5
MAX_FIRST_RATIO = 10.0  # sigma / alpha where karras and log_snr begin: data of unit variance are 1/101 of x² there
MAX_FALL = 40.0  # of sigma / alpha in one step, beyond which a method of higher order goes astray


def choose(levels: Schedule, steps: int, timestep_spacing: str = "linspace") -> LevelSequence:
    """The `steps` + 1 levels of a run, noisiest first, the clean level last.

    karras: (σ/α)^(1/7) falls in equal steps, from the table's largest or `MAX_FIRST_RATIO` to its smallest; log_snr:
    log(σ/α) does; both suit methods of higher order. angle: arctan(σ/α) does, from the table's largest to the clean
    level, as on a cosine table; of few steps that draw noise these lose least. These take levels between entries.

    The others pick entries. leading: every (N // K)-th from the least noisy; trailing: every (N / K)-th from the
    noisiest; linspace: from the noisiest to the least noisy, both included (Lin et al. 2024, table 2; diffusers' names
    and rounding). With more steps than the table has entries, levels between entries are used. A single linspace step
    starts at the noisiest.
    """
    if steps < 1:
        raise ConfigError(f"sampler.steps: {steps} steps; at least 1 is needed.")
    entries = len(levels) - 1
    digits = 0 if steps <= entries else 9  # timesteps are whole numbers while there are enough of them
    if timestep_spacing == "leading":
        stride = entries // steps or entries / steps
        timesteps = min(stride, 1) - 1 + np.arange(steps)[::-1] * stride
    elif timestep_spacing == "trailing":
        timesteps = np.round(entries - np.arange(steps) * (entries / steps), digits) - 1
    elif timestep_spacing == "linspace":
        timesteps = np.round(np.linspace(entries - 1, 0, steps), digits)
    elif timestep_spacing in LEVELS_BETWEEN:
        return LevelSequence([*_between(levels, steps, timestep_spacing), levels[0]], levels, timestep_spacing)
    else:
        raise ConfigError(f"sampler.timestep_spacing: '{timestep_spacing}' is none of {', '.join(SPACINGS)}.")
    return LevelSequence([*(levels.at_index(t + 1) for t in timesteps), levels[0]], levels, timestep_spacing)


def _between(levels: Schedule, steps: int, spacing: str) -> Iterator[Level]:
    """The noisy levels of a run whose spacing takes levels between entries of the table."""
    low, top = levels[1].ratio, levels[len(levels) - 1]
    high = max(low, min(top.ratio, MAX_FIRST_RATIO))
    if spacing == "angle":
        first = math.atan(top.ratio)
        yield top
        ratios = np.tan(np.linspace(first, max(first / steps, math.atan(low)), steps)[1:])
    elif spacing == "karras":
        power = 1 / KARRAS_RHO
        ratios = np.linspace(high**power, low**power, steps) ** KARRAS_RHO
    else:
        ratios = np.geomspace(high, low, steps)
    yield from (levels.at_ratio(float(u)) for u in ratios)


def steepest_fall(levels: Sequence[Level]) -> tuple[float, float]:
    """(u, u') of the step in which u = sigma / alpha falls by the largest factor, the step to the clean level apart.

    (1, 1) if there is no such step; u is inf where alpha = 0.
    """
    steps = [(now.ratio, to.ratio) for now, to in pairwise(levels) if to.sigma > 0]
    return max(steps, key=lambda step: step[0] / step[1], default=(1.0, 1.0))
