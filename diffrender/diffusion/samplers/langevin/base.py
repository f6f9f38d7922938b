"""Langevin samplers: Markov chains whose law is, or tends to, a density of which only log p and its gradient are known.

The first argument is anything with `score(x)`: a density of the targets, or a learned score (`AtLevel`); those with a
Metropolis test also need `log_prob(x)`. Only `annealed` walks noise levels, as reverse samplers do. Time is that of
dx = ∇log p dt + √2 dW.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Annotated, NamedTuple, Protocol

import torch
from pydantic import Field

from diffrender.core.errors import DiffrenderError
from diffrender.diffusion.levels import Level
from diffrender.diffusion.noise import Noise
from diffrender.diffusion.samplers.base import Denoise

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
LARGEST_LOG = 80.0  # of a Metropolis ratio that is kept: its exponential is a float32, 0 < e^-80


class Scored(Protocol):
    """Anything with a score."""

    def score(self, x: torch.Tensor) -> torch.Tensor:
        """∇ log p(x), (N, *event)."""
        ...


class AtLevel:
    """A denoiser at one noise level as the density p_t there: its score, and log p where the denoiser knows that."""

    def __init__(self, denoise: Denoise, level: Level) -> None:
        self.denoise, self.level = denoise, level
        if (log_prob_t := getattr(denoise, "log_prob_t", None)) is not None:
            self.log_prob = partial(log_prob_t, level=level)

    def score(self, x: torch.Tensor) -> torch.Tensor:
        """∇ log p_t(x), (N, *event)."""
        return self.denoise(x, self.level).score


def at_times(index: int, step_size: float) -> tuple[Level, Level]:
    """Where x and x_next of a move stand: on the clean level, at their own time."""
    return Level(1.0, 0.0, index * step_size), Level(1.0, 0.0, (index + 1) * step_size)


def log_prob_of(density: Scored, sampler: str) -> Callable[[torch.Tensor], torch.Tensor]:
    """log p of the density, or an error where only its score is known."""
    log_prob = getattr(density, "log_prob", None)
    if log_prob is None:
        raise DiffrenderError(
            f"Sampler '{sampler}' needs log p for its Metropolis test, and only the score is known here.",
            "Use ula or underdamped, or a target with a closed form and `model: exact`.",
        )
    return log_prob


class Metropolis(NamedTuple):
    """A Metropolis test of N proposals: which are taken, (N,) bool, and why, (N,): `uniform` < exp(`log_ratio`)."""

    accepted: torch.Tensor
    log_ratio: torch.Tensor
    uniform: torch.Tensor


def metropolis(log_ratio: torch.Tensor, noise: Noise, step: int) -> Metropolis:
    """The test by which each proposal is taken with probability min(1, exp(log_ratio)); NaN refuses.

    Its `log_ratio` is finite, between ±`LARGEST_LOG`.
    """
    log_ratio = log_ratio.nan_to_num(nan=-math.inf).clamp(-LARGEST_LOG, LARGEST_LOG)
    uniform = noise.uniform(step)
    return Metropolis(uniform < log_ratio.exp(), log_ratio, uniform)


def square(x: torch.Tensor) -> torch.Tensor:
    """|x|² of each chain, (N,)."""
    return x.flatten(1).square().sum(1)


def finite(x: torch.Tensor, index: int, step_size: float) -> torch.Tensor:
    """`x`, or an error if a chain has run away."""
    if not torch.isfinite(x).all():
        raise DiffrenderError(
            f"A chain left for infinity at step {index}.",
            f"Set sampler.step_size below {step_size:g}, or start closer to the density.",
        )
    return x
