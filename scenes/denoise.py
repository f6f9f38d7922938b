"""Denoising: a cloud of noise becomes the data, in the plane or in space."""

from __future__ import annotations

from typing import Any

import numpy as np
from manim import Animation, smooth
from pydantic import Field

from diffrender.animation import (
    KEY_DOT_WIDTH,
    LINE,
    Ahead,
    BesideData,
    Box,
    Boxes,
    DistanceCourse,
    FadeInFast,
    Hero,
    HeroStep,
    Narration,
    Plane,
    Recording,
    Rect,
    SceneOptions,
    Trajectory,
    TrajectoryScene,
    UpdateFromAlpha,
    close_ups,
    key_dot,
    play_close_up,
    point_radius,
    scale_bar,
    settle,
    way_ahead,
)

BESIDE = 0.6, 0.4  # of the width under the stage of a tall frame: numbers, and their curve
REWIND, PURE, ROUND = 1.5, 0.6, 3.0  # seconds back to the noise, of it alone, and of a turn about what has come out
FAR = 0.7  # the one point goes farther than so much of the others
SHAPE_UNDER = 0.06  # of the highest noise level: below it a shape can be seen
NOISE_ROOM = 1.25  # all the noise finds room: three deviations of it
CAUGHT_UP = 0.05, 0.2  # of the highest noise level: between these the samples catch up with their predictions
CONDENSING = 0.45  # of the time of the run, at least, is for what comes last: samples condense on their shape
GAP = 0.25  # of what is told from the numbers above it and the legend below
GUESS, CLOUD = 0.85, 0.8  # opacity of the predicted data, and of the samples


def closing_in(u: float) -> float:
    """How far the view has closed in on the data when u of the run has passed: the noise has left by then."""
    return smooth(min(max((u - 0.4) / 0.55, 0.0), 1.0))


def between(wide: Rect, near: Rect, share: float) -> Rect:
    """What is seen when the view has gone so much of the way from `wide` to `near`."""
    x0, x1, y0, y1 = ((1 - share) * a + share * b for a, b in zip(wide, near, strict=True))
    return x0, x1, y0, y1


def opacity_ahead(noisy: np.ndarray) -> np.ndarray:
    """Opacity of the predictions at noise levels (T+1,), as shares of the highest."""
    low, high = CAUGHT_UP
    return np.array([smooth(float(share)) for share in np.clip((noisy - low) / (high - low), 0, 1)])


def kicks(run: Trajectory) -> np.ndarray:
    """(T,) how long the fresh noise of each step is: root mean square over points of its length."""
    return np.array([np.sqrt(np.square(run["noise"][k], dtype=float).sum(-1).mean()) for k in range(run.steps)])


