"""Text stands on its baseline, bars are as thick as the type asks, terms are found, and numbers do not dance."""

import math

import numpy as np
import pytest
from manim import ManimColor

from diffrender.animation.text import numbers, typst
from diffrender.animation.text.numbers import Number, Running, same_text
from diffrender.animation.text.typst import escaped, maths, words
from diffrender.core.errors import RenderError

INK = "#F4F6FA"


def letters(mob):
    return [outline for part in mob.submobjects for outline in part.outlines]


def bottoms(mob):
    return np.array([outline[:, 1].min() for outline in letters(mob)])


def test_words_with_and_without_descenders_stand_on_one_line():
    flat, deep = words("noise", 0.3, INK).at(0, 1), words("gypq noise", 0.3, INK).at(0, 1)
    assert bottoms(flat).min() == pytest.approx(1, abs=0.01)
    assert bottoms(deep)[-1] == pytest.approx(bottoms(flat)[-1], abs=1e-6)
    assert bottoms(deep).min() < 0.95


@pytest.mark.parametrize(("align", "edge"), [(-1, "get_left"), (0, "get_center"), (1, "get_right")])
def test_an_edge_is_where_it_was_asked_for(align, edge):
    assert getattr(words("True density $p(x)$", 0.34, INK).at(2.5, 0, align), edge)()[0] == pytest.approx(2.5)


def test_setting_a_text_twice_gives_the_same_outlines_and_baseline():
    first, again = (maths("frac(x_t - sigma_t epsilon, alpha_t)", 0.5, INK).at(0, 0) for _ in range(2))
    for a, b in zip(first.submobjects, again.submobjects, strict=True):
        assert np.allclose(a.points, b.points)
    assert first.baseline == pytest.approx(0)


def bar_of(equation):
    """Height of the fraction bar: the widest flat shape."""
    sizes = [np.ptp(outline, axis=0) for outline in letters(equation)]
    return max(sizes, key=lambda size: size[0] / max(size[1], 1e-9))[1]


@pytest.mark.parametrize("em", [0.25, 0.5, 1.0])
def test_a_fraction_bar_is_a_filled_shape_that_grows_with_the_type(em):
    equation = maths("frac(a + b, c)", em, INK)
    bar = bar_of(equation)
    assert bar / em == pytest.approx(0.045, abs=0.004)
    assert [part.get_fill_opacity() for part in equation] == [1]
    assert bar_of(equation.scale(2)) == pytest.approx(2 * bar)


def test_a_root_keeps_its_bar_in_the_colour_of_its_term():
    equation = maths("x + {{sqrt(2 tau) epsilon : noise}}", 0.5, INK, noise="#FF9B42")
    assert len(letters(equation.terms["noise"])) == 5  # root sign, overline, 2, tau, epsilon
    assert {ManimColor(m.get_fill_color()).to_hex() for m in equation.terms["noise"]} == {"#FF9B42"}
    others = [m for m in equation.submobjects if m not in equation.terms["noise"].submobjects]
    assert {ManimColor(m.get_fill_color()).to_hex() for m in others} == {INK}


def test_naming_terms_does_not_move_them():
    plain = maths("x_(t+1) = x_t + tau nabla log p(x_t)", 0.5, INK)
    named = maths("{{x_(t+1) : a}} = x_t + {{tau nabla log p(x_t) : b}}", 0.5, INK)
    assert named.width == pytest.approx(plain.width)


def test_em_follows_scaling():
    assert words("a", 0.4, INK).scale(0.5).em == pytest.approx(0.2)


def test_text_of_users_is_set_as_it_stands():
    assert len(letters(words(escaped("a_b *c* #d $e$ [f] @g"), 0.3, INK))) == len("a_b*c*#d$e$[f]@g")


def test_bad_typst_is_refused_in_its_own_words():
    with pytest.raises(RenderError, match="Typst cannot set"):
        maths("frac(a", 0.5, INK)
    with pytest.raises(RenderError, match="nothing to be seen"):
        words(" ", 0.5, INK)


