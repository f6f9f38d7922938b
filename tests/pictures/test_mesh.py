"""The mesh scene read back: lines run through the recorded points, cells have the colour of their density."""

from __future__ import annotations

import numpy as np
import pytest
from manim import Circle, VGroup
from scipy.stats import norm

from diffrender.animation.parts.deformed_grid import DeformedGrid
from diffrender.animation.text.numbers import Running
from diffrender.trajectory.distance import compared_points, strays
from diffrender.trajectory.noised import noised_share
from diffrender.trajectory.reader import Trajectory

SECONDS, STEPS, SIDE = 2.0, 10, 13
NOW = 5
SIDES = (slice(None, -1), slice(1, None))
RIDE = 2.0  # seconds in which draws ride on the grid
BEFORE = 1.0 + 1.0  # seconds: back to the even grid, which then stands for a while


@pytest.fixture(scope="module")
def run(recorded):
    return recorded("smiley", sampler={"kind": "ddim", "steps": STEPS, "chains": SIDE**2, "start": "grid"})


@pytest.fixture(scope="module")
def draws(recorded):
    return recorded("smiley", sampler={"kind": "ddim", "steps": STEPS, "chains": 400})


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
    lines = [m for m in shot.scene.mobjects if isinstance(m, Running) and "×" in m.line.body]
    numbers = {number.spec: number.value for line in lines for number in line.numbers}
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


def test_it_ends_with_draws_of_noise_on_the_grid_before_and_with_what_the_flow_made_of_them(cinema, run, draws):
    film = cinema("mesh", flow=run, draws=draws)
    last = film.play([(k, k + 1) for k in range(0, 10**3, 9)], (480, 270), fps=4, duration=1)[-1]
    before, after = sorted(last.rasters["Lattice"], key=lambda mob: mob.points[0, 0])
    assert (before.step, after.step) == (0, run.steps)
    noise, carried = sorted(last.rasters["PointCloud"], key=lambda mob: mob.points[0, 0])
    count = compared_points(draws, draws["x"][-1])
    for mob, step in ((noise, 0), (carried, -1)):
        assert np.allclose(mob.xy, draws["x"][step][:count], atol=1e-6), "draws that were recorded, each once"
        assert len(np.unique(mob.xy, axis=0)) == count
    assert not np.allclose(noise.xy, run["x"][0][:count]), "the control: the grid"
    said = [m.body for top in film.scene.mobjects for m in top.get_family() if hasattr(m, "body")]
    assert len([text for text in said if f" {count:,}" in text]) == 3, "over the draws, and twice under them"
    assert before.box == noise.box == carried.box == after.box, "points and grids, before and after, are on one scale"
    sizes = [np.ptp(mob.points[:, 0]) for mob in (before, after)]
    assert sizes[0] == pytest.approx(sizes[1])
    low, high = np.reshape(noise.box, (2, 2)).T
    assert ((noise.xy >= low) & (noise.xy <= high)).all()


def test_draws_ride_on_the_grid_through_recorded_states(cinema, run, draws):
    """On the way points and grid are at one step, each of its own recording."""
    film = cinema("mesh", flow=run, draws=draws)
    count, steps = compared_points(draws, draws["x"][-1]), []
    for part in (0.05, 0.5, 0.95):
        (shot,) = film.at(BEFORE + SECONDS + 0.6 + 0.8 + part * RIDE, duration=SECONDS)
        grid = max(shot.rasters["Lattice"], key=lambda mob: mob.points[0, 0])
        cloud = max(shot.rasters["PointCloud"], key=lambda mob: mob.points[0, 0])
        low = int(grid.step)
        ends = [np.asarray(draws["x"][min(low + k, STEPS)], float)[:count] for k in (0, 1)]
        assert np.allclose(cloud.xy, ends[0] + (grid.step - low) * (ends[1] - ends[0]), atol=1e-4)
        assert not np.allclose(cloud.xy, draws["x"][0 if part > 0.5 else -1][:count], atol=1e-2), "the control"
        steps.append(grid.step)
    assert 0 <= steps[0] < steps[1] < steps[2] <= STEPS


def test_the_camera_stays_where_it_is(cinema, run):
    film, boxes = cinema("mesh", flow=run), []
    for moment in (0.5, 1.5, BEFORE + 0.5 * SECONDS, BEFORE + SECONDS + 0.3):
        (shot,) = film.at(moment, duration=SECONDS)
        boxes.append(next(mob for mob in shot.rasters["Lattice"] if mob.side == SIDE).box)
    assert len(set(boxes)) == 1, "areas can be compared over the whole film"
    low, high = np.reshape(boxes[0], (2, 2)).T
    seen = np.concatenate([run["x"][0], run.target])
    assert ((seen >= low) & (seen <= high)).all()


@pytest.mark.parametrize(("power", "said"), [(1, "smaller"), (-1, "larger")])
def test_what_becomes_of_the_cell_is_said_of_its_recorded_area(cinema, run, monkeypatch, power, said):
    """The control: of areas that rise the sentence is the other one."""
    whole = DeformedGrid.ratio_at
    monkeypatch.setattr(DeformedGrid, "ratio_at", lambda grid, step: whole(grid, step) ** power)
    film = cinema("mesh", flow=run)
    film.at(BEFORE + 0.5, duration=SECONDS)
    bodies = [m.body for top in film.scene.mobjects for m in top.get_family() if hasattr(m, "body")]
    assert any(f"gets {said}" in text for text in bodies)
    assert any("det partial x_T" in text for text in bodies if "samples" not in text), "the density is named"


