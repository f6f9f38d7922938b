"""Text is drawn from stamps: the same picture as Manim's, drawn once for each place."""

import numpy as np
import pytest
from manim import ThreeDCamera, tempconfig

from diffrender.animation.mobjects.camera import BulkCamera, BulkThreeDCamera
from diffrender.animation.text import glyph
from diffrender.animation.text.numbers import Number
from diffrender.animation.text.typst import maths, words
from diffrender.video.frames import manim_config

INK = "#FF9B42"


@pytest.fixture(autouse=True)
def settings(tmp_path):
    with tempconfig(manim_config(320, 180, 10, transparent=False, media=tmp_path)):
        yield


def drawn(camera, *mobjects):
    """The picture (H, W, 3) of mobjects."""
    camera.reset()
    camera.capture_mobjects(mobjects)
    return camera.pixel_array[..., :3].astype(int)


def unstamped():
    """A camera that draws every outline as Manim does."""
    camera = BulkCamera()
    camera.flat = False
    return camera


@pytest.mark.parametrize("at", [(0.0, 0.0), (-1.003, 0.417), (-7.2, 3.9)])  # the last is cut by the frame's corner
def test_a_stamped_text_is_what_manim_draws(at):
    text = maths("x_(t-1) = 1\\/2 {{sqrt(alpha_t) epsilon : noise}}", 0.6, "#FFFFFF", noise=INK).at(*at)
    letters = [part.twin([outline]) for part in text for outline in part.outlines]
    stamped, stock = drawn(BulkCamera(), text), drawn(unstamped(), *letters)
    assert stock.max() > 200
    assert np.abs(stamped - stock).max() <= 2  # levels: layers are rounded once more
    assert np.abs(drawn(BulkCamera(), text.shift([0.01, 0, 0])) - stock).max() > 20  # a quarter of a pixel


def test_a_faded_glyph_is_one_colour():
    text = words("l", 6.0, "#FFFFFF").at(0, -2)
    for mob in text:
        mob.set_fill(opacity=0.5).set_stroke(opacity=0.5)
    assert drawn(BulkCamera(), text).max() == pytest.approx(128, abs=2)
    assert drawn(unstamped(), text).max() > 180  # Manim's stroke shows on the fill


def test_digits_are_drawn_once_for_each_of_their_places():
    camera, number = BulkCamera(), Number(".2f", 9.99, em=0.4, color=INK).at(0, 0)
    first = [drawn(camera, number.set_value(k / 100)) for k in range(0, 1000, 9)]
    assert len(camera.stamps.kept) <= 3 * 10 + 1
    again = [drawn(camera, number.set_value(k / 100)) for k in range(0, 1000, 9)]
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[3], first[4])


def test_stamps_are_forgotten_when_there_are_too_many(monkeypatch):
    camera, text = BulkCamera(), words("forgotten", 0.5, INK).at(0, 0)
    whole = drawn(camera, text)
    monkeypatch.setattr(glyph, "MAX_STAMP_BYTES", camera.stamps.size // 2)
    small = BulkCamera()
    assert np.array_equal(drawn(small, text), whole)
    assert 0 < small.stamps.size <= glyph.MAX_STAMP_BYTES < camera.stamps.size


def test_a_number_that_was_cut_is_one_outline():
    number = Number(".2f", 9.99, em=0.4, color=INK).at(0, 0)
    assert len(number.outlines) == 4
    number.points = number.points[:-4]
    assert len(number.outlines) == 1


def test_what_is_turned_in_space_is_not_stamped():
    camera = BulkThreeDCamera()
    camera.phi_tracker.set_value(1.0)
    text = words("turned", 1.0, INK).at(0, 0)
    assert np.array_equal(drawn(camera, text), drawn(_turned(ThreeDCamera()), text))
    assert not camera.stamps.kept


def _turned(camera):
    camera.phi_tracker.set_value(1.0)
    return camera
