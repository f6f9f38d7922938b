"""The forward scene read back: the cloud, its colour, its marginals, its tiles and its curves are the recording's."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from diffrender.animation.colors import turned
from diffrender.animation.parts.cloud_tiles import AHEAD, CloudTiles, even_steps
from diffrender.animation.parts.forward_step import EARLY, one_step, steps_of, told_step
from diffrender.animation.parts.marginals import BINS, Marginal, distance_to_noise, towards_the_bell
from diffrender.animation.parts.schedule_plot import alpha_bar
from diffrender.animation.text.numbers import Running
from diffrender.diffusion import schedules
from diffrender.trajectory.reader import Trajectory

ASKED = 0.2  # seconds in which the question of the first frame goes
SECONDS, STEPS, CHAINS, TILES = 2.0, 20, 50, 7
NOW = 13  # the step looked at
VISIBLE = -7.0, 5.5  # log-SNR within which time passes evenly, as far as it does
SHIFTS = [(3, 0), (0, 3), (-3, 0), (0, -3)]
FAR = 60  # of the colours' sum of differences: more is another colour


@pytest.fixture(scope="module")
def run(recorded):
    return recorded("spiral", sampler={"kind": "forward", "steps": STEPS, "chains": CHAINS})


@pytest.fixture(scope="module")
def film(cinema, run):
    course = np.linspace(0, 1, 2001)
    line = pace(run)
    seconds = SECONDS * float(np.median(course[[line.step(u) == NOW for u in course]]))
    film = cinema("forward", run=run)
    film.shot = film.at(ASKED + seconds, duration=SECONDS, hero=False, interpolate=False, halts=False)[0]
    return film


def pace(run):
    """How recorded time passes: what cannot be seen to change is passed fast."""
    with np.errstate(divide="ignore"):
        snr = 2 * np.log(run["alpha"] / run["sigma"])
    return towards_the_bell(run.states, float(run["sigma"][-1]), np.clip(snr, *VISIBLE))


@pytest.fixture(scope="module")
def shot(film):
    return film.shot


def mixed(read, run, step):
    """The colour of noise that makes up this share of the variance."""
    share = float(run["sigma"][step] ** 2 / (run["alpha"][step] ** 2 + run["sigma"][step] ** 2))
    return turned(read.LOOK.data, read.LOOK.samples, share)


def followed(shot):
    """The cloud that follows the recording."""
    _, cloud, *_ = (mob for mob in shot.rasters["PointCloud"] if mob.recorded is not None)  # over what is left of x_0
    return cloud


def test_the_cloud_is_the_recorded_state(read, shot, run):
    cloud = followed(shot)
    assert cloud.step == NOW
    assert np.array_equal(cloud.xy, run["x"][NOW])
    assert not np.array_equal(cloud.xy, run["x"][NOW - 1])


def on_points(read, shot, frame, run, step):
    """Colours of the pixels at the recorded points of a step that lie apart from all others and from the data."""
    cloud, at = followed(shot), read.laid(run["x"][step], followed(shot))
    others = np.concatenate([at, read.laid(run["alpha"][NOW] * run["x"][0], cloud)])
    rows, columns = read.window(cloud, 8)
    gaps = np.sort(np.hypot(*(at[:, None] - others).transpose(2, 0, 1)), axis=1)[:, 1]
    inside = (at > [columns.start, rows.start]).all(1) & (at < [columns.stop, rows.stop]).all(1)
    where = np.floor(at[inside & (gaps > 4 * cloud.radius[0] * read.UNIT)]).astype(int)
    assert len(where) >= 8
    return frame[where[:, 1], where[:, 0]].astype(int)


def check_points(read, shot, frame, run, step, color):
    """Every point that stands alone is drawn where it was recorded, in this colour over the panel's."""
    alpha = followed(shot).alpha
    wanted = alpha * read.rgb(color) + (1 - alpha) * read.rgb(read.LOOK.panel)
    off = np.abs(on_points(read, shot, frame, run, step) - wanted).sum(1)
    assert (off < FAR / 4).all()


