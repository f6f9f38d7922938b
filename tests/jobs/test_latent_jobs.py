"""The chain of jobs of latents: the autoencoder, the model of its codes, a run; what is shipped stands in for both."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from diffrender.config import shipped_weights as shipped
from diffrender.config.load import load_config
from diffrender.core.errors import UsageError
from diffrender.jobs.job import ordered
from diffrender.jobs.plan import subject
from diffrender.jobs.plan.subject import Subject
from diffrender.jobs.run.check import check_before_start

CONFIG = """\
target: latents
autoencoder: {kind: vae, data: digits, epochs: 1}
model: {kind: residual_mlp, conditional: true}
training: {steps: 4}
sampler: {kind: ddim, steps: 3, chains: 30}
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    (tmp_path / "tiny.yaml").write_text(CONFIG)
    (tmp_path / "weights").mkdir()
    for name in ("shipped_weights", "shipped_autoencoder"):
        find = getattr(shipped, name)
        monkeypatch.setattr(subject, name, lambda c, find=find: find(c, tmp_path / "weights"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def of(place, **sets) -> Subject:
    return Subject.of("tiny.yaml", sets, place / "outputs")


def ship(place, kind: str, value: float = 0.0) -> None:
    said = json.dumps(load_config(place / "tiny.yaml").as_dict())
    header = {"kind": json.dumps(kind), "config": said}
    save_file({"x": np.full(1, value)}, place / "weights" / f"{kind}.safetensors", header)


def test_a_run_needs_two_files_of_two_trainings(place):
    job = of(place).sample()
    assert [need.kind for need in ordered([job])] == ["autoencoder", "train", "sample"]
    training, encoding = job.needs
    assert job.inputs["weights"] == training.out
    assert job.inputs["autoencoder"] == training.inputs["autoencoder"] == encoding.out
    assert {training.out.name, encoding.out.name} == {"model.safetensors", "autoencoder.safetensors"}
    check_before_start(ordered([job]))


def test_codes_need_the_autoencoder_alone(place):
    assert [job.kind for job in ordered([of(place).codes()])] == ["autoencoder", "codes"]
    with pytest.raises(UsageError, match="has no autoencoder"):
        Subject.of("spiral", {}, place / "outputs").codes()


@pytest.mark.parametrize("sets", [{"autoencoder.labels": True}, {"autoencoder.epochs": 2}, {"seed": 3}])
def test_another_autoencoder_is_another_chain(place, sets):
    one, other = of(place).sample(), of(place, **sets).sample()
    assert one.needs[1].out != other.needs[1].out
    assert one.needs[1].key != other.needs[1].key
    assert one.needs[0].key != other.needs[0].key


@pytest.mark.parametrize("sets", [{"model.width": 32}, {"training.steps": 5}])
def test_another_model_is_of_the_same_codes(place, sets):
    one, other = of(place).sample(), of(place, **sets).sample()
    assert (one.needs[1].out, one.needs[1].key) == (other.needs[1].out, other.needs[1].key)
    assert (one.needs[0].out, one.needs[0].key) != (other.needs[0].out, other.needs[0].key)


def test_what_is_shipped_stands_in_for_both(place):
    ship(place, "autoencoder")
    ship(place, "weights")
    job = of(place).sample()
    assert job.needs == ()
    assert job.inputs["autoencoder"].parent == job.inputs["weights"].parent == place / "weights"
    assert of(place).codes().needs == ()
    assert [need.kind for need in ordered([of(place).train(anew=True)])] == ["autoencoder", "train"]
    assert [need.kind for need in ordered([of(place).train()])] == ["train"]


def test_shipped_weights_are_for_the_shipped_codes_alone(place):
    """Once an autoencoder was trained here, a model of its codes must be too."""
    ship(place, "autoencoder")
    ship(place, "weights")
    trained = of(place).train_autoencoder().out
    trained.parent.mkdir(parents=True)
    trained.write_bytes(b"trained here")
    assert [need.kind for need in ordered([of(place).sample()])] == ["autoencoder", "train", "sample"]


def test_other_codes_are_another_training(place):
    ship(place, "autoencoder")
    before = of(place).train().key
    assert of(place).train().key == before
    ship(place, "autoencoder", 1.0)
    assert of(place).train().key != before


def test_images_of_the_users_own_are_an_input(place):
    from PIL import Image

    (place / "mine").mkdir()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(place / "mine" / "a.png")
    sets = {"autoencoder.data": {"kind": "image_folder", "path": "mine", "grey": True}}
    before = of(place, **sets).train_autoencoder()
    assert before.inputs["autoencoder.data.path"] == (place / "mine").resolve()
    Image.fromarray(np.full((8, 8), 9, np.uint8)).save(place / "mine" / "a.png")
    assert of(place, **sets).train_autoencoder().key != before.key
