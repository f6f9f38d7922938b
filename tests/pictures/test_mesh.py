"""The mesh scene read back: lines run through the recorded points, cells have the colour of their density."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from diffrender.trajectory.distance import compared_points
from diffrender.trajectory.noised import noised_share
from diffrender.trajectory.reader import Trajectory

SECONDS, STEPS, SIDE = 2.0, 10, 13
NOW = 5
SIDES = (slice(None, -1), slice(1, None))
BEFORE = 1.0 + 1.0  # seconds: back to the even grid, which then stands for a while


@pytest.fixture(scope="module")
def run(recorded):
    return recorded("smiley", sampler={"kind": "ddim", "steps": STEPS, "chains": SIDE**2, "start": "grid"})


@pytest.fixture(scope="module")
def shot(cinema, run):
    """Every line of the grid is drawn; the clip stands at a step which the number in its caption names."""
    film = cinema("mesh", flow=run)
    for k in range(40):
        (shot,) = film.at(BEFORE + 0.05 * k * SECONDS, duration=SECONDS, lines=SIDE)
        if shot.rasters["Lattice"][-1].step == NOW:
            shot.scene = film.scene
            return shot
    raise AssertionError("the step is never shown")


def framed(shot):
    """The followed cell's outline on the plane, with the frame of what the magnifier shows."""
    outlines = (m for m in shot.scene.mobjects if type(m).__name__ == "FollowedCell")
    return next(m for m in outlines if m.frame in m.submobjects)


def check_lattice(read, shot, frame, x, start, deviation):
    """Half way between neighbours is a line; in the middle of a cell is the colour of its probability over its area."""
    lattice = next(mob for mob in shot.rasters["Lattice"] if mob.side == SIDE)
    nodes, first = (np.asarray(v, float).reshape(SIDE, SIDE, 2) for v in (x, start))
    at = read.laid(nodes, lattice)
    rows, columns = read.window(lattice, 8)
    (a, b), (c, d) = (np.moveaxis(v, -1, 0) for v in (nodes[1:, 1:] - nodes[:-1, :-1], nodes[1:, :-1] - nodes[:-1, 1:]))
    area = abs(a * d - b * c) / 2  # of its diagonals
    part = [np.diff(norm.cdf(first[0, :, 0] / deviation)), np.diff(norm.cdf(first[:, 0, 1] / deviation))]
    density = part[1][:, None] * part[0] / area
    table = lattice.table.astype(int)
    shade = np.rint(np.clip(density / lattice.vmax, 0, 1) ** 0.5 * 255).astype(int)
    # a line is half of the foreground's colour, so bluer than any density: bluer than the cells beside it
    within = [(at[1:-1, 1:] + at[1:-1, :-1]) / 2, (at[1:, 1:-1] + at[:-1, 1:-1]) / 2]
    beside = [
        np.maximum(table[shade[:-1], 2], table[shade[1:], 2]),
        np.maximum(*(table[shade[:, k], 2] for k in SIDES)),
    ]
    for points, blue in zip(within, beside, strict=True):
        u, v = np.floor(points.reshape(-1, 2)).astype(int).T
        seen = (u > columns.start) & (u < columns.stop) & (v > rows.start) & (v < rows.stop)
        assert (frame[v[seen], u[seen], 2] > blue.ravel()[seen] + 30).mean() > 0.85, "a line is missing"
    off = []
    for j, i in np.ndindex(SIDE - 1, SIDE - 1):
        corners = at[j : j + 2, i : i + 2].reshape(-1, 2)
        middle = corners.mean(0)
        sides = np.linalg.norm(corners - corners[[1, 3, 0, 2]], axis=1)
        x_, y = np.floor(middle).astype(int)
        if sides.min() < 12 or not (columns.start < x_ < columns.stop and rows.start < y < rows.stop):
            continue
        off.append(abs(frame[y, x_].astype(int) - table[shade[j, i]]).max() > 8)
    assert len(off) > 60
    assert np.mean(off) < 0.05, "a cell's colour; few lie under lines to the magnifier"


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


