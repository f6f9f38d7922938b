"""Where the figures of a tally stand, what is expected of independent draws, and where a running value stands."""

from types import SimpleNamespace

import numpy as np
import pytest

from diffrender.animation.layout.box import Box
from diffrender.animation.parts.distances import Distance
from diffrender.animation.parts.filling import expected_variation
from diffrender.animation.parts.one_chain import OneChain
from diffrender.animation.parts.tally import at_sides, percents
from diffrender.animation.theme import theme

FACE = np.array([[-1.0, 0.7], [1.0, 0.7], [0.0, 0.0], [0.0, -1.1]])
RADII = np.array([0.3, 0.25, 0.2, 0.5])
PANEL = (-2.6, 2.6, -2.0, 2.0)


def gap(a, b, half):
    """How far two rectangles of half a size `half`, or a rectangle and a point, are apart, below 0 if they meet."""
    return max(abs(a[0] - b[0]) - half[0], abs(a[1] - b[1]) - half[1])


def test_figures_stand_at_the_sides_beside_what_they_count():
    half = (0.45, 0.3)
    made = at_sides(FACE, RADII, [half] * 4, PANEL)
    assert made is not None
    for k, middle in enumerate(made):
        assert PANEL[0] <= middle[0] - half[0]
        assert middle[0] + half[0] <= PANEL[1]
        assert all(gap(middle, place, half) > radius for place, radius in zip(FACE, RADII, strict=True))
        assert all(gap(middle, other, (2 * half[0], 2 * half[1])) >= 0 for other in made[:k])
        assert abs(middle[1] - FACE[k][1]) < 0.65
    nearest = [int(np.argmin([np.hypot(*(middle - eye)) for middle in made])) for eye in FACE[:2]]
    assert nearest == [0, 1]
    assert any(gap(place, place, half) <= 0 for place in FACE)  # figures on the modes would cover them


@pytest.mark.parametrize("parts", [[1, 1, 1], [111, 111, 73, 305], [0.005, 0.005, 0.99], [0, 7]])
def test_shares_add_up_to_a_hundred(parts):
    exact = 100 * np.array(parts) / sum(parts)
    assert sum(percents(np.array(parts))) == 100
    assert np.abs(percents(np.array(parts)) - exact).max() < 1


def test_shares_each_rounded_alone_need_not():
    assert sum(round(100 * part / 3) for part in (1, 1, 1)) == 99
    assert percents(np.array([111, 111, 73, 305])) == [19, 18, 12, 51]


@pytest.mark.parametrize("places", [FACE * (2.2, 1.0), np.concatenate([FACE, FACE + 0.05, FACE - 0.05, FACE + 0.1])])
def test_sides_without_room_are_left(places):
    assert at_sides(places, np.full(len(places), 0.3), [(0.45, 0.3)] * len(places), PANEL) is None


def test_the_floor_of_total_variation_is_that_of_independent_draws():
    rng = np.random.default_rng(3)
    masses = rng.dirichlet(np.ones(12)) * 0.97  # the rest lies outside
    shares = np.append(masses, 0.03)
    for count in (1, 10, 400):
        drawn = rng.multinomial(count, shares, 4000) / count
        apart = 0.5 * np.abs(drawn - shares).sum(1)
        (expected,) = expected_variation(masses.reshape(3, 4), np.array([count]))
        error = 4 * apart.std() / np.sqrt(len(apart))
        assert expected == pytest.approx(apart.mean(), abs=error + 1e-9)
        assert expected_variation(masses / 2, np.array([count]))[0] != pytest.approx(apart.mean(), abs=error)
    later = expected_variation(masses, np.array([10_000, 40_000]))
    assert later[0] / later[1] == pytest.approx(2, rel=0.01)


def falling(steps, values):
    """A distance over a chart of 10 × 4, with what it says replaced by what remembers where it was put."""
    rect = Box(0.0, 10.0, 0.0, 4.0)
    page = SimpleNamespace(number=lambda *_: text, em=lambda _: 0.3)
    text = SimpleNamespace(room=1.2, set_value=lambda _: None, at=lambda *where: text.__setattr__("where", where))
    axes = SimpleNamespace(
        at=lambda n, v: (n / steps[-1] * 10.0, 4.0 * v), scaled=lambda v, _: np.asarray(v, float),
        unscaled=lambda v, _: v, rect=rect, page=page, mobjects=[],
    )  # fmt: skip
    curve = SimpleNamespace()
    curve.set_z_index = lambda _: curve
    curve.show_step = lambda k: setattr(curve, "k", k)
    order = np.arange(len(steps))
    curve.here = lambda: np.array(axes.at(np.interp(curve.k, order, steps), np.interp(curve.k, order, values)))
    return Distance(axes, curve, steps, values), text


def test_a_running_value_never_stands_on_its_curve():
    steps = np.arange(1, 101)
    values = np.where(steps < 95, 0.7, 0.1)  # it falls where the number has no room at its right
    distance, text = falling(steps, values)
    for step in (20, 96, 100):
        distance.show_step(step)
        x, y, align = text.where
        left = x if align < 0 else x - text.room
        drawn = distance.places[steps <= step]
        under = drawn[(drawn[:, 0] >= left) & (drawn[:, 0] <= left + text.room)]
        assert not ((under[:, 1] > y - 0.05) & (under[:, 1] < y + 0.25)).any()
    assert distance.value(94.5) == pytest.approx(0.4)  # as high as the curve, half way down
    assert align > 0
    assert y > 4 * 0.1 + 0.3  # where the head alone would have it, the curve comes down through it


def test_a_chain_is_first_shown_where_its_whole_point_is_seen():
    box, rect = (-1.0, 1.0, -1.0, 1.0), Box(0.0, 4.0, 0.0, 4.0)
    x = np.array([[[0.0, 1.2]], [[0.0, 0.99]], [[0.0, 0.9]], [[0.0, 0.0]]])
    assert OneChain(box, rect, x, theme=theme("dark"), length=2).first_inside(rect) == 2
    assert OneChain(box, rect, x[2:], theme=theme("dark"), length=2).first_inside(rect) == 0
