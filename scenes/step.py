"""One particle, one step, slowly: where it may have come from, the move, the noise, the sum; and what noise is for."""

from __future__ import annotations

import math
from typing import Any

from manim import smooth
from pydantic import Field

from diffrender.animation import (
    FadeInFast,
    FadeOutFast,
    Fan,
    Hero,
    Inset,
    Mark,
    Narration,
    OpacityScale,
    OtherSteps,
    Plane,
    Recording,
    SceneOptions,
    Spotlight,
    StepTerms,
    TrajectoryScene,
    UpdateFromAlpha,
    WithoutNoise,
    frame,
    point_radius,
    scale_bar,
    telling_step,
    window,
)

CLOUD, DIMMED, GHOST = 0.8, 0.4, 0.9  # opacity of the other samples, while one is looked at, and of the data
GROW, ZOOM, FIRST = 1.1, 1.2, 1.6  # seconds: an arrow grows, the view moves, both clouds make their first step
WHOLE = {"model.kind": "exact", "sampler.steps": 60}
LIT = {"guess": "", "move": "data", "noise": "noise", "sum": "sum"}  # arrow → the term that is lit as it grows


class Step(TrajectoryScene):
    """One step of DDPM taken apart, the same by DDIM and Heun, and the whole cloud where its noise is left out."""

    default_config = "spiral"
    shows = ("plane",)
    unused_options = ("trails", "points")
    needs = {
        "run": Recording(
            "reverse",
            {"model.kind": "exact", "sampler.steps": 10, "sampler.timestep_spacing": "log_snr"},
            fixed={
                "sampler.kind": "ddpm",
                "record.keep": ["x0", "drift", "noise"],
                "record.posterior": True,
                "record.moves": ["ddim", "heun"],
            },
        ),
        "noisy": Recording("reverse", WHOLE, fixed={"sampler.kind": "ddpm", "record.keep": []}),
        "still": Recording(
            "reverse",
            WHOLE,
            fixed={"sampler.kind": "ddpm", "sampler.variance": "none", "record.keep": [], "record.collapse": True},
        ),
    }
    words = {
        "title": "One step",
        "where": "One point of many\nat noise level $sigma_t$",
        "fan": "Where it may have\ncome from",
        "guess": "The mean of that\nis $hat(x)_0$",
        "move": "Part of the way:\nwhat the data say",
        "noise": "A kick:\nthis is chance",
        "sum": "Both together\nare the step",
        "others": "The same step\nby three samplers",
        "kept": "With the noise",
        "left_out": "The noise left out: $tilde(sigma)_t xi = 0$|The noise left out",
        "theory": "where theory says",
    }

    class Options(SceneOptions):
        """Options of `step`."""

        duration: float = Field(6.0, gt=0, le=600, description="seconds from noise to data, with and without the noise")

    def construct(self) -> None:
        """The step whole; where the point is; fan, move, noise, sum; other samplers; the cloud without noise."""
        run, page, theme = self.run, self.page, self.theme
        run.require("posterior", "x0", "drift", "noise")
        boxes = self.boxes = self.arrange("stage with column", slider=False, lines=2)
        k = telling_step(run)
        view = self.view(run.states[k], boxes.stage)
        cloud = view.cloud(run.states[k], color=theme.samples, radius=point_radius(run.chains, 24), alpha=CLOUD)
        ghost = [view.cloud(run.target, color=theme.muted, radius=0.02, alpha=GHOST)] if len(run.target) else []
        fan = Fan(view, run, theme=theme)
        hero = Hero(view, run.states, theme=theme, chain=int(run.meta["followed"]), length=1)
        terms = StepTerms(view, run, k, theme=theme)
        guess = Mark(view, run["posterior_mean"], color=theme.data, ring=theme.bg)
        for part in (fan, hero, guess):
            part.show_step(k)

        header = self.header(self.words["title"], self.sampler_equation())
        light = Spotlight.by_name(equation := header[-1], theme)
        key, lines = self.legend(terms.keys(theme), boxes.key), terms.lines(page)
        floor = float(key.get_top()[1]) + 0.1 if page.column_align < 0 else -math.inf
        told = Narration(self, boxes.column, floor=floor)
        later = dict(zip(("sum", "noise", "move", "fan"), key, strict=True)) if page.column_align < 0 else {}
        known = f"$p(x_0|x_t)$ {run.meta['exact']}" + ", opacity its root" * (page.shape == "wide")
        caption = self.caption("sampler", f"step {k + 1} of {run.steps}", known, "scaling", "seed", "model")
        whole, near, dim = view.box, window(view, run, terms), OpacityScale(cloud)

        # the step as a whole is the first picture
        view.lay(near, view.rect)
        dim.set(DIMMED)
        terms.grow(*terms.arrows)
        said = told.first(self.words["sum"], *lines.values())
        parts = [*fan.mobjects, *guess.mobjects, *terms.mobjects]
        edge = [frame(boxes.stage, theme.border).set_z_index(9), scale_bar(view, page, boxes.stage).set_z_index(9)]
        edge += Inset(view, page, boxes.stage, run.target if len(run.target) else run.states[-1]).mobjects
        self.intro(*header, ground=[*key, caption, *said, *edge, *ghost, cloud, *parts, hero.point])

        # where the point is
        self.play(FadeOutFast(*parts, *later.values(), run_time=0.4))
        self.zoom(view, whole, lambda u: dim.set(DIMMED + u * (1 - DIMMED)), cloud)
        told.say(self.words["where"], lines["x"])
        light.light(dict.fromkeys(equation.terms, 0.0))
        self.zoom(view, near, lambda u: dim.set(1 - u * (1 - DIMMED)), cloud)

        # where it may have come from, and the mean of that
        told.say(self.words["fan"], lines["x"])
        shown = [fan.cloud, *([later["fan"]] if later else [])]
        self.play(FadeInFast(*shown, run_time=GROW), UpdateFromAlpha(fan.open, fan.rays, run_time=GROW))
        self.wait(0.6)
        told.say(self.words["guess"], lines["x"], lines["guess"])
        self.play(UpdateFromAlpha(lambda u: fan.open(1.0, u), fan.rays, run_time=GROW))
        self.play(FadeInFast(*guess.mobjects, run_time=0.4), FadeOutFast(fan.rays, run_time=0.4))

        # the terms one by one, then the point moves
        terms.grow(*terms.arrows, u=0.0)
        self.add(*terms.mobjects)
        shown = [lines["x"], lines["guess"]]
        for name, lit in LIT.items():
            if name != "guess":
                shown.append(lines[name])
                told.say(self.words[name], *shown)
            if name in later:
                self.play(FadeInFast(later[name], run_time=0.3))
            self.grow(terms, name, lambda u, lit=lit: light.light({lit: u} if lit in equation.terms else {}))
            self.wait(0.5)
        self.play(UpdateFromAlpha(lambda u: hero.show_step(k + u), hero.point, run_time=0.8, rate_func=smooth))

        # other samplers, and no noise at all
        self.others(view, terms, told, [m for m in key if m in self.mobjects])
        self.without([m for m in self.mobjects if m not in header], equation)
        self.outro()

    def zoom(self, view: Plane, box: Any, show: Any, cloud: Any) -> None:
        """Move the view, the other samples brighter or dimmer meanwhile."""
        seconds = self.seconds(ZOOM)
        self.play(view.move(box, view.rect, seconds), UpdateFromAlpha(show, cloud, run_time=seconds))

    def grow(self, terms: StepTerms, name: str, light: Any) -> None:
        """Let an arrow grow while its term is lit."""

        def show(u: float) -> None:
            terms.grow(name, u=u)
            light(u)

        arrow = terms.arrows[name]
        self.play(UpdateFromAlpha(show, arrow, run_time=self.seconds(GROW), rate_func=smooth))

    def others(self, view: Plane, terms: StepTerms, told: Narration, key: list[Any]) -> None:
        """The step of each other sampler from the same point to the same level, beside the sum of this one's."""
        steps = OtherSteps(self.page, view, self.run, terms)
        gone = [terms.arrows[name] for name in ("guess", "move", "noise")]
        self.play(FadeOutFast(*gone, *key, run_time=0.4))
        told.say(self.words["others"], *steps.told)
        self.play(FadeInFast(self.legend(steps.keys, self.boxes.key), run_time=0.4))
        self.play(UpdateFromAlpha(steps.show, *steps.arrows, run_time=self.seconds(GROW), rate_func=smooth))
        self.wait(2.0)

    def without(self, gone: list[Any], equation: Any) -> None:
        """Both clouds from the same noise, the term of the noise struck out for one of them."""
        noisy, still, theme = (*(self.trajectories[name] for name in ("noisy", "still")), self.theme)
        boxes = self.arrange("two panels", slider=True)
        self.play(FadeOutFast(*gone, run_time=0.4))
        data = noisy.target if len(noisy.target) else noisy.states[-1]
        left, right = (self.view(data, box, noise=1.0) for box in (boxes.left, boxes.right))
        both = WithoutNoise(self.page, noisy, still, (left, right), boxes, self.words)
        clock = self.clock(noisy, still.states)
        clock.bind(*both.moving)
        caption = self.caption("sampler", "step", "first step drawn straight", "seed", "model", clock=clock)
        light = dict.fromkeys(equation.terms, 1.0)
        Spotlight.by_name(equation, theme).light(light)
        clock.show(0)
        self.play(FadeInFast(*both.mobjects, *clock.slider(boxes.slider), caption, run_time=0.6))
        seconds = self.seconds(FIRST)
        self.play(UpdateFromAlpha(clock.show_step, *clock.mobjects, run_time=seconds, rate_func=smooth))
        self.play_run(clock, start=clock.timeline.course(1))
        self.play(*both.closing_in(self.seconds(ZOOM)))
        self.play(FadeInFast(*both.mark(), run_time=0.6))
