"""The drift scene read back: arrows have the recorded direction and scale, particles ride where they were recorded."""

from __future__ import annotations

import numpy as np
import pytest

from diffrender.animation.parts.field_error import field_error
from diffrender.animation.parts.flow_field import FAINT, NEAR, FlowField
from diffrender.animation.timeline import path_length
from diffrender.trajectory.reader import Trajectory

SECONDS, STEPS, GRID = 2.0, 8, (9, 6)
SHOWN = (4, 6)  # steps that are looked at
RIDE = 1.2 + 0.8 + 0.4  # seconds before the particles ride: back to the noise, paths out and field in, particles in
ARROWS = {"duration": SECONDS, "style": "arrows", "alone": False}
SHIFTS = [(3, 0), (0, 3), (-3, 0), (0, -3)]


def seconds_of(run, step):
    """The middle of the time in which the clip must show a step: where most of it moves, it takes longest."""
    course = np.linspace(0, 1, 2001)
    line = path_length(run["x"])
    return RIDE + SECONDS * float(np.median(course[[line.step(u) == step for u in course]]))


@pytest.fixture(scope="module")
def run(recorded):
    record = {"fields": ["velocity"], "grid": GRID, "target_points": 0}
    return recorded("spiral", sampler={"kind": "ddim", "steps": STEPS, "chains": 200}, record=record)


@pytest.fixture(scope="module")
def bare(cinema, run):
    """The field alone."""
    times = [seconds_of(run, step) for step in SHOWN]
    return cinema("drift", flow=run).at(*times, **ARROWS, particles=0)


def check_arrows(read, shot, frame, velocity, longest):
    """Every arrow in view lies centred on its place, points backwards in time, and is as long as its fourth root says.

    longest: the magnitude of the full length.

    velocity: (Gy, Gx, 2) as recorded, per unit of a time that falls on the way to the data.
    """
    field = shot.rasters["VectorField"][0]
    gx, gy = (np.linspace(*np.sort(field.xy[..., d].ravel())[[0, -1]], n) for d, n in enumerate(GRID))
    step = float(gx[1] - gx[0]) * read.UNIT * (field.points[1, 0] - field.points[0, 0]) / (field.box[1] - field.box[0])
    rows, columns = read.window(field, 6)
    panel = read.rgb(read.LOOK.panel)
    ink, checked = field.table[0].astype(int) - panel, 0
    for j, i in np.ndindex(velocity.shape[:2]):
        center = read.laid([gx[i], gy[j]], field)
        size = np.linalg.norm(velocity[j, i])
        share = min(size / longest, 1) ** 0.25
        length, along = 0.9 * step * share, -velocity[j, i] * (1, -1) / np.linalg.norm(velocity[j, i])
        half = 0.46 * step + 3
        low, high = np.round(center - half).astype(int), np.round(center + half).astype(int)
        inside = low[0] > columns.start and high[0] < columns.stop and low[1] > rows.start and high[1] < rows.stop
        if not inside or length < 16:
            continue
        part = frame[low[1] : high[1], low[0] : high[0]].astype(int) - panel
        y, x = np.indices(part.shape[:2]) + 0.5
        rest = np.stack([x, y], -1) + low - center
        cover = part @ ink / (ink @ ink)
        near = (abs(rest @ along) < length / 2 + 4) & (abs(rest @ [-along[1], along[0]]) < 12)  # its neighbours are not
        seen = near & (cover > 0.5 * cover[near].max())
        t, across = rest[seen] @ along, rest[seen] @ np.array([-along[1], along[0]])
        assert t.max() == pytest.approx(length / 2 - 0.9, abs=1.5), "the tip"
        assert t.min() == pytest.approx(-length / 2 + 0.5, abs=1.5), "the tail"
        assert across.mean() == pytest.approx(0, abs=0.8)
        assert np.ptp(across[t > 0]) > 1.5 * np.ptp(across[t < -0.25 * length]), "the head is in front"
        best = np.unravel_index(np.argmax(np.where(near, cover, 0)), cover.shape)
        alpha = cover[best]
        assert abs(part[best] - alpha * ink).max() < 6, "its hue"
        assert alpha == pytest.approx(1, abs=0.045), "how clear it is"
        checked += 1
    assert checked >= 8


def recorded_field(run, step):
    """The velocities of a step, and the scale in which they must be drawn."""
    velocity = np.asarray(run["field_velocity"], float)
    return velocity[step], float(np.quantile(np.linalg.norm(velocity[step], axis=-1), 0.95))


