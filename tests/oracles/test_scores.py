"""Every score and every exact denoiser against automatic differentiation, finite differences and sums written out."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from diffrender.diffusion.denoisers.exact import DataDenoiser, MixtureDenoiser
from diffrender.diffusion.levels import Level
from diffrender.diffusion.targets.densities.catalogue import DENSITIES
from diffrender.diffusion.targets.densities.mixtures import GaussianMixture

CASES = [
    *[(entry.name, {}) for entry in DENSITIES if entry.name != "expression"],
    ("double_well", {"dim": 1}),
    ("funnel", {"dim": 3, "std": 1.0}),
    ("gaussian_mixture", {"means": [[0.0], [1.0]], "stds": [0.5, 2.0]}),
    ("gaussian_mixture", {"means": [[0, 0, 0], [1, 2, 3]], "stds": [[1, 2, 3], [0.5, 0.5, 0.1]]}),
    ("gaussian_mixture", {"means": [[0, 0], [1, 2]], "covariances": [[[1, 0.9], [0.9, 1]], [[0.1, 0], [0, 2]]]}),
    ("expression", {"log_p": "-(x**2 + y**2 - 1)**2 + sin(3*x)"}),
    ("expression", {"log_p": "-x**4 + atan2(x, 2) - exp(x)"}),
]
LEVELS = [
    Level(1.0, 0.0, 0.0),
    Level(0.999, 0.04, 0.1),
    Level(0.7, 0.7, 0.5),
    Level(1.0, 20.0, 0.9),
    Level(0.0, 1.0, 1.0),
]


def slope(log_p, x, h=1e-5):
    """Central differences of log p (N,) along each coordinate, (N, D)."""
    steps = h * torch.eye(x.shape[1], dtype=x.dtype)
    return torch.stack([(log_p(x + e) - log_p(x - e)) / (2 * h) for e in steps], 1)


def autograd(log_p, x):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(log_p(x).sum(), x)[0]


def worst(score, reference):
    """Largest error relative to the length of the score (or one, where that is shorter)."""
    return float(((score - reference).norm(dim=1) / reference.norm(dim=1).clamp_min(1)).max())


@pytest.mark.parametrize(("name", "params"), CASES)
def test_score_is_the_gradient_of_log_p(name, params):
    density = DENSITIES[name].make(**DENSITIES[name].check(params, "target"))
    rng = np.random.default_rng(0)
    near = density.sample(150, rng).astype(np.float64)
    low, high = np.array(density.bounds).T
    x = torch.from_numpy(np.concatenate([near, rng.uniform(low, high, (150, density.dim))]))
    score = density.score(x)
    assert score.shape == x.shape
    assert worst(score, autograd(density.log_prob, x)) < 1e-9
    assert worst(score, slope(density.log_prob, x)) < 1e-5
    assert worst(1.001 * score, slope(density.log_prob, x)) > 1e-5  # a thousandth off is seen


@pytest.mark.parametrize("level", LEVELS)
def test_mixture_at_every_level(level):
    """p_t of a mixture against a Gaussian mixture written out, its score against both derivatives, x0 by Tweedie."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=(3, 2, 2))
    covariances = a @ a.swapaxes(1, 2) + 0.05 * np.eye(2)
    mixture = GaussianMixture(np.array([1.0, 2, 3]), rng.normal(0, 2, (3, 2)), covariances)
    denoiser = MixtureDenoiser(mixture)
    blurred = GaussianMixture(
        mixture.weights, level.alpha * mixture.means, level.alpha**2 * covariances + level.sigma**2 * np.eye(2)
    )
    x = torch.from_numpy(rng.normal(0, 2 * math.hypot(level.alpha, level.sigma), (200, 2)))

    def log_p(y):
        return denoiser.log_prob_t(y, level)

    assert torch.allclose(log_p(x), blurred.log_prob(x), atol=1e-9)
    score = mixture.at_level(x, level.alpha, level.sigma)[1]
    assert worst(score, autograd(log_p, x)) < 1e-9
    assert worst(score, slope(log_p, x)) < 1e-5
    prediction = denoiser(x, level)
    assert torch.allclose(x + level.sigma**2 * score, level.alpha * prediction.x0, atol=1e-9 * (1 + level.sigma**2))
    if level.sigma > 0:
        assert torch.allclose(prediction.score, score, atol=1e-9)
        assert worst(prediction.eps, score) > 0.1  # the noise is not the score


