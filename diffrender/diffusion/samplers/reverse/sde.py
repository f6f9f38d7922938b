"""The reverse SDE dx = (f x − g² ∇log p_t) dt + g dw̄ (Song et al. 2021), in steps between levels.

Over a step f dt = log(α/α') and g² dt = β = σ² − (α/α')² σ'², DDPM's β, exact for every table.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated

import torch
from pydantic import Field

from diffrender.diffusion.denoisers.base import Prediction
from diffrender.diffusion.levels import Level
from diffrender.diffusion.noise import Noise, Purpose
from diffrender.diffusion.samplers.base import Denoise, Levels, Step, move
from diffrender.diffusion.samplers.registry import SAMPLERS


@SAMPLERS.register(
    "reverse_sde",
    title="reverse SDE",
    equation="{{x_(t-1) : sum}} = {{x_t : state}} - f_t (x_t) thin Delta t"
    " + {{g_t^2 nabla log p_t (x_t) thin Delta t : score}} + {{g_t sqrt(Delta t) thin xi : noise}}",
    aliases=("euler_maruyama", "ScoreSdeVpScheduler"),
    paper="Song et al. 2021, eq. 6, by Euler–Maruyama",
    stochastic=True,
    spacing="karras",
)
def reverse_sde(denoise: Denoise, x: torch.Tensor, levels: Levels, noise: Noise) -> Iterator[Step]:
    """x' = x + log(α'/α) x + β s(x) + √β ξ, without ξ on the step to the clean level."""
    for i, (now, to) in enumerate(pairwise(levels)):
        p = denoise(x, now)
        mean, std = reverse_move(p, now, to)
        step = move(i, now, to, p, mean, i + 1, std * noise(i) if std else None)
        yield step
        x = step.x_next


@SAMPLERS.register(
    "predictor_corrector",
    title="predictor–corrector",
    equation="{{x_t : sum}} arrow.l {{x_t : state}} + {{delta thin nabla log p_t (x_t) : score}}"
    ' + {{sqrt(2 delta) thin xi : noise}}, quad x_(t-1) tilde "reverse SDE"',
    aliases=("pc", "ScoreSdeVeScheduler"),
    paper="Song et al. 2021, alg. 2 to 5",
    stochastic=True,
    spacing="karras",
    nfe_per_step=2,
)
def predictor_corrector(
    denoise: Denoise,
    x: torch.Tensor,
    levels: Levels,
    noise: Noise,
    *,
    snr: Annotated[float, Field(ge=0)] = 0.16,
    corrections: Annotated[int, Field(ge=1)] = 1,
) -> Iterator[Step]:
    """Langevin moves at the level, then a step of the reverse SDE.

    The Langevin step is 2 (snr ‖ξ‖/‖s‖)² in the paper, with norms averaged over the batch; here 2 (snr·σ)², what that
    tends to in many dimensions, so that a chain does not depend on its neighbours.
    """
    for i, (now, to) in enumerate(pairwise(levels)):
        size = 2 * (snr * now.sigma) ** 2
        p = first = denoise(x, now)
        drift, drawn = torch.zeros_like(x), torch.zeros_like(x)
        for j in range(corrections):
            kick = math.sqrt(2 * size) * noise(i * corrections + j, Purpose.CORRECTOR)
            drift, drawn = drift + size * p.score, drawn + kick
            p = denoise(x + drift + drawn, now)
        mean, std = reverse_move(p, now, to)
        step = move(i, now, to, first, mean - drawn, (i + 1) * (corrections + 1), drawn + std * noise(i))
        yield step
        x = step.x_next


def reverse_move(p: Prediction, now: Level, to: Level) -> tuple[torch.Tensor, float]:
    """Mean of a step from p.x, and deviation of its noise; DDPM's step where alpha = 0 and the SDE is singular."""
    if now.alpha == 0:
        return to.alpha * p.x0, to.sigma
    beta = now.sigma**2 - (now.alpha / to.alpha) ** 2 * to.sigma**2
    mean = p.x + math.log(to.alpha / now.alpha) * p.x + beta * p.score
    return mean, math.sqrt(beta) if to.sigma > 0 else 0.0
