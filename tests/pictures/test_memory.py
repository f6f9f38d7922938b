"""The memory scene read back: nearest images under their samples, how far a pixel looks, every shape of frame."""

from __future__ import annotations

import numpy as np
import pytest

from diffrender.animation.layout.box import Box
from diffrender.animation.parts.patch_frames import PatchFrame
from diffrender.animation.theme import theme

NAMES = {"own": 2, "gaussian": 0, "exact": 0, "near": 1, "local": 2, "far": 3, "farthest": 6}
DURATION = 1.0
END = 0.3 + 0.3 + 0.5 + DURATION + 0.8 + 0.5  # seconds from the poster to when the nearest images stand


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


def pictures(run, chains):
    """The last states and their nearest images of a run, in values of [−1, 1]."""
    said = run.meta["target"]
    scale, offset = said["scale"], said["offset"][0]
    last = run["x"][-1][chains].astype(np.float32) / run.scale[-1] * scale + offset
    return last, run["nearest"][chains].astype(np.float32) * scale + offset


def shown(grid):
    """What a grid shows now."""
    return np.asarray(grid.recorded[min(int(grid.step), len(grid.recorded) - 1)])[grid.chains]


def test_samples_and_their_nearest_images_are_the_recorded_ones(cinema, runs):
    (shot,) = cinema("memory", **runs).at(END, duration=DURATION, dial=False)
    grids = sorted(shot.rasters["ImageGrid"], key=lambda grid: (grid.points[0, 0], -grid.points[0, 1]))
    assert len(grids) == 6
    for k, name in enumerate(("gaussian", "exact", "local")):
        chains = grids[2 * k].chains
        last, nearest = pictures(runs[name], chains)
        assert np.allclose(shown(grids[2 * k]), last, atol=1e-3), name
        assert np.allclose(shown(grids[2 * k + 1]), nearest, atol=1e-3), name
    assert not np.allclose(shown(grids[0]), pictures(runs["local"], grids[0].chains)[0], atol=0.05), "the control"
    assert (np.asarray(runs["exact"]["nearest_distance"]) < 0.1).all()
    assert not (np.asarray(runs["gaussian"]["nearest_distance"]) < 0.1).any(), "the control: not everything is a copy"


def test_the_first_picture_is_the_result_and_then_all_start_from_the_same_noise(cinema, runs):
    poster, start = cinema("memory", **runs).at(-0.5, 1.15, duration=DURATION, dial=False)
    last, _ = pictures(runs["gaussian"], poster.rasters["ImageGrid"][0].chains)
    assert any(np.allclose(shown(grid), last, atol=1e-3) for grid in poster.rasters["ImageGrid"])
    low = min(grid.points[0, 1] for grid in start.rasters["ImageGrid"])
    noises = [shown(grid) for grid in start.rasters["ImageGrid"] if grid.points[0, 1] < low + 1e-6]
    assert len(noises) == 3
    assert np.ptp(noises, 0).max() < 0.5
    high = [shown(grid) for grid in start.rasters["ImageGrid"] if grid.points[0, 1] > low + 1]
    assert len(high) == 3
    assert not any(np.allclose(shown(grid), last, atol=0.05) for grid in start.rasters["ImageGrid"]), "the control"


def test_the_square_is_as_many_pixels_wide_as_the_patch():
    tile = Box(1.0, 5.0, -2.0, 2.0)
    square = PatchFrame(theme("dark"), tile, np.array([21.0, 8.0, 3.0]), 16)
    widths = []
    for step in range(3):
        square.show_step(step)
        widths.append(float(np.ptp(square.square.points[:, 0])))
        assert np.allclose(square.square.get_center()[:2], tile.center)
    assert np.allclose(widths, [4, 4 * 8 / 16, 4 * 3 / 16], atol=0.03)
    assert abs(widths[1] - 4 * 9 / 16) > 0.1, "the control: a wider patch is a wider square"


def test_it_fits_every_frame(cinema, runs, shape, look):
    assert cinema("memory", **runs).layout(shape, look, every=9, duration=DURATION) == []
