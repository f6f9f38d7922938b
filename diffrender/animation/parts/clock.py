"""The clock of a recording: everything that shows recorded time is bound to it, and shows the same moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from string import Formatter
from typing import Any

import numpy as np
from manim import Mobject, linear

from diffrender.animation.animations import PlayTrajectory
from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.furniture.panels import Slider
from diffrender.animation.text.numbers import Running
from diffrender.animation.text.typst import Typeset
from diffrender.animation.timeline import Timeline
from diffrender.trajectory.reader import Trajectory

SLIDER_GAP = 0.32  # between a slider and the words at its ends: room for its knob


class Clock:
    """Recorded time of one run, as `timeline` lets it pass.

    >>> clock = self.clock(run)
    >>> cloud, tails = clock.bind(view.cloud(run.states, color=...), view.trails(run.states, ...))
    >>> sigma = clock.number("$sigma_t =$ {:.2f}", run["sigma"]).at(x, y)
    >>> self.play_run(clock, 8)

    step: the recorded step that is shown now. mobjects: all that it moves.
    """

    def __init__(self, page: Page, run: Trajectory, timeline: Timeline) -> None:
        self.page, self.run, self.timeline = page, run, timeline
        self.step = 0.0
        self.bound: list[Callable[[float], Any]] = []
        self.mobjects: list[Mobject] = []

    def bind(self, *things: Any, moves: Sequence[Mobject] = ()) -> Any:
        """Let things show the clock's time from now on; returns them, a single one as itself.

        things: whatever has a `show_step(step)`, or a function of the step, with the mobjects that it `moves`.
        """
        for thing in things:
            show = getattr(thing, "show_step", thing)
            self.bound.append(show)
            new = [thing] if isinstance(thing, Mobject) else getattr(thing, "mobjects", ())
            self.mobjects += [mob for mob in new if mob not in self.mobjects]
            show(self.step)
        self.mobjects += [mob for mob in moves if mob not in self.mobjects]
        return things[0] if len(things) == 1 else things

    def release(self, *things: Any) -> None:
        """Let things stand as they are from now on."""
        self.bound = [show for show in self.bound if getattr(show, "__self__", show) not in things]
        self.mobjects = [mob for mob in self.mobjects if mob not in things]

    def number(
        self,
        template: str,
        *values: np.ndarray | Sequence[float],
        size: str = "label",
        color: str = "fg",
        between: bool = False,
    ) -> Running:
        """A line of text with numbers that run: one field in braces for each of `values`, (T+1,) recorded figures.

        Fewer than T+1 values belong to the first steps; the last goes on. between: between two steps figures lie
        between theirs, as places of points do; whole ones stay whole.
        """
        figures = [np.asarray(v) for v in values]
        longest = [_longest(v, spec) for v, spec in zip(figures, _specs(template), strict=True)]
        text = self.page.running(template, *longest, size=size, color=color)

        def show(step: float) -> None:
            text.set_values(*((_between if between else _last)(v, step) for v in figures))

        self.bind(show, moves=[text])
        return text

    def counter(self, size: str = "caption", color: str = "muted") -> Running:
        """`step k of T`."""
        steps = np.arange(self.run.steps + 1)
        return self.number(f"step {{:,}} of {self.run.steps:,}", steps, size=size, color=color)

    def slider(self, box: Box, left: str = "noise", right: str = "data") -> list[Slider | Typeset]:
        """A slider in the middle of a box, between words for its ends. The knob stands at step / T."""
        page, y = self.page, box.center[1]
        low = y - 0.26 * page.em("legend")
        ends = [
            page.label(text, x, low, side, "legend", "muted")
            for text, x, side in ((left, box.left, -1), (right, box.right, 1))
        ]
        a, b = float(ends[0].get_right()[0]), float(ends[1].get_left()[0])
        slider = Slider(a + SLIDER_GAP, b - SLIDER_GAP, y, theme=page.theme)
        self.bind(lambda step: slider.set_value(step / max(self.run.steps, 1)), moves=[slider])
        return [slider, *ends]

    def show_step(self, step: float) -> None:
        """Show a recorded step in everything that is bound."""
        self.step = step
        for show in self.bound:
            show(step)

    def show(self, course: float) -> None:
        """Show the step of a moment, `course` 0..1 of the whole way."""
        self.show_step(self.timeline.step(course))

    def play(
        self, seconds: float, *, start: float = 0.0, end: float = 1.0, rate_func: Callable[[float], float] = linear
    ) -> PlayTrajectory:
        """The animation in which the clock goes from `start` to `end` of its way; backwards if `end` is less.

        What is bound to it and not in the scene is told the time, and not added.
        """
        return PlayTrajectory(
            self, adds=False, timeline=self.timeline, run_time=seconds, start=start, end=end, rate_func=rate_func
        )


def _last(values: np.ndarray, step: float) -> Any:
    """The figure of the last step."""
    return values[min(int(step), len(values) - 1)].item()


def _between(values: np.ndarray, step: float) -> Any:
    """The figure on the straight line from one step to the next, a whole one if they are."""
    value = float(np.interp(step, np.arange(len(values)), values))
    return int(value) if values.dtype.kind in "iu" else value


WHOLE = ("", ",", "d", ",d")  # ways in which a larger whole number never needs less room


def _specs(template: str) -> list[str]:
    return [spec for _, _, spec, _ in Formatter().parse(template) if spec is not None]


def _longest(values: np.ndarray, spec: str) -> float:
    """The value that needs the most room as it is written."""
    if values.dtype.kind in "iu" and spec in WHOLE and values.min() >= 0:
        return values.max().item()
    return max(set(values.tolist()), key=lambda value: (len(format(value, spec)), value))
