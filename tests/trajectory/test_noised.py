"""How much of noised data lies within a curve."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import ndtr

from diffrender.trajectory.noised import mass_within, noised_share, within

SQUARE = np.array([[0, 0], [2, 0], [2, 2], [0, 2]], float)
ARROW = np.array([[0, 0], [2, 2], [0, 1], [-2, 2]], float)  # not convex


@pytest.mark.parametrize("turned", [1, -1])
def test_points_within_a_curve_are_found(turned):
    points = np.array([[1, 1], [3, 1], [-1, 1], [1, 3], [0.1, 1.9]])
    assert within(points, SQUARE[::turned]).tolist() == [True, False, False, False, True]
    assert within(np.array([[0, 0.5], [0, 1.2], [1.2, 1.4]]), ARROW[::turned]).tolist() == [True, False, True]


def test_the_share_is_that_of_the_law_and_its_error_that_of_the_data():
    """Of 400 data at two places, a quarter of them in the square: what comes in by noise, and how sure that is."""
    data = np.where(np.arange(400)[:, None] < 100, 1.0, 9.0) * np.ones(2)
    levels = {"alpha": np.array([0.6, 1.0]), "sigma": np.array([0.8, 0.0])}
    parts = {"target": data, "scale": np.array([2.0, 1.0]), "__getitem__": lambda _, name: levels[name]}
    run: Any = type("Run", (), parts)()
    share, error = noised_share(run, [SQUARE / 2, SQUARE])
    one = (ndtr((2 - 0.6) / 0.8) - ndtr(-0.6 / 0.8)) ** 2
    assert share == pytest.approx([one / 4, 0.25], abs=1e-6), "no draws"
    assert error[1] == pytest.approx(np.sqrt(0.25 * 0.75 / 400))
    assert 0 < error[0] < error[1], "noise has many draws of its own for each datum"


def test_the_mass_within_a_curve_is_what_draws_say():
    points, rng = np.array([[0.0, 0.5], [1.0, 1.2], [9.0, 9.0]]), np.random.default_rng(0)
    for sigma in (2.0, 0.5, 0.06):
        drawn = [within(p + sigma * rng.standard_normal((200_000, 2)), ARROW).mean() for p in points]
        assert mass_within(points, sigma, ARROW) == pytest.approx(drawn, abs=0.004)
        assert mass_within(points, sigma, ARROW[::-1]) == pytest.approx(drawn, abs=0.004)
    assert mass_within(points, 1e-6, ARROW).tolist() == within(points, ARROW).tolist()
