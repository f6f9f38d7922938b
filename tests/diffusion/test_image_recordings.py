"""Recordings of images: small, even in log-SNR, their noise derived, their nearest images beside them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from diffrender.config.find import find_config
from diffrender.config.load import load_config
from diffrender.config.sections import Config, SamplerConfig
from diffrender.core.errors import ConfigError, DiffrenderError
from diffrender.diffusion.levels import Level, choose
from diffrender.diffusion.recording import record
from diffrender.diffusion.recording.frames import kept_states
from diffrender.diffusion.recording.nearest import nearest_states
from diffrender.diffusion.recording.record import sample
from diffrender.diffusion.recording.recorder import Recorder
from diffrender.diffusion.recording.run import Run
from diffrender.diffusion.schedules import make_levels
from diffrender.trajectory.reader import Trajectory

CIRCLE = find_config("circle")


def config(**sections) -> Config:
    data = {
        "target": {"kind": "digits", "limit": 300},
        "model": "exact",
        "schedule": {"kind": "karras", "sigma_min": 0.02},
        "sampler": {"kind": "ddim", "steps": 40, "chains": 12},
        "seed": 5,
    }
    return Config.model_validate(data | sections)


def recorded(tmp_path, **sections) -> Trajectory:
    return Trajectory.open(sample(config(**sections), tmp_path / "run.npz", device="cpu"))


def test_states_are_half_precision_and_the_noise_is_derived(tmp_path):
    run = recorded(tmp_path)
    assert run["x"].dtype == run["x0"].dtype == np.float16
    with np.load(tmp_path / "run.npz") as stored:
        assert "eps" not in stored.files
    steps = list(Run.of(config(), device="cpu").steps())
    for k, step in enumerate(steps):
        error = np.abs(run["eps"][k] - step.eps.numpy()).max()
        assert error < 0.05, f"step {k}, sigma {step.level.sigma:.3f}"
        if step.level.sigma > 0.2:
            assert error < 0.01
    wrong = (np.float32(run["x"][20]) - np.float32(run["x0"][20])) / np.float32(run["sigma"][21])
    assert np.abs(wrong - steps[20].eps.numpy()).max() > 0.05, (
        "the control: the noise level of the next state is not it"
    )
    assert run["eps"].shape == run["x0"].shape
    assert np.array_equal(np.asarray(run["eps"])[3, 2:4], run["eps"][3, 2:4])
    assert np.array_equal(run["eps"][5:9][:, 1], run["eps"][5:9, 1])
    assert np.array_equal(run["eps"][-1], run["eps"][39])


def test_points_are_still_recorded_as_before(tmp_path):
    run = recorded(tmp_path, target="moons", record={"target_points": 10})
    assert run["x"].dtype == np.float32
    assert {"eps", "drift", "noise"} <= set(run)
    assert config(target="moons", sampler="ddim").sampler.chains == SamplerConfig().chains > 1000


def test_some_tens_of_chains_and_a_hundred_and_twenty_states_unless_told_otherwise():
    plain = config(target="mnist", sampler={"kind": "ddpm", "steps": 1000})
    assert (plain.sampler.chains, plain.record.frames, plain.record.keep) == (36, 121, ("x0",))
    told = config(target={"kind": "cifar10"}, sampler={"kind": "ddpm", "chains": 64}, record={"every": 5})
    assert (told.sampler.chains, told.record.frames, told.record.every) == (64, None, 5)
    assert Config.model_validate(told.as_dict()) == told
    with pytest.raises(ValueError, match="give one of them"):
        config(record={"every": 5, "frames": 30})


@pytest.mark.parametrize("kind", ["karras", "linear", "squaredcos_cap_v2", "geometric", "flow"])
def test_kept_states_are_even_in_log_snr(kind):
    table = make_levels(Config.model_validate({"target": "moons", "schedule": kind}).schedule)
    levels = choose(table, 1000)
    kept = sorted(kept_states(levels, 120))
    assert len(kept) == 120
    assert kept[0] == 0
    assert kept[-1] == 1000
    place = np.array([levels[k].log_snr for k in kept[:-1]])
    steps = np.diff(place)
    finest = np.diff([level.log_snr for level in levels[:-1]]).max()
    if kind in ("geometric", "linear", "karras"):
        assert steps.max() < 1.6 * np.median(steps) + finest
        every = np.diff([levels[k].log_snr for k in range(0, 1000, 9)])
        assert every.max() / every.min() > steps.max() / steps.min() or kind == "geometric", (
            "the control: not by number"
        )
    backwards = kept_states(levels[::-1], 120)
    assert len(backwards) == 120
    assert kept_states(levels, 5000) == frozenset(range(1001))


def test_states_of_one_level_count_as_lying_between_it_and_the_next():
    levels = [Level(1, s, 0) for s in (8, 4, 2, 1) for _ in range(10)] + [Level(1, 1, 0), Level(1, 0, 0)]
    kept = sorted(kept_states(levels, 11))
    assert len(kept) == 11
    assert max(np.diff(kept)) <= 6


def test_langevin_on_images_keeps_its_inner_steps_too(tmp_path):
    sampler = {"kind": "annealed", "steps": 20, "inner_steps": 4, "step_size": 0.25, "chains": 5}
    run = recorded(tmp_path, sampler=sampler, record={"frames": 1000})
    assert run["x"].shape == (82, 5, 1, 8, 8)
    few = recorded(tmp_path, sampler=sampler, record={"frames": 30})
    assert few["x"].shape[0] == 30
    assert np.array_equal(few["x"][-1], run["x"][-1])


def test_what_is_kept_in_between_is_what_a_full_recording_holds(tmp_path):
    every = recorded(tmp_path, record={"frames": 1000})
    few = recorded(tmp_path, record={"frames": 11})
    place = [int(np.flatnonzero(every["sigma"] == s)[0]) for s in few["sigma"]]
    assert len(place) == 11
    assert np.array_equal(few["x"], every["x"][place])
    assert np.array_equal(few["x0"], every["x0"][place[:-1]])


def test_the_nearest_image_of_each_sample_is_recorded(tmp_path):
    run = recorded(tmp_path, model="gaussian", target={"kind": "digits", "limit": 300, "mirror": True})
    target = Run.of(config(target={"kind": "digits", "limit": 300, "mirror": True}), device="cpu").target
    images = target.states()[0].astype(np.float64)
    last = run["x"][-1].astype(np.float64)
    far = np.sqrt(np.square(last[:, None] - images[None]).mean((2, 3, 4)))
    assert np.array_equal(run["nearest_index"], far.argmin(1))
    assert np.allclose(run["nearest_distance"], far.min(1) * target.scale, atol=2e-3)
    assert np.allclose(run["nearest"], images[far.argmin(1)], atol=2e-3)
    assert "nearest" not in recorded(tmp_path, model="gaussian", record={"nearest": False})
    own = images[far.argmin(1)]
    others = np.sqrt(np.square(own[:, None] - images[None]).mean((2, 3, 4)))
    others[np.arange(len(own)), far.argmin(1)] = np.inf
    assert np.allclose(run["nearest_apart"], others.min(1) * target.scale, atol=2e-3)
    second = np.sort(far, 1)[:, 1] * target.scale
    assert not np.allclose(run["nearest_distance"], second, atol=2e-3), "the control: the second nearest is farther"


def test_the_nearest_is_found_whatever_the_parts():
    rng = np.random.default_rng(0)
    samples, states = rng.normal(size=(9, 1, 3, 3)), rng.normal(size=(50, 1, 3, 3))
    whole = nearest_states(samples, [states])
    parts = nearest_states(samples, [states[:7], states[7:30], states[30:]])
    assert np.array_equal(whole[1], parts[1])
    assert np.allclose(whole[2], parts[2])
    assert np.array_equal(whole[0], states[whole[1]])
    assert nearest_states(samples, iter(())) is None
    known = states[[4, 20, 31]]
    assert nearest_states(known, [states])[1].tolist() == [4, 20, 31], "the control: each is nearest to itself"
    others = nearest_states(known, [states[:7], states[7:30], states[30:]], apart_from=np.array([4, 20, 31]))
    away = np.square(known[:, None] - states[None]).mean((2, 3, 4))
    assert np.allclose(others[2] ** 2, np.sort(away, 1)[:, 1])


def test_the_patches_of_a_local_denoiser_are_recorded_at_every_level(tmp_path):
    run = recorded(tmp_path, model={"kind": "local", "locality": 2}, record={"nearest": False})
    sides = run["metric_patch_side"]
    assert len(sides) == len(run["x"])
    assert (sides % 2 == 1).all()
    assert sides[0] > sides[-1], "patches shrink with the noise"
    assert "metric_patch_side" not in recorded(tmp_path, model="gaussian", record={"nearest": False})


def test_the_size_is_said_before_and_refused_if_the_disk_has_no_room(tmp_path, monkeypatch):
    heard = []
    sample(config(), tmp_path / "run.npz", device="cpu", progress=heard.append)
    assert heard[0]["note"] == "12 chains × 41 states of 1 × 8 × 8: 0.1 MB."
    monkeypatch.setattr(record.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 1000}))
    with pytest.raises(DiffrenderError, match="room for"):
        sample(config(), tmp_path / "other.npz", device="cpu")
    assert not (tmp_path / "other.npz").exists()


def test_of_points_it_is_said_where_it_is_large(tmp_path, monkeypatch):
    def notes(chains):
        heard = []
        sampler = {"sampler.kind": "ddim", "sampler.steps": 4, "sampler.chains": chains}
        settings = {"target.kind": "circle", "model.kind": "exact", **sampler}
        sample(load_config(CIRCLE, settings), tmp_path / "run.npz", device="cpu", progress=heard.append)
        return [event["note"] for event in heard if "note" in event]

    monkeypatch.setattr(record, "LARGE_BYTES", 5000)
    assert notes(10) == []
    assert notes(100) == ["100 chains × 5 states of 2: 0.1 MB."]
    monkeypatch.setattr(record, "VERY_LARGE_BYTES", 10_000)
    monkeypatch.setattr(record, "LARGE_BYTES", 500)
    said = notes(100)[0]
    assert "With --set record.frames=2 or --chains 50" in said
    assert notes(50) == ["50 chains × 5 states of 2: 0.1 MB."], "the control: with so few it is not said again"
    monkeypatch.setattr(record.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 1000}))
    with pytest.raises(DiffrenderError, match="room for"):
        notes(100)


@pytest.mark.parametrize(
    ("key", "said"),
    [("sampler.chains", "10,000,000"), ("sampler.steps", "10,000,000"), ("training.snapshots", "10,000")],
)
def test_what_could_not_end_is_refused_at_once(key, said):
    with pytest.raises(ConfigError, match=rf"{key}: must be at most {said} \(got 1000000000000\)"):
        load_config(CIRCLE, {key: 10**12})


def test_a_recorder_of_other_peoples_loops_keeps_single_precision(tmp_path):
    with Recorder(tmp_path / "mine.npz") as recorder:
        for k in range(3):
            recorder.state(torch.zeros(2, 3, 4, 4), alpha=1.0, sigma=2.0 - k, x0=torch.zeros(2, 3, 4, 4))
    assert Trajectory.open(tmp_path / "mine.npz")["x"].dtype == np.float32


def test_the_forward_process_dissolves_images(tmp_path):
    run = recorded(tmp_path, sampler={"kind": "forward", "steps": 50, "chains": 6})
    images = Run.of(config(), device="cpu").target.states()[0]
    first = np.abs(run["x"][0][:, None].astype(np.float32) - images[None]).max((2, 3, 4)).min(1)
    assert first.max() < 2e-3, "it starts at images of the set"
    assert run["sigma"][0] == 0
    assert "eps" not in run
    assert float(run["x"][-1].astype(np.float32).std()) > 20


def test_the_noise_is_estimated_from_the_pictures_alone(tmp_path):
    run = recorded(
        tmp_path, target={"kind": "digits", "limit": 300}, sampler={"kind": "ddim", "steps": 30, "chains": 20}
    )
    estimate = run["noise_estimate"]
    assert estimate.shape == (31, 16)
    noisy = run["sigma"] > 2
    error = estimate[noisy].mean(1) / run["sigma"][noisy] - 1
    assert np.abs(error).max() < 0.15
    assert estimate[-1].max() < 1
    shuffled = np.abs(estimate[::-1][noisy].mean(1) / run["sigma"][noisy] - 1)
    assert shuffled.max() > 0.5, "the control: the estimates of other states do not fit"
