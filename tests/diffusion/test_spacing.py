"""Every sampler's own spacing suits it: in few steps none is worse than DDIM; bad pairings are said, in figures."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import torch

from diffrender.config.declarations import Recording
from diffrender.config.find import scenes
from diffrender.config.scene_card import find_scene, with_options
from diffrender.config.sections import Config, ScheduleConfig
from diffrender.core.errors import ConfigError
from diffrender.diffusion.denoisers.exact import MixtureDenoiser, exact_denoiser
from diffrender.diffusion.levels import MAX_FIRST_RATIO, Level, choose, steepest_fall
from diffrender.diffusion.noise import Noise, Purpose, generator
from diffrender.diffusion.recording.budgets import within_budget
from diffrender.diffusion.recording.metrics import sliced_wasserstein
from diffrender.diffusion.recording.record import sample
from diffrender.diffusion.recording.run import SETTLED_STEPS, Run
from diffrender.diffusion.samplers.base import start
from diffrender.diffusion.samplers.catalogue import SAMPLERS
from diffrender.diffusion.samplers.registry import suited_spacing
from diffrender.diffusion.schedules import make_levels
from diffrender.diffusion.targets.build import config_target
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
OWN = [e.name for e in REVERSE if e.info["nfe_per_step"] != "adaptive"]
LAGS = ("annealed", "flow")  # that pair is warned of, at any number of steps
MULTISTEP = [e.name for e in REVERSE if (e.info["order"] or 1) > 1 and e.info["nfe_per_step"] == 1]


def suited(name: str, steps: int) -> str:
    return suited_spacing(SAMPLERS[name].info, steps, 1000)


def distance(name: str, schedule: str, steps: int, spacing: str = "") -> float:
    levels = choose(TABLES[schedule], steps, spacing or suited(name, steps))
    return sliced_wasserstein(final(name, DENOISE, levels, 0, CHAINS), FRESH)


def final(name: str, denoise, levels, seed: int, chains: int) -> np.ndarray:
    """The last states (N, 2) of a run."""
    noise = Noise(seed, chains, (2,))
    x = start(levels[0], noise)
    for step in SAMPLERS[name].make(denoise, x, levels, noise):
        x = step.x_next
    return x.numpy()


@pytest.fixture(scope="module")
def ddim():
    return {(s, k): distance("ddim", s, k) for s in TABLES for k in (10, 20)}


@pytest.mark.parametrize("schedule", list(TABLES))
@pytest.mark.parametrize("name", OWN)
def test_in_few_steps_no_sampler_is_worse_than_ddim(name, schedule, ddim):
    for steps in (10, 20) if (name, schedule) != LAGS else ():
        assert distance(name, schedule, steps) <= 1.2 * ddim[schedule, steps] + 0.03


@pytest.fixture(scope="module")
def spiral():
    """How far a sampler ends from the data of a spiral, on a schedule in 10 steps: the mean of three seeds."""
    target = config_target(Config(target={"kind": "spiral"}))
    denoise = exact_denoiser(target, 400, 0, device="cpu")
    fresh = target.draw(400, generator(0, Purpose.METRIC))

    @cache
    def ends(name: str, schedule: str, spacing: str) -> float:
        levels = choose(TABLES[schedule], 10, spacing)
        return np.mean([sliced_wasserstein(final(name, denoise, levels, seed, 400), fresh) for seed in range(3)])

    return ends


NOISY = [("ddpm", each) for each in TABLES] + [("annealed", each) for each in TABLES if ("annealed", each) != LAGS]


@pytest.mark.parametrize(("name", "schedule"), NOISY)
def test_noisy_steps_of_the_first_order_are_as_near_by_angle_on_every_table(name, schedule, spiral):
    assert spiral(name, schedule, suited(name, 10)) <= 1.15 * spiral("ddim", schedule, "linspace") + 0.02


@pytest.mark.parametrize("schedule", ["linear", "karras"])
def test_the_control_on_the_table_they_are_not(schedule, spiral):
    assert spiral("ddpm", schedule, "linspace") > 1.15 * spiral("ddim", schedule, "linspace") + 0.02


@pytest.mark.parametrize("schedule", list(TABLES))
def test_few_noisy_steps_are_even_in_angle_whatever_the_table(schedule):
    table = TABLES[schedule]
    levels = choose(table, 10, "angle")
    angles = np.arctan([level.ratio for level in levels])
    assert levels[0] == table[len(table) - 1]
    assert levels[-1] == Level(1.0, 0.0, 0.0)
    assert np.allclose(np.diff(angles), np.diff(angles)[0], rtol=1e-6)
    assert all(a.time > b.time for a, b in pairwise(levels))
    assert choose(table, 5000, "angle")[-2].ratio == pytest.approx(table[1].ratio)  # never under the table's lowest


def test_a_table_of_as_few_entries_is_walked_as_it_is():
    """As annealed Langevin's own dozen of levels."""
    dozen = ScheduleConfig(kind="geometric", num_train_timesteps=12)
    run = Run.of(config(kind="annealed", steps=12).model_copy(update={"schedule": dozen}), device="cpu")
    assert run.grid == list(make_levels(dozen))[::-1]


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


@pytest.mark.parametrize("spacing", ["leading", "trailing", "linspace", "karras", "log_snr", "angle"])
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
    assert spacing(kind="ddpm") == "angle"
    assert spacing(kind="ddpm", steps=100) == "linspace"
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
        (said,) = Run.of(config(kind=kind, timestep_spacing="linspace"), device="cpu").warnings
        assert "0.15 to 0.31 from the data" in said
        assert not Run.of(config(kind=kind), device="cpu").warnings
    for good in (config(kind="ddpm", steps=50), config(kind="ddim", steps=10), config(kind="reverse_sde", steps=10)):
        assert not Run.of(good, device="cpu").warnings


def test_annealed_langevin_on_a_flow_schedule_is_said_with_the_figures():
    """Where alpha grows in each step, the chains' scale lags behind it; the control is any other schedule."""
    for steps in (10, 50, 200):
        asked = config(kind="annealed", steps=steps)
        (said,) = Run.of(asked.model_copy(update={"schedule": ScheduleConfig(kind="flow")}), device="cpu").warnings
        assert "0.14 to 0.17 from the data" in said
        assert not Run.of(asked, device="cpu").warnings


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
    few = {"sampler.kind": "ddpm", "sampler.steps": 10}
    assert warnings(need, "spiral", {**few, "sampler.timestep_spacing": "linspace"})
    assert not warnings(need, "spiral", few)


def test_schedulers_of_diffusers_choose_their_own_timesteps():
    pytest.importorskip("diffusers")
    run = Run.of(config(kind="diffusers:HeunDiscreteScheduler", timestep_spacing="karras"), device="cpu")
    with pytest.raises(ConfigError, match="use_karras_sigmas"):
        next(run.steps())
    assert torch.isfinite(
        next(Run.of(config(kind="diffusers:HeunDiscreteScheduler"), device="cpu").steps()).x_next
    ).all()
