"""The chain scene read back: every tile holds the recorded state that it stands for."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

DURATION, TILES = 2.0, 5


@pytest.fixture(scope="module")
def runs(recorded):
    def run(kind):
        return recorded(
            "digits",
            sampler={"kind": kind, "steps": 24, "chains": 3},
            record={"keep": ["x0"] if kind == "ddim" else [], "target_points": 0},
        )

    return {"forward": run("forward"), "reverse": run("ddim")}


def shown(grid, values):
    """Which recorded states a tile's picture equals."""
    picture = np.asarray(grid.recorded[int(grid.step)])[0]
    return [k for k in range(len(values)) if np.allclose(picture, values[k], atol=1e-3)]


START = 0.3 + 0.5 + 1e-6  # seconds from the poster to the first motion


def tiles_of(shot, run, row):
    """(tiles from left to right, the recorded step that each shows): of the upper (0) or the lower row (1)."""
    scale, offset = run.meta["target"]["scale"], run.meta["target"]["offset"][0]
    values = [run["x"][k][0].astype(np.float32) / run.scale[k] * scale + offset for k in range(run.steps + 1)]
    heights = sorted({round(float(grid.points[0, 1]), 3) for grid in shot.rasters["ImageGrid"]}, reverse=True)
    found = [grid for grid in shot.rasters["ImageGrid"] if abs(grid.points[0, 1] - heights[row]) < 0.01]
    found.sort(key=lambda grid: grid.points[0, 0])
    return found, [shown(grid, values) for grid in found]


@pytest.mark.parametrize("time", [-0.5, 2 * DURATION + 3.5])
def test_both_rows_stand_at_the_same_steps_at_the_end_and_on_the_first_picture(cinema, runs, time):
    (shot,) = cinema("chain", **runs).at(time, duration=DURATION)
    _, there = tiles_of(shot, runs["forward"], 0)
    _, back = tiles_of(shot, runs["reverse"], 1)
    last = runs["forward"].steps
    assert len(there) == len(back) == TILES
    assert all(there)
    assert all(back)
    assert (there[0][0], there[-1][-1]) == (last, 0), "noise is on the left, data on the right"
    assert [last - states[0] for states in back] == [states[0] for states in there]
    with pytest.raises(AssertionError):
        assert all(tiles_of(shot, runs["reverse"], 0)[1]), "the control: the rows are not the same run"


def test_names_under_the_tiles_are_the_steps_that_they_show(cinema, runs):
    film = cinema("chain", **runs)
    (shot,) = film.at(-0.5, duration=DURATION)
    _, there = tiles_of(shot, runs["forward"], 0)
    written = {text.body for mob in film.scene.mobjects for text in mob.get_family() if hasattr(text, "body")}
    for states in there:
        t = states[0]
        assert any(f"x_{t}" in body or f"x_({t})" in body for body in written), t
    absent = next(t for t in range(runs["forward"].steps) if [t] not in there)
    assert not any(f"x_({absent})" in body for body in written), "the control: no name for a step that is not shown"


def test_the_law_at_an_arrow_is_of_the_steps_between_its_stations(cinema, runs):
    film = cinema("chain", **runs)
    (shot,) = film.at(-0.5, duration=DURATION)
    _, there = tiles_of(shot, runs["forward"], 0)
    times = [states[0] for states in there]
    written = " ".join(text.body for mob in film.scene.mobjects for text in mob.get_family() if hasattr(text, "body"))
    laws = [f"q (x_({t}) mid(|) x_({s}))" for t, s in pairwise(times)]
    laws += [f"p_theta (x_({s}) mid(|) x_({t}))" for t, s in pairwise(times)]
    assert all(law in written for law in laws)
    assert f"q (x_({times[0]}) mid(|) x_({times[0] - 1}))" not in written, "the control: no arrow is of one step"
    assert "x_(t-1) mid(|)" not in written


def test_it_fits_every_frame(cinema, runs, shape, look):
    assert cinema("chain", **runs).layout(shape, look, every=9, duration=2.0) == []
