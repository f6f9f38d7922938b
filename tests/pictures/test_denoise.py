"""The denoise scene read back: every point of the cloud is where its x projects to, in the plane and in space."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from diffrender.animation.mobjects.furniture.arrow import StepArrow
from diffrender.animation.mobjects.furniture.panels import Slider
from diffrender.animation.parts import distance_course
from diffrender.animation.parts.close_up import HOLD, INSIDE, SETTLING, STEP_SECONDS, ZOOM_SECONDS, close_ups, way_ahead
from diffrender.animation.parts.hero import Hero
from diffrender.animation.parts.hero_step import RIM, HeroStep
from diffrender.animation.text.typst import Typeset
from diffrender.animation.timeline import paced, settling
from diffrender.trajectory.distance import judged_distance, shape_step
from diffrender.trajectory.reader import Trajectory

SECONDS, CHAINS, STEPS = 2.0, 60, 12
COURSE = (0.35, 0.75)
REWIND = 1.5 + 0.5 + 0.6 + 0.3  # seconds: back to the noise, which stands alone for a while
PLAIN = {"duration": SECONDS, "slow_steps": 0, "hero": False}
SAMPLER = {"kind": "ddim", "steps": STEPS, "chains": CHAINS}
SHIFTS = [(3, 0), (0, 3), (-3, 0), (0, -3)]


def steps_at(run):
    """The step that each part of the clip must show: the nearest, at the pace of the cloud's change."""
    return [int(paced(run.states).step(u)) for u in COURSE]


# ---- in the plane ----------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def run(recorded):
    return recorded("spiral", sampler=SAMPLER)


@pytest.fixture(scope="module")
def shots(cinema, run):
    return cinema("denoise", run=run).at(*(REWIND + u * SECONDS for u in COURSE), **PLAIN)


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


def test_slider_and_numbers_say_which_step_is_shown(read, cinema, run):
    film = cinema("denoise", run=run)
    (shot,) = film.at(REWIND + COURSE[1] * SECONDS, **PLAIN)
    step = steps_at(run)[1]
    figures = [m for top in film.scene.mobjects for m in top.get_family() if hasattr(m, "spec")]
    sigma, far = (m.value for m in figures if m.spec == ".3f")
    assert sigma == pytest.approx(float(run["sigma"][step]))
    assert far == pytest.approx(judged_distance(run, run["x"][step]).far)
    assert far != pytest.approx(judged_distance(run, run["x"][step - 1]).far, rel=1e-3), "the control"
    assert {m.value for m in figures if m.spec == ","} == {STEPS - step, step}, "t of the equation, and steps made"
    slider = next(m for m in film.scene.mobjects if isinstance(m, Slider))
    left, row = (round(v) for v in read.pixel_of((slider.x0, slider.y)))
    right = round(read.pixel_of((slider.x1, 0))[0])
    around = slice(left - 25, right + 25)
    white = np.nonzero((shot.frame[row, around] > 200).all(-1))[0] + around.start
    knob = (white.mean() + 0.5 - left) / (right - left) * STEPS
    assert knob == pytest.approx(step, abs=2 * STEPS / (right - left))


def test_the_first_frame_is_the_whole_result(read, cinema, run):
    first, later = cinema("denoise", run=run).play([(0, 1), (8, 9)], **PLAIN)
    check(read, first, first.frame, run["x"][-1])
    assert np.array_equal(first.frame, later.frame)
    with pytest.raises(AssertionError):
        check(read, first, np.zeros_like(first.frame), run["x"][-1])  # an empty frame is found out


def test_pure_noise_stands_before_the_run_begins(cinema, run):
    film = cinema("denoise", run=run)
    for time, alone in ((1.5 + 0.9, True), (REWIND + 0.2 * SECONDS, False)):
        film.at(time, **PLAIN)
        said = [getattr(m, "body", "") for top in film.scene.mobjects for m in top.get_family()]
        assert any("pure noise" in text for text in said) == alone
        assert (film.scene.clocks[0].step == 0) == alone


# ---- what the denoiser predicts, and one step of one point -----------------------------------------------------------
@pytest.fixture(scope="module")
def whole(recorded):
    sampler = {"kind": "ddpm", "steps": STEPS, "chains": CHAINS}
    return recorded("spiral", sampler=sampler, record={"keep": ["x0", "drift", "noise"]})


