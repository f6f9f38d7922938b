"""Langevin samplers: Markov chains whose law is, or tends to, a density of which only log p and its gradient are known.

The first argument is anything with `score(x)`: a density of the targets, or a learned score (`AtLevel`); those with a
Metropolis test also need `log_prob(x)`. Only `annealed` walks noise levels, as reverse samplers do. Time is that of
dx = ∇log p dt + √2 dW.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated, Protocol

import torch
from pydantic import Field

from diffrender.core.errors import DiffrenderError
from diffrender.diffusion.levels import Level
from diffrender.diffusion.noise import Noise, Purpose
from diffrender.diffusion.samplers.base import Denoise, Step, Walk
from diffrender.diffusion.samplers.registry import SAMPLERS

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class Scored(Protocol):
    """Anything with a score."""

    def score(self, x: torch.Tensor) -> torch.Tensor:
        """∇ log p(x), (N, *event)."""
        ...


class AtLevel:
    """A denoiser at one noise level as the density p_t there: its score, and log p where the denoiser knows that."""

    def __init__(self, denoise: Denoise, level: Level) -> None:
        self.denoise, self.level = denoise, level
        if (log_prob_t := getattr(denoise, "log_prob_t", None)) is not None:
            self.log_prob = partial(log_prob_t, level=level)

    def score(self, x: torch.Tensor) -> torch.Tensor:
        """∇ log p_t(x), (N, *event)."""
        return self.denoise(x, self.level).score


def _at(index: int, step_size: float) -> tuple[Level, Level]:
    """Where x and x_next of a move stand: on the clean level, at their own time."""
    return Level(1.0, 0.0, index * step_size), Level(1.0, 0.0, (index + 1) * step_size)


@SAMPLERS.register(
    "ula",
    title="unadjusted Langevin",
    equation="{{x_(t+1) : sum}} = {{x_t : state}} + {{tau nabla log p(x_t) : score}}"
    " + {{sqrt(2 tau) thin epsilon : noise}}",
    aliases=("langevin",),
    paper="Roberts & Tweedie 1996, Exponential convergence of Langevin distributions, §1.4",
    kind="langevin",
)
def ula(density: Scored, x: torch.Tensor, noise: Noise, *, steps: Count, step_size: Positive = 0.02) -> Iterator[Step]:
    """Unadjusted Langevin: x + τ ∇log p(x) + √(2τ) ε."""
    for i in range(steps):
        drift = step_size * density.score(x)
        kick = math.sqrt(2 * step_size) * noise(i)
        x_next = _finite(x + drift + kick, i, step_size)
        yield Step(i, *_at(i, step_size), x, x_next, i + 1, drift=drift, noise=kick)
        x = x_next


@SAMPLERS.register(
    "gradient",
    title="gradient ascent",
    equation="{{x_(t+1) : sum}} = {{x_t : state}} + {{tau nabla log p(x_t) : score}}",
    aliases=("gradient_ascent",),
    paper="Cauchy 1847, Méthode générale pour la résolution des systèmes d'équations simultanées",
    kind="langevin",
    stochastic=False,
)
def gradient(
    density: Scored, x: torch.Tensor, noise: Noise, *, steps: Count, step_size: Positive = 0.02
) -> Iterator[Step]:
    """Gradient ascent: Langevin without its noise, x + τ ∇log p(x)."""
    for i in range(steps):
        drift = step_size * density.score(x)
        x_next = _finite(x + drift, i, step_size)
        yield Step(i, *_at(i, step_size), x, x_next, i + 1, drift=drift, noise=torch.zeros_like(x))
        x = x_next


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
    log_prob = _log_prob(density, "mala")
    log_p, score = log_prob(x), density.score(x)
    for i in range(steps):
        drift, kick = step_size * score, math.sqrt(2 * step_size) * noise(i)
        proposal = x + drift + kick
        log_p_new, score_new = log_prob(proposal), density.score(proposal)
        back = x - proposal - step_size * score_new
        accepted = _metropolis(log_p_new - log_p + (_square(kick) - _square(back)) / (4 * step_size), noise, i)
        taken = accepted.view(-1, *[1] * (x.ndim - 1))
        x_next = _finite(torch.where(taken, proposal, x), i, step_size)
        yield Step(
            i, *_at(i, step_size), x, x_next, i + 2, drift=drift, noise=kick, accepted=accepted, proposal=proposal
        )
        x, log_p, score = x_next, torch.where(accepted, log_p_new, log_p), torch.where(taken, score_new, score)


@SAMPLERS.register(
    "underdamped",
    title="underdamped Langevin (BAOAB)",
    equation="dot(x) = v, quad {{dot(v) : sum}} = {{nabla log p(x) : score}} - gamma v"
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
        x_next = _finite(middle + h / 2 * v, i, h)
        score = density.score(x_next)
        v = v + h / 2 * score
        yield Step(i, *_at(i, h), x, x_next, i + 2, momentum=momentum, path=torch.stack([x, middle, x_next]))
        x = x_next


@SAMPLERS.register(
    "hmc",
    title="Hamiltonian Monte Carlo",
    equation="H(x, v) = {{- log p(x) : score}} + {{1\\/2 thin norm(v)^2 : noise}}, quad v tilde cal(N)(0, I)",
    acceptance="A = min(1, e^(H(x, v) - H(x', v')))",
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

    `momentum` is what the path starts with; `path` (leapfrogs + 1, N, *event) goes from x to `proposal`.
    """
    log_prob = _log_prob(density, "hmc")
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
        accepted = _metropolis(log_p_new - log_p + (_square(momentum) - _square(v)) / 2, noise, i)
        taken = accepted.view(-1, *[1] * (x.ndim - 1))
        x_next = _finite(torch.where(taken, proposal, x), i, step_size)
        yield Step(
            i,
            *_at(i, step_size * leapfrogs),
            x,
            x_next,
            1 + (i + 1) * leapfrogs,
            accepted=accepted,
            proposal=proposal,
            momentum=momentum,
            path=torch.stack(path),
        )
        x, log_p, score = x_next, torch.where(accepted, log_p_new, log_p), torch.where(taken, slope, score)


