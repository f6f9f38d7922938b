"""Hamiltonian Monte Carlo."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from diffrender.diffusion.noise import Noise, Purpose
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
    "hmc",
    title="Hamiltonian Monte Carlo",
    equation="H(x, v) = {{- log p(x) : score}} + {{½ thin norm(v)^2 : accept}}, quad {{v : accept}}"
    " tilde {{cal(N)(0, I) : noise}}",
    acceptance="A = min(1, e^(-Delta H))",
    paper="Duane, Kennedy, Pendleton & Roweth 1987; Neal 2011, MCMC using Hamiltonian dynamics, fig. 2",
    kind="langevin",
    order=2,
    nfe_per_step="leapfrogs",
)
def hmc(
    density: Scored,
    x: torch.Tensor,
    noise: Noise,
    *,
    steps: Count,
    step_size: Positive = 0.15,
    leapfrogs: Count = 10,
) -> Iterator[Step]:
    """Hamiltonian Monte Carlo: a random momentum, a leapfrog path along the energy, and a Metropolis test at its end.

    `momentum` is what the path starts with, `momentum_end` what it arrives with; `path` (leapfrogs + 1, N, *event) goes
    from x to `proposal`.
    """
    log_prob = log_prob_of(density, "hmc")
    log_p, score = log_prob(x), density.score(x)
    for i in range(steps):
        momentum = noise(i, Purpose.MOMENTUM)
        path, v, slope = [x], momentum, score
        for _ in range(leapfrogs):
            v = v + step_size / 2 * slope
            path.append(path[-1] + step_size * v)
            slope = density.score(path[-1])
            v = v + step_size / 2 * slope
        proposal, log_p_new = path[-1], log_prob(path[-1])
        test = metropolis(log_p_new - log_p + (square(momentum) - square(v)) / 2, noise, i)
        taken = test.accepted.view(-1, *[1] * (x.ndim - 1))
        x_next = finite(torch.where(taken, proposal, x), i, step_size)
        yield Step(
            i,
            *at_times(i, step_size * leapfrogs),
            x,
            x_next,
            1 + (i + 1) * leapfrogs,
            **test._asdict(),
            proposal=proposal,
            momentum=momentum,
            path=torch.stack(path),
            momentum_end=v,
        )
        x, log_p, score = x_next, torch.where(test.accepted, log_p_new, log_p), torch.where(taken, slope, score)