def test_points_are_where_they_were_recorded_in_the_colour_of_their_noise(read, shot, run):
    check_points(read, shot, shot.frame, run, NOW, mixed(read, run, NOW))


@pytest.mark.parametrize("shift", [tuple(2 * s for s in shift) for shift in SHIFTS])
def test_points_elsewhere_are_found_out(read, shot, run, shift):
    with pytest.raises(AssertionError):
        check_points(read, shot, np.roll(shot.frame, shift, (0, 1)), run, NOW, mixed(read, run, NOW))


@pytest.mark.parametrize("off", [-3, 3])
def test_points_of_another_step_and_colours_of_another_noise_are_found_out(read, shot, run, off):
    with pytest.raises(AssertionError):
        check_points(read, shot, shot.frame, run, NOW + off, mixed(read, run, NOW))
    with pytest.raises(AssertionError):
        check_points(read, shot, shot.frame, run, NOW, mixed(read, run, NOW + off))


def test_colours_go_from_the_data_to_the_noise(cinema, read, run):
    film = cinema("forward", run=run)
    film.at(0.5, duration=SECONDS)
    tints = film.scene.tints
    assert tints == [mixed(read, run, k) for k in range(STEPS + 1)]
    assert tints[0] == read.LOOK.data
    assert np.abs(read.rgb(tints[-1]) - read.rgb(read.LOOK.samples)).max() <= 2
    assert len(set(tints)) >= STEPS  # the first step changes too little to be told


# ---- histograms and bell ---------------------------------------------------------------------------------------------
def marginals(film):
    """The histograms, as they are bound to the clock."""
    parts = [getattr(show, "__self__", None) for show in film.scene.clocks[0].bound]
    return [part for part in parts if isinstance(part, Marginal)]


def check_histogram(read, frame, marginal, x, color):
    """Along the middle of every bin, as many pixels are inked as the recorded share of it says."""
    counts, edges = np.histogram(x, marginal.edges)
    density = counts / (len(x) * np.diff(edges))
    panel, ink = read.rgb(read.LOOK.bg).astype(float), read.rgb(color).astype(float)
    inked = (frame - panel) @ (ink - panel) / ((ink - panel) @ (ink - panel)) > 0.4
    middles = (edges[:-1] + edges[1:]) / 2
    scale = (marginal.box.width if marginal.upright else marginal.box.height) * read.UNIT / marginal.highest
    ends = read.pixel_of(marginal.place(middles, density))
    for k in range(BINS):
        if density[k] * scale < 6:
            continue
        low = read.pixel_of(marginal.place(middles[k : k + 1], np.zeros(1)))[0]
        line = np.linspace(low, ends[k], 40)[6:-6]
        px = np.floor(line).astype(int)
        assert inked[px[:, 1], px[:, 0]].mean() > 0.8, "a bar is too short"
        away = ends[k] + (ends[k] - low) / np.hypot(*(ends[k] - low)) * 4
        x_, y = np.floor(away).astype(int)
        bell = frame[y - 3 : y + 4, x_ - 3 : x_ + 4].min(-1).max() > 140  # the white curve passes there
        assert bell or not inked[y, x_], "a bar is too long"


def test_histograms_are_those_of_the_recorded_coordinates(read, film, shot, run):
    pair = marginals(film)
    assert [m.axis for m in pair] == [0, 1]
    for marginal in pair:
        check_histogram(read, shot.frame, marginal, run["x"][NOW][:, marginal.axis], mixed(read, run, NOW))


@pytest.mark.parametrize("step", [0, 4, STEPS])
def test_histograms_of_another_step_or_axis_are_found_out(read, film, shot, run, step):
    for marginal in marginals(film):
        with pytest.raises(AssertionError):
            check_histogram(read, shot.frame, marginal, run["x"][step][:, marginal.axis], mixed(read, run, NOW))
        with pytest.raises(AssertionError):
            check_histogram(read, shot.frame, marginal, run["x"][NOW][:, 1 - marginal.axis], mixed(read, run, NOW))


