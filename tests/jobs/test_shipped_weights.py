"""Shipped weights stand in for a training that never was, and for no other."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import save_file

from diffrender.config import shipped_weights as shipped
from diffrender.config.load import load_config
from diffrender.jobs.plan import subject
from diffrender.jobs.plan.subject import Subject

CONFIG = """\
target: {kind: gaussians}
training: {steps: 40, objective: edm}
sampler: {kind: ddim, steps: 5, chains: 30}
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a config whose weights are shipped."""
    (tmp_path / "tiny.yaml").write_text(CONFIG)
    (tmp_path / "weights").mkdir()
    said = load_config(tmp_path / "tiny.yaml").as_dict()
    del said["training"]["p_std"]  # a key that did not exist then has its default
    save_file({"x": np.zeros(1)}, tmp_path / "weights" / "tiny.safetensors", {"config": json.dumps(said)})
    (tmp_path / "weights" / "odd.safetensors").write_bytes(b"nonsense")
    monkeypatch.setattr(subject, "shipped_weights", lambda c: shipped.shipped_weights(c, tmp_path / "weights"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sampled(place, **sets):
    return Subject.of("tiny.yaml", sets, place / "outputs").sample()


@pytest.mark.parametrize("sets", [{}, {"sampler.kind": "ddpm"}, {"seed": 3}, {"schedule": {"kind": "karras"}}])
def test_a_shipped_network_is_sampled_without_training(place, sets):
    job = sampled(place, **sets)
    assert job.needs == ()
    assert job.inputs["weights"] == place / "weights" / "tiny.safetensors"


@pytest.mark.parametrize("sets", [{"training.steps": 41}, {"model.width": 64}, {"target.n": 4}])
def test_another_network_target_or_training_must_be_trained(place, sets):
    job = sampled(place, **sets)
    assert [need.kind for need in job.needs] == ["train"]
    assert job.inputs["weights"] == job.needs[0].out


def test_what_was_trained_here_comes_before_what_is_shipped(place):
    trained = place / "outputs" / "tiny" / "model.safetensors"
    trained.parent.mkdir(parents=True)
    shutil.copy(place / "weights" / "tiny.safetensors", trained)
    assert [need.kind for need in sampled(place).needs] == ["train"]


def test_other_bytes_are_another_recording(place):
    before = sampled(place).key
    assert sampled(place).key == before
    said = load_config(place / "tiny.yaml").as_dict()
    save_file({"x": np.ones(1)}, place / "weights" / "tiny.safetensors", {"config": json.dumps(said)})
    assert sampled(place).key != before
