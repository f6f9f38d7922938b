"""Between two noises: a sampler without noise of its own turns a way between noises into a way between images."""

from __future__ import annotations

from typing import Any

from manim import VGroup, smooth
from pydantic import Field

from diffrender.animation import (
    FadeInFast,
    FadeOutFast,
    NoiseWalk,
    Recording,
    SceneOptions,
    TrajectoryScene,
    UpdateFromAlpha,
    WalkResult,
    escaped,
    image_grid,
    of_classes,
    of_places,
    path_length,
)

SHARES = 0.4, 0.6  # of the duration: noise becomes images, then the walk between the noises
REWIND = 0.8  # seconds in which recorded time runs back
BACK = 1.6  # seconds from the middle of the walk to where it begins
NOISE, END = 1.5, 1.0  # seconds in which the noises stand, and either end of the walk
GROW, STAY = 1.1, 0.12  # seconds in which strips become the result of the walk; part of them until tiles move
RESULT, LAST = 3.0, 1.5  # seconds in which that stands, and in which that of all classes does besides
LENGTH = "length: $norm(x)\\/sqrt(d)$"
MANY = {
    "sampler.steps": 20,
    "sampler.chains": 210,
    "sampler.guidance_scale": 4,
    "sampler.seed": 3,
    "record.keep": [],
}


class Interpolate(TrajectoryScene):
    """Images between two noises under DDIM: along the great circle between them, and along the straight line."""

    default_config = "cifar10"
    shows = ("images",)
    unused_options = ("trails", "points", "orbit", "project")
    needs = {
        "circle": Recording("reverse", MANY, fixed={"sampler.kind": "ddim", "sampler.start": "slerp"}),
        "line": Recording("reverse", MANY, fixed={"sampler.kind": "ddim", "sampler.start": "lerp"}),
    }

    class Options(SceneOptions):
        """Options of `interpolate`."""

        duration: float = Field(12.0, gt=0, le=600, description="seconds in which images appear, and then change")

    def construct(self) -> None:
        """Noises on the way between two become images, in lockstep; then the walk, from one end to the other."""
        page, options, circle = self.page, self.options, self.trajectories["circle"]
        clock = self.clock(circle, timeline=path_length(circle.states[:, ::7]))
        walk = self.walk = NoiseWalk([circle, self.trajectories["line"]])
        names = (circle.meta.get("target") or {}).get("labels") or []
        of = f"class {escaped(str(names[walk.label]))}" if walk.label < len(names) else ""
        angle = f"$theta =$ {walk.angle():.0f}°"
        caption = self.caption("sampler", of, angle, LENGTH, "model", "step")
        stage = self.arrange("stage", key=False, slider=False).stage.above(caption)
        title = self.header("Between two noises")
        self.shown_equation = VGroup(*walk.equations(page))
        stage = stage._replace(top=stage.top - 1.4 * page.em("equation"))
        walk.put(page, stage)
        clock.bind(*walk.grids)
        clock.bind(walk.show_step, moves=walk.figures)
        clock.show(1)
        self.intro(*title, self.shown_equation, ground=[*walk.standing, caption])
        self.remove(*walk.made)
        self.add(*walk.running)
        leaving = FadeOutFast(*walk.late, run_time=self.seconds(REWIND) / 2)
        self.rewind(clock, REWIND, leaving, FadeInFast(*walk.reason, run_time=self.seconds(REWIND), after=0.6))
        self.stand(self.seconds(NOISE))
        self.play_run(clock, SHARES[0] * options.duration)
        # from the middle, which was large, to one end, over the images that lie between
        seconds = self.seconds(BACK)
        to_the_end = UpdateFromAlpha(lambda u: walk.show((1 - smooth(u)) / 2), *walk.mobjects, run_time=seconds)
        new = FadeInFast(*walk.made, *walk.late, run_time=seconds / 2, after=0.5)
        self.play(FadeOutFast(*walk.running, *walk.middles, *walk.reason, run_time=seconds / 4), new, to_the_end)
        self.stand(self.seconds(END))
        self.play(UpdateFromAlpha(walk.show, *walk.mobjects, run_time=self.seconds(SHARES[1] * options.duration)))
        self.stand(self.seconds(END))
        gone = [mob for mob in walk.standing if mob in self.mobjects]
        result = of_places(page, stage, walk)
        self.grow(walk, gone, result)
        self.stand(self.seconds(RESULT))
        if every := of_classes(page, stage, walk, [str(name) for name in names]):
            self.give_way(result, caption, every, self.caption("sampler", angle, LENGTH, "model"))
            self.stand(self.seconds(LAST))
        self.outro()

    def grow(self, walk: NoiseWalk, gone: list[Any], result: WalkResult) -> None:
        """Tiles of the strips grow into the images of the end, each from its own place; all else fades before."""
        seconds, ones, starts, ends = self.seconds(GROW), [], [], []
        shown = [walk.chain(u) for u in walk.at]
        for values, tiles, grid, places in zip(walk.values, walk.tiles, result.grids, result.tiles, strict=True):
            for chain, end in zip(result.chains.tolist(), places, strict=True):
                one, large = (
                    image_grid(values, box, theme=self.theme, rows=1, cols=1, chains=[chain]).show_step(grid.step)
                    for box in (tiles[shown.index(chain)], end)
                )
                ones.append(one.set_z_index(10))
                starts.append(one.points.copy())
                ends.append(large.points)

        def show(u: float) -> None:
            share = smooth(max(u - STAY, 0.0) / (1 - STAY))
            for one, start, end in zip(ones, starts, ends, strict=True):
                one.set_points(start + share * (end - start))

        self.add(*ones)
        self.play(
            FadeOutFast(*gone, run_time=0.3 * seconds),
            UpdateFromAlpha(show, *ones, run_time=seconds),
            FadeInFast(*(mob for mob in result.mobjects if mob not in result.grids), run_time=seconds, after=0.4),
        )
        self.remove(*ones)
        self.add(*result.grids)

    def give_way(self, result: WalkResult, caption: Any, every: WalkResult, other: Any) -> None:
        """Images of classes come while those of places go; words change one after the other."""
        seconds = self.seconds(GROW)
        words, others = ([m for m in shown.mobjects if m not in shown.grids] for shown in (result, every))
        self.play(
            FadeOutFast(*words, caption, run_time=0.4 * seconds),
            FadeOutFast(*result.grids, run_time=seconds),
            FadeInFast(*every.grids, run_time=0.8 * seconds),
            FadeInFast(*others, other, run_time=seconds, after=0.4),
        )
