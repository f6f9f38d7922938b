"""The denoise scene read back: every point of the cloud is where its x projects to, in the plane and in space."""

from __future__ import annotations

import math

import numpy as np
import pytest

from diffrender.animation.timeline import log_snr

SECONDS, CHAINS, STEPS = 2.0, 60, 12
COURSE = (0.35, 0.75)
SAMPLER = {"kind": "ddim", "steps": STEPS, "chains": CHAINS}
SHIFTS = [(3, 0), (0, 3), (-3, 0), (0, -3)]


def steps_at(run):
    """The step that each part of the clip must show: the nearest, at constant speed in log-SNR."""
    return [int(log_snr(run["alpha"], run["sigma"]).step(u)) for u in COURSE]


# ---- in the plane ----------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def run(recorded):
    return recorded("spiral", sampler=SAMPLER)


@pytest.fixture(scope="module")
def shots(cinema, run):
    return cinema("denoise", run=run).at(*(u * SECONDS for u in COURSE), duration=SECONDS)


def check(read, shot, frame, x):
    cloud = shot.rasters["PointCloud"][-1]
    warm = read.warmth(frame) > 0.45 * 0.8 * read.warmth(read.rgb(read.LOOK.samples))
    read.check_points(warm, read.laid(x, cloud), cloud.radius[0] * read.UNIT, read.window(cloud, 0))


def test_every_point_is_where_it_was_recorded_and_nothing_is_drawn_elsewhere(read, shots, run):
    for shot, step in zip(shots, steps_at(run), strict=True):
        check(read, shot, shot.frame, run["x"][step])


@pytest.mark.parametrize("shift", SHIFTS)
def test_points_three_pixels_off_are_found_out(read, shots, run, shift):
    for shot, step in zip(shots, steps_at(run), strict=True):
        with pytest.raises(AssertionError):
            check(read, shot, np.roll(shot.frame, shift, (0, 1)), run["x"][step])


@pytest.mark.parametrize("off", [-1, 1])
def test_points_of_the_step_before_or_after_are_found_out(read, shots, run, off):
    for shot, step in zip(shots, steps_at(run), strict=True):
        with pytest.raises(AssertionError):
            check(read, shot, shot.frame, run["x"][step + off])


def test_a_missing_point_and_one_too_many_are_found_out(read, shots, run):
    x = run["x"][steps_at(run)[0]]
    with pytest.raises(AssertionError, match="missing"):
        check(read, shots[0], shots[0].frame, [*x, [1.9, 1.4]])
    with pytest.raises(AssertionError, match="no point"):
        check(read, shots[0], shots[0].frame, x[1:])


def test_the_target_lies_under_the_cloud(read, shots, run):
    shot, step = shots[-1], steps_at(run)[-1]
    cloud, data = shot.rasters["PointCloud"][-1], read.laid(run["target"], shot.rasters["PointCloud"][0])
    away = np.hypot(*(data[:, None] - read.laid(run["x"][step], cloud)).T).min(0) > 0.07 * read.UNIT
    at = np.floor(data[away]).astype(int)
    blue = shot.frame[at[:, 1], at[:, 0]].astype(int) - read.rgb(read.LOOK.bg)
    assert away.sum() > 40
    assert (blue[:, 2] > blue[:, 0] + 15).all()


def test_slider_and_numbers_say_which_step_is_shown(read, cinema, run):
    film = cinema("denoise", run=run)
    (shot,) = film.at(COURSE[1] * SECONDS, duration=SECONDS)
    step = steps_at(run)[1]
    numbers = {mob.spec: mob.value for top in film.scene.mobjects for mob in top.get_family() if hasattr(mob, "spec")}
    assert numbers[".2f"] == pytest.approx(float(run["sigma"][step]))
    assert numbers[","] == step
    row = round(read.pixel_of((0, -3.02))[1])
    white = np.nonzero((shot.frame[row] > 200).all(-1))[0]
    left, right = (read.pixel_of((x, 0))[0] for x in (-6.51, 6.51))
    knob = (white.mean() + 0.5 - left) / (right - left) * STEPS
    assert knob == pytest.approx(step, abs=2 * STEPS / (right - left))


# ---- in space --------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def space(recorded):
    return recorded("torus", sampler=SAMPLER, record={"target_points": 0})


@pytest.fixture(scope="module")
def space_shots(cinema, space):
    return cinema("denoise", run=space).at(*(u * SECONDS for u in COURSE), duration=SECONDS, orbit=90)


def projected(orbit, xyz, theta):
    """(N, 2) and (N,): where points in space appear, and how large, the test's own way: the eye on a sphere."""
    toward = np.array([
        math.sin(orbit.phi) * math.cos(theta), math.sin(orbit.phi) * math.sin(theta), math.cos(orbit.phi)
    ])  # fmt: skip
    right = np.array([-math.sin(theta), math.cos(theta), 0.0])
    rest = np.asarray(xyz, float) - orbit.center
    distance = 1 / orbit.perspective
    size = orbit.zoom * distance / (distance - rest @ toward)
    return np.stack([rest @ right, rest @ np.cross(toward, right)], -1) * size[:, None], size


def check_space(read, shot, frame, xyz, u):
    cloud = shot.rasters["PointCloud3D"][-1]
    xy, size = projected(cloud.orbit, xyz, -1.05 + math.radians(90) * u)
    read.check_points(
        read.warmth(frame) > 24, read.laid(xy, cloud), cloud.radius[0] * size * read.UNIT, read.window(cloud, 0)
    )


def test_every_point_in_space_is_where_the_orbit_shows_it(read, space_shots, space):
    for shot, step, u in zip(space_shots, steps_at(space), COURSE, strict=True):
        check_space(read, shot, shot.frame, space["x"][step], u)


@pytest.mark.parametrize("off", [-1, 1])
def test_points_in_space_of_another_step_or_angle_are_found_out(read, space_shots, space, off):
    for shot, step, u in zip(space_shots, steps_at(space), COURSE, strict=True):
        with pytest.raises(AssertionError):
            check_space(read, shot, shot.frame, space["x"][step + off], u)
        with pytest.raises(AssertionError):
            check_space(read, shot, shot.frame, space["x"][step], u + off * 0.05)
        with pytest.raises(AssertionError):
            check_space(read, shot, np.roll(shot.frame, 3 * off, 1), space["x"][step], u)


def test_nearer_points_are_larger_and_clearer(read, space_shots, space):
    shot, step = space_shots[-1], steps_at(space)[-1]
    cloud = shot.rasters["PointCloud3D"][-1]
    xy, size = projected(cloud.orbit, space["x"][step], -1.05 + math.radians(90) * COURSE[-1])
    at = np.floor(read.laid(xy, cloud)).astype(int)
    clear = read.warmth(shot.frame)[at[:, 1], at[:, 0]]
    assert np.ptp(size) > 0.2
    far, near = np.array_split(clear[np.argsort(size)], 2)
    assert near.mean() > 1.15 * far.mean()


# ---- every frame can be read -----------------------------------------------------------------------------------------
def test_no_text_overlaps_or_leaves_the_frame(cinema, run, shape, look):
    assert cinema("denoise", run=run).layout(shape, look, duration=4, trails=5) == []
