"""The chain scene read back: every tile holds the recorded state that it stands for."""

from __future__ import annotations

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


@pytest.mark.parametrize(("name", "time"), [("forward", DURATION), ("reverse", 2 * DURATION + 1.0 + 0.8)])
def test_tiles_hold_the_states_of_their_steps(cinema, runs, name, time):
    (shot,) = cinema("chain", **runs).at(time, duration=DURATION)
    run = runs[name]
    scale, offset = run.meta["target"]["scale"], run.meta["target"]["offset"][0]
    values = [run["x"][k][0].astype(np.float32) / run.scale[k] * scale + offset for k in range(run.steps + 1)]
    tiles = [
        grid for grid in shot.rasters["ImageGrid"] if grid.recorded is not None and len(grid.recorded) == len(values)
    ]
    found = [states for grid in tiles for states in [shown(grid, values)] if states]
    stations = sorted({states[0] for states in found})
    assert len(stations) == TILES
    assert (stations[0], stations[-1]) == (0, run.steps)
    x = [float(grid.points[0, 0]) for grid in tiles]
    order = [shown(grid, values)[0] for _, grid in sorted(zip(x, tiles, strict=True), key=lambda pair: pair[0])]
    assert order == sorted(order, reverse=name == "forward"), "noise is on the left, data on the right"


def test_it_fits_every_frame(cinema, runs, shape, look):
    assert cinema("chain", **runs).layout(shape, look, every=9, duration=2.0) == []
