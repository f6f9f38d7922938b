"""Bulk drawing takes its place among what Manim draws, and leaves that as it is."""

import numpy as np
import pytest
from manim import Camera as StockCamera, Circle, Line, Square, VGroup, tempconfig

from diffrender.animation.mobjects.base import Raster
from diffrender.animation.mobjects.camera import BulkCamera, BulkMovingCamera, BulkThreeDCamera
from diffrender.animation.mobjects.plane.cloud import PointCloud
from diffrender.animation.mobjects.plane.heat import Heatmap
from diffrender.core.errors import RenderError

TABLE = np.stack([np.arange(256)] * 3, axis=1).astype(np.uint8)


def white(studio, **kwargs):
    return Heatmap(studio.BOX, studio.RECT, np.ones((3, 3)), table=TABLE, **kwargs)


@pytest.mark.parametrize("camera", [BulkCamera, BulkMovingCamera, BulkThreeDCamera])
def test_order_is_that_of_the_scene(studio, camera):
    red = Square(4, fill_color="#FF0000", fill_opacity=1, stroke_width=0)
    over = studio.draw(white(studio), red, camera=camera)
    under = studio.draw(red, white(studio), camera=camera)
    assert tuple(over[135, 240]) == (255, 0, 0, 255)
    assert tuple(under[135, 240]) == (255, 255, 255, 255)
    raised = studio.draw(red.copy().set_z_index(1), white(studio), camera=camera)
    assert tuple(raised[135, 240]) == (255, 0, 0, 255)


def test_what_manim_draws_is_left_as_it_is(studio):
    shapes = VGroup(Circle(2, color="#FF8800", fill_opacity=0.4), Line([-3, -2, 0], [3, 2, 0], color="#00FF88"))
    nothing = PointCloud(studio.BOX, studio.RECT, np.zeros((0, 2)), color="#FFFFFF", radius=0.1)
    assert (studio.draw(nothing, shapes, nothing) == studio.draw(shapes, camera=StockCamera)).all()


def test_layout_moves_the_data_with_the_mobject(studio):
    dot = PointCloud(studio.BOX, studio.RECT, np.array([[1.0, 0.5]]), color="#FFFFFF", radius=0.3)
    assert np.allclose(dot.to_scene(dot.xy), [[3, 1.5, 0]])
    dot.scale(0.5).next_to(Square(1), buff=0)
    assert np.allclose(dot.to_scene(dot.xy), [[0.5 + 3 + 1.5, 0.75, 0]])
    light = studio.draw(dot)[..., 0].astype(float)
    ys, xs = np.mgrid[: light.shape[0], : light.shape[1]] + 0.5
    x, y = studio.pixel(5, 0.75)
    assert (light * xs).sum() / light.sum() == pytest.approx(x, abs=0.1)
    assert (light * ys).sum() / light.sum() == pytest.approx(y, abs=0.1)
    unit = studio.SIZE[1] / 8
    assert light.sum() / 255 == pytest.approx(np.pi * (0.15 * unit) ** 2, rel=0.02)  # marks scale with it


def test_mirrored_and_turned_data(studio):
    dot = PointCloud(studio.BOX, studio.RECT, np.array([[1.0, 0.0]]), color="#FFFFFF", radius=0.3)
    for made, (x, y) in ((dot.copy().rotate(np.pi / 2), (0, 3)), (dot.copy().flip(), (-3, 0))):
        column, row = (int(v) for v in studio.pixel(x, y if y < 3 else 2.95))
        assert studio.draw(made)[row, column, 0] == 255


def test_what_has_no_extent_or_place_draws_nothing(studio):
    assert studio.ink(studio.draw(white(studio).scale(0))) == 0
    lost = white(studio)
    lost.points = lost.points * np.nan
    assert studio.ink(studio.draw(lost)) == 0
    assert studio.ink(studio.draw(white(studio).shift([1e7, 0, 0]))) == 0


def test_a_clip_that_crosses_the_frame(studio):
    for shift in ([7, 0, 0], [-7, 0, 0], [0, 4, 0], [6.5, -3.5, 0]):
        cloud = PointCloud(
            studio.BOX, studio.RECT, np.random.default_rng(0).uniform(-2, 2, (5000, 2)), color="#FFFFFF", radius=0.3
        )
        assert studio.ink(studio.draw(cloud.shift(shift))) > 100


def test_transparent_pictures_are_premultiplied(studio):
    pixels = studio.draw(white(studio).set_opacity(0.5), background_opacity=0.0)
    assert (pixels[..., :3] <= pixels[..., 3:]).all()
    assert tuple(pixels[135, 240]) == (128, 128, 128, 128)
    assert pixels[0, 0].max() == 0


@pytest.mark.parametrize("box", [(0, 0, 0, 1), (1, 0, 0, 1), (0, 1, 1, 0), (0, np.inf, 0, 1), (0, 1, 0, np.nan)])
def test_a_box_or_rect_that_is_none_is_refused(studio, box):
    with pytest.raises(RenderError, match="box"):
        Raster(box, studio.RECT)
    with pytest.raises(RenderError, match="rect"):
        Raster(studio.BOX, box)


def test_a_view_that_stands_is_measured_once_and_gives_manims_own_pixels():
    with tempconfig({"pixel_width": 480, "pixel_height": 270}):
        camera, points = BulkMovingCamera(), np.random.default_rng(0).normal(0, 3, (9, 3))
        camera.frame.shift([0.3, -0.2, 0]).set(width=7.1)
        measured = camera.points_to_subpixel_coords(camera.frame, points)
        camera.view = (*camera.frame_center[:2], camera.frame_width, camera.frame_height)
        assert (camera.points_to_subpixel_coords(camera.frame, points) == measured).all()
        camera.view = (0.0, *camera.view[1:])
        assert (camera.points_to_subpixel_coords(camera.frame, points) != measured).any(), "the control"
