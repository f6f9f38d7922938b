"""Training: the same seed gives the same bits, stopped or not; what is learned is good; what is wrong is said."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from diffrender.config.load import load_config
from diffrender.config.sections import Config
from diffrender.core.errors import ConfigError, DiffrenderError
from diffrender.diffusion.denoisers.build import build_denoiser
from diffrender.diffusion.denoisers.guidance import Guided
from diffrender.diffusion.denoisers.objectives import OBJECTIVES
from diffrender.diffusion.recording.record import sample
from diffrender.diffusion.recording.run import Run
from diffrender.diffusion.targets.build import build_target
from diffrender.diffusion.training.base import EMA_EVERY
from diffrender.diffusion.training.loop import resume_file, train
from diffrender.diffusion.training.snapshots import snapshot_steps
from diffrender.diffusion.training.trainer import Trainer
from diffrender.trajectory.reader import Trajectory

SPIRAL = Path(__file__).parents[2] / "configs" / "spiral.yaml"


def config(target: str = "circle", **changes: Any) -> Config:
    small = {"steps": 150, "batch_size": 64, "snapshots": 4, "snapshot_chains": 100, "snapshot_steps": 5}
    return Config.model_validate(
        {
            "target": target,
            "model": {"kind": "mlp", "width": 24, "depth": 2},
            "training": {"data_size": 2000, "objective": "v_prediction"} | small | changes,
            "sampler": {"kind": "ddim", "steps": 3},
            "record": {"target_points": 60, "grid": (6, 5)},
        }
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that never stopped."""
    out = tmp_path_factory.mktemp("whole") / "model.safetensors"
    return train(config(), out, device="cpu", key="abc")


def circle():
    return build_target(config().target, Path())


def same_weights(a: Path, b: Path) -> bool:
    one, other = load_file(a), load_file(b)
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def test_weights_say_where_they_came_from(whole):
    with safe_open(whole.weights, "pt") as file:
        header = {k: json.loads(v) for k, v in file.metadata().items()}
    assert header["config"] == config().as_dict()
    assert (header["key"], header["seed"], header["kind"]) == ("abc", 0, "weights")


def test_the_recording_shows_the_training(whole):
    t = Trajectory.open(whole.recording)
    assert (t.kind, t.steps, t.meta["key"]) == ("training", 150, "abc")
    assert t.snapshot.shape == (4, 100, 2)
    assert list(t.snapshot_step) == [0, 17, 67, 150] == snapshot_steps(150, 4)
    assert t.field_score.shape == (4, 5, 6, 2)
    assert list(t.field_time) == list(t.snapshot_step)
    assert t.metric_sliced_wasserstein.shape == (4,)
    assert t.target.shape == (60, 2)
    assert t.loss.shape == (150,)
    assert t.meta["figures"]["ratio"] == whole.figures["ratio"] > 1
    assert not np.array_equal(t.snapshot[0], t.snapshot[-1])


def test_the_way_from_noise_to_the_last_snapshot_is_recorded(whole):
    t = Trajectory.open(whole.recording)
    assert t.generation.shape == (6, 100, 2)
    assert np.array_equal(t.generation[-1], t.snapshot[-1])
    assert not np.array_equal(t.generation[-1], t.snapshot[-2]), "the control: an earlier snapshot"
    ratio = t.generation_sigma / np.maximum(t.generation_alpha, 1e-12)
    assert (np.diff(ratio) < 0).all()
    assert ratio[-1] == 0
    noise = t.generation[0] / np.hypot(t.generation_alpha[0], t.generation_sigma[0])
    assert 0.85 < noise.std() < 1.15, "it begins in noise"


def test_same_seed_same_bits_other_seed_other_weights(whole, tmp_path):
    again = train(config(), tmp_path / "a.safetensors", device="cpu", key="abc")
    assert again.weights.read_bytes() == whole.weights.read_bytes()
    other = train(config().model_copy(update={"seed": 1}), tmp_path / "b.safetensors", device="cpu")
    assert not same_weights(other.weights, whole.weights)


