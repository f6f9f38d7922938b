"""Targets by formula: their shape, their scale, and that they are spread as they say."""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chisquare, kstest

from diffrender.config.find import open_config, shipped
from diffrender.config.load import load_config
from diffrender.config.sections import TargetConfig
from diffrender.config.shipped_weights import shipped_autoencoder
from diffrender.core.errors import ConfigError
from diffrender.diffusion.targets.build import build_target, config_target
from diffrender.diffusion.targets.densities.catalogue import DENSITIES
from diffrender.diffusion.targets.points.plane import POINTS
from diffrender.diffusion.targets.shapes.catalogue import SHAPES
from diffrender.diffusion.training import autoencoder

KINDS = [entry.name for entry in POINTS]


def draws(n=20_000, seed=1, **target):
    """Fresh draws of a target and what `build` made."""
    built = build_target(TargetConfig(**target), Path())
    return built.draw(n, np.random.default_rng(seed)), built


@pytest.mark.parametrize("kind", KINDS)
def test_draws_are_centred_scaled_and_repeatable(kind):
    x, target = draws(kind=kind)
    assert x.dtype == np.float32
    assert x.shape == (20_000, *target.event)
    assert target.dim in (2, 3)
    assert np.abs(x.mean(0)).max() < 0.06
    assert math.isclose(float(np.sqrt((x**2).mean())), 1, abs_tol=0.03)
    assert np.array_equal(x, draws(kind=kind)[0])
    assert not np.array_equal(x, draws(kind=kind, seed=2)[0])
    low, high = np.array(target.box).reshape(-1, 2).T
    assert ((x >= low) & (x <= high)).all(1).mean() > 0.98
    assert target.draw(1, np.random.default_rng(0)).shape == (1, *target.event)


@pytest.mark.parametrize("kind", ["moons", "circles", "swissroll", "s_curve", "gaussians"])
def test_draws_are_independent(kind):
    """Evenly spaced points would give a mean whose spread over draws is far below 1/√n."""
    target = build_target(TargetConfig(kind=kind), Path())
    rng = np.random.default_rng(0)
    means = np.array([target.draw(200, rng).mean(0) for _ in range(300)])
    spread = means.std(0) * math.sqrt(200) / target.draw(20_000, rng).std(0)
    assert np.all((spread > 0.85) & (spread < 1.15))


def test_classes():
    target = build_target(TargetConfig(kind="gaussians", modes=5), Path())
    x, label = target.draw_labelled(5000, np.random.default_rng(0))
    assert target.labels == ("0", "1", "2", "3", "4")
    assert label.dtype == np.int64
    centres = np.array([x[label == k].mean(0) for k in range(5)])
    nearest = np.linalg.norm(x[:, None] - centres, axis=2).argmin(1)
    assert (nearest == label).mean() > 0.999
    assert build_target(TargetConfig(kind="spiral"), Path()).draw_labelled(3, np.random.default_rng(0))[1] is None


def test_spiral_is_even_along_its_length():
    x, target = draws(kind="spiral", noise=0)
    radius = np.linalg.norm(x * target.scale + target.offset, axis=1)
    reach = 1.75 * 2 * np.pi
    assert kstest(((radius * (reach + 0.6) - 0.6) / reach) ** 2, "uniform").pvalue > 1e-4


@pytest.mark.parametrize("sides", [3, 4, 7])
def test_polygon_has_that_many_even_sides(sides):
    x, target = draws(kind="polygon", sides=sides, noise=0)
    raw = x * target.scale + target.offset
    angle = (np.arctan2(raw[:, 1], raw[:, 0]) + np.pi / 2 + np.pi / sides) % (2 * np.pi)
    counts = np.bincount((angle / (2 * np.pi / sides)).astype(int) % sides, minlength=sides)
    assert len(counts) == sides
    assert chisquare(counts).pvalue > 1e-4
    turned = (angle % (2 * np.pi / sides)) - np.pi / sides
    assert np.allclose(np.hypot(*raw.T) * np.cos(turned), np.cos(np.pi / sides), atol=1e-4)


def test_sphere_and_torus_are_even_by_area():
    x, target = draws(kind="sphere")
    assert kstest((x * target.scale + target.offset)[:, 2], "uniform", (-1, 2)).pvalue > 1e-4
    x, target = draws(kind="torus", thickness=0.5)
    raw = x * target.scale + target.offset
    angle = np.arctan2(raw[:, 2], np.hypot(raw[:, 0], raw[:, 1]) - 1)
    assert kstest(angle, lambda v: (v + np.pi + 0.5 * np.sin(v)) / (2 * np.pi)).pvalue > 1e-4
    assert kstest(angle, "uniform", (-np.pi, 2 * np.pi)).pvalue < 1e-6  # even in angle it is not


def test_lorenz_keeps_to_its_attractor():
    x, target = draws(kind="lorenz", noise=0)
    raw = x * target.scale + target.offset
    assert np.abs(raw[:, :2].mean(0)).max() < 1
    assert 22 < raw[:, 2].mean() < 25
    assert np.abs(raw[:, 0]).max() < 21
    assert raw[:, 2].min() > 0
    assert raw[:, 2].max() < 50


def test_a_density_is_a_target_in_its_own_coordinates():
    x, target = draws(kind="smiley")
    assert target.density is not None
    assert target.scale == 1
    assert not target.offset.any()
    assert np.allclose(x.mean(0), target.density.sample(20_000, np.random.default_rng(5)).mean(0), atol=0.05)


def test_a_name_means_one_thing():
    names = [*POINTS.names, *SHAPES.names, *DENSITIES.names]
    assert len(names) == len(set(names))


def test_every_shipped_config_builds(tmp_path):
    files = sorted(shipped("configs").glob("*.yaml"))
    assert len(files) > 20
    for file in files:
        config = load_config(file)
        if config.target.kind == "latents":
            encoder = shipped_autoencoder(config) or briefly_trained(file, tmp_path)
            config = config.model_copy(update={"autoencoder_file": encoder})
        x = config_target(config).draw(100, np.random.default_rng(0))
        assert np.isfinite(x).all(), file
        assert np.ptp(x, axis=0).max() > 0, file


def briefly_trained(file, folder):
    """The autoencoder of a config whose weights are not shipped, after one look at a few images."""
    config = open_config(file.stem, {"autoencoder.epochs": 1, "autoencoder.data.limit": 256})
    out = folder / "a.safetensors"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(autoencoder, "READER_STEPS", 2)
        autoencoder.train_autoencoder(config, out, device="cpu")
    return out


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({"kind": "spirall"}, "Did you mean 'spiral'"),
        ({"kind": "spiral", "turn": 3}, "target.turn"),
        ({"kind": "spiral", "turns": -1}, "target.turns"),
        ({"kind": "polygon", "sides": 2}, "target.sides"),
        ({"kind": "moons", "noise": "loud"}, "target.noise"),
    ],
)
def test_wrong_targets_are_named(target, message):
    with pytest.raises(ConfigError, match=message):
        build_target(TargetConfig(**target), Path())
