"""Which steps are shown, that all of a step fits the window, and that every pace ends where it should."""

import numpy as np
import pytest

from diffrender.animation.parts.zoom.pacing import (
    SLOW,
    STAGES,
    Accelerating,
    SlowThenFaster,
    place_tags,
    window_centres,
)
from diffrender.animation.parts.zoom.step_window import stages

BOX = (-3.0, 3.0, -3.0, 3.0)


def chain(steps=400, tau=0.02, seed=0):
    """x (T+1, 2), drift and noise (T, 2) of ULA on a standard Gaussian."""
    rng = np.random.default_rng(seed)
    x, drift, noise = [np.zeros(2)], [], []
    for _ in range(steps):
        drift.append(-tau * x[-1])
        noise.append(np.sqrt(2 * tau) * rng.standard_normal(2))
        x.append(x[-1] + drift[-1] + noise[-1])
    return np.array(x), np.array(drift), np.array(noise)


def test_every_tip_lies_in_the_window_and_the_window_moves_only_when_it_must():
    x, drift, noise = chain()
    size = (1.0, 0.83)
    centres = window_centres(x[:-1], drift, noise, size)
    tips = np.stack([x[:-1], x[:-1] + drift, x[:-1] + noise, x[1:]])
    small = np.abs(noise).max(1) < 0.4
    assert (np.abs(tips - centres)[:, small] <= np.array(size) / 2).all()
    assert (np.diff(centres, axis=0) == 0).all(1).mean() > 0.1


def test_stages_come_one_after_another_and_all_are_done_at_the_end():
    assert all(done == 0 for done in stages(0).values())
    assert list(stages(1).values()) == pytest.approx([1] * len(STAGES))
    half = stages((STAGES["score"] + STAGES["noise"] / 2) / SLOW)
    assert (half["score"], half["sum"]) == (1, 0)
    assert 0 < half["noise"] < 1


def test_steps_go_by_slowly_then_each_twice_as_fast():
    pace = SlowThenFaster.plan(3, 1 / 30, 2.0)
    assert pace.durations[:5] == pytest.approx([SLOW] * 3 + [SLOW / 2, SLOW / 4])
    assert pace.durations.min() == pytest.approx(1 / 30)
    assert pace.at(0) == (0, 0.0)
    assert pace.at(SLOW * 1.5)[0] == 1
    assert pace.at(pace.seconds)[0] == len(pace.starts) - 1
    shown = [pace.at(t)[0] for t in np.linspace(0, pace.seconds, 2000)]
    assert sorted(set(shown)) == list(range(len(pace.starts)))  # none is left out
    led = SlowThenFaster.plan(3, 1 / 30, 2.0, lead=2.0)
    assert led.durations[:3].tolist() == pytest.approx([2 * SLOW, SLOW / 2, SLOW / 2])
    assert SlowThenFaster.plan(1, 1 / 30, 2.0, lead=2.0).durations[0] == pytest.approx(SLOW)
    assert SlowThenFaster.plan(3, 1 / 30, 2.0, speed=2).seconds < 0.6 * pace.seconds


@pytest.mark.parametrize(
    ("first", "last", "seconds"), [(282, 120_000, 14.0), (0, 40, 14.0), (5, 420, 14.0), (0, 1, 1.0)]
)
def test_an_accelerating_pace_never_turns_back_and_ends_at_the_last_step(first, last, seconds):
    law = Accelerating(first, last, seconds, 30.0)
    steps = [law.at(u) for u in np.linspace(0, 1, 500)]
    assert (steps[0], steps[-1]) == (first, last)
    assert (np.diff(steps) >= 0).all()
    assert law.at(0.999) == pytest.approx(last, rel=0.01, abs=1)


def test_the_pace_that_is_named_is_the_pace_that_is_shown():
    law = Accelerating(0, 120_000, 14.0, 30.0)
    for u in (0.2, 0.5, 0.9):
        measured = (law.at(u + 0.005) - law.at(u - 0.005)) / (0.01 * 14.0)
        assert law.pace_at(u) == pytest.approx(measured, rel=0.05)


def test_tags_meet_neither_each_other_nor_the_window_edge():
    rng = np.random.default_rng(3)
    rect, sizes = (0.0, 5.75, 0.0, 4.77), [(0.7, 0.45), (1.6, 0.5), (0.9, 0.55), (0.45, 0.4)]
    for _ in range(200):
        at = np.array([2.9, 2.4]) + rng.uniform(-0.7, 0.7, 2)
        drift, noise = rng.normal(0, 0.7, 2), rng.normal(0, 1.0, 2)
        tips = [np.clip(at + v, 0.4, 4.4) for v in (drift + noise, drift, noise)]
        centres = place_tags([*tips, at + 0.01], [at] * 4, sizes, rect)
        for i, (a, s) in enumerate(zip(centres, sizes, strict=True)):
            assert (a - np.array(s) / 2 >= 0.15).all()
            assert (a + np.array(s) / 2 <= np.array([5.75, 4.77]) - 0.15).all()
            for b, t in zip(centres[:i], sizes, strict=False):
                assert (np.abs(a - b) >= (np.array(s) + t) / 2).any(), (tips, centres)
