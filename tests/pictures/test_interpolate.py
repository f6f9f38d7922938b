"""The interpolate scene read back: which recorded chains stand where on the way, in every shape of frame."""

from __future__ import annotations

import numpy as np
import pytest

from diffrender.animation.parts.pictures import contrast
from diffrender.animation.text.numbers import Running
from diffrender.core.errors import RenderError
from diffrender.trajectory.reader import Trajectory

DURATION = 4.0
RUN = 0.8 + 1.5  # seconds until noise becomes images: time runs back, and the noises stand
BACK = RUN + 0.4 * DURATION  # until the middle goes back to an end, in so many seconds as until it stands there
WALK = BACK + 1.6 + 1.0  # until the walk begins
PLACES, CLASSES = 6, 10


@pytest.fixture(scope="module")
def runs(recorded):
    def run(start):
        return recorded(
            "digits",
            model={"kind": "gaussian", "conditional": True},
            schedule={"kind": "karras", "sigma_min": 0.02},
            sampler={"kind": "ddim", "steps": 6, "chains": PLACES * CLASSES, "start": start},
            record={"keep": [], "target_points": 0, "nearest": False},
        )

    return {"circle": run("slerp"), "line": run("lerp")}


def images_of(run, places, label):
    """The last recorded states of a class at some places, in [−1, 1]."""
    said = run.meta["target"]
    chains = [place * CLASSES + label for place in places]
    return run["x"][-1].astype(np.float32)[chains] / run.scale[-1] * said["scale"] + said["offset"][0]


def hero(runs):
    """The class whose two ends differ most on the circle."""
    far = [np.square(np.diff(images_of(runs["circle"], [0, PLACES - 1], k), axis=0)).sum() for k in range(CLASSES)]
    return int(np.argmax(far))


def test_the_walk_shows_recorded_chains_of_either_way_from_one_end_to_the_other(cinema, runs):
    scene, label = cinema("interpolate", **runs), hero(runs)
    seconds = 0.6 * DURATION
    for part, place in ((0.05, 0), (0.42, 2), (0.99, 5)):
        (shot,) = scene.at(WALK + part * seconds, duration=DURATION)
        circle, line = [grid for grid in shot.rasters["ImageGrid"] if len(grid.chains) == 1]
        assert np.allclose(circle.images, images_of(runs["circle"], [place], label), atol=1e-3), part
        assert np.allclose(line.images, images_of(runs["line"], [place], label), atol=1e-3), part
        other = images_of(runs["circle"], [place - 1 if place else 1], label)
        assert not np.allclose(circle.images, other, atol=0.02), "the control: another place"


def test_each_strip_holds_its_own_way(cinema, runs):
    start, shot = cinema("interpolate", **runs).at(RUN + 0.1, BACK + 0.2, duration=DURATION)
    strips = sorted((g for g in shot.rasters["ImageGrid"] if len(g.chains) > 1), key=lambda grid: -grid.points[0, 1])
    places = (0, 1, 2, 4, 5)  # as even as there are
    chains = [place * CLASSES + hero(runs) for place in places]
    for strip, name in zip(strips, ("circle", "line"), strict=True):
        assert strip.chains == chains
        assert np.array_equal(strip.recorded.recorded, runs[name]["x"])
    for grid in (g for g in start.rasters["ImageGrid"] if len(g.chains) == 1):
        assert grid.recorded is not None, "large ones come out of noise with them"
        assert grid.step < strips[0].step == runs["line"].steps
    assert not np.array_equal(strips[0].recorded.recorded, runs["line"]["x"]), "the control: the other way"


def test_curves_are_lengths_of_the_noise_and_contrasts_of_the_images(cinema, runs):
    (shot,) = cinema("interpolate", **runs).at(WALK + 0.1, duration=DURATION)
    curves = shot.rasters["Curve"]
    wanted = [(step, name) for step in (0, -1) for name in ("circle", "line")]
    for curve, (step, name) in zip(curves, wanted, strict=True):
        run = runs[name]
        if step:
            chains = list(range(hero(runs), PLACES * CLASSES, CLASSES))
            assert np.allclose(curve.y, contrasts(run, chains), atol=1e-6)
            assert curve.box[2] <= 0, "the axis begins at 0"
            continue
        x = run["x"][step].astype(float)[hero(runs) :: CLASSES] / run.scale[step]
        assert np.allclose(np.hypot(curve.x, curve.y), np.sqrt((x**2).mean((1, 2, 3))), rtol=1e-6), "in their plane"
    circle, line = (np.stack([curve.x, curve.y], 1) for curve in curves[:2])
    assert np.hypot(*line[2]) < 0.8 * np.hypot(*circle[2]), "the straight line is shorter in its middle"
    share = np.arange(PLACES)[:, None] / (PLACES - 1)
    assert np.allclose(line, (1 - share) * line[0] + share * line[-1], atol=0.005), "it is straight"
    assert not np.allclose(circle, (1 - share) * circle[0] + share * circle[-1], atol=0.1), "the control"


