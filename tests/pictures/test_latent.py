"""The latent scene read back: what is decoded is the recording's image of the point shown, in every shape of frame."""

from __future__ import annotations

import numpy as np
import pytest

from diffrender.animation.parts.latent.one_noise_each_class import APART, clear_of
from tests.pictures.test_marked import drawn

SIZE, DURATION = 8, 1.0
ACTS = ("organise", "density", "manifold", "diffuse", "condition")


@pytest.fixture(scope="module")
def runs(latent_runs):
    return latent_runs


def shown(read, shot, grid):
    """(rows·8, cols·8, 3) colours in the middle of every pixel of every image of a grid."""
    (left, bottom), (right, top) = read.pixel_of(grid.points[0]), read.pixel_of(grid.points[3])
    across, down, gap = round(right - left), round(bottom - top), grid.gap * read.UNIT

    def middles(start, end, count):
        each = max(1, round((end - gap * (count - 1)) / count))
        starts = [start + k * (end - each) / max(count - 1, 1) for k in range(count)]
        return np.concatenate([s + (np.arange(SIZE) + 0.5) * each / SIZE for s in starts]).astype(int)

    return shot.frame[middles(top, down, grid.rows)[:, None], middles(left, across, grid.cols)[None]].astype(int)


def colors(read, images):
    """(H, W, 3) of an image (1, H, W) in [−1, 1]."""
    table = read.LOOK.table("image").astype(int)
    return table[np.rint((np.clip(np.asarray(images, np.float32)[0], -1, 1) + 1) / 2 * 255).astype(int)]


def largest(shot):
    """Of the grids of one image, the largest: the one that changes live."""
    single = [grid for grid in shot.rasters["ImageGrid"] if grid.rows == grid.cols == 1]
    return max(single, key=lambda grid: grid.points[3, 0] - grid.points[0, 0])


def test_the_image_beside_the_plane_is_decoded_at_the_point_shown(cinema, read, runs):
    paths = runs["paths"]
    shots = cinema("latent", **runs).at(1.4, 1.8, DURATION + 2.0, acts=["diffuse"], duration=DURATION)
    steps = set()
    for shot in shots:
        grid = largest(shot)
        step, chain = round(grid.step), grid.chains[0]
        steps.add(step)
        seen = shown(read, shot, grid)
        assert np.abs(seen - colors(read, paths["decoded"][step, chain])).max() <= 1
        away = np.abs(seen - colors(read, paths["decoded"][step, (chain + 7) % 20])).max()
        assert away > 4, "the control: another chain"
        point = next(cloud for cloud in shot.rasters["PointCloud"] if cloud.ring and len(cloud.xy) == 1)
        assert np.allclose(point.xy[0], paths.states[step][chain])
    assert len(steps) > 1


def test_the_sheet_lies_where_it_was_decoded(cinema, read, runs):
    codes = runs["codes"]
    (shot,) = cinema("latent", **runs).at(1.0, acts=["manifold"], duration=DURATION)
    sheet = next(grid for grid in shot.rasters["ImageGrid"] if grid.rows == 20)
    plane = next(m for m in shot.rasters["ImageGrid"] if m is sheet)
    assert np.array_equal(np.asarray(plane.images).reshape(20, 20, 8, 8)[::-1], np.asarray(codes["sheet"])[:, :, 0])
    large = largest(shot)
    flat = np.asarray(codes["sheet"]).reshape(-1, 1, 8, 8)
    match = np.flatnonzero((flat == np.asarray(large.images)[0]).all((1, 2, 3)))
    assert len(match) >= 1
    assert np.abs(shown(read, shot, large) - colors(read, flat[match[0]])).max() <= 1


def test_the_number_on_screen_is_that_of_the_recording(runs, cinema):
    film, guided = cinema("latent", **runs), runs["guided"]
    film.at(1.0, acts=["condition"], duration=DURATION)
    words = [mob.body for mob in film.scene.places["side"] if hasattr(mob, "body")]
    right = 100 * float((guided["read"] == guided["label"]).mean())
    wrong = 100 * float((guided["read"] == (guided["label"] + 1) % 10).mean())
    assert any(f"guidance 2: {right:.1f}" in text for text in words), words
    assert right == wrong or not any(f"guidance 2: {wrong:.1f}" in text for text in words)


def test_labels_leave_the_points_that_came_to_their_classes_to_be_seen():
    points, near = np.array([[0.0, 0.0], [2.0, 0.0], [-2.0, 0.0]]), np.array([[0.1, 0.0], [2.0, 0.0], [-2.0, 1.0]])
    placed = clear_of(near, points)
    assert np.linalg.norm(placed - points, axis=1) == pytest.approx([APART, APART, 1.0])
    assert placed[1] == pytest.approx([2.0 + APART, 0.0]), "one on its point goes outwards"
    assert np.linalg.norm(near - points, axis=1).min() < APART, "the control"


def test_codes_are_z_in_the_equation_and_images_stay_x(cinema, runs):
    film = cinema("latent", **runs)
    film.play([(0, 1)], duration=1, acts=["diffuse"])
    said = [mob.body for top in film.scene.mobjects for mob in top.get_family() if hasattr(mob, "body")]
    (equation,) = [body for body in said if "_(t-1)" in body and "term(" in body]
    assert "z_(t-1)" in equation
    assert "x_" not in equation


def test_all_ways_begin_at_one_noise_and_end_apart(runs):
    x = runs["steered"].states
    assert np.ptp(np.asarray(x[0]), axis=0).max() == 0
    assert sorted(runs["steered"]["label"]) == list(range(10))
    assert len(np.unique(np.asarray(x[12]), axis=0)) == 10


@pytest.mark.parametrize("act", ACTS)
def test_each_act_alone_fits_every_frame(cinema, runs, act, shape, look):
    assert cinema("latent", **runs).layout(shape, look, every=5, duration=1.0, acts=[act]) == []


def test_nothing_stands_where_a_mark_is(cinema, runs):
    foot, found = drawn(cinema("latent", **runs), (64, 36), {}, marked=True)
    assert foot > 0
    assert found == []


def test_what_is_drawn_does_not_depend_on_what_was_drawn_before(cinema, runs):
    assert cinema("latent", **runs).unlike_when_sought(11, duration=0.6, hold=0.3, pause=0.3) == []
