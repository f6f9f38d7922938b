"""The guidance scene read back: each row is the recording of its own scale, in every shape of frame."""

from __future__ import annotations

import numpy as np
import pytest

NAMES = {"free": 0, "plain": 1, "two": 2, "four": 4, "eight": 8}
DURATION, SIZE = 1.0, 8


@pytest.fixture(scope="module")
def runs(recorded):
    def run(scale):
        return recorded(
            "digits",
            model={"kind": "gaussian", "conditional": True},
            schedule={"kind": "karras", "sigma_min": 0.02},
            sampler={"kind": "ddim", "steps": 12, "chains": 20, "guidance_scale": scale},
            record={"keep": ["x0"], "target_points": 0},
        )

    return {name: run(scale) for name, scale in NAMES.items()}


def seen(read, shot, grid):
    """(8, columns·8, 3) colours in the middle of every pixel of a row of images."""
    (left, bottom), (right, top) = read.pixel_of(grid.points[0]), read.pixel_of(grid.points[3])
    side = round((round(right - left) - grid.gap * read.UNIT * (grid.cols - 1)) / grid.cols)
    starts = [left + k * (round(right - left) - side) / (grid.cols - 1) for k in range(grid.cols)]
    xs = np.concatenate([s + (np.arange(SIZE) + 0.5) * side / SIZE for s in starts]).astype(int)
    ys = (top + (np.arange(SIZE) + 0.5) * round(bottom - top) / SIZE).astype(int)
    return shot.frame[ys[:, None], xs[None]].astype(int)


def expected(read, run):
    """The same colours of the last recorded states, one image a class."""
    label, said = np.asarray(run["label"]), run.meta["target"]
    chosen = [np.flatnonzero(label == k)[0] for k in np.unique(label)][:10]
    values = run["x"][-1].astype(np.float32)[chosen, 0] / run.scale[-1] * said["scale"] + said["offset"][0]
    table = read.LOOK.table("image").astype(int)
    return table[np.rint(np.clip((np.concatenate(list(values), 1) + 1) / 2, 0, 1) * 255).astype(int)]


def test_each_row_is_the_recording_of_its_scale_and_no_other(cinema, read, runs):
    (shot,) = cinema("guidance", **runs).at(DURATION + 0.5, duration=DURATION)
    rows = sorted(shot.rasters["ImageGrid"], key=lambda grid: -grid.points[0, 1])
    assert len(rows) == len(NAMES)
    for grid, name in zip(rows, NAMES, strict=True):
        assert np.abs(seen(read, shot, grid) - expected(read, runs[name])).max() <= 1, name
    assert np.abs(seen(read, shot, rows[1]) - expected(read, runs["eight"])).max() > 20, "the control: another scale"


def test_it_fits_every_frame(cinema, runs, shape, look):
    assert cinema("guidance", **runs).layout(shape, look, every=9, duration=DURATION) == []
