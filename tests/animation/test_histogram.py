"""Histograms: exact counts at every step, however it is reached, and cheaply."""

import time

import numpy as np
import pytest

from diffrender.animation.mobjects.plane.histogram import Histogram2D
from diffrender.core.errors import RenderError

TABLE = np.stack([np.arange(256)] * 3, axis=1).astype(np.uint8)
rng = np.random.default_rng(0)


def histogram(studio, bins=(8, 4), high=1.0, **kwargs):
    return Histogram2D(studio.BOX, studio.RECT, bins, table=TABLE, high=high, **kwargs)


def counted(x, bins=(8, 4)):
    flat = np.asarray(x, float).reshape(-1, 2)
    return np.histogram2d(flat[:, 1], flat[:, 0], bins=bins[::-1], range=[(-1, 1), (-2, 2)])[0]


@pytest.mark.parametrize(("steps", "chains"), [(1000, 1), (37, 50), (256, 3), (257, 3)])
def test_counts_are_exact_at_any_step_in_any_order(studio, steps, chains):
    x = rng.normal(0, 0.6, (steps, chains, 2)).astype(np.float32)
    shown = histogram(studio).follow(x)
    for step in rng.permutation(steps)[:60]:
        counts, total = shown.show_step(step).counts()
        assert (counts == counted(x[: step + 1])).all()
        assert total == (step + 1) * chains
    assert (shown.show_step(steps - 1).counts()[0] == counted(x)).all()


def test_some_chains_from_some_step_on(studio):
    x = rng.normal(0, 0.6, (100, 9, 2))
    shown = histogram(studio).follow(x, chains=[2, 5], start=20)
    counts, total = shown.show_step(60).counts()
    assert (counts == counted(x[20:61, [2, 5]])).all()
    assert total == 82
    assert shown.show_step(5).counts()[1] == 0


def test_density_is_that_of_all_states_also_those_outside(studio):
    x = np.concatenate([rng.uniform((-2, -1), (2, 1), (5000, 2)), np.full((5000, 2), 9.0)])[:, None]
    shown = histogram(studio).follow(x).show_step(9999)
    assert shown.density().sum() * (4 / 8) * (2 / 4) == pytest.approx(0.5)
    assert shown.density() == pytest.approx(0.5 / 8, rel=0.4)


def test_what_is_not_finite_or_far_away_is_in_no_cell(studio):
    x = np.array([[np.nan, 0], [np.inf, 0], [1e300, 0], [-1e30, 0], [2.0, 0], [1.999999999, 0.999999999], [-2, -1]])
    counts, total = histogram(studio).follow(x[:, None]).show_step(6).counts()
    assert counts.sum() == 2
    assert counts[-1, -1] == counts[0, 0] == 1
    assert total == 7


def test_cells_are_hard_and_coloured_as_the_density(studio):
    counts = rng.integers(0, 50, (4, 8))
    shown = histogram(studio, counts=counts, high=0.3, power=0.7)
    pixels = studio.draw(shown)[..., 0].astype(int)
    density = counts / counts.sum() / (0.5 * 0.5)
    expected = np.rint(np.clip(density / 0.3, 0, 1) ** 0.7 * 255)
    for r in range(4):
        for c in range(8):
            x, y = (int(v) for v in studio.pixel(-6 + (c + 0.5) * 1.5, -3 + (r + 0.5) * 1.5))
            assert (pixels[y - 20 : y + 20, x - 20 : x + 20] == expected[r, c]).all()


def test_it_grows_with_the_step(studio):
    x = rng.normal(0, 0.4, (3000, 1, 2))
    shown = histogram(studio).follow(x)
    early, late = studio.draw(shown.show_step(3)), studio.draw(shown.show_step(2999))
    assert (early != late).any()
    assert (studio.draw(shown.show_step(3)) == early).all()
    assert studio.ink(studio.draw(shown.set_opacity(0))) == 0


def test_a_step_costs_little_once_counted(studio):
    x = rng.normal(0, 0.6, (120_000, 1, 2)).astype(np.float32)
    shown = histogram(studio, (69, 57)).follow(x)
    shown.show_step(119_999).counts()
    started = time.process_time()
    for step in rng.integers(0, 120_000, 100):
        shown.show_step(step).counts()
    each = (time.process_time() - started) / 100
    started = time.process_time()
    counted(x, (69, 57))
    assert each < (time.process_time() - started) / 5


@pytest.mark.parametrize(
    "make",
    [
        lambda s: histogram(s, (0, 4)),
        lambda s: histogram(s, high=0),
        lambda s: histogram(s, high=np.nan),
        lambda s: histogram(s, counts=np.zeros((8, 4))),
        lambda s: histogram(s).follow(np.zeros((5, 2))),
    ],
)
def test_what_cannot_be_is_refused(studio, make):
    with pytest.raises(RenderError):
        make(studio)
