"""The langevin scene read back: what is on its frames is what was recorded, to the pixel and to the step.

Every check is made twice: on the frame, and on the frame shifted by three pixels or against the recording shifted by
one step, where it must fail.
"""

from itertools import count
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from diffrender.animation.layout.checks import faults, texts
from diffrender.animation.parts.zoom.pacing import SLOW, STAGES
from diffrender.animation.text.numbers import Number
from diffrender.animation.theme import srgb, theme
from diffrender.trajectory.reader import Trajectory, TrajectoryWriter
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
    with TrajectoryWriter(path, {"kind": "langevin", "seed": seed, "sampler": {"name": name}}) as writer:
        for key, values in rows.items():
            writer.add(key, np.array(values))
        writer.add("time", TAU * np.arange(steps + 1.0))
        for key, values in (("density", density[None]), ("density_x", gx), ("density_y", gy)):
            writer.add(key, values.astype(np.float32))
        writer.add("density_time", np.zeros(1))
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
        shots = []

        def make(renderer):
            run.scene = langevin(trajectories=recordings, options=options, theme=look, renderer=renderer)
            return run.scene

        def keep(pixels, repeat):
            scene = run.scene
            shot = SimpleNamespace(
                frame=pixels[..., :3].copy(), scene=scene, faults=faults(scene.mobjects, scene.page.frame)
            )
            if hasattr(scene, "glass"):
                shot.box = scene.glass.view.heat.box
            shot.numbers = [mob.value for mob in texts(scene.places.get("name", [])) if isinstance(mob, Number)]
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


def check_step(frame, shot, run, step):
    """Dot and three arrows of one recorded step."""
    box, rect = shot.box, shot.scene.right
    x, drift, noise = run.x[step, 0], run.drift[step, 0], run.noise[step, 0]
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
BINS = 16


def check_histogram(frame, scene, states):
    """Every cell has exactly the colour of the number of states that fell into it."""
    columns, rows = scene.cells.columns, scene.cells.rows
    x0, x1, y0, y1 = scene.density.box
    counts, _, _ = np.histogram2d(states[:, 1], states[:, 0], (rows, columns), ((y0, y1), (x0, x1)))
    density = counts / len(states) / ((x1 - x0) / columns * (y1 - y0) / rows)
    shade = np.rint(np.clip(density / scene.density.high, 0, 1) ** 0.7 * 255).astype(int)
    wanted = LOOK.table("density")[shade].astype(int)
    # five points of each cell, near its corners too, so that a shift of the grid shows
    u, v = np.meshgrid(np.arange(columns), np.arange(rows))
    margin = 1.6 / (UNIT * (scene.right[1] - scene.right[0]) / columns)
    for du, dv in ((0.5, 0.5), (margin, margin), (1 - margin, margin), (margin, 1 - margin), (1 - margin, 1 - margin)):
        cells = np.stack([(u + du) / columns, (v + dv) / rows], -1)
        px = np.floor(pixel_of(cells, (0, 1, 0, 1), scene.right)).astype(int)
        seen = frame[px[..., 1], px[..., 0]].astype(int)
        wrong = np.abs(seen - wanted).sum(-1) > 6
        wrong[0, [0, -1]] = wrong[-1, [0, -1]] = False  # the panel's round corners
        wrong[0] = wrong[-1] = False  # and its hairline
        wrong[:, 0] = wrong[:, -1] = False
        assert not wrong.any(), f"{wrong.sum()} cells differ at ({du:.2f}, {dv:.2f})"


@pytest.fixture(scope="module")
def filled(shoot):
    """The histogram half way, and at its end."""
    return shoot({"acts": ["histogram"], "bins": BINS, "histogram_seconds": 3.0}, "histogram", [1.5, 3.5])


def test_bins_hold_what_was_counted(filled, recordings):
    check_histogram(filled[1].frame, filled[1].scene, recordings["chain"].x[1:, 0])


def test_bins_half_way_hold_as_many_states_as_the_number_beside_them_says(filled, recordings):
    (shown,), x = filled[0].numbers, recordings["chain"].x[:, 0]
    assert 100 < shown < 400
    check_histogram(filled[0].frame, filled[0].scene, x[1 : shown + 1])
    for off in (-1, 1):
        with pytest.raises(AssertionError):
            check_histogram(filled[0].frame, filled[0].scene, x[1 + off : shown + 1 + off])