@SAMPLERS.register(
    "annealed",
    title="annealed Langevin",
    equation="{{x_(k+1) : sum}} = {{x_k : state}} + {{tau sigma_t^2 thin nabla log p_t (x_k) : score}}"
    " + {{sqrt(2 tau) thin sigma_t thin epsilon : noise}}",
    aliases=("annealed_langevin", "ald"),
    paper="Song & Ermon 2019, Generative modeling by estimating gradients of the data distribution, alg. 1",
    stochastic=True,
    nfe_per_step="inner_steps",
    moves_per_level="inner_steps",
)
def annealed(
    denoise: Denoise,
    x: torch.Tensor,
    levels: Walk,
    noise: Noise,
    *,
    inner_steps: Count = 10,
    step_size: Positive = 0.1,
    final_denoising: bool = True,
) -> Iterator[Step]:
    """Langevin at one noise level after another: `inner_steps` of ULA at each, of size step_size·σ².

    The paper's step ratio α_i/σ_i² is 2·step_size. Where `levels` end clean, the last move is to x0
    (Jolicoeur-Martineau et al. 2021, §3), all of it drift; without `final_denoising` the chains stay at the lowest
    noise.
    """
    noisy = [level for level in levels if level.sigma > 0]
    moves = [
        (level, below if last else level)
        for level, below in zip(noisy, (*noisy[1:], noisy[-1]), strict=True)
        for last in (*[False] * (inner_steps - 1), True)
    ]
    for i, (level, next_level) in enumerate(moves):
        p, size = denoise(x, level), step_size * level.sigma**2
        drift, kick = size * p.score, math.sqrt(2 * size) * noise(i)
        x_next = _finite(x + drift + kick, i, step_size)
        step = Step(i, level, next_level, x, x_next, i + 1, p.x0, p.eps, drift, kick)
        yield step
        x = step.x_next
    if final_denoising and len(noisy) < len(levels):
        p = denoise(x, noisy[-1])
        yield Step(
            len(moves), noisy[-1], levels[-1], x, p.x0, len(moves) + 1, p.x0, p.eps, p.x0 - x, torch.zeros_like(x)
        )


def _log_prob(density: Scored, sampler: str) -> Callable[[torch.Tensor], torch.Tensor]:
    """log p of the density, or an error where only its score is known."""
    log_prob = getattr(density, "log_prob", None)
    if log_prob is None:
        raise DiffrenderError(
            f"Sampler '{sampler}' needs log p for its Metropolis test, and only the score is known here.",
            "Use ula or underdamped, or a target with a closed form and `model: exact`.",
        )
    return log_prob


def _metropolis(log_ratio: torch.Tensor, noise: Noise, step: int) -> torch.Tensor:
    """Which proposals are taken, (N,) bool, each with probability min(1, exp(log_ratio)); NaN refuses."""
    return noise.uniform(step) < log_ratio.exp()


def _square(x: torch.Tensor) -> torch.Tensor:
    """|x|² of each chain, (N,)."""
    return x.flatten(1).square().sum(1)


def _finite(x: torch.Tensor, index: int, step_size: float) -> torch.Tensor:
    """`x`, or an error if a chain has run away."""
    if not torch.isfinite(x).all():
        raise DiffrenderError(
            f"A chain left for infinity at step {index}.",
            f"Set sampler.step_size below {step_size:g}, or start closer to the density.",
        )
    return x
