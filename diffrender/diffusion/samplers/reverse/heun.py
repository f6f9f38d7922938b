"""Solvers of the probability flow d(x/α)/du = ε̂, u = σ/α, by Karras et al. (2022) and k-diffusion.

The last step, into the clean level where there is no ε̂, is Euler's; so is the first where alpha = 0 and u is infinite.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated

import torch
from numpy.polynomial import Polynomial
from pydantic import Field

from diffrender.diffusion.levels import Level, LevelSequence
from diffrender.diffusion.noise import Noise
from diffrender.diffusion.samplers.base import Denoise, Eta, Levels, Step, along, ancestral, inside, move
from diffrender.diffusion.samplers.registry import SAMPLERS
from diffrender.diffusion.samplers.reverse.ddim import FLOW, ddim


@SAMPLERS.register(
    "euler",
    title="Euler",
    equation=FLOW,
    aliases=("sample_euler", "EulerDiscreteScheduler"),
    paper="Karras et al. 2022, alg. 1 without its correction",
)
def euler(denoise: Denoise, x: torch.Tensor, levels: Levels, noise: Noise) -> Iterator[Step]:
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
def euler_ancestral(
    denoise: Denoise, x: torch.Tensor, levels: Levels, noise: Noise, *, eta: Eta = 1.0
) -> Iterator[Step]:
    """Euler's method to a lower level than the next, then noise up to it: DDIM with η = 1, term for term."""
    yield from ddim(denoise, x, levels, noise, eta=eta)


@SAMPLERS.register(
    "heun",
    title="Heun",
    equation="{{x_(t-1) : sum}} = alpha_(t-1) ({{x_t\\/alpha_t : state}}"
    " + {{Delta u thin (hat(epsilon)_t + hat(epsilon)_(t-1))\\/2 : noise}})",
    aliases=("sample_heun", "HeunDiscreteScheduler"),
    paper="Karras et al. 2022, alg. 1",
    order=2,
    nfe_per_step=2,
)
def heun(denoise: Denoise, x: torch.Tensor, levels: Levels, noise: Noise) -> Iterator[Step]:
    """Euler's move, corrected by the mean of ε̂ at both its ends."""
    nfe = 0
    for i, (now, to) in enumerate(pairwise(levels)):
        p = denoise(x, now)
        mean = along(p, to.alpha, to.sigma)
        nfe += 1
        if inside(now, to):
            q = denoise(mean, to)
            mean = mean + to.alpha * (to.ratio - now.ratio) * (q.eps - p.eps) / 2
            nfe += 1
        step = move(i, now, to, p, mean, nfe)
        yield step
        x = step.x_next


@SAMPLERS.register(
    "dpm2",
    title="DPM-Solver-2",
    equation="{{x_(t-1) : sum}} = alpha_(t-1) ({{x_t\\/alpha_t : state}}"
    " + {{Delta u thin hat(epsilon)_(t-1\\/2) : noise}})",
    aliases=("sample_dpm_2", "dpm_2", "KDPM2DiscreteScheduler"),
    paper="Lu et al. 2022, DPM-Solver-2; Karras et al. 2022, alg. 2",
    order=2,
    nfe_per_step=2,
)
def dpm2(denoise: Denoise, x: torch.Tensor, levels: Levels, noise: Noise) -> Iterator[Step]:
    """The midpoint method, the midpoint taken in log u."""
    yield from dpm2_ancestral(denoise, x, levels, noise, eta=0.0)


@SAMPLERS.register(
    "dpm2_ancestral",
    title="DPM-2 ancestral",
    equation="{{x_(t-1) : sum}} = alpha_(t-1) ({{x_t\\/alpha_t : state}}"
    " + {{Delta u thin hat(epsilon)_(t-1\\/2) : noise}}) + {{sigma_arrow.t thin xi : noise}}",
    aliases=("sample_dpm_2_ancestral", "dpm_2_ancestral", "KDPM2AncestralDiscreteScheduler"),
    paper="Karras et al. 2022, alg. 2, with the noise of Song, Meng & Ermon 2021, eq. 16",
    order=2,
    stochastic=True,
    nfe_per_step=2,
)
def dpm2_ancestral(
    denoise: Denoise, x: torch.Tensor, levels: Levels, noise: Noise, *, eta: Eta = 1.0
) -> Iterator[Step]:
    """The midpoint method in log u to a lower level than the next, then noise up to it."""
    nfe, grid = 0, LevelSequence.of(levels)
    for i, (now, to) in enumerate(pairwise(grid)):
        p = denoise(x, now)
        down, up = ancestral(now.ratio, to.ratio, eta)
        mean = along(p, to.alpha, to.alpha * down)
        nfe += 1
        if inside(now, to):
            middle = grid.at_ratio(math.sqrt(now.ratio * down))
            q = denoise(along(p, middle.alpha, middle.sigma), middle)
            mean = mean + to.alpha * (down - now.ratio) * (q.eps - p.eps)
            nfe += 1
        step = move(i, now, to, p, mean, nfe, to.alpha * up * noise(i) if up else None)
        yield step
        x = step.x_next


@SAMPLERS.register(
    "lms",
    title="linear multistep",
    equation="{{x_(t-1) : sum}} = alpha_(t-1) ({{x_t\\/alpha_t : state}}"
    " + {{Delta u thin (b_0 hat(epsilon)_t + b_1 hat(epsilon)_(t+1) + dots.c) : noise}})",
    aliases=("sample_lms", "LMSDiscreteScheduler"),
    paper="Adams & Bashforth 1883, on uneven steps; Crowson's k-diffusion",
    order=2,
    order_after_start=4,
)
def lms(
    denoise: Denoise, x: torch.Tensor, levels: Levels, noise: Noise, *, order: Annotated[int, Field(ge=1, le=8)] = 4
) -> Iterator[Step]:
    """Adams–Bashforth: the polynomial through the last `order` values of ε̂, integrated over the step."""
    past: list[tuple[Level, torch.Tensor]] = []
    for i, (now, to) in enumerate(pairwise(levels)):
        p = denoise(x, now)
        mean = along(p, to.alpha, to.sigma)
        if now.alpha > 0:
            past = [*past, (now, p.eps)][-order:]
            width = to.ratio - now.ratio
            weights = adams_bashforth([(level.ratio - now.ratio) / width for level, _ in past])
            for weight, (_, eps) in zip(weights, past[:-1], strict=False):
                mean = mean + to.alpha * width * weight * (eps - p.eps)
        step = move(i, now, to, p, mean, i + 1)
        yield step
        x = step.x_next


def adams_bashforth(nodes: list[float]) -> list[float]:
    """∫₀¹ of each Lagrange polynomial on `nodes`: the weights of values there; they sum to 1."""
    weights = []
    for i, node in enumerate(nodes):
        others = nodes[:i] + nodes[i + 1 :]
        integral = Polynomial.fromroots(others).integ() if others else Polynomial([0.0, 1.0])
        weights.append(float(integral(1.0) - integral(0.0)) / math.prod(node - other for other in others))
    return weights
