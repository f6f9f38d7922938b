"""Trails: what is drawn at a step depends on the recording and the step alone, and fades as it should."""

import numpy as np
import pytest

from diffrender.animation.mobjects.plane.trails import Trails
from diffrender.core.errors import RenderError

rng = np.random.default_rng(1)
WALKS = np.cumsum(rng.normal(0, 0.06, (400, 12, 2)), axis=0).astype(np.float32)
COLORS = rng.integers(60, 255, (12, 3)).astype(np.uint8)


def trails(studio, xy=WALKS, color="#FFFFFF", width=0.1, length=30, **kwargs):
    return Trails(studio.BOX, studio.RECT, xy, color=color, width=width, length=length, **kwargs)


@pytest.mark.parametrize("length", [1, 7, 30, 399, None])
@pytest.mark.parametrize("look", [{}, {"color": COLORS, "casing": "#204060"}])
def test_playing_and_seeking_give_the_same_pixels(studio, length, look):
    played = trails(studio, length=length, **look)
    steps = [*range(40), 41, 44, 50, 75, 130, 131, 50, 51, *range(200, 320, 6), 399, 0, 399]
    small = {"size": (240, 135)}
    frames = {step: studio.draw(played.show_step(step), **small) for step in steps}
    for step in (0, 1, 29, 39, 44, 131, 51, 314, 399):
        assert (frames[step] == studio.draw(trails(studio, length=length, **look).show_step(step), **small)).all(), step
    assert (frames[39] != frames[44]).any()


@pytest.mark.parametrize("look", [{}, {"color": COLORS, "casing": "#204060"}])
def test_what_was_gone_in_part_leaves_nothing_behind(studio, look):
    """Steps stamped bit by bit are, to the last level, the steps stamped at once."""
    bits = np.cumsum(np.random.default_rng(5).uniform(0, 0.7, 400))
    played, small = trails(studio, length=50, **look), {"size": (480, 270)}
    for step in bits[bits < 200]:
        frame = studio.draw(played.show_step(step), **small)
    assert (frame == studio.draw(trails(studio, length=50, **look).show_step(step), **small)).all()


def test_another_part_of_the_plane_is_another_picture(studio):
    looking = trails(studio).show_step(60)
    studio.draw(looking)
    (x0, x1, y0, y1), fresh = looking.box, trails(studio).show_step(60)
    looking.box = fresh.box = (x0 + 0.3, x1 + 0.3, y0 - 0.1, y1 - 0.1)
    assert (studio.draw(looking) == studio.draw(fresh)).all()


def test_a_copy_and_another_place_do_not_disturb_it(studio):
    first = trails(studio).show_step(100)
    before = studio.draw(first)
    twin = first.copy().shift([1, 0.3, 0])
    moved = studio.draw(twin)
    assert (moved != before).any()
    assert (studio.draw(first) == before).all()
    assert (studio.draw(twin) == moved).all()


def test_between_steps_trails_grow(studio):
    xy = np.array([[[-1.0, 0]], [[0, 0]], [[1, 0]]])
    lit = [studio.ink(studio.draw(trails(studio, xy, power=0, length=2).show_step(s))) for s in (0, 0.5, 1, 1.5, 2)]
    assert lit[0] == 0
    steps = np.diff(lit[1:])
    assert steps == pytest.approx(steps.mean(), rel=0.05)
    played = trails(studio, WALKS)
    for step in np.arange(90, 95, 0.25):
        frame = studio.draw(played.show_step(step))
    assert (frame == studio.draw(trails(studio, WALKS).show_step(step))).all()


def test_opacity_falls_with_age_to_the_power(studio):
    xy = np.stack([np.linspace(-1.8, 1.8, 101), np.zeros(101)], axis=1)[:, None]
    pixels = studio.draw(trails(studio, xy, width=0.4, length=100).show_step(100))
    row = int(studio.pixel(0, 0)[1])
    for age in (0.0, 0.25, 0.5, 0.75):
        column = int(studio.pixel(3 * (1.8 - 3.6 * age), 0)[0])
        assert pixels[row, column, 0] / 255 == pytest.approx((1 - age) ** 1.5, abs=0.02)
        assert pixels[row, column, 0] / 255 != pytest.approx((1 - age) ** 1.0, abs=0.02) or age == 0