class Denoise(TrajectoryScene):
    """A cloud of noise becomes the data: one point step by step, then all, and what came out beside what should."""

    default_config = "spiral"
    shows = ("plane", "space")
    needs = {"run": Recording("reverse")}
    words = {
        "title": "Denoising",
        "level": "$t =$ {:,}, noise: $sigma_t =$ {:.3f}|$t =$ {:,}, $sigma_t =$ {:.3f}",
        "noise_left": "noise in $x_t$: $sigma_t =$ {:.3f}|$sigma_t =$ {:.3f}",
        "kick": "noise $tilde(sigma)_t xi$: typical length {:.2f}|$tilde(sigma)_t xi$: typical length {:.2f}",
        "own_kick": "this arrow of noise: length {:.2f}|this arrow: length {:.2f}",
        "ahead": "$hat(x)_0$ has the shape already, $x_t$ still has noise|$hat(x)_0$ has the shape already",
        "samples": "samples $x_t$",
        "guess_text": "predicted data $hat(x)_0$",
        "one": "one of them",
        "blur": "$hat(x)_0$: average of all data that\ncould have become $x_t$;\nmany fit: their middle",
        "shaped": "$hat(x)_0$: average of all data that\ncould have become $x_t$;\nfew fit: close to the data",
        "fewer": "$hat(x)_0$: average of all data that\ncould have become $x_t$;\nfewer fit: their middle",
        "narrows": "less noise, fewer data fit each $x_t$: $hat(x)_0$ takes their shape"
        "|fewer data fit: $hat(x)_0$ takes shape",
        "pure": "pure noise",
        "mean": "$hat(x)_0$: average of all data that could have become $x_t$|$hat(x)_0$: average of fitting data",
    }

    class Options(SceneOptions):
        """Options of `denoise`."""

        hold: float = Field(2.0, ge=0, le=60, description="seconds that the last picture stands")
        duration: float = Field(10.0, gt=0, le=600, description="seconds in which all points go from noise to data")
        hero: bool = Field(True, description="follow one of the points")
        slow_steps: int = Field(2, ge=0, le=12, description="steps of one point that are taken apart, early and late")
        guess: bool = Field(True, description="show what the denoiser predicts for every point")
        trail_steps: int = Field(12, ge=1, le=500, description="steps that a tail is long")

    def construct(self) -> None:
        """The result and back to the noise; one point slowly; all points; the result beside the data."""
        run, page, theme, options = self.run, self.page, self.theme, self.options
        boxes = self.arrange("stage with column")
        states, data = run.states[:, : options.points], run.target[: options.points]
        guess = run["x0"][:, : options.points] if options.guess and "x0" in run else None

        # the cloud, what is predicted for it, and the one point that is followed
        shown = data if len(data) else states[-1]
        view = self.view(shown, boxes.stage, noise=NOISE_ROOM * float(states[0].std()))
        view.held = True  # the camera stands, so that all that moves are the points
        size = point_radius(states.shape[1], 24)
        clouds = [samples := view.cloud(states, color=theme.samples, radius=size, alpha=CLOUD)]
        guesses = [] if guess is None else [view.cloud(guess, color=theme.data, radius=size, alpha=GUESS)]
        clouds += guesses
        if options.trails:
            tails = {"color": theme.samples, "width": LINE, "alpha": 0.8, "length": options.trail_steps}
            clouds.append(view.trails(states[:, : options.trails], **tails))
        clock = self.clock(run, *([] if guess is None else [guess]))
        shaped = settle(clock, *([] if options.hero and options.slow_steps else [CONDENSING]))
        wide, near = view.box, view.close_up(shown)
        worth = way_ahead(clock, view, options.orbit, lambda u: between(wide, near, closing_in(u)))
        hero = Hero(view, states, theme=theme, way=FAR, prefer=worth) if options.hero else None

        # what stands round it, all on one clock
        clock.bind(*clouds, *([hero] if hero else []))
        noisy = np.asarray(run["sigma"], float) / run["sigma"].max()
        ahead = opacity_ahead(noisy)  # predictions lie over the samples, which they are ahead of, until these catch up
        clock.bind(lambda step: [cloud.set_fill(opacity=ahead[int(step)]) for cloud in guesses])
        if view.dims == 3:  # when a shape is there, what is nearer is set off from what is farther
            shape_from = np.searchsorted(-noisy, -SHAPE_UNDER)
            clock.bind(lambda step: setattr(samples, "casing", theme.bg if step >= shape_from else None))
        header = self.header(self.words["title"], self.sampler_equation())
        texts, plot = boxes.column.columns(*BESIDE) if page.shape == "tall" else (boxes.column, boxes.column)
        letters = "legend" if page.shape == "tall" else "label"
        if "t-1" in self.sampler_equation():  # it counts down, to the data
            noise = page.fitting(self.words["level"], texts.width, letters, run.steps, 0.0)
            figures = [np.arange(run.steps, -1, -1), run["sigma"]]
        else:
            noise, figures = page.fitting(self.words["noise_left"], texts.width, letters, 0.0), [run["sigma"]]
        column: list[Any] = [clock.number(noise, *figures, size=letters)]
        if page.column_align and "tilde(sigma)" in self.sampler_equation() and "noise" in run:
            kick = page.fitting(self.words["kick"], texts.width, "legend", 0.0)
            column.append(clock.number(kick, kicks(run), size="legend", color="samples"))
        course, key = DistanceCourse(clock), self.legend(self.keys(guess is not None), boxes.key)
        if page.shape != "square":
            column += course.lines(texts.width)
        page.stack(texts, *column, align=0 if page.shape == "square" else -1)
        texts = texts._replace(top=float(column[-1].get_bottom()[1]) - GAP)
        chart = course.chart(plot, *([column, key] if page.column_align else [])) if page.shape != "square" else []
        column += [*chart, *clock.slider(boxes.slider), scale_bar(view, page, boxes.stage, under=theme.bg)]
        caption = self.caption("sampler", "step", "points", "scaling", "seed", "model")

        clock.show(1)
        self.look(1)
        view.lay(near, view.rect)
        self.intro(*header, ground=[*column, key, caption, *view.made], result=boxes.stage)
        self.rewind(clock, REWIND, view.move(wide, view.rect, self.seconds(REWIND)))
        noise_alone = page.tag(self.words["pure"], boxes.stage)
        self.crossfade(into=[noise_alone])
        self.stand(self.seconds(PURE))
        self.crossfade([noise_alone])
        begin = closed = 0.0  # of the way, and as far as the view has closed in: it stands while steps are taken apart
        followed = [(hero, HeroStep(view, run, hero, header[-1], theme=theme))] if hero else []
        keys = key, self.legend(self.keys(False), boxes.key)
        told_of = Ahead(self, clock, boxes, keys, ahead, shaped, bool(guesses))
        steps, degrees = options.slow_steps, options.orbit
        for one, parts, close_up in [(h, p, c) for h, p in followed for c in close_ups(clock, p, steps, degrees)]:
            at = clock.timeline.course(close_up.first)
            seconds = max(options.duration * (at - begin), 0.5) if close_up.shaped else 0.5 + 2 * at
            told_of.play(seconds, begin, at, self.closing_on(view, wide, near, closed, at), stand=close_up.shaped)
            own = self.own_kick(clock, one, texts.width, close_up.end)
            told = self.told(
                "blur" if not close_up.shaped else "shaped" if close_up.near else "fewer", boxes, texts, key, own
            )
            gone = chart if page.column_align else []
            play_close_up(self, clock, parts, close_up, clouds, key, boxes.key, gone=gone, told=told)
            begin, closed = clock.timeline.course(close_up.end), at
        told_of.play(
            options.duration * max(1 - begin, CONDENSING), begin, 1.0, self.closing_on(view, wide, near, closed, 1.0)
        )
        key = told_of.key
        if turning := view.go_round(self.seconds(ROUND), shown, degrees=options.orbit):
            self.play(*turning)
        tangled = (run.meta.get("sampler") or {}).get("stochastic", True)
        if len(data):
            self.beside_the_data(view, [*column, key, caption, *guesses, *(hero.mobjects if hero and tangled else [])])
        if hero and not tangled:
            self.play(FadeInFast(hero.thread(), run_time=0.6))  # what noise has kicked about is a tangle
        self.outro()

    def own_kick(self, clock: Any, hero: Hero, width: float, end: int) -> list[Any]:
        """How long the arrow of fresh noise is that is drawn of the one that is followed, where it is drawn: in `end`
        that which led to it."""
        run = clock.run
        if "noise" not in run or "tilde(sigma)" not in self.sampler_equation() or not self.page.column_align:
            return []
        length = np.linalg.norm(np.asarray(run["noise"][:, hero.chain], float), axis=-1)
        length[end:] = length[end - 1]
        form = self.page.fitting(self.words["own_kick"], width, "legend", 0.0)
        return [clock.number(form, length, size="legend", color="samples")]

    def closing_on(self, view: Plane, wide: Rect, near: Rect, start: float, end: float) -> Any:
        """Animations, of so many seconds and of a part of them, in which the view goes nearer to the data as the run
        goes from `start` to `end` of its way."""

        def made(seconds: float, first: float, last: float) -> Animation:
            def show(u: float) -> None:
                gone = start + (first + u * (last - first)) * (end - start)
                view.lay(between(wide, near, closing_in(gone)), view.rect)

            moved = [*view.made, *view.attached]
            return UpdateFromAlpha(show, *moved, run_time=self.seconds(seconds), adds=False)

        return made

    def told(self, said: str, boxes: Boxes, texts: Box, key: Any, own: list[Any]) -> list[Any]:
        """What x̂0 is, and why it looks as it does: beside a stage in lines under the numbers, else in one."""
        if self.page.column_align:
            said = self.words[said]
            return Narration(self, texts, size="legend", floor=float(key.get_top()[1]) + GAP).texts(said, *own)
        (a, b, c, d), em = boxes.stage, self.page.em("legend")
        two = key.height > 1.6 * em  # the legend has a second line, in whose place it can stand
        if not two and self.page.shape == "tall":
            return [self.page.tag(self.words["mean"], (a, b, c, d - 1.9 * em))]
        said = self.page.fitting(self.words["mean"], boxes.key.width, "legend")
        y = boxes.key.bottom + 1.9 * em if two else texts.top + GAP - 1.15 * em
        return [self.page.label(said, boxes.key.center[0], y, 0, "legend")]

    def beside_the_data(self, view: Plane, gone: list[Any]) -> None:
        """The samples make room for the data, to which they should be alike, and how far they are from it."""
        data = self.run.target
        boxes = BesideData.boxes(self.page, view.in_the_end(data))
        left, right = self.view(data, boxes.left), self.view(data, boxes.right)
        self.look(1)
        beside = BesideData(self.page, self.run, left, right, boxes, points=self.options.points)
        view.attached.clear()
        beside.play(self, view, gone, self.caption("sampler", beside.meant, "model"))

    def keys(self, guess: bool) -> list[Any]:
        """What the marks mean."""
        theme = self.theme
        marks = [(key_dot(theme.samples, alpha=CLOUD), "samples")]
        marks += [(key_dot(theme.fg, ring=theme.bg), "one")] * self.options.hero
        marks += [(key_dot(theme.data, alpha=GUESS), "guess_text")] * guess
        return [(mark, KEY_DOT_WIDTH, self.words[said]) for mark, said in marks]