def test_the_prediction_of_every_point_is_where_it_was_recorded(read, cinema, whole):
    (shot,) = cinema("denoise", run=whole).at(REWIND + 0.75 * SECONDS, **PLAIN)
    shaped, timeline = shape_step(whole), paced(whole.states, whole["x0"])
    step = int((timeline if shaped is None else settling(timeline, shaped, SETTLING)).step(0.75))
    guess = shot.rasters["PointCloud"][0]
    seen = []
    for x0 in (whole["x0"][step], whole["x0"][step - 1]):
        at = np.floor(read.laid(x0, guess)).astype(int)
        blue = shot.frame[at[:, 1], at[:, 0]].astype(int) - read.rgb(read.LOOK.bg)
        warm = read.warmth(shot.frame)[at[:, 1], at[:, 0]] > 40  # a sample lies over it
        seen.append(((blue[:, 2] > 60) | warm).mean())
    assert seen[0] == 1.0
    assert seen[1] < 0.9  # predictions of another step are found out


def test_the_arrows_of_a_slow_step_end_where_the_recorded_parts_do(read, cinema, whole):
    film = cinema("denoise", run=whole)
    film.at(0.0, duration=SECONDS, slow_steps=1)
    timeline = film.scene.clocks[0].timeline
    for first in range(whole.steps):  # where the step that is taken apart is, that many seconds later arrows are grown
        before = REWIND + 0.5 + 2 * timeline.course(first)
        film.at(before + ZOOM_SECONDS + 0.7 * STEP_SECONDS + 0.5 * HOLD[False], duration=SECONDS, slow_steps=1)
        said = [getattr(m, "body", "") for top in film.scene.mobjects for m in top.get_family()]
        if any(f"$t =$ {STEPS - first} to {STEPS - first - 1}" in text for text in said):
            break
    arrows = [m for top in film.scene.mobjects for m in top.get_family() if isinstance(m, StepArrow) and m.z_index]
    hero, step = film.scene.views[0].made[-1], int(film.scene.clocks[0].step)
    chain = int(np.argmin(np.abs(whole["x"][step] - hero.xy[0]).sum(1)))
    x, x0, drift, noise = (np.asarray(whole[key][step, chain], float) for key in ("x", "x0", "drift", "noise"))
    expected = [(x, x0), (x, x + drift), (x + drift, x + drift + noise)]
    shown = [(arrow.start[:2], arrow.end[:2]) for arrow in arrows]

    def laid(point):
        (x0, x1, y0, y1), (a, c), (b, d) = hero.box, hero.points[0, :2], hero.points[3, :2]
        return a + (point[0] - x0) / (x1 - x0) * (b - a), c + (point[1] - y0) / (y1 - y0) * (d - c)

    for k, (ends, recorded_ends) in enumerate(zip(shown, expected, strict=True)):
        start, end = (np.array(laid(p)) for p in recorded_ends)
        length = np.linalg.norm(end - start)
        if k != 1:  # to a point, an arrow ends at its rim
            end = end - (end - start) * min(RIM / length, 0.5)
        assert np.concatenate(ends) == pytest.approx(np.concatenate([start, end]), abs=1e-4)
    assert shown[1][1] != pytest.approx(np.array(laid(x + 1.05 * drift)), abs=1e-4)
    family = [m for top in film.scene.mobjects for m in top.get_family()]
    assert any(f"$t =$ {STEPS - step} to {STEPS - step - 1}" in getattr(m, "body", "") for m in family)
    numbers = [m.value for m in family if type(m).__name__ == "Number"]
    spread = [np.sqrt(np.square(whole["noise"][k]).sum(-1).mean()) for k in (step, step + 1)]
    assert any(value == pytest.approx(spread[0], abs=1e-5) for value in numbers), "the fresh noise of the step"
    assert not any(value == pytest.approx(spread[1], abs=1e-5) for value in numbers), "the control: of another step"