def test_mixture_x0_is_the_posterior_mean():
    """E[x_0 | x_t] by importance-weighted draws, which knows nothing of Gaussian algebra."""
    mixture = DENSITIES["star"].make()
    level, x = Level(0.8, 0.6, 0.5), torch.tensor([[0.5, 0.7], [-1.0, 0.2], [0.0, 0.0]], dtype=torch.float64)
    draws = torch.from_numpy(mixture.sample(400_000, np.random.default_rng(0))).double()
    by_hand = DataDenoiser(draws)(x, level).x0
    assert torch.allclose(MixtureDenoiser(mixture)(x, level).x0, by_hand, atol=0.01)


@pytest.mark.parametrize("level", LEVELS[1:])
def test_data_denoiser_is_the_sum_written_out(level):
    rng = np.random.default_rng(0)
    points, x = rng.normal(size=(40, 3)), rng.normal(size=(25, 3)) * math.hypot(level.alpha, level.sigma)
    expected, density = np.empty_like(x), np.empty(len(x))
    for i in range(len(x)):
        far = [((x[i] - level.alpha * p) ** 2).sum() / (2 * level.sigma**2) for p in points]
        weight = np.exp(min(far) - np.array(far))
        expected[i] = (weight[:, None] * points).sum(0) / weight.sum()
        norm = (2 * np.pi * level.sigma**2) ** 1.5
        density[i] = np.log(weight.sum() / 40 / norm) - min(far)
    denoiser, y = DataDenoiser(points), torch.from_numpy(x)
    assert np.allclose(denoiser(y, level).x0.numpy(), expected, atol=1e-10)
    assert np.allclose(denoiser.log_prob_t(y, level).numpy(), density, atol=1e-8)

    def log_p(z):
        return denoiser.log_prob_t(z, level)

    assert worst(denoiser(y, level).score, slope(log_p, y, 1e-5 * level.sigma)) < 1e-4


def test_data_denoiser_keeps_its_digits_at_every_sigma_in_single_precision():
    points = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
    for sigma in (0.9, 0.3, 0.1, 0.03, 0.01, 1e-3, 1e-5):
        level = Level(math.sqrt(1 - sigma * sigma), sigma, 0)
        x = level.alpha * points + sigma * torch.randn(500, 2, generator=torch.Generator().manual_seed(1))
        one, two = (DataDenoiser(points)(y, level).x0 for y in (x, x.double()))
        assert one.dtype == torch.float32
        assert float((one - two).abs().max()) < 1e-5


def test_flow_of_one_gaussian_is_known():
    """A single Gaussian is only stretched: x_t = α m + √((α² c + σ²)/(α₀² c + σ₀²)) (x_s − α₀ m) along each axis."""
    std, mean = np.array([0.3, 2.0]), np.array([1.0, -2.0])
    denoiser = MixtureDenoiser(GaussianMixture(np.ones(1), mean[None], np.diag(std**2)[None]))
    x = torch.randn(20, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for start, end in [(LEVELS[4], LEVELS[0]), (LEVELS[2], LEVELS[3]), (Level(0.2, 0.8, 0), Level(0.9, 0.1, 0))]:
        stretch = np.sqrt((end.alpha**2 * std**2 + end.sigma**2) / (start.alpha**2 * std**2 + start.sigma**2))
        expected = end.alpha * mean + stretch * (x.numpy() - start.alpha * mean)
        assert np.allclose(denoiser.flow(x, start, end).numpy(), expected, atol=1e-9)


def test_flow_of_a_mixture_carries_p_and_runs_back():
    """Mass between two paths is kept: in 1-D the cumulative distribution is constant along the flow."""
    mixture = GaussianMixture(np.array([1.0, 2.0]), np.array([[-1.5], [1.0]]), np.array([[[0.1]], [[0.3]]]))
    denoiser, x = MixtureDenoiser(mixture), torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]

    def below(y, level):
        spread = np.sqrt(level.alpha**2 * np.array([0.1, 0.3]) + level.sigma**2)
        z = torch.from_numpy((y.numpy() - level.alpha * np.array([-1.5, 1.0])) / spread)
        return (torch.special.ndtr(z) * torch.tensor([1 / 3, 2 / 3], dtype=torch.float64)).sum(1)

    end = denoiser.flow(x, LEVELS[4], LEVELS[0])
    assert torch.allclose(below(end, LEVELS[0]), below(x, LEVELS[4]), atol=1e-9)
    assert torch.allclose(denoiser.flow(end, LEVELS[0], LEVELS[4]), x, atol=1e-9)
