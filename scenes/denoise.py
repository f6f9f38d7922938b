"""Denoising: a cloud of noise becomes the data, in the plane or in space."""

from __future__ import annotations

from typing import Any

import numpy as np
from manim import Mobject
from pydantic import Field

from diffrender.animation import (
    KEY_DOT_WIDTH,
    LINE,
    FadeInFast,
    FadeOutFast,
    Hero,
    HeroStep,
    OpacityScale,
    Plane,
    Recording,
    SceneOptions,
    TrajectoryScene,
    UpdateFromAlpha,
    distance_and_floor,
    key_dot,
    point_radius,
    scale_bar,
)

REWIND, SLOW, ZOOM = 1.5, 2.0, 1.0  # seconds: back to the noise, one step of one point, the way on to it
DIMMED = 0.3  # the others while one point is followed
GUESS, CLOUD = 0.6, 0.75  # opacity of the predicted data, and of the samples over them


class Denoise(TrajectoryScene):
    """A cloud of noise becomes the data: one point step by step, then all, and what came out beside what should."""

    default_config = "spiral"
    shows = ("plane", "space")
    needs = {"run": Recording("reverse")}

    class Options(SceneOptions):
        """Options of `denoise`."""

        duration: float = Field(9.0, gt=0, le=600, description="seconds in which all points go from noise to data")
        hero: bool = Field(True, description="follow one of the points")
        slow_steps: int = Field(3, ge=0, le=12, description="steps of one point that are taken apart")
        guess: bool = Field(True, description="show what the denoiser predicts for every point")
        trail_steps: int = Field(12, ge=1, le=500, description="steps that a tail is long")

    def construct(self) -> None:
        """The result and back to the noise; one point slowly; all points; the result beside the data."""
        run, page, theme, options = self.run, self.page, self.theme, self.options
        boxes = self.arrange("stage with column")
        states, data = run.states[:, : options.points], run.target[: options.points]
        guess = run["x0"][:, : options.points] if options.guess and "x0" in run else None

        # the cloud, what is predicted for it, and the one point that is followed
        view = self.view(data if len(data) else states[-1], boxes.stage, noise=float(states[0].std()))
        size = point_radius(states.shape[1], 24)
        clouds = [] if guess is None else [view.cloud(guess, color=theme.data, radius=size, alpha=GUESS)]
        clouds.append(view.cloud(states, color=theme.samples, radius=size, alpha=CLOUD))
        if options.trails:
            tails = {"color": theme.samples, "width": LINE, "alpha": 0.8, "length": options.trail_steps}
            clouds.append(view.trails(states[:, : options.trails], **tails))
        hero = Hero(view, states, theme=theme) if options.hero else None

        # what stands round it, all on one clock
        clock = self.clock(run, *([] if guess is None else [guess]))
        clock.bind(*clouds, *([hero] if hero else []))
        header = self.header("Denoising", self.sampler_equation())
        column: list[Any] = [clock.number("$sigma_t =$ {:.3f}", run["sigma"], size="title")]
        column.append(page.words("noise left in the cloud", "legend", "muted"))
        if "metric_sliced_wasserstein" in run and page.frame.shape != "square":
            column.append(clock.number("distance to the data {:.3f}", run["metric_sliced_wasserstein"], size="legend"))
        page.stack(boxes.column, *column, align=page.column_align)
        column += clock.slider(boxes.slider)
        column.append(self.legend(self.keys(guess is not None), boxes.key))
        if view.dims == 2:
            column.append(scale_bar(view, page, boxes.stage))
        caption = self.caption("sampler", "step", "points", "scaling", "seed", "model")

        clock.show(1)
        self.look(1)
        self.intro(*header, ground=[*column, caption, *view.made])
        self.rewind(clock, REWIND)
        begin = self.one_point(view, clock, hero, clouds, header[-1])
        self.play_run(clock, start=begin)
        self.beside_the_data(view, [*column, *(clouds[:1] if guess is not None else [])], data)
        self.outro()

    def keys(self, guess: bool) -> list[Any]:
        """What the marks mean."""
        theme = self.theme
        items: list[Any] = [(key_dot(theme.samples), KEY_DOT_WIDTH, "samples $x_t$")]
        if guess:
            items.append((key_dot(theme.data), KEY_DOT_WIDTH, "predicted data $hat(x)_0$"))
        return [*items, (key_dot(theme.fg), KEY_DOT_WIDTH, "one of them")] if self.options.hero else items

    def one_point(self, view: Plane, clock: Any, hero: Hero | None, clouds: list[Mobject], equation: Any) -> float:
        """On to one point, a few of its steps taken apart, and back; returns how far the clock has come."""
        steps = min(self.options.slow_steps, self.run.steps)
        if hero is None or not steps:
            return 0.0
        parts = HeroStep(view, self.run, hero, equation, theme=self.theme)
        first, box, rect = parts.pick(steps), view.box, view.rect
        fade = OpacityScale(*clouds)
        at = clock.timeline.course(first)
        self.play_run(clock, 1.5, end=at)
        near = parts.window(first, steps, rect)
        dim = UpdateFromAlpha(lambda u: fade.set(1 - u * (1 - DIMMED)), run_time=self.seconds(ZOOM))
        self.play(view.move(near, rect, self.seconds(ZOOM)), dim)

        def show(u: float) -> None:
            step = min(int(u * steps), steps - 1)
            clock.show_step(first + step + (u >= 1))
            parts.show(first + step, u * steps - step)

        self.play(UpdateFromAlpha(show, *clock.mobjects, *parts.mobjects, run_time=self.seconds(SLOW) * steps))
        parts.rest()
        lit = UpdateFromAlpha(lambda u: fade.set(DIMMED + u * (1 - DIMMED)), run_time=self.seconds(ZOOM))
        self.play(view.move(box, rect, self.seconds(ZOOM)), lit)
        return clock.timeline.course(first + steps)

    def beside_the_data(self, view: Plane, gone: list[Mobject], data: np.ndarray) -> None:
        """The samples make room for the data, to which they should be alike, and how far they are from it."""
        if not len(data):
            return
        page, theme, run, boxes = self.page, self.theme, self.run, self.arrange("two panels")
        left, right = self.view(data, boxes.left), self.view(data, boxes.right)
        self.look(1)
        size = point_radius(len(data), 16)
        left.cloud(data, color=theme.data, radius=size, alpha=CLOUD)
        texts: list[Any] = [page.panel_label(page.words(f"Data: {len(data):,} points"), boxes.left)]
        texts.append(page.panel_label(page.words(f"Samples: {run.chains:,} points"), boxes.right))
        if figures := distance_and_floor(run, run.states[-1]):
            names = ("two draws of the data: {:.3f} apart", "samples and data: {:.3f} apart")
            names = names if page.shape == "wide" else ("floor {:.3f}", "distance {:.3f}")
            for box, name, value in zip((boxes.left_key, boxes.right_key), names, figures[::-1], strict=True):
                texts.append(page.label(name.format(value), *page.foot(box), "legend"))
        self.play(FadeOutFast(*gone, run_time=0.4))
        self.play(view.move(right.box, right.rect, self.seconds(1.2)))
        self.play(FadeInFast(*left.made, *texts, run_time=0.6))
