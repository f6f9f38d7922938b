"""Arrows end where they are put, beams keep off the data, and nothing is rebuilt to be moved."""

import itertools

import numpy as np
import pytest
from scipy import ndimage

from diffrender.animation.mobjects.furniture.arrow import StepArrow, outline
from diffrender.animation.mobjects.furniture.panels import (
    Slider,
    ZoomBeam,
    key_arrow,
    key_dot,
    key_line,
    legend,
    line as polyline,
    pill,
    put_dashes,
)
from diffrender.animation.parts.zoom.spotlight import Spotlight
from diffrender.animation.text.typst import maths, words
from diffrender.animation.theme import theme

LOOK = theme("dark")
LEFT, RIGHT, UNDER = (-6.6, -0.9, -2.6, 2.2), (0.9, 6.6, -2.6, 2.2), (-6.6, -0.9, -6.0, -3.4)


@pytest.mark.parametrize("dashed", [False, True])
@pytest.mark.parametrize("end", [(2.0, 0.5), (0.3, -0.1), (0.02, 0.0), (-1.0, -3.0)])
def test_an_arrow_reaches_from_its_start_exactly_to_its_end(dashed, end):
    start = np.array([0.1, 0.2])
    points = np.concatenate(outline(start, start + end, 1.0, dashed))[:, :2]
    u = np.array(end) / np.linalg.norm(end)
    along = (points - start) @ u
    assert along.min() == pytest.approx(0, abs=1e-9)
    assert along.max() == pytest.approx(np.linalg.norm(end))
    tip = points[along.argmax()]
    assert tip == pytest.approx(start + end)


def test_a_dashed_arrow_has_whole_dashes_and_one_at_the_tail():
    *dashes, _ = outline(np.zeros(2), np.array([2.0, 0]), 1.0, True)
    lengths = [np.ptp(d[:, 0]) for d in dashes]
    assert dashes[0][:, 0].min() == pytest.approx(0)
    assert lengths == pytest.approx([lengths[0]] * len(lengths))
    assert lengths[0] == pytest.approx(0.13, rel=0.2)


def test_a_growing_arrow_keeps_its_dashes_and_its_head_travels():
    whole = outline(np.zeros(2), np.array([2.0, 0]), 1.0, True)
    half = outline(np.zeros(2), np.array([2.0, 0]), 1.0, True, grown=0.5)
    assert np.allclose(half[0], whole[0])
    assert half[-1][:, 0].max() == pytest.approx(1.0)
    assert outline(np.zeros(2), np.array([2.0, 0]), 1.0, True, grown=0) == []


def test_moving_an_arrow_builds_no_mobject():
    arrow = StepArrow(LOOK.score, dashed=True, casing=LOOK.panel)
    family = arrow.get_family()
    for k in range(10):
        arrow.put([0, 0], [1 + k / 10, 1], grown=k / 9)
    assert arrow.get_family() == family


def test_an_arrow_is_drawn_in_its_colour_from_start_to_end(studio):
    arrow = StepArrow("#FF0000").put([-2, -1], [3, 1.5])
    red = studio.draw(arrow)[..., 0] > 127
    y, x = np.nonzero(red)
    (x0, y0), (x1, y1) = studio.pixel(-2, -1), studio.pixel(3, 1.5)
    assert (x.min(), x.max() + 1) == pytest.approx((x0, x1), abs=1.5)
    assert (y.max() + 1, y.min()) == pytest.approx((y0, y1), abs=1.5)


def test_head_and_shaft_are_one_shape(studio):
    red = studio.draw(StepArrow("#FF0000", scale=2).put([-2, -1], [3, 1.5]))[..., 0] > 127
    assert ndimage.label(red)[1] == 1
    assert ndimage.binary_fill_holes(red).sum() == red.sum()


