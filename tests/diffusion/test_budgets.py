"""Evaluations as a budget: steps are counted by running the sampler, and what a budget buys is a run of its own."""

from __future__ import annotations

import numpy as np
import pytest

from diffrender.config.sections import Config
from diffrender.core.errors import ConfigError
from diffrender.diffusion.recording.budgets import (
    check_budgets,
    distance_floor,
    fresh_data,
    steps_within,
    within_budget,
)
from diffrender.diffusion.recording.metrics import sliced_wasserstein
from diffrender.diffusion.recording.record import sample
from diffrender.diffusion.recording.run import Run
from diffrender.trajectory.reader import Trajectory


def config(kind="ddim", record=None, **sampler):
    sampler = {"kind": kind, "chains": 120, **sampler}
    target = {"kind": "gaussian_mixture", "means": [[-1, 0], [1, 0]], "stds": [0.2, 0.2]}
    record = {"keep": [], "target_points": 0, **(record or {})}
    return Config.model_validate({"target": target, "model": "exact", "sampler": sampler, "record": record})


def recorded(tmp_path, config):
    return Trajectory.open(sample(config, tmp_path / "run.npz"))


@pytest.mark.parametrize("kind", ["ddpm", "heun", "dpmpp_2s", "flow_rk4", "dpmpp_sde"])
@pytest.mark.parametrize("calls", [5, 12])
def test_a_run_makes_as_many_steps_as_its_evaluations_allow(tmp_path, kind, calls):
    run = recorded(tmp_path, config(kind, evaluations=calls))
    more = recorded(tmp_path, config(kind, steps=run.steps + 1))
    assert run["nfe"][-1] <= calls < more["nfe"][-1]


def test_calls_are_counted_and_not_guessed():
    """Heun's last step needs one call: 11 calls are 6 steps. Calls a step, taken at their word, would be 5."""
    run = Run.of(config("heun"))
    assert steps_within(run, 11, "") == 6 != 11 // run.entry.info["nfe_per_step"]


def test_guidance_asks_twice():
    two = {"kind": "gaussians", "modes": 2}
    plain = config("ddim").model_dump() | {"target": two, "model": {"kind": "exact", "conditional": True}}
    plain["sampler"] |= {"guidance_scale": 2.0}
    assert steps_within(Run.of(Config.model_validate(plain)), 20, "") == 10


def test_each_budget_is_a_run_of_its_own_from_the_same_noise(tmp_path):
    run = recorded(tmp_path, config("heun", {"budgets": [3, 9]}, steps=4))
    assert run["budget_nfe"].tolist() == [3, 9]
    for x, calls in zip(run["budget_x"], (3, 9), strict=True):
        alone = recorded(tmp_path, config("heun", evaluations=calls))
        assert np.array_equal(x, alone["x"][-1])
        assert np.array_equal(run["x"][0], alone["x"][0])
    assert not np.array_equal(*run["budget_x"]), "the control: budgets differ"


def test_distances_of_budgets_and_the_floor_are_those_of_their_definitions(tmp_path):
    made = config("ddim", {"budgets": [2, 20]}, steps=4)
    run, recording = Run.of(made), recorded(tmp_path, made)
    fresh = fresh_data(run, 120)
    far = [sliced_wasserstein(x, fresh, 32) for x in recording["budget_x"]]
    assert recording["budget_sliced_wasserstein"] == pytest.approx(far, rel=1e-6)
    assert recording["metric_sliced_wasserstein"][-1] == pytest.approx(
        sliced_wasserstein(recording["x"][-1], fresh, 32)
    )
    floor = recording.meta["figures"]["floor"]
    assert floor == distance_floor(run, 120)
    assert 0 < floor < 0.5 * far[0]
    assert sliced_wasserstein(fresh, fresh, 32) == 0, "the control: data against themselves are no floor"


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (config("rk45", evaluations=9), "sampler.evaluations: rk45 decides itself"),
        (config("rk45", {"budgets": [9]}), "record.budgets: rk45 decides itself"),
        (config("flow_rk4", evaluations=1), "sampler.evaluations: one step of flow_rk4 takes 2 network calls"),
        (config("ula", evaluations=9), "sampler.evaluations: network calls are counted of samplers that remove noise"),
    ],
)
def test_what_cannot_be_counted_is_refused(made, said):
    with pytest.raises(ConfigError, match=said):
        check_budgets(Run.of(made))
    check_budgets(Run.of(config("ddim", evaluations=9)))


def test_the_rest_of_a_config_stays_as_it_is():
    run = Run.of(config("heun", evaluations=9))
    inside = within_budget(run, 9)
    assert inside.config.sampler.steps == 5
    assert inside.config.record == run.config.record
    assert inside.denoiser is run.denoiser