def test_crossings_and_joints_leave_no_beads(studio):
    # there and back, and across: nothing is brighter than the newest stroke
    zigzag = np.array([[-1, 0], [1, 0], [-1, 0], [1, 0.0], [1, 0.5], [0, 0.5], [0, -0.5]])[:, None]
    pixels = studio.draw(trails(studio, zigzag, width=0.2, alpha=0.5, power=0, length=6))
    assert pixels[..., 0].max() == pytest.approx(128, abs=2)
    lit = pixels[..., 0][pixels[..., 0] > 0]
    assert (lit > 120).mean() > 0.7


def test_newer_strokes_replace_older_ones(studio):
    xy = np.array([[[-1.0, 0], [0, -0.8]], [[1, 0], [0, -0.8]], [[1, 0], [0, 0.8]]])
    colors = np.array([[255, 0, 0], [0, 255, 0]], np.uint8)
    pixels = studio.draw(trails(studio, xy, colors, width=0.3, length=4).show_step(2))
    column, row = (int(v) for v in studio.pixel(0, 0))
    assert pixels[row, column, 1] > 150
    assert pixels[row, column, 0] == 0


def test_a_casing_sets_a_trail_off(studio):
    xy = np.array([[[-1.0, 0]], [[1, 0]]])
    pixels = studio.draw(
        trails(studio, xy, width=0.4, casing="#000000", length=9), background="#FFFFFF", size=(1920, 1080)
    )
    column = int(studio.pixel(2.5, 0, (1920, 1080))[0])
    assert 100 < pixels[:, column, 0].min() < 200


def test_width_is_as_asked(studio):
    xy = np.array([[[-1.5, 0]], [[1.5, 0]]])
    for width in (0.01, 0.1, 0.5):
        pixels = studio.draw(trails(studio, xy, width=width, power=0, length=1))
        column = int(studio.pixel(0, 0)[0])
        assert pixels[:, column, 0].sum() / 255 == pytest.approx(width * studio.SIZE[1] / 8, abs=0.26)


def test_opacity_fades_trails(studio):
    full = studio.draw(trails(studio))
    half = studio.draw(trails(studio).set_opacity(0.5))
    assert half[..., 0].max() == pytest.approx(full[..., 0].max() / 2, abs=2)
    assert studio.ink(studio.draw(trails(studio).set_opacity(0))) == 0


def test_what_is_not_finite_is_left_out(studio):
    bad = WALKS.astype(float).copy()
    bad[10, 3], bad[20, 4], bad[15, 5], bad[25, 6] = np.nan, np.inf, 1e300, (1e30, -1e30)
    assert studio.ink(studio.draw(trails(studio, bad).show_step(30))) > 0
    far = np.full((4, 3, 2), 1e9) + np.arange(4)[:, None, None]
    assert studio.ink(studio.draw(trails(studio, far))) == 0


def test_nothing_to_draw(studio):
    assert studio.ink(studio.draw(trails(studio, np.zeros((5, 0, 2))))) == 0
    assert studio.ink(studio.draw(trails(studio).show_step(0))) == 0
    assert studio.ink(studio.draw(trails(studio, width=0.0))) == 0
    resting = np.zeros((5, 1, 2))  # a chain that rejects every step is a dot
    assert 0 < studio.ink(studio.draw(trails(studio, resting, width=0.3))) < 100


def test_longer_than_sixteen_bits(studio):
    walk = np.cumsum(rng.normal(0, 0.002, (100_000, 1, 2)), axis=0)
    whole = trails(studio, walk, length=None)
    frame = studio.draw(whole)
    assert studio.ink(frame) > 0
    assert (studio.draw(trails(studio, walk, length=None)) == frame).all()


@pytest.mark.parametrize("what", [{"width": -1}, {"width": np.nan}, {"length": 0}, {"color": COLORS[:5]}])
def test_what_cannot_be_is_refused(studio, what):
    with pytest.raises(RenderError):
        trails(studio, **what)


def test_a_recording_of_another_shape_is_refused(studio):
    with pytest.raises(RenderError):
        trails(studio, WALKS[..., :1])
