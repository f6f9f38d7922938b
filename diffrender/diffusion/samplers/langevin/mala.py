"""Metropolis-adjusted Langevin: the law is exactly p at any step size."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch

from diffrender.diffusion.noise import Noise
from diffrender.diffusion.samplers.base import Step
from diffrender.diffusion.samplers.langevin.base import (
    Count,
    Positive,
    Scored,
    at_times,
    finite,
    log_prob_of,
    metropolis,
    square,
)
from diffrender.diffusion.samplers.registry import SAMPLERS


@SAMPLERS.register(
    "mala",
    title="Metropolis-adjusted Langevin",
    equation="{{x' : sum}} = {{x_t : state}} + {{tau nabla log p(x_t) : score}} + {{sqrt(2 tau) thin epsilon : noise}}",
    acceptance="A = min(1, (p(x') thin q(x_t|x'))\\/(p(x_t) thin q(x'|x_t)))",
    paper="Roberts & Tweedie 1996, Exponential convergence of Langevin distributions, §1.4",
    kind="langevin",
)
def mala(density: Scored, x: torch.Tensor, noise: Noise, *, steps: Count, step_size: Positive = 0.1) -> Iterator[Step]:
    """Langevin with a Metropolis test, which takes away its bias: a move is refused if it is too unlikely."""
    log_prob = log_prob_of(density, "mala")
    log_p, score = log_prob(x), density.score(x)
    for i in range(steps):
        drift, kick = step_size * score, math.sqrt(2 * step_size) * noise(i)
        proposal = x + drift + kick
        log_p_new, score_new = log_prob(proposal), density.score(proposal)
        back = x - proposal - step_size * score_new
        test = metropolis(log_p_new - log_p + (square(kick) - square(back)) / (4 * step_size), noise, i)
        taken = test.accepted.view(-1, *[1] * (x.ndim - 1))
        x_next = finite(torch.where(taken, proposal, x), i, step_size)
        yield Step(
            i, *at_times(i, step_size), x, x_next, i + 2, drift=drift, noise=kick, proposal=proposal, **test._asdict()
        )
        x, log_p, score = x_next, torch.where(test.accepted, log_p_new, log_p), torch.where(taken, score_new, score)
