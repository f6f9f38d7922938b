"""The laws of Langevin samplers, from theory; and that a sampler wrong by a known factor does not pass for right."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scipy.stats
import torch

from diffrender.diffusion.denoisers.exact import MixtureDenoiser
from diffrender.diffusion.levels import Level
from diffrender.diffusion.noise import Noise, Purpose
from diffrender.diffusion.samplers.catalogue import SAMPLERS
from diffrender.diffusion.targets.densities.catalogue import DENSITIES

CHAINS = 50_000
PASSES = 1e-3  # p-value above which a sampler is held to be right
FAILS = 1e-6


class Normal:
    """N(0, 1) along every axis."""

    def log_prob(self, x):
        return -0.5 * x.square().sum(1)

    def score(self, x):
        return -x


class Wrong:
    """A density whose log p and score are off by given factors."""

    def __init__(self, density, log_p=1.0, score=1.0):
        self.log_prob = lambda x: log_p * density.log_prob(x)
        self.score = lambda x: score * density.score(x)


class Weak(Noise):
    """√τ ε where √(2τ) ε is meant."""

    def __call__(self, step, purpose=Purpose.STEP):
        return super().__call__(step, purpose) / math.sqrt(2)


class Flat(Noise):
    """Uniform draws of the same variance instead of normal ones."""

    def __call__(self, step, purpose=Purpose.STEP):
        return (torch.special.ndtr(super().__call__(step, purpose)) - 0.5) * math.sqrt(12)


def last(name, density, steps, *, noise=Noise, start=1.0, event=(1,), **options):
    """State of all chains after `steps`, (CHAINS, *event), from N(0, start²)."""
    x = start * Noise(0, CHAINS, event)(0, Purpose.START)
    for step in SAMPLERS[name].make(density, x, noise(0, CHAINS, event), steps=steps, **options):
        x = step.x_next
    return x


# ---- ULA and its bias: on N(0, 1) it is an AR(1) of variance 2τ / (1 − (1 − τ)²) = 1/(1 − τ/2) ---------------------
def ula_p(tau, **wrong):
    """p-value of ULA's law on N(0, 1) against the normal of variance 1/(1 − τ/2)."""
    density = Wrong(Normal(), score=wrong.pop("score", 1.0))
    x = last("ula", density, math.ceil(6 / tau), step_size=tau, event=(2,), **wrong)
    return scipy.stats.kstest(x.flatten().numpy(), "norm", (0, 1 / math.sqrt(1 - tau / 2))).pvalue


@pytest.mark.parametrize("tau", [1.2, 0.5, 0.1])
def test_ula_has_its_own_biased_law(tau):
    assert ula_p(tau) > PASSES


@pytest.mark.parametrize("wrong", [{"noise": Weak}, {"noise": Flat}, {"score": 1.1}, {"score": math.sqrt(0.5)}])
def test_ula_wrong_by_a_known_factor_fails(wrong):
    assert ula_p(0.5, **wrong) < FAILS


def test_bias_of_ula_vanishes_with_the_step():
    steps = [0.8, 0.4, 0.2, 0.1]
    bias = [float(last("ula", Normal(), math.ceil(5 / tau), step_size=tau, event=(4,)).var()) - 1 for tau in steps]
    error = 4 * math.sqrt(2 / (4 * CHAINS))
    for tau, measured in zip(steps, bias, strict=True):
        assert abs(measured - (1 / (1 - tau / 2) - 1)) < error * (1 + measured)
    assert all(later < 0.6 * earlier for earlier, later in itertools.pairwise(bias))
    assert bias[0] > 0.5  # and the target's own law it is not


# ---- samplers without bias (BAOAB: with one too small to see) reach the target -------------------------------------
SHARES, MEANS, STDS = (0.35, 0.65), (-1.0, 0.9), (0.45, 0.6)
TARGET = DENSITIES["gaussian_mixture"].make(weights=SHARES, means=tuple((m,) for m in MEANS), stds=STDS)
UNBIASED = {
    "mala": {"step_size": 0.3, "steps": 60},
    "underdamped": {"step_size": 0.2, "steps": 100, "friction": 1.5},
    "hmc": {"step_size": 0.35, "leapfrogs": 4, "steps": 25},
}


def below(x):
    """Cumulative distribution of the target."""
    return sum(w * scipy.stats.norm.cdf(x, m, s) for w, m, s in zip(SHARES, MEANS, STDS, strict=True))


def target_p(name, noise=Noise, **wrong):
    """p-value of the chains' last states against the target."""
    x = last(name, Wrong(TARGET, **wrong), noise=noise, start=1.5, **UNBIASED[name])
    return scipy.stats.kstest(x.flatten().numpy(), below).pvalue


@pytest.mark.parametrize("name", UNBIASED)
def test_reaches_the_target(name):
    assert target_p(name) > PASSES


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("mala", {"noise": Weak}),
        ("mala", {"noise": Flat}),
        ("mala", {"log_p": 1.2, "score": 1.2}),
        ("mala", {"log_p": 1.2}),
        ("underdamped", {"noise": Weak}),
        ("underdamped", {"score": 1.2}),
        ("underdamped", {"score": math.sqrt(0.5)}),
        ("hmc", {"noise": Weak}),
        ("hmc", {"noise": Flat}),
        ("hmc", {"log_p": 1.2, "score": 1.2}),
        ("hmc", {"log_p": 1.2}),
    ],
)
def test_a_sampler_wrong_by_a_known_factor_does_not(name, wrong):
    assert target_p(name, **wrong) < FAILS


