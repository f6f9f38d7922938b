"""langevin by annealed Langevin: chains, density and noise level on the frames are those of the same recorded step."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from diffrender.animation.text.numbers import Running
from diffrender.core.errors import RenderError

MEANS, STD = np.array([[-1.4, -0.7], [1.4, -0.7], [0.0, 1.3]]), 0.35
TARGET = {"kind": "gaussian_mixture", "means": MEANS.tolist(), "stds": STD}
COOLED = {
    "sampler": {"kind": "annealed", "steps": 8, "inner_steps": 8, "step_size": 0.15, "chains": 300},
    "schedule": {"kind": "geometric", "sigma_min": 0.12, "sigma_max": 3.0, "num_train_timesteps": 8},
    "record": {
        "density": True, "density_grid": [61, 51], "box": [-4, 4, -3.4, 3.4], "keep": ["drift", "noise"],
        "target_points": 0,
    },
}  # fmt: skip
BRISK = {"acts": "annealing", "annealing_seconds": 4}


@pytest.fixture(scope="module")
def runs(recorded):
    still = {"kind": "gradient", "steps": 60, "chains": 300}
    one = COOLED | {"sampler": COOLED["sampler"] | {"chains": 1}}
    return {
        "chain": recorded(TARGET, **one),
        "many": recorded(TARGET, **COOLED),
        "still": recorded(TARGET, sampler=still, record={"target_points": 0}),
    }


@pytest.fixture(scope="module")
def film(cinema, runs):
    """The act frame by frame, each with the step that its clock said."""
    film = cinema("langevin", **runs)
    film.shots = film.play(((k, k + 1) for k in range(2, 10**4, 3)), (480, 270), fps=4, **BRISK)
    return film


def density(places, sigma):
    found = sum(multivariate_normal(mean, STD**2 + sigma**2).pdf(places) for mean in MEANS)
    return found / found.max()


def drawn(shot):
    """The map over which chains are drawn: the topmost that follows a recording."""
    return next(heat for heat in reversed(shot.rasters["Heatmap"]) if heat.recorded is not None)


def test_the_density_under_the_chains_is_that_of_their_noise_level(film, runs):
    run = runs["many"]
    places = np.stack(np.meshgrid(run["density_x"], run["density_y"]), -1)
    seen = set()
    for shot in film.shots[1:]:
        if not any(heat.recorded is not None for heat in shot.rasters.get("Heatmap", [])):
            continue
        heat = drawn(shot)
        step = int(heat.step)
        shown = heat.recorded[heat.index[step]]
        assert shown == pytest.approx(density(places, float(run["sigma"][step])), abs=2e-3)
        hotter = density(places, 2 * float(run["sigma"][step]) + 0.5)
        assert np.abs(shown - hotter).max() > 0.05, "the control: another level"
        seen.add(int(heat.index[step]))
    assert len(seen) > 5


def test_chains_stand_where_they_were_at_the_step_whose_level_is_told(film, runs):
    run, steps = runs["many"], set()
    for shot in film.shots:
        clouds = [cloud for cloud in shot.rasters.get("PointCloud", []) if len(cloud.xy) == run.chains]
        if not clouds or not any(heat.recorded is not None for heat in shot.rasters.get("Heatmap", [])):
            continue
        step, x = float(drawn(shot).step), np.asarray(run["x"], float)
        off = [np.abs(clouds[-1].xy - x[k]).max() for k in (int(step), min(int(step) + 1, run.steps))]
        span = np.abs(x[min(int(step) + 1, run.steps)] - x[int(step)]).max()
        assert min(off) <= span + 1e-5  # on the way between the two
        if int(step) > 20:
            assert np.abs(clouds[-1].xy - x[int(step) - 20]).max() > 0.1, "the control: an earlier step"
        steps.add(int(step))
    assert len(steps) > 5


def test_the_level_is_a_number_and_a_place_on_the_scale(film, runs):
    scene, sigma = film.scene, np.asarray(runs["many"]["sigma"], float)
    numbers = [number for mob in scene.places["name"] if isinstance(mob, Running) for number in mob.numbers]
    assert [number.value for number in numbers] == [pytest.approx(sigma[-1])]
    clock = scene.clocks[-1]
    scale = scene.shown_levels.scale
    heights = []
    for step in (0, 20, 40):
        clock.show(step / runs["many"].steps)
        heights.append(float(scale.mark.get_center()[1]))
        assert scale.mark.get_center()[1] == pytest.approx(scale.place(float(sigma[step]))[1], abs=1e-6)
        assert numbers[0].value == pytest.approx(sigma[step])
    assert heights[0] > heights[1] > heights[2]
    wanted = np.log(sigma[[0, 20]] / sigma[40])
    assert (heights[1] - heights[2]) / (heights[0] - heights[2]) == pytest.approx(wanted[1] / wanted[0], abs=0.01)
    clock.show(1)


def test_what_is_counted_in_the_end_are_the_chains_of_each_mode(film, runs):
    tally = film.scene.places["left"][-1]
    nearest = np.square(runs["many"]["x"][-1][:, None] - MEANS).sum(-1).argmin(1)
    modes = np.square(film.scene.basins.modes[:, None] - MEANS).sum(-1).argmin(1)
    assert np.abs(tally.counts - np.bincount(nearest, minlength=3)[modes]).max() <= 2
    first = np.square(runs["many"]["x"][5][:, None] - MEANS).sum(-1).argmin(1)
    assert np.abs(tally.counts - np.bincount(first, minlength=3)[modes]).max() > 2, "the control: a hot step"


def test_acts_that_a_sampler_does_not_have_are_refused(cinema, runs, recorded):
    with pytest.raises(RenderError, match="'zoom' is not shown of annealed Langevin"):
        cinema("langevin", **runs).play([(0, 1)], (320, 180), acts="zoom")
    record = {"keep": ["drift", "noise"], "density": True, "density_grid": [40, 30]}
    ula = recorded(TARGET, sampler={"kind": "ula", "steps": 40, "chains": 1}, record=record)
    with pytest.raises(RenderError, match="'annealing' is not shown of unadjusted Langevin"):
        cinema("langevin", **(runs | {"chain": ula})).play([(0, 1)], (320, 180), acts="annealing")


def test_it_fits_every_frame(cinema, runs, shape, look):
    assert cinema("langevin", **runs).layout(shape, look, every=9, speed=3) == []
