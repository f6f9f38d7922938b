"""Between two noises: a sampler without noise of its own turns a way between noises into a way between images."""

from __future__ import annotations

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
    escaped,
    path_length,
    walk_result,
)

SHARES = 0.4, 0.6  # of the duration: noise becomes images, then the walk between the noises
REWIND = 0.8  # seconds in which recorded time runs back
BACK = 0.8  # seconds from the middle of the walk to where it begins
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
    unused_options = ("trails", "points", "orbit")
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
        walk = NoiseWalk([circle, self.trajectories["line"]])
        names = (circle.meta.get("target") or {}).get("labels") or []
        of = f"class {escaped(str(names[walk.label]))}" if walk.label < len(names) else ""
        caption = self.caption(
            "sampler", of, f"noises $a$ and $b$, $theta =$ {walk.angle():.0f}°", "seed", "model", "step"
        )
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
        self.rewind(clock, REWIND)
        self.play_run(clock, SHARES[0] * options.duration)
        # from the middle, which was large, to one end, over the images that lie between
        seconds = self.seconds(BACK)
        to_the_end = UpdateFromAlpha(lambda u: walk.show((1 - smooth(u)) / 2), *walk.mobjects, run_time=seconds)
        names = FadeOutFast(*walk.running, run_time=seconds / 2), FadeInFast(*walk.made, run_time=seconds, after=0.5)
        self.play(*names, to_the_end)
        self.play(UpdateFromAlpha(walk.show, *walk.mobjects, run_time=self.seconds(SHARES[1] * options.duration)))
        self.crossfade(walk.standing, walk_result(page, stage, walk))
        self.outro()
