"""The langevin scene read back: what is on its frames is what was recorded, to the pixel and to the step.

Every check is made twice: on the frame, and on the frame shifted by three pixels or against the recording shifted by
one step, where it must fail.
"""

import sys
from itertools import combinations, count, pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage
from scipy.interpolate import RegularGridInterpolator

from diffrender.animation.colors import contrast, srgb
from diffrender.animation.layout.checks import faults, texts
from diffrender.animation.mobjects.plane.curve import Curve
from diffrender.animation.mobjects.space.landscape import Landscape
from diffrender.animation.one_chain_scene import SEEN_AT_ONCE
from diffrender.animation.parts.basins import Basins
from diffrender.animation.parts.distances import apart_by_chance
from diffrender.animation.parts.mixing import mixing, rounded, spread_bias
from diffrender.animation.parts.tally import category_colors
from diffrender.animation.parts.zoom.pacing import SLOW, STAGES
from diffrender.animation.text.language import Language
from diffrender.animation.text.numbers import Running
from diffrender.animation.text.typst import Typeset
from diffrender.animation.theme import theme
from diffrender.config.catalogue import find_catalogue
from diffrender.trajectory import Trajectory, TrajectoryWriter
from diffrender.video import frames

SCENE = Path(__file__).parents[2] / "scenes" / "langevin.py"
SIZE, FPS, TAU = (1280, 720), 10, 0.02
MEANS, SPREAD = np.array([[-1.2, 0.8], [1.2, 0.8], [0.0, -0.9]]), 0.4
UNIT = SIZE[1] / 8
LOOK = theme("dark")


# ---- small recordings, made with NumPy alone -------------------------------------------------------------------------
def score(x):
    """∇ log p of three equal Gaussians, (N, 2)."""
    away = MEANS - x[:, None]
    weight = np.exp(-(away**2).sum(-1) / (2 * SPREAD**2)) + 1e-300
    return (weight[..., None] * away).sum(1) / weight.sum(1, keepdims=True) / SPREAD**2


def record(path, chains, steps, noisy, seed):
    """Unadjusted Langevin, written in the documented schema."""
    rng = np.random.default_rng(seed)
    x = (1.2 * rng.standard_normal((chains, 2))).astype(np.float32)
    gx, gy = np.linspace(-3.9, 3.9, 118), np.linspace(-2.9, 2.9, 88)
    away = np.stack(np.meshgrid(gx, gy), -1)[:, :, None] - MEANS
    density = np.exp(-(away**2).sum(-1) / (2 * SPREAD**2)).mean(-1) / (2 * np.pi * SPREAD**2)
    rows = {"x": [x], "drift": [], "noise": []}
    for _ in range(steps):
        drift = (TAU * score(x)).astype(np.float32)
        noise = (noisy * np.sqrt(2 * TAU) * rng.standard_normal(x.shape)).astype(np.float32)
        x = x + drift + noise
        for key, row in zip(rows, (x, drift, noise), strict=True):
            rows[key].append(row)
    name = "ula" if noisy else "gradient"
    away = np.sqrt(np.square(np.array(rows["x"])[:, :, None] - MEANS).sum(-1).min(-1)).mean(1)
    with TrajectoryWriter(path, {"kind": "langevin", "seed": seed, "sampler": {"name": name}}) as writer:
        for key, values in rows.items():
            writer.add(key, np.array(values))
        writer.add("time", TAU * np.arange(steps + 1.0))
        for key, values in (("density", density[None]), ("density_x", gx), ("density_y", gy)):
            writer.add(key, values.astype(np.float32))
        writer.add("density_time", np.zeros(1))
        writer.add("metric_sliced_wasserstein", away)
    return Trajectory.open(path)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("langevin")
    return {
        "chain": record(folder / "chain.npz", 1, 500, True, 5),
        "many": record(folder / "many.npz", 80, 60, True, 6),
        "still": record(folder / "still.npz", 80, 60, False, 6),
    }


