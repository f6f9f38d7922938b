"""The mesh scene read back: lines run through the recorded points, cells have the colour of their density."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

SECONDS, STEPS, SIDE = 2.0, 10, 13
NOW = 5


@pytest.fixture(scope="module")
def run(recorded):
    return recorded("smiley", sampler={"kind": "ddim", "steps": STEPS, "chains": SIDE**2, "start": "grid"})


@pytest.fixture(scope="module")
def shot(cinema, run):
    """Every line of the grid is drawn; the clip stands at a step which the number in its caption names."""
    film = cinema("mesh", flow=run)
    for k in range(40):
        (shot,) = film.at(0.05 * k * SECONDS, duration=SECONDS, lines=SIDE)
        if shot.rasters["Lattice"][0].step == NOW:
            return shot
    raise AssertionError("the step is never shown")


def check_lattice(read, shot, frame, x, start, deviation):
    """Half way between neighbours is a line; in the middle of a cell is the colour of its probability over its area."""
    lattice = shot.rasters["Lattice"][0]
    nodes, first = (np.asarray(v, float).reshape(SIDE, SIDE, 2) for v in (x, start))
    at = read.laid(nodes, lattice)
    (rows, columns), warm = read.window(lattice, 8), read.warmth(frame)
    lines = np.concatenate([
        ((at[1:] + at[:-1]) / 2).reshape(-1, 2), ((at[:, 1:] + at[:, :-1]) / 2).reshape(-1, 2)
    ])  # fmt: skip
    u, v = np.floor(lines).astype(int).T
    assert (warm[v, u] > 20).mean() > 0.97, "a line is missing"

    (a, b), (c, d) = (np.moveaxis(v, -1, 0) for v in (nodes[1:, 1:] - nodes[:-1, :-1], nodes[1:, :-1] - nodes[:-1, 1:]))
    area = abs(a * d - b * c) / 2  # of its diagonals
    part = [np.diff(norm.cdf(first[0, :, 0] / deviation)), np.diff(norm.cdf(first[:, 0, 1] / deviation))]
    density = part[1][:, None] * part[0] / area
    table = read.LOOK.table("density").astype(int)
    shade = np.rint(np.clip(density / lattice.vmax, 0, 1) ** 0.5 * 255).astype(int)
    checked = 0
    for j, i in np.ndindex(SIDE - 1, SIDE - 1):
        corners = at[j : j + 2, i : i + 2].reshape(-1, 2)
        middle = corners.mean(0)
        sides = np.linalg.norm(corners - corners[[1, 3, 0, 2]], axis=1)
        x_, y = np.floor(middle).astype(int)
        if sides.min() < 12 or not (columns.start < x_ < columns.stop and rows.start < y < rows.stop):
            continue
        assert abs(frame[y, x_].astype(int) - table[shade[j, i]]).max() <= 8, "a cell's colour"
        checked += 1
    assert checked > 60


@pytest.fixture(scope="module")
def law(run):
    return run["x"][0], float(np.hypot(run["alpha"][0], run["sigma"][0]))


def test_lines_and_cells_are_those_recorded(read, shot, run, law):
    check_lattice(read, shot, shot.frame, run["x"][NOW], *law)


@pytest.mark.parametrize("shift", [(3, 0), (0, 3), (-3, 0), (0, -3)])
def test_a_mesh_three_pixels_off_is_found_out(read, shot, run, law, shift):
    with pytest.raises(AssertionError):
        check_lattice(read, shot, np.roll(shot.frame, shift, (0, 1)), run["x"][NOW], *law)


@pytest.mark.parametrize("off", [-1, 1])
def test_a_mesh_of_another_step_is_found_out(read, shot, run, law, off):
    with pytest.raises(AssertionError):
        check_lattice(read, shot, shot.frame, run["x"][NOW + off], *law)
    with pytest.raises(AssertionError, match="colour"):
        check_lattice(read, shot, shot.frame, run["x"][NOW], law[0], law[1] * 1.3**off)


def test_no_text_overlaps_or_leaves_the_frame(cinema, run, shape, look):
    assert cinema("mesh", flow=run).layout(shape, look, duration=4) == []