def test_the_bell_is_the_normal_density_in_the_scale_of_the_bars(film):
    for marginal in marginals(film):
        x = np.linspace(*marginal.edges[[0, -1]], 160)
        wanted = marginal.place(x, np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi))
        drawn = np.array(marginal.bell.get_anchors())[::2, :2]
        assert np.abs(drawn - wanted[:-1]).max() < 0.01
        narrow = marginal.place(x, np.exp(-(x**2) / 2 / 0.81) / np.sqrt(2 * np.pi * 0.81))
        assert np.abs(drawn - narrow[:-1]).max() > 0.01  # another deviation is found out


def test_the_distance_to_the_bell_is_within_its_band_for_noise_nine_times_in_ten_and_not_for_data():
    noise = np.random.default_rng(1).standard_normal((60, 300, 2))
    distances, (low, high) = distance_to_noise(noise, 1.0)
    assert 0.75 < ((low < distances) & (distances < high)).mean() < 1
    assert distance_to_noise(0.8 * noise, 1.0)[0].min() > high


def test_time_passes_slowly_where_the_distance_falls_and_fast_where_it_is_noise_already():
    angle, random = np.linspace(0, np.pi / 2, 41), np.random.default_rng(0)
    x0, noise = random.choice([-1.0, 1.0], (500, 2)), random.standard_normal((41, 500, 2))
    states = np.cos(angle)[:, None, None] * x0 + np.sin(angle)[:, None, None] * noise
    distance, (_, usual) = distance_to_noise(states, 1.0)
    noise_from, evenly = int(np.argmax(distance < usual)), np.linspace(5, -5, 41)
    assert 10 < noise_from < 36
    line = towards_the_bell(states, 1.0, evenly)
    assert (line.step(0), line.step(1)) == (0, 40)
    assert line.course(noise_from) == pytest.approx(1 / 3 + 2 / 3 * noise_from / 40, abs=0.01)
    still = towards_the_bell(np.repeat(states[:1], 41, 0), 1.0, evenly)  # the control: nothing comes nearer
    assert still.course(noise_from) == pytest.approx(noise_from / 40, abs=0.01)


# ---- the end ---------------------------------------------------------------------------------------------------------
def quantile_distance(x):
    """Root mean square of sorted values from the normal quantiles along 16 directions, the test's own way."""
    bell = np.array([NormalDist().inv_cdf((k + 0.5) / len(x)) for k in range(len(x))])
    ways = [np.array([np.cos(angle), np.sin(angle)]) for angle in np.arange(16) * np.pi / 16]
    return np.sqrt(np.mean([np.square(np.sort(x @ way) - bell).mean() for way in ways]))


def ended(cinema, run, **options):
    """The scene as it ends, and the last frame's clouds."""
    film = cinema("forward", run=run)
    *_, last = film.play([(0, 10**6)], (320, 180), fps=4, duration=SECONDS, **options)
    return film, last.rasters["PointCloud"]


def test_it_ends_on_normal_draws_beside_what_the_data_have_become(cinema, run):
    film, clouds = ended(cinema, run)
    last, drawn = sorted(clouds, key=lambda cloud: cloud.points[0, 0])
    assert np.allclose(last.xy, run["x"][-1], atol=1e-6)
    assert len(drawn.xy) == CHAINS
    assert last.box == drawn.box, "one scale"
    assert np.abs(quantile_distance(drawn.xy) - quantile_distance(run["x"][0])) > 0.05, "the draws are not the data"
    said = bodies(film)
    assert any(f"{quantile_distance(run['x'][-1]):.3f}" in text for text in said)
    assert not any(f"{quantile_distance(run['x'][-2]):.3f}" in text for text in said), "the control: another step"


def bodies(film):
    """All texts on screen."""
    return [mob.body for top in film.scene.mobjects for mob in top.get_family() if hasattr(mob, "body")]


