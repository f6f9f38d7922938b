"""The corner of a lecture's logo and author: the same in every clip, in a row that every arrangement leaves free."""

import numpy as np
import pytest
from manim import Camera, Square, tempconfig

from diffrender.animation.colors import contrast
from diffrender.animation.layout.arrangements import arrange
from diffrender.animation.layout.page import Page
from diffrender.animation.layout.rows import ARRANGEMENTS
from diffrender.animation.mobjects.camera import BulkCamera
from diffrender.animation.parts.corner_mark import corner_mark, logo_height
from diffrender.animation.theme import EDGE, Frame, theme
from tests.animation.test_arrangements import SIZES, named

NAME = "Ada Lovelace"


def sheet(shape):
    """The page of a marked frame, with Manim set to its size."""
    width, height = (side // 4 for side in SIZES[shape])
    frame = Frame.of(width, height, marked=True)
    size = {"pixel_width": width, "pixel_height": height, "frame_width": frame.width, "frame_height": frame.height}
    return Page(frame, theme("dark")), tempconfig(size), height / frame.height


def logo(page, unit, colour=(200, 30, 30, 255)):
    height = round(logo_height(page) * unit)
    return np.full((height, 2 * height, 4), colour, np.uint8)


@pytest.mark.parametrize("shape", SIZES)
def test_the_mark_stands_in_its_row_at_the_right_margin(shape):
    page, settings, unit = sheet(shape)
    with settings:
        mark = corner_mark(page, NAME, logo(page, unit))
        seen = np.argwhere(mark[..., 3] > 20)
        top, left = seen[:, 0].min(), seen[:, 1].min()
        bottom = (len(mark) - 1 - seen[:, 0].max()) / unit
        right = (mark.shape[1] - 1 - seen[:, 1].max()) / unit
        assert top == 0
        lowest_caption = page.frame.caption_y - 0.25 * page.em("caption") + page.frame.height / 2
        assert bottom > EDGE / 2
        assert len(mark) / unit < lowest_caption, "it would touch the caption"
        assert right == pytest.approx(page.frame.width / 2 - page.frame.x, abs=2 / unit)
        alone = corner_mark(page, NAME, None)
        assert np.argwhere(alone[..., 3] > 20)[:, 1].min() > left, "the name moves aside for the logo"
        assert len(mark) / unit > EDGE + logo_height(page) - 0.1, "the control: it has the logo's height"


@pytest.mark.parametrize("shape", SIZES)
@pytest.mark.parametrize("name", ARRANGEMENTS)
def test_every_arrangement_leaves_the_row_free(name, shape):
    frame, bare = Frame.of(*SIZES[shape], marked=True), Frame.of(*SIZES[shape])
    lowest = min(box.bottom for _, box in named(arrange(name, frame)))
    assert lowest >= bare.bottom + frame.mark_row - 1e-6
    assert min(box.bottom for _, box in named(arrange(name, bare))) < lowest, "the control"
    assert frame.mark_row > 0 == bare.mark_row
    assert frame.top == bare.top


def test_the_ground_has_the_mark_whatever_is_drawn_and_whatever_its_colour():
    page, settings, unit = sheet("wide")
    with settings:
        mark = corner_mark(page, NAME, logo(page, unit))
        camera = BulkCamera(background_color="#204060")
        bare = camera.background.copy()
        camera.put_mark(mark)
        rows = camera.background[-len(mark) :]
        solid = mark[..., 3] == 255
        assert np.array_equal(rows[solid], mark[solid])
        assert np.array_equal(camera.background[: -len(mark)], bare[: -len(mark)])
        assert np.array_equal(rows[mark[..., 3] == 0], bare[-len(mark) :][mark[..., 3] == 0])
        camera.reset()
        camera.capture_mobjects([Square()])
        assert np.array_equal(camera.pixel_array[-len(mark) :], rows)
        camera.background_color = "#FFFFFF"
        camera.init_background()
        assert np.array_equal(camera.background[-len(mark) :][solid], mark[solid]), "a scene may change its ground"
        assert not np.array_equal(Camera().background[-len(mark) :][solid], mark[solid]), "the control"


@pytest.mark.parametrize("look", ["dark", "light"])
def test_the_name_can_be_read(look):
    assert contrast(theme(look).muted, theme(look).bg) >= 4.5
