"""The contract of samplers, and the steps that they yield.

A reverse sampler is a generator ``sampler(denoise, x, levels, noise, **options) -> Iterator[Step]``:
`denoise(x, level)` answers a Prediction, `levels` are the K + 1 levels to walk, noisiest first, `noise` is the only
randomness. Most are written in terms of u = sigma / alpha (k-diffusion's σ): there x / alpha moves as a
variance-exploding process whatever the schedule, and d(x/α)/du = eps is the probability flow. A consumer may replace
`step.x_next` before asking for more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field

from diffrender.diffusion.denoisers.base import Prediction
from diffrender.diffusion.levels import Level
from diffrender.diffusion.noise import Noise, Purpose

Denoise = Callable[[torch.Tensor, Level], Prediction]
Levels = Sequence[Level]
Eta = Annotated[float, Field(ge=0, le=1)]


@dataclass
class Step:
    """One move of all chains: x (N, *event) → x_next, with x_next − x = drift + noise to 4 ulp of the largest term.

    index: 0 for the first move. level, next_level: where x and x_next stand. nfe: network calls so far, this move
    included. x0, eps: what was predicted at x. For `mala`, x_next − x = accepted·(drift + noise) and `proposal` is
    kept; `underdamped` and `hmc` give `momentum` (N, *event) and `path` (L, N, *event) instead of a split, `hmc` also
    `momentum_end`, with which the path arrives. A Metropolis test gives its `log_ratio` and its draw `uniform`, (N,).
    """

    index: int
    level: Level
    next_level: Level
    x: torch.Tensor
    x_next: torch.Tensor
    nfe: int
    x0: torch.Tensor | None = None
    eps: torch.Tensor | None = None
    drift: torch.Tensor | None = None
    noise: torch.Tensor | None = None
    accepted: torch.Tensor | None = None
    proposal: torch.Tensor | None = None
    momentum: torch.Tensor | None = None
    path: torch.Tensor | None = None
    momentum_end: torch.Tensor | None = None
    log_ratio: torch.Tensor | None = None
    uniform: torch.Tensor | None = None


def start(level: Level, noise: Noise) -> torch.Tensor:
    """Where chains begin, (N, *event): normal with the variance alpha² + sigma² of unit-variance data at `level`."""
    return math.hypot(level.alpha, level.sigma) * noise(0, Purpose.START)


def move(
    index: int,
    level: Level,
    next_level: Level,
    p: Prediction,
    mean: torch.Tensor,
    nfe: int,
    noise: torch.Tensor | None = None,
) -> Step:
    """The step from p.x to mean + noise; its drift is mean − p.x."""
    added = torch.zeros_like(mean) if noise is None else noise
    return Step(index, level, next_level, p.x, mean + added, nfe, p.x0, p.eps, mean - p.x, added)


def inside(now: Level, to: Level) -> bool:
    """Whether λ is finite at both ends of a move, so that it has a midpoint and a slope."""
    return now.alpha > 0 and to.sigma > 0


def along(p: Prediction, alpha: float, sigma: float) -> torch.Tensor:
    """alpha·x0 + sigma·eps: p.x carried to another level along what was predicted; DDIM's whole move."""
    return alpha * p.x0 + sigma * p.eps


def towards(x: torch.Tensor, x0: torch.Tensor, level: Level, alpha: float, sigma: float) -> torch.Tensor:
    """x carried from `level` to (alpha, sigma) with the data held at x0: α' x0 + (σ'/σ)(x − α x0)."""
    return alpha * x0 + (sigma / level.sigma) * (x - level.alpha * x0)


def ancestral(ratio: float, next_ratio: float, eta: float = 1.0) -> tuple[float, float]:
    """Split a move in u into (down, up): flow to `down`, then noise of deviation `up`; down² + up² = next_ratio².

    up² = η² u'² (u² − u'²) / u², DDPM's posterior variance β̃ in x / alpha (Song, Meng & Ermon 2021, eq. 16).
    """
    kept = (next_ratio / ratio) ** 2
    return next_ratio * math.sqrt(1 - eta**2 + eta**2 * kept), next_ratio * eta * math.sqrt(1 - kept)