@pytest.mark.parametrize("shift", [(3, 0), (0, 3), (-3, 0), (0, -3)])
def test_a_histogram_three_pixels_off_is_found_out(filled, recordings, shift):
    with pytest.raises(AssertionError):
        check_histogram(np.roll(filled[1].frame, shift, (0, 1)), filled[1].scene, recordings["chain"].x[1:, 0])


@pytest.mark.parametrize("part", [slice(0, -1), slice(2, None)])
def test_a_histogram_of_other_states_is_found_out(filled, recordings, part):
    with pytest.raises(AssertionError):
        check_histogram(filled[1].frame, filled[1].scene, recordings["chain"].x[part, 0])


# ---- many chains -----------------------------------------------------------------------------------------------------
def check_chains(frame, x, box, rect):
    """Every chain is drawn where it is, and nothing is drawn where none is."""
    mask = coloured(frame, LOOK.chain, rect, tolerance=90)
    points = pixel_of(x, box, rect)
    (left, top), (right, bottom) = (pixel_of((u, v), (0, 1, 0, 1), rect) for u, v in ((0, 1), (1, 0)))
    shown = ((points > (left + 6, top + 6)) & (points < (right - 6, bottom - 6))).all(1)
    apart = np.hypot(*(points[:, None] - points).T) + 99 * np.eye(len(points))
    inside = points[shown & (apart.min(0) > 0.08 * UNIT)]  # a later point and its ring may lie on an earlier one
    assert len(inside) > len(points) / 2
    assert mask[np.floor(inside[:, 1]).astype(int), np.floor(inside[:, 0]).astype(int)].all()
    y, x_ = np.nonzero(mask)
    away = np.hypot(x_[:, None] + 0.5 - points[:, 0], y[:, None] + 0.5 - points[:, 1]).min(1)
    assert away.max() < 0.038 * UNIT + 1.2


def test_chains_with_and_without_noise_are_where_they_were_recorded(shoot, recordings):
    options = {"acts": ["still"], "still_seconds": 1.0}
    (shot,) = shoot(options, "still", [1.5])
    frame, box = shot.frame, shot.scene.density.box
    left, right = shot.scene.left, shot.scene.right
    noisy, last = recordings["many"].x, recordings["still"].x[-1]
    check_chains(frame, noisy[-1], box, left)
    modes = pixel_of(last, box, right).astype(int)
    assert coloured(frame, LOOK.chain, right, 90)[modes[:, 1], modes[:, 0]].mean() > 0.95
    with pytest.raises(AssertionError):
        check_chains(frame, noisy[-2], box, left)
    with pytest.raises(AssertionError):
        check_chains(np.roll(frame, 3, 1), noisy[-1], box, left)


# ---- every frame can be read -----------------------------------------------------------------------------------------
def every(frame_count):
    """Windows on every so many-th frame, however many there are."""
    return ((k, k + 1) for k in count(frame_count // 2, frame_count))


@pytest.mark.parametrize(("size", "look"), [((480, 270), "dark"), ((270, 480), "light"), ((270, 270), "dark")])
def test_no_text_overlaps_or_leaves_the_frame_in_any_act(play, size, look):
    options = {"speed": 2, "slow_steps": 2, "histogram_seconds": 3, "many_seconds": 2, "still_seconds": 2}
    shots = play(options, every(16), size, look)
    assert len(shots) > 12
    assert [fault for shot in shots for fault in shot.faults] == []


@pytest.mark.parametrize("acts", [["chain"], ["histogram"], ["many"], ["zoom", "many"]])
def test_acts_stand_alone(play, acts):
    shots = play({"acts": acts, "speed": 8, "slow_steps": 1}, every(7), (213, 120))
    assert [fault for shot in shots for fault in shot.faults] == []
    assert np.ptp(shots[-2].frame) > 200


def test_a_frame_is_the_same_played_and_sought(cinema, recordings):
    assert cinema("langevin", **recordings).unlike_when_sought(11, speed=2) == []
