"""The surf scene read back: frames in the colour of the noise level, and two thirds of the film where it matters."""

from __future__ import annotations

import numpy as np
import pytest

from diffrender.animation.colors import blend

DURATION = 3.0


@pytest.fixture(scope="module")
def run(recorded):
    return recorded(
        "digits",
        model={"kind": "exact", "conditional": True},
        schedule={"kind": "geometric", "sigma_min": 0.08, "sigma_max": 6.5, "num_train_timesteps": 20},
        sampler={"kind": "annealed", "steps": 20, "inner_steps": 3, "step_size": 0.25, "chains": 16},
        record={"keep": ["x0"], "target_points": 200, "nearest": True, "frames": 100},
    )


RESTART = 0.3 + 0.3 + 0.5  # seconds from the poster to the first motion


def test_the_frame_has_the_colour_of_the_noise_level(cinema, read, run):
    scene = cinema("surf", run=run)
    shots = scene.at(RESTART + 0.6, RESTART + 2.0, duration=DURATION)
    timeline = scene.scene.timeline()
    found, places = [], []
    for t, shot in zip((0.6, 2.0), shots, strict=True):
        sigma = float(run["sigma"][int(timeline.step(t / DURATION))])
        places.append(float(np.log(6.5 / sigma) / np.log(6.5 / 0.08)))
        grid = min((g for g in shot.rasters["ImageGrid"] if g.rows == 4), key=lambda g: g.points[0, 0])
        left, bottom = read.pixel_of(grid.points[0])
        edge = shot.frame[round(bottom) - 60, round(left) - 12 : round(left) - 2].astype(int)
        wanted = read.rgb(blend(read.LOOK.samples, read.LOOK.data, places[-1]))
        found.append(edge[np.abs(edge - wanted).max(1).argmin()])
        assert np.abs(found[-1] - wanted).max() <= 3
    assert places[1] - places[0] > 0.2
    assert np.abs(found[0] - found[1]).max() > 20, "the control: another level has another colour"


def test_it_ends_beside_images_of_the_data_of_the_same_classes(cinema, run):
    poster, moving, end = cinema("surf", run=run).at(-0.5, 2.0, RESTART + DURATION + 1.5, duration=DURATION)
    said = run.meta["target"]
    for shot in (poster, end):
        state, data = sorted(shot.rasters["ImageGrid"], key=lambda g: g.points[0, 0])
        last = run["x"][-1].astype(np.float32) / run.scale[-1] * said["scale"] + said["offset"][0]
        assert np.allclose(np.asarray(state.recorded[int(state.step)]), last, atol=1e-3)
        true = run["target"].astype(np.float32) * said["scale"] + said["offset"][0]
        assert np.allclose(np.asarray(data.recorded[0]), true, atol=1e-3)
        assert len(set(data.chains)) == 16
        assert (run["target_label"][data.chains] == run["label"][state.chains]).all()
    other = max(moving.rasters["ImageGrid"], key=lambda g: g.points[0, 0])
    assert len(other.recorded) == len(run["x"]), "the control: in between it is what the model sees"


def test_two_thirds_of_the_film_are_where_images_are_decided(cinema, run):
    scene = cinema("surf", run=run)
    scene.at(0.1, duration=DURATION)
    timeline, sigma = scene.scene.timeline(), np.asarray(run["sigma"]) * run.meta["target"]["scale"]
    steps = [int(timeline.step(u)) for u in np.linspace(0, 1, 901)]
    share = np.mean([0.4 <= sigma[k] <= 3.0 for k in steps])
    assert abs(share - 2 / 3) < 0.05
    even = np.mean([0.4 <= s <= 3.0 for s in sigma])
    assert even < 0.6, "the control: at an even pace it would be less"


def test_the_equation_is_of_the_score_that_was_walked(cinema, recorded, run):
    def told(run):
        scene = cinema("surf", run=run)
        scene.at(0.1, duration=DURATION)
        return scene.scene.conditioned(), scene.scene.last(), scene.scene.at_each()

    assert run.meta["config"]["sampler"]["guidance_scale"] == 1
    equation, last, each = told(run)
    assert "log p_(sigma_k) (x_k bar.v c)" in equation
    assert (last, each) == ("$hat(x)_0 (x_K, c)$", "3 steps at each $sigma$, $tau = 0.25$")
    sampled = {"kind": "annealed", "steps": 5, "inner_steps": 2, "chains": 16}
    schedule = {"kind": "geometric", "sigma_min": 0.08, "sigma_max": 6.5, "num_train_timesteps": 20}
    classes = {"model": {"kind": "gaussian", "conditional": True}, "schedule": schedule}
    guided = recorded("digits", **classes, sampler=sampled | {"guidance_scale": 3.0}, record={"keep": ["x0"]})
    assert "log tilde(p)_(sigma_k) (x_k bar.v c)" in told(guided)[0]
    plain = {"model": {"kind": "exact", "conditional": False}, "schedule": schedule}
    stays = recorded("digits", **plain, sampler=sampled | {"final_denoising": False}, record={"keep": ["x0"]})
    equation, last, _ = told(stays)
    assert "bar.v" not in equation, "the control: no class was asked for"
    assert last == "$x_K$", "the control: a chain that ends in noise is not denoised"


def test_it_fits_every_frame(cinema, run, shape, look):
    assert cinema("surf", run=run).layout(shape, look, every=9, duration=2.0) == []
