"""From where shapes in space are seen in the end, and how they turn while they stand."""

import math

import numpy as np
import pytest

from diffrender.animation.layout.space import SWAY
from diffrender.animation.layout.telling_angle import PHI_RANGE, telling_angle, told
from diffrender.animation.layout.views import around
from diffrender.animation.mobjects.space.orbit import Orbit
from diffrender.animation.theme import theme

RNG = np.random.default_rng(0)
TURN = RNG.uniform(1.5 * np.pi, 4.5 * np.pi, 1500)


def roll(axis):
    """(N, 3) a Swiss roll round one of the axes."""
    flat = np.stack([TURN * np.cos(TURN), TURN * np.sin(TURN)], 1)
    return np.insert(flat, axis, RNG.uniform(0, 21, len(TURN)), axis=1)


def seen(points):
    """The unit vector towards the eye that looks at points from their telling angle."""
    reach = np.ptp(points, axis=0)
    orbit = Orbit(perspective=1 / (1.8 * float(np.linalg.norm(reach))), center=tuple(points.min(0) + reach / 2))
    orbit.phi, orbit.theta = telling_angle(orbit, points)
    return orbit.axes[2]


@pytest.mark.parametrize("axis", [0, 1])
def test_a_roll_is_seen_along_its_axis(axis):
    assert abs(seen(roll(axis))[axis]) > math.cos(0.3)


def test_a_disc_is_seen_from_above_and_not_edge_on():
    radius, angle = np.sqrt(RNG.uniform(0, 1, 1500)), RNG.uniform(0, 2 * np.pi, 1500)
    disc = np.stack([radius * np.cos(angle), radius * np.sin(angle), 0.01 * RNG.standard_normal(1500)], 1)
    assert math.acos(seen(disc)[2]) == pytest.approx(PHI_RANGE[0], abs=1e-6)


def test_a_long_spring_is_seen_from_its_side():
    angle = RNG.uniform(0, 10 * np.pi, 1500)
    spring = np.stack([np.cos(angle), np.sin(angle), angle / 8], 1)
    assert math.acos(seen(spring)[2]) > 0.9


def test_gaps_inside_an_outline_tell_more_than_a_filled_one_and_lie_outside_it_nothing():
    full = np.zeros((40, 40), bool)
    full[5:35, 5:35] = True
    ring = full.copy()
    ring[10:30, 10:30] = False
    open_below = ring.copy()
    open_below[30:, 10:30] = False  # what has nothing below it lies outside
    assert told(ring) > told(full) > told(open_below)


def test_a_shape_in_space_sways_to_both_sides_of_its_telling_angle_and_comes_back():
    view = around(roll(1), (-5, 5, -3, 3), (0, 0), (3, 2), theme("dark"))
    view.look(1.0, degrees=90)
    (sway,) = view.sway(4.0)
    turned = []
    for u in np.linspace(0, 1, 21):
        sway.interpolate(u)
        turned.append(view.orbit.theta - view.telling[1])
    assert turned[0] == pytest.approx(0)
    assert turned[-1] == pytest.approx(0)
    assert max(turned) > 0.7 * SWAY
    assert min(turned) < -0.7 * SWAY
    assert np.abs(np.diff(turned)).max() < 0.4 * SWAY, "no jerk"
    assert around(roll(1)[:, :2], (-5, 5, -3, 3), (0, 0), (3, 2), theme("dark")).sway(4.0) == []


def test_the_camera_comes_to_the_telling_angle_or_leaves_it_by_the_same_way():
    came, left = (around(roll(1), (-5, 5, -3, 3), (0, 0), (3, 2), theme("dark")) for _ in range(2))
    left.leaves = True
    for view, first, last in ((came, -math.pi / 2, 0), (left, 0, -math.pi / 2)):
        for course, aside in ((0.0, first), (1.0, last)):
            view.look(course, degrees=90)
            assert view.orbit.theta - view.telling[1] == pytest.approx(aside)


def test_a_camera_that_is_held_stands_while_time_passes_and_goes_round_what_stands():
    view = around(roll(1), (-5, 5, -3, 3), (0, 0), (3, 2), theme("dark"))
    view.held = True
    for course in (0.0, 0.5, 1.0):
        view.look(course, degrees=90)
        assert (view.orbit.phi, view.orbit.theta) == pytest.approx(view.telling)
    view.lay(view.close_up(roll(1)), view.rect)
    near, (turn,) = view.box, view.go_round(4.0, roll(1), degrees=90)
    aside = []
    for u in np.linspace(0, 1, 41):
        turn.interpolate(u)
        aside.append(view.orbit.theta - view.telling[1])
        (x0, x1, y0, y1), at = view.box, view.flat(view.corners)
        if abs(aside[-1]) > 0.8:
            assert (at > (x0, y0)).all()
            assert (at < (x1, y1)).all(), "all of the box is seen"
    assert min(aside) == pytest.approx(-np.pi / 2, abs=1e-6)
    assert aside[-1] == pytest.approx(0, abs=1e-9)
    assert view.box == pytest.approx(near)