@pytest.mark.parametrize("left", [0.0, 0.3])
def test_nothing_of_the_data_is_left_is_said_where_it_is_so(cinema, run, left):
    """Of the same states, in whose variance the data have a share, nothing is said."""
    alpha, sigma = (np.array(run[key]) for key in ("alpha", "sigma"))
    alpha[-1], sigma[-1] = left, np.sqrt(1 - left**2)
    x = np.array(run["x"])
    x[-1] = np.random.default_rng(1).standard_normal((CHAINS, 2))
    film, _ = ended(cinema, Trajectory(run.file, run.meta, run.arrays | {"x": x, "alpha": alpha, "sigma": sigma}))
    assert any("The shape is gone" in text for text in bodies(film)) == (left == 0), bodies(film)


@pytest.mark.parametrize("wide", [1.0, 1.5])
def test_it_says_which_distance_is_meant_and_whether_true_draws_are_as_near(cinema, run, wide):
    x = np.array(run["x"])
    x[-1] = wide * np.random.default_rng(1).standard_normal((CHAINS, 2))
    said = bodies(ended(cinema, Trajectory(run.file, run.meta, run.arrays | {"x": x}))[0])
    assert any("sliced Wasserstein" in text and "cal(N)(0, I)" in text and "normal samples" in text for text in said)
    assert any("as near" in text.lower() for text in said) == (wide == 1.0)
    assert any("farther" in text.lower() for text in said) == (wide == 1.5)


def test_states_whose_coordinates_are_normal_but_not_independent_are_found_out():
    line = np.random.default_rng(1).standard_normal((300, 1))
    far, (_, high) = distance_to_noise(np.repeat(line, 2, axis=1)[None], 1.0)
    assert far[0] > 2 * high


# ---- halts ----------------------------------------------------------------------------------------------------------
def test_one_recorded_step_is_taken_apart(cinema, run):
    film = cinema("forward", run=run)
    told = []
    for k in range(40, 140, 4):
        film.play([(0, k)], (320, 180), fps=20, duration=SECONDS)
        arrows = [mob for mob in film.scene.mobjects if type(mob).__name__ == "StepArrow"]
        if len(arrows) == 2 and len(arrows[1].face.points):
            told = arrows
            break
    assert told, "no step is told of"
    view, hero = film.scene.stage, film.scene.hero.chain
    a = np.asarray(run["alpha"], float)
    x = np.asarray(run["x"], float)[:, hero]
    ends = [view.to_scene(np.array([x[k], a[k + 1] / a[k] * x[k], x[k + 1]])) for k in range(STEPS)]
    drawn = np.array([told[0].start[:2], told[0].end[:2], told[1].end[:2]])
    off = [np.abs(each - drawn).max() for each in ends]
    assert sorted(off)[0] < 1e-3 < 0.05 < sorted(off)[1]
    step = int(np.argmin(off))
    assert any(f"{a[step + 1] / a[step]:.3f}" in text for text in bodies(film))


def stood(cinema, run, seconds):
    """The scene so late in the halt for one step, with all that is said in it."""
    film = cinema("forward", run=run)
    for k in range(40, 200, 4):
        film.play([(0, k)], (320, 180), fps=20, duration=seconds)
        if any("together" in text for text in bodies(film)):
            return film
    raise AssertionError("the steps so far are not told of")


def test_all_steps_until_then_are_multiplied_to_what_the_equation_says(cinema, run):
    film, alpha = stood(cinema, run, SECONDS), np.asarray(run["alpha"], float)
    (product,) = [text for text in bodies(film) if "dots.c" in text]
    step = int(film.scene.clocks[0].step) + 1
    assert f"macron(alpha)_{step}" in product
    assert f"= {alpha[step]:.3f}" in product
    assert f"= {alpha[step - 1]:.3f}" not in product, "the control: of another step"
    assert any(f"x_{step}" in text and f"{float(run['sigma'][step]):.3f}" in text for text in bodies(film))
    assert not any("x_(t-1)" in text for text in bodies(film)), "t is no number of steps"


