"""Panels with their figures: what is on them is as large as can be, and the sentence says no more than the figures."""

from __future__ import annotations

import numpy as np
import pytest

from diffrender.animation.layout.judged_panels import judged_panels
from diffrender.animation.parts.judged_table import in_two
from diffrender.animation.parts.judgement import judgement, point_by_point, verdict
from diffrender.animation.theme import Frame
from diffrender.trajectory.distance import Judged, judged_distance, strays
from diffrender.trajectory.reader import Trajectory

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


USUAL = 0.030, 0.032
LIES = {"near": 0.031, "narrow": 0.028, "nearer": 0.02, "farther": 0.033}  # mean distances to the nearest data


def test_points_nearer_than_true_ones_are_told_from_those_that_are_as_near():
    assert {how: point_by_point(Judged(far, *USUAL)) for how, far in LIES.items()} == {how: how for how in LIES}
    assert point_by_point(Judged(0.0292, *USUAL)) == "near", "a little nearer is chance"


FINDINGS = {  # what no sentence but these begins with, or ends with where it counts strays first
    (False, "near"): ("No farther", "; the others land like true samples"),
    (False, "narrow"): ("Slightly too narrow: 0.028 ", "; the others are slightly too narrow"),
    (False, "nearer"): ("Copies, or too narrow: 0.020 ", "; the others are copies, or too narrow"),
    (False, "farther"): ("Too loose: 0.033 ", "Too loose, and"),
    (True, "near"): ("Unevenly shared: too many", "Unevenly shared, and"),
    (True, "narrow"): ("Slightly too narrow; too many", "; the others are slightly too narrow, unevenly shared"),
    (True, "nearer"): ("Copies, or too narrow; too many", "; the others are copies or too narrow, unevenly shared"),
    (True, "farther"): (
        "Farther from the data than true samples, by both",
        "Farther from the data than true samples, and",
    ),
}


@pytest.mark.parametrize(("farther", "how"), FINDINGS)
@pytest.mark.parametrize("stray", [False, True])
def test_the_sentence_follows_from_all_three_figures(farther, how, stray):
    """Each of the sixteen that there are says what was found, and counts what strays only where more do."""
    strays = (48, 2000, "0–3") if stray else None
    forms = verdict(farther, how, strays, (f"{LIES[how]:.3f}", "0.030–0.032")).split("|")
    findings = {key: found[stray] for key, found in FINDINGS.items()}
    said = {k: forms[0].endswith(f) if f[0] == ";" else forms[0].startswith(f) for k, f in findings.items()}
    assert [key for key, here in said.items() if here] == [(farther, how)]
    assert [("48 of 2,000 stray" in form) for form in forms] == [stray] * len(forms)
    assert (", true: 0–3" in forms[0]) == stray
    assert "{" not in "".join(forms)


def test_what_is_said_is_judged_of_a_run_and_of_spoilt_ones(tmp_path):
    """True samples, the same drawn in, blurred, some astray, and one half of them: by what was done to them."""
    rng = np.random.default_rng(0)
    turn = rng.uniform(0, 2 * np.pi, 4000)
    points = np.stack([np.cos(turn), np.sin(turn)], 1) + 0.05 * rng.standard_normal((4000, 2))
    data, true = points[:2000], points[2000:3000]
    run = Trajectory(tmp_path / "run.npz", {}, {"x": true[None], "target": data})

    def said(last):
        found = judgement(run, last, strays(last, data))
        assert found is not None
        return found.said.split("|")[0]

    on_it = true / np.linalg.norm(true, axis=1, keepdims=True)
    astray = np.concatenate([true[:-9], np.full((9, 2), 0.3)])
    half = np.abs(true) * [1, 1]
    assert said(true).startswith("No farther")
    assert said(on_it).startswith(("Slightly too narrow: ", "Copies, or too narrow: "))
    assert said(astray).startswith("9 of 1,000 stray, true: 0–6; the others land like true samples")
    assert said(half).startswith("Unevenly shared: too many")
    far_out = np.concatenate([true[:-20], np.full((20, 2), 9.0)])
    assert judged_distance(run, far_out).far > judged_distance(run, far_out).high, "the control"
    assert said(far_out).startswith("20 of 1,000 stray"), "not shared unevenly"
    on_it_astray = np.concatenate([on_it[:-9], astray[-9:]])
    found = said(on_it_astray)
    assert found.startswith("9 of 1,000 stray")
    assert found.endswith("too narrow"), "strays do not hide it"


def test_a_sentence_is_cut_near_its_middle():
    assert in_two("one two three four") == ["one two", "three four"]
    assert in_two("一二三、四五六") == ["一二三、", "四五六"]
    assert in_two("whole") == ["whole"]
