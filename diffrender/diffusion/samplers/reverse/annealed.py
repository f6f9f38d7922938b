"""Annealed Langevin dynamics: ULA at one noise level after another (Song & Ermon 2019)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch

from diffrender.diffusion.noise import Noise
from diffrender.diffusion.samplers.base import Denoise, Levels, Step
from diffrender.diffusion.samplers.langevin.base import Count, Positive, finite
from diffrender.diffusion.samplers.registry import SAMPLERS


@SAMPLERS.register(
    "annealed",
    title="annealed Langevin",
    equation="{{x_(k+1) : sum}} = {{x_k : state}} + {{tau sigma_k^2 thin nabla log p_(sigma_k) (x_k) : score}}"
    " + {{sqrt(2 tau) thin sigma_k thin epsilon : noise}}",
    aliases=("annealed_langevin", "ald"),
    paper="Song & Ermon 2019, Generative modeling by estimating gradients of the data distribution, alg. 1",
    stochastic=True,
    nfe_per_step="inner_steps",
    moves_per_level="inner_steps",
)
def annealed(
    denoise: Denoise,
    x: torch.Tensor,
    levels: Levels,
    noise: Noise,
    *,
    inner_steps: Count = 10,
    step_size: Positive = 0.1,
    final_denoising: bool = True,
) -> Iterator[Step]:
    """Langevin at one noise level after another: `inner_steps` of ULA at each, of size step_size·σ².

    The paper's step ratio α_i/σ_i² is 2·step_size. Where `levels` end clean, the last move is to x0
    (Jolicoeur-Martineau et al. 2021, §3), all of it drift; without `final_denoising` the chains stay at the lowest
    noise.
    """
    noisy = [level for level in levels if level.sigma > 0]
    moves = [
        (level, below if last else level)
        for level, below in zip(noisy, (*noisy[1:], noisy[-1]), strict=True)
        for last in (*[False] * (inner_steps - 1), True)
    ]
    for i, (level, next_level) in enumerate(moves):
        p, size = denoise(x, level), step_size * level.sigma**2
        drift, kick = size * p.score, math.sqrt(2 * size) * noise(i)
        x_next = finite(x + drift + kick, i, step_size)
        step = Step(i, level, next_level, x, x_next, i + 1, p.x0, p.eps, drift, kick)
        yield step
        x = step.x_next
    if final_denoising and len(noisy) < len(levels):
        p = denoise(x, noisy[-1])
        yield Step(
            len(moves), noisy[-1], levels[-1], x, p.x0, len(moves) + 1, p.x0, p.eps, p.x0 - x, torch.zeros_like(x)
        )