def test_what_is_left_of_the_data_shrinks_as_the_equation_says(film, shot, run):
    left = next(c for c in shot.rasters["PointCloud"] if c.recorded is not None and c is not followed(shot))
    assert np.allclose(left.xy, run["alpha"][NOW] * run["x"][0], atol=1e-5)
    assert not np.allclose(left.xy, run["x"][0], atol=0.05), "the control: the data as they began"


@pytest.mark.parametrize("between", [True, False])
def test_a_last_step_that_is_nearly_all_noise_is_said(cinema, run, between):
    film, _ = film_until(cinema, run, interpolate=between)
    assert any("last step" in text for text in bodies(film)) == between
    data, noise = one_step(run, STEPS - 1)
    assert data.split()[0] == f"{steps_of(run)[0][-1]:.3f}"
    assert noise.endswith(f"epsilon_{STEPS}")


def film_until(cinema, run, **options):
    """The scene as it is shortly before its last step."""
    film = cinema("forward", run=run)
    shots = film.play([(0, round(20 * (ASKED + 0.995 * SECONDS)))], (320, 180), fps=20, duration=SECONDS, halts=False,
                      pause=0.0, **options)  # fmt: skip
    return film, shots


def test_the_close_up_shows_all_points_of_that_step_in_small(cinema, read, run):
    film = cinema("forward", run=run)
    small = []
    for k in range(40, 140, 4):
        (shot,) = film.play([(k, k + 1)], (320, 180), fps=20, duration=SECONDS)
        stage = followed(shot).width
        small = [c for c in shot.rasters["PointCloud"] if 0.2 * stage < c.width < 0.5 * stage and len(c.xy) == CHAINS]
        if small and any(type(mob).__name__ == "StepArrow" for mob in film.scene.mobjects):
            break
    assert len(small) == 1
    step = int(film.scene.clocks[0].step)
    assert np.allclose(small[0].xy, run["x"][step])
    assert not np.allclose(small[0].xy, run["x"][step + 1]), "the control: another step"


def test_a_step_takes_of_the_point_what_the_schedule_says_and_adds_what_is_missing(run):
    factor, added = steps_of(run)
    alpha, sigma = (np.asarray(run[key], float) for key in ("alpha", "sigma"))
    np.testing.assert_allclose(factor * alpha[:-1], alpha[1:], atol=1e-6)
    np.testing.assert_allclose(np.square(factor * sigma[:-1]) + np.square(added), np.square(sigma[1:]), atol=1e-6)
    step = told_step(run, np.asarray(run["x"], float)[:, 0])
    assert sigma[step + 1] ** 2 < EARLY
    assert np.prod(factor[:step]) == pytest.approx(alpha[step], abs=1e-6)
    kick = np.linalg.norm(run["x"][step + 1, 0] - factor[step] * run["x"][step, 0])
    assert kick > 0.5 * added[step] * np.sqrt(2), "noise of its usual length"
    assert told_step(run, np.zeros((STEPS + 1, 2))) is None


# ---- tiles -----------------------------------------------------------------------------------------------------------
def strip(film):
    """The tiles, as they are bound to the clock."""
    parts = [getattr(show, "__self__", None) for show in film.scene.clocks[0].bound]
    return next(part for part in parts if isinstance(part, CloudTiles))


def test_tiles_show_seven_different_recorded_states_named_by_their_time(film, run):
    tiles = strip(film)
    assert len(tiles.steps) == len(set(tiles.steps.tolist())) == TILES
    assert (np.diff(tiles.steps) > 0).all()
    for step, made in zip(tiles.steps, tiles.tiles, strict=True):
        assert np.array_equal(made[-1].xy, run["x"][step])
        assert not np.array_equal(made[-1].xy, run["x"][(step + 1) % (STEPS + 1)])
    names = [text.body for text in tiles.names]
    assert [name[-4:] for name in names] == [f"{run['time'][step]:.2f}" for step in tiles.steps]
    assert ["$t =$" in name for name in names] == [True] + [False] * (TILES - 1)


