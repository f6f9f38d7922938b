"""DDIM (Song, Meng & Ermon 2021) and what is the same thing under another name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import torch

from diffrender.diffusion.noise import Noise
from diffrender.diffusion.samplers.base import Denoise, Eta, Step, Walk, along, ancestral, move
from diffrender.diffusion.samplers.registry import SAMPLERS

FLOW = "{{x_(t-1) : sum}} = {{alpha_(t-1) hat(x)_0 : data}} + {{sigma_(t-1) thin hat(epsilon) : noise}}"
NOISY = (
    "{{x_(t-1) : sum}} = {{alpha_(t-1) hat(x)_0 : data}}"
    " + {{sqrt(sigma_(t-1)^2 - sigma_arrow.t^2) thin hat(epsilon) + sigma_arrow.t thin xi : noise}}"
)


def written(options: Mapping[str, Any]) -> str:
    """DDIM's equation: without the terms of fresh noise where η = 0."""
    return NOISY if options.get("eta") else FLOW


@SAMPLERS.register(
    "ddim",
    title="DDIM",
    equation=written,
    aliases=("DDIMScheduler",),
    paper="Song, Meng & Ermon 2021, eq. 12",
)
def ddim(denoise: Denoise, x: torch.Tensor, levels: Walk, noise: Noise, *, eta: Eta = 0.0) -> Iterator[Step]:
    """x' = α' x̂0 + √(σ'² − ς²) ε̂ + ς ξ; η = 0 follows the flow, η = 1 is DDPM with β̃."""
    for i, (now, to) in enumerate(pairwise(levels)):
        p = denoise(x, now)
        down, up = (to.alpha * part for part in ancestral(now.ratio, to.ratio, eta))
        step = move(i, now, to, p, along(p, to.alpha, down), i + 1, up * noise(i) if up else None)
        yield step
        x = step.x_next


@SAMPLERS.register(
    "euler",
    title="Euler",
    equation=FLOW,
    aliases=("sample_euler", "EulerDiscreteScheduler"),
    paper="Karras et al. 2022, alg. 1 without its correction",
)
def euler(denoise: Denoise, x: torch.Tensor, levels: Walk, noise: Noise) -> Iterator[Step]:
    """Euler's method on dx̂/du = ε̂ in x̂ = x/α, u = σ/α: DDIM with η = 0, term for term."""
    yield from ddim(denoise, x, levels, noise, eta=0.0)


@SAMPLERS.register(
    "euler_ancestral",
    title="Euler ancestral",
    equation="{{x_(t-1) : sum}} = {{alpha_(t-1) hat(x)_0 : data}}"
    " + {{sigma_arrow.b thin hat(epsilon) + sigma_arrow.t thin xi : noise}}",
    aliases=("sample_euler_ancestral", "EulerAncestralDiscreteScheduler"),
    paper="Song, Meng & Ermon 2021, eq. 16",
    stochastic=True,
)
def euler_ancestral(denoise: Denoise, x: torch.Tensor, levels: Walk, noise: Noise, *, eta: Eta = 1.0) -> Iterator[Step]:
    """Euler's method to a lower level than the next, then noise up to it: DDIM with η = 1, term for term."""
    yield from ddim(denoise, x, levels, noise, eta=eta)
