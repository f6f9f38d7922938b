"""The clock: everything bound to it shows the same recorded moment, and time is paced by what can be seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from manim import Scene, tempconfig

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.layout.plane import Plane
from diffrender.animation.parts.axes import Axes, scale_bar
from diffrender.animation.parts.clock import Clock
from diffrender.animation.text import captions
from diffrender.animation.theme import Frame, theme
from diffrender.animation.timeline import Timeline, linear, paced
from diffrender.core.errors import RenderError
from diffrender.trajectory.reader import Trajectory

PAGE = Page(Frame.of(1920, 1080), theme("dark"))
RNG = np.random.default_rng(0)


def run_of(steps=9, kind="reverse", meta=None, **arrays):
    x = RNG.standard_normal((steps + 1, 30, 2)).astype(np.float32)
    level = np.linspace(1, 0, steps + 1).astype(np.float32)
    arrays = {"x": x, "time": level, "alpha": np.sqrt(1 - level**2), "sigma": level} | arrays
    return Trajectory(Path("a.npz"), {"kind": kind} | (meta or {}), arrays)


class Marks:
    """What is bound: it notes what it is shown."""

    def __init__(self):
        self.steps = []

    def show_step(self, step):
        self.steps.append(step)


# ---- binding ---------------------------------------------------------------------------------------------------------
def test_marks_numbers_and_slider_show_the_same_moment():
    run = run_of()
    clock, marks = Clock(PAGE, run, linear(run.steps)), Marks()
    assert clock.bind(marks) is marks
    sigma, counter = clock.number("sigma {:.3f}", run["sigma"]), clock.counter()
    slider = clock.slider(Box(-4, 4, -3, -2))[0]
    for course in np.linspace(0, 1, 40):
        clock.show(course)
        step = int(marks.steps[-1])
        assert sigma.numbers[0].value == pytest.approx(float(run["sigma"][step]))
        assert counter.numbers[0].value == step
        done = (slider.knob.get_center()[0] - slider.x0) / (slider.x1 - slider.x0)
        assert done == pytest.approx(step / run.steps)
        assert step == 0 or sigma.numbers[0].value != pytest.approx(float(run["sigma"][step - 1]))


def test_a_number_between_two_steps_lies_between_theirs_if_it_is_asked_to():
    run = run_of()
    clock = Clock(PAGE, run, linear(run.steps, interpolate=True))
    counts, values = np.arange(run.steps + 1) * 100, np.asarray(run["sigma"], float)
    jumps = clock.number("step {:,}", counts)
    count, value = clock.number("step {:,}", counts, between=True), clock.number("sigma {:.3f}", values, between=True)
    clock.show_step(1.25)
    assert (jumps.numbers[0].value, count.numbers[0].value) == (100, 125)
    assert value.numbers[0].value == pytest.approx(0.75 * values[1] + 0.25 * values[2])


def test_what_is_bound_later_shows_the_present_at_once():
    clock = Clock(PAGE, run_of(), linear(9))
    clock.show(1)
    assert clock.bind(Marks()).steps == [9.0]


def test_the_clock_runs_backwards_too_and_adds_nothing():
    clock, marks = Clock(PAGE, run_of(), linear(9)), Marks()
    clock.bind(marks)
    clock.number("sigma {:.3f}", clock.run["sigma"])
    with tempconfig({"dry_run": True, "frame_rate": 10}):
        scene = Scene()
        animation = clock.play(1.0, start=1.0, end=0.0)
        animation._setup_scene(scene)
        animation.begin()
        for alpha in (0.25, 0.5, 1.0):
            animation.interpolate(alpha)
    assert marks.steps[-1] == 0
    assert marks.steps == sorted(marks.steps[:1]) + sorted(marks.steps[1:], reverse=True)
    assert scene.mobjects == []


# ---- pace ------------------------------------------------------------------------------------------------------------
def moving(widths, count=3000):
    """Gaussian clouds of these widths, drawn anew each step: mere shimmer where the width stays."""
    return np.stack([w * RNG.standard_normal((count, 2)) for w in widths]).astype(np.float32)


def test_time_goes_where_the_cloud_changes_and_not_where_it_shimmers():
    still, shrinking = np.ones(50), np.linspace(1, 0.1, 51)
    line = paced(moving(np.concatenate([still, shrinking])), even=0.1)
    assert line.course(50) < 0.42
    assert linear(100).course(50) == pytest.approx(0.5)  # as it would be without


def test_a_second_cloud_on_the_same_steps_has_its_share():
    early = moving(np.concatenate([np.linspace(1, 0.1, 51), np.full(50, 0.1)]))
    late = moving(np.concatenate([np.full(50, 1.0), np.linspace(1, 0.1, 51)]))
    alone, both = paced(late, even=0.1).course(50), paced(late, early, even=0.1).course(50)
    assert both > alone + 0.2


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_recordings_of_few_steps_are_shown_whole(steps):
    line = paced(moving(np.linspace(1, 0, steps + 1)))
    assert isinstance(line, Timeline)
    assert [line.step(u) for u in (0, 1)] == [0, steps]
    assert {line.step(u) for u in np.linspace(0, 1, 101)} == set(range(steps + 1))


def test_a_single_state_has_no_timeline():
    with pytest.raises(RenderError, match="at least two"):
        paced(moving([1.0]))


def test_the_course_of_a_step_is_where_it_is_shown():
    line = paced(moving(np.linspace(1, 0.1, 30)))
    for step in (0, 7, 29):
        assert line.warp(line.course(step)) == pytest.approx(step, abs=1e-6)


# ---- captions --------------------------------------------------------------------------------------------------------
def test_what_a_recording_does_not_say_is_said_not_to_be_recorded():
    silent = run_of()
    assert captions.sampler(silent) == "sampler not recorded"
    assert captions.seed(silent) == "seed not recorded"
    assert captions.model(silent) == "model not recorded"
    said = run_of(
        meta={"sampler": {"name": "x", "title": "DDPM"}, "seed": 0, "model": {"kind": "exact", "label": "exact score"}}
    )
    assert (captions.sampler(said), captions.seed(said), captions.model(said)) == ("DDPM", "seed 0", "exact score")
    assert captions.model(run_of(kind="forward")) == ""


def test_the_equation_is_the_samplers_own_or_the_recorded_split():
    own = "{{x_(t-1) : sum}} = {{a : data}}"
    assert captions.equation(run_of(meta={"sampler": {"equation": own}})) == own
    noise = np.ones((9, 30, 2), np.float32)
    assert ": noise}}" in captions.equation(run_of(noise=noise))
    assert ": noise}}" not in captions.equation(run_of(noise=0 * noise))
    assert "hat(x)_0" not in captions.equation(run_of()), "nothing is known of a prediction"
    assert "hat(x)_0" in captions.equation(run_of(x0=noise))


# ---- scale bar and axes ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("zoom", [1.0, 3.7, 0.2])
def test_a_scale_bar_is_as_long_as_its_number_says(zoom):
    view, box = Plane((-2, 2, -1, 1), (-6, 6, -3, 3)), Box(-6, 6, -3, 3)
    bar = scale_bar(view, PAGE, box)
    view.lay(tuple(zoom * v for v in (-2, 2, -1, 1)), view.rect)
    unit = 12 / (4 * zoom)
    length = bar.bar.points[:, 0].max() - bar.bar.points[:, 0].min()
    assert length == pytest.approx(bar.number.value * unit)
    assert 0.05 * 12 < length <= 0.1601 * 12
    assert length != pytest.approx(bar.number.value * 12 / 4) or zoom == 1.0  # the number of another zoom is found out


def test_the_number_of_a_scale_bar_stands_while_a_view_zooms_a_little():
    """What slides is drawn anew for every frame."""
    view, box = Plane((-2, 2, -1, 1), (-6, 6, -3, 3)), Box(-6, 6, -3, 3)
    bar = scale_bar(view, PAGE, box)
    before, ended = bar.number.points.copy(), bar.bar.points.copy()
    view.lay(tuple(0.97 * v for v in (-2, 2, -1, 1)), view.rect)
    assert np.allclose(bar.number.points, before)
    assert not np.allclose(bar.bar.points, ended), "the control: the bar has grown"


def test_axes_place_values_linearly_and_by_logarithm():
    axes = Axes(PAGE, Box(0, 6, -3, 2), x=(1, 1000), y=(0, 2), log_x=True, x_name="step", y_name="Loss")
    left, middle, right = (axes.at(10.0**e, 1)[0] for e in (0, 1.5, 3))
    assert middle - left == pytest.approx(right - middle)
    low, half, high = (axes.at(1, v)[1] for v in (0, 1, 2))
    assert half - low == pytest.approx(high - half)
    curve = axes.curve(np.array([1, 10, 1000]), np.array([0.0, 1.0, 2.0]), color="#FFFFFF")
    assert curve.here()[:2] == pytest.approx(axes.at(1000, 2))
    for mob in axes.mobjects:
        assert mob.get_left()[0] > -0.05
        assert mob.get_right()[0] < 6.05


def test_a_chart_beside_text_that_leaves_it_no_room_says_so():
    large = Page(Frame.of(1280, 720, font_scale=2.0), theme("dark"))
    with pytest.raises(RenderError, match="2 times as large") as refused:
        Axes(large, Box(0, 6, 0, 0.8), x=(1, 10), y=(0, 2), x_name="step", y_name="Loss")
    assert "-O font_scale=1.1" in refused.value.remedy
    Axes(PAGE, Box(0, 6, 0, 2.0), x=(1, 10), y=(0, 2), x_name="step", y_name="Loss")
