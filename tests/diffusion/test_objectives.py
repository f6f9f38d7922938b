"""What networks are trained to say: targets and answers belong together, and score matching finds the score."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from diffrender.config.sections import ScheduleConfig
from diffrender.core.errors import ConfigError
from diffrender.diffusion.denoisers.base import Prediction
from diffrender.diffusion.denoisers.objectives import (
    EDM_MEAN,
    EDM_STD,
    OBJECTIVES,
    exact_score_matching,
    log_snr,
    objective,
    sliced_score_matching,
    training_levels,
)
from diffrender.diffusion.levels import Level
from diffrender.diffusion.schedules import make_levels

LEVELS = [Level(0.8, 0.6, 0.5), Level(1.0, 7.0, 0.5), Level(0.3, 0.7, 0.5)]  # one of each family


@pytest.mark.parametrize("name", [entry.name for entry in OBJECTIVES if entry.make().target is not None])
@pytest.mark.parametrize("level", LEVELS)
def test_a_network_that_hits_its_target_predicts_data_and_noise(name, level):
    x0, eps = torch.randn(2, 50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x = level.alpha * x0 + level.sigma * eps
    out = objective(name).target(x0, eps, torch.tensor(level.alpha), torch.tensor(level.sigma))
    p = Prediction(x, level, **objective(name).answer(out, level))
    torch.testing.assert_close(p.x0, x0, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(p.eps, eps, rtol=1e-6, atol=1e-6)


def test_edm_is_table_1_of_karras_for_data_of_unit_variance():
    level, x0, eps = LEVELS[1], torch.randn(9, 2), torch.randn(9, 2)
    x, s = x0 + level.sigma * eps, level.sigma
    skip, out_scale = 1 / (s * s + 1), s / (s * s + 1) ** 0.5
    out = objective("edm").target(x0, eps, torch.tensor(1.0), torch.tensor(s))
    torch.testing.assert_close(skip * x + out_scale * out, x0)
    answered = Prediction(x, level, **objective("edm").answer(out, level))
    torch.testing.assert_close(answered.x0, x0, rtol=1e-4, atol=1e-4)


def test_sliced_and_exact_score_matching_agree_in_expectation_and_measure_the_error():
    """J(s) = ½E|s − s*|² − ½E|s*|² (Hyvärinen 2005, theorem 1), for s* = −x of N(0, I) and s = −a·x + b."""
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(200_000, 3, dtype=torch.float64, generator=rng)
    v = torch.randint(0, 2, x.shape, generator=rng).double() * 2 - 1
    a, b = torch.tensor([0.5, 1.0, 2.0]), torch.tensor([0.3, -0.2, 0.0])

    def score(y):
        return -a * y + b

    exact, sliced = (loss(score, x, v).mean().detach() for loss in (exact_score_matching, sliced_score_matching))
    wanted = 0.5 * (((1 - a) ** 2).sum() + (b * b).sum()) - 1.5
    assert float(exact) == pytest.approx(float(wanted), abs=0.02)
    assert float(sliced) == pytest.approx(float(exact), abs=0.02)
    wrong = sliced_score_matching(score, x, 0.7 * v).mean().detach()  # directions of the wrong covariance
    assert abs(float(wrong - exact)) > 1


def test_score_matching_losses_have_gradients():
    weight = torch.tensor(0.5, requires_grad=True)
    for loss in (exact_score_matching, sliced_score_matching):
        value = loss(lambda y: -weight * y, torch.randn(10, 2), torch.ones(10, 2)).mean()
        (slope,) = torch.autograd.grad(value, weight)
        assert torch.isfinite(slope)


@pytest.mark.parametrize("schedule", ["linear", "karras", "flow"])
def test_training_levels(schedule):
    table = make_levels(ScheduleConfig(kind=schedule, num_train_timesteps=100))
    u = (np.arange(10_000) + 0.5) / 10_000
    alpha, sigma = training_levels(table, "table", u)
    assert set(np.unique(sigma)) == set(table.sigma[1:])  # every level but the clean one, equally often
    assert np.unique(sigma, return_counts=True)[1].min() == 100
    alpha, sigma = training_levels(table, "lognormal", u)
    logs = np.log(sigma / alpha)
    assert (logs.mean(), logs.std()) == (pytest.approx(EDM_MEAN, abs=0.01), pytest.approx(EDM_STD, abs=0.01))
    one = {"vp": alpha**2 + sigma**2, "ve": alpha, "flow": alpha + sigma}[table.family]
    assert np.allclose(one, 1)


def test_log_snr_is_finite_everywhere():
    assert np.isfinite(log_snr(np.array([1.0, 0.0]), np.array([0.0, 1.0]))).all()
    assert log_snr(0.6, 0.8) == pytest.approx(2 * np.log(0.75))


def test_unknown_objective():
    with pytest.raises(ConfigError, match="Did you mean 'epsilon'"):
        objective("epsilom")
