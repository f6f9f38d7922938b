"""The scene flow read back: straightness by its definition, the weights of lines to the data, evaluations needed."""

from __future__ import annotations

import numpy as np
import pytest

from diffrender.animation.parts.straightness import evaluations_needed, on_straight_clock, straightness
from diffrender.animation.text.typst import Typeset

NAMES = ("plain", "transport", "once", "twice")
OPTIONS = {"duration": 1.0, "sweep": 1.0, "hold": 0.5}


@pytest.fixture(scope="module")
def runs(recorded):
    def run(kind, posterior):
        sampler = {"kind": kind, "steps": 16, "chains": 150}
        record = {"budgets": [2, 4, 12], "posterior": posterior, "target_points": 300}
        return recorded("moons", schedule={"kind": "flow"}, sampler=sampler, record=record)

    kinds = ("flow_euler", "flow_euler", "flow_midpoint", "flow_midpoint")
    return {name: run(kind, name == "plain") for name, kind in zip(NAMES, kinds, strict=True)}


def test_straightness_is_what_its_definition_says_of_a_curve_in_closed_form():
    """y_t = t a + κ sin(π t) b, so ∫|ẏ − (y_1 − y_0)|² dt = κ² π² |b|² / 2."""
    t, rng = np.linspace(1, 0, 2001), np.random.default_rng(0)
    a, b = rng.standard_normal((50, 2)), rng.standard_normal((50, 2))
    y = t[:, None, None] * a + 0.3 * np.sin(np.pi * t)[:, None, None] * b
    wanted = 0.3**2 * np.pi**2 / 2 * np.square(b).sum(1).mean() / np.square(a).sum(1).mean()
    assert straightness(y, t) == pytest.approx(wanted, rel=1e-4)
    assert straightness(t[:, None, None] * a, t) == pytest.approx(0, abs=1e-12)
    uneven = t**2  # the same straight lines, not at one speed
    assert straightness(uneven[:, None, None] * a, t) == pytest.approx(1 / 3, rel=1e-3), "the control: a changing speed"


def test_straightness_on_screen_is_that_of_the_recordings(cinema, runs):
    film = cinema("flow", **runs)
    film.at(1.2 + 1 + 1 + 0.8 + 0.5, **OPTIONS)
    said = film.scene.words["off"]
    shown = [mob.body for top in film.scene.mobjects for mob in top.get_family() if isinstance(mob, Typeset)]

    def stands(value):
        return any(said.format(value) in body for body in shown)

    for run in runs.values():
        y, t = on_straight_clock(run)
        slow = 0.0
        for i in range(y.shape[1]):
            way = (y[-1, i] - y[0, i]) / (t[-1] - t[0])
            speeds = [(y[k + 1, i] - y[k, i]) / (t[k + 1] - t[k]) for k in range(len(t) - 1)]
            slow += sum((t[k] - t[k + 1]) * np.sum((v - way) ** 2) for k, v in enumerate(speeds)) / y.shape[1]
        slow /= (t[0] - t[-1]) * np.mean(np.sum(((y[-1] - y[0]) / (t[-1] - t[0])) ** 2, 1))
        assert straightness(y, t) == pytest.approx(slow, rel=1e-9)
        assert stands(slow)
        bent = np.array(y)
        bent[len(y) // 2] += 0.2
        assert not stands(straightness(bent, t)), "the control: paths with a kink"


def test_lines_to_the_data_are_as_opaque_as_the_posterior_is_high(cinema, runs):
    (shot,) = cinema("flow", **runs).at(1.2 + 0.5, **OPTIONS)
    (spokes,) = shot.rasters["Spokes"]
    run, chain = runs["plain"], int(runs["plain"].meta["followed"])
    k = spokes.step
    alpha, sigma, x = float(run["alpha"][k]), float(run["sigma"][k]), np.asarray(run["x"][k, chain], float)
    points = np.asarray(run["posterior"][k], float)[:: -(-run["posterior"].shape[1] // 1000)]
    log_w = -np.square(x - alpha * points).sum(1) / (2 * sigma**2)
    share = np.exp(log_w - log_w.max())
    xy, fade = spokes.lines()
    kept = share > 0.01
    assert np.sort(fade) == pytest.approx(np.sort(0.8 * share[kept]), rel=1e-2, abs=1e-3)
    assert xy[0, 0] == pytest.approx(x / (alpha + sigma), abs=1e-5)
    other = np.asarray(run["x"][k, (chain + 1) % run.chains], float)
    off = -np.square(other - alpha * points).sum(1)
    assert np.argmax(off) != np.argmax(log_w), "the control: another point's posterior"


def test_conditional_paths_are_straight_and_marginal_ones_the_recording(cinema, runs):
    (shot,) = cinema("flow", **runs).at(1.2 + 0.5, **OPTIONS)
    straight, flow = (mob.recorded for mob in shot.rasters["Trails"])
    y, t = on_straight_clock(runs["plain"])
    assert straightness(np.asarray(straight, float), t) < 1e-9
    assert np.allclose(flow, y[:, : flow.shape[1]], atol=1e-6)
    assert straightness(np.asarray(flow, float), t) > 1e-3, "the control: the flow is curved"


def test_evaluations_needed_are_the_fewest_that_come_near_enough():
    calls, far = [np.array([1, 2, 4, 8])] * 3, [np.array(v) for v in ([9, 5, 3, 1], [3, 2, 2, 2], [9, 9, 9, 9.0])]
    assert evaluations_needed(calls, far, 3) == [4, 1, None]
    assert evaluations_needed(calls, far, 2.5) == [8, 2, None], "the control: a harder level"


def test_a_frame_is_the_same_played_and_sought(cinema, runs):
    assert cinema("flow", **runs).unlike_when_sought(13, **OPTIONS) == []


def test_it_fits_every_frame(cinema, runs, shape, look):
    assert cinema("flow", **runs).layout(shape, look, every=9, **OPTIONS) == []
