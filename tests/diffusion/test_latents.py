"""Latents: an autoencoder trained and resumed, its codes as a target, and what recordings say of both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from diffrender.config.load import load_config
from diffrender.config.sections import Config
from diffrender.core.errors import ConfigError, DiffrenderError
from diffrender.diffusion.autoencoders.reader import blurred
from diffrender.diffusion.autoencoders.trained import load_autoencoder
from diffrender.diffusion.autoencoders.vae import VAE
from diffrender.diffusion.check import check_config
from diffrender.diffusion.recording.codes import record_codes
from diffrender.diffusion.recording.metrics import neighbour_agreement
from diffrender.diffusion.recording.record import sample
from diffrender.diffusion.targets.build import build_target, config_target
from diffrender.diffusion.training import autoencoder as training
from diffrender.diffusion.training.autoencoder import train_autoencoder
from diffrender.diffusion.training.loop import resume_file, train
from diffrender.trajectory.reader import Trajectory

ENCODER = {"kind": "vae", "data": {"kind": "digits", "limit": 300}, "widths": [32], "epochs": 8, "batch_size": 50}


def config(encoder: dict[str, Any] | None = None, **sections: Any) -> Config:
    data = {
        "target": "latents",
        "autoencoder": ENCODER | (encoder or {}),
        "model": {"kind": "residual_mlp", "width": 16, "depth": 1, "conditional": True},
        "training": {"steps": 40, "batch_size": 64, "snapshots": 2, "snapshot_chains": 50, "snapshot_steps": 3},
        "sampler": {"kind": "ddim", "steps": 4, "chains": 120},
        "record": {"target_points": 50, "decoded": 3, "grid": (4, 3)},
    }
    return Config.model_validate(data | sections)


def encoded_by(settings: Config, file: Path) -> Config:
    return settings.model_copy(update={"autoencoder_file": file})


@pytest.fixture(scope="module", autouse=True)
def short_lessons():
    """The reader of images is not what is tested here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "READER_STEPS", 12)
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory, short_lessons):
    """An autoencoder, then a model of its codes: two files in one folder."""
    folder = tmp_path_factory.mktemp("latents")
    train_autoencoder(config(), folder / "autoencoder.safetensors", key="abc", device="cpu")
    settings = encoded_by(config(), folder / "autoencoder.safetensors")
    train(settings, folder / "model.safetensors", device="cpu", measured_samples=100)
    return folder


# ---- the autoencoder -------------------------------------------------------------------------------------------------
def test_its_loss_is_minus_the_elbo():
    """Against the formulas written out, one image and one number at a time; with the variances wrong it is not."""
    torch.manual_seed(0)
    net, x, noise = VAE((1, 2, 2), 0, size=2, widths=(8,)), torch.rand(5, 1, 2, 2) * 2 - 1, torch.randn(5, 2)
    found = net.loss_parts(x, None, noise).tolist()
    with torch.no_grad():
        mean, log_var = net.posterior(x)

    @torch.no_grad()
    def by_hand(deviation: torch.Tensor) -> list[float]:
        p = (net.decode(mean + noise * deviation).flatten(1) + 1) / 2
        white = (x.flatten(1) + 1) / 2
        misfit = -(white * p.log() + (1 - white) * (1 - p).log()).sum(1).mean()
        kl = torch.distributions.kl_divergence(
            torch.distributions.Normal(mean, deviation), torch.distributions.Normal(0.0, 1.0)
        )
        return [float(misfit), float(kl.sum(1).mean()), 0.0]

    assert found == pytest.approx(by_hand((log_var / 2).exp()), rel=1e-4)
    assert found != pytest.approx(by_hand(log_var.exp()), rel=1e-2)


@pytest.mark.parametrize("stop", [16, 48])
def test_interrupted_and_resumed_is_as_if_never_stopped(trained, tmp_path, stop):
    """Also where it is stopped after the last step, while its reader learns."""

    def interrupt(event: dict) -> None:
        if event["done"] >= stop or (stop == 48 and event["stage"] == "learn to read"):
            raise KeyboardInterrupt

    out = tmp_path / "autoencoder.safetensors"
    with pytest.raises(KeyboardInterrupt):
        train_autoencoder(config(), out, key="abc", device="cpu", progress=interrupt)
    assert resume_file(out).is_file()
    figures = train_autoencoder(config(), out, key="abc", device="cpu", resume=True)
    assert figures["resumed_at"] >= min(stop, 48)
    assert out.read_bytes() == (trained / out.name).read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