def test_lines_lead_from_the_time_of_each_tile_on_the_axis_to_it(film, run):
    tiles, plot = strip(film), next(p for p in plots(film))
    for step, name, place in zip(tiles.steps, tiles.names, tiles.places, strict=True):
        x = plot.axes.at(float(run["time"][step]), 1)[0]
        ends = [mob.points[[0, -1], :2] for mob in plot.standing if len(mob.points) and not mob.submobjects]
        found = [e for e in ends if np.allclose(e[0], (x, plot.axes.rect.bottom), atol=1e-6)]
        assert any(abs(e[1, 0] - place[0]) < 1e-6 and e[1, 1] >= name.get_top()[1] - 0.02 for e in found)


def plots(film):
    """The plots of the schedule that are bound to the clock."""
    parts = [getattr(show, "__self__", None) for show in film.scene.clocks[0].bound]
    return [part for part in parts if type(part).__name__ == "SchedulePlot"]


def test_tiles_to_come_are_faint(read, film, shot):
    tiles = strip(film)
    now = int(np.searchsorted(tiles.steps, NOW, side="right")) - 1
    strongest = []
    for made in tiles.tiles:
        part = shot.frame[read.window(made[-1], 6)].astype(int)
        strongest.append(int(np.abs(part - read.rgb(read.LOOK.panel)).sum(-1).max()))
    assert min(strongest[: now + 1]) > 1.3 * max(strongest[now + 1 :]) > 0
    assert AHEAD < 0.5


def test_even_steps_are_even_in_what_they_are_given_and_all_different():
    values = np.linspace(1, 0, 101) ** 3
    steps = even_steps(values, 11)
    assert np.allclose(np.diff(values[steps])[:-2], -0.1, atol=0.03)
    assert not np.allclose(np.diff(values[np.linspace(0, 100, 11).astype(int)]), -0.1, atol=0.03)
    flat = even_steps(np.zeros(30), 11)
    assert (flat[0], flat[-1], len(set(flat))) == (0, 29, 11)
    assert even_steps(np.arange(6), 11) == list(range(6))
    late = even_steps(np.array([*range(12), *range(30, 48, 2)]), 11)  # many wanted ones are near the last
    assert (late[0], late[-1], len(set(late))) == (0, 20, 11)
    assert even_steps(np.array([0] * 20 + [1]), 11)[-1] == 20


# ---- curves, cursor and numbers --------------------------------------------------------------------------------------
def check_curves(read, shot, frame, run, now):
    """The dots stand at the present, and the curves pass through every recorded value until then."""
    inks = read.rgb(read.LOOK.data), read.rgb(read.LOOK.samples)
    for curve, y, ink in zip(shot.rasters["Curve"], (run["alpha"], run["sigma"]), inks, strict=True):
        inked = np.abs(frame.astype(int) - ink).sum(-1) < 90
        at = read.laid(np.stack([run["time"], y], -1), curve)
        for k in range(1, len(at) - 1):
            near = np.s_[round(at[k, 1]) - 2 : round(at[k, 1]) + 2, int(at[k, 0])]
            assert inked[near].any() == (k <= now) or abs(at[k, 0] - at[now, 0]) < 15 or crossing(run, k)
        x, y_ = np.indices(inked.T.shape) + 0.5
        disc = np.hypot(x - at[now, 0], y_ - at[now, 1]).T < 0.09 * read.UNIT - 1.5
        assert inked[disc].all()


def crossing(run, k):
    """Whether the two curves are so near that one hides the other."""
    return abs(run["alpha"][k] - run["sigma"][k]) < 0.1


def test_curves_have_grown_to_the_present(read, shot, run):
    check_curves(read, shot, shot.frame, run, NOW)


