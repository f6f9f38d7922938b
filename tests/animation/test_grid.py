"""Image grids: every pixel of every image is there, sharp, and in its place."""

import numpy as np
import pytest

from diffrender.animation.mobjects.images.grid import ImageGrid
from diffrender.core.errors import RenderError

TABLE = np.stack([np.arange(256)] * 3, axis=1).astype(np.uint8)
rng = np.random.default_rng(0)
GREY = rng.integers(0, 256, (6, 7, 5)) / 127.5 - 1


def grid(studio, images=GREY, rows=2, cols=3, table=TABLE, **kwargs):
    return ImageGrid(studio.RECT, images, rows=rows, cols=cols, table=table, **kwargs)


def levels(images):
    return np.rint((images + 1) * 127.5).astype(int)


def test_every_image_pixel_is_a_sharp_rectangle_of_its_value(studio):
    pixels = studio.draw(grid(studio, gap=0.0), size=(1920, 1080))[..., 0].astype(int)
    unit = 135
    for k in range(6):
        r, c = divmod(k, 3)
        for y in range(7):
            for x in range(5):
                px = 960 + (-6 + (c + (x + 0.5) / 5) * 4) * unit
                py = 540 + (-3 + (r + (y + 0.5) / 7) * 3) * unit
                half = np.array([4 / 5, 3 / 7]) * unit / 2 - 1.5  # all of it, but for the rounded edge
                block = pixels[int(py - half[1]) : int(py + half[1]), int(px - half[0]) : int(px + half[0])]
                assert (block == levels(GREY)[k, y, x]).all()
    assert set(np.unique(pixels)) <= {0, *levels(GREY).ravel()}, "no colour between two pixels' is made"


def test_images_are_divided_alike(studio):
    same = np.repeat(GREY[:1], 6, axis=0)
    light = studio.draw(grid(studio, same, gap=0.13), size=(1234, 694))[..., 0]
    columns = np.flatnonzero(np.diff((light[200:] > 0).any(0).astype(int)))
    assert np.diff(columns)[::2].std() == 0  # one width for all
    starts = columns[::2] + 1
    first, second = (light[:, s : s + columns[1] - columns[0]] for s in starts[:2])
    assert (first == second).all()


def test_gaps_are_left_clear(studio):
    full = studio.draw(grid(studio, np.ones((6, 4, 4)), gap=1.0), background="#FF0000")
    x, y = (int(v) for v in studio.pixel(-2.0, 1.5))
    assert tuple(full[y, x]) == (255, 0, 0, 255)
    assert tuple(full[int(studio.pixel(0, 2)[1]), 240]) == (255, 255, 255, 255)


def test_colour_images_and_single_channels(studio):
    color = rng.uniform(-1, 1, (6, 3, 4, 4))
    pixels = studio.draw(grid(studio, color, table=None, gap=0.0))
    x, y = (int(v) for v in studio.pixel(-6 + 0.5, 3 - 0.375))
    assert pixels[y, x, :3] == pytest.approx(levels(color)[0, :, 0, 0], abs=1)
    assert (studio.draw(grid(studio, GREY[:, None])) == studio.draw(grid(studio))).all()


def test_values_outside_and_not_finite(studio):
    images = np.array([[[-5.0, 5.0], [np.nan, np.inf]]])
    pixels = studio.draw(grid(studio, images, 1, 1))
    shown = [pixels[y, x, 0] for y in (80, 180) for x in (120, 360)]
    assert shown == [0, 255, 0, 255]


def test_fewer_images_than_places(studio):
    few = studio.draw(grid(studio, np.ones((4, 3, 3))))
    assert few[90, 100, 0] == 255
    assert few[180, 400, 0] == 0
    assert studio.ink(studio.draw(grid(studio, np.ones((0, 3, 3))))) == 0


def test_a_recorded_step(studio):
    x = rng.uniform(-1, 1, (4, 9, 1, 5, 5)).astype(np.float32)
    shown = grid(studio, x[0]).follow(x, chains=[8, 7, 6, 5, 4, 3])
    for step in (2, 0, 3):
        expected = studio.draw(grid(studio, x[step, [8, 7, 6, 5, 4, 3]]))
        assert (studio.draw(shown.show_step(step)) == expected).all()


def test_it_fades_moves_and_turns(studio):
    white = grid(studio, np.ones((6, 4, 4)), gap=0.0)
    assert studio.draw(white.copy().set_opacity(0.5))[135, 240, 0] == pytest.approx(128, abs=1)
    full = studio.draw(white)[..., 0].sum()
    assert studio.draw(white.copy().scale(0.5).rotate(0.7))[..., 0].sum() == pytest.approx(full / 4, rel=0.03)
    assert studio.ink(studio.draw(white.copy().shift([50, 0, 0]))) == 0
    assert studio.ink(studio.draw(white.copy().scale(1e-9))) == 0
    assert (studio.draw(white.copy().scale(40))[..., 0] == 255).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda s: grid(s, table=None),
        lambda s: grid(s, np.zeros((3, 2, 4, 4))),
        lambda s: grid(s, np.zeros((3, 4))),
        lambda s: grid(s, rows=0),
        lambda s: grid(s, lo=1, hi=1),
    ],
)
def test_what_cannot_be_is_refused(studio, make):
    with pytest.raises(RenderError):
        make(studio)