def test_another_seed_is_another_autoencoder(trained, tmp_path):
    short = config({"epochs": 1})
    train_autoencoder(short, tmp_path / "a.safetensors", device="cpu")
    train_autoencoder(short.model_copy(update={"seed": 1}), tmp_path / "b.safetensors", device="cpu")
    one, other = (load_file(tmp_path / f"{name}.safetensors")["codes"] for name in "ab")
    assert not torch.allclose(one, other, atol=1e-3)


def test_with_labels_the_classes_lie_apart(tmp_path):
    """The same training with and without labels: with them neighbours agree more often."""
    settings = {"epochs": 40, "data": {"kind": "digits", "limit": 400}, "widths": [64]}
    agree = {
        labels: train_autoencoder(config({**settings, "labels": labels}), tmp_path / "a.safetensors")["neighbours"]
        for labels in (False, True)
    }
    assert agree[True] > agree[False] + 0.05


def test_neighbours_agree_where_classes_lie_apart():
    rng = np.random.default_rng(0)
    points, label = rng.standard_normal((400, 2)), np.arange(400) % 2
    assert neighbour_agreement(points + 10 * label[:, None], label) == 1
    assert neighbour_agreement(points, label) < 0.65


# ---- its codes as a target -------------------------------------------------------------------------------------------
def test_latents_are_the_codes_of_the_images(trained):
    settings = encoded_by(config(), trained / "autoencoder.safetensors")
    target, images = config_target(settings), build_target(settings.autoencoder.data, Path())
    assert (target.event, target.labels) == ((2,), images.labels)
    x, label = target.states()
    assert np.allclose(x.mean(0), 0, atol=1e-5)
    assert x.std() == pytest.approx(1, abs=1e-5)
    pixels, known = images.states()
    network = load_autoencoder(settings.autoencoder_file, settings).network
    codes = network.encode(torch.from_numpy(pixels * images.scale + images.offset.astype(np.float32))).numpy()
    assert np.allclose(x * target.scale + target.offset, codes, atol=1e-4)
    assert not np.allclose(x, codes, atol=1e-2)  # scaled, they are not the raw ones
    assert np.array_equal(label, known)


@pytest.mark.parametrize("schedule", ["squaredcos_cap_v2", "karras"])
def test_what_is_decoded_is_what_the_decoder_makes_of_the_point_shown(trained, tmp_path, schedule):
    settings = encoded_by(config(schedule={"kind": schedule}), trained / "autoencoder.safetensors")
    run = Trajectory.open(sample(settings, tmp_path / "a.npz", weights=trained / "model.safetensors", device="cpu"))
    assert run["decoded"].shape == (5, 3, 1, 8, 8)
    autoencoder = load_autoencoder(settings.autoencoder_file, settings)
    for step in range(5):
        images = autoencoder.decode(np.asarray(run.states[step, :3])).numpy()
        assert np.allclose(run["decoded"][step], images, atol=1e-3)
        elsewhere = autoencoder.decode(np.asarray(run.states[step, :3]) + 1).numpy()
        assert not np.allclose(run["decoded"][step], elsewhere, atol=1e-3)
    read = autoencoder.reader.read(autoencoder.decode(run["x"][-1])).numpy()
    assert np.array_equal(run["read"], read)
    assert run.meta["autoencoder"]["images"] == "digits"


def test_a_latent_run_is_an_ordinary_run(trained, tmp_path):
    """Fields, the forward process, the exact denoiser: as of any points."""
    encoder = trained / "autoencoder.safetensors"
    fields = config(record={"fields": ("score", "velocity"), "grid": (4, 3), "decoded": 0})
    run = Trajectory.open(
        sample(encoded_by(fields, encoder), tmp_path / "a.npz", weights=trained / "model.safetensors", device="cpu")
    )
    assert run["field_score"].shape == (4, 3, 4, 2)
    assert "decoded" not in run
    for changes in ({"sampler": {"kind": "forward", "steps": 3}}, {"model": "exact"}):
        settings = encoded_by(config(**changes), encoder)
        assert Trajectory.open(sample(settings, tmp_path / "b.npz", device="cpu")).event == (2,)


