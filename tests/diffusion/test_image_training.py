"""Training on images: every network and preconditioning, resumed bit for bit, conditional, kept in half precision."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from diffrender.config.sections import Config
from diffrender.core.errors import ConfigError, DiffrenderError
from diffrender.core.provenance import read
from diffrender.diffusion.recording.record import sample
from diffrender.diffusion.recording.run import Run
from diffrender.diffusion.targets.build import build_target
from diffrender.diffusion.training.loop import train
from diffrender.diffusion.training.trainer import Trainer
from diffrender.diffusion.weights_file import save_half
from diffrender.trajectory.reader import Trajectory

UNET = {"kind": "unet", "widths": [8, 16], "attention": [2]}
NETWORKS = {
    "unet": UNET,
    "gaussian": {**UNET, "precondition": "gaussian", "axes": 12},
    "residual_mlp": {"kind": "residual_mlp", "width": 32, "depth": 2},
}


def config(network: str = "unet", **changes: Any) -> Config:
    small = {"steps": 40, "batch_size": 8, "snapshots": 3, "snapshot_chains": 12, "snapshot_steps": 4, "ema_power": 7}
    return Config.model_validate(
        {
            "target": {"kind": "digits", "limit": 200},
            "model": {**NETWORKS[network], "conditional": True},
            "training": {"label_dropout": 0.1} | small | changes,
            "sampler": {"kind": "ddim", "steps": 4, "chains": 6, "guidance_scale": 2.0},
            "record": {"target_points": 0},
        }
    )


@pytest.mark.parametrize("network", list(NETWORKS))
def test_interrupted_and_resumed_is_as_if_never_stopped(tmp_path, network):
    def interrupt(event: dict) -> None:
        if event["stage"] == "train" and event["done"] >= 16:
            raise KeyboardInterrupt

    whole = train(config(network), tmp_path / "whole.safetensors", device="cpu")
    out = tmp_path / "model.safetensors"
    with pytest.raises(KeyboardInterrupt):
        train(config(network), out, device="cpu", progress=interrupt)
    resumed = train(config(network), out, device="cpu", resume=True)
    assert resumed.figures["resumed_at"] == 16
    one, other = load_file(whole.weights), load_file(out)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[k], other[k]) for k in one)
    shorter = train(config(network, steps=39), tmp_path / "shorter.safetensors", device="cpu")
    assert any(not torch.equal(one[k], v) for k, v in load_file(shorter.weights).items())


def test_the_film_draws_every_class_in_turn_from_the_same_noise(tmp_path):
    recorded = Trajectory.open(train(config(), tmp_path / "m.safetensors", device="cpu").recording)
    assert recorded.snapshot.shape == (3, 12, 1, 8, 8)
    assert list(recorded.label) == [*range(10), 0, 1]
    assert not np.array_equal(recorded.snapshot[0], recorded.snapshot[-1])
    plain = config().model_copy(update={"model": config().model.model_copy(update={"conditional": False})})
    assert "label" not in Trajectory.open(train(plain, tmp_path / "p.safetensors", device="cpu").recording)


def test_all_images_of_a_finite_set_are_learned_from(tmp_path):
    target = build_target(config().target, Path())
    trainer = Trainer(config(), target, torch.device("cpu"))
    assert len(trainer.batches.data) == 200
    assert np.array_equal(trainer.batches.data, target.states()[0])


@pytest.mark.parametrize(("network", "reached"), [("unet", 0.75), ("gaussian", 0.95), ("residual_mlp", 0.75)])
def test_what_is_learned_beats_the_blur_of_all_classes(tmp_path, network, reached):
    """Mean squared error of x0 at moderate noise, against that of the mean image; before training there is no gain."""
    settings = config(network, steps=300, batch_size=32, snapshots=0, learning_rate=4e-3)
    target = build_target(settings.target, Path())
    data, label = target.states()
    errors = {}
    for steps in (1, 300):
        short = settings.model_copy(update={"training": settings.training.model_copy(update={"steps": steps})})
        out = train(short, tmp_path / f"{steps}.safetensors", device="cpu").weights
        run = Run.of(short, weights=out, device="cpu")
        level = run.table.at_ratio(1.0)
        x0 = torch.from_numpy(data)
        x = level.alpha * x0 + level.sigma * torch.randn(x0.shape, generator=torch.Generator().manual_seed(0))
        found = run.denoiser.denoiser(x, level, torch.from_numpy(label)).x0
        errors[steps] = float((found - x0).square().mean() / (x0 - x0.mean(0)).square().mean())
    assert errors[300] < reached * errors[1]


def test_a_preconditioning_needs_the_objective_that_it_answers(tmp_path):
    with pytest.raises(ConfigError, match=r"trained by 'edm' alone.*\n.*objective: edm"):
        train(config("gaussian", objective="epsilon"), tmp_path / "m.safetensors", device="cpu")


def test_half_precision_draws_the_same_pictures(tmp_path):
    """Weights rounded to 16 bits take half the room, and the images are the same; of another seed they are not."""
    weights = train(config("gaussian", steps=60), tmp_path / "m.safetensors", device="cpu").weights
    half = tmp_path / "half.safetensors"
    save_half(weights, half, {"card": "for the test"})
    assert half.stat().st_size < 0.6 * weights.stat().st_size
    assert {t.dtype for t in load_file(half).values()} == {torch.float16}
    assert read(half)["card"] == "for the test"
    assert read(half)["config"] == json.loads(json.dumps(config("gaussian", steps=60).as_dict()))
    settings = config("gaussian", steps=60)
    one, other = (Run.of(settings, weights=w, device="cpu").final() for w in (weights, half))
    assert np.abs(one - other).max() < 0.02
    seeded = settings.model_copy(update={"seed": 1})
    assert np.abs(Run.of(seeded, weights=weights, device="cpu").final() - one).max() > 0.02


def test_weights_of_another_architecture_are_refused(tmp_path):
    weights = train(config("unet", steps=2), tmp_path / "m.safetensors", device="cpu").weights
    for other in ("gaussian", "residual_mlp"):
        with pytest.raises(DiffrenderError, match="weights of another network"):
            sample(config(other, steps=2), tmp_path / "a.npz", weights=weights, device="cpu")
    assert sample(config("unet", steps=2), tmp_path / "a.npz", weights=weights, device="cpu").is_file()
