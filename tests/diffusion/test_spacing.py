"""Every sampler's own spacing suits it: in few steps none is worse than DDIM; bad pairings are said, in figures."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from diffrender.config.declarations import Recording
from diffrender.config.find import scenes
from diffrender.config.scene_card import find_scene, with_options
from diffrender.config.sections import Config, ScheduleConfig
from diffrender.core.errors import ConfigError
from diffrender.diffusion.denoisers.exact import MixtureDenoiser
from diffrender.diffusion.levels import MAX_FIRST_RATIO, Level, choose, steepest_fall
from diffrender.diffusion.noise import Noise, generator
from diffrender.diffusion.recording.budgets import within_budget
from diffrender.diffusion.recording.metrics import sliced_wasserstein
from diffrender.diffusion.recording.record import sample
from diffrender.diffusion.recording.run import SETTLED_STEPS, Run
from diffrender.diffusion.samplers.base import start
from diffrender.diffusion.samplers.catalogue import SAMPLERS
from diffrender.diffusion.schedules import make_levels
from diffrender.diffusion.targets.densities.mixtures import GaussianMixture
from diffrender.jobs.plan.subject import Subject

CHAINS = 1000
SPOTS = GaussianMixture(
    np.full(6, 1 / 6), [[np.cos(a), np.sin(a)] for a in np.arange(6) * np.pi / 3], np.tile(0.004 * np.eye(2), (6, 1, 1))
)
DENOISE = MixtureDenoiser(SPOTS)
TABLES = {k: make_levels(ScheduleConfig(kind=k)) for k in ("linear", "squaredcos_cap_v2", "karras", "flow")}
FRESH = SPOTS.sample(20_000, generator(1))
REVERSE = [entry for entry in SAMPLERS if entry.info["kind"] == "reverse"]
OWN = [e.name for e in REVERSE if e.info["spacing"] != "linspace" and e.info["nfe_per_step"] != "adaptive"]

MULTISTEP = [e.name for e in REVERSE if (e.info["order"] or 1) > 1 and e.info["nfe_per_step"] == 1]


def distance(name: str, schedule: str, steps: int, spacing: str = "") -> float:
    levels = choose(TABLES[schedule], steps, spacing or SAMPLERS[name].info["spacing"])
    noise = Noise(0, CHAINS, (2,))
    x = start(levels[0], noise)
    for step in SAMPLERS[name].make(DENOISE, x, levels, noise):
        x = step.x_next
    return sliced_wasserstein(x.numpy(), FRESH)


@pytest.fixture(scope="module")
def ddim():
    return {(s, k): distance("ddim", s, k) for s in TABLES for k in (10, 20)}


@pytest.mark.parametrize("schedule", list(TABLES))
@pytest.mark.parametrize("name", OWN)
def test_in_few_steps_no_sampler_with_a_spacing_of_its_own_is_worse_than_ddim(name, schedule, ddim):
    for steps in (10, 20):
        assert distance(name, schedule, steps) <= 1.2 * ddim[schedule, steps] + 0.03


@pytest.mark.parametrize("name", MULTISTEP)
def test_in_many_steps_multistep_methods_are_as_near_as_ddim_on_the_table_too(name):
    """So nothing is said of them; in ten steps some are not."""
    assert near_as_ddim(name, SETTLED_STEPS)
    assert not Run.of(config(kind=name, steps=SETTLED_STEPS, timestep_spacing="linspace"), device="cpu").warnings
    assert Run.of(config(kind=name, steps=10, timestep_spacing="linspace"), device="cpu").warnings


def near_as_ddim(name, steps):
    ddim, mine = (distance(each, "squaredcos_cap_v2", steps, "linspace") for each in ("ddim", name))
    return mine <= 1.2 * ddim


@pytest.mark.parametrize("name", ["dpmpp_2m", "dpmpp_2m_sde", "dpmpp_3m_sde"])
def test_the_control_in_ten_steps_they_are_not(name):
    assert not near_as_ddim(name, 10)


def test_the_usual_spacing_is_found_out(ddim):
    assert distance("heun", "squaredcos_cap_v2", 10, "linspace") > 2 * ddim["squaredcos_cap_v2", 10]
    assert distance("dpmpp_3m_sde", "squaredcos_cap_v2", 10, "linspace") > 1.5 * ddim["squaredcos_cap_v2", 10]


@pytest.mark.parametrize("spacing", ["karras", "log_snr"])
@pytest.mark.parametrize("schedule", list(TABLES))
def test_levels_between_entries_fall_evenly_from_a_sensible_level(schedule, spacing):
    table = TABLES[schedule]
    levels = choose(table, 12, spacing)
    ratios = np.array([level.ratio for level in levels[:-1]])
    assert len(levels) == 13
    assert levels[-1] == Level(1.0, 0.0, 0.0)
    assert ratios[0] == pytest.approx(min(MAX_FIRST_RATIO, table[len(table) - 1].ratio))
    assert ratios[-1] == pytest.approx(table[1].ratio)
    even = np.diff(np.log(ratios) if spacing == "log_snr" else ratios ** (1 / 7))
    assert np.allclose(even, even[0], rtol=1e-6)
    assert all(a.time > b.time for a, b in pairwise(levels))


@pytest.mark.parametrize("spacing", ["leading", "trailing", "linspace", "karras", "log_snr"])
def test_one_step_is_allowed(spacing):
    levels = choose(TABLES["squaredcos_cap_v2"], 1, spacing)
    assert len(levels) == 2
    assert levels[0].sigma > 0


def config(**sampler) -> Config:
    return Config(
        target={"kind": "gaussians"},
        model={"kind": "exact"},
        sampler={"chains": 20, "steps": 10, **sampler},
        record={"target_points": 0},
    )


def test_a_run_takes_the_spacing_of_its_sampler_unless_told_otherwise():
    def spacing(**sampler):
        return Run.of(config(**sampler), device="cpu").grid.spacing

    assert spacing(kind="ddim") == "linspace"
    assert spacing(kind="heun") == "karras"
    assert spacing(kind="heun", timestep_spacing="trailing") == "trailing"


def test_a_bad_pairing_is_said_with_the_figures(tmp_path):
    notes = []
    bad = config(kind="heun", timestep_spacing="linspace")
    sample(bad, tmp_path / "a.npz", device="cpu", progress=lambda event: notes.append(event.get("note")))
    (note,) = [note for note in notes if note]
    high, low = steepest_fall(choose(make_levels(ScheduleConfig(kind="squaredcos_cap_v2")), 10))
    assert f"from {high:,.4g} to {low:,.4g}" in note
    for good in (config(kind="heun"), config(kind="ddim", timestep_spacing="linspace")):
        assert not Run.of(good, device="cpu").warnings


def test_few_steps_of_a_stochastic_method_are_said_with_the_figures():
    for kind in ("ddpm", "euler_ancestral", "annealed"):
        (said,) = Run.of(config(kind=kind, steps=10), device="cpu").warnings
        assert "0.15 to 0.28 from the data, ddim 0.13 to 0.21" in said
    for good in (config(kind="ddpm", steps=50), config(kind="ddim", steps=10), config(kind="reverse_sde", steps=10)):
        assert not Run.of(good, device="cpu").warnings


def warnings(need, default_config, own=None):
    """What a recording of a scene would warn of, with the user's `own` settings."""
    config = Subject.of(need.config or default_config, own).for_scene(need.overrides, need.fixed).config
    run = Run(config, None, make_levels(config.schedule), SAMPLERS[config.sampler.kind], None, torch.device("cpu"))
    return (within_budget(run, config.sampler.evaluations) if config.sampler.evaluations else run).warnings


@pytest.mark.parametrize("name", scenes())
def test_no_scene_warns_of_its_own_defaults(name):
    card = with_options(find_scene(name), {})
    for need in card.needs.values():
        if isinstance(need, Recording):
            assert not warnings(need, card.default_config)


def test_a_scene_warns_of_what_the_user_asks_for():
    """The control."""
    (need,) = find_scene("denoise").needs.values()
    assert warnings(need, "spiral", {"sampler.kind": "heun", "sampler.timestep_spacing": "linspace"})
    assert warnings(need, "spiral", {"sampler.kind": "ddpm", "sampler.steps": 10})


def test_schedulers_of_diffusers_choose_their_own_timesteps():
    pytest.importorskip("diffusers")
    run = Run.of(config(kind="diffusers:HeunDiscreteScheduler", timestep_spacing="karras"), device="cpu")
    with pytest.raises(ConfigError, match="use_karras_sigmas"):
        next(run.steps())
    assert torch.isfinite(
        next(Run.of(config(kind="diffusers:HeunDiscreteScheduler"), device="cpu").steps()).x_next
    ).all()
