"""Ancestral sampling of DDPM (Ho, Jain & Abbeel 2020)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Literal

import torch
from pydantic import Field

from diffrender.diffusion.levels import Level
from diffrender.diffusion.noise import Noise
from diffrender.diffusion.samplers.base import Denoise, Levels, Step, move
from diffrender.diffusion.samplers.registry import SAMPLERS

Share = Annotated[float, Field(ge=0, le=1)]


@SAMPLERS.register(
    "ddpm",
    title="DDPM",
    equation="{{x_(t-1) : sum}} = {{tilde(mu)_t (x_t, hat(x)_0) : data}} + {{tilde(sigma)_t thin xi : noise}}",
    aliases=("DDPMScheduler",),
    paper="Ho et al. 2020, alg. 2",
    stochastic=True,
)
def ddpm(
    denoise: Denoise,
    x: torch.Tensor,
    levels: Levels,
    noise: Noise,
    *,
    variance: Literal["beta", "beta_tilde", "none"] | Share = "beta_tilde",
) -> Iterator[Step]:
    """x' = mean of q(x' | x, x̂0) + √variance ξ: β̃ suits one datum, β normal data, 0…1 lies between; none: no noise."""
    for i, (now, to) in enumerate(pairwise(levels)):
        p = denoise(x, now)
        kept = now.alpha / to.alpha  # √(1 − β)
        beta = now.sigma**2 - kept**2 * to.sigma**2
        mean = (kept * to.sigma**2 * x + to.alpha * beta * p.x0) / now.sigma**2
        std = posterior_std(beta, now, to, variance)
        step = move(i, now, to, p, mean, i + 1, std * noise(i) if std else None)
        yield step
        x = step.x_next


def posterior_std(beta: float, now: Level, to: Level, variance: str | float) -> float:
    """√ of β, of β̃ = β σ'²/σ², or of β^v β̃^(1−v) (Nichol & Dhariwal 2021, eq. 15); 0 on the step to the clean level."""
    if variance == "none":
        return 0.0
    share = {"beta": 1.0, "beta_tilde": 0.0}.get(variance, variance) if isinstance(variance, str) else variance
    return 0.0 if to.sigma == 0 else math.sqrt(beta) * (to.sigma / now.sigma) ** (1 - float(share))