def test_the_length_that_is_said_is_that_of_the_arrow_of_noise(cinema, whole):
    film = cinema("denoise", run=whole)
    for time in np.arange(4.4, 7.2, 0.4):
        film.at(float(time), duration=SECONDS, slow_steps=1)
        family = [m for top in film.scene.mobjects for m in top.get_family()]
        said = [m for m in family if "this arrow" in getattr(getattr(m, "line", None), "body", "")]
        if said:
            break
    hero, step = film.scene.views[0].made[-1], int(film.scene.clocks[0].step)
    chain = int(np.argmin(np.abs(whole["x"][step] - hero.xy[0]).sum(1)))
    lengths = np.linalg.norm(whole["noise"][step], axis=-1)
    assert said[0].numbers[0].value == pytest.approx(lengths[chain], rel=1e-3)
    assert lengths.mean() != pytest.approx(lengths[chain], rel=1e-3), "the control: of all"


def test_the_legend_drops_predictions_when_none_is_seen(cinema, whole):
    film, named = cinema("denoise", run=whole), []
    for course in (0.1, 1.2):
        film.at(REWIND + course * SECONDS, **PLAIN)
        family = [m for top in film.scene.mobjects for m in top.get_family()]
        named.append(any("predicted data" in getattr(m, "body", "") for m in family))
    assert named == [True, False]


def test_a_close_up_in_space_has_a_box_of_its_own_that_holds_its_arrows_and_is_seen_whole(recorded, cinema):
    sampler = {"kind": "ddpm", "steps": 40, "chains": 200}
    run = recorded("trefoil", sampler=sampler, model={"kind": "exact"}, record={"keep": ["x0", "drift", "noise"]})
    film = cinema("denoise", run=run)
    cages = []
    for time in np.arange(4.6, 8.0, 0.3):
        (shot,) = film.at(float(time), duration=SECONDS)
        cages += [cage for cage in shot.rasters["Cage"] if cage not in film.scene.views[0].cage]
    whole = [cage for cage in cages if cage.whole() == 1]
    assert whole, "its corners lie in the picture"
    ends = film.scene.views[0].made[-1].xy[0]
    assert ends.shape == whole[0].low.shape
    assert (whole[0].high > whole[0].low).all()
    assert (np.ptp([whole[0].low, whole[0].high], axis=0) < np.ptp(run.target, axis=0).max()).all(), "not that of all"


def test_the_step_that_is_taken_apart_shows_its_noise_across_the_line_of_sight(recorded, cinema):
    sampler = {"kind": "ddpm", "steps": 40, "chains": 200}
    run = recorded("trefoil", sampler=sampler, model={"kind": "exact"}, record={"keep": ["x0", "drift", "noise"]})
    film = cinema("denoise", run=run)
    film.play([(0, 1)], (480, 270), hero=True)
    view, clock = film.scene.views[0], film.scene.clocks[0]
    worth = way_ahead(clock, view, 0.0, lambda u: view.box)
    hero = Hero(view, run.states, theme=film.scene.theme, prefer=worth)
    parts = HeroStep(view, run, hero, film.scene.page.equation(film.scene.sampler_equation()), theme=film.scene.theme)
    for close_up in close_ups(clock, parts, 3, 0.0):
        start, end = parts.ends(close_up.first)["noise"]
        seen = np.linalg.norm(np.subtract(*view.flat(np.array([start, end]))))
        assert seen > 0.6 * np.linalg.norm(end - start)


@pytest.fixture(scope="module")
def long_run(recorded):
    sampler = {"kind": "ddpm", "steps": 60, "chains": 400}
    changes = {"sampler": sampler, "record": {"keep": ["x0", "drift", "noise"]}}
    return recorded("spiral", **changes)


def test_predictions_have_a_shape_when_their_distance_has_fallen(long_run):
    step = shape_step(long_run)
    far = [judged_distance(long_run, long_run["x0"][k]).far for k in (0, step - 3, step, long_run.steps - 1)]
    left = (np.array(far) - far[-1]) / (far[0] - far[-1])
    assert left[2] <= 0.06 < left[1]


def test_what_comes_after_predictions_have_their_shape_has_its_share_of_the_way(cinema, long_run):
    """Of the whole way, and more where no close-up stands before it."""
    shaped, plain = shape_step(long_run), paced(long_run.states, long_run["x0"])
    for options, share in (({}, SETTLING), ({"hero": False}, 0.45), ({"slow_steps": 0}, 0.45)):
        film = cinema("denoise", run=long_run)
        film.at(0.0, duration=SECONDS, **options)
        assert 1 - film.scene.clocks[0].timeline.course(shaped) == pytest.approx(share, abs=0.01)
    assert 1 - plain.course(shaped) < SETTLING - 0.02, "the control"


