"""The training scene read back: samples, data and the loss curve are those of the training record."""

from __future__ import annotations

import numpy as np
import pytest

from diffrender.animation.parts.learned_pair import likelihoods
from diffrender.animation.parts.learning_curves import at_least, recent_mean
from diffrender.animation.timeline import evenly_in, path_length
from diffrender.config.sections import Config
from diffrender.trajectory.distance import nearest_distances
from diffrender.trajectory.reader import Trajectory

SECONDS, STEPS, POINTS = 3.0, 120, 40
REWIND = 1.6  # seconds in which the clip comes to its first step and stands there, before it moves on
STAMPS = 7
EVEN = 0.1  # of the time that all snapshots have alike


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A real training, short."""
    from diffrender.diffusion.training.loop import train

    folder = tmp_path_factory.mktemp("training")
    config = Config.model_validate({
        "target": {"kind": "spiral"},
        "model": {"kind": "mlp", "width": 32, "depth": 2},
        "schedule": {"kind": "squaredcos_cap_v2"},
        "training": {"steps": STEPS, "batch_size": 64, "data_size": 2000, "snapshots": 8, "snapshot_chains": POINTS,
                     "snapshot_steps": 5, "objective": "v_prediction"},
        "record": {"target_points": POINTS, "grid": [9, 6]},
    })  # fmt: skip
    train(config, folder / "model.safetensors")
    return Trajectory.open(folder / "training.npz")


def pace(run):
    """How the training passes: half of the time as points move, half as they come nearer to the data."""
    way = path_length(run["snapshot"], even=EVEN)
    far = [each.far for each in nearest_distances(run, list(run["snapshot"]))]
    moved = np.array([way.course(k) for k in range(len(far))])
    return evenly_in(moved, np.log(np.minimum.accumulate(far)), name="pace")


@pytest.fixture(scope="module")
def shown(run):
    """A snapshot in the middle, and the seconds at which the clip must show it."""
    line, course = pace(run), np.linspace(0, 1, 2001)
    steps = np.array([line.step(u) for u in course])
    shot = int(steps[len(steps) // 2])
    return shot, REWIND + SECONDS * float(np.median(course[steps == shot]))


@pytest.fixture(scope="module")
def shot(cinema, run, shown):
    return cinema("training", training=run).at(shown[1], duration=SECONDS, heroes=0, interpolate=False, pair=False)[0]


def main(shot):
    """The cloud that follows the recording."""
    return next(cloud for cloud in shot.rasters["PointCloud"] if cloud.recorded is not None)


def check_cloud(read, shot, frame, samples, data):
    """Orange is where samples are, blue where data are; they may lie over one another."""
    cloud = main(shot)
    warm, radius = read.warmth(frame), cloud.radius[0] * read.UNIT
    where = read.window(cloud, 0)
    orange, blue = read.laid(samples, cloud), read.laid(data, cloud)
    read.check_points(warm > 70, inside(orange, where), radius, where, over=blue)
    read.check_points(warm < -55, inside(blue, where), radius, where, over=orange)


def inside(points, where):
    rows, columns = where
    return points[((points > (columns.start, rows.start)) & (points < (columns.stop, rows.stop))).all(1)]


def test_samples_and_data_are_where_they_were_recorded(read, shot, run, shown):
    check_cloud(read, shot, shot.frame, run["snapshot"][shown[0]], run["target"][:POINTS])


@pytest.mark.parametrize("off", [-1, 1])
def test_another_snapshot_or_place_is_found_out(read, shot, run, shown, off):
    samples, data = run["snapshot"][shown[0]], run["target"][:POINTS]
    with pytest.raises(AssertionError):
        check_cloud(read, shot, shot.frame, run["snapshot"][shown[0] + off], data)
    for axis in (0, 1):
        with pytest.raises(AssertionError):
            check_cloud(read, shot, np.roll(shot.frame, 3 * off, axis), samples, data)
    with pytest.raises(AssertionError):
        check_cloud(read, shot, shot.frame, samples, data[1:])


def stamped(read, shot, which):
    """Whether a stamp shows anything but its panel, and the place of its cloud's points in data space."""
    still = [c for c in shot.rasters["PointCloud"] if c.recorded is None]
    tiles = [c for c in still if c.width < main(shot).width]  # among them not that of the data
    tile = sorted(tiles, key=lambda c: c.points[0, 0])[which]
    inside = shot.frame[read.window(tile, 6)]
    return bool((inside != read.rgb(read.LOOK.panel)).any()), tile.xy


