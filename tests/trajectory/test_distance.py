"""Distances to the data: how far points are from the nearest of them, and what that is judged by."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial import cKDTree

from diffrender.trajectory.distance import nearest_distances, strays, usual_strays


def ring(count, seed, spread=0.02):
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 2 * np.pi, count)
    return np.stack([np.cos(angle), np.sin(angle)], 1) + spread * rng.standard_normal((count, 2))


def test_nearest_distances_are_those_to_halves_of_the_data():
    run = SimpleNamespace(target=ring(400, 0))
    states = [ring(300, 1), np.random.default_rng(2).standard_normal((300, 2))]
    found = nearest_distances(run, states)
    halves = [run.target[np.random.default_rng(seed).permutation(400)[:200]] for seed in range(4)]
    for judged, state in zip(found, states, strict=True):
        wanted = np.mean([cKDTree(half).query(state[:200])[0].mean() for half in halves])
        assert judged.far == pytest.approx(wanted, rel=1e-6)
        assert judged.far != pytest.approx(cKDTree(halves[0]).query(state[200:])[0].mean(), rel=1e-3), "the control"
    assert found[0].low < found[0].far < 1.2 * found[0].high, "a true sample is as near as one half is to the other"
    assert found[1].far > 5 * found[1].high, "the control: noise is not"


def test_points_among_which_no_data_lie_are_seen_where_distributions_look_alike():
    """A tenth of the points off the ring, evenly to all sides: the mean nearest distance more than doubles."""
    run, near = SimpleNamespace(target=ring(800, 0)), ring(400, 1)
    astray = near.copy()
    astray[::10] *= 0.5
    clean, spoilt = (each.far for each in nearest_distances(run, [near, astray]))
    assert spoilt > 2 * clean


def test_too_few_data_say_nothing():
    assert nearest_distances(SimpleNamespace(target=ring(30, 0)), [ring(30, 1)]) == []


def test_points_stray_that_are_farther_off_than_data_are_from_their_nearest():
    data = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [4.0, 0.0]])  # the last is 2 from its nearest
    points = np.array([[0.5, 1.9], [3.0, 1.0], [0.5, 2.1], [7.0, 0.0], [2.0, 0.0]])
    assert strays(points, data).tolist() == [False, False, True, True, False]
    assert strays(points, data[:3]).tolist() == [True, True, True, True, False], "the control: closer data"
    many = np.random.default_rng(0).standard_normal((1203, 2))
    among = np.linalg.norm(many[:, None] - many, axis=-1)
    np.fill_diagonal(among, np.inf)
    far = np.random.default_rng(1).standard_normal((1100, 2)) * 2
    wanted = np.linalg.norm(far[:, None] - many, axis=-1).min(1) > among.min(1).max()
    assert 0 < wanted.sum() < len(far)
    assert np.array_equal(strays(far, many), wanted)


def test_usual_strays_are_how_many_of_one_half_of_the_data_stray_from_the_other():
    run = SimpleNamespace(target=ring(400, 0))
    orders = [np.random.default_rng(seed).permutation(400) for seed in range(20)]
    counts = [int(strays(run.target[order[-150:]], run.target[order[:150]]).sum()) for order in orders]
    counts.sort()  # nine in ten, as of distances
    assert usual_strays(run, ring(150, 1)) == (counts[1], counts[-2])
    assert usual_strays(SimpleNamespace(target=ring(30, 0)), ring(30, 1)) is None