@pytest.mark.parametrize("off", [-1, 1])
def test_curves_elsewhere_are_found_out(read, shot, run, off):
    with pytest.raises(AssertionError):
        check_curves(read, shot, shot.frame, run, NOW + off)
    for axis in (0, 1):
        with pytest.raises(AssertionError):
            check_curves(read, shot, np.roll(shot.frame, 4 * off, axis), run, NOW)


def plot_of(film):
    """The plot of the schedule, as it is bound to the clock."""
    return next(p for p in (getattr(s, "__self__", None) for s in film.scene.clocks[0].bound) if hasattr(p, "cursor"))


@pytest.mark.parametrize("size", [(640, 360), (640, 480)])
def test_log_snr_is_told_and_no_verdict_before_the_end(cinema, run, size):
    film = cinema("forward", run=run)
    film.play([(20, 21)], size, duration=SECONDS, interpolate=False, halts=False)
    step = int(film.scene.clocks[0].step)
    numbers = [m for top in film.scene.mobjects for m in top.get_family() if isinstance(m, Running)]
    told = [line.numbers[0].value for line in numbers if "log-SNR" in line.line.body]
    assert 0 < step < STEPS
    assert told == pytest.approx([2 * np.log(float(run["alpha"][step]) / float(run["sigma"][step]))], abs=1e-5)
    assert not verdicts(film)
    film.play([(0, 10**6)], size, fps=4, duration=SECONDS)
    assert verdicts(film), "the control: at the end there is one"


def verdicts(film):
    """Texts on screen that say what true draws are like, or that the states are as near as they are."""
    family = [mob for top in film.scene.mobjects for mob in top.get_family()]
    return [mob for mob in family if any(word in getattr(mob, "body", "") for word in ("normal samples", "90 %"))]


def test_cursor_and_numbers_say_the_recorded_step(read, cinema, run):
    film = cinema("forward", run=run)
    film.at(1.0, duration=SECONDS, interpolate=False, halts=False)
    clock = film.scene.clocks[0]
    step = int(clock.step)
    assert 0 < step < STEPS
    numbers = [m for top in film.scene.mobjects for m in top.get_family() if isinstance(m, Running)]
    shown = sorted(number.value for line in numbers for number in line.numbers)
    alpha, sigma = float(run["alpha"][step]), float(run["sigma"][step])
    for value in (alpha, sigma, float(run["time"][step]), step):
        assert np.abs(np.array(shown) - value).min() < 1e-5
    assert np.abs(np.array(shown) - float(run["alpha"][step - 1])).min() > 1e-3
    plot = plot_of(film)
    assert plot.cursor.get_x() == pytest.approx(plot.axes.at(float(run["time"][step]), 1)[0], abs=1e-6)
    assert plot.even == pytest.approx(0.5, abs=0.02)  # of the cosine schedule


@pytest.mark.parametrize(
    ("name", "schedule"), [("linear",) * 2, ("scaled_linear",) * 2, ("cosine", "squaredcos_cap_v2")]
)
def test_a_schedule_by_formula_is_the_one_that_recordings_are_made_with(name, schedule):
    from diffrender.config.sections import ScheduleConfig

    table = schedules.make_levels(ScheduleConfig(kind=schedule, num_train_timesteps=1000))
    time, values = alpha_bar(name)
    assert np.allclose(time, table.time)
    assert np.abs(values - np.asarray(table.alpha) ** 2).max() < 2e-3
    other = alpha_bar("linear" if name != "linear" else "cosine")[1]
    assert np.abs(other - np.asarray(table.alpha) ** 2).max() > 0.05


def test_another_schedule_is_drawn_where_it_is_asked_for(cinema, run):
    dashes = []
    for options in ({}, {"compare": "linear"}):
        film = cinema("forward", run=run)
        film.at(0.5, duration=SECONDS, **options)
        dashes.append(plot_of(film))
    plain, compared = dashes
    assert not hasattr(plain, "compared")
    time, values = alpha_bar("linear")
    line = np.array([compared.axes.at(*point) for point in zip(time, np.sqrt(values), strict=True)])
    ends = np.array(compared.compared.get_anchors())[:, :2]
    off = [np.hypot(*(line - end).T).min() for end in ends]
    assert max(off) < 0.02
    wrong = np.array([compared.axes.at(*point) for point in zip(time, np.sqrt(alpha_bar("cosine")[1]), strict=True)])
    assert max(np.hypot(*(wrong - end).T).min() for end in ends) > 0.2