@pytest.fixture(scope="module")
def play(recordings, tmp_path_factory):
    """`play(options, windows)` draws frames of the scene, encoding nothing; returns them with what stood there."""
    langevin = frames.load_scene(SCENE, "Langevin")
    media = tmp_path_factory.mktemp("media")

    def run(options, windows, size=SIZE, look="dark"):
        shots, (look, _, lang) = [], look.partition("_")
        run.language = Language.of(find_catalogue(lang or "en"))

        def make(renderer):
            run.scene = langevin(
                trajectories=recordings, options=options, theme=look, language=run.language, renderer=renderer
            )
            return run.scene

        def keep(pixels, repeat):
            scene = run.scene
            shot = SimpleNamespace(
                frame=pixels[..., :3].copy(), scene=scene, faults=faults(scene.mobjects, scene.page.frame)
            )
            lands = [mob for mob in scene.places.get("left", []) if isinstance(mob, Landscape)]
            if lands:
                shot.land, shot.ball = lands[0], lands[0].ball
            if hasattr(scene, "glass"):
                shot.box = scene.glass.view.heat.box
            lines = [mob for mob in scene.places.get("name", []) if isinstance(mob, Running)]
            shot.numbers = [number.value for mob in lines for number in mob.numbers]
            if hasattr(scene, "cells"):
                shot.cells, shot.high = scene.cells.shown, scene.cells.high
                shot.counted = scene.cells.shown.counts()
            shots.append(shot)

        settings = frames.manim_config(*size, FPS, transparent=False, media=media)
        frames.draw(make, settings, windows, keep)
        return shots

    return run


@pytest.fixture(scope="module")
def shoot(play):
    """`shoot(options, cue, times)` → shots, so many seconds after an act began to move."""

    def run(options, cue, times):
        play(options, ())
        wanted = [round((play.scene.cues[cue] + t) * FPS) for t in times]
        return play(options, [(k, k + 1) for k in wanted])

    return run


# ---- reading frames --------------------------------------------------------------------------------------------------
def pixel_of(xy, box, rect):
    """Data coordinates (…, 2) → pixels, the test's own way."""
    x0, x1, y0, y1 = box
    a, b, c, d = rect
    u = (np.asarray(xy, float) - (x0, y0)) / (x1 - x0, y1 - y0)
    scene = np.stack([a + u[..., 0] * (b - a), c + u[..., 1] * (d - c)], -1)
    return np.array(SIZE) / 2 + scene * (UNIT, -UNIT)


def coloured(frame, color, rect, tolerance=60):
    """Where a panel's inside is of a colour, (H, W) bool."""
    mask = np.abs(frame.astype(int) - np.rint(srgb(color) * 255)).sum(-1) < tolerance
    (left, top), (right, bottom) = (pixel_of((u, v), (0, 1, 0, 1), rect) for u, v in ((0, 1), (1, 0)))
    inside = np.zeros_like(mask)
    inside[round(top) + 4 : round(bottom) - 3, round(left) + 4 : round(right) - 3] = True
    return mask & inside


def largest_shape(frame, color, rect):
    """(K, 2) centres of the pixels that the largest connected shape of a colour covers by more than half."""
    mask = coloured(frame, color, rect)
    shapes, count = ndimage.label(mask, np.ones((3, 3)))
    largest = 1 + int(np.argmax(ndimage.sum(mask, shapes, range(1, count + 1))))
    ink, casing = srgb(color) * 255, srgb(LOOK.panel) * 255
    covered = (frame - casing) @ (ink - casing) / ((ink - casing) ** 2).sum()
    rim = ndimage.binary_dilation(shapes == largest, np.ones((3, 3)), iterations=2)
    y, x = np.nonzero(rim & (covered > 0.5))
    return np.stack([x + 0.5, y + 0.5], 1)


def check_arrow(frame, color, start, tip, rect):
    """The largest shape of a colour is an arrow's head, with its shaft if it is not dashed: it ends at `tip`, and its
    axis comes from `start`.
    """
    shape = largest_shape(frame, color, rect)
    u = (tip - start) / np.linalg.norm(tip - start)
    along, across = (shape - start) @ u, (shape - start) @ [-u[1], u[0]]
    # of a point this sharp the last half-covered pixel's centre lies some 0.9 pixels before its end
    assert along.max() + 0.9 == pytest.approx(np.linalg.norm(tip - start), abs=1.2)
    assert across[along > along.max() - 4].mean() == pytest.approx(0, abs=1.2)
    assert across.mean() == pytest.approx(0, abs=1.2)


def check_dot(frame, centre, rect):
    """The chain stands at `centre`: a disc in the foreground colour."""
    mask = coloured(frame, LOOK.fg, rect)
    y, x = np.mgrid[: mask.shape[0], : mask.shape[1]] + 0.5
    near = np.hypot(x - centre[0], y - centre[1]) < 0.10 * UNIT + 2
    assert (mask & near).sum() == pytest.approx(np.pi * (0.10 * UNIT) ** 2, rel=0.2)
    found = np.array([x[mask & near].mean(), y[mask & near].mean()])
    assert found == pytest.approx(centre, abs=1.0)


