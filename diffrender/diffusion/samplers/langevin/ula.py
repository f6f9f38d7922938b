"""Unadjusted Langevin: the Euler–Maruyama method on dx = ∇log p dt + √2 dW."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch

from diffrender.diffusion.noise import Noise
from diffrender.diffusion.samplers.base import Step
from diffrender.diffusion.samplers.langevin.base import Count, Positive, Scored, at_times, finite
from diffrender.diffusion.samplers.registry import SAMPLERS


@SAMPLERS.register(
    "ula",
    title="unadjusted Langevin",
    equation="{{x_(t+1) : sum}} = {{x_t : state}} + {{tau nabla log p(x_t) : score}}"
    " + {{sqrt(2 tau) thin epsilon : noise}}",
    aliases=("langevin",),
    paper="Roberts & Tweedie 1996, Exponential convergence of Langevin distributions, §1.4",
    kind="langevin",
)
def ula(density: Scored, x: torch.Tensor, noise: Noise, *, steps: Count, step_size: Positive = 0.02) -> Iterator[Step]:
    """Unadjusted Langevin: x + τ ∇log p(x) + √(2τ) ε."""
    for i in range(steps):
        drift = step_size * density.score(x)
        kick = math.sqrt(2 * step_size) * noise(i)
        x_next = finite(x + drift + kick, i, step_size)
        yield Step(i, *at_times(i, step_size), x, x_next, i + 1, drift=drift, noise=kick)
        x = x_next
