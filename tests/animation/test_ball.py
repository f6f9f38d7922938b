"""Balls on a landscape: which chains momentum has carried over a top, and where a ball lies between recorded states."""

from types import SimpleNamespace

import numpy as np
import pytest

from diffrender.animation.parts.ball import DOTS, Ball, carried_over, pick_climber

TOPS, WIDTHS = np.zeros((4, 2)), np.ones(4)
# over the top; back from it; past it, not over it; no farther than the top
WAYS = np.array([
    [[-2.0, 0.0], [-3.0, 0.0], [-2.0, 0.0], [-1.0, 0.0]],
    [[0.0, 0.3], [0.1, 0.0], [0.0, 2.0], [0.2, 0.0]],
    [[2.0, 0.5], [-3.0, 0.2], [3.0, 1.0], [0.4, 0.0]],
    [[3.0, 0.0], [-3.0, 0.0], [4.0, 0.0], [0.5, 0.0]],
])  # fmt: skip


def test_over_a_top_is_who_was_on_it_and_is_off_it_on_the_other_side():
    assert carried_over(WAYS, TOPS, WIDTHS).tolist() == [3, 0, 0, 0]


def test_of_chains_that_climb_alike_the_one_is_shown_that_momentum_carries_over():
    x = np.array([[[-1.0, 1.0], [-1.1, 1.2], [-1.0, 1.1]], [[-1.0, -1.0]] * 3])
    land = SimpleNamespace(shown=(-3, 3, -3, 3), span=6.0, height=lambda xy: 1.0)
    basins = SimpleNamespace(of=lambda x: np.ones(len(x), int))
    assert {pick_climber(x, basins, land, np.eye(3, dtype=int)[k]) for k in range(3)} == {0, 1, 2}
    assert pick_climber(x, basins, land, np.zeros(3, int)) == pick_climber(x, basins, land)


def test_a_ball_lies_on_the_way_between_states_and_leaves_a_line_of_dots():
    land = SimpleNamespace(span=4.0)
    ball = Ball(land, np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]), finer=2, kept=np.ones((5, 2)))
    ball.show_step(0.75)
    assert land.ball == pytest.approx((1.0, 0.5))
    assert len(land.way) > 1.5 * DOTS
    assert np.array_equal(land.before, np.ones((5, 2))), "of a ball that is gone"
    assert np.linalg.norm(np.diff(land.way, axis=0), axis=1).max() < 0.04
    assert ball.timeline.step(1.0) == pytest.approx(1.0)
