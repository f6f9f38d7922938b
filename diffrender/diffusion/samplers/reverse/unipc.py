"""UniPC (Zhao et al. 2023): a multistep predictor whose corrector costs no further network call."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

import numpy as np
import torch

from diffrender.diffusion.levels import Level
from diffrender.diffusion.noise import Noise
from diffrender.diffusion.samplers.base import Denoise, Levels, Step, along, move, towards
from diffrender.diffusion.samplers.registry import SAMPLERS

Known = tuple[Level, torch.Tensor]  # x̂0 at a level


@SAMPLERS.register(
    "unipc",
    title="UniPC",
    equation="{{x_(t-1) : sum}} = {{(sigma_(t-1)\\/sigma_t) thin x_t : state}}"
    " + {{alpha_(t-1) (1 - e^(-h)) thin (hat(x)_0 + a_1 D_1\\/r_1 + dots.c) : data}}",
    aliases=("uni_pc", "UniPCMultistepScheduler"),
    paper="Zhao et al. 2023, UniPC of data predictions with B₂(h)",
    order=2,
    spacing="log_snr",
)
def unipc(
    denoise: Denoise, x: torch.Tensor, levels: Levels, noise: Noise, *, order: Literal[1, 2, 3] = 2
) -> Iterator[Step]:
    """x̂0 at x first corrects x itself; from there, with earlier x̂0, the next state is predicted."""
    past: list[Known] = []
    corrected, used = x, 0
    for i, (now, to) in enumerate(pairwise(levels)):
        p = denoise(x, now)
        if past:
            x = unified(corrected, past[0], [*past[1:used], (now, p.x0)], now)
        if math.isfinite(now.lam):
            past = [(now, p.x0), *past][:order]
            used = min(len(past), len(levels) - 1 - i)
            mean = unified(x, past[0], past[1:used], to)
        else:
            mean = along(p, to.alpha, to.sigma)
        corrected = x
        step = move(i, now, to, p, mean, i + 1)
        yield step
        x = step.x_next


def unified(x: torch.Tensor, anchor: Known, others: list[Known], to: Level) -> torch.Tensor:
    """x carried from the anchor's level to `to`, with x̂0 known there and at `others`.

    This is UniP, or UniC if `to` is among the others. One other value has the weight ½, as in the paper's code; more
    have those that make the order full.
    """
    level, x0 = anchor
    mean = towards(x, x0, level, to.alpha, to.sigma)
    if not others:
        return mean
    h = to.lam - level.lam
    nodes = np.array([(other.lam - level.lam) / h for other, _ in others])
    for weight, node, (_, other) in zip(weights(nodes, h), nodes, others, strict=True):
        mean = mean - to.alpha * math.expm1(-h) * weight * (other - x0) / node
    return mean


def weights(nodes: np.ndarray, h: float) -> np.ndarray:
    """The solution a of Σ_m a_m r_m^(k−1) = k! φ_k(−h) (−h) / B₂(h), k = 1 … len(nodes)."""
    if len(nodes) == 1:
        return np.array([0.5])
    phi, right = math.expm1(-h) / -h - 1, []
    for k in range(1, len(nodes) + 1):
        right.append(phi * math.factorial(k) / math.expm1(-h))
        phi = phi / -h - 1 / math.factorial(k + 1)
    return np.linalg.solve(np.vander(nodes, increasing=True).T, right)