def test_time_runs_back_through_recorded_states(cinema, runs):
    film = cinema("interpolate", **runs)
    (shot,) = film.at(0.4, duration=DURATION)
    steps = {grid.step for grid in shot.rasters["ImageGrid"]}
    assert steps == {film.scene.clocks[0].step}
    assert 0 < steps.pop() < runs["circle"].steps


def length(runs, name, step, place):
    """Root mean square of a recorded state of the hero's class, in the data's deviations."""
    run = runs[name]
    x = run["x"][step].astype(float)[place * CLASSES + hero(runs)] / run.scale[step]
    return np.sqrt((x**2).mean())


def test_the_contrast_that_is_told_is_that_of_the_large_image(cinema, runs):
    film = cinema("interpolate", **runs)
    for seconds, place in ((RUN + 0.1, 2), (WALK + 0.05 * 0.6 * DURATION, 0)):
        (shot,) = film.at(seconds, duration=DURATION)
        large = next(grid for grid in shot.rasters["ImageGrid"] if len(grid.chains) == 1)
        step = -1 if large.recorded is None else int(large.step)
        lines = [mob for mob in film.scene.mobjects if isinstance(mob, Running)]
        told = [mob.numbers[0].value for mob in sorted(lines, key=lambda line: "u =" in line.line.body)]
        found = [contrasts(runs[name], [place * CLASSES + hero(runs)], step)[0] for name in ("circle", "line")]
        assert told == pytest.approx([*found, place / (PLACES - 1)], rel=1e-5)


def contrasts(run, chains, step=-1):
    """The deviation over pixels of what is shown of recorded states, channel by channel."""
    said = run.meta["target"]
    shown = run["x"][step].astype(float)[chains] / run.scale[step] * said["scale"] + said["offset"][0]
    shown = np.clip(shown, -1, 1) / 2
    return np.sqrt(np.square(shown - shown.mean((2, 3), keepdims=True)).mean((1, 2, 3)))


def bodies(film):
    return [m.body for top in film.scene.mobjects for m in top.get_family() if hasattr(m, "body")]


def test_it_ends_on_images_at_places_of_the_strips_each_with_its_contrast(cinema, runs):
    film = cinema("interpolate", **runs)
    (shot,) = film.at(WALK + 0.6 * DURATION + 1.0 + 1.3, duration=DURATION)
    chains = [place * CLASSES + hero(runs) for place in (0, 1, 2, 4, 5)]
    grids = sorted(shot.rasters["ImageGrid"], key=lambda grid: -grid.points[0, 1])
    assert [grid.chains for grid in grids] == [chains] * 2
    assert [grid.step for grid in grids] == [runs["circle"].steps] * 2
    assert np.array_equal(grids[1].recorded.recorded, runs["line"]["x"])
    assert "Curve" not in shot.rasters, "the plots made room"
    told = [text[-4:] for text in bodies(film)]
    for run in runs.values():
        assert {f"{c:.2f}" for c in contrasts(run, chains)} <= set(told)


def test_contrast_is_of_what_is_shown_and_not_how_light_it_is():
    flat, half = np.full((1, 3, 4, 4), 0.7), np.where(np.arange(4) < 2, -1.0, 1.0) * np.ones((1, 3, 4, 1))
    assert contrast(flat) == pytest.approx(0)
    assert contrast(half) == pytest.approx(0.5)
    assert contrast(3 * half) == pytest.approx(0.5), "what lies outside is shown as black and white"
    assert contrast(0.4 * half + 0.3) == pytest.approx(0.2)


def test_last_come_all_classes_half_way_and_how_many_lose_some(cinema, runs):
    film = cinema("interpolate", **runs)
    (shot,) = film.at(WALK + 0.6 * DURATION + 1.0 + 1.1 + 3.0 + 1.4, duration=DURATION)
    grids = sorted(shot.rasters["ImageGrid"], key=lambda grid: -grid.points[0, 1])
    half = round(0.5 * (PLACES - 1)) * CLASSES + np.arange(CLASSES)
    circle, line = (contrasts(runs[name], half) for name in ("circle", "line"))
    assert [grid.chains for grid in grids] == [half.tolist()] * 2
    assert np.array_equal(grids[1].recorded.recorded, runs["line"]["x"])
    said = bodies(film)
    assert any(f"{int((line < circle).sum())} of {CLASSES}" in text for text in said)
    assert sum(f"{line[np.argmax(circle)]:.2f}" in text for text in said) >= 1
    assert not any("class " in text for text in said), "the caption is of one class no more"


