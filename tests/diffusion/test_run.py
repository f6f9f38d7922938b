"""Running a config: what is recorded beside the states, and what is wrong with a config said clearly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from diffrender.config.sections import Config
from diffrender.core.errors import ConfigError, DiffrenderError, UsageError
from diffrender.core.validation import validate
from diffrender.diffusion.recording import record, run as runs
from diffrender.diffusion.recording.record import sample
from diffrender.diffusion.recording.run import Run
from diffrender.diffusion.recording.traced import Traced
from diffrender.trajectory.reader import Trajectory

MODES = {
    "kind": "gaussian_mixture",
    "weights": [0.3, 0.7],
    "means": [[-1.0, 0.2], [1.0, -0.3]],
    "stds": [0.25, 0.3],
}


def config(target: Any = MODES, **sections: Any) -> Config:
    data: dict[str, Any] = {"target": target, "model": "exact", "sampler": {"kind": "ddim", "steps": 12, "chains": 150}}
    for name, section in sections.items():
        data[name] = data.get(name, {}) | section if isinstance(data.get(name), dict) else section
    return validate(Config, data, "config")


def recorded(path: Path, settings: Config) -> Trajectory:
    return Trajectory.open(sample(settings, path))


@pytest.fixture
def grid_points():
    def points(t: Trajectory) -> torch.Tensor:
        return torch.from_numpy(np.stack(np.meshgrid(t.grid_x, t.grid_y), -1).reshape(-1, 2).astype(np.float32))

    return points


def test_a_recording_holds_what_the_config_asks_for(tmp_path):
    settings = config(record={"fields": ["score", "exact_score", "velocity", "drift"], "target_points": 50}, seed=7)
    t = recorded(tmp_path / "a.npz", settings)
    assert t.x.shape == (13, 150, 2)
    assert t.target.shape == (50, 2)
    assert set(t.fields) == {"score", "exact_score", "velocity", "drift"}
    assert t.field_score.shape == (12, 20, 30, 2)
    assert np.array_equal(t.field_time, t.time[:-1])
    assert t.meta["config"] == settings.as_dict()
    assert (t.meta["seed"], t.meta["model"]["kind"], t.meta["sampler"]["name"]) == (7, "exact", "ddim")
    assert "def ddim" in t.meta["sampler"]["source"]
    assert t.metric_sliced_wasserstein[-1] < 0.3 * t.metric_sliced_wasserstein[0]


def test_chains_end_on_the_target(tmp_path):
    t = recorded(tmp_path / "a.npz", config(sampler={"kind": "ddpm", "steps": 100, "chains": 2000}))
    assert t.metric_sliced_wasserstein[-1] < 0.1


def test_score_is_the_slope_of_log_p(tmp_path, grid_points):
    settings = config(record={"fields": ["score"]})
    t, run = recorded(tmp_path / "a.npz", settings), Run.of(settings)
    for k in (0, 6, 11):
        x = grid_points(t).double().requires_grad_()
        log_p = run.exact.log_prob_t(x, run.grid[k])
        (slope,) = torch.autograd.grad(log_p.sum(), x)
        assert np.allclose(t.field_score[k].reshape(-1, 2), slope, rtol=1e-3, atol=1e-3 * float(slope.abs().max()))


def test_velocity_times_time_is_what_particles_ride(tmp_path, grid_points):
    settings = config(record={"fields": ["velocity", "drift"]})
    t, run = recorded(tmp_path / "a.npz", settings), Run.of(settings)
    duration = np.diff(t.time)[:, None, None, None]
    assert np.allclose(t.field_velocity * duration, t.field_drift, atol=1e-4)  # DDIM rides exactly that
    index, k = 3, 5
    p = run.denoise()(torch.from_numpy(t.x[k, [index]].copy()), run.grid[k])
    near, far = run.grid[k], run.grid[k + 1]
    ride = (far.alpha - near.alpha) * p.x0 + (far.sigma - near.sigma) * p.eps
    assert np.allclose(t.x[k + 1, index] - t.x[k, index], ride, atol=1e-5)
    assert not np.allclose(t.field_velocity[1:] * duration[:-1], t.field_drift[1:], atol=1e-2)  # a step off is seen


def test_langevin_on_a_density(tmp_path, grid_points):
    sampler = {"kind": "ula", "steps": 40, "chains": 5, "step_size": 0.01}
    record = {"fields": ["score", "drift", "velocity"], "density": True, "density_grid": (60, 50)}
    settings = config("smiley", sampler=sampler, record=record)
    t, density = recorded(tmp_path / "a.npz", settings), Run.of(settings).target.density
    assert (t.kind, t.meta["model"]["kind"]) == ("langevin", "density")
    assert np.allclose(np.diff(t.time), 0.01)
    assert np.allclose(t.field_score[0].reshape(-1, 2), density.score(grid_points(t)), atol=1e-4)
    assert np.allclose(t.field_drift, 0.01 * t.field_score, atol=1e-5)
    assert np.array_equal(t.field_velocity, t.field_score)
    assert t.density.shape == (1, 50, 60)
    cell = (t.density_x[1] - t.density_x[0]) * (t.density_y[1] - t.density_y[0])
    assert t.density.sum() * cell == pytest.approx(1, abs=0.02)
    peak = np.unravel_index(t.density[0].argmax(), (50, 60))
    place = torch.tensor([[t.density_x[peak[1]], t.density_y[peak[0]]]])
    assert float(density.prob(place)) == pytest.approx(float(t.density.max()), rel=1e-4)


def test_density_at_every_level(tmp_path):
    t = recorded(tmp_path / "a.npz", config(record={"density": True, "density_grid": (40, 40)}))
    assert np.array_equal(t.density_time, t.time)
    assert t.density[0].max() < 0.5 * t.density[-1].max()


@pytest.mark.parametrize("kind", ["mala", "hmc", "underdamped", "gradient", "annealed", "rk45", "heun", "dpmpp_2m_sde"])
def test_every_kind_of_sampler_is_recorded(tmp_path, kind):
    t = recorded(tmp_path / "a.npz", config(sampler={"kind": kind, "steps": 6, "chains": 4}))
    assert t.chains == 4
    assert t.meta["sampler"]["name"] == kind


def test_langevin_follows_a_model_of_points(tmp_path):
    t = recorded(tmp_path / "a.npz", config("circle", sampler={"kind": "ula", "steps": 5, "step_size": 1e-4}))
    assert (t.kind, t.meta["model"]["kind"]) == ("langevin", "exact")


def test_chains_in_batches_are_the_same_chains(tmp_path, monkeypatch):
    settings = config(sampler={"kind": "ddpm", "chains": 150})
    whole = recorded(tmp_path / "a.npz", settings)
    monkeypatch.setattr(runs, "NUMBERS_IN_FLIGHT", 2 * 64)
    parts = recorded(tmp_path / "b.npz", settings)
    for key in ("x", "x0", "eps", "drift", "noise"):
        assert np.abs(parts[key] - whole[key]).max() <= 1e-5 * np.abs(whole[key]).max()
    alone = recorded(tmp_path / "c.npz", config(sampler={"kind": "ddpm", "chains": 1}))
    assert np.abs(alone.x[:, 0] - whole.x[:, 0]).max() <= 1e-5 * np.abs(whole.x).max()


@pytest.mark.parametrize("kind", ["ula", "mala"])
def test_a_long_chain_is_replayed_to_the_bit(tmp_path, monkeypatch, kind):
    settings = config("smiley", sampler={"kind": kind, "steps": 2000, "chains": 1, "step_size": 0.02})
    replayed = recorded(tmp_path / "a.npz", settings)
    monkeypatch.setattr(runs, "MAX_TRACED_CHAINS", 0)
    assert np.array_equal(replayed.x, recorded(tmp_path / "b.npz", settings).x)


def test_what_cannot_be_replayed_is_left_alone():
    def branching(x: torch.Tensor) -> torch.Tensor:
        return x if float(x.sum()) > 1 else -x

    class Odd:
        score = staticmethod(branching)
        log_prob = staticmethod(torch.sin)

    odd = Traced(Odd, torch.zeros(1, 2))
    assert odd.score is branching
    assert odd.log_prob is not torch.sin
    assert torch.equal(odd.log_prob(torch.ones(1, 2)), torch.sin(torch.ones(1, 2)))


def test_starts(tmp_path):
    def first(start: str) -> np.ndarray:
        sampler = {"kind": "ula", "steps": 1, "chains": 400, "start": start}
        return recorded(tmp_path / "a.npz", config("smiley", sampler=sampler)).x[0]

    assert np.ptp(first("point"), axis=0).max() == 0
    assert np.allclose(first("-1.4, -0.6"), [-1.4, -0.6])
    assert first("noise").std() > 1
    spread = Run.of(config("smiley")).target.draw(4000, np.random.default_rng(0)).std(0)
    assert np.allclose(first("target").std(0), spread, rtol=0.15)
    with pytest.raises(ConfigError, match=r"sampler\.start"):
        first("1, 2, 3")


def test_images_and_long_runs_are_not_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "METRIC_STEPS", 5)
    t = recorded(tmp_path / "a.npz", config())
    assert "metric_sliced_wasserstein" not in t


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"record": {"fields": ["scores"]}}, r"record\.fields"),
        ({"sampler": {"kind": "dimm"}}, "Did you mean 'ddim'"),
        ({"sampler": {"kind": "ddim", "etta": 1}}, r"sampler\.etta"),
        ({"model": "mlp"}, "must be trained"),
        ({"model": {"kind": "exact", "point": 3}}, r"model\.point"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, sections, words):
    with pytest.raises(DiffrenderError, match=words):
        sample(config(**sections), tmp_path / "a.npz")
    assert not list(tmp_path.iterdir())


def test_device_that_is_not_there(tmp_path):
    if not torch.cuda.is_available():
        with pytest.raises(DiffrenderError, match="no such device"):
            sample(config(), tmp_path / "a.npz", device="cuda")
    with pytest.raises(DiffrenderError, match="no such device"):
        sample(config(), tmp_path / "a.npz", device="abacus")


def test_a_card_by_its_number_must_be_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert str(runs.pick_device("cuda:1")) == "cuda:1"
    for name in ("cuda:2", "cuda:x", "cuda:-1", "cpu:7"):
        with pytest.raises(UsageError, match="no such device"):
            runs.pick_device(name)


def test_the_same_run_gives_the_same_file(tmp_path):
    a, b = (sample(config(), tmp_path / name) for name in ("a.npz", "b.npz"))
    assert a.read_bytes() == b.read_bytes()
