"""The interpolate scene read back: which recorded chains stand where on the way, in every shape of frame."""

from __future__ import annotations

import numpy as np
import pytest

from diffrender.core.errors import RenderError

DURATION = 4.0
WALK = 0.8 + 0.4 * DURATION + 0.8  # seconds until the walk begins
PLACES, CLASSES = 6, 10


@pytest.fixture(scope="module")
def runs(recorded):
    def run(start):
        return recorded(
            "digits",
            model={"kind": "gaussian", "conditional": True},
            schedule={"kind": "karras", "sigma_min": 0.02},
            sampler={"kind": "ddim", "steps": 6, "chains": PLACES * CLASSES, "start": start},
            record={"keep": [], "target_points": 0, "nearest": False},
        )

    return {"circle": run("slerp"), "line": run("lerp")}


def last_images(run, place):
    """The last recorded states of the first nine classes at a place, in [−1, 1]."""
    said = run.meta["target"]
    chains = [place * CLASSES + k for k in range(9)]
    return run["x"][-1].astype(np.float32)[chains] / run.scale[-1] * said["scale"] + said["offset"][0]


def test_the_walk_shows_recorded_chains_of_either_way_there_and_back_to_the_middle(cinema, runs):
    scene = cinema("interpolate", **runs)
    seconds = 0.6 * DURATION
    for part, place in ((0.3, 2), (0.64, 5), (0.99, 2)):  # of the walk: 0.5 is between places 2 and 3
        (shot,) = scene.at(WALK + part * seconds, duration=DURATION)
        circle, line = [grid for grid in shot.rasters["ImageGrid"] if grid.rows == 3]
        assert np.allclose(circle.images, last_images(runs["circle"], place), atol=1e-3), part
        assert np.allclose(line.images, last_images(runs["line"], place), atol=1e-3), part
        if place < 5:
            assert not np.allclose(line.images, last_images(runs["circle"], place), atol=0.02), "the control"
        assert not np.allclose(circle.images, last_images(runs["circle"], place - 1), atol=0.02), "another place"


def test_lengths_are_those_of_the_recorded_noises(cinema, runs):
    (shot,) = cinema("interpolate", **runs).at(0.5, duration=DURATION)
    circle, line = shot.rasters["Curve"]
    for curve, name in ((circle, "circle"), (line, "line")):
        x = runs[name]["x"][0].astype(float)[0::CLASSES]
        assert np.allclose(curve.y, np.sqrt((x**2).mean((1, 2, 3))), rtol=1e-6)
    assert line.y[2] < 0.8 * circle.y[2], "the straight line is shorter in its middle"


def test_runs_that_are_no_walk_are_refused(cinema, runs, recorded):
    few = recorded(
        "digits",
        model={"kind": "gaussian", "conditional": True},
        sampler={"kind": "ddim", "steps": 3, "chains": 20, "start": "slerp"},
        record={"keep": [], "target_points": 0, "nearest": False},
    )
    with pytest.raises(RenderError, match="three chains"):
        cinema("interpolate", circle=few, line=few).at(0.0)


def test_it_fits_every_frame(cinema, runs, shape, look):
    assert cinema("interpolate", **runs).layout(shape, look, every=9, duration=DURATION) == []
