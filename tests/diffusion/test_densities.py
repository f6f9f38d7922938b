"""Densities: normalised, drawn from rightly, and equal to formulas and figures published elsewhere."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
import scipy.stats
import torch

from diffrender.core.errors import ConfigError
from diffrender.diffusion.targets.densities.base import grid, widened
from diffrender.diffusion.targets.densities.catalogue import DENSITIES

FLAT = ["banana", "double_well", "gaussian_mixture", "muller_brown", "ring", "smiley", "squiggle", "star"]


def make(name, **params):
    return DENSITIES.resolve(name, params, "target")[0](**DENSITIES[name].check(params, "target"))


@pytest.mark.parametrize("name", FLAT)
def test_p_integrates_to_one(name):
    density = make(name)
    x, cell = grid([widened(b, 2.6) for b in density.bounds], 1001)
    assert abs(float(density.prob(x).sum()) * cell - 1) < 2e-4
    assert density.normalised == (density.log_z == 0.0)


@pytest.mark.parametrize(
    ("name", "params", "bounds", "nodes"),
    [
        ("donut", {"width": 0.4}, [(-4, 4), (-4, 4), (-3, 3)], 121),
        ("funnel", {"std": 0.7, "dim": 3}, [(-22, 22), (-22, 22), (-4, 4)], 161),
        ("double_well", {"dim": 1}, [(-5, 5)], 4001),
        ("gaussian_mixture", {"means": [[0], [2]], "stds": [1, 0.3]}, [(-8, 8)], 4001),
        ("gaussian_mixture", {"means": [[0, 0, 0], [1, 1, 1]], "stds": 0.5}, [(-4, 5)] * 3, 121),
        ("ring", {"radius": 0.3, "width": 0.5}, [(-5, 5)] * 2, 801),
    ],
)
def test_p_integrates_to_one_in_other_dimensions(name, params, bounds, nodes):
    density = make(name, **params)
    x, cell = grid(bounds, nodes)
    assert abs(float(density.prob(x).sum()) * cell - 1) < 2e-3
    assert density.dim == len(bounds)


def chi_square(density, draws):
    """p-value of draws (n, 2) against p integrated over 15 × 15 bins of the box, and all that lies outside."""
    x0, x1, y0, y1 = density.box
    fine, bins = 300, 15
    x, cell = grid(
        [
            (x0 + (x1 - x0) / fine / 2, x1 - (x1 - x0) / fine / 2),
            (y0 + (y1 - y0) / fine / 2, y1 - (y1 - y0) / fine / 2),
        ],
        fine,
    )
    p = density.prob(x).reshape(bins, fine // bins, bins, fine // bins).sum((1, 3)).numpy().ravel() * cell
    seen = np.histogram2d(draws[:, 0], draws[:, 1], bins, [(x0, x1), (y0, y1)])[0].ravel()
    expected, seen = np.append(p, 1 - p.sum()) * len(draws), np.append(seen, len(draws) - seen.sum())
    common = expected > 5
    expected = np.append(expected[common], max(expected[~common].sum(), 1e-9))
    seen = np.append(seen[common], seen[~common].sum())
    return scipy.stats.chisquare(seen, expected * seen.sum() / expected.sum()).pvalue


@pytest.mark.parametrize("name", FLAT)
def test_draws_follow_p(name):
    density = make(name)
    draws = density.sample(50_000, np.random.default_rng(1))
    assert draws.dtype == np.float32
    assert draws.shape == (50_000, 2)
    assert chi_square(density, draws) > 1e-3
    assert chi_square(density, draws * 1.02) < 1e-3  # fails for draws two hundredths too wide


def test_draws_follow_p_in_other_dimensions():
    rng = np.random.default_rng(0)
    z = make("funnel", std=1.5, dim=3).sample(50_000, rng)
    assert scipy.stats.kstest(z[:, 2] / 1.5, "norm").pvalue > 1e-3
    assert scipy.stats.kstest(z[:, 0] / np.exp(z[:, 2] / 2), "norm").pvalue > 1e-3
    donut = make("donut", radius=2, width=0.2)
    x = donut.sample(50_000, rng)
    assert chi_square(make("ring", radius=2, width=0.2), x[:, :2]) > 1e-3
    assert scipy.stats.kstest(x[:, 2] / 0.2, "norm").pvalue > 1e-3
    well = make("double_well", dim=1)
    x = well.sample(50_000, rng)[:, 0]
    nodes, cell = grid([(-5, 5)], 20_001)
    cdf = np.cumsum(well.prob(nodes).numpy()) * cell
    assert scipy.stats.kstest(x, lambda at: np.interp(at, nodes[:, 0].numpy(), cdf)).pvalue > 1e-3


@pytest.mark.parametrize("name", [*FLAT, "donut", "funnel"])
def test_peak_is_the_largest_p(name):
    density = make(name)
    around = torch.from_numpy(density.sample(20_000, np.random.default_rng(0))).double()
    assert density.peak >= float(density.prob(around).max())
    x, _ = grid(density.bounds, 41 if density.dim == 3 else 401)
    assert density.peak >= float(density.prob(x).max()) * (1 - 1e-9)
    assert density.peak <= float(density.prob(x).max()) * 1.3


@pytest.mark.parametrize("name", sorted(e.name for e in DENSITIES if e.name != "expression"))
def test_single_and_double_precision_agree_and_the_box_is_of_the_right_size(name):
    density = make(name)
    x = torch.from_numpy(density.sample(500, np.random.default_rng(0)))
    for one, two in zip(density.evaluate(x), density.evaluate(x.double()), strict=True):
        assert one.dtype == torch.float32
        assert torch.allclose(one.double(), two, rtol=1e-3, atol=1e-3 * float(two.abs().max()))
    assert len(density.box) == 2 * density.dim


def test_smiley_is_three_gaussians_and_an_arc():
    """The formula written out once more, in NumPy."""
    x = np.random.default_rng(0).normal(0, 1.5, (500, 2))
    p = sum(
        w * scipy.stats.multivariate_normal(mean, s * s).pdf(x)
        for w, mean, s in [(0.20, (-1.1, 1.05), 0.38), (0.20, (1.1, 1.05), 0.38), (0.11, (0, 0.12), 0.29)]
    )
    dx, dy = x[:, 0], x[:, 1] - 0.62
    theta = (np.arctan2(dy, dx) + np.pi / 2 + np.pi) % (2 * np.pi) - np.pi
    bend = np.exp(-((np.hypot(dx, dy) - 2.15) ** 2) / (2 * 0.3**2) - theta**2 / (2 * 0.52**2))
    p += 0.49 * bend / (2 * np.pi * 0.3 * 0.52 * 2.15)
    assert np.allclose(make("smiley").prob(torch.from_numpy(x)).numpy(), p, atol=1e-8)


def test_muller_brown_has_its_published_stationary_points():
    """Minima and saddles of Müller & Brown 1979, table 1."""
    surface = make("muller_brown", temperature=1.0)
    points = [
        (-0.558, 1.442, -146.70),
        (0.623, 0.028, -108.17),
        (-0.050, 0.467, -80.77),
        (-0.822, 0.624, -40.66),
        (0.212, 0.293, -72.25),
    ]
    x = torch.tensor([p[:2] for p in points], dtype=torch.float64)
    log_p, score = surface.evaluate(x)
    assert torch.allclose(-log_p, torch.tensor([p[2] for p in points], dtype=torch.float64), atol=0.01)
    assert float(score.abs().max()) < 2.0  # of thousands a tenth away
    assert float(surface.score(x + 0.1).abs().max()) > 50.0


def test_mixture_equals_scipy():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(3, 2, 2))
    covariances = a @ a.swapaxes(1, 2) + 0.1 * np.eye(2)
    means, weights = rng.normal(size=(3, 2)), np.array([1.0, 2.0, 5.0])
    density = make("gaussian_mixture", means=means.tolist(), weights=weights.tolist(), covariances=covariances.tolist())
    x = rng.normal(0, 2, (200, 2))
    p = sum(
        w / 8 * scipy.stats.multivariate_normal(m, c).pdf(x)
        for w, m, c in zip(weights, means, covariances, strict=True)
    )
    assert np.allclose(density.log_prob(torch.from_numpy(x)).numpy(), np.log(p), atol=1e-10)
    _, label = density.sample_labelled(80_000, rng)
    assert np.allclose(np.bincount(label) / 80_000, weights / 8, atol=0.01)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"means": []}, "target.means"),
        ({"means": [[0, 0], [1]]}, "target.means"),
        ({"means": [[0, 0]], "weights": [1, 2]}, "2 weights for 1"),
        ({"means": [[0, 0]], "weights": [-1]}, "target.weights.0"),
        ({"means": [[0, 0], [1, 1]], "stds": [1, 2, 3]}, "target.stds"),
        ({"means": [[0, 0]], "stds": 0}, "target.stds"),
        ({"means": [[0, 0]], "covariances": [[[1, 0]]]}, "target.covariances"),
        ({"means": [[0, 0]], "covariances": [[[1, 0.5], [0, 1]]]}, "not symmetric"),
        ({"means": [[0, 0]], "covariances": [[[1, 2], [2, 1]]]}, "not positive definite"),
        ({"mean": [[0, 0]]}, "Did you mean 'means'"),
    ],
)
def test_a_wrong_mixture_is_refused_by_key(params, said):
    with pytest.raises(ConfigError, match=said.replace("[", r"\[")):
        make("gaussian_mixture", **params)


def test_wrong_names_and_values_are_refused():
    with pytest.raises(ConfigError, match="'smiley'"):
        make("smily")
    with pytest.raises(ConfigError, match=r"target\.width"):
        make("ring", width=-1)
    with pytest.raises(ConfigError, match=r"target\.dim"):
        make("funnel", dim=7)


def test_a_grid_of_values_is_quick():
    density, started = make("smiley"), time.process_time()
    density.prob(grid(density.bounds, 400)[0])
    assert time.process_time() - started < 2.0
    assert math.isclose(density.peak, 0.2325161859, rel_tol=1e-8)
