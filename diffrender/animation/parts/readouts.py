"""Readouts of a run: its step, its noise level, and a slider between its two ends."""

from __future__ import annotations

from manim import Animation

from diffrender.animation.animations import UpdateFromAlpha, ticked
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.furniture.panels import Slider
from diffrender.animation.text.numbers import Running
from diffrender.animation.text.typst import Typeset
from diffrender.animation.timeline import Timeline
from diffrender.trajectory.reader import Trajectory


class Course:
    """The numbers of a run, which change with recorded time as `timeline` lets it pass.

    step: "step k of T", for the caption. Others are made where a scene wants them; `drives` moves all of them.
    """

    def __init__(self, page: Page, run: Trajectory, timeline: Timeline) -> None:
        self.page, self.run, self.timeline = page, run, timeline
        self.step = page.running(f"step {{:,}} of {run.steps:,}", run.steps, size="caption", color="muted")
        self.sigmas: list[Running] = []
        self.sliders: list[Slider] = []

    def sigma(self, x: float, y: float, em: float, align: int = -1) -> Running:
        """The noise level, `em` units high."""
        widest = float(self.run["sigma"].max())
        self.sigmas.append(Running("$sigma_t =$ {:.2f}", [widest], em=em, color=self.page.theme.fg).at(x, y, align))
        return self.sigmas[-1]

    def slider(self, y: float, left: str = "noise", right: str = "data") -> list[Slider | Typeset]:
        """A slider over the whole width, and what its ends mean; its position is the recorded step / T."""
        x, theme = self.page.frame.x, self.page.theme
        self.sliders.append(Slider(-x + 0.1, x - 0.1, y, theme=theme))
        above = y + (0.27 if self.page.shape == "wide" else 0.36)
        ends = [
            self.page.label(text, side * x, above, side, "legend", "muted") for text, side in ((left, -1), (right, 1))
        ]
        return [self.sliders[-1], *ends]

    def show(self, step: float) -> None:
        """The numbers of a recorded step."""
        self.step.set_values(int(step))
        for sigma in self.sigmas:
            sigma.set_values(float(self.run["sigma"][int(step)]))

    def drives(self, seconds: float) -> list[Animation]:
        """The animations, `seconds` long, that go from the first step to the last."""

        def slide(u: float) -> None:
            for slider in self.sliders:
                slider.set_value(self.timeline.step(u) / self.run.steps)

        def count(u: float) -> None:
            self.show(self.timeline.step(ticked(u, seconds)))

        count(0)
        numbers = UpdateFromAlpha(count, self.step, *self.sigmas, run_time=seconds)
        return [numbers, UpdateFromAlpha(slide, *self.sliders, run_time=seconds)] if self.sliders else [numbers]
