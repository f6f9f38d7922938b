"""The guidance scene read back: each row is the recording of its own scale, in every shape of frame."""

from __future__ import annotations

import numpy as np
import pytest

NAMES = {"free": 0, "plain": 1, "two": 2, "eight": 8}
DURATION, SIZE = 1.0, 8
END = 0.3 + 0.3 + 0.5 + DURATION + 0.5 + 1.0  # seconds from the poster to the figures
CLOSE = END + 1.0 + 0.8 + DURATION + 0.8  # and to the last picture


@pytest.fixture(scope="module")
def runs(recorded):
    def run(scale):
        return recorded(
            "digits",
            model={"kind": "gaussian", "conditional": True},
            schedule={"kind": "karras", "sigma_min": 0.02},
            sampler={"kind": "ddim", "steps": 12, "chains": 20, "guidance_scale": scale},
            record={"keep": ["x0"], "target_points": 200, "nearest": True},
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
    (shot,) = cinema("guidance", **runs).at(END, duration=DURATION)
    rows = sorted(shot.rasters["ImageGrid"], key=lambda grid: -grid.points[0, 1])
    assert len(rows) == len(NAMES) + 1
    for grid, name in zip(rows, NAMES, strict=False):
        assert np.abs(seen(read, shot, grid) - expected(read, runs[name])).max() <= 1, name
    assert np.abs(seen(read, shot, rows[1]) - expected(read, runs["eight"])).max() > 20, "the control: another scale"


def test_the_last_row_are_images_of_the_data_of_the_classes_asked_for(cinema, runs):
    (shot,) = cinema("guidance", **runs).at(END, duration=DURATION)
    row = min(shot.rasters["ImageGrid"], key=lambda grid: grid.points[0, 1])
    run = runs["free"]
    assert np.asarray(run["target_label"])[row.chains].tolist() == list(range(10))
    said = run.meta["target"]
    values = run["target"][row.chains].astype(np.float32) * said["scale"] + said["offset"][0]
    assert np.allclose(np.asarray(row.recorded[0])[row.chains], values, atol=1e-3)
    assert not np.allclose(np.asarray(row.recorded[0])[row.chains], values[::-1], atol=0.1), "the control"


def test_the_first_picture_is_the_result(cinema, read, runs):
    poster, start = cinema("guidance", **runs).at(-0.5, 1.1, duration=DURATION)
    rows = sorted(poster.rasters["ImageGrid"], key=lambda grid: -grid.points[0, 1])
    wanted = expected(read, runs["two"])
    assert np.abs(seen(read, poster, rows[2]) - wanted).max() <= 1
    assert np.abs(seen(read, start, rows[2]) - wanted).max() > 20, "the control: the run begins with something else"


def test_it_fits_every_frame(cinema, runs, shape, look):
    assert cinema("guidance", **runs).layout(shape, look, every=9, duration=DURATION) == []


def test_at_the_end_the_class_that_the_scale_changes_most_stands_large_over_what_is_nearest_to_it(cinema, read, runs):
    (shot,) = cinema("guidance", **runs).at(CLOSE, duration=DURATION)
    grids = shot.rasters["ImageGrid"]
    assert len(grids) == 2 * len(NAMES)
    upper = sorted(sorted(grids, key=lambda grid: -grid.points[0, 1])[: len(NAMES)], key=lambda grid: grid.points[0, 0])
    (chain,) = {grid.chains[0] for grid in upper}
    label = np.asarray(runs["two"]["label"])
    chains = [np.flatnonzero(label == k)[0] for k in np.unique(label)][:10]
    ends = np.stack([runs[name]["x"][-1].astype(np.float32)[chains] for name in ("plain", "two", "eight")])
    said = runs["two"].meta["target"]
    shown = (ends / runs["two"].scale[-1] * said["scale"] + np.reshape(said["offset"], (-1, 1, 1))).clip(-1, 1)
    changed = np.square(np.diff(shown, axis=0)).mean((0, 2, 3, 4))
    assert chain == chains[int(changed.argmax())] != chains[int(changed.argmin())]


def test_latents_are_shown_as_the_images_decoded_from_them(cinema, read, latent_runs):
    run = latent_runs["steered"]
    (shot,) = cinema("guidance", **dict.fromkeys(NAMES, run)).at(
        0.3 + 0.3 + 0.5 + DURATION + 0.5 + 0.9, duration=DURATION
    )
    grid = max(shot.rasters["ImageGrid"], key=lambda grid: grid.points[0, 1])
    assert len(shot.rasters["ImageGrid"]) == len(NAMES), "no row of data: codes are no images"
    first = [np.flatnonzero(run["label"] == k)[0] for k in np.unique(run["label"])]

    def colours(step):
        values = np.concatenate(list(run["decoded"][step].astype(np.float32)[first, 0]), 1)
        return read.LOOK.table("image").astype(int)[np.rint(np.clip((values + 1) / 2, 0, 1) * 255).astype(int)]

    assert np.abs(seen(read, shot, grid) - colours(-1)).max() <= 1
    assert np.abs(seen(read, shot, grid) - colours(0)).max() > 20, "the control: another state"


def test_decoded_latents_fit_every_frame(cinema, latent_runs, shape, look):
    assert cinema("guidance", **dict.fromkeys(NAMES, latent_runs["steered"])).layout(shape, look) == []
