"""Stochastic samplers with the exact score reach the target: Kolmogorov–Smirnov on 50,000 chains of a known mixture.

Each is then spoilt by a known factor (noise of deviation β for √β, uniform for normal noise, ε̂ where the score
belongs), and the same test must see it.
"""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import stats

from diffrender.config.sections import ScheduleConfig
from diffrender.diffusion.denoisers.base import Prediction
from diffrender.diffusion.denoisers.exact import MixtureDenoiser
from diffrender.diffusion.levels import choose
from diffrender.diffusion.noise import Noise, Purpose, generator
from diffrender.diffusion.samplers.base import start
from diffrender.diffusion.samplers.catalogue import SAMPLERS
from diffrender.diffusion.schedules import make_levels
from diffrender.diffusion.targets.densities.mixtures import GaussianMixture

CHAINS = 50_000
WEIGHTS, MEANS, STDS = (0.7, 0.3), (-0.8, 1.1), (0.45, 0.3)
MIXTURE = GaussianMixture(np.array(WEIGHTS), np.array(MEANS)[:, None], np.square(STDS)[:, None, None])
LEVELS = make_levels(ScheduleConfig(kind="squaredcos_cap_v2"))

OPTIONS = {  # of samplers whose defaults are too coarse for the test, or that have several forms; one run for each
    "ddpm": [{}, {"variance": "beta"}, {"variance": 0.5}],
    "ddim": [{"eta": 0.5}],
    "predictor_corrector": [{"snr": 0.1}],
    "annealed": [{"inner_steps": 20, "step_size": 0.05}],
}
STEPS = {"reverse_sde": 800, "ddim": 400, "predictor_corrector": 250, "annealed": 60}
FEWER = {"annealed": CHAINS // 10}  # its law is off by the bias of ULA at every level, which 50,000 chains can see
STOCHASTIC = [entry for entry in SAMPLERS if entry.info["kind"] == "reverse" and entry.info["stochastic"]]
RUNS = [  # sampler, its options, steps: as many as make the bias of its order smaller than the test can see
    (entry.name, options, STEPS.get(entry.name, 500 if entry.info["order"] == 1 else 100))
    for entry in (*STOCHASTIC, SAMPLERS["ddim"])
    for options in OPTIONS.get(entry.name, [{}])
]


def exact(x, level):
    """E[x_0 | x_t] of the mixture, written out for two components in one dimension: it is asked 50 million times."""
    (va, vb), (ca, cb) = (np.square(STDS) * level.alpha**2 + level.sigma**2, np.square(STDS) * level.alpha)
    a, b = (x - level.alpha * mean for mean in MEANS)
    first = torch.sigmoid(math.log(WEIGHTS[0] / WEIGHTS[1]) + math.log(vb / va) / 2 + (b * b / vb - a * a / va) / 2)
    return Prediction(x, level, x0=torch.lerp(MEANS[1] + cb / vb * b, MEANS[0] + ca / va * a, first))


def test_exact_is_that_of_the_mixture():
    x = torch.linspace(-3, 3, 50, dtype=torch.float64)[:, None]
    for level in (LEVELS[3], LEVELS[300], LEVELS[900]):
        assert torch.allclose(exact(x, level).x0, MixtureDenoiser(MIXTURE)(x, level).x0, atol=1e-12)


def cdf(x):
    return sum(w * stats.norm.cdf(x, m, s) for w, m, s in zip(WEIGHTS, MEANS, STDS, strict=True))


class SquareRoot(Noise):
    """Draws that make noise of deviation √β into noise of deviation β."""

    def __init__(self, grid, chains):
        super().__init__(1, chains, (1,))
        self.beta = [a.sigma**2 - (a.alpha / b.alpha) ** 2 * b.sigma**2 for a, b in pairwise(grid)]

    def __call__(self, step, purpose=Purpose.STEP):
        scale = 1.0 if purpose == Purpose.START else math.sqrt(self.beta[step % len(self.beta)])
        return scale * super().__call__(step, purpose)


class Uniform(Noise):
    """torch.rand where torch.randn belongs."""

    def __call__(self, step, purpose=Purpose.STEP):
        if purpose == Purpose.START:
            return super().__call__(step, purpose)
        return torch.from_numpy(generator(self.seed, purpose, step).random((self.chains, 1), dtype=np.float32))


def eps_for_score(x, level):
    return Prediction(x, level, score=exact(x, level).eps)


def p_value(name, params, grid, denoise, noise):
    x = start(grid[0], noise)
    for step in SAMPLERS[name].make(denoise, x, grid, noise, **params):
        x = step.x_next
    x = x.numpy().ravel()
    return stats.kstest(x, cdf).pvalue if np.isfinite(x).all() else 0.0


@pytest.mark.parametrize(("name", "params", "steps"), RUNS, ids=lambda v: str(v))
def test_reaches_the_target(name, params, steps):
    grid = choose(LEVELS, steps, "trailing")
    assert p_value(name, params, grid, exact, Noise(1, FEWER.get(name, CHAINS), (1,))) > 1e-3


@pytest.mark.parametrize(("name", "params", "steps"), RUNS, ids=lambda v: str(v))
def test_a_spoilt_one_does_not(name, params, steps):
    grid, few = choose(LEVELS, steps, "trailing"), CHAINS // 5
    assert p_value(name, params, grid, exact, SquareRoot(grid, few)) < 1e-6
    assert p_value(name, params, grid, exact, Uniform(1, few, (1,))) < 1e-6
    assert p_value(name, params, grid, eps_for_score, Noise(1, few, (1,))) < 1e-6


def test_whatever_is_registered_is_tested():
    """The runs come from the registry; this one sees that there are some."""
    assert {"ddpm", "ddim", "annealed", "dpmpp_sde"} <= {name for name, *_ in RUNS}
    assert len(RUNS) >= 13