def test_the_numbers_are_those_of_the_followed_cell(shot, run):
    """Its area over that at the start, and as many times the density: the probability in it stays."""
    parts = [m for top in shot.scene.mobjects for m in top.get_family() if hasattr(m, "spec")]
    numbers = {".2f": next(m.value for m in parts if m.spec == ".2f")}  # the first: shares in it come after it
    numbers[".3f"] = next(m.value for m in reversed(parts) if m.spec == ".3f")  # the last: before it the noise level
    outline = next(m for m in shot.scene.mobjects if type(m).__name__ == "FollowedCell")
    r, c = outline.grid.cell
    ratios = []
    for step in (NOW, NOW - 1):
        quads = [np.asarray(run["x"][k], float).reshape(SIDE, SIDE, 2)[r : r + 2, c : c + 2] for k in (0, step)]
        sizes = [abs(np.cross(*(q[1, 1] - q[0, 0], q[1, 0] - q[0, 1]))) / 2 for q in quads]
        ratios.append(sizes[1] / sizes[0])
    shown = [numbers[".3f"], numbers[".2f"]]
    assert numbers[".2f"] == pytest.approx(1 / ratios[0])
    assert numbers[".2f"] != pytest.approx(1 / ratios[1])
    assert shown[0] > 0
    written = [float(f"{shown[0]:.3f}") * float(f"{shown[1]:{spec}}") for spec in (".2f", ".0f")]
    assert abs(written[0] - 1) < 0.012 < abs(written[1] - 1), "as they are written, their product is 1"


def test_chains_that_are_drawn_have_the_law_of_the_noise_and_end_where_they_were_recorded(shot, run):
    """They are at every point as often as its share of the noise says, and have its mean and spread."""
    grid = next(m for m in shot.scene.mobjects if type(m).__name__ == "FollowedCell").grid
    chains = grid.drawn(40_000)
    first, last = (np.asarray(run["x"][k], float) for k in (0, -1))
    np.testing.assert_allclose(grid.points(-1, chains), last[chains], atol=1e-6)
    part = norm.pdf(first / grid.deviation).prod(1)
    edge = (np.abs(first) > np.abs(first).max(0) - 1e-6).sum(1)
    part *= 0.5**edge  # only draws on the even grid
    part /= part.sum()
    assert np.bincount(chains, minlength=len(part)) / len(chains) == pytest.approx(part, abs=0.003)
    for end in (first, last):
        mean, found = part @ end, end[chains]
        assert found.mean(0) == pytest.approx(mean, abs=0.02)
        assert found.std(0) == pytest.approx(np.sqrt(part @ (end - mean) ** 2), abs=0.04)
    assert np.abs(np.full(len(part), 1 / len(part)) - part).max() > 0.01, "the control: all alike"


def test_it_ends_with_the_grid_before_and_after_each_among_its_points(cinema, run):
    film = cinema("mesh", flow=run)
    last = film.play([(k, k + 1) for k in range(0, 10**3, 9)], (480, 270), fps=4, duration=1)[-1]
    before, after = sorted(last.rasters["Lattice"], key=lambda mob: mob.points[0, 0])
    assert (before.step, after.step) == (0, run.steps)
    noise, carried = sorted(last.rasters["PointCloud"], key=lambda mob: mob.points[0, 0])
    count = compared_points(run, run["x"][-1])
    assert len(carried.xy) == len(noise.xy) == count != len(run.target), "as many as the distance under them is of"
    said = [m.body for top in film.scene.mobjects for m in top.get_family() if hasattr(m, "body")]
    assert len([text for text in said if f" {count:,}" in text]) == 3, "over the draws, and twice under them"
    off = [np.median(np.linalg.norm(mob.xy[:, None] - run.target, axis=2).min(1)) for mob in (carried, noise)]
    assert off[0] < 0.6 * off[1], "they have come to the data"
    assert noise.xy.std() == pytest.approx(float(np.hypot(run["alpha"][0], run["sigma"][0])), rel=0.1)
    assert noise.xy.std() != pytest.approx(run["x"][-1].std() / 2, rel=0.1), "the control: another law"
    assert (before.box, after.box) == (noise.box, carried.box), "points and grid are on one scale"


def test_the_magnifier_shows_the_cell_as_it_is(read, shot, run):
    lens = next(mob for mob in shot.rasters["Lattice"] if mob.side != SIDE)
    outline = next(m for m in shot.scene.mobjects if type(m).__name__ == "FollowedCell")
    r, c = outline.grid.cell
    nodes = np.asarray(run["x"][NOW], float).reshape(SIDE, SIDE, 2)[r : r + 2, c : c + 2].reshape(-1, 2)
    middle = nodes.mean(0)
    around = (nodes.min(0) + nodes.max(0)) / 2
    assert np.mean(np.reshape(lens.box, (2, 2)), axis=1) == pytest.approx(around, abs=1e-5)
    edges = (nodes[[0, 1]].mean(0), nodes[[2, 3]].mean(0))
    warm = read.warmth(shot.frame)
    for point in edges:
        x, y = np.floor(read.laid(point, lens)).astype(int)
        assert warm[y - 2 : y + 3, x - 2 : x + 3].max() > 100, "the outline"
    x, y = np.floor(read.laid(middle, lens)).astype(int)
    assert warm[y - 2 : y + 3, x - 2 : x + 3].max() < 60


