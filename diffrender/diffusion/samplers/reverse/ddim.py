"""DDIM (Song, Meng & Ermon 2021). Euler's method in x/α is the same thing: heun.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import torch

from diffrender.diffusion.noise import Noise
from diffrender.diffusion.samplers.base import Denoise, Eta, Levels, Step, along, ancestral, move
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
def ddim(denoise: Denoise, x: torch.Tensor, levels: Levels, noise: Noise, *, eta: Eta = 0.0) -> Iterator[Step]:
    """x' = α' x̂0 + √(σ'² − ς²) ε̂ + ς ξ; η = 0 follows the flow, η = 1 is DDPM with β̃."""
    for i, (now, to) in enumerate(pairwise(levels)):
        p = denoise(x, now)
        down, up = (to.alpha * part for part in ancestral(now.ratio, to.ratio, eta))
        step = move(i, now, to, p, along(p, to.alpha, down), i + 1, up * noise(i) if up else None)
        yield step
        x = step.x_next