def test_stamps_show_the_snapshots_that_were_passed_and_no_others(read, shot, run, shown):
    line = pace(run)
    for k, u in enumerate(np.linspace(0, 1, STAMPS)):
        snapshot = round(line.step(u))
        there, xy = stamped(read, shot, k)
        assert there == (snapshot <= shown[0])
        assert np.allclose(xy.reshape(-1, 2), run["snapshot"][snapshot], atol=1e-5)
        assert not np.allclose(xy.reshape(-1, 2), run["snapshot"][(snapshot + 3) % len(run["snapshot"])], atol=1e-5)


def mean_of(loss):
    """At every step the mean of the latest half of the losses so far, the test's own way."""
    return np.array([loss[k // 2 : k].mean() for k in range(1, len(loss) + 1)])


def check_curve(read, curve, frame, x, y, now):
    """A curve passes through every value until now, where the dot stands; there it ends."""
    at = read.laid(np.stack([np.log(x), y], -1), curve)
    ink = read.rgb(str(curve.get_fill_color()))
    bright = np.abs(frame.astype(int) - ink).sum(-1) < 130
    here = np.array([np.interp(now, np.arange(len(at)), at[:, d]) for d in (0, 1)])
    for u, v in at[1 : int(now)]:
        if abs(u - here[0]) > 14:
            assert bright[int(v) - 3 : int(v) + 4, int(u)].any(), "the curve is not there"
    dot = np.hypot(*(np.indices(bright.T.shape).T + 0.5 - here).T).T
    assert bright[dot < 0.09 * read.UNIT - 1.5].all(), "the dot is not there"
    rows, columns = read.window(curve, 2)
    assert not bright[rows, max(columns.start, int(here[0] + 0.09 * read.UNIT + 2)) : columns.stop].any()


def figures(run, shown):
    """(curve's place in the scene, x, y, present) of the mean loss and of the distance."""
    loss, steps = np.asarray(run["loss"], float), np.asarray(run["snapshot_step"])
    now = max(float(steps[shown]) - 1, 0)
    return (
        (1, np.arange(1, len(loss) + 1), mean_of(loss), now),
        (2, np.maximum(steps, 1), np.log([each.far for each in nearest_distances(run, list(run["snapshot"]))]), shown),
    )


def test_the_curves_have_grown_to_the_present(read, shot, run, shown):
    for place, *figure in figures(run, shown[0]):
        check_curve(read, shot.rasters["Curve"][place], shot.frame, *figure)


@pytest.mark.parametrize("off", [-1, 1])
def test_curves_elsewhere_are_found_out(read, shot, run, shown, off):
    for place, x, y, now in figures(run, shown[0]):
        curve = shot.rasters["Curve"][place]
        with pytest.raises(AssertionError):
            check_curve(read, curve, shot.frame, x, y, figures(run, shown[0] + off)[place - 1][3])
        for axis in (0, 1):
            with pytest.raises(AssertionError):
                check_curve(read, curve, np.roll(shot.frame, 5 * off, axis), x, y, now)


def dotted(read, curve, frame, value):
    """Which part of a row of pixels across a chart has the colour of floors."""
    row = int(read.laid([curve.box[0], value], curve)[1])
    _, columns = read.window(curve, 2)
    muted = np.abs(frame[row - 2 : row + 3, columns].astype(int) - read.rgb(read.LOOK.muted)).sum(-1).min(0) < 90
    return muted.mean()


def test_the_loss_is_shown_with_the_floor_that_no_network_can_beat(read, shot, run):
    curve, floor = shot.rasters["Curve"][1], run.meta["figures"]["loss_floor"]
    assert 0.3 < dotted(read, curve, shot.frame, floor) < 0.9
    for wrong in (0.97, 1.03):
        assert dotted(read, curve, shot.frame, floor * wrong) < 0.3


@pytest.mark.parametrize("steps", [STEPS, 6000])
def test_no_text_overlaps_or_leaves_the_frame(cinema, run, shape, look, steps):
    longer = Trajectory(run.file, run.meta, run.arrays | {"loss": np.resize(run["loss"], steps)})
    assert cinema("training", training=longer).layout(shape, look, duration=4) == []


@pytest.mark.parametrize("size", [(270, 480), (480, 270)])
def test_names_of_floors_stand_over_charts_and_not_in_them(cinema, run, size):
    film = cinema("training", training=run)
    (shot,) = film.play([(0, 1)], size, duration=SECONDS)
    family = [mob for top in film.scene.mobjects for mob in top.get_family()]
    loss, distance = shot.rasters["Curve"][1:]
    usual = nearest_distances(run, [run["snapshot"][-1]])[-1].usual
    for curve, name in ((loss, f"{run.meta['figures']['loss_floor']:.2f}"), (distance, usual)):
        (text,) = [mob for mob in family if name in getattr(mob, "body", "")]
        assert text.get_bottom()[1] > curve.get_top()[1]


def test_points_travel_straight_from_one_snapshot_to_the_next(cinema, run, shown):
    times = [shown[1] + dt for dt in (-0.3, 0.0, 0.3)]
    moved = 0
    for shot in cinema("training", training=run).at(*times, duration=SECONDS, heroes=0, pair=False):
        cloud = main(shot)
        xy, shots, k = cloud.xy, np.asarray(cloud.recorded), int(cloud.step)
        np.testing.assert_allclose(
            xy, shots[k] + (cloud.step - k) * (shots[min(k + 1, len(shots) - 1)] - shots[k]), atol=1e-5
        )
        moved += not np.allclose(xy, shots[round(cloud.step)], atol=1e-3)
    assert moved >= 2, "between two, points are on their way"


@pytest.mark.parametrize("seconds", [8.5, 9.5])
def test_the_miss_of_a_pair_is_a_line_from_the_data_to_the_recorded_guess(cinema, run, seconds):
    film = cinema("training", training=run)
    film.play([(0, round(20 * seconds))], (480, 270), fps=20, duration=SECONDS)
    act, cloud = film.scene.act, film.scene.data
    x0, guess = np.asarray(run["pair_x0"], float), np.asarray(run["pair_guess"], float)
    shot, step = int(act.clock.step), act.clock.step
    assert 0 < step < len(guess) - 1
    now = guess[shot] + (step - shot) * (guess[shot + 1] - guess[shot])
    (a, _, c, _), (left, low), (right, _) = cloud.box, cloud.points[0, :2], cloud.points[3, :2]
    unit = (right - left) / (cloud.box[1] - a)
    ends = act.pair.line.points[[0, -1], :2]
    told = [k for k in range(len(x0)) if np.allclose((x0[k] - (a, c)) * unit + (left, low), ends[0], atol=1e-6)]
    assert len(told) == 1
    np.testing.assert_allclose((now[told[0]] - (a, c)) * unit + (left, low), ends[1], atol=1e-6)
    number = act.column.rows["miss"][1].numbers[0].value
    length = np.linalg.norm(ends[1] - ends[0]) / unit
    assert number == pytest.approx(length, abs=0.02 * length)


def test_misses_are_judged_on_average_by_those_of_best_guesses(cinema, run):
    film = cinema("training", training=run)
    film.play([(0, 250)], (480, 270), fps=20, duration=SECONDS)
    x0, guess, best = (np.asarray(run[f"pair_{name}"], float) for name in ("x0", "guess", "best"))
    wanted = [np.sqrt(np.square(each - x0).sum(-1).mean(-1)) for each in (guess, best)]
    pair = film.scene.act.pair
    np.testing.assert_allclose(pair.rms, wanted[0])
    assert pair.best_rms == pytest.approx(float(wanted[1]))
    assert abs(pair.best_rms - np.linalg.norm(pair.best - pair.x0)) > 0.01, "the control: not that of this pair"
    assert any(
        f"{pair.best_rms:.2f}" in getattr(mob, "body", "") for top in pair_chart(film) for mob in top.get_family()
    )


def pair_chart(film):
    return film.scene.act.column.chart


@pytest.mark.parametrize(("seconds", "lit"), [(2.3, "data"), (3.4, "data state"), (6.0, "data state samples")])
def test_terms_of_the_equation_are_lit_as_they_come(cinema, run, seconds, lit):
    edm = {"name": "edm", "equation": "norm({{x_0 : data}} - {{D_theta : samples}} (x_sigma, sigma))^2"}
    film = cinema("training", training=Trajectory(run.file, run.meta | {"objective": edm}, run.arrays))
    film.play([(0, round(20 * seconds))], (480, 270), fps=20, duration=SECONDS)
    levels = film.scene.act.light.levels
    assert {name for name, level in levels.items() if level} == set(lit.split())
    assert set(levels) == {"data", "state", "samples"}


def test_all_of_the_data_are_seen_with_a_frame_round_the_close_up(cinema, run):
    film = cinema("training", training=run)
    film.play([(0, 90)], (480, 270), fps=20, duration=SECONDS)
    (small,) = [mob for mob in film.scene.act.inset if type(mob).__name__ == "PointCloud"]
    assert np.allclose(small.xy, run["target"][:POINTS])
    (x0, x1, y0, y1), (left, low), (right, high) = small.box, small.points[0, :2], small.points[3, :2]
    a, b, c, d = film.scene.act.pair.closer
    window = film.scene.act.inset[-1]
    wide = (min(b, x1) - max(a, x0)) / (x1 - x0) * (right - left)
    high = (min(d, y1) - max(c, y0)) / (y1 - y0) * (high - low)
    assert (window.width, window.height) == pytest.approx((wide, high), abs=0.05)


def test_coordinates_are_said_to_be_nearly_independent_where_they_are():
    from diffrender.animation.parts.stray_count import nearly_independent

    rng = np.random.default_rng(0)
    x = np.repeat([-1.0, 1.0], 400)
    data = np.stack([x, x], 1) + 0.1 * rng.standard_normal((800, 2))
    noise = rng.standard_normal((800, 2))
    crossed = np.stack([data[:, 0], rng.permutation(data[:, 1])], 1)
    assert nearly_independent(np.stack([noise, noise[::-1], crossed, data]), data).tolist() == [
        False,
        False,
        True,
        False,
    ]
    assert not nearly_independent(np.zeros((2, 9, 3)), np.eye(3)).any()


def test_the_close_up_holds_every_point_that_the_noised_one_can_well_have_been(cinema, run):
    film = cinema("training", training=run)
    film.play([(0, 60)], (320, 180), fps=10, duration=SECONDS)
    pair = film.scene.act.pair
    x0, x1, y0, y1 = pair.closer
    data = run.target[:POINTS]
    likely = data[likelihoods(run, pair.noised, data) > 0.03]
    assert len(likely) > 1
    assert ((likely > (x0, y0)) & (likely < (x1, y1))).all()
    assert not ((run.target > (x0, y0)) & (run.target < (x1, y1))).all(), "the control: it is closer than all data"


def test_the_loss_is_said_to_be_the_least_where_it_is(run):
    mean = recent_mean(np.asarray(run["loss"], float))[np.asarray(run["snapshot_step"]) - 1]
    for floor, wanted in ((float(mean[-1]), True), (0.9 * float(mean[-1]), False)):
        told = Trajectory(run.file, {**run.meta, "figures": {"loss_floor": floor}}, run.arrays)
        assert at_least(told)[-1] == wanted
    assert not at_least(Trajectory(run.file, {**run.meta, "figures": {}}, run.arrays)).any()


def test_large_points_are_those_of_the_data_that_the_noised_one_can_have_been(cinema, run):
    film = cinema("training", training=run)
    film.play([(0, 250)], (480, 270), fps=20, duration=SECONDS)
    pair, data, level = film.scene.act.pair, np.asarray(run["target"][:POINTS], float), run.meta["pair_level"]
    weights = np.exp(-np.square(pair.noised - level["alpha"] * data).sum(1) / (2 * level["sigma"] ** 2))
    size = np.square(pair.likely.radius)
    np.testing.assert_allclose(size / size.sum(), weights / weights.sum(), atol=1e-6)


def test_a_training_that_recorded_no_pairs_begins_with_its_first_step(cinema, run):
    plain = Trajectory(run.file, run.meta, {key: run[key] for key in run if not key.startswith("pair_")})
    (shot,) = cinema("training", training=plain).at(REWIND - 0.3, duration=SECONDS)
    assert main(shot).step == 0


def generated(film, seconds):
    """The generation act after so many of its seconds; None where it does not play."""
    for k in range(20, 80, 5):
        film.play([(0, k + 1)], (320, 180), fps=5, duration=SECONDS, pair=False)
        act = getattr(film.scene, "generating", None)
        if act is not None and act.samples in film.scene.mobjects:
            film.play([(0, k + 1 + round(5 * seconds))], (320, 180), fps=5, duration=SECONDS, pair=False)
            return film.scene.generating
    return None


def test_at_the_end_the_network_generates_on_the_recorded_way(cinema, run):
    act = generated(cinema("training", training=run), 2.6)
    way, step = np.asarray(run["generation"], float), act.clock.step
    k = int(step)
    assert 0 < step < len(way) - 1
    now = way[k] + (step - k) * (way[k + 1] - way[k])
    np.testing.assert_allclose(act.samples.xy, now, atol=1e-5)
    assert not np.allclose(act.samples.xy, way[k + 1], atol=1e-3), "the control: another moment"


def test_a_training_that_recorded_no_generation_ends_as_before(cinema, run):
    plain = Trajectory(run.file, run.meta, {key: run[key] for key in run if not key.startswith("generation")})
    film = cinema("training", training=plain)
    *_, last = film.play([(0, 10**6)], (320, 180), fps=4, duration=SECONDS)
    clouds = [cloud for cloud in last.rasters["PointCloud"] if len(cloud.xy) == POINTS]
    assert any(np.allclose(cloud.xy, run["snapshot"][-1], atol=1e-5) for cloud in clouds)
    assert generated(cinema("training", training=plain), 0) is None


def test_the_pair_that_is_told_of_is_typical_and_gains(run):
    from diffrender.animation.parts.learned_pair import TYPICAL, told_pair

    x0, best, guess = (np.asarray(run[f"pair_{name}"], float) for name in ("x0", "best", "guess"))
    least, told = np.linalg.norm(best - x0, axis=-1), told_pair(run)
    off = np.abs(least - np.sqrt(np.square(least).mean()))
    assert (off < off[told]).sum() < len(off) / TYPICAL
    far = np.array(guess)
    other = int(np.argsort(off)[0]) if int(np.argsort(off)[0]) != told else int(np.argsort(off)[1])
    far[0, other] += 50  # of two that are typical, the one that gains more
    assert told_pair(Trajectory(run.file, run.meta, run.arrays | {"pair_guess": far})) == other


def test_points_off_the_data_are_counted_all_through(run):
    from diffrender.animation.parts.stray_count import half_learned, stray_counts

    data, shots = np.asarray(run["target"][:POINTS], float), np.asarray(run["snapshot"], float)
    assert stray_counts(shots, data).tolist() == [straying(shot, data) for shot in shots]
    counts = np.array([90, 90, 60, 21, 20, 0])
    assert [half_learned(counts, 100, k) for k in range(6)] == [False, False, True, True, False, False]


def straying(points, data):
    """How many points are farther from the data than any of these from its nearest, the test's own way."""
    among = np.linalg.norm(data[:, None] - data, axis=-1) + np.diag(np.full(len(data), np.inf))
    return int((np.linalg.norm(points[:, None] - data, axis=-1).min(1) > among.min(1).max()).sum())


def test_at_the_end_points_that_stray_are_counted_and_ringed(cinema, run):
    data = np.asarray(run["target"][:POINTS], float)
    last = np.array(run["snapshot"])
    last[-1] = data + 0.01  # all are where data are, but for a few
    last[-1, :5, 0], last[-1, :5, 1] = data[:, 0].max() + 0.3, np.linspace(-0.4, 0.4, 5)
    nearer = Trajectory(run.file, run.meta, run.arrays | {"snapshot": last})
    counts = []
    for each in (run, nearer):
        film = cinema("training", training=each)
        film.play([(0, 10**6)], (480, 270), fps=4, duration=SECONDS)
        family = [mob for top in film.scene.mobjects for mob in top.get_family()]
        counts.append(straying(np.asarray(each["snapshot"][-1], float), data))
        assert any(f"{counts[-1]} of {POINTS}" in getattr(mob, "body", "") for mob in family)
        circles = [mob for mob in family if type(mob).__name__ == "Circle"]
        rings = [mob for mob in circles if mob.z_index == 9]
        assert len(circles) == len(rings) + bool(rings), "one more tells whose they are"
        assert len(rings) <= counts[-1], "of very many none"
    assert counts[0] != counts[1] == len(rings) > 2


def test_a_frame_is_the_same_played_and_sought(cinema, run):
    assert cinema("training", training=run).unlike_when_sought(9, duration=SECONDS) == []


# ---- on images -------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A short training on digits that know their class."""
    from diffrender.diffusion.training.loop import train

    folder = tmp_path_factory.mktemp("training")
    config = Config.model_validate({
        "target": "digits",
        "model": {"kind": "residual_mlp", "width": 32, "depth": 1, "conditional": True},
        "training": {"steps": 90, "snapshots": 6, "snapshot_chains": 20, "snapshot_steps": 4},
    })  # fmt: skip
    train(config, folder / "model.safetensors")
    return Trajectory.open(folder / "training.npz")


def in_unit_range(run, shots):
    said = run.meta["target"]
    return np.asarray(shots, np.float32) * np.float32(said["scale"]) + np.float32(said["offset"][0])


def test_images_are_the_snapshots_of_the_same_noise_a_class_a_column(cinema, images):
    (shot,) = cinema("training", training=images).at(REWIND + 0.6 * SECONDS, duration=SECONDS)
    (grid,) = [grid for grid in shot.rasters["ImageGrid"] if grid.rows > 1]
    now, snapshots = int(grid.step), in_unit_range(images, images["snapshot"])
    assert 0 < now < len(snapshots) - 1
    assert (grid.rows, grid.cols) == (2, 10)
    assert np.asarray(images["label"])[grid.chains].tolist() == [*range(10)] * 2
    assert np.allclose(grid.recorded[now], snapshots[now], atol=1e-5)
    assert not np.allclose(grid.recorded[now], images["snapshot"][now], atol=0.05), "the control: unscaled states"
    tiles = [grid for grid in shot.rasters["ImageGrid"] if grid.rows == 1]
    assert len(tiles) == STAMPS
    shown = [snapshot[0] for snapshot in snapshots]
    passed = [tile for tile in tiles if tile.get_fill_opacity() == 1]
    for tile in passed:
        assert any(np.allclose(tile.images[0], image, atol=1e-5) for image in shown[: now + 1])
    assert 0 < len(passed) < STAMPS
    assert not any(np.allclose(passed[-1].images[0], image[1], atol=1e-3) for image in snapshots), "another noise"


def test_a_training_on_images_fits_every_frame(cinema, images, shape, look):
    assert cinema("training", training=images).layout(shape, look, every=9, duration=2.0) == []
