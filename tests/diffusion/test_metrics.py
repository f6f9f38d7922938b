"""Sliced Wasserstein against what is known in closed form."""

from __future__ import annotations

import math

import numpy as np
import ot
import pytest
from scipy.stats import wasserstein_distance_nd

from diffrender.diffusion.recording.metrics import against_target, sliced_wasserstein
from diffrender.trajectory.distance import directions


@pytest.mark.parametrize("dim", [1, 2, 3, 10])
def test_a_shift_is_seen_in_every_direction(dim):
    x = np.random.default_rng(0).standard_normal((500, dim))
    shift = np.arange(1, dim + 1) / 10
    along = directions(dim, 64)
    assert sliced_wasserstein(x, x + shift) == pytest.approx(math.sqrt(np.mean((shift @ along) ** 2)), rel=1e-4)
    if dim == 2:  # over all directions the mean square is |shift|²/2
        assert sliced_wasserstein(x, x + shift) == pytest.approx(np.linalg.norm(shift) / math.sqrt(2), rel=1e-4)


def test_a_scaling_of_normal_data():
    x = np.random.default_rng(0).standard_normal((50_000, 2))
    assert sliced_wasserstein(x, 1.5 * x[::-1]) == pytest.approx(0.5, rel=0.01)


def test_order_does_not_matter_and_sizes_may_differ():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((4000, 2)), rng.standard_normal((4000, 2)) + 1
    assert sliced_wasserstein(x, rng.permutation(x)) == 0
    whole, part = sliced_wasserstein(x, y), sliced_wasserstein(x, y[:1500])
    assert part == pytest.approx(whole, rel=0.1)
    assert sliced_wasserstein(y[:1500], x) == part


def test_in_one_dimension_it_is_the_distance_itself():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((200, 1)), 2 * rng.standard_normal((200, 1)) + 3
    exact = math.sqrt(np.mean((np.sort(x[:, 0]) - np.sort(y[:, 0])) ** 2))
    assert sliced_wasserstein(x, y) == pytest.approx(exact, rel=1e-6)
    assert exact >= wasserstein_distance_nd(x, y)  # W2 ≥ W1


def test_floor_is_that_of_fresh_data():
    rng = np.random.default_rng(0)
    fresh = [rng.standard_normal((2000, 2)) for _ in range(6)]
    distance, floor = against_target(rng.standard_normal((2000, 2)), fresh)
    assert distance == pytest.approx(floor, rel=0.5)
    assert against_target(rng.standard_normal((2000, 2)) + 0.2, fresh)[0] > 3 * floor


SHAPES = {
    "spread": lambda rng: (rng.standard_normal((800, 3)), rng.standard_normal((800, 3)) * [1.5, 0.7, 1.0]),
    "moved": lambda rng: (rng.standard_normal((800, 3)), np.add(rng.standard_normal((800, 3)), [0.0, 0.0, 1.0])),
    "flat": lambda rng: (rng.standard_normal((800, 3)) * [1, 1, 0.02], rng.standard_normal((800, 3)) * [1, 0.02, 1]),
}


def pot(x: np.ndarray, y: np.ndarray, projections: int = 4000) -> float:
    return float(ot.sliced_wasserstein_distance(x, y, n_projections=projections, seed=0))


@pytest.mark.parametrize("name", SHAPES)
def test_in_space_it_agrees_with_pot_to_two_percent(name):
    x, y = SHAPES[name](np.random.default_rng(1))
    assert sliced_wasserstein(x, y) == pytest.approx(pot(x, y), rel=0.02)


def test_as_few_directions_drawn_at_random_would_not():
    x, y = SHAPES["moved"](np.random.default_rng(1))
    few = [float(ot.sliced_wasserstein_distance(x, y, n_projections=64, seed=k)) for k in range(8)]
    whole = pot(x, y)
    assert max(abs(value / whole - 1) for value in few) > 0.02