# ---- numbers ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("value", [0, 87, 1605, 120000])
def test_a_number_is_drawn_as_typst_would_set_it(value):
    number = Number(",", 120000, em=0.3, color=INK).set_value(value).at(0, 0, 1)
    typeset = words(f"{value:,}", 0.3, INK)
    typeset.at(0, 0).shift([number.get_right()[0] - typeset.get_right()[0], 0, 0])
    assert np.allclose(number.points, np.concatenate([m.points for m in typeset.submobjects]), atol=2e-4)


def test_an_infinite_number_is_written_as_one():
    number = Number("+.1f", -10, em=0.3, color=INK)
    glyphs = numbers._glyphs()
    assert len(number.set_value(math.inf).points) == len(glyphs["+"]) + len(glyphs["∞"])
    assert len(number.set_value(-math.inf).points) == len(glyphs["−"]) + len(glyphs["∞"])


def test_digits_keep_their_places_as_a_number_runs():
    number = Number(",", 120000, em=0.3, color=INK).at(1, 2)
    rights = []
    for value in (7, 17, 1_017, 101_017):
        number.set_value(value)
        last = number.points[-len(numbers._glyphs()["7"]) :]
        rights.append(last)
    assert all(np.allclose(rights[0], r) for r in rights)
    assert number.corner == pytest.approx([1, 2, 0])


def test_signs_and_decimals():
    number = Number("+.2f", -10, em=0.3, color=INK)
    for value in (-3.5, 0.19, 10):
        number.set_value(value)
        assert number.get_right()[0] <= number.corner[0] + number.room + 0.01


def test_a_running_number_compiles_and_builds_nothing(monkeypatch):
    line = Running("step {:,} of 120,000", [120000], em=0.27, color=INK).at(0, 0)
    family = line.get_family()

    def refuse(body):
        raise AssertionError(f"compiled {body}")

    monkeypatch.setattr(typst, "_svg", refuse)
    for value in range(0, 120000, 997):
        line.set_values(value)
    assert line.get_family() == family


def test_a_number_goes_along_with_its_line():
    line = Running("step {:,} of 9,999", [9999], em=0.27, color=INK).at(0, 0).set_values(5)
    before = line.numbers[0].get_center()
    line.shift([3, 1, 0]).set_values(6).set_values(5)
    assert line.numbers[0].get_center() == pytest.approx(before + np.array([3, 1, 0]))


@pytest.mark.parametrize("align", [-1, 0, 1])
def test_a_running_line_keeps_the_edge_it_was_put_down_by(align):
    edges = []
    for value in (99999, 3, 512):
        line = Running("{:,} steps a second", [99999], em=0.27, color=INK).at(1, 0, align).set_values(value)
        edges.append([line.get_left()[0], line.get_center()[0], line.get_right()[0]][align + 1])
    assert edges == pytest.approx([1, 1, 1], abs=0.03)


def test_a_running_line_has_no_hole_behind_a_short_number():
    def gap(line):
        return min(glyph.get_left()[0] for glyph in line.behind[0]) - line.numbers[0].get_right()[0]

    line = Running("step {:,} of 120,000", [120000], em=0.27, color=INK).at(0, 0)
    gaps = [gap(line.set_values(value)) for value in (120000, 5, 44, 120000, 7)]
    assert gaps == pytest.approx([gaps[0]] * 5, abs=0.03)
    line.numbers[0].shift([-0.2, 0, 0])
    assert gap(line) > gaps[0] + 0.1  # a hole is found out


def test_same_text_compares_words_place_and_numbers():
    a, b = (Running("step {:,} of 9", [9], em=0.27, color=INK).at(0, 0) for _ in range(2))
    assert same_text(a, b)
    assert not same_text(a, b.set_values(3))
    assert not same_text(words("a", 0.3, INK).at(0, 0), words("a", 0.3, INK).at(1, 0))