def test_the_frame_on_the_plane_holds_what_the_magnifier_shows(read, shot, run):
    lens = next(mob for mob in shot.rasters["Lattice"] if mob.side != SIDE)
    whole = next(mob for mob in shot.rasters["Lattice"] if mob.side == SIDE)
    outline = framed(shot)
    box = np.reshape(lens.box, (2, 2)).T
    assert read.pixel_of(np.reshape(outline.bounds, (2, 2)).T) == pytest.approx(read.laid(box, whole), abs=0.1)
    beam = next(m for m in shot.scene.mobjects if type(m).__name__ == "ZoomBeam")
    (x1, y0, y1) = outline.bounds[1:]
    np.testing.assert_allclose(beam.inner.points[::4, :2], [[x1, y1], [x1, y0]], atol=1e-6)


def test_the_probability_in_the_cell_is_told_of_noise_and_of_noised_data(shot, run):
    """Of the noise by its law, of the data as they were recorded; neither from the area."""
    outline = next(m for m in shot.scene.mobjects if type(m).__name__ == "FollowedCell")
    grid, step = outline.grid, NOW
    first = grid.block(0)
    deviation = float(np.hypot(run["alpha"][0], run["sigma"][0]))
    sides = [np.diff(norm.cdf(first[ends, :, d].mean(1) if d else first[:, ends, d].mean(0), scale=deviation))[0]
             for d, ends in ((0, [0, -1]), (1, [0, -1]))]  # fmt: skip
    assert grid.inside == pytest.approx(sides[0] * sides[1], rel=1e-4)
    said = [m for top in shot.scene.mobjects for m in top.get_family() if hasattr(m, "spec") and m.spec == ".2f"]
    share, error = noised_share(run, [grid.ring(k) for k in range(run.steps + 1)])
    values = [m.value for m in said]
    assert {100 * share[step], 100 * error[step]} <= set(values)
    assert abs(share[step] - grid.inside) < 3 * error[step], "the flow keeps it"


def test_nothing_is_said_of_the_end_before_the_grid_has_landed(cinema, run):
    film = cinema("mesh", flow=run)
    landed = BEFORE + SECONDS + 1.2 + 0.8
    for moment, expected in ((landed - 0.2, False), (landed + 0.5, True)):
        film.at(moment, duration=SECONDS)
        family = [m for top in film.scene.mobjects for m in top.get_family()]
        said = [m.body for m in family if hasattr(m, "body")]
        assert all(any(name in text for text in said) for name in ("Before", "After")), "both panels are named at once"
        assert any("true samples" in text for text in said) == expected


@pytest.mark.parametrize("model", ["exact denoiser", "learned: MLP 3 × 128, EMA"])
def test_no_text_overlaps_or_leaves_the_frame(cinema, run, shape, look, model):
    """Of a learned model too, whose caption is longer."""
    named = Trajectory(run.file, run.meta | {"model": {"kind": "learned", "label": model}}, run.arrays)
    assert cinema("mesh", flow=named).layout(shape, look, duration=2) == []


def test_the_magnifier_closes_in_with_the_cell_and_says_how_much_larger_it_shows_it(shot, run):
    grid = framed(shot).grid
    low, high = np.array([np.ptp(np.reshape(grid.lens(k), (2, 2))[0]) for k in (0, run.steps)])
    sizes = [np.ptp(grid.ring(k), axis=0).max() for k in (0, run.steps)]
    assert low == pytest.approx(3.2 * sizes[0], rel=1e-3)
    assert high < low
    assert high >= 1.3 * sizes[1], "but it holds it"
    lens, whole = (next(m for m in shot.rasters["Lattice"] if (m.side == SIDE) is here) for here in (False, True))
    times = np.divide(*(np.ptp(mob.points[:, 0]) / (mob.box[1] - mob.box[0]) for mob in (lens, whole)))
    parts = [m for top in shot.scene.mobjects for m in top.get_family() if getattr(m, "spec", "") == ".1f"]
    assert parts[0].value == pytest.approx(times, rel=1e-3)