def test_the_point_that_is_followed_stays_inside_what_is_seen(cinema, long_run):
    film = cinema("denoise", run=long_run)
    for time in np.arange(0.0, 16.0, 1.3):
        film.at(float(time), duration=SECONDS)
        view = film.scene.views[0]
        hero = next(mob for mob in view.made[::-1] if len(getattr(mob, "xy", ())) == 1)
        x0, x1, y0, y1 = view.box
        place = (hero.xy[0] - ((x0 + x1) / 2, (y0 + y1) / 2)) / ((x1 - x0) / 2, (y1 - y0) / 2)
        assert (np.abs(place) < 1).all(), time
        others = (view.flat(long_run.states[0]) - ((x0 + x1) / 2, (y0 + y1) / 2)) / ((x1 - x0) / 2, (y1 - y0) / 2)
    assert (np.abs(others) > INSIDE).any(), "the control: others begin where it is not seen in the end"


def test_steps_are_taken_apart_early_and_when_predictions_have_a_shape(cinema, long_run):
    film = cinema("denoise", run=long_run)
    tags, read_out = {}, []
    for time in np.arange(3.4, 17.4, 0.35):
        film.at(float(time), duration=SECONDS, slow_steps=2)
        family = [m for top in film.scene.mobjects for m in top.get_family()]
        step = int(film.scene.clocks[0].step)
        for text in (getattr(m, "body", "") for m in family):
            if found := re.search(r"t =\$ (\d+) to (\d+)", text):
                first, last = (long_run.steps - int(n) for n in found.groups())
                assert first <= step <= last
                tags[first] = last
                hero = film.scene.views[0].made[-1]
                gone = np.abs(long_run["x"][[first, last]][:, :, :] - hero.xy[0]).sum(-1).min(1)
                if gone.min() < 1e-6:  # it stands at a recorded state: that is the one which is read
                    read_out.append((step, (first, last)[int(gone.argmin())]))
    assert len(tags) == 2
    assert min(tags) < shape_step(long_run) <= max(tags)
    assert {step for step, _ in read_out} >= set(tags)
    assert all(step == at for step, at in read_out)


def test_the_distance_falls_as_it_is_judged_over_the_band_of_two_draws(cinema, run):
    film = cinema("denoise", run=run)
    (shot,) = film.play([(0, 1)], **PLAIN)
    (curve,) = shot.rasters["Curve"]
    wanted = [judged_distance(run, run["x"][k]).far for k in range(STEPS + 1)]
    assert curve.y == pytest.approx(wanted)
    assert curve.y != pytest.approx(wanted[::-1], rel=0.05), "the control"


def test_a_long_run_has_its_distance_on_lines_between_measured_steps(cinema, run, monkeypatch):
    monkeypatch.setattr(distance_course, "MOMENTS", 5)
    film = cinema("denoise", run=run)
    (shot,) = film.play([(0, 1)], **PLAIN)
    (curve,) = shot.rasters["Curve"]
    at = np.rint(np.linspace(0, STEPS, 5)).astype(int)
    assert curve.y == pytest.approx([judged_distance(run, run["x"][k]).far for k in at])
    course = distance_course.DistanceCourse(film.scene.clocks[0])
    between = (at[1] + at[2]) // 2
    assert course.far[at] == pytest.approx(curve.y)
    assert min(curve.y[1:3]) < course.far[between] < max(curve.y[1:3])


def test_predictions_lie_over_the_samples_until_these_have_caught_up(cinema, recorded):
    film = cinema("denoise", run=recorded("spiral", sampler=SAMPLER, record={"keep": ["x0"]}))
    for course, least, most in ((0.1, 0.99, 1.0), (0.95, 0.0, 0.5)):
        (shot,) = film.at(REWIND + course * SECONDS, **PLAIN)
        samples, guess = shot.rasters["PointCloud"][:2]
        assert guess.z_index > samples.z_index
        assert least <= guess.get_fill_opacity() <= most
        assert samples.get_fill_opacity() == 1