# ---- the beam --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("window", [RIGHT, UNDER])
@pytest.mark.parametrize("small", [(-5.0, -4.0, 0.0, 0.8), (-2.0, -1.0, -2.5, -1.7), (-6.5, -5.5, 1.0, 1.8)])
def test_a_beam_joins_the_small_frame_to_the_window_and_is_faint_on_the_data(window, small):
    beam = ZoomBeam(LEFT, window, LOOK).put(small)
    inner, outer = beam.inner.points, beam.edges.points
    if window is RIGHT:
        assert inner[:, 0].min() == pytest.approx(small[1])
        assert inner[:, 0].max() <= LEFT[1] + 1e-9
        assert outer[:, 0].min() >= LEFT[1] - 1e-9
        assert outer[:, 0].max() == pytest.approx(window[0])
    else:
        assert inner[:, 1].max() == pytest.approx(small[2])
        assert inner[:, 1].min() >= LEFT[2] - 1e-9
        assert outer[:, 1].max() <= LEFT[2] + 1e-9
        assert outer[:, 1].min() == pytest.approx(window[3])
    assert beam.inner.get_stroke_opacity() < beam.edges.get_stroke_opacity()


def test_the_beams_lines_point_from_the_small_frames_corners_to_the_windows():
    small = (-5.0, -4.0, 0.0, 0.8)
    edges = ZoomBeam(LEFT, RIGHT, LOOK).put(small).edges.points
    for (corner, goal), run in zip(
        (((small[1], small[3]), (RIGHT[0], RIGHT[3])), ((small[1], small[2]), (RIGHT[0], RIGHT[2]))),
        (edges[:4], edges[4:]),
        strict=True,
    ):
        way, seen = np.subtract(goal, corner), run[0, :2] - corner
        assert way[0] * seen[1] - way[1] * seen[0] == pytest.approx(0, abs=1e-9)
        assert run[-1, :2] == pytest.approx(goal)


# ---- the rest --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("align", "edge"), [(-1, 0), (0, 1), (1, 2)])
def test_a_legend_stands_where_it_is_put_and_its_items_do_not_touch(align, edge):
    items = [
        (key_arrow(LOOK.score, dashed=True), 0.62, "log gradient"),
        (key_dot(LOOK.samples), 0.22, "samples $x_t$"),
        (key_line(LOOK.chain), 0.5, "path"),
    ]
    row = legend(items, 1.0, -3.0, 0.3, LOOK, align=align)
    assert (row.get_left(), row.get_center(), row.get_right())[edge][0] == pytest.approx(1.0)
    for a, b in itertools.pairwise(row):
        assert b.get_left()[0] - a.get_right()[0] >= 0.3
    assert [round(item[1].baseline, 6) for item in row] == [-3.0] * 3


def test_a_pill_holds_its_text():
    text = words("$x_(t+1)$", 0.34, LOOK.fg)
    patch = pill(text, LOOK)
    assert patch.width > text.width
    assert patch.height > text.height
    assert patch.get_fill_opacity() == pytest.approx(0.78)


@pytest.mark.parametrize("value", [0, 0.25, 1, 1.7])
def test_a_sliders_knob_stands_at_its_value(value):
    slider = Slider(-6, 6, -3, theme=LOOK).set_value(value)
    assert slider.knob.get_center()[0] == pytest.approx(-6 + 12 * min(value, 1))
    assert slider.done.points[-1, 0] == pytest.approx(slider.knob.get_center()[0])


def test_dashes_grow_from_their_start():
    mob = polyline([(0, 0), (1, 0)], LOOK.fg)
    assert put_dashes(mob, (0, 0), (1, 0), 0.5).points[:, 0].max() <= 0.5 + 1e-9
    assert len(put_dashes(mob, (0, 0), (1, 0), 0.0).points) == 0


def test_a_spotlight_dims_and_lights_terms_by_name():
    equation = maths("{{x : sum}} + {{y : noise}}", 0.5, LOOK.fg, noise=LOOK.noise)
    light = Spotlight(equation, {"sum": LOOK.fg, "noise": LOOK.noise}, LOOK)

    def shade(name):
        return equation.terms[name][0].get_fill_color().to_hex()

    light.light({"noise": 0.0})
    assert (shade("sum"), shade("noise") == LOOK.noise) == (LOOK.fg, False)
    light.light({"noise": 1.0})
    assert shade("noise") == LOOK.noise
