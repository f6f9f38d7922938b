"""Couplings of data and noise: least transport, pairs that a flow made, and trainings that build on one another."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from diffrender.config.sections import Config
from diffrender.core.errors import ConfigError
from diffrender.diffusion.recording.run import Run
from diffrender.diffusion.targets.build import build_target
from diffrender.diffusion.training.batches import Batches
from diffrender.diffusion.training.coupling import REFLOW_STEPS, optimal_transport, reflow_pairs
from diffrender.diffusion.training.loop import train
from diffrender.jobs.plan.subject import Subject


def config(**training):
    training = {"steps": 20, "batch_size": 16, "snapshots": 0, "snapshot_chains": 100, "data_size": 200, **training}
    model, target = {"kind": "mlp", "width": 8}, {"kind": "moons"}
    base = {"target": target, "model": model, "schedule": "flow", "training": {"objective": "flow", **training}}
    return Config.model_validate(base | {"record": {"target_points": 0}})


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    return train(config(), tmp_path_factory.mktemp("teacher") / "model.safetensors", measured_samples=50).weights


def test_transport_is_the_cheapest_of_all_permutations():
    rng = np.random.default_rng(0)
    x, eps = rng.standard_normal((6, 2)), rng.standard_normal((6, 2))

    def cost(order):
        return np.square(x - eps[list(order)]).sum()

    costs = {order: cost(order) for order in itertools.permutations(range(6))}
    assert cost(optimal_transport(x, eps)) == pytest.approx(min(costs.values()))
    assert cost(range(6)) > 1.05 * min(costs.values()), "the control: as they were drawn"


def test_transport_moves_noise_between_data_and_draws_none_of_its_own():
    data = np.random.default_rng(1).standard_normal((64, 2)).astype(np.float32)
    plain, transported = (Batches(config(coupling=c), data, None, torch.device("cpu")) for c in ("independent", "ot"))
    for step in (0, 3):
        velocity, straighter = (np.asarray(batches(step).target) for batches in (plain, transported))  # ε − x_0
        assert np.square(straighter).sum() < 0.8 * np.square(velocity).sum()
        # the sums of all velocities agree: the same data and the same noise
        assert straighter.sum(0) == pytest.approx(velocity.sum(0), rel=1e-4)


def test_pairs_are_noise_and_what_the_flow_makes_of_it(teacher):
    made = config()
    target = build_target(made.target, made.folder)
    data, noise = reflow_pairs(made, target, teacher, None, 40, torch.device("cpu"))
    sampler = {"kind": "flow_heun", "steps": REFLOW_STEPS, "chains": 40, "timestep_spacing": "linspace"}
    run = Run.of(Config.model_validate(made.model_dump() | {"sampler": sampler}), weights=teacher, device="cpu")
    assert np.array_equal(data, run.final())
    start = next(iter(run.steps())).x
    assert np.array_equal(noise, start.numpy())
    assert not np.array_equal(data, run.final()[::-1]), "the control: others' ends"


def test_a_batch_of_pairs_keeps_them_together(teacher):
    data, noise = np.arange(20, dtype=np.float32).reshape(10, 2), -np.arange(20, dtype=np.float32).reshape(10, 2)
    batch = Batches(config(), data, None, torch.device("cpu"), noise)(0)
    velocity = np.asarray(batch.target)  # ε − x_0 = −2 x_0 for these pairs
    known = {tuple(row) for row in -2 * data}
    assert {tuple(row) for row in velocity} <= known
    apart = Batches(config(), data, None, torch.device("cpu"))(0)
    assert not {tuple(row) for row in np.asarray(apart.target)} & known, "the control: noise of any kind"


def test_a_rectified_flow_is_trained_on_the_one_before(tmp_path, teacher):
    made = config(reflow=1)
    with pytest.raises(ConfigError, match="reflow: 1 needs the weights of the flow before"):
        train(made, tmp_path / "model.safetensors")
    figures = train(made, tmp_path / "model.safetensors", measured_samples=50, teacher=teacher).figures
    assert "loss_floor" not in figures


def test_jobs_train_the_flows_one_after_the_other(tmp_path):
    subject = Subject.of("moons", {"training.objective": "flow", "training.reflow": 2}, tmp_path)
    twice = subject.train()
    (once,) = twice.needs
    (plain,) = once.needs
    assert not plain.needs
    assert len({job.out for job in (twice, once, plain)}) == 3
    assert (twice.inputs["teacher"], once.inputs["teacher"]) == (once.out, plain.out)
    other = Subject.of("moons", {"training.objective": "flow", "training.reflow": 2, "training.steps": 7}, tmp_path)
    assert other.train().contents["teacher"] != twice.contents["teacher"]
