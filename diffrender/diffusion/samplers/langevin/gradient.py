"""Gradient ascent on log p: Langevin without its noise."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from diffrender.diffusion.noise import Noise
from diffrender.diffusion.samplers.base import Step
from diffrender.diffusion.samplers.langevin.base import Count, Positive, Scored, at_times, finite
from diffrender.diffusion.samplers.registry import SAMPLERS


@SAMPLERS.register(
    "gradient",
    title="gradient ascent",
    equation="{{x_(t+1) : sum}} = {{x_t : state}} + {{tau nabla log p(x_t) : score}}",
    aliases=("gradient_ascent",),
    paper="Cauchy 1847, Méthode générale pour la résolution des systèmes d'équations simultanées",
    kind="langevin",
    stochastic=False,
)
def gradient(
    density: Scored, x: torch.Tensor, noise: Noise, *, steps: Count, step_size: Positive = 0.02
) -> Iterator[Step]:
    """Gradient ascent: Langevin without its noise, x + τ ∇log p(x)."""
    for i in range(steps):
        drift = step_size * density.score(x)
        x_next = finite(x + drift, i, step_size)
        yield Step(i, *at_times(i, step_size), x, x_next, i + 1, drift=drift, noise=torch.zeros_like(x))
        x = x_next
