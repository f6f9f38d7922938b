"""DPM-Solver++ in several steps (Lu et al. 2023): earlier x̂0 give the derivatives, so each step costs one call.

λ = log(α/σ), h = λ' − λ. The first steps, and the last into the clean level where h is infinite, have a lower order.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated

import torch
from pydantic import Field

from diffrender.diffusion.levels import Level
from diffrender.diffusion.noise import Noise
from diffrender.diffusion.samplers.base import Denoise, Levels, Step, inside, move, towards
from diffrender.diffusion.samplers.registry import SAMPLERS

Churn = Annotated[float, Field(ge=0)]
LONGEST_DECAY = 1.0  # (1 + η) h of a step in which the third order is worth its overshoot


@SAMPLERS.register(
    "dpmpp_2m",
    title="DPM-Solver++ 2M",
    equation="{{x_(t-1) : sum}} = {{(sigma_(t-1)\\/sigma_t) thin x_t : state}}"
    " + {{alpha_(t-1) (1 - e^(-h)) thin ((1 + r\\/2) hat(x)_(0|t) - r\\/2 thin hat(x)_(0|t+1)) : data}}",
    aliases=("sample_dpmpp_2m", "DPMSolverMultistepScheduler"),
    paper="Lu et al. 2023, alg. 2",
    order=2,
    spacing="log_snr",
)
def dpmpp_2m(denoise: Denoise, x: torch.Tensor, levels: Levels, noise: Noise) -> Iterator[Step]:
    """x̂0 is carried half a step on along the line through its last two values, then held."""
    before, last = levels[0], x  # the step before's level and x̂0, read from the second step on
    for i, (now, to) in enumerate(pairwise(levels)):
        p = denoise(x, now)
        x0 = p.x0
        if i and inside(before, to):
            x0 = x0 + (p.x0 - last) / 2 * (to.lam - now.lam) / (now.lam - before.lam)
        step = move(i, now, to, p, towards(x, x0, now, to.alpha, to.sigma), i + 1)
        before, last = now, p.x0
        yield step
        x = step.x_next


@SAMPLERS.register(
    "dpmpp_2m_sde",
    title="DPM-Solver++ 2M SDE",
    equation="{{x_(t-1) : sum}} = {{e^(-eta h) (sigma_(t-1)\\/sigma_t) thin x_t : state}}"
    " + {{alpha_(t-1) (1 - e^(-(1+eta) h)) thin ((1 + r\\/2) hat(x)_(0|t) - r\\/2 thin hat(x)_(0|t+1)) : data}}"
    " + {{sigma_(t-1) sqrt(1 - e^(-2 eta h)) thin xi : noise}}",
    aliases=("sample_dpmpp_2m_sde",),
    paper="Lu et al. 2023, SDE-DPM-Solver++(2M)",
    order=2,
    spacing="log_snr",
    stochastic=True,
)
def dpmpp_2m_sde(
    denoise: Denoise, x: torch.Tensor, levels: Levels, noise: Noise, *, eta: Churn = 1.0
) -> Iterator[Step]:
    """dpmpp_2m on the reverse SDE: the state is forgotten e^−ηh faster, and noise makes up for it."""
    before, last = levels[0], x  # the step before's level and x̂0, read from the second step on
    for i, (now, to) in enumerate(pairwise(levels)):
        p = denoise(x, now)
        x0 = p.x0
        if i and inside(before, to):
            x0 = x0 + (p.x0 - last) / 2 * (to.lam - now.lam) / (now.lam - before.lam)
        mean, std = forgetful(x, x0, now, to, eta)
        step = move(i, now, to, p, mean, i + 1, std * noise(i) if std else None)
        before, last = now, p.x0
        yield step
        x = step.x_next


@SAMPLERS.register(
    "dpmpp_3m_sde",
    title="DPM-Solver++ 3M SDE",
    equation="{{x_(t-1) : sum}} = {{e^(-eta h) (sigma_(t-1)\\/sigma_t) thin x_t : state}}"
    " + {{alpha_(t-1) ((1 - e^(-(1+eta) h)) thin hat(x)_0 + phi_2 a + phi_3 b) : data}}"
    " + {{sigma_(t-1) sqrt(1 - e^(-2 eta h)) thin xi : noise}}",
    paper="Lu et al. 2023, SDE-DPM-Solver++ carried to the third order",
    order=2,
    order_after_start=3,
    spacing="log_snr",
    stochastic=True,
)
def dpmpp_3m_sde(
    denoise: Denoise, x: torch.Tensor, levels: Levels, noise: Noise, *, eta: Churn = 1.0
) -> Iterator[Step]:
    """x̂0 as a parabola in λ through its last three values, integrated against the decay e^−(1+η)λ.

    In long steps, where a parabola overshoots, the line of dpmpp_2m_sde.
    """
    yield from third_order(denoise, x, levels, noise, eta, bent=1.0, longest=LONGEST_DECAY)


@SAMPLERS.register(
    "dpmpp_3m_sde_published",
    title="DPM-Solver++ 3M SDE (k-diffusion)",
    equation="{{x_(t-1) : sum}} = {{e^(-eta h) (sigma_(t-1)\\/sigma_t) thin x_t : state}}"
    " + {{alpha_(t-1) ((1 - e^(-(1+eta) h)) thin hat(x)_0 + phi_2 a + 1\\/2 thin phi_3 b) : data}}"
    " + {{sigma_(t-1) sqrt(1 - e^(-2 eta h)) thin xi : noise}}",
    aliases=("sample_dpmpp_3m_sde",),
    paper="Crowson's k-diffusion; diffusers has the same",
    order=2,
    stochastic=True,
    spacing="log_snr",
)
def dpmpp_3m_sde_published(
    denoise: Denoise, x: torch.Tensor, levels: Levels, noise: Noise, *, eta: Churn = 1.0
) -> Iterator[Step]:
    """dpmpp_3m_sde as k-diffusion has it, with half of the last term: of the second order."""
    yield from third_order(denoise, x, levels, noise, eta, bent=0.5, longest=math.inf)


def third_order(
    denoise: Denoise, x: torch.Tensor, levels: Levels, noise: Noise, eta: float, bent: float, longest: float
) -> Iterator[Step]:
    """The steps of dpmpp_3m_sde, with a share `bent` of the parabola's last term, in steps of decay below `longest`."""
    past: list[tuple[float, torch.Tensor]] = []
    for i, (now, to) in enumerate(pairwise(levels)):
        p = denoise(x, now)
        mean, std = forgetful(x, p.x0, now, to, eta)
        if math.isfinite(now.lam):
            past = [(now.lam, p.x0), *past][:3]
        if to.sigma > 0 and len(past) > 1:
            h = to.lam - now.lam
            decay = (1 + eta) * h
            phi2 = math.expm1(-decay) / decay + 1
            slope, bend = divided(past if decay <= longest else past[:2], h)
            if decay > longest:
                phi2 = -math.expm1(-decay) / 2
            mean = mean + to.alpha * (phi2 * slope + bent * (1 - 2 * phi2 / decay) * bend)
        step = move(i, now, to, p, mean, i + 1, std * noise(i) if std else None)
        yield step
        x = step.x_next


def forgetful(x: torch.Tensor, x0: torch.Tensor, now: Level, to: Level, eta: float) -> tuple[torch.Tensor, float]:
    """Mean, and deviation of the noise, of the reverse SDE solved with x̂0 held; η = 0 is the flow, η = 1 the SDE."""
    kept = math.exp(-eta * (to.lam - now.lam)) if to.sigma else 0.0
    return towards(x, x0, now, to.alpha, to.sigma * kept), to.sigma * math.sqrt(1 - kept**2)


def divided(past: list[tuple[float, torch.Tensor]], h: float) -> tuple[torch.Tensor, torch.Tensor | float]:
    """a and b of the line or parabola x̂0 + a s + b s², s = (λ − λ₀)/h, through two or three (λ, x̂0), newest first."""
    (l0, d0), (l1, d1) = past[:2]
    slope = (d0 - d1) * h / (l0 - l1)
    if len(past) == 2:
        return slope, 0.0
    l2, d2 = past[2]
    bend = (slope - (d1 - d2) * h / (l1 - l2)) * h / (l0 - l2)
    return slope + bend * (l0 - l1) / h, bend
