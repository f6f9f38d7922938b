"""Between two noises: a sampler without noise of its own turns a way between noises into a way between images."""

from __future__ import annotations

import numpy as np
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
MOMENTS, PLACES = (0.0, 0.22, 0.7, 1.0), (0.5, 0.0, 1.0, 0.5)  # of the walk: to one end, to the other, to the middle
MANY = {
    "sampler.steps": 20,
    "sampler.chains": 210,
    "sampler.guidance_scale": 4,
    "sampler.seed": 3,
    "record.keep": [],
}
CIRCLE = "x_T prop {{sin((1 - u) theta) thin a + sin(u theta) thin b : samples}}"
LINE = "{{(1 - u) thin a + u thin b : fg}}"


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
        """Noises on the way between two become images, in lockstep; then the walk, to both ends and to its middle."""
        page, options, circle = self.page, self.options, self.trajectories["circle"]
        clock = self.clock(circle, timeline=path_length(circle.states[:, ::7]))
        walk = NoiseWalk([circle, self.trajectories["line"]])
        names = (circle.meta.get("target") or {}).get("labels") or []
        of = f"class {escaped(str(names[walk.label]))}" if walk.label < len(names) else ""
        caption = self.caption(
            "sampler", of, f"noises $a$ and $b$, $theta =$ {walk.angle():.0f}°", "seed", "model", "step"
        )
        stage = self.arrange("stage", key=False, slider=False).stage.above(caption)
        wide, em = page.shape == "wide", page.em("equation")
        title = self.header("Between two noises", f"{CIRCLE} quad {LINE}" if wide else CIRCLE)
        if not wide:  # the line's under that of the circle
            title.append(page.maths(LINE).at(0, page.frame.equation_y - 1.4 * em, 0))
            stage = stage._replace(top=stage.top - 1.4 * em)
        walk.put(page, stage)
        clock.bind(*walk.grids)
        clock.bind(walk.show_step, moves=walk.figures)
        clock.show(1)
        self.intro(*title, ground=[*walk.standing, caption])
        self.remove(*walk.made)
        self.restart(clock, *walk.grids, *walk.figures, *walk.running)
        self.play_run(clock, SHARES[0] * options.duration)
        self.crossfade(walk.running, walk.made)
        seconds = self.seconds(SHARES[1] * options.duration)
        go = UpdateFromAlpha(
            lambda u: walk.show(float(np.interp(u, MOMENTS, PLACES))), *walk.mobjects, run_time=seconds
        )
        self.play(go)
        self.play(FadeOutFast(*(mob for mob in walk.standing if mob not in walk.strips), run_time=0.3))
        result = walk_result(page, stage, walk)
        self.play(FadeOutFast(*walk.strips, run_time=0.5), FadeInFast(*result, run_time=0.5))
        self.outro()
