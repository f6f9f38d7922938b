"""Guidance in the plane read back: its fields, the density that it claims, and how far its samples are from that."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from diffrender.animation.parts.tilt import GuidedFields
from diffrender.config.overrides import worse_network
from diffrender.config.sections import Config
from diffrender.core.errors import ConfigError
from diffrender.diffusion.check import check_config
from diffrender.diffusion.denoisers.exact import MixtureDenoiser
from diffrender.diffusion.denoisers.guidance import Guided
from diffrender.diffusion.levels import Level
from diffrender.diffusion.recording.record import sample
from diffrender.diffusion.targets.densities.mixtures import GaussianMixture
from diffrender.diffusion.training.loop import train
from diffrender.trajectory.reader import Trajectory

MEANS, STD = np.array([[-1.2, -0.6], [1.2, -0.6], [0.0, 1.2]]), 0.4
TARGET = {"kind": "gaussian_mixture", "means": MEANS.tolist(), "stds": STD}
SAMPLER = {"kind": "dpmpp_2m", "steps": 40, "chains": 900, "timestep_spacing": "log_snr"}
MODEL = {"kind": "exact", "conditional": True}


@pytest.fixture(scope="module")
def claimed(recorded):
    def run(scale, target=TARGET, **more):
        sampler = SAMPLER | {"guidance_scale": scale} | more
        return recorded(target, model=MODEL, sampler=sampler, record={"tilted": True})

    return run


@pytest.fixture(scope="module")
def runs(claimed, recorded):
    fields = {"fields": ["score", "class_score"], "grid": [9, 9]}
    return {
        "scale1": claimed(1.0),
        "scale2": claimed(6.0),
        "fields": recorded(TARGET, model=MODEL, sampler=SAMPLER | {"chains": 100}, record=fields),
    }


@pytest.fixture(scope="module")
def film(cinema, runs):
    film = cinema("tilt", **runs)
    film.play([(0, 1)], (320, 180), scales="1,6")
    return film


def tilted(x, label, scale):
    parts = np.stack([multivariate_normal(m, STD**2).pdf(x) for m in MEANS])
    found = parts[label] ** scale * parts.mean(0) ** (1 - scale)
    return found / found.sum()


def test_the_claim_is_the_tilted_density_normalised(runs):
    run = runs["scale2"]
    places = np.stack(np.meshgrid(run["tilted_x"], run["tilted_y"]), -1)
    cell = (run["tilted_x"][1] - run["tilted_x"][0]) * (run["tilted_y"][1] - run["tilted_y"][0])
    for density, label in zip(run["tilted"], run["tilted_label"], strict=True):
        assert density * cell == pytest.approx(tilted(places, label, 6.0), abs=1e-7)
        assert density * cell != pytest.approx(tilted(places, label, 1.0), abs=1e-5), "the control: another scale"


def test_samples_are_what_is_claimed_without_guidance_and_of_one_gaussian_alone(runs, claimed):
    """At w = 1 guidance does nothing, and of one Gaussian there is nothing to tell apart; else it claims too much."""
    one = claimed(6.0, {"kind": "gaussian_mixture", "means": [[0.3, -0.2]], "stds": 0.7})
    for run in (runs["scale1"], one):
        assert run.meta["tilted"]["distance"] < 1.6 * run.meta["tilted"]["floor"]
    guided = runs["scale2"].meta["tilted"]
    assert guided["distance"] > 5 * guided["floor"], "the control: where theory says that they differ"


def test_guidance_in_an_interval_is_none_outside_it(claimed):
    mixture = GaussianMixture(np.ones(3), MEANS, np.stack([np.eye(2) * STD**2] * 3))
    exact, x = MixtureDenoiser(mixture), torch.randn(20, 2, dtype=torch.float64)
    label = torch.arange(20) % 3
    guided = Guided(exact, 6.0, (0.5, 2.0))
    for ratio, acts in ((0.2, False), (1.0, True), (4.0, False)):
        level = Level(1.0, ratio, 0.5)
        away = (guided(x, level, label).x0 - exact(x, level, label).x0).abs().max()
        assert (away > 1e-3) == acts
    few, all_ = claimed(6.0, guidance_interval=[0.2, 0.6]).meta["tilted"], claimed(6.0).meta["tilted"]
    assert few["distance"] < all_["distance"]


def test_arrows_are_scores_of_the_closed_form_and_their_sum(film, runs):
    run, views = runs["fields"], film.scene.views[:4]
    fields = GuidedFields(film.scene.page, run, views, top=6.0)
    fields.show_step(30)
    k = int(np.abs(run["sigma"] / run["alpha"] - fields.ratio).argmin())
    mixture = GaussianMixture(np.ones(3), MEANS, np.stack([np.eye(2) * STD**2] * 3))
    x = torch.from_numpy(fields.guided.xy.reshape(-1, 2))
    label = torch.full((len(x),), fields.label)
    free = mixture.at_level(x, run["alpha"][k], run["sigma"][k])[1].numpy()
    given = mixture.at_level(x, run["alpha"][k], run["sigma"][k], label)[1].numpy()
    shown = fields.guided.vectors.reshape(-1, 2) * fields.strength[30]
    assert shown == pytest.approx(free + fields.scales[30] * (given - free), abs=1e-3)
    assert shown != pytest.approx(free + fields.scales[40] * (given - free), abs=1e-1), "the control: another scale"
    fields.show_step(0)
    assert fields.guided.vectors == pytest.approx(fields.mobjects[0].vectors, abs=1e-5), "w = 0 is the first panel"


def test_guided_clouds_stay_inside_their_panels_on_their_way(cinema, runs):
    film = cinema("tilt", **runs)
    film.play([(k, k + 1) for k in range(0, 10**4, 40)], (320, 180), fps=2, scales="1,6", duration=1, sweep=1)
    left, right, bottom, top = film.scene.views[-1].box

    def least(states, left, right, bottom, top):
        held = (states > (left, bottom)) & (states < (right, top))
        return held.all(-1).mean(-1).min()

    for name in ("scale1", "scale2"):
        assert least(runs[name].states, left, right, bottom, top) > 0.995
    assert least(2 * runs["scale2"].states, left, right, bottom, top) < 0.9, "the control: a wider cloud is cut"


def test_the_distance_and_its_floor_stand_on_screen(cinema, runs):
    film = cinema("tilt", **runs)
    film.play([(k, k + 1) for k in range(0, 10**4, 8)], (320, 180), fps=2, scales="1,6", duration=1, sweep=1)
    said = [str(getattr(m, "body", "")) for top in film.scene.mobjects for m in top.get_family()]
    for name in ("scale1", "scale2"):
        figures = runs[name].meta["tilted"]
        assert any(f"{figures['distance']:.2f}" in text and f"{figures['floor']:.2f}" in text for text in said)
    assert not any(f"{figures['distance'] + 0.11:.2f}" in text for text in said), "the control: another distance"


@pytest.mark.parametrize(("target", "model"), [("spiral", {"kind": "exact"}), (TARGET, {"kind": "exact"})])
def test_what_knows_no_classes_claims_nothing(recorded, target, model):
    with pytest.raises(ConfigError, match="tells classes apart"):
        recorded(target, model=model, sampler=SAMPLER | {"chains": 9}, record={"tilted": True})
    config = Config.model_validate({"target": target, "model": model, "sampler": SAMPLER, "record": {"tilted": True}})
    with pytest.raises(ConfigError, match="tells classes apart"):
        check_config(config)  # before anything is trained
    check_config(config.model_copy(update={"record": config.record.model_copy(update={"tilted": False})}))


def test_it_fits_every_frame(cinema, runs, shape, look):
    assert cinema("tilt", **runs).layout(shape, look, every=9, scales="1,6", duration=1.0, sweep=1.0) == []


# ---- autoguidance ----------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """The same small network alone, guided away from no class, and away from one that was trained for two steps."""
    folder = tmp_path_factory.mktemp("autoguidance")
    few = {"batch_size": 64, "snapshots": 0, "snapshot_chains": 100, "data_size": 400, "label_dropout": 0.2}
    base = {
        "target": TARGET,
        "model": {"kind": "mlp", "width": 16, "conditional": True},
        "training": few | {"steps": 60, "learning_rate": 1e-2},
        "record": {"keep": [], "target_points": 150, "tilted": True},
    }
    sections = {
        "alone": {},
        "by_nothing": {"guidance_scale": 2.0},
        "by_worse": {"guidance_scale": 2.0, "autoguidance": {"training": {"steps": 2}}},
    }
    configs = {name: Config.model_validate(base | {"sampler": SAMPLER | more}) for name, more in sections.items()}
    weights, worse = (
        train(config, folder / f"{k}.safetensors", device="cpu").weights
        for k, config in enumerate((configs["alone"], worse_network(configs["by_worse"])))
    )
    given = {"by_worse": {"worse": worse}}
    return {
        name: Trajectory.open(sample(config, folder / f"{name}.npz", weights=weights, **given.get(name, {})))
        for name, config in configs.items()
    }


def test_a_worse_network_claims_the_class_itself_and_no_class_the_tilted_density(learned):
    places = np.stack(np.meshgrid(learned["alone"]["tilted_x"], learned["alone"]["tilted_y"]), -1)
    for name, scale, other in (("alone", 1.0, 2.0), ("by_worse", 1.0, 2.0), ("by_nothing", 2.0, 1.0)):
        run = learned[name]
        cell = (run["tilted_x"][1] - run["tilted_x"][0]) * (run["tilted_y"][1] - run["tilted_y"][0])
        assert run["tilted"][0] * cell == pytest.approx(tilted(places, 0, scale), abs=1e-7)
        assert run["tilted"][0] * cell != pytest.approx(tilted(places, 0, other), abs=1e-5), "the control"


def test_the_three_ways_are_drawn_where_they_were_recorded_and_named_with_their_scales(cinema, learned):
    film = cinema("tilt", **learned)
    shots = film.play([(k, k + 1) for k in range(0, 10**4, 6)], (320, 180), fps=2, acts="autoguidance", duration=1)
    clouds = shots[-1].rasters["PointCloud"]
    for cloud, name in zip(clouds, ("alone", "by_nothing", "by_worse"), strict=True):
        assert cloud.xy == pytest.approx(learned[name]["x"][-1], abs=1e-6)
    assert clouds[0].xy != pytest.approx(learned["by_worse"]["x"][-1], abs=1e-2), "the control: another run"
    said = [str(getattr(m, "body", "")) for top in film.scene.mobjects for m in top.get_family()]
    for name, words in (("alone", "w = 1"), ("by_worse", "w = 2")):
        assert any(words in text for text in said)
        assert any(f"{learned[name].meta['tilted']['distance']:.2f}" in text for text in said)
    assert any("steps = 2" in text for text in said)


def test_autoguidance_fits_every_frame(cinema, learned, shape, look):
    assert cinema("tilt", **learned).layout(shape, look, every=9, acts="autoguidance", duration=1.0) == []
