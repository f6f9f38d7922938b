"""Langevin samplers: Markov chains whose law is, or tends to, a density of which only log p and its gradient are known.

The first argument of each is anything with `score(x)`: a density of the targets, or a learned score. Those with a
Metropolis test also need `log_prob(x)`. Time is that of dx = ∇log p dt + √2 dW.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Protocol

import torch
from pydantic import Field

from ...errors import DiffrenderError
from ..levels import Level
from ..noise import Noise
from .base import SAMPLERS, Step

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class Scored(Protocol):
    """Anything with a score."""

    def score(self, x: torch.Tensor) -> torch.Tensor:
        """∇ log p(x), (N, *event)."""
        ...


def _at(index: int, step_size: float) -> tuple[Level, Level]:
    """Where x and x_next of a move stand: on the clean level, at their own time."""
    return Level(1.0, 0.0, index * step_size), Level(1.0, 0.0, (index + 1) * step_size)


@SAMPLERS.register(
    "ula",
    aliases=("langevin",),
    kind="langevin",
    order=1,
    stochastic=True,
    nfe_per_step=1,
    paper="Roberts & Tweedie 1996, Exponential convergence of Langevin distributions, §1.4",
)
def ula(density: Scored, x: torch.Tensor, noise: Noise, *, steps: Count, step_size: Positive = 0.02) -> Iterator[Step]:
    """Unadjusted Langevin: x + τ ∇log p(x) + √(2τ) ε."""
    for i in range(steps):
        drift = step_size * density.score(x)
        kick = math.sqrt(2 * step_size) * noise(i)
        x_next = _finite(x + drift + kick, i, step_size)
        yield Step(i, *_at(i, step_size), x, x_next, i + 1, drift=drift, noise=kick)
        x = x_next


@SAMPLERS.register(
    "gradient",
    aliases=("gradient_ascent",),
    kind="langevin",
    order=1,
    stochastic=False,
    nfe_per_step=1,
    paper="Cauchy 1847, Méthode générale pour la résolution des systèmes d'équations simultanées",
)
def gradient(
    density: Scored, x: torch.Tensor, noise: Noise, *, steps: Count, step_size: Positive = 0.02
) -> Iterator[Step]:
    """Gradient ascent: Langevin without its noise, x + τ ∇log p(x)."""
    for i in range(steps):
        drift = step_size * density.score(x)
        x_next = _finite(x + drift, i, step_size)
        yield Step(i, *_at(i, step_size), x, x_next, i + 1, drift=drift, noise=torch.zeros_like(x))
        x = x_next


def _finite(x: torch.Tensor, index: int, step_size: float) -> torch.Tensor:
    """`x`, or an error if a chain has run away."""
    if not torch.isfinite(x).all():
        raise DiffrenderError(
            f"A chain left for infinity at step {index}.",
            f"Set sampler.step_size below {step_size:g}, or start closer to the density.",
        )
    return x