def without(frame, mob):
    """The frame with a mobject painted over."""
    (left, low), (right, high) = (
        pixel_of(mob.get_corner(c)[:2], (0, 1, 0, 1), (0, 1, 0, 1)) for c in ((-1, -1, 0), (1, 1, 0))
    )
    frame = frame.copy()
    frame[int(high) : int(low) + 1, int(left) : int(right) + 1] = np.rint(srgb(LOOK.panel) * 255)
    return frame


def check_step(frame, shot, run, step):
    """Dot and three arrows of one recorded step."""
    box, rect = shot.box, shot.scene.right
    x, drift, noise = run.x[step, 0], run.drift[step, 0], run.noise[step, 0]
    frame = without(frame, shot.scene.glass.beside[0])  # its bars have the arrows' colours
    start = pixel_of(x, box, rect)
    check_dot(frame, start, rect)
    for color, tip in ((LOOK.score, drift), (LOOK.noise, noise), (LOOK.sum, drift + noise)):
        check_arrow(frame, color, start, pixel_of(x + tip, box, rect), rect)


HELD = sum(STAGES[name] for name in ("score", "noise", "sides", "sum")) + STAGES["hold"] / 2


@pytest.fixture(scope="module")
def slow(shoot):
    """Three steps, one after the other, each with all its arrows."""
    return shoot({"acts": ["zoom"], "slow_steps": 3}, "zoom", [k * SLOW + HELD for k in range(3)])


def test_arrows_start_and_end_where_drift_and_noise_were_recorded(slow, recordings):
    for k, shot in enumerate(slow):
        check_step(shot.frame, shot, recordings["chain"], shot.scene.first + k)


@pytest.mark.parametrize("shift", [(3, 0), (0, 3), (-3, 0), (0, -3)])
def test_arrows_drawn_three_pixels_off_are_found_out(slow, recordings, shift):
    for k, shot in enumerate(slow):
        with pytest.raises(AssertionError):
            check_step(np.roll(shot.frame, shift, (0, 1)), shot, recordings["chain"], shot.scene.first + k)


@pytest.mark.parametrize("off", [-1, 1])
def test_arrows_of_the_step_before_or_after_are_found_out(slow, recordings, off):
    for k, shot in enumerate(slow):
        with pytest.raises(AssertionError):
            check_step(shot.frame, shot, recordings["chain"], shot.scene.first + k + off)


# ---- the histogram ---------------------------------------------------------------------------------------------------
def check_histogram(shot, states):
    """Every cell has exactly the colour of the number of states that fell into it, the fullest one the last colour."""
    scene, cells = shot.scene, shot.cells
    columns, rows = cells.columns, cells.rows
    x0, x1, y0, y1 = scene.density.box
    counts, _, _ = np.histogram2d(states[:, 1], states[:, 0], (rows, columns), ((y0, y1), (x0, x1)))
    density = counts / len(states) / ((x1 - x0) / columns * (y1 - y0) / rows)
    assert shot.high == pytest.approx(density.max(), rel=1e-6)
    shade = np.rint((density / density.max()) ** 0.7 * 255).astype(int)
    wanted = LOOK.table("density")[shade].astype(int)
    # five points of each cell, near its corners too, so that a shift of the grid shows
    u, v = np.meshgrid(np.arange(columns), np.arange(rows))
    margin = 1.6 / (UNIT * (scene.right[1] - scene.right[0]) / columns)
    for du, dv in ((0.5, 0.5), (margin, margin), (1 - margin, margin), (margin, 1 - margin), (1 - margin, 1 - margin)):
        at = np.stack([(u + du) / columns, (v + dv) / rows], -1)
        px = np.floor(pixel_of(at, (0, 1, 0, 1), scene.right)).astype(int)
        seen = shot.frame[px[..., 1], px[..., 0]].astype(int)
        wrong = np.abs(seen - wanted).sum(-1) > 6
        wrong[0] = wrong[-1] = False  # the panel's round corners, and its hairline
        wrong[:, 0] = wrong[:, -1] = False
        assert not wrong.any(), f"{wrong.sum()} cells differ at ({du:.2f}, {dv:.2f})"