def test_arrows_have_the_recorded_direction_and_scale(read, bare, run):
    for shot, step in zip(bare, SHOWN, strict=True):
        check_arrows(read, shot, shot.frame, *recorded_field(run, step))


@pytest.mark.parametrize("shift", SHIFTS)
def test_arrows_three_pixels_off_are_found_out(read, bare, run, shift):
    for shot, step in zip(bare, SHOWN, strict=True):
        with pytest.raises(AssertionError):
            check_arrows(read, shot, np.roll(shot.frame, shift, (0, 1)), *recorded_field(run, step))


@pytest.mark.parametrize("off", [-1, 1])
def test_arrows_of_another_step_or_scale_are_found_out(read, bare, run, off):
    for shot, step in zip(bare, SHOWN, strict=True):
        velocity, longest = recorded_field(run, step)
        with pytest.raises(AssertionError):
            check_arrows(read, shot, shot.frame, recorded_field(run, step + off)[0], longest)
        with pytest.raises(AssertionError):
            check_arrows(read, shot, shot.frame, velocity, longest * 1.3**off)
        with pytest.raises(AssertionError):
            check_arrows(read, shot, shot.frame, -velocity, longest)


def numbers_of(film, word):
    """Figures that stand in texts with a word."""
    family = [mob for top in film.scene.mobjects for mob in top.get_family()]
    return [mob.numbers[0].value for mob in family if word in getattr(getattr(mob, "line", None), "body", "")]


def test_the_time_that_is_said_is_that_of_this_step(cinema, run):
    film = cinema("drift", flow=run)
    film.at(seconds_of(run, SHOWN[0]), **ARROWS)
    k = int(film.scene.clocks[0].step)
    assert numbers_of(film, "sigma") == [pytest.approx(run["time"][k], abs=0.005)]
    assert run["time"][k] != pytest.approx(run["time"][k + 1], abs=0.005), "the control"


def test_on_the_way_back_there_is_nothing_but_what_the_key_names(cinema, run):
    film = cinema("drift", flow=run)
    (shot,) = film.at(0.6, **ARROWS)
    clouds = [cloud for cloud in shot.rasters["PointCloud"] if len(cloud.xy) == run.chains]
    assert len(clouds) == 1, "all particles, in the hues of where they start"
    assert 0 < clouds[0].step < STEPS
    assert len(np.unique(clouds[0].colors, axis=0)) > 4


def test_before_anything_moves_there_is_time_to_read(cinema, run):
    film = cinema("drift", flow=run)
    steps = []
    for time in (1.2 + 0.9, 1.2 + 0.8 + 1.9, 1.2 + 0.8 + 2.0 + 3.0):
        film.at(time, style="arrows", duration=SECONDS)
        steps.append(int(film.scene.clocks[0].step))
    assert steps[:2] == [0, 0]
    assert steps[2] > 0


# ---- streamlines, and the paths of all -------------------------------------------------------------------------------
def test_streamlines_flow_while_time_passes_and_go_where_the_field_goes(read, cinema, run):
    """A lit part travels: of what is lit in one frame and not in the next, the next lies farther along the field."""
    film = cinema("drift", flow=run)
    times = [seconds_of(run, SHOWN[0]) + dt for dt in (0.0, 0.1)]
    shots = film.at(*times, duration=8 * SECONDS / 2, alone=False, particles=0)
    lines = shots[0].rasters["Streamlines"][0]
    assert shots[1].rasters["Streamlines"][0].phase > lines.phase
    rows, columns = read.window(lines, 6)
    before, after = (shot.frame[rows, columns].astype(int).sum(-1) for shot in shots)
    assert np.abs(before - after).mean() > 1
    np.testing.assert_allclose(lines.vectors, -run["field_velocity"][round(lines.step)])


def test_the_paths_of_all_chains_are_where_they_went(read, cinema, run):
    (shot,) = cinema("drift", flow=run).play([(3, 4)], **ARROWS)
    paths = shot.rasters["PathDensity"][0]
    rows, columns = read.window(paths, 12)
    inked = np.abs(shot.frame.astype(int) - read.rgb(read.LOOK.panel)).sum(-1)

    def crossed(x):
        ends = np.stack([read.laid(x[k], paths) for k in range(len(x))])
        middle = np.floor((ends[1:] + ends[:-1]).reshape(-1, 2) / 2).astype(int)
        inside = (middle >= (columns.start, rows.start)).all(1) & (middle < (columns.stop, rows.stop)).all(1)
        x_, y = middle[inside].T
        return (np.max([inked[y + dy, x_ + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1)], axis=0) > 14).mean()

    assert crossed(np.asarray(run["x"])) > 0.97
    mirrored = np.asarray(run["x"]) * (-1, 1)
    assert crossed(mirrored) < 0.9