# ---- the whole picture -----------------------------------------------------------------------------------------------
def test_the_first_frame_is_a_whole_picture(cinema, run):
    first, later = cinema("forward", run=run).play([(0, 1), (8, 9)], duration=SECONDS)
    assert np.array_equal(first.frame, later.frame)
    assert (np.abs(first.frame.astype(int) - first.frame[0, 0]).sum(-1) > 60).mean() > 0.02
    assert first.rasters.keys() >= {"PointCloud", "Curve"}


def check_apart(texts):
    """Texts whose lines share a height stand at least a third of an em apart."""
    for k, a in enumerate(texts):
        for b in texts[k + 1 :]:
            apart = max(a.get_left()[0] - b.get_right()[0], b.get_left()[0] - a.get_right()[0])
            level = min(a.get_top()[1], b.get_top()[1]) > max(a.get_bottom()[1], b.get_bottom()[1])
            assert not level or apart > a.em / 3, (a, b)


def test_in_a_tall_frame_names_and_numbers_of_the_plot_stand_apart(cinema, run):
    film = cinema("forward", run=run)
    film.play([(20, 21)], (270, 480), duration=SECONDS, halts=False)
    family = [mob for top in film.scene.mobjects for mob in top.get_family()]
    wanted = ("SNR = 1", "macron(alpha)_t)$", "log-SNR", "0.5")
    texts = [mob for mob in family if any(text in getattr(mob, "body", "") for text in wanted)]
    assert len(texts) >= 5
    check_apart(texts)
    said = next(text for text in texts if "SNR = 1" in text.body)
    said.shift(next(text for text in texts if text is not said).get_center() - said.get_center())
    with pytest.raises(AssertionError):
        check_apart(texts)


def test_no_text_overlaps_or_leaves_the_frame(cinema, run, shape, look):
    assert cinema("forward", run=run).layout(shape, look, duration=4) == []


def test_no_text_overlaps_where_another_schedule_is_drawn_in_a_frame_of_four_to_three(cinema, run):
    assert cinema("forward", run=run).layout((512, 384), duration=2, compare="cosine", trails=5) == []


def test_space_is_shown_too(cinema, recorded):
    run = recorded("torus", sampler={"kind": "forward", "steps": 10, "chains": 20})
    film = cinema("forward", run=run)
    assert film.layout((270, 480), duration=4) == []
    assert [m.axis for m in marginals(film)] == [0, 1, 2]
    assert not any("recorded step" in text for text in bodies(film))


# ---- images ----------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def dissolving(recorded):
    return recorded("digits", sampler={"kind": "forward", "steps": 30, "chains": 9}, record={"frames": 100})


def test_images_dissolve_as_they_were_recorded(cinema, dissolving):
    (shot,) = cinema("forward", run=dissolving).at(1.0, duration=SECONDS, halts=False)
    said = dissolving.meta["target"]
    (grid,) = [g for g in shot.rasters["ImageGrid"] if g.rows > 1]
    shown = grid.recorded[int(grid.step)][grid.chains]
    wanted = dissolving["x"][int(grid.step)][: len(shown)].astype(np.float32) * said["scale"] + said["offset"][0]
    assert np.allclose(shown, wanted, atol=1e-3)
    assert not np.allclose(shown, dissolving["x"][0][: len(shown)], atol=0.1), "the control: it is not the start"
    assert len([g for g in shot.rasters["ImageGrid"] if g.rows == 1]) == TILES


def test_images_fit_every_frame(cinema, dissolving, shape, look):
    assert cinema("forward", run=dissolving).layout(shape, look, every=9, duration=2.0) == []
