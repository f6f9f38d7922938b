"""The forward process, the runs that start from a grid, and probes that could never end."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest

from diffrender.config.sections import Config
from diffrender.core.errors import ConfigError
from diffrender.diffusion.recording.record import sample
from diffrender.diffusion.recording.run import Run
from diffrender.trajectory.reader import Trajectory


def config(**sections):
    base = {"target": {"kind": "spiral"}, "model": {"kind": "exact"}, "schedule": {"kind": "squaredcos_cap_v2"}}
    return Config.model_validate(base | sections)


def forward(tmp_path: Path, chains: int = 3000, **more) -> Trajectory:
    made = config(sampler={"kind": "forward", "steps": 50, "chains": chains}, model={"kind": "mlp"}, **more)
    return Trajectory.open(sample(made, tmp_path / "forward.npz"))  # and no network was asked for


@pytest.mark.parametrize("schedule", ["squaredcos_cap_v2", "flow", "geometric"])
def test_the_forward_process_has_the_marginals_of_its_schedule(tmp_path, schedule):
    run = forward(tmp_path, schedule={"kind": schedule})
    x, alpha, sigma = run["x"].astype(float), run["alpha"], run["sigma"]
    assert run.kind == "forward"
    assert run.meta["model"]["kind"] == "none"
    assert (alpha[0], sigma[0]) == (1, 0)
    assert (np.diff(sigma / (alpha + sigma)) > 0).all()
    rest = x - alpha[:, None, None] * x[0]  # given x_0, x_t is normal with mean alpha x_0 and deviation sigma
    allowed = 5 / math.sqrt(2 * rest[0].size) * sigma[1:]
    assert (abs(rest.std(axis=(1, 2))[1:] - sigma[1:]) < allowed).all()
    assert not (abs(rest.std(axis=(1, 2))[1:-1] - sigma[2:]) < allowed[:-1]).all(), "a step too far must fail"
    np.testing.assert_allclose(np.diff(x, axis=0), run["drift"] + run["noise"], atol=1e-5 * abs(x).max())


def test_its_steps_are_a_markov_chain_with_fresh_noise(tmp_path):
    noise = forward(tmp_path)["noise"].reshape(50, -1)
    for a, b in itertools.pairwise(noise):
        assert abs(np.corrcoef(a, b)[0, 1]) < 5 / math.sqrt(noise.shape[1])


def test_a_grid_of_starts_is_even_and_in_rows(tmp_path):
    made = config(sampler={"kind": "ddim", "steps": 4, "chains": 121, "start": "grid"}, record={"keep": []})
    x = Trajectory.open(sample(made, tmp_path / "grid.npz"))["x"][0].reshape(11, 11, 2)
    axis = np.linspace(-3, 3, 11)
    np.testing.assert_allclose(x[..., 0], np.tile(axis, (11, 1)), atol=1e-6)
    np.testing.assert_allclose(x[..., 1], np.tile(axis[:, None], (1, 11)), atol=1e-6)


@pytest.mark.parametrize("labels", [None, [4, 7]])
def test_starts_between_two_noises_lie_on_a_great_circle_or_on_a_line_and_every_class_goes_all_the_way(labels):
    def starts(kind, chains=22):
        sampler = {"kind": "ddim", "steps": 4, "chains": chains, "start": kind, "classes": labels}
        run = Run.of(config(target="digits", sampler=sampler), device="cpu")
        parts = [next(run.steps(first, count)).x for first, count in ((0, 2), (2, chains - 2)) if count]
        return np.concatenate([part.numpy().astype(float) for part in parts])

    plain, circle, line = starts("noise", 2), starts("slerp"), starts("lerp")
    each = 2 if labels else 1  # chains at one place
    for way in (circle, line):
        assert np.allclose(way[:each], plain[0], atol=1e-6)
        assert np.allclose(way[-each:], plain[1], atol=1e-6)
    a, b = (state.ravel() for state in plain)
    angle = np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    u = np.repeat(np.linspace(0, 1, 22 // each), each)[:, None]
    by_hand = (np.sin((1 - u) * angle) * a + np.sin(u * angle) * b) / np.sin(angle)
    assert np.abs(circle.reshape(22, -1) - by_hand).max() < 1e-5
    assert np.abs(line.reshape(22, -1) - ((1 - u) * a + u * b)).max() < 1e-5
    assert np.abs(line.reshape(22, -1) - by_hand).max() > 0.1, "the control: one is not the other"
    with pytest.raises(ConfigError, match="slerp, lerp"):
        starts("slurp")


@pytest.mark.parametrize(("target", "chains"), [("spiral", 120), ("torus", 121)])
def test_what_is_no_grid_of_the_plane_is_refused(target, chains):
    made = config(target={"kind": target}, sampler={"kind": "ddim", "chains": chains, "start": "grid"})
    with pytest.raises(ConfigError, match="square"):
        next(Run.of(made).steps())


@pytest.mark.parametrize("record", [{"density": True}, {"fields": ["score"], "grid": [100, 100]}])
def test_a_probe_of_space_that_would_never_end_is_refused_at_once(tmp_path, record):
    made = config(target={"kind": "torus"}, sampler={"kind": "ddim", "steps": 50}, record=record)
    with pytest.raises(ConfigError, match=r"× .* × .* points at 51 levels") as refused:
        sample(made, tmp_path / "never.npz")
    assert "coarser" in str(refused.value)
    assert not (tmp_path / "never.npz").exists()


def test_arrows_in_space_stand_in_cubes(tmp_path):
    made = config(
        target={"kind": "mobius"},
        sampler={"kind": "ddim", "steps": 3, "chains": 10},
        record={"fields": ["velocity"], "grid": [5, 5]},
    )
    run = Trajectory.open(sample(made, tmp_path / "field.npz"))
    assert run["field_velocity"].shape == (3, 5, 5, 5, 3)
    steps = [float(np.diff(run[f"grid_{d}"])[0]) for d in "xyz"]
    np.testing.assert_allclose(steps, steps[0])
