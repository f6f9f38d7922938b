"""The forward process: data dissolve into noise. No model is asked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch

from diffrender.diffusion.noise import Noise, Purpose
from diffrender.diffusion.samplers.base import Levels, Step
from diffrender.diffusion.samplers.registry import SAMPLERS


@SAMPLERS.register(
    "forward",
    title="forward process",
    equation="{{x_t : sum}} = {{alpha_(t|t-1) thin x_(t-1) : data}} + {{sigma_(t|t-1) thin epsilon : noise}}",
    paper="Ho, Jain & Abbeel 2020, eq. 2",
    kind="forward",
    nfe_per_step=0,
)
def forward(model: Any, x: torch.Tensor, levels: Levels, noise: Noise) -> Iterator[Step]:
    """The Markov chain q(x_t | x_{t−1}) from data x (N, *event) through `levels`, clean first; `model` is not asked.

    Fresh noise at every step; x_t given x_0 is then normal with mean α_t x_0 and deviation σ_t.
    """
    for i, (now, to) in enumerate(pairwise(levels)):
        kept = to.alpha / now.alpha
        added = math.sqrt(max(to.sigma**2 - (kept * now.sigma) ** 2, 0.0)) * noise(i, Purpose.FORWARD)
        mean = kept * x
        step = Step(i, now, to, x, mean + added, 0, drift=mean - x, noise=added)
        yield step
        x = step.x_next
