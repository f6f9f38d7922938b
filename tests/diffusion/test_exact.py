"""Exact denoisers: shapes, classes, and which one a target gets."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import torch

from diffrender.config.sections import TargetConfig
from diffrender.core.errors import DiffrenderError
from diffrender.diffusion.denoisers.exact import DataDenoiser, MixtureDenoiser, exact_denoiser
from diffrender.diffusion.levels import Level
from diffrender.diffusion.targets.build import build_target
from diffrender.diffusion.targets.densities.catalogue import DENSITIES

HALF = Level(0.8, 0.6, 0.5)


def test_images_are_denoised_as_they_are():
    images = np.random.default_rng(0).normal(size=(30, 3, 4, 5)).astype(np.float32)
    x = torch.from_numpy(0.999 * images[:7] + 0.01)
    x0 = DataDenoiser(images)(x, Level(0.999, 0.02, 0)).x0
    assert x0.shape == (7, 3, 4, 5)
    assert torch.allclose(x0, torch.from_numpy(images[:7]), atol=1e-4)
    assert DataDenoiser(images).log_prob_t(x, HALF).shape == (7,)


def test_far_away_and_at_the_ends_nothing_breaks():
    points = np.array([[0.0, 1.0], [2.0, 3.0]], np.float32)
    denoiser, x = DataDenoiser(points), torch.full((2, 2), 1e4)
    assert torch.equal(denoiser(x, Level(1, 1e-4, 0)).x0, torch.tensor([[2.0, 3.0]] * 2))
    assert torch.allclose(denoiser(x, Level(0, 1, 1)).x0, torch.tensor([[1.0, 2.0]] * 2))
    assert torch.equal(denoiser(x, Level(1, 0, 0)).x0, x)
    with pytest.raises(DiffrenderError, match="no score"):
        _ = denoiser(x, Level(1, 0, 0)).score
    mixture = MixtureDenoiser(DENSITIES["star"].make())
    assert mixture(x, HALF).x0.isfinite().all()
    assert torch.allclose(mixture(x / 1e4, Level(1, 0, 0)).x0, x / 1e4, atol=1e-5)


def test_labels_condition_both_kinds():
    x, label = torch.zeros(3, 2), torch.tensor([0, 1, -1])
    data = DataDenoiser(np.array([[1.0, 0], [3, 0], [-1, 0]], np.float32), np.array([0, 0, 1]))
    x0 = data(x, Level(0, 1, 1), label).x0[:, 0]
    assert torch.allclose(x0, torch.tensor([2.0, -1.0, 1.0]))
    mixture = MixtureDenoiser(DENSITIES["gaussian_mixture"].make())
    x0 = mixture(x, Level(0, 1, 1), label).x0[:, 0]
    assert torch.allclose(x0, torch.tensor([-1.5, 1.5, 0.0]))
    only = MixtureDenoiser(DENSITIES["gaussian_mixture"].make(means=((-1.5, 0.0),)))
    y = torch.randn(3, 2)
    assert torch.allclose(mixture(y, HALF, torch.zeros(3, dtype=torch.int64)).x0, only(y, HALF).x0, atol=1e-6)


def test_a_chain_does_not_depend_on_its_neighbours():
    denoiser = DataDenoiser(np.random.default_rng(0).normal(size=(1000, 2)).astype(np.float32))
    x = torch.randn(2000, 2)
    together = denoiser(x, HALF).x0
    assert float((together[1500:1501] - denoiser(x[1500:1501], HALF).x0).abs().max()) < 1e-5


def test_each_target_gets_the_denoiser_that_is_known():
    def exact(**target):
        return exact_denoiser(build_target(TargetConfig(**target), Path()), 100, seed=3)

    assert isinstance(exact(kind="star"), MixtureDenoiser)
    assert isinstance(exact(kind="gaussian_mixture", means=[[0], [1]]), MixtureDenoiser)
    smiley = exact(kind="smiley")
    assert isinstance(smiley, DataDenoiser)
    assert smiley.points.shape == (100, 2)
    assert torch.equal(smiley.points, exact(kind="smiley").points)
    assert exact(kind="muller_brown").points.shape == (100, 2)
    assert exact(kind="donut").points.shape == (100, 3)
    assert exact(kind="expression", log_p="-x**4").points.shape == (100, 1)
    assert exact(kind="spiral").points.shape == (100, 2)


def test_it_is_quick():
    """Five thousand chains by four thousand points: within three times the bare matrix product and softmax of it."""
    denoiser, x = DataDenoiser(torch.randn(4000, 2)), torch.randn(5000, 2)

    def seconds(work):
        started = time.process_time()
        work()
        return time.process_time() - started

    bare = min(seconds(lambda: torch.softmax(x @ denoiser.points.T, 1) @ denoiser.points) for _ in range(3))
    assert min(seconds(lambda: denoiser(x, HALF)) for _ in range(3)) < 3 * bare
