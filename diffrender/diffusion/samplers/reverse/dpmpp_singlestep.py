"""DPM-Solver++ in single steps (Lu et al. 2023): the data x̂0 is held, the rest of the flow is solved exactly.

In λ = log(α/σ), x' = (σ'/σ) x + α' (1 − e^−h) x̂0 with h = λ' − λ: `towards` in base.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated

import torch
from pydantic import Field

from diffrender.diffusion.denoisers.base import Prediction
from diffrender.diffusion.levels import Level, LevelSequence
from diffrender.diffusion.noise import Noise, Purpose
from diffrender.diffusion.samplers.base import Denoise, Eta, Levels, Step, along, ancestral, inside, move, towards
from diffrender.diffusion.samplers.registry import SAMPLERS


@SAMPLERS.register(
    "dpmpp_2s",
    title="DPM-Solver++ 2S",
    equation="{{x_(t-1) : sum}} = {{(sigma_(t-1)\\/sigma_t) thin x_t : state}}"
    " + {{alpha_(t-1) (1 - e^(-h)) thin hat(x)_(0|t-1\\/2) : data}}",
    aliases=("DPMSolverSinglestepScheduler",),
    paper="Lu et al. 2023, alg. 1",
    order=2,
)
def dpmpp_2s(denoise: Denoise, x: torch.Tensor, levels: Levels, noise: Noise) -> Iterator[Step]:
    """Levels in pairs: a first-order step, then a second-order one over both, from where the first began."""
    pair: list[tuple[Level, Prediction]] = []
    for i, (now, to) in enumerate(pairwise(levels)):
        p = denoise(x, now)
        if pair and i < len(levels) - 2 and inside(pair[0][0], to):
            begun, first = pair.pop()
            share = (now.lam - begun.lam) / (to.lam - begun.lam)
            x0 = first.x0 + (p.x0 - first.x0) / (2 * share)
            mean = towards(first.x, x0, begun, to.alpha, to.sigma)
        else:
            pair = [(now, p)]
            mean = along(p, to.alpha, to.sigma)
        step = move(i, now, to, p, mean, i + 1)
        yield step
        x = step.x_next


@SAMPLERS.register(
    "dpmpp_2s_ancestral",
    title="DPM-Solver++ 2S ancestral",
    equation="{{x_(t-1) : sum}} = {{(sigma_arrow.b\\/sigma_t) thin x_t : state}}"
    " + {{alpha_(t-1) (1 - e^(-h)) thin hat(x)_(0|t-1\\/2) : data}} + {{sigma_arrow.t thin xi : noise}}",
    aliases=("sample_dpmpp_2s_ancestral",),
    paper="Lu et al. 2023, alg. 1, with the noise of Song, Meng & Ermon 2021, eq. 16",
    order=2,
    stochastic=True,
    nfe_per_step=2,
)
def dpmpp_2s_ancestral(
    denoise: Denoise, x: torch.Tensor, levels: Levels, noise: Noise, *, eta: Eta = 1.0
) -> Iterator[Step]:
    """x̂0 from half way in λ carries the whole step to a lower level than the next, then noise up to it."""
    nfe, grid = 0, LevelSequence.of(levels)
    for i, (now, to) in enumerate(pairwise(grid)):
        p = denoise(x, now)
        down, up = ancestral(now.ratio, to.ratio, eta)
        mean = along(p, to.alpha, to.alpha * down)
        nfe += 1
        if inside(now, to):
            middle = grid.at_ratio(math.sqrt(now.ratio * down))
            q = denoise(along(p, middle.alpha, middle.sigma), middle)
            mean = towards(x, q.x0, now, to.alpha, to.alpha * down)
            nfe += 1
        step = move(i, now, to, p, mean, nfe, to.alpha * up * noise(i) if up else None)
        yield step
        x = step.x_next


@SAMPLERS.register(
    "dpmpp_sde",
    title="DPM-Solver++ SDE",
    equation="{{x_(t-1) : sum}} = {{(sigma_arrow.b\\/sigma_t) thin x_t : state}}"
    " + {{alpha_(t-1) (1 - e^(-h)) thin hat(x)_(0|t-1\\/2) : data}} + {{sigma_arrow.t thin xi : noise}}",
    aliases=("sample_dpmpp_sde", "DPMSolverSDEScheduler"),
    paper="Lu et al. 2023, with the noise of Song, Meng & Ermon 2021, eq. 16; Crowson's k-diffusion",
    order=2,
    stochastic=True,
    nfe_per_step=2,
)
def dpmpp_sde(
    denoise: Denoise,
    x: torch.Tensor,
    levels: Levels,
    noise: Noise,
    *,
    eta: Eta = 1.0,
    r: Annotated[float, Field(gt=0, le=1)] = 0.5,
) -> Iterator[Step]:
    """As dpmpp_2s_ancestral, but with noise at the midpoint too, both of one Brownian path in u."""
    nfe, grid = 0, LevelSequence.of(levels)
    for i, (now, to) in enumerate(pairwise(grid)):
        p = denoise(x, now)
        down, up = ancestral(now.ratio, to.ratio, eta)
        mean, draw = along(p, to.alpha, to.alpha * down), noise(i)
        nfe += 1
        if inside(now, to):
            middle = grid.at_ratio(now.ratio ** (1 - r) * to.ratio**r)
            early = noise(i, Purpose.INNER)
            low, high = ancestral(now.ratio, middle.ratio, eta)
            q = denoise(along(p, middle.alpha, middle.alpha * low) + middle.alpha * high * early, middle)
            mean = towards(x, p.x0 + (q.x0 - p.x0) / (2 * r), now, to.alpha, to.alpha * down)
            share = (now.ratio - middle.ratio) / (now.ratio - to.ratio)
            draw = math.sqrt(share) * early + math.sqrt(1 - share) * draw
            nfe += 1
        step = move(i, now, to, p, mean, nfe, to.alpha * up * draw if up else None)
        yield step
        x = step.x_next