@pytest.mark.parametrize("how", ["raise", "signal"])
@pytest.mark.parametrize("stop", [16, 64, 144])
def test_interrupted_and_resumed_is_as_if_never_stopped(whole, tmp_path, stop, how):
    def interrupt(event: dict) -> None:
        if event["stage"] == "train" and event["done"] >= stop:
            if how == "raise":
                raise KeyboardInterrupt
            os.kill(os.getpid(), signal.SIGINT)

    out = tmp_path / "model.safetensors"
    with pytest.raises(KeyboardInterrupt):
        train(config(), out, device="cpu", key="abc", progress=interrupt)
    assert resume_file(out).is_file()
    assert not out.exists()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    resumed = train(config(), out, device="cpu", key="abc", resume=True)
    assert stop <= resumed.figures["resumed_at"] < 150
    assert out.read_bytes() == whole.weights.read_bytes(), "no clock, no place of the interruption in them"
    assert resumed.recording.read_bytes() == whole.recording.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.safetensors", "training.npz"]


def test_resuming_something_else_starts_afresh(tmp_path):
    def interrupt(event: dict) -> None:
        raise KeyboardInterrupt

    out = tmp_path / "model.safetensors"
    with pytest.raises(KeyboardInterrupt):
        train(config(), out, device="cpu", progress=interrupt)
    result = train(config(steps=20), out, device="cpu", resume=True)
    assert result.figures["resumed_at"] == 0
    resume_file(out).write_bytes(b"nonsense")
    with pytest.raises(DiffrenderError, match="cannot be resumed"):
        train(config(), out, device="cpu", resume=True)


@pytest.mark.parametrize("name", list(OBJECTIVES.entries))
def test_every_objective_learns_the_score(tmp_path, name):
    """The learned score against the exact one, at a level where the data are noised but not lost."""
    settings = config(objective=name, steps=400, batch_size=128, learning_rate=5e-3)
    train(settings, tmp_path / "m.safetensors", device="cpu")
    run = Run.of(settings, weights=tmp_path / "m.safetensors", device="cpu")
    level = run.table.at_ratio(0.7)
    rng = np.random.default_rng(0)
    x = torch.from_numpy(run.target.draw(1000, rng)) * level.alpha + level.sigma * torch.randn(1000, 2)
    learned, exact = run.denoise()(x, level).score, run.exact(x, level).score
    error = float((learned - exact).square().mean() / exact.square().mean())
    assert error < 0.25
    assert float((-learned - exact).square().mean() / exact.square().mean()) > 2  # not of the wrong sign


def test_classes_are_learned_apart_and_guided(tmp_path):
    settings = config("gaussians", steps=600, batch_size=128, learning_rate=5e-3, label_dropout=0.1)
    settings = settings.model_copy(
        update={"model": settings.model.model_copy(update={"conditional": True, "width": 48})}
    )
    out = train(settings, tmp_path / "m.safetensors", device="cpu").weights
    sampler = settings.sampler.model_copy(update={"kind": "ddim", "steps": 20, "chains": 400, "guidance_scale": 2.0})
    guided = settings.model_copy(update={"sampler": sampler})
    t = Trajectory.open(sample(guided, tmp_path / "a.npz", weights=out, device="cpu"))
    assert list(t.label[:9]) == [*range(8), 0]
    assert list(t.nfe[:3]) == [0, 2, 4]  # a guided call is two
    centres = np.stack([t.target[t.target_label == k].mean(0) for k in range(8)])
    nearest = np.linalg.norm(t.x[-1][:, None] - centres, axis=2).argmin(1)
    assert (nearest == t.label).mean() > 0.9
    assert isinstance(build_denoiser(guided, Run.of(guided, weights=out, device="cpu").target, out), Guided)


def test_classes_where_there_are_none():
    settings = config().model_copy(update={"model": config().model.model_copy(update={"conditional": True})})
    with pytest.raises(ConfigError, match="has no classes"):
        train(settings, Path("never.safetensors"), device="cpu")


