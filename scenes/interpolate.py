"""Between two noises: a sampler without noise of its own turns a way between noises into a way between images."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from diffrender.animation import (
    NoiseWalk,
    Recording,
    SceneOptions,
    TrajectoryScene,
    UpdateFromAlpha,
    escaped,
    path_length,
)

SHARES = 0.4, 0.6  # of the duration: noise becomes images, then the walk between the noises
MOMENTS, PLACES = (0.0, 0.22, 0.7, 1.0), (0.5, 0.0, 1.0, 0.5)  # of the walk: to one end, to the other, to the middle
MANY = {"sampler.steps": 20, "sampler.chains": 210, "sampler.guidance_scale": 2, "record.keep": []}


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
        caption = self.caption("sampler", of, f"a and b at {walk.angle():.0f}°", "seed", "model", "step")
        walk.put(page, self.arrange("stage", key=False, slider=False).stage.above(caption))
        clock.bind(*walk.grids)
        equation = "{{x_T : noise}} prop sin((1 - u) theta) thin a + sin(u theta) thin b"
        clock.show(1)
        title = self.header("Between two noises", equation)
        self.intro(*title, ground=[*walk.standing, caption])
        self.restart(clock, *walk.grids)
        self.play_run(clock, SHARES[0] * options.duration)
        self.wait(self.seconds(0.8))
        seconds = self.seconds(SHARES[1] * options.duration)
        go = UpdateFromAlpha(
            lambda u: walk.show(float(np.interp(u, MOMENTS, PLACES))), *walk.mobjects, run_time=seconds
        )
        self.play(go)
        self.outro()