def test_as_many_points_are_ringed_as_are_said_to_stray(cinema, run, draws):
    """Each ring lies round another point; what lies outside the panel has none, and is told."""
    x, count = np.array(draws["x"]), compared_points(draws, draws["x"][-1])
    x[-1, :count] = draws.target[:count] + 0.001
    x[-1, 3:6] = [1.2 * draws.target.max(0), 1.2 * draws.target.min(0), [60, 0]]
    film = cinema("mesh", flow=run, draws=Trajectory(draws.file, draws.meta, draws.arrays | {"x": x}))
    last = film.play([(k, k + 1) for k in range(0, 10**3, 9)], (480, 270), fps=4, duration=1)[-1]
    far = x[-1][:count][strays(x[-1][:count], draws.target[:count])]
    carried = max(last.rasters["PointCloud"], key=lambda mob: mob.points[0, 0])
    left, right = carried.points[[0, 3], 0]
    circles = (m for top in film.scene.mobjects for m in top.get_family() if isinstance(m, Circle))
    rings = [m for m in circles if left < m.get_center()[0] < right]
    at = carried.to_scene(far[np.abs(far).max(1) < 50])[:, :2]
    assert np.allclose(sorted(ring.get_center()[:2].tolist() for ring in rings), sorted(at.tolist()), atol=1e-5)
    said = [m.body for top in film.scene.mobjects for m in top.get_family() if hasattr(m, "body")]
    assert any(f"{len(far)} of {count}, 1 outside" in text for text in said)
    assert len(rings) == len(far) - 1 == 2


def test_a_grid_alone_ends_on_the_grid(cinema, run):
    """Of a recording of one's own there may be no draws."""
    last = cinema("mesh", flow=run).play([(k, k + 1) for k in range(0, 10**3, 9)], (480, 270), fps=4, duration=1)[-1]
    assert "PointCloud" not in last.rasters


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
    said = [m for top in shot.scene.mobjects for m in top.get_family() if hasattr(m, "spec") and m.spec == ".3f"]
    share, error = noised_share(run, [grid.ring(k) for k in range(run.steps + 1)])
    values = [m.value for m in said]
    assert {100 * share[step], 100 * error[step]} <= set(values)
    assert abs(share[step] - grid.inside) < 3 * error[step], "the flow keeps it"


def test_nothing_is_said_of_the_end_before_the_grid_has_landed(cinema, run, draws):
    film = cinema("mesh", flow=run, draws=draws)
    landed = BEFORE + SECONDS + 0.6 + 0.8 + RIDE
    for moment, expected in ((landed - 0.2, False), (landed + 0.5, True)):
        film.at(moment, duration=SECONDS)
        family = [m for top in film.scene.mobjects for m in top.get_family()]
        said = [m.body for m in family if hasattr(m, "body")]
        assert all(any(name in text for text in said) for name in ("Before", "After")), "both panels are named at once"
        assert any("true samples" in text for text in said) == expected


@pytest.mark.parametrize("model", ["exact denoiser", "learned: MLP 3 × 128, EMA"])
def test_no_text_overlaps_or_leaves_the_frame(cinema, run, draws, shape, look, model):
    """Of a learned model too, whose caption is longer."""
    named = Trajectory(run.file, run.meta | {"model": {"kind": "learned", "label": model}}, run.arrays)
    assert cinema("mesh", flow=named, draws=draws).layout(shape, look, duration=2) == []


def test_the_magnifier_keeps_its_scale_and_shows_beside_the_cell_how_large_it_was(read, shot, run):
    """The dashed square has the size that the cell had at the start, on the scale of the magnifier at each step."""
    grid = framed(shot).grid
    across = [np.ptp(np.reshape(grid.lens(k), (2, 2)), axis=1) for k in range(run.steps + 1)]
    assert np.allclose(across, across[0][0])
    assert across[0][0] >= 1.3 * max(np.ptp(grid.ring(k), axis=0).max() for k in range(run.steps + 1))
    lens = next(m for m in shot.rasters["Lattice"] if m.side != SIDE)
    middle = (lens.points[0] + lens.points[3]) / 2
    groups = [m for m in shot.scene.mobjects if isinstance(m, VGroup) and len(m) == 8]  # four sides and their casing
    (square,) = [m for m in groups if np.allclose(m.get_center(), middle, atol=0.2)]
    scale = np.ptp(lens.points[:, 0]) / (lens.box[1] - lens.box[0])
    first = np.asarray(run["x"][0], float).reshape(SIDE, SIDE, 2)
    side = grid.every * (first[0, 1, 0] - first[0, 0, 0]) * scale
    assert [square.width, square.height] == pytest.approx([side] * 2, rel=0.08), "but for what lies after its dashes"
    last = np.ptp(grid.ring(run.steps), axis=0) * scale
    assert np.abs(last - side).max() > 0.12 * side, "the control: the cell as it is in the end"
