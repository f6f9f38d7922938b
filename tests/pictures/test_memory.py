"""The memory scene read back: whose images stand under whose samples, in every shape of frame."""

from __future__ import annotations

import numpy as np
import pytest

NAMES = {"own": 2, "gaussian": 0, "exact": 0, "near": 1, "local": 2, "far": 3.5, "farthest": 12}
DURATION = 1.0


@pytest.fixture(scope="module")
def runs(recorded):
    def run(name):
        kind = {"gaussian": "gaussian", "exact": "exact"}.get(name, "local")
        model = {"kind": kind, "conditional": True} | ({"locality": NAMES[name]} if kind == "local" else {})
        return recorded(
            "digits",
            model=model,
            schedule={"kind": "karras", "sigma_min": 0.02},
            sampler={"kind": "ddim", "steps": 12, "chains": 9},
            record={"keep": ["x0"], "target_points": 0},
        )

    return {name: run(name) for name in NAMES}


def test_samples_and_their_nearest_images_are_the_recorded_ones(cinema, runs):
    scene = cinema("memory", **runs)
    (shot,) = scene.at(DURATION + 2.0, duration=DURATION, dial=False)
    grids = [grid for grid in shot.rasters["ImageGrid"] if grid.rows == 3]
    assert len(grids) == 6
    for k, name in enumerate(("gaussian", "exact", "local")):
        run = runs[name]
        scale, offset = run.meta["target"]["scale"], run.meta["target"]["offset"][0]
        shown = [np.asarray(g.recorded[min(int(g.step), len(g.recorded) - 1)]) for g in grids]
        wanted = [run[member].astype(np.float32) * scale + offset for member in ("nearest",)]
        wanted.append(run["x"][-1].astype(np.float32) * scale + offset)
        for picture in wanted:
            assert any(np.allclose(picture, other, atol=1e-3) for other in shown), name
        assert k < 3
    copied = (np.asarray(runs["exact"]["nearest_distance"]) < 0.1).all()
    assert copied
    assert not (np.asarray(runs["gaussian"]["nearest_distance"]) < 0.1).any(), "the control: not everything is a copy"


def test_it_fits_every_frame(cinema, runs, shape, look):
    assert cinema("memory", **runs).layout(shape, look, every=9, duration=DURATION) == []
