"""Schedules against diffusers and their formulas, and the choice of steps."""

import math
from itertools import pairwise

import diffusers
import numpy as np
import pytest
import torch

from diffrender.config.sections import ScheduleConfig
from diffrender.core.errors import ConfigError
from diffrender.diffusion.levels import Level, LevelSequence, choose
from diffrender.diffusion.schedules import SCHEDULES, make_levels

ALL = [  # but those that cannot do without a file
    entry.name for entry in SCHEDULES if all(p.default is not p.empty for p in entry.parameters().values())
]
SPACINGS = ("leading", "trailing", "linspace")


def table(kind, n=1000, **params):
    return make_levels(ScheduleConfig(kind=kind, num_train_timesteps=n, **params))


def test_the_schedules_of_diffusers_are_there_by_their_names():
    assert {"linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid", "karras", "geometric", "flow"} <= set(ALL)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("n", [1, 10, 1000])
def test_tables(kind, n):
    levels = table(kind, n)
    assert len(levels) == n + 1
    assert levels[0] == Level(1.0, 0.0, 0.0)
    assert levels.alpha.dtype == levels.sigma.dtype == levels.time.dtype == np.float64
    assert np.all(np.diff(levels.straight) > 0)
    assert np.all(np.diff(levels.time) > 0)
    assert levels.time[-1] == 1


@pytest.mark.parametrize(
    ("ours", "theirs", "scheduler"),
    [
        ("linear", "linear", "DDPMScheduler"),
        ("scaled_linear", "scaled_linear", "DDIMScheduler"),
        ("quadratic", "scaled_linear", "DDIMScheduler"),
        ("sigmoid", "sigmoid", "DDPMScheduler"),
        ("squaredcos_cap_v2", "squaredcos_cap_v2", "DDPMScheduler"),
    ],
)
def test_alphas_cumprod_of_diffusers(ours, theirs, scheduler):
    """Entry i + 1 is its timestep i, to the float32 of its table."""
    cosine = ours == "squaredcos_cap_v2"
    levels = table(ours, **({} if cosine else {"beta_start": 0.0005, "beta_end": 0.015}))
    own = getattr(diffusers, scheduler)(1000, 0.0005, 0.015, theirs)
    assert np.allclose(levels.alphas_cumprod[1:], own.alphas_cumprod.double().numpy(), rtol=2e-4, atol=1e-9)
    assert np.allclose(levels.alpha**2 + levels.sigma**2, 1, rtol=0, atol=1e-15)


def test_karras_is_that_of_diffusers():
    own = diffusers.EDMEulerScheduler(sigma_min=0.002, sigma_max=80.0, rho=7.0)
    own.set_timesteps(18)
    levels = choose(table("karras", 18), 18)
    assert np.allclose([level.sigma for level in levels], own.sigmas.double().numpy(), rtol=1e-5)


def test_geometric_and_flow_are_their_formulas():
    levels = table("geometric", 100, sigma_min=0.02, sigma_max=30)
    assert np.allclose(levels.sigma[1:], 0.02 * 1500 ** (np.arange(100) / 99), rtol=1e-13)
    assert np.array_equal(table("flow", 8).sigma, np.arange(9) / 8)
    assert table("flow", 8)[-1] == Level(0.0, 1.0, 1.0)


@pytest.mark.parametrize("steps", [2, 3, 5, 7, 20, 50, 64, 333, 999, 1000])
def test_steps_are_those_of_diffusers(steps):
    own = diffusers.DDPMScheduler(1000)
    for spacing in SPACINGS:
        own.register_to_config(timestep_spacing=spacing)
        own.set_timesteps(steps)
        ours = [round(1000 * level.time) - 1 for level in choose(table("linear"), steps, spacing)]
        assert ours == [*own.timesteps.tolist(), -1], spacing


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("spacing", SPACINGS)
def test_any_number_of_steps(kind, spacing):
    levels = table(kind, 100)
    for steps in (1, 2, 3, 99, 100, 101, 250, 1000):
        grid = choose(levels, steps, spacing)
        assert len(grid) == steps + 1
        assert all(a.straight > b.straight and a.time > b.time for a, b in pairwise(grid))
        assert grid[-1] == levels[0]
        if spacing != "leading" or steps > 100:
            assert grid[0].straight == pytest.approx(levels[100].straight, rel=1e-12)


@pytest.mark.parametrize("kind", ALL)
def test_levels_between_entries_lie_on_the_curve(kind):
    levels = table(kind, 50)
    for i in (1.5, 10.25, 49.9):
        level, below, above = levels.at_index(i), levels[math.floor(i)], levels[math.ceil(i)]
        assert below.straight < level.straight < above.straight
        assert level.time == pytest.approx(i / 50)
        size = {"vp": level.alpha**2 + level.sigma**2, "ve": level.alpha, "flow": level.alpha + level.sigma}
        assert size[levels.family] == pytest.approx(1, abs=1e-12)
    for i in range(51):
        assert levels.at_ratio(levels[i].ratio) == pytest.approx(levels[i], abs=1e-9)


def test_snr():
    levels = table("linear")
    assert levels.snr[0] == math.inf
    assert levels.log_snr[500] == pytest.approx(levels[500].log_snr) == pytest.approx(2 * levels[500].lam)
    assert levels.snr[500] == pytest.approx(1 / levels[500].ratio ** 2)
    assert (Level(0, 1, 1).ratio, Level(0, 1, 1).log_snr, Level(1, 0, 0).lam) == (math.inf, -math.inf, math.inf)


def test_a_plain_list_is_a_grid():
    grid = LevelSequence.of([Level(0.6, 0.8, 1.0), Level(0.8, 0.6, 0.5), Level(1.0, 0.0, 0.0)])
    assert grid.table.family == "vp"
    middle = grid.at_ratio(1.0)
    assert middle.alpha == pytest.approx(math.sqrt(0.5))
    assert 0.5 < middle.time < 1
    assert LevelSequence.of(grid) is grid


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ({"kind": "liner"}, "Did you mean 'linear'"),
        ({"kind": "linear", "beta_strat": 0.1}, "schedule.beta_strat"),
        ({"kind": "linear", "beta_end": 1.5}, "schedule.beta_end"),
        ({"kind": "karras", "sigma_min": 90}, "schedule.sigma_max"),
    ],
)
def test_wrong_schedules_say_which_key(schedule, words):
    with pytest.raises(ConfigError, match=words):
        make_levels(ScheduleConfig(**schedule))


def test_wrong_choices():
    with pytest.raises(ConfigError, match="at least 1"):
        choose(table("linear"), 0)
    with pytest.raises(ConfigError, match="none of leading"):
        choose(table("linear"), 5, "uniform")


def test_levels_pass_through_torch():
    """Levels are plain floats: a float32 state stays float32."""
    assert (choose(table("karras"), 4)[1].sigma * torch.ones(2)).dtype == torch.float32
