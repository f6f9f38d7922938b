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
    key_line,
    path_length,
)

TILES, TALL_TILES = 11, 6
SHARES = 0.4, 0.6  # of the duration: noise becomes images, then the walk between the noises
MOMENTS, PLACES = (0.0, 0.6, 0.68, 1.0), (0.0, 1.0, 1.0, 0.5)  # of the walk: there, and back to the middle
MANY = {"sampler.steps": 30, "sampler.chains": 310, "sampler.guidance_scale": 1, "record.keep": []}


class Interpolate(TrajectoryScene):
    """Images between two noises under DDIM: along the great circle between them, and along the straight line."""

    default_config = "mnist"
    shows = ("images",)
    needs = {
        "circle": Recording("reverse", MANY, fixed={"sampler.kind": "ddim", "sampler.start": "slerp"}),
        "line": Recording("reverse", MANY, fixed={"sampler.kind": "ddim", "sampler.start": "lerp"}),
    }

    class Options(SceneOptions):
        """Options of `interpolate`."""

        duration: float = Field(14.0, gt=0, le=600, description="seconds in which images appear, and then change")
        rows: int = Field(3, ge=1, le=4, description="rows and columns of classes, which share the two noises")

    def construct(self) -> None:
        """Noises on the way between two become images, in lockstep; then the walk, there and back to its middle."""
        page, theme, options, circle = self.page, self.theme, self.options, self.trajectories["circle"]
        boxes = self.arrange("film strip", panels=3, tiles=TALL_TILES if page.shape == "tall" else TILES)
        walk = NoiseWalk(page, [circle, self.trajectories["line"]], boxes, rows=options.rows)
        clock = self.clock(circle, timeline=path_length(circle.states[:, ::7]))
        clock.bind(*walk.grids)
        equation = "{{x_T : noise}} prop sin((1 - u) theta) thin a + sin(u theta) thin b"
        keys = [(key_line(theme.samples), 0.5, "great circle"), (key_line(theme.fg), 0.5, "straight line")]
        angle = f"a and b at {walk.angle():.0f}°"
        caption = self.caption("sampler", angle, f"{walk.places} places", "seed", "model", "step")
        clock.show(1)
        title = self.header("Between two noises", equation)
        self.intro(*title, ground=[*walk.standing, self.legend(keys, boxes.key), caption])
        self.restart(clock, *walk.grids)
        self.play_run(clock, SHARES[0] * options.duration)
        self.wait(self.seconds(0.8))
        seconds = self.seconds(SHARES[1] * options.duration)
        go = UpdateFromAlpha(
            lambda u: walk.show(float(np.interp(u, MOMENTS, PLACES))), *walk.mobjects, run_time=seconds
        )
        self.play(go)
        self.outro()