def check_riders(read, shot, frame, x):
    riders = shot.rasters["PointCloud"][-1]
    warm = read.warmth(frame) > 0.75 * read.warmth(read.rgb(read.LOOK.samples))
    y, x_ = np.nonzero(warm[read.window(riders, 6)])
    corner = [part.start for part in read.window(riders, 6)[::-1]]
    at, radius = read.laid(x, riders), riders.radius[0] * read.UNIT
    for center in at:
        low, high = np.floor(center - radius - 2).astype(int), np.ceil(center + radius + 3).astype(int)
        rows, columns = read.window(riders, 12)
        if low[0] < columns.start or high[0] > columns.stop or low[1] < rows.start or high[1] > rows.stop:
            continue
        v, u = np.mgrid[low[1] : high[1], low[0] : high[0]] + 0.5
        others = np.array([p for p in at if np.any(p != center)])
        hidden = np.hypot(u[..., None] - others[:, 0], v[..., None] - others[:, 1]).min(-1) < radius + 5
        disc = (
            np.hypot(u - center[0], v - center[1]) < radius - 1.2
        ) & ~hidden  # a later one's ring lies on earlier ones
        assert warm[low[1] : high[1], low[0] : high[0]][disc].all(), "a particle is missing or not whole"
    away = np.hypot(x_[:, None] + 0.5 + corner[0] - at[:, 0], y[:, None] + 0.5 + corner[1] - at[:, 1]).min(1)
    assert (away < radius + 1.2).all(), "something is drawn where no particle is"


