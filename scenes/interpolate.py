"""Between two noises: a sampler without noise of its own turns a way between noises into a way between images."""

from __future__ import annotations

from typing import Any

import numpy as np
from manim import VGroup, smooth
from pydantic import Field

from diffrender.animation import (
    FadeInFast,
    FadeOutFast,
    ImageGrid,
    NoiseWalk,
    Recording,
    SceneOptions,
    TrajectoryScene,
    UpdateFromAlpha,
    WalkResult,
    escaped,
    of_classes,
    of_places,
    path_length,
)

SHARES = 0.4, 0.6  # of the duration: noise becomes images, then the walk between the noises
REWIND = 0.8  # seconds in which recorded time runs back
BACK = 1.6  # seconds from the middle of the walk to where it begins
NOISE, END = 1.5, 1.0  # seconds in which the noises stand, and either end of the walk
GROW, RESULT = 0.9, 3.0  # seconds in which strips become the result of the walk, and in which that stands
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
        noises = f"noises $a$ and $b$, $theta =$ {walk.angle():.0f}°"
        caption = self.caption("sampler", of, noises, "seed", "model", "step")
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
        self.rewind(clock, REWIND, FadeOutFast(*walk.late, run_time=self.seconds(REWIND) / 2))
        self.stand(self.seconds(NOISE))
        self.play_run(clock, SHARES[0] * options.duration)
        # from the middle, which was large, to one end, over the images that lie between
        seconds = self.seconds(BACK)
        to_the_end = UpdateFromAlpha(lambda u: walk.show((1 - smooth(u)) / 2), *walk.mobjects, run_time=seconds)
        back, first, last = walk.ends
        new = FadeInFast(*walk.made, *walk.late, back, run_time=seconds / 2, after=0.5)
        self.play(FadeOutFast(*walk.running, *walk.middles, run_time=seconds / 4), new, to_the_end)
        self.remove(back)
        self.add(first)
        self.stand(self.seconds(END))
        self.remove(first)
        self.play(UpdateFromAlpha(walk.show, *walk.mobjects, run_time=self.seconds(SHARES[1] * options.duration)))
        self.add(last)
        self.stand(self.seconds(END))
        gone = [mob for mob in (*walk.standing, last) if mob in self.mobjects]
        result = of_places(page, stage, walk)
        self.grow(walk, gone, result)
        if every := of_classes(page, stage, walk, [str(name) for name in names]):
            self.stand(self.seconds(RESULT))
            shown = [*every.mobjects, self.caption("sampler", noises, "seed", "model")]
            seconds = self.seconds(GROW)
            before = FadeOutFast(*result.mobjects, caption, run_time=seconds / 3)
            self.play(before, FadeInFast(*shown, run_time=seconds, after=0.4))
        self.outro()

    def grow(self, walk: NoiseWalk, gone: list[Any], result: WalkResult) -> None:
        """The strips grow into the images of the end, so that the frame is never empty; all else fades."""
        grids = result.grids
        ends = [grid.points.copy() for grid in grids]
        starts = [strip.get_center() + small(end, strip) for end, strip in zip(ends, walk.strips, strict=True)]

        def show(u: float) -> None:
            for grid, start, end in zip(grids, starts, ends, strict=True):
                grid.set_points(start + smooth(u) * (end - start))

        seconds = self.seconds(GROW)
        show(0)
        self.play(
            FadeOutFast(*gone, run_time=seconds / 2),
            FadeInFast(*grids, run_time=seconds / 2),
            UpdateFromAlpha(show, *grids, run_time=seconds),
            FadeInFast(*(mob for mob in result.mobjects if mob not in grids), run_time=seconds, after=0.5),
        )


def small(points: np.ndarray, strip: ImageGrid) -> np.ndarray:
    """The corners (K, 3) of a grid about the origin, of a size that fits in a strip."""
    room = np.array([strip.width, strip.height]) / np.ptp(points[:, :2], axis=0)
    return (points - (points.min(0) + points.max(0)) / 2) * room.min()