@pytest.fixture(scope="module")
def filled(shoot):
    """The histogram when its dots have become bins, and at its end."""
    return shoot({"acts": ["histogram"], "bins": 64, "histogram_seconds": 3.0}, "histogram", [2.5, 3.5])


def test_bins_hold_what_was_counted(filled, recordings):
    check_histogram(filled[1], recordings["chain"]["x"][1:, 0])


def test_bins_half_way_hold_as_many_states_as_the_number_beside_them_says(filled, recordings):
    (shown,), x = filled[0].numbers, recordings["chain"]["x"][:, 0]
    assert 250 < shown < 500
    check_histogram(filled[0], x[1 : shown + 1])
    for off in (-1, 1):
        with pytest.raises(AssertionError):
            check_histogram(filled[0], x[1 + off : shown + 1 + off])


@pytest.mark.parametrize("shift", [(3, 0), (0, 3), (-3, 0), (0, -3)])
def test_a_histogram_three_pixels_off_is_found_out(filled, recordings, shift):
    moved = SimpleNamespace(**vars(filled[1]) | {"frame": np.roll(filled[1].frame, shift, (0, 1))})
    with pytest.raises(AssertionError):
        check_histogram(moved, recordings["chain"]["x"][1:, 0])


@pytest.mark.parametrize("part", [slice(0, -1), slice(2, None)])
def test_a_histogram_of_other_states_is_found_out(filled, recordings, part):
    with pytest.raises(AssertionError):
        check_histogram(filled[1], recordings["chain"]["x"][part, 0])


