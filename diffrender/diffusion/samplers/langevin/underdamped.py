"""Langevin with momentum, by the BAOAB splitting."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch

from diffrender.diffusion.noise import Noise, Purpose
from diffrender.diffusion.samplers.base import Step
from diffrender.diffusion.samplers.langevin.base import Count, Positive, Scored, at_times, finite
from diffrender.diffusion.samplers.registry import SAMPLERS


@SAMPLERS.register(
    "underdamped",
    title="underdamped Langevin (BAOAB)",
    equation="dot(x) = {{v : accept}}, quad {{dot(v) : accept}} = {{nabla log p(x) : score}} - {{gamma v : reject}}"
    " + {{sqrt(2 gamma) thin xi : noise}}",
    aliases=("baoab",),
    paper="Leimkuhler & Matthews 2013, Rational construction of stochastic numerical methods, BAOAB",
    kind="langevin",
    order=2,
)
def underdamped(
    density: Scored,
    x: torch.Tensor,
    noise: Noise,
    *,
    steps: Count,
    step_size: Positive = 0.1,
    friction: Positive = 1.0,
) -> Iterator[Step]:
    """Langevin with inertia, by BAOAB: half a kick, half a drift, friction and noise, half a drift, half a kick.

    dx = v dt, dv = ∇log p dt − γ v dt + √(2γ) dW, unit mass. `momentum` is v at x; `path` (3, N, *event) is x, the
    state at the friction, and x_next.
    """
    h = step_size
    keep = math.exp(-friction * h)
    v, score = noise(0, Purpose.MOMENTUM), density.score(x)
    for i in range(steps):
        momentum = v
        v = v + h / 2 * score
        middle = x + h / 2 * v
        v = keep * v + math.sqrt(1 - keep * keep) * noise(i)
        x_next = finite(middle + h / 2 * v, i, h)
        score = density.score(x_next)
        v = v + h / 2 * score
        yield Step(i, *at_times(i, h), x, x_next, i + 2, momentum=momentum, path=torch.stack([x, middle, x_next]))
        x = x_next