def test_weights_of_another_network_and_damaged_ones(whole, tmp_path):
    wider = config().model_copy(update={"model": config().model.model_copy(update={"width": 32})})
    with pytest.raises(DiffrenderError, match="weights of another network"):
        sample(wider, tmp_path / "a.npz", weights=whole.weights, device="cpu")
    (tmp_path / "bad.safetensors").write_bytes(whole.weights.read_bytes()[:-50])
    with pytest.raises(DiffrenderError, match="not weights that can be read"):
        sample(config(), tmp_path / "a.npz", weights=tmp_path / "bad.safetensors", device="cpu")
    with pytest.raises(DiffrenderError, match="no such weights"):
        sample(config(), tmp_path / "a.npz", weights=tmp_path / "none.safetensors", device="cpu")
    save_file({"x": torch.ones(1)}, tmp_path / "x.safetensors")
    with pytest.raises(DiffrenderError, match="weights of another network"):
        sample(config(), tmp_path / "a.npz", weights=tmp_path / "x.safetensors", device="cpu")


def test_the_learning_rate_rises_and_falls_as_the_scheduler_says():
    rates = {}
    for name in ("cosine", "constant", "wsd"):
        trainer = Trainer(config(steps=1000, lr_scheduler=name, learning_rate=1.0), circle(), torch.device("cpu"))
        rates[name] = [trainer.learning_rate(step) for step in (0, 100, 500, 800, 999)]
        assert 0 < rates[name][0] < 0.02  # the rise
    assert rates["constant"][1:] == [1.0, 1.0, 1.0, 1.0]
    assert rates["wsd"][1:] == pytest.approx([1.0, 1.0, 0.5, 0.0025])
    assert rates["cosine"][1:] == pytest.approx([0.9755, 0.5, 0.0955, 0.0], abs=1e-3)


@pytest.mark.parametrize("power", [1.0, 7.0])
def test_the_average_by_a_power_is_the_weighted_mean_of_all_weights(power):
    """Against the sum over all steps of t^γ w(t), for weights that are the step itself; of another γ it is another."""
    steps = 800
    trainer = Trainer(config(steps=steps, ema_power=power, snapshots=0), circle(), torch.device("cpu"))
    parameter = next(trainer.network.parameters())
    for step in range(EMA_EVERY, steps + 1, EMA_EVERY):
        trainer.step = step
        with torch.no_grad():
            parameter.fill_(step)
        trainer.average.update_parameters(trainer.network)
    found = next(trainer.average.module.parameters()).mean().item()
    t = np.arange(1, steps + 1)
    mean = {g: float((t * t**g).sum() / (t**g).sum()) for g in (power, 2 * power)}
    assert found == pytest.approx(mean[power], rel=0.01)
    assert found != pytest.approx(mean[2 * power], rel=0.01)


def test_divergence_is_said_and_leaves_nothing(tmp_path):
    with pytest.raises(DiffrenderError, match=r"diverged.*\n.*learning_rate"):
        train(config(learning_rate=1e30), tmp_path / "m.safetensors", device="cpu")
    assert not list(tmp_path.iterdir())


def test_without_snapshots_the_last_one_is_left(tmp_path):
    t = Trajectory.open(train(config(steps=20, snapshots=0), tmp_path / "m.safetensors", device="cpu").recording)
    assert list(t.snapshot_step) == [20]


def test_nothing_to_train():
    with pytest.raises(ConfigError, match="nothing to train"):
        train(Config.model_validate({"target": "circle", "model": "exact"}), Path("never.safetensors"))


def test_trained_on_one_schedule_sampled_on_any(whole, tmp_path):
    for schedule in ("linear", "karras", "flow"):
        settings = config().model_copy(update={"schedule": config().schedule.model_copy(update={"kind": schedule})})
        t = Trajectory.open(sample(settings, tmp_path / "a.npz", weights=whole.weights, device="cpu"))
        assert t.metric_sliced_wasserstein[-1] < 0.8


@pytest.mark.slow
def test_the_spiral_is_learned_well_in_a_minute(tmp_path):
    """The shipped config, whole: at most 2.5 times the distance between two fresh data sets, in 100 CPU seconds."""
    begun = time.process_time()
    figures = train(load_config(SPIRAL), tmp_path / "m.safetensors", device="cpu", measured_samples=20_000).figures
    assert figures["ratio"] <= 2.5
    assert time.process_time() - begun <= 100
