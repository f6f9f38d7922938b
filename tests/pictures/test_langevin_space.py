"""langevin on a density in space: chains and path lie where the camera's own law puts their recorded states."""

from __future__ import annotations

import numpy as np
import pytest

from diffrender.core.errors import RenderError

MEANS = [[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]
TARGET = {"kind": "gaussian_mixture", "means": MEANS, "stds": 0.42}
RECORD = {"keep": ["drift", "noise"], "density": True, "density_grid": [8, 8], "target_points": 200}
BRISK = {"chain_seconds": 2, "many_seconds": 2, "hold": 0.5}


@pytest.fixture(scope="module")
def runs(recorded):
    def run(kind, chains, steps, **more):
        return recorded(TARGET, sampler={"kind": kind, "chains": chains, "steps": steps} | more, record=RECORD)

    many = run("ula", 200, 60, step_size=0.03)
    return {"chain": run("ula", 1, 80, step_size=0.03), "many": many, "still": run("gradient", 20, 10)}


@pytest.fixture(scope="module")
def film(cinema, runs):
    film = cinema("langevin", **runs)
    film.shots = film.play(((k, k + 1) for k in range(1, 10**4, 2)), (480, 270), fps=4, **BRISK)
    return film


def clouds(shot, count):
    return [cloud for cloud in shot.rasters.get("PointCloud3D", []) if len(cloud.xy) == count]


def test_the_paths_and_points_of_the_act_are_the_recorded_chain(film, runs):
    run = runs["chain"]
    trails = [(shot, trail) for shot in film.shots for trail in shot.rasters.get("Trails3D", [])]
    assert len(trails) > 3
    assert len({float(trail.step) for _, trail in trails}) > 2
    for shot, trail in trails:
        assert np.asarray(trail.recorded)[:, 0] == pytest.approx(run["x"][:, 0])
        (point,) = clouds(shot, 1)
        k, part = int(trail.step), trail.step - int(trail.step)
        x = np.asarray(run["x"], float)[:, 0]
        now = x[k] if not part else (1 - part) * x[k] + part * x[k + 1]
        assert point.xy[0] == pytest.approx(now, abs=1e-5)
        assert point.xy[0] != pytest.approx(x[k - 3] if k >= 3 else x[k + 5], abs=1e-2), "the control: another step"


def test_the_camera_ends_at_the_angle_from_which_most_is_seen(film, runs):
    orbit, space = film.scene.space.orbit, film.scene.space
    assert (orbit.phi, orbit.theta) == pytest.approx(space.telling, abs=1e-6)

    def covered(phi, theta):
        before = orbit.phi, orbit.theta
        orbit.phi, orbit.theta = phi, theta
        xy = orbit.project(np.asarray(runs["chain"].target, np.float32))[0]
        orbit.phi, orbit.theta = before
        return len(np.unique(np.floor(xy / 0.12), axis=0))

    others = [covered(phi, theta) for phi in (0.4, 0.9) for theta in np.linspace(-3, 3, 7)]
    assert covered(*space.telling) > np.median(others)
    assert space.telling[0] > 0.5, "from above all would look flat"


def test_far_chains_are_hazier_than_near_ones(film):
    cloud = clouds(film.shots[-1], 200)[-1]
    assert cloud.haze.upper() == film.scene.theme.bg.upper()
    assert cloud.casing, "nearer points are set off from farther ones"


def test_all_chains_stand_beside_draws_of_p_with_their_distance(film, runs):
    ends = clouds(film.shots[-1], 200)
    drawn = [cloud.xy for cloud in ends]
    assert any(np.array_equal(xy, np.asarray(runs["chain"].target, xy.dtype)) for xy in drawn)
    last = np.asarray(runs["many"]["x"][-1])
    assert any(np.allclose(xy, last, atol=1e-5) for xy in drawn)
    assert not any(np.allclose(xy, runs["many"]["x"][30], atol=1e-2) for xy in drawn), "the control: another step"


def test_acts_of_the_plane_are_refused(cinema, runs):
    with pytest.raises(RenderError, match="'zoom' is not shown of a density in space"):
        cinema("langevin", **runs).play([(0, 1)], (320, 180), acts="zoom")


@pytest.mark.parametrize("kind", ["mala", "underdamped", "hmc", "annealed"])
def test_every_sampler_has_its_chains_in_space(cinema, recorded, runs, kind):
    levels = {"schedule": {"kind": "geometric", "sigma_min": 0.15, "sigma_max": 2, "num_train_timesteps": 6}}
    more = levels if kind == "annealed" else {}
    steps = {"annealed": 6}.get(kind, 40)
    pair = {
        name: recorded(TARGET, sampler={"kind": kind, "chains": chains, "steps": steps}, record=RECORD, **more)
        for name, chains in (("chain", 1), ("many", 100))
    }
    film = cinema("langevin", **(runs | pair))
    assert film.layout((480, 270), "dark", every=7, **BRISK) == []
    drawn = [cloud.xy for cloud in film.rasters()["PointCloud3D"] if len(cloud.xy) == 100]
    assert any(np.allclose(xy, pair["many"]["x"][-1], atol=1e-5) for xy in drawn)
    assert not any(np.allclose(xy, runs["many"]["x"][-1][:100]) for xy in drawn)


def test_a_frame_is_the_same_played_and_sought(cinema, runs):
    assert cinema("langevin", **runs).unlike_when_sought(9, **BRISK) == []


def test_it_fits_every_frame(cinema, runs, shape, look):
    assert cinema("langevin", **runs).layout(shape, look, every=7, **BRISK) == []