def test_noises_stand_before_there_is_anything_to_say_of_images(cinema, runs):
    film = cinema("interpolate", **runs)
    first, last = film.at(0.9, RUN - 0.1, duration=DURATION)
    for shot in (first, last):
        assert {grid.step for grid in shot.rasters["ImageGrid"]} == {0}
        assert len(shot.rasters["Curve"]) == 2, "the lengths of images come with them"
    said = " ".join(m.body for top in film.scene.mobjects for m in top.get_family() if hasattr(m, "body"))
    for name in ("circle", "line"):
        assert f"{length(runs, name, 0, 2):.2f}" in said, "how long the noise in the middle is"
    assert f"{length(runs, 'line', 0, 1):.2f}" not in said, "the control: beside i"


def test_why_is_said_of_noises_of_such_lengths_at_such_an_angle_alone(cinema, runs):
    def said(factor):
        given = {}
        for name, run in runs.items():
            x = np.array(run["x"], float)
            x[0] *= factor / length(runs, "circle", 0, 0)
            given[name] = Trajectory(run.file, run.meta, run.arrays | {"x": x})
        film = cinema("interpolate", **given)
        film.at(RUN - 0.2, duration=DURATION)
        return any("perpendicular" in text for text in bodies(film))

    assert said(1.0)
    assert not said(1.5), "the control: longer ones"


def test_dots_move_between_recorded_places_while_images_are_those_of_the_nearest(cinema, runs):
    film = cinema("interpolate", **runs)
    film.at(WALK + 0.33 * 0.6 * DURATION, duration=DURATION)
    walk = film.scene.walk
    at = [curve.step for curve in walk.curves]
    assert len(set(at)) == 1
    assert at[0] % 1 > 0.01, "not a recorded place"
    assert walk.told.numbers[0].value == pytest.approx(round(at[0]) / (PLACES - 1))


def test_a_frame_stands_on_the_tile_of_the_place(cinema, runs):
    film = cinema("interpolate", **runs)
    places = []
    for seconds in (BACK + 0.7, BACK + 0.8, BACK + 0.9, WALK - 0.2):
        film.at(seconds, duration=DURATION)
        places.append(float(film.scene.walk.markers[0].get_x()))
    centres = [tile.center[0] for tile in film.scene.walk.tiles[0]]
    assert all(np.isclose(centres, x).sum() == 1 for x in places), "never between two"
    assert places[3] < min(places[:3]), "towards the first"
    assert places[3] == pytest.approx(film.scene.walk.tiles[0][0].center[0])


def test_the_frame_is_as_bright_as_its_tile_is_near(cinema, runs):
    film, lights = cinema("interpolate", **runs), []
    for part in (0.03, 0.5, 0.97):
        film.at(WALK + part * 0.6 * DURATION, duration=DURATION)
        walk = film.scene.walk
        u = walk.told.numbers[0].value
        near = np.abs(walk.at - u).min()
        lights.append((near, walk.markers[0].get_stroke_opacity()))
    for grid, tiles in zip(film.scene.walk.strips, film.scene.walk.tiles, strict=True):
        left, right = grid.points[[0, 3], 0]
        assert [tiles[0].left, tiles[-1].right] == pytest.approx([left, right], abs=0.03), "frames lie on their tiles"
    for near, light in lights:
        assert light == pytest.approx(max(0.0, 1 - 8 * near), abs=1e-6), "none half way between two of five tiles"
    assert len({light for _, light in lights}) > 1, "the control: not always alike"


def test_images_grow_from_their_own_tiles_and_the_frame_is_never_empty(cinema, runs):
    end = WALK + 0.6 * DURATION + 1.0
    film, heights = cinema("interpolate", **runs), []
    for seconds in (end + 0.1, end + 0.7, end + 1.0):
        (shot,) = film.at(seconds, duration=DURATION)
        heights.append([grid.height for grid in shot.rasters["ImageGrid"] if len(grid.chains) == 1])
        if len(heights) == 1:
            tiles = [tile.center for row in film.scene.walk.tiles for tile in row]
            for grid in shot.rasters["ImageGrid"][-10:]:
                assert np.abs(np.array(tiles) - grid.get_center()[:2]).max(1).min() < 1e-6
    assert min(heights[0]) < min(heights[1]) < min(heights[2])
    for later in np.arange(0.05, 1.1, 0.1):
        (shot,) = film.at(end + 1.1 + 3.0 + later, duration=DURATION)
        light = max(float(grid.fill_opacity) for grid in shot.rasters["ImageGrid"])
        assert light > 0.4, later


def test_runs_that_are_no_walk_are_refused(cinema, runs, recorded):
    few = recorded(
        "digits",
        model={"kind": "gaussian", "conditional": True},
        sampler={"kind": "ddim", "steps": 3, "chains": 20, "start": "slerp"},
        record={"keep": [], "target_points": 0, "nearest": False},
    )
    with pytest.raises(RenderError, match="three chains"):
        cinema("interpolate", circle=few, line=few).at(0.0)


def test_it_fits_every_frame(cinema, runs, shape, look):
    assert cinema("interpolate", **runs).layout(shape, look, every=9, duration=DURATION) == []