# ---- the end ---------------------------------------------------------------------------------------------------------
def test_samples_stand_beside_the_data_with_their_distance_and_what_chance_makes(read, cinema, run):
    film = cinema("denoise", run=run)
    (shot,) = film.play([(90, 91)], **PLAIN)
    data, samples = shot.rasters["PointCloud"][-1], shot.rasters["PointCloud"][0]
    assert data.points[1, 0] < samples.points[0, 0]
    check_blue = shot.frame[..., 2].astype(int) - shot.frame[..., 0] > 60
    read.check_points(
        check_blue, read.laid(run.target[:CHAINS], data), data.radius[0] * read.UNIT, read.window(data, 0)
    )
    with pytest.raises(AssertionError):
        read.check_points(
            check_blue, read.laid(run.target[:CHAINS] + 0.05, data), data.radius[0] * read.UNIT, read.window(data)
        )
    said = " ".join(m.body for top in film.scene.mobjects for m in top.get_family() if isinstance(m, Typeset))
    half = len(run.target) // 2
    size = min(half, run.chains)
    angle = np.arange(64) * np.pi / 64
    along = np.stack([np.cos(angle), np.sin(angle)])

    def apart(a, b):
        return np.sqrt(np.mean((np.sort(a @ along, 0) - np.sort(b @ along, 0)) ** 2))

    orders = [np.random.default_rng(seed).permutation(len(run.target)) for seed in range(20)]
    halves = [(run.target[order[:size]], run.target[order[-size:]]) for order in orders]
    mine = run["x"][-1][:size]
    low, high = np.quantile([apart(*pair) for pair in halves], (0.05, 0.95))
    far = np.mean([apart(mine, one) for one, _ in halves])
    assert any(f"{far:.{k}f}" in said and f"{low:.{k}f}–{high:.{k}f}" in said for k in (3, 4, 5))
    assert f" {apart(mine, halves[0][1] + 0.1):.3f} " not in said


def nearest(points, data):
    return np.linalg.norm(points[:, None] - data, axis=-1).min(1)