def test_the_falling_distance_is_that_of_the_bins_to_the_density(filled, recordings):
    scene, x = filled[1].scene, recordings["chain"]["x"][:, 0]
    x0, x1, y0, y1 = scene.density.extent
    bins = round(16 * (y1 - y0) / (x1 - x0)), 16
    gx, gy = recordings["chain"]["density_x"], recordings["chain"]["density_y"]
    fine = [np.linspace(low, high, 601)[:-1] + (high - low) / 1200 for low, high in ((x0, x1), (y0, y1))]
    density = RegularGridInterpolator((gy, gx), recordings["chain"]["density"][0])
    at = np.stack(np.meshgrid(fine[1], fine[0], indexing="ij"), -1)
    edges = bins, ((y0, y1), (x0, x1))
    mass, _, _ = np.histogram2d(*at.reshape(-1, 2).T, *edges, weights=density(at).ravel())
    mass *= (x1 - x0) * (y1 - y0) / 600**2
    for step in (40, 500):
        counts, _, _ = np.histogram2d(x[1 : step + 1, 1], x[1 : step + 1, 0], *edges)
        wanted = 0.5 * (abs(counts / step - mass).sum() + abs(counts.sum() / step - mass.sum()))
        measured = scene.distance.values[list(scene.distance.steps).index(step)]
        assert measured == pytest.approx(wanted, abs=2e-3)
        assert abs(scene.distance.value(step // 2) - wanted) > 2e-3  # that of other states is another


# ---- many chains -----------------------------------------------------------------------------------------------------
def mode_of(x):
    """Which of the three Gaussians is the most probable at each of (N, 2) points: the basin it lies in."""
    return np.argmin(((x[:, None] - MEANS) ** 2).sum(-1), 1)


def check_chains(frame, x, starts, scene, rect):
    """Every chain is drawn where it is, in one colour for each mode at which it began."""
    points = pixel_of(x, scene.density.box, rect)
    (left, top), (right, bottom) = (pixel_of((u, v), (0, 1, 0, 1), rect) for u, v in ((0, 1), (1, 0)))
    shown = ((points > (left + 6, top + 6)) & (points < (right - 6, bottom - 6))).all(1)
    apart = np.hypot(*(points[:, None] - points).T) + 99 * np.eye(len(points))
    inside = shown & (apart.min(0) > 0.09 * UNIT)  # a later point and its ring may lie on an earlier one
    assert inside.sum() > len(points) / 2
    px = np.floor(points[inside]).astype(int)
    seen = frame[px[:, 1], px[:, 0]].astype(int)
    modes = mode_of(starts)[inside]
    ways = [np.median(seen[modes == k], axis=0) for k in range(3)]
    assert all(np.abs(a - b).sum() > 60 for a, b in combinations(ways, 2))
    right_color = [np.abs(color - ways[mode]).sum() < 40 for color, mode in zip(seen, modes, strict=True)]
    assert np.mean(right_color) > 0.97  # one that starts on the border of two basins may be of either


def bodies(shot, place):
    """The texts that stand in a place of the scene."""
    return [part.body for mob in shot.scene.places[place] for part in mob.get_family() if isinstance(part, Typeset)]


def test_beside_the_chart_stands_what_the_chain_is_worth_and_then_how_far_it_is_biased(play, shoot, recordings):
    options = {"acts": ["histogram"], "histogram_seconds": 3.0}
    (shot,) = shoot(options, "histogram", [7.0])
    x = recordings["chain"]["x"][1:, 0]
    own = mixing(x)
    said = bodies(shot, "curve")
    figures = f"{rounded(own.steps):,} ± {rounded(own.error, 1):,}"
    assert sum(figures in body for body in said) == 2  # in the chart, and beside it
    assert not any(f"{rounded(2 * own.steps):,} ±" in body for body in said)
    (curve,) = (mob for mob in shot.scene.places["curve"] if isinstance(mob, Curve))
    wanted = np.interp(curve.x, np.arange(len(own.correlation)), own.correlation)
    assert np.allclose(curve.y, wanted)
    area = 2 * np.trapezoid(own.correlation[: int(5 * own.steps) + 1])
    assert own.steps == pytest.approx(area, rel=0.05)
    assert not np.allclose(curve.y, mixing(x[::2]).correlation[: len(curve.y)])


def told_of(cinema, x, recordings):
    """The scene after the histogram of a chain of other states (T + 1, 1, 2)."""
    run = recordings["chain"]
    moved = {"x": x, "noise": np.diff(x, axis=0) - run["drift"]}
    chain = Trajectory(run.file.with_name("other"), run.meta, run.arrays | moved)
    show = cinema("langevin", chain=chain)
    show.play((), acts=["histogram"], histogram_seconds=1.0)
    return show.scene


def test_a_bias_is_told_only_of_a_chain_long_enough_to_tell_it_and_then_as_large_as_it_is(cinema, recordings):
    run = recordings["chain"]
    scene = told_of(cinema, run["x"], recordings)
    own = mixing(run["x"][1:, 0])
    assert scene.too_short(run) == (
        None if run.steps >= 100 * own.steps else ("short", (run.steps, rounded(own.steps)))
    )
    modes, rng = scene.basins.modes, np.random.default_rng(4)
    of_mass = rng.choice(len(modes), run.steps + 1, p=scene.basins.masses)
    width = scene.basins.spreads[of_mass, None]
    x = (scene.basins.means[of_mass] + 1.3 * width * rng.standard_normal((run.steps + 1, 2)))[:, None]
    wide = told_of(cinema, x, recordings)
    bias, (said,) = spread_bias(wide.basins, x[1:, 0]), bodies(SimpleNamespace(scene=wide), "key")
    assert f"{bias.percent:.1f} ± {bias.error:.1f} % too wide" in said
    assert wide.found is not None
    one = (modes[0] + 0.1 * rng.standard_normal((run.steps + 1, 2)))[:, None]
    stuck = told_of(cinema, one, recordings)
    assert stuck.found is None
    assert f"1 of {len(modes)} modes" in bodies(SimpleNamespace(scene=stuck), "key")[0]
    stuck.basins.masses = np.where(np.arange(len(modes)) > 0, 1e-4, 1.0)  # the others are nowhere to be
    assert stuck.visited(stuck.run) == (1, 1)
    slow = np.repeat(x[: len(x) // 50 + 1], 50, axis=0)[: len(x)]
    assert "too few" in bodies(SimpleNamespace(scene=told_of(cinema, slow, recordings)), "key")[0]


@pytest.mark.parametrize(("leapfrogs", "told"), [(None, True), (6, False)])
def test_paths_of_hmc_do_not_end_where_a_mode_has_turned_them_round(leapfrogs, told):
    """The angle by which leapfrog steps turn a path in a Gaussian of width s: cos θ = 1 − (h/s)²/2 each."""
    paths = sys.modules[frames.load_scene(SCENE, "Langevin").__module__].LONG_PATHS
    size, count = paths["sampler.step_size"], leapfrogs or paths["sampler.leapfrogs"]
    angles = [count * np.arccos(1 - (size / width) ** 2 / 2) for width in (0.38, 0.29)]  # of smiley's eyes and nose
    assert all(abs(np.sin(angles)) > 0.5) is told


@pytest.fixture(scope="module")
def crowds(shoot):
    """All chains with noise and without, when they have stopped, before they are counted; and counted."""
    return shoot({"acts": ["still"], "still_seconds": 1.0}, "still", [1.0, 4.5])


def test_chains_are_where_they_were_recorded_in_the_colour_of_where_they_began(crowds, recordings):
    shot, noisy = crowds[0], recordings["many"]["x"]
    check_chains(shot.frame, noisy[-1], noisy[0], shot.scene, shot.scene.left)
    for spoilt in (noisy[-2], noisy[-1] + 0.06):
        with pytest.raises(AssertionError):
            check_chains(shot.frame, spoilt, noisy[0], shot.scene, shot.scene.left)
    with pytest.raises(AssertionError):
        check_chains(shot.frame, noisy[-1], noisy[0][::-1], shot.scene, shot.scene.left)


def spread(points):
    """Standard deviation of points (N, 2) per axis."""
    return float(np.sqrt(points.var(0).mean()))


def test_labels_say_which_share_of_the_chains_ended_at_each_mode_and_how_far_spread(crowds, recordings):
    scene = crowds[1].scene
    order = mode_of(scene.basins.modes)
    for tally, run in zip(scene.tallies, (recordings["many"], recordings["still"]), strict=True):
        ends = np.asarray(run["x"][-1], float)
        counts = np.bincount(mode_of(ends), minlength=3)
        assert abs(tally.counts - counts[order]).max() <= (0 if run is recordings["still"] else 2)
        assert scene.basins.masses == pytest.approx([1 / 3] * 3, abs=0.01)
        said = {part.body for part in tally.get_family() if isinstance(part, Typeset)}
        assert sum(tally.shares) == sum(tally.true_shares) == 100
        assert np.abs(np.array(tally.shares) - 100 * tally.counts / tally.counts.sum()).max() < 1
        for share, far in zip(tally.shares, tally.spreads, strict=True):
            assert any(f"{share}\\%" in body and "(" not in body for body in said)
            assert not any(f"{share + 34}\\%" in body for body in said)
            assert any(f"{far:.2f}" in body for body in said)
        own = scene.basins.of(ends)
        assert tally.spreads == pytest.approx([spread(ends[own == k]) for k in range(3)], abs=1e-6)
        true = [any(f"({true:.2f})" in body for body in said) for true in scene.basins.spreads]
        assert all(true) if run is recordings["many"] else not any(true), "what is true stands once"


def test_chains_without_noise_have_no_spread_and_stand_as_dots_in_ellipses_of_the_density(crowds):
    noisy, still = crowds[1].scene.tallies
    true = crowds[1].scene.basins.spreads
    assert (still.spreads < 0.02 * true).all()
    assert (np.abs(noisy.spreads / true - 1) < 0.4).all()
    assert still.dots.all()
    assert not noisy.dots.any()


def test_spreads_of_basins_are_those_of_the_density():
    """Two round normal distributions of known width, cut where they do not reach."""
    side = np.linspace(-6, 6, 241)
    x, y = np.meshgrid(side, side)
    widths, middles = (0.5, 0.8), (-3.0, 3.0)
    density = sum(np.exp(-((x - m) ** 2 + y**2) / (2 * w * w)) / (w * w) for w, m in zip(widths, middles, strict=True))
    basins = Basins(density, (-6, 6, -6, 6))
    order = np.argsort(basins.modes[:, 0])
    assert basins.spreads[order] == pytest.approx(widths, rel=0.01)
    assert basins.means[order][:, 0] == pytest.approx(middles, abs=0.01)
    assert np.isnan(basins.moments_of(np.array([[-3.0, 0.0], [-3.0, 1.0]]))[0][order[1]]).all()


def test_the_error_of_spreads_is_that_of_many_samples_drawn_anew():
    grid = np.stack(np.meshgrid(np.linspace(-6, 6, 121), np.linspace(-6, 6, 121)), -1)
    basins, rng = Basins(np.exp(-np.square(grid).sum(-1) / 2), (-6, 6, -6, 6)), np.random.default_rng(0)
    draws = rng.standard_normal((200, 100, 2))
    spreads = [float(np.sqrt(np.trace(basins.moments_of(xy)[1][0]) / 2)) for xy in draws]
    errors = [basins.spread_error(xy) for xy in draws]
    assert np.mean(errors) == pytest.approx(np.std(spreads), rel=0.15)
    assert np.mean(errors) != pytest.approx(np.std(spreads) / np.sqrt(2), rel=0.15), "the control"
    assert basins.spread_error(draws[0, :1]) == 0.0, "of one point nothing is known"


def test_under_each_panel_stands_how_far_its_chains_have_stayed_from_the_density(crowds, recordings):
    scene = crowds[1].scene
    said = [part.body for mob in scene.places["key"] for part in mob.get_family() if isinstance(part, Typeset)]
    ends = [float(recordings[name]["metric_sliced_wasserstein"][-1]) for name in ("many", "still")]
    assert len(said) == 2
    for body, end, other in zip(said, ends, reversed(ends), strict=True):
        assert f"{end:.3f}" in body or f"{end:.2f}" in body
        assert f"{other:.3f}" not in body
    low, high = apart_by_chance(scene.density, 80)
    assert 0 < low < high
    assert all(f"{low:.3f}–{high:.3f}" in body or f"{low:.2f}–{high:.2f}" in body for body in said)


def test_an_act_that_begins_late_in_a_run_never_says_its_first_step(shoot):
    (shot,) = shoot({"acts": ["zoom"], "slow_steps": 2}, "zoom", [0.0])
    assert shot.scene.first > 0
    assert int(shot.scene.clocks[-1].step) >= int(shot.scene.first) - 2


def test_the_wasserstein_curve_is_the_recorded_one_over_its_floor(shoot, recordings):
    (shot,) = shoot({"acts": ["many"], "many_seconds": 1.0}, "many", [0.5])
    scene, recorded = shot.scene, recordings["many"]["metric_sliced_wasserstein"]
    assert scene.distance.values == pytest.approx(recorded)
    step = scene.clocks[-1].step
    assert scene.distance.text.value == pytest.approx(recorded[int(step)])
    assert scene.distance.text.value != pytest.approx(recorded[int(step) + 3])


# ---- the hill --------------------------------------------------------------------------------------------------------
def test_the_ball_climbs_where_the_chain_without_noise_was_recorded(shoot, recordings):
    shots = shoot({"acts": ["hill"], "hill_seconds": 4.0}, "hill", [0.5, 1.9])
    land = shots[1].land
    first, last = (shot.ball for shot in shots)
    x = recordings["still"]["x"]
    chain = int(np.argmin(np.linalg.norm(x[-1] - last, axis=1)))
    ends = np.linalg.norm(x[-1] - last, axis=1) < 0.05
    assert 0 < ends.sum() < len(ends)
    assert land.height(last) > land.height(first) + 0.05
    between = [np.linalg.norm(x[:, k] - first, axis=1).min() for k in np.flatnonzero(ends)]
    assert min(between) < 0.12
    assert np.linalg.norm(x[:, chain] - (np.array(first) + 1.0), axis=1).min() > 0.12


def test_with_noise_it_goes_on_from_where_the_ball_was_let_go(play, recordings):
    play({"acts": ["hill", "chain", "zoom", "many"], "speed": 4}, ())
    scene = play.scene
    noisy, chain = scene.same_start(), scene.climb.chain
    assert noisy is not None
    assert noisy["x"][0, chain] == pytest.approx(scene.climb.x[0])
    assert noisy["x"][0, chain - 1] != pytest.approx(scene.climb.x[0])
    assert scene.climb.x[-1] == pytest.approx(recordings["still"]["x"][-1, chain], abs=0.05)
    assert noisy["x"][40, chain] != pytest.approx(scene.climb.x[-1], abs=0.05)
    top = np.asarray(scene.climb.x[-1], float)
    assert scene.far_from_top(top + SPREAD * np.array([[5.0, 0.0], [0.2, 0.0]])).tolist() == [True, False]
    assert np.array_equal(scene.looked["x"][:, 0], noisy["x"][:, chain]), "the same chain comes under the magnifier"
    assert scene.looked.chains == 1
    assert scene.now == SEEN_AT_ONCE, "the longer chain does not begin on an empty panel"
    assert scene.looked["drift"].shape == (noisy.steps, 1, 2)
    scene.climb = None  # the ball was not shown
    assert scene.same_start() is None


# ---- what every film of it holds to ----------------------------------------------------------------------------------
BRISK = {"speed": 2, "slow_steps": 2, "histogram_seconds": 6, "many_seconds": 6, "still_seconds": 6}


@pytest.fixture(scope="module")
def film(play):
    """All acts in small, five frames a second of what is shown."""
    return play(BRISK, every(2), (427, 240)), play.scene


def dead_windows(shots, scene, seconds, spared):
    """Starts of spans of so many seconds in which nothing changes, but for the declared holds."""
    moved = np.array([np.abs(a.frame.astype(int) - b.frame).mean() for a, b in pairwise(shots)])
    step = 2 / FPS
    held = [any(a <= k * step < a + long + 0.4 for a, long in spared) for k in range(len(moved))]
    lively = (moved > 0.002) | np.array(held)
    span = round(seconds / step)
    return [k * step for k in range(len(lively) - span) if not lively[k : k + span].any()]


def test_no_second_and_a_half_passes_in_which_nothing_happens(film):
    shots, scene = film
    spared = [(0.0, scene.options.pause), *scene.holds, (scene.time - 3.0, 3.0)]
    assert dead_windows(shots, scene, 1.5, spared) == []
    frozen = shots[:90] + [shots[90]] * 10 + shots[90:]
    assert dead_windows(frozen, scene, 1.5, spared) != []


def test_the_first_frame_is_a_whole_picture(film):
    shots, _ = film
    parts = [shots[0].frame[: 40 * 240 // 240, :], shots[0].frame[60:180, :200], shots[0].frame[60:180, 220:]]
    assert all(np.ptp(part.astype(int).sum(-1)) > 300 for part in parts)
    assert not all(np.ptp(np.full_like(part, 20)) > 300 for part in parts)


def test_the_film_does_not_snow(film):
    shots, _ = film
    moved = [np.abs(a.frame.astype(int) - b.frame).mean() for a, b in pairwise(shots)]
    assert np.quantile(moved, 0.9) < 6
    rng = np.random.default_rng(0)
    snow = [np.abs(rng.integers(0, 255, (240, 427, 3)) - rng.integers(0, 255, (240, 427, 3))).mean() for _ in range(3)]
    assert min(snow) > 6


@pytest.mark.parametrize("look", ["dark", "light"])
def test_colours_of_basins_can_be_told_from_the_panel(look):
    colors = category_colors(theme(look), 7)
    assert min(contrast(color, theme(look).panel) for color in colors) >= 3.0
    assert look == "dark" or min(contrast(color, theme(look).panel) for color in theme(look).categories) < 3.0


# ---- every frame can be read -----------------------------------------------------------------------------------------
def every(frame_count):
    """Windows on every so many-th frame, however many there are."""
    return ((k, k + 1) for k in count(frame_count // 2, frame_count))


@pytest.mark.parametrize(
    ("size", "look"),
    [
        ((480, 270), "dark"),
        ((270, 480), "light"),
        ((270, 270), "dark"),
        pytest.param((360, 270), "light", marks=pytest.mark.slow),
        ((480, 270), "dark_ja"),
        pytest.param((270, 480), "light_de", marks=pytest.mark.slow),
    ],
)
def test_no_text_overlaps_or_leaves_the_frame_in_any_act(play, size, look):
    shots = play(BRISK, every(16), size, look)
    assert len(shots) > 12
    assert [fault for shot in shots for fault in shot.faults] == []
    title = next(text for text in texts(play.scene.mobjects) if text.em > 0.45)
    assert ("ランジュバン" in title.body) == look.endswith("_ja")
    assert play.language.unsaid <= {"ula", "gradient"}  # names of recordings without a title


@pytest.mark.parametrize("acts", [["hill"], ["chain"], ["histogram"], ["many"], ["still", "zoom", "many"]])
def test_acts_stand_alone(play, acts):
    shots = play({"acts": acts, "speed": 8, "slow_steps": 1}, every(7), (213, 120))
    assert [fault for shot in shots for fault in shot.faults] == []
    assert np.ptp(shots[-2].frame) > 200


def test_a_duration_is_that_of_all_acts_together(play):
    for seconds in (4.0, 8.0):
        play({"acts": ["chain", "many"], "duration": seconds}, ())
        scene = play.scene
        moved = [clock for clock in scene.shown if clock["timeline"] in ("quadratic", "slow, then faster")]
        assert len(moved) == 2
        assert sum(scene.lasts.values()) == pytest.approx(seconds)


def test_a_frame_is_the_same_played_and_sought(cinema, recordings):
    assert cinema("langevin", **recordings).unlike_when_sought(11, speed=2) == []