def test_a_wrong_score_alone_slows_a_metropolis_sampler_but_does_not_bend_its_law():
    assert target_p("mala", score=0.8) > PASSES


def test_baoab_is_exact_on_a_gaussian_at_any_step_but_not_with_uniform_noise():
    """Its configurations are exact on N(0, 1) (Leimkuhler & Matthews 2013, §3), even at steps near the stable limit."""

    def p(noise):
        x = last("underdamped", Normal(), 40, noise=noise, step_size=1.5, friction=2.0)
        return scipy.stats.kstest(x.flatten().numpy(), "norm").pvalue

    assert p(Noise) > PASSES
    assert p(Flat) < FAILS


BEND, WIDTH = 0.3, 0.8


@pytest.mark.parametrize("name", UNBIASED)
def test_reaches_a_bent_target_in_the_plane(name):
    """Chi-square over 8 × 8 cells that the banana's own shear makes equally likely."""
    banana = DENSITIES["banana"].make(bend=BEND, width=WIDTH)
    options = {**UNBIASED[name], "steps": 2 * UNBIASED[name]["steps"]}
    if name != "hmc":
        options["step_size"] = options["step_size"] / 2

    def p(density):
        x = last(name, density, event=(2,), **options).numpy().astype(float)
        u, v = scipy.stats.norm.cdf(x[:, 0]), scipy.stats.norm.cdf((x[:, 1] - BEND * x[:, 0] ** 2) / WIDTH)
        seen = np.histogram2d(u, v, 8, [(0, 1), (0, 1)])[0]
        return scipy.stats.chisquare(seen.ravel()).pvalue

    assert p(banana) > PASSES
    assert p(Wrong(banana, log_p=1.1, score=1.1)) < FAILS


def test_annealed_reaches_a_mixture_whose_modes_are_far_apart():
    """Shares of two modes that plain ULA cannot join: annealing finds them, ULA keeps those of its start."""
    far = DENSITIES["gaussian_mixture"].make(weights=(0.2, 0.8), means=((-4.0,), (4.0,)), stds=0.5)
    levels = [Level(1.0, sigma, sigma) for sigma in np.geomspace(8, 0.05, 24)]
    denoiser, noise = MixtureDenoiser(far), Noise(0, 10_000, (1,))
    x = 8 * noise(0, Purpose.START)
    *_, step = SAMPLERS["annealed"].make(denoiser, x, levels, noise, inner_steps=20)
    assert abs(float((step.x_next > 0).float().mean()) - 0.8) < 0.04
    *_, stuck = SAMPLERS["ula"].make(far, x, noise, steps=480, step_size=0.02)
    assert abs(float((stuck.x_next > 0).float().mean()) - 0.5) < 0.05


# ---- MALA's best step ----------------------------------------------------------------------------------------------
def mala_moves(tau, noise, d=4000):
    """One MALA step from equilibrium on N(0, 1)^d: whether taken, how likely that was, its squared jump; (N,) each.

    There log π(y)q(y, x)/π(x)q(x, y) = −τ(|y|² − |x|²)/4.
    """
    x = noise(0, Purpose.START)
    step = next(SAMPLERS["mala"].make(Normal(), x, noise, steps=1, step_size=float(tau)))
    likely = (-tau / 4 * (step.proposal.square().sum(1) - x.square().sum(1))).exp().clamp(max=1)
    return step.accepted.float(), likely, (step.proposal - x).square().sum(1)


def test_mala_accepts_574_thousandths_at_its_best_step():
    """Roberts & Rosenthal 1998: the step of greatest jumps accepts 0.574 as d → ∞; exactly 0.562 at d = 4000.

    (0.552 at d = 500, 0.556 at 1000: found from |x|², |y|² and |y − x|² alone, by 10⁶ draws of their joint law.)
    """
    d, batches = 4000, 4
    sizes = np.linspace(1.4, 1.95, 7) ** 2 / 2 * d ** (-1 / 3)
    taken, likely, jumps = np.zeros((3, 7))
    for seed in range(batches):
        noise = Noise(seed, 800, (d,))
        for i, tau in enumerate(sizes):
            coin, chance, jump = mala_moves(tau, noise)
            taken[i] += float(coin.mean()) / batches
            likely[i] += float(chance.mean()) / batches
            jumps[i] += float((chance * jump).mean()) / batches
    at = np.log(sizes)
    fine = np.linspace(at[0], at[-1], 1000)
    best = fine[np.polyval(np.polyfit(at, np.log(jumps), 3), fine).argmax()]
    assert at[0] < best < at[-1]
    assert abs(np.interp(best, at, likely) - 0.574) < 0.02
    assert np.abs(taken - likely).max() < 3 * math.sqrt(0.25 / (800 * batches))  # the coins are fair
    weak, _, _ = mala_moves(np.exp(best), Weak(0, 800, (d,)))
    assert abs(float(weak.mean()) - 0.574) > 0.1