def test_the_recording_of_codes(trained, tmp_path):
    settings = encoded_by(config(), trained / "autoencoder.safetensors")
    t = Trajectory.open(record_codes(settings, tmp_path / "codes.npz", key="k"))
    assert (t.kind, t.event, t.meta["key"]) == ("autoencoder", (2,), "k")
    assert (t.epoch[0], t.epoch[-1]) == (0, 8)
    assert t.epoch[len(t.epoch) // 2] < t.epoch[-1] / 4  # dense at first
    target, autoencoder = config_target(settings), load_autoencoder(settings.autoencoder_file, settings)
    filmed = autoencoder.film["filmed"].numpy()
    assert np.allclose(t.code[-1], target.states()[0][filmed], atol=1e-5)
    assert np.array_equal(t.code_label, target.states()[1][filmed])
    assert len(t.loss_kl) == 48
    assert "loss_label" not in t
    # the density of place and class: its whole is one, and each class is densest among its own codes
    area = (t.density_x[1] - t.density_x[0]) * (t.density_y[1] - t.density_y[0])
    assert t.class_density.sum() * area == pytest.approx(1, abs=0.06)
    shares = np.bincount(target.states()[1]) / 300
    assert np.allclose(t.class_density.sum((1, 2)) * area, shares, atol=0.02)
    x, label = target.states()
    i = np.abs(t.density_x[:, None] - x[:, 0]).argmin(0)
    j = np.abs(t.density_y[:, None] - x[:, 1]).argmin(0)
    own, next_class = t.class_density[label, j, i].mean(), t.class_density[(label + 1) % 10, j, i].mean()
    assert own > 1.5 * next_class
    # the sheet is what is decoded in the middles of its cells
    assert t.sheet.shape == (20, 20, 1, 8, 8)
    there = autoencoder.decode(np.array([[t.sheet_x[4], t.sheet_y[11]]])).numpy()[0]
    assert np.allclose(t.sheet[11, 4], there, atol=1e-3)
    assert not np.allclose(t.sheet[4, 11], there, atol=1e-3)


# ---- what is refused -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("target: latents\n", "go together"),
        ("target: digits\nautoencoder: {data: digits}\n", "go together"),
        ("target: latents\nautoencoder: {}\n", "'autoencoder.data' is missing"),
        ("target: latents\nautoencoder: {data: digits, epochs: 0}\n", "autoencoder.epochs"),
        ("target: latents\nautoencoder_file: x\nautoencoder: {data: digits}\n", "unknown key 'autoencoder_file'"),
    ],
)
def test_sections_that_do_not_belong_together(tmp_path, text, said):
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(ConfigError, match=said):
        load_config(tmp_path / "a.yaml")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"encoder": {"data": {"kind": "spiral"}}}, "no images"),
        ({"encoder": {"kind": "vea"}}, "Unknown autoencoder 'vea'"),
        ({"encoder": {"width": 3}}, "autoencoder.width"),
        ({"encoder": {"size": 7}}, "autoencoder.size"),
        ({"target": {"kind": "latents", "turns": 2}}, "target.turns"),
    ],
)
def test_what_cannot_be_encoded_is_said_before_any_training(settings, said):
    with pytest.raises(ConfigError, match=said):
        check_config(config(**settings), trains=True)
    check_config(config(), trains=True)


def test_labels_of_images_without_any(tmp_path):
    from PIL import Image

    for k in range(3):
        Image.fromarray(np.full((8, 8), 60 * k, np.uint8)).save(tmp_path / f"{k}.png")
    images = {"kind": "image_folder", "path": str(tmp_path), "grey": True}
    with pytest.raises(ConfigError, match=r"autoencoder\.labels"):
        check_config(config({"data": images, "labels": True}, model={"kind": "residual_mlp"}), trains=True)


def test_another_file_is_no_autoencoder(trained):
    other = encoded_by(config(), trained / "model.safetensors")
    with pytest.raises(DiffrenderError, match="of no autoencoder"):
        config_target(other)
    wider = encoded_by(config({"widths": [40]}), trained / "autoencoder.safetensors")
    with pytest.raises(DiffrenderError, match="weights of another network"):
        config_target(wider)
    with pytest.raises(DiffrenderError, match="trained before"):
        config_target(config()).states()


@pytest.mark.parametrize(("side", "left"), [(8, 1.6), (28, 0.5)])
def test_what_a_reader_learns_from_is_blurred_in_half_of_the_cases(side, left):
    """Black stays black, nothing leaves [−1, 1], and a fine pattern loses its contrast."""
    rng = torch.Generator().manual_seed(0)
    pattern = torch.where(torch.arange(side) % 2 == 0, 1.0, -1.0).expand(2, 1, side, side).contiguous()
    found = [blurred(pattern, rng) for _ in range(200)]
    changed = [images for images in found if images is not pattern]
    assert 70 < len(changed) < 130
    assert all(images.shape == pattern.shape and images.abs().max() <= 1 for images in changed)
    contrast = np.array([float(images[0, 0].diff(dim=1).abs().mean()) for images in changed])
    assert contrast.min() < left < 2.0 == float(pattern.diff(dim=3).abs().mean()), "control: as it was"
    black = -torch.ones(1, 1, side, side)
    assert all((blurred(black, rng) == -1).all() for _ in range(20))
