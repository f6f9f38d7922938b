"""The weights that are shipped: found by their configs, as small as promised, and what they draw was asked for."""

from __future__ import annotations

import numpy as np
import pytest

from diffrender.config.find import open_config
from diffrender.config.shipped_weights import FOLDER, shipped_autoencoder, shipped_weights
from diffrender.core import provenance
from diffrender.diffusion.recording.run import Run

MAX_BYTES = {
    "digits": 1_000_000,
    "mnist": 1_500_000,
    "cifar10": 6_000_000,
    "latent-digits": 200_000,
    "latent-mnist": 200_000,
}
AUTOENCODERS = {"latent-digits": 500_000, "latent-mnist": 2_100_000}
EVEN = {"kind": "karras", "sigma_min": 0.04, "sigma_max": 32.0}
SHIPPED = sorted(path.stem for path in FOLDER.glob("*.safetensors"))


def drawn(name: str, chains: int, **overrides) -> tuple[Run, np.ndarray]:
    quick = {"sampler.kind": "dpmpp_2m", "sampler.steps": 10, "sampler.chains": chains, "schedule": EVEN}
    config = open_config(name, {**quick, **overrides})
    run = Run.of(config, weights=shipped_weights(config), device="cpu")
    return run, run.final() * run.target.scale + run.target.offset.astype(np.float32)


@pytest.mark.parametrize("name", list(MAX_BYTES))
def test_a_shipped_config_finds_its_weights_and_their_card(name):
    config = open_config(name)
    path = shipped_weights(config)
    assert path == FOLDER / f"{name}.safetensors"
    assert path.stat().st_size <= MAX_BYTES[name]
    said = provenance.read(path)
    assert said["config"]["training"]["steps"] == said["card"]["steps"]
    assert {"data", "steps", "cpu_seconds", "seed", "command", "limits"} <= set(said["card"])
    assert shipped_weights(open_config(name, {"training.steps": 1})) is None


def test_every_file_that_is_shipped_belongs_to_a_config():
    assert sorted([*MAX_BYTES, *(f"{name}-autoencoder" for name in AUTOENCODERS)]) == SHIPPED


@pytest.mark.parametrize("name", list(AUTOENCODERS))
def test_latents_are_drawn_without_the_data_set_and_read_as_was_asked(name, monkeypatch):
    """By the reader in the autoencoder's file, with guidance 2; asked for another class, they are not."""
    monkeypatch.setenv("DIFFRENDER_DATA", str(FOLDER))  # a folder without any
    solver = {"sampler.kind": "dpmpp_2m", "sampler.steps": 20, "sampler.chains": 1000, "sampler.guidance_scale": 2.0}
    config = open_config(name, solver)
    encoder = shipped_autoencoder(config)
    assert encoder == FOLDER / f"{name}-autoencoder.safetensors"
    assert encoder.stat().st_size <= AUTOENCODERS[name]
    assert shipped_autoencoder(open_config(name, {"autoencoder.labels": True})) is None
    config = config.model_copy(update={"autoencoder_file": encoder})
    run = Run.of(config, weights=shipped_weights(config), device="cpu")
    read = run.autoencoder.reader.read(run.autoencoder.decode(run.final())).numpy()
    assert (read == run.labels).mean() >= {"latent-digits": 0.98, "latent-mnist": 0.89}[name]
    assert (read == (run.labels + 1) % 10).mean() < 0.1


def test_digits_are_read_as_the_class_that_was_asked_for():
    """By a support vector machine; asked for another class, they are not."""
    from sklearn.datasets import load_digits
    from sklearn.svm import SVC

    data = load_digits()
    reader = SVC(gamma=0.05, C=10).fit(data.images.reshape(-1, 64) / 8 - 1, data.target)
    run, images = drawn("digits", 100, **{"sampler.guidance_scale": 2.0})
    read = reader.predict(images.clip(-1, 1).reshape(100, -1))
    assert (read == run.labels).mean() >= 0.97
    assert (read == (run.labels + 1) % 10).mean() < 0.1


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_images_are_drawn_without_the_data_set(name, monkeypatch):
    """In [−1, 1] but for a little, and not all alike."""
    monkeypatch.setenv("DIFFRENDER_DATA", str(FOLDER))  # a folder without any
    run, images = drawn(name, 4)
    assert images.shape == (4, *run.target.event)
    assert 0.8 < np.abs(images).max() < 1.5
    assert images.std(0).mean() > 0.1