def test_what_is_said_of_samples_at_the_end_is_no_more_than_all_its_figures_say(cinema, run):
    """Copies are nearer than fresh data; of those a few of which lie in a halo it is said that points are farther."""
    data = np.asarray(run.target, float)
    size = min(len(data) // 2, CHAINS)
    halves = [np.random.default_rng(seed).permutation(len(data)) for seed in range(4)]
    copies = np.random.default_rng(9).permutation(data)[:CHAINS]
    halo, wide = copies.copy(), copies + 1.0
    halo[::4] += 0.9 * np.random.default_rng(1).standard_normal(halo[::4].shape)
    words, found = ("No farther", "Copies, or", "Too loose", "Farther"), {}
    for name, last in (("copies", copies), ("halo", halo), ("wide", wide)):
        x = np.array(run["x"])
        x[-1, :CHAINS] = last
        film = cinema("denoise", run=Trajectory(run.file, run.meta, run.arrays | {"x": x}))
        film.play([(90, 91)], **PLAIN)
        said = [m.body for top in film.scene.mobjects for m in top.get_family() if isinstance(m, Typeset)]
        found[name] = {word for word in words if any(word in text for text in said)}
        near = np.mean([nearest(last[:size], data[order[:size]]).mean() for order in halves])
        assert any(f"{near:.{k}f}" in text for k in (3, 4, 5) for text in said)
    assert found == {"copies": {"Copies, or"}, "halo": {"Too loose"}, "wide": {"Farther"}}


def test_samples_that_lie_outside_their_panel_are_counted_over_it(cinema, run):
    x = np.array(run["x"])
    x[-1, :3] = 40.0
    strayed = Trajectory(run.file, run.meta, run.arrays | {"x": x})
    for shown, outside in ((strayed, True), (run, False)):
        film = cinema("denoise", run=shown)
        film.play([(90, 91)], **PLAIN)
        said = [m.body for top in film.scene.mobjects for m in top.get_family() if isinstance(m, Typeset)]
        assert any("3 outside" in text for text in said) == outside
        assert any("outside" in text for text in said) == outside


# ---- in space --------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def space(recorded):
    return recorded("torus", sampler=SAMPLER, record={"target_points": 0})


@pytest.fixture(scope="module")
def space_shots(cinema, space):
    film = cinema("denoise", run=space)
    shots = film.at(*(REWIND + u * SECONDS for u in COURSE), orbit=90, **PLAIN)
    for shot in shots:
        shot.telling = film.scene.views[0].telling
    return shots


def projected(orbit, xyz, phi, theta):
    """(N, 2) and (N,): where points in space appear, and how large, the test's own way: the eye on a sphere."""
    toward = np.array([
        math.sin(phi) * math.cos(theta), math.sin(phi) * math.sin(theta), math.cos(phi)
    ])  # fmt: skip
    right = np.array([-math.sin(theta), math.cos(theta), 0.0])
    rest = np.asarray(xyz, float) - orbit.center
    distance = 1 / orbit.perspective
    size = orbit.zoom * distance / (distance - rest @ toward)
    return np.stack([rest @ right, rest @ np.cross(toward, right)], -1) * size[:, None], size


def check_space(read, shot, frame, xyz, aside=0.0):
    """The camera stands where the shape is told best, whatever the moment of the run."""
    cloud = shot.rasters["PointCloud3D"][-1]
    xy, size = projected(cloud.orbit, xyz, shot.telling[0], shot.telling[1] + aside)
    read.check_points(
        read.warmth(frame) > 24, read.laid(xy, cloud), cloud.radius[0] * size * read.UNIT, read.window(cloud, 0)
    )


def test_every_point_in_space_is_where_the_orbit_shows_it(read, space_shots, space):
    for shot, step in zip(space_shots, steps_at(space), strict=True):
        check_space(read, shot, shot.frame, space["x"][step])


@pytest.mark.parametrize("off", [-1, 1])
def test_points_in_space_of_another_step_or_angle_are_found_out(read, space_shots, space, off):
    for shot, step in zip(space_shots, steps_at(space), strict=True):
        with pytest.raises(AssertionError):
            check_space(read, shot, shot.frame, space["x"][step + off])
        with pytest.raises(AssertionError):
            check_space(read, shot, shot.frame, space["x"][step], off * 0.05)
        with pytest.raises(AssertionError):
            check_space(read, shot, np.roll(shot.frame, 3 * off, 1), space["x"][step])


def test_nearer_points_are_larger_and_clearer(read, space_shots, space):
    shot, step = space_shots[-1], steps_at(space)[-1]
    cloud = shot.rasters["PointCloud3D"][-1]
    xy, size = projected(cloud.orbit, space["x"][step], *shot.telling)
    at = np.floor(read.laid(xy, cloud)).astype(int)
    apart = np.linalg.norm(at[:, None] - at, axis=-1) + 1e9 * np.eye(len(at))
    alone = apart.min(1) > 2 * cloud.radius[0] * size.max() * read.UNIT  # two discs over each other are brighter
    at, size = at[alone], size[alone]
    clear = read.warmth(shot.frame)[at[:, 1], at[:, 0]]
    assert np.ptp(size) > 0.2
    assert len(size) > CHAINS / 2
    far, near = np.array_split(clear[np.argsort(size)], 2)
    assert near.mean() > 1.15 * far.mean()
    shuffled, other = np.array_split(clear[np.random.default_rng(0).permutation(len(clear))], 2)
    assert not shuffled.mean() > 1.15 * other.mean(), "the control: depth, and not chance"


# ---- every frame can be read -----------------------------------------------------------------------------------------
def test_no_text_overlaps_or_leaves_the_frame(cinema, run, shape, look):
    assert cinema("denoise", run=run).layout(shape, look, duration=2, slow_steps=1, trails=5) == []


def test_the_last_picture_shows_the_whole_way_of_one_point(cinema, run):
    film = cinema("denoise", run=run)
    last = film.play([(k, k + 1) for k in range(0, 10**3, 12)], (480, 270), fps=4, duration=1, slow_steps=0, hold=4.0)[
        -1
    ]
    ways = [tail for tail in last.rasters["Tail"] if tail.power == 0]
    assert len(ways) == 1
    xy, steps = ways[0].vertices()
    assert list(steps) == list(range(STEPS + 1))
    assert any(np.allclose(xy[:, 0], run.states[:, chain], atol=1e-5) for chain in range(CHAINS))
    assert not any(np.allclose(xy[1:, 0], run.states[:-1, chain], atol=1e-5) for chain in range(CHAINS))
