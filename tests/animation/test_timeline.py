"""Timelines: recorded steps, in order, from the first to the last."""

import numpy as np
import pytest

from diffrender.animation import timeline
from diffrender.core.errors import RenderError


def schedules():
    t = np.linspace(1, 0, 51)
    sigma = np.geomspace(80, 0.002, 51)
    return {
        "flow": (1 - t, t),
        "variance exploding": (np.ones(51), sigma),
        "variance exploding to clean": (np.ones(52), np.append(sigma, 0.0)),
        "variance preserving": (np.cos(np.pi / 2 * t), np.sin(np.pi / 2 * t)),
        "towards noise": (1 - t[::-1], t[::-1]),
    }


def hops(lengths):
    """A recording of three chains in the plane that all go so far in each step, in different directions."""
    way = np.array([[1, 0], [0, 1], [0.6, -0.8]])
    return np.concatenate([[0], np.cumsum(lengths)])[:, None, None] * way


def every():
    yield "linear", timeline.linear
    yield "eased", timeline.eased
    yield "path length", lambda last, **k: timeline.path_length(hops(np.arange(last) % 7), **k)
    for name, (alpha, sigma) in schedules().items():
        yield name, lambda last, alpha=alpha, sigma=sigma, **k: timeline.log_snr(alpha, sigma, **k)


@pytest.mark.parametrize(("name", "make"), list(every()))
@pytest.mark.parametrize("interpolate", [False, True])
def test_from_the_first_step_to_the_last_and_never_back(name, make, interpolate):
    line = make(50, interpolate=interpolate)
    steps = np.array([line.step(u) for u in np.linspace(0, 1, 1001)])
    assert steps[0] == 0
    assert steps[-1] == line.last
    assert (np.diff(steps) >= 0).all()
    whole = steps == np.rint(steps)
    assert whole.mean() < 0.2 if interpolate else whole.all()
    assert line.step(-1) == 0
    assert line.step(2) == line.last
    assert line.describe()["interpolated"] is interpolate


def test_linear_gives_every_step_the_same_time():
    line = timeline.linear(10)
    shown = np.array([line.step(u) for u in np.linspace(0, 1, 10001)])
    times = np.bincount(shown.astype(int)) / 10000
    assert times[1:-1] == pytest.approx(0.1, abs=2e-3)
    assert times[[0, -1]] == pytest.approx(0.05, abs=2e-3)


def test_along_path_length_states_go_at_constant_speed():
    lengths = np.array([1, 0, 0, 4, 2, 1, 0.5])
    line = timeline.path_length(hops(lengths), even=0, interpolate=True)
    course = np.linspace(0, 1, 101)
    gone = np.interp([line.step(u) for u in course], np.arange(8), np.concatenate([[0], np.cumsum(lengths)]))
    assert gone == pytest.approx(course * lengths.sum(), abs=1e-9)


def test_path_length_leaves_time_for_steps_in_which_nothing_moves():
    line = timeline.path_length(hops([0, 0, 0, 1]), even=0.4, interpolate=True)
    assert line.step(0.3) == pytest.approx(3)
    still = timeline.path_length(hops([0, 0, 0, 0]), interpolate=True)
    assert [still.step(u) for u in (0, 0.25, 0.5, 1)] == pytest.approx([0, 1, 2, 4])


def test_eased_is_slow_at_both_ends():
    line = timeline.eased(100, interpolate=True)
    assert line.step(0.05) < 1
    assert line.step(0.5) == pytest.approx(50)
    assert line.step(0.95) > 99


def test_log_snr_goes_at_constant_speed_and_leaves_a_fifth_for_the_last_decade():
    sigma = np.geomspace(8, 0.0008, 401)  # four decades
    line = timeline.log_snr(np.ones(401), sigma, interpolate=True)
    at = lambda u: np.interp(line.step(u), np.arange(401), np.log10(sigma))  # noqa: E731
    assert at(0.8) == pytest.approx(np.log10(0.008), abs=0.01)
    speeds = np.diff([at(u) for u in np.linspace(0, 0.8, 9)])
    assert speeds == pytest.approx(speeds.mean(), rel=0.02)
    assert at(0.9) == pytest.approx(np.log10(0.008) - 0.5, abs=0.01)


def test_within_one_decade_the_speed_is_constant_throughout():
    sigma = np.geomspace(1, 0.2, 101)
    line = timeline.log_snr(np.ones(101), sigma, interpolate=True)
    assert line.step(0.5) == pytest.approx(50, abs=0.01)


def test_infinite_ends_go_on_as_beside_them():
    t = np.linspace(1, 0, 11)
    line = timeline.log_snr(1 - t, t, interpolate=True)
    inner = 2 * np.log((1 - t[1:-1]) / t[1:-1])
    snr = np.concatenate([[2 * inner[0] - inner[1]], inner, [2 * inner[-1] - inner[-2]]])
    steps = [line.step(u) for u in np.linspace(0, 1, 101)]
    walked = np.interp(steps, np.arange(11), snr)
    corner = snr[-1] - 2 * np.log(10)
    assert walked[80] == pytest.approx(corner, abs=1e-9)


def test_there_and_back_are_mirrors():
    alpha, sigma = schedules()["flow"]
    to_data = timeline.log_snr(alpha, sigma, interpolate=True)
    to_noise = timeline.log_snr(alpha[::-1], sigma[::-1], interpolate=True)
    for u in np.linspace(0, 1, 21):
        assert to_noise.step(u) == pytest.approx(50 - to_data.step(1 - u), abs=1e-9)


def test_one_state_is_shown_throughout():
    assert timeline.linear(0).step(0.7) == 0


@pytest.mark.parametrize("sigma", [np.zeros(5), np.ones(5), np.ones(1)])
def test_levels_that_do_not_change_are_refused(sigma):
    with pytest.raises(RenderError, match="linear"):
        timeline.log_snr(np.ones(len(sigma)), sigma)


def test_pure_noise_passes_quickly():
    """Above sigma = 10 or so nothing is to be seen yet: it gets at most its small share."""
    sigma = np.geomspace(80, 0.008, 401)
    line = timeline.log_snr(np.ones(401), sigma, interpolate=True)
    at = np.interp(line.step(timeline.BEFORE_ONSET), np.arange(401), -2 * np.log(sigma))
    assert at == pytest.approx(timeline.ONSET, abs=0.05)


@pytest.mark.parametrize("last", [1, 6])
def test_landing_gives_the_end_to_the_last_step_and_shows_recorded_states_before(last):
    made = timeline.landing(timeline.linear(last), 0.2)
    steps = np.array([made.step(u) for u in np.linspace(0, 1, 101)])
    assert set(steps[:80]) == set(range(last)), "before it every recorded state, and none between two"
    assert (steps[80], steps[90], steps[100]) == pytest.approx((last - 1, last - 0.5, last), abs=1e-6)
    assert (np.diff(steps) >= 0).all()
    assert made.interpolate, "what is drawn between two states is said to be"


def test_what_comes_after_a_step_gets_its_share_and_no_more_if_it_has_it():
    plain = timeline.linear(100)
    late = timeline.settling(plain, 80, 0.4)
    assert late.course(80) == pytest.approx(0.6)
    assert [late.step(u) for u in (0.0, 0.3, 0.8, 1.0)] == [0, 40, 90, 100]
    assert plain.course(80) == pytest.approx(0.8), "the control"
    assert timeline.settling(plain, 40, 0.4) is plain