@pytest.fixture(scope="module")
def riding(cinema, run):
    """Particles whose tails are but one step long, and so too faint to be taken for them."""
    shown = ARROWS | {"particles": 40, "trail_steps": 1}
    (shot,) = cinema("drift", flow=run).at(seconds_of(run, STEPS // 2), **shown)
    return shot


def test_particles_are_where_they_were_recorded(read, riding, run):
    check_riders(read, riding, riding.frame, run["x"][STEPS // 2, :40])


@pytest.mark.parametrize("off", [-1, 1])
def test_particles_elsewhere_are_found_out(read, riding, run, off):
    with pytest.raises(AssertionError):
        check_riders(read, riding, riding.frame, run["x"][STEPS // 2 + off, :40])
    with pytest.raises(AssertionError):
        check_riders(read, riding, np.roll(riding.frame, 3 * off, 0), run["x"][STEPS // 2, :40])
    with pytest.raises(AssertionError):
        check_riders(read, riding, riding.frame, run["x"][STEPS // 2, 1 : 40 + off])


# ---- every frame can be read -----------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def space(recorded):
    record = {"fields": ["velocity"], "grid": [5, 5]}
    return recorded("torus", sampler={"kind": "ddim", "steps": STEPS, "chains": 100}, record=record)


def test_no_text_overlaps_or_leaves_the_frame(cinema, run, space, shape, look):
    assert cinema("drift", flow=run).layout(shape, look, duration=3) == []
    assert cinema("drift", flow=space).layout(shape, look, every=14, duration=3, alone=False) == []


def test_in_space_arrows_stand_near_the_data_and_stay_in_the_box(cinema, space, read):
    film = cinema("drift", flow=space)
    (shot,) = film.at(seconds_of(space, STEPS // 2), **ARROWS, particles=0)
    arrows, view = shot.rasters["VectorField3D"][0], film.scene.views[0]
    np.testing.assert_allclose(arrows.vectors, -space["field_velocity"][STEPS // 2])
    shown, at = arrows.alpha > 0, arrows.xy.reshape(-1, 3)
    assert 4 < shown.sum() < len(at)
    away = np.linalg.norm(at[:, None] - space.target, axis=-1).min(1)
    assert away[shown].max() <= np.sort(away)[min(NEAR, len(at)) - 1]
    assert len(np.unique(arrows.longest)) == 1, "one scale throughout the clip"
    low, high = view.corners.min(0), view.corners.max(0)
    for k in range(STEPS):
        v = arrows.recorded[k].reshape(-1, 3)
        size = np.linalg.norm(v, axis=1)
        half = v / size[:, None] * (np.clip(size / arrows.longest[0], 0, 1) ** (1 / 3) * arrows.length / 2)[:, None]
        ends = np.concatenate([(at - half)[shown], (at + half)[shown]])
        assert ((ends > low) & (ends < high)).all()
    rows, columns = read.window(arrows, 8)
    inked = np.abs(shot.frame[rows, columns].astype(int) - read.rgb(read.LOOK.panel)).sum(-1) > 60
    assert 0.005 < inked.mean() < 0.6


def test_in_space_the_foot_speaks_of_arrows_only_while_they_are_there(cinema, space):
    film = cinema("drift", flow=space)
    for time, there in ((0.5, False), (1.2 + 0.8 + 2.0 + 2.0, True), (1.2 + 0.8 + 2.0 + 4.5 + 0.9 + 0.8 + 1.0, False)):
        (shot,) = film.at(time, duration=SECONDS, style="arrows")
        said = [getattr(mob, "body", "") for top in film.scene.mobjects for mob in top.get_family()]
        assert any("cube root" in text for text in said) == there
        assert ("VectorField3D" in shot.rasters) == there


def test_in_space_particles_have_tails_where_they_went_and_paths_are_whole(cinema, space):
    film = cinema("drift", flow=space)
    first, later = (
        film.play([(frame, frame + 1)], duration=SECONDS, particles=40, alone=False)[0].rasters["Trails3D"]
        for frame in (3, 48)
    )
    *paths, _ = first  # the last is that of the one that is followed
    assert {trails.step for trails in paths} == {STEPS}
    assert min(trails.length for trails in paths) > STEPS
    drawn = np.concatenate([trails.recorded for trails in paths], axis=1)
    order, wanted = np.lexsort(drawn[0].T), np.asarray(space["x"][:, : drawn.shape[1]])
    np.testing.assert_allclose(drawn[:, order], wanted[:, np.lexsort(wanted[0].T)])
    tails = later[0]
    assert 0 < tails.step < STEPS
    np.testing.assert_allclose(tails.recorded, space["x"][:, :40])


def test_in_space_the_field_gives_way_to_the_paths(cinema, space):
    film = cinema("drift", flow=space)
    shots = film.play([(k, k + 1) for k in range(0, 160, 4)], (480, 270), duration=SECONDS)
    seen = [("Streamlines3D" in shot.rasters, len(shot.rasters.get("Trails3D", []))) for shot in shots]
    fields = [k for k, (field, _) in enumerate(seen) if field]
    assert fields, "first the field, with one particle"
    assert max(fields) < len(seen) - 5
    assert fields == list(range(fields[0], fields[-1] + 1)), "once gone it stays away"


def test_in_space_lines_of_the_field_step_back_when_many_come(cinema, space):
    film, faint = cinema("drift", flow=space), []
    for time in (1.2 + 0.8 + 1.0, 1.2 + 0.8 + 2.0 + 3.2 + 0.6 + 0.8 + 0.5):
        (shot,) = film.at(time, duration=SECONDS)
        faint.append(float(shot.rasters["Streamlines3D"][0].get_fill_opacity()))
    assert faint == [1.0, pytest.approx(0.55)]


def test_in_space_lines_of_the_field_fill_the_box_and_flow_from_the_first(cinema, space):
    """While words are read nothing else moves; no line leaves the box."""
    film = cinema("drift", flow=space)
    shots = film.at(1.2 + 0.8 + 0.5, 1.2 + 0.8 + 1.5, duration=SECONDS)
    lines = [shot.rasters["Streamlines3D"][0] for shot in shots]
    assert lines[1].phase > lines[0].phase
    assert int(film.scene.clocks[0].step) == 0
    np.testing.assert_allclose(lines[0].vectors, -space["field_velocity"][0])
    low, high = (end(film.scene.views[0].corners, axis=0) for end in (np.min, np.max))
    assert ((lines[0].starts > low) & (lines[0].starts < high)).all()
    across, up, deep = ((lines[0].starts - (low + high) / 2) @ lines[0].orbit.axes.T).T
    assert np.abs(deep).max() < 1e-6, "one layer, that faces the viewer"
    assert min(np.ptp(across), np.ptp(up)) > 0.4 * min(high - low)
    assert np.ptp(across) > 2 * 0.4, "the control: not all at one place"
    before, after = (shot.frame.astype(int).sum(-1) for shot in shots)
    assert (np.abs(before - after) > 20).mean() > 0.002


def test_in_space_words_in_the_corner_leave_the_box_alone(cinema, space):
    film = cinema("drift", flow=space)
    film.at(1.2 + 0.8 + 0.5, duration=SECONDS)
    words = next(m for m in film.scene.mobjects if any("blob" in getattr(n, "body", "") for n in m.get_family()))
    stage = film.scene.views[0].rect
    assert words.width < 0.45 * (stage[1] - stage[0])


def test_in_space_the_box_is_whole_until_the_data_stand_beside(cinema, space):
    film = cinema("drift", flow=space)
    shots = film.play([(k, k + 1) for k in range(0, 100, 9)], (480, 270), duration=SECONDS)
    cages = [shot.rasters["Cage"][0] for shot in shots]
    assert len(cages) > 8
    assert [cage.whole() for cage in cages] == [1.0] * len(cages)
    view = film.scene.views[0]
    view.look(1, degrees=0)
    view.made[0].box = view.fit(space.target)
    assert view.made[0].whole() < 1, "the control: nearer, as the data alone would have it"


def test_the_one_that_is_followed_goes_a_long_way_across_the_picture(cinema, space):
    film = cinema("drift", flow=space)
    film.play([(0, 1)], (480, 270), alone=False)
    view, x = film.scene.views[0], np.asarray(space["x"], float)
    hero = film.rasters()["Trails3D"][-1].recorded[:, 0]
    ways = np.linalg.norm(view.in_the_end(x[-1]) - view.in_the_end(x[0]), axis=-1)
    own = np.linalg.norm(view.in_the_end(hero[-1]) - view.in_the_end(hero[0]))
    assert own >= np.quantile(ways, 0.9)
    assert own < ways.max(), "no outlier"


def test_particles_are_not_scaled_away_from_the_field_that_carries_them(cinema, recorded):
    """Where the noise is larger than the frame, particles come in from outside: the field was probed in plain space."""
    sampler = {"kind": "ddim", "steps": STEPS, "chains": 50}
    record = {"fields": ["velocity"], "grid": GRID}
    run = recorded("spiral", schedule={"kind": "karras"}, sampler=sampler, record=record)
    assert run.rescaled
    film = cinema("drift", flow=run)
    (shot,) = film.at(RIDE + 0.5 * SECONDS, **ARROWS)
    riders, step = shot.rasters["PointCloud"][-1], int(film.scene.clocks[0].step)
    np.testing.assert_allclose(riders.xy, run["x"][step])
    assert not np.allclose(riders.xy, run.states[step])


@pytest.fixture(scope="module")
def with_data(recorded):
    """The exact field, and data enough to know it by."""
    record = {"fields": ["velocity"], "grid": [15, 10], "target_points": 2000}
    return recorded("spiral", sampler={"kind": "ddim", "steps": 20, "chains": 50}, record=record)


def as_learned(run, times=1.0):
    """The same field as if a network had it, so many times too strong at each step."""
    field = run["field_velocity"] * np.broadcast_to(times, len(run["field_velocity"]))[:, None, None, None]
    return Trajectory(run.file, run.meta | {"model": {"kind": "learned"}}, run.arrays | {"field_velocity": field})


def test_the_error_of_a_learned_field_is_that_of_the_field_of_the_data(with_data):
    places, field = FlowField(with_data, "velocity").places, np.asarray(with_data["field_velocity"])
    assert field_error(with_data, places, field) is None, "the control: of the exact model"
    right = field_error(as_learned(with_data), places, field)
    assert right.shape == (20,)
    assert right.max() < 0.5, "other points of the same data"
    assert right[5:18].max() < 0.2
    for much in (0.4, 3.0):
        off = field_error(as_learned(with_data), places, (1 + much) * field)
        assert off[5:18] == pytest.approx(np.full(13, much), abs=0.3)
    few = Trajectory(with_data.file, with_data.meta, with_data.arrays | {"target": with_data["target"][:100]})
    assert field_error(as_learned(few), places, field) is None, "too few data to know"


def test_a_learned_field_is_faint_where_it_is_mostly_error_and_nowhere_else(with_data):
    assert (FlowField(with_data, "velocity").trusted == 1).all(), "of the exact model"
    wrong = np.where(np.arange(20) < 6, 3.5, 1.0)
    trusted = FlowField(as_learned(with_data, wrong), "velocity").trusted
    assert trusted[:6] == pytest.approx(np.full(6, FAINT))
    assert (trusted[6:] == 1).all()


def test_in_the_frame_the_field_is_faint_where_it_is_mostly_error(cinema, with_data):
    wrong = np.where(np.arange(20) < 10, 3.5, 1.0)
    film = cinema("drift", flow=as_learned(with_data, wrong))
    for step, faint in ((4, True), (15, False)):
        (shot,) = film.at(RIDE + SECONDS * path_length(with_data["x"]).course(step + 0.3), **ARROWS)
        (field,) = shot.rasters["VectorField"]
        assert (field.get_fill_opacity() == pytest.approx(FAINT)) == faint
