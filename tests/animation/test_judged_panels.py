"""Panels with their figures: what is on them is as large as can be, and the sentence says no more than the figures."""

from __future__ import annotations

import pytest

from diffrender.animation.layout.judged_panels import judged_panels
from diffrender.animation.parts.judged_table import in_two
from diffrender.animation.parts.judgement import VERDICTS, point_by_point, verdict
from diffrender.animation.theme import Frame
from diffrender.trajectory.distance import Judged

SHAPES = {"wide": (854, 480), "classic": (640, 480), "square": (480, 480), "tall": (480, 854)}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [1.0, 1.2])
def test_nothing_overlaps_and_panels_are_alike(shape, scale):
    frame = Frame.of(*SHAPES[shape], font_scale=scale)
    for aspect in (0.4, 1.0, 4.0):
        boxes = judged_panels(frame, aspect)
        four = [boxes.left, boxes.right, boxes.figures, boxes.verdict]
        assert boxes.left.width == pytest.approx(boxes.right.width)
        assert boxes.left.height == pytest.approx(boxes.right.height)
        for k, a in enumerate(four):
            assert a.left >= -frame.x - 1e-9
            assert a.right <= frame.x + 1e-9
            assert frame.bottom - 1e-9 <= a.bottom < a.top <= frame.top + 1e-9
            for b in four[k + 1 :]:
                apart = max(b.left - a.right, a.left - b.right, b.bottom - a.top, a.bottom - b.top)
                assert apart > -1e-9, (aspect, a, b)


def test_figures_stand_where_they_leave_what_is_seen_largest():
    """A square cloud in a wide frame is half as large again beside them as over them; a long one needs the width."""
    frame = Frame.of(*SHAPES["wide"])
    square, long = judged_panels(frame, 1.0), judged_panels(frame, 4.0)
    assert (square.column, long.column) == (True, False)
    assert min(square.left[1] - square.left[0], square.left.height) > 1.3 * long.left.height
    assert long.left.width > 1.3 * square.left.width


def test_points_nearer_than_true_ones_are_told_from_those_that_are_as_near():
    usual = 0.030, 0.032
    said = [point_by_point(Judged(far, *usual), False) for far in (0.02, 0.028, 0.0292, 0.031)]
    assert said == ["nearer", "narrow", "near", "near"], "a little nearer is chance"
    assert point_by_point(Judged(0.033, *usual), False) == point_by_point(Judged(0.033, *usual), True) == "farther"
    assert point_by_point(Judged(0.02, *usual), True) == "stray"
    assert all("No farther" not in forms for rows in VERDICTS.values() for how, forms in rows.items() if how != "near")


def test_points_that_stray_are_counted_in_the_sentence_where_they_are_more_than_of_true_samples():
    some, usual = verdict(False, "farther", 48, 3, 2000), verdict(False, "farther", 3, 3, 2000)
    assert all("48 of 2,000 stray" in form for form in some.split("|"))
    assert "stray" not in usual
    assert all("48 of 2,000 stray" in verdict(whole, "stray", 48, 3, 2000) for whole in (False, True))


def test_a_sentence_is_cut_near_its_middle():
    assert in_two("one two three four") == ["one two", "three four"]
    assert in_two("一二三、四五六") == ["一二三、", "四五六"]
    assert in_two("whole") == ["whole"]
