"""The Markov chain of diffusion on recorded images: noise is added step by step, and taken away again."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from pydantic import Field

from diffrender.animation import (
    HAIR,
    Box,
    MarkovRow,
    Recording,
    RenderError,
    SceneOptions,
    TrajectoryScene,
    captions,
    frame,
    path_length,
    two_rows,
)

TILES = {"square": 4, "tall": 4}  # in a row; five in other frames
GAP = {"wide": 0.9, "classic": 0.62, "square": 0.55, "tall": 0.55}  # between tiles, where the arrows stand
NAME = 1.35  # the room that names of arrows need beside a column, in scene units


class Chain(TrajectoryScene):
    """The Markov chain x_T … x_0: q adds noise to an image of the data, p_θ makes an image of noise."""

    default_config = "digits"
    shows = ("images",)
    unused_options = ("trails", "points", "interpolate", "orbit", "project")
    needs = {
        "reverse": Recording("reverse", {"sampler.steps": 120, "sampler.chains": 16, "record.nearest": True}),
        "forward": Recording(
            "forward", {"sampler.steps": 120, "sampler.chains": 16}, fixed={"sampler.kind": "forward"}
        ),
    }

    class Options(SceneOptions):
        """Options of `chain`."""

        duration: float = Field(7.0, gt=0, le=600, description="seconds of each of the two passes")
        chain: int = Field(0, ge=0, description="the image that is shown")

    def construct(self) -> None:
        """The data dissolve in the upper row, right to left; then noise becomes an image in the lower one."""
        page, theme, options = self.page, self.theme, self.options
        forward, reverse = self.trajectories["forward"], self.trajectories["reverse"]
        if forward.steps != reverse.steps:
            raise RenderError("chain shows two runs of equally many steps.")
        last, shape, upright = forward.steps, page.frame.shape, page.shape == "tall"
        count, em = TILES.get(shape, 5), page.em("label")
        chain = min(options.chain, reverse.chains - 1, forward.chains - 1)
        caption = self.caption(
            "sampler", f"{last} steps", "equation: one step, arrows: many", "seed", "model", run=reverse
        )
        stage = self.arrange("stage", key=False, slider=False).stage.above(caption)
        stage = stage._replace(bottom=stage.bottom + 1.6 * page.em("legend"))  # a row for what comes of it
        if upright:
            stage = stage._replace(right=stage.right - NAME)
        upper, lower = two_rows(
            stage, count, upright=upright, gap=GAP[shape], head=1.6 * em, between=(3.2 if upright else 1.9) * em
        )
        # the same times t in both rows, at which the dissolving image has gone equally far
        way = path_length(forward.states[:, [chain]], even=0.25)
        times = [int(way.step(u)) for u in np.linspace(0, 1, count)]
        there = MarkovRow(theme, forward, upper[::-1], times, chain=chain, color=theme.noise)
        back = MarkovRow(theme, reverse, lower, [last - t for t in times[::-1]], chain=chain, color=theme.data)

        names = [page.maths(f"x_{t}" if t < 10 else f"x_({t})", "label") for t in times[::-1]]
        for name, a, b in zip(names, upper, lower, strict=True):
            (x, y), (u, v) = a.center, b.center
            name.at((x + u) / 2, (y + v) / 2 - 0.3 * em, 0)
        arrows = [
            *self.names("q", "noise", times, upper[::-1], upper[0].top + 0.5 * em),
            *self.names("p_theta", "data", times[::-1], lower, lower[0].bottom - 1.15 * em),
        ]
        result = page.fitting(self.new_image(), 2 * page.frame.x, "legend")
        result = page.label(result, 0, stage.bottom - 1.2 * page.em("legend"), 0, "legend", "data")
        edges = [frame(box, theme.border, 1.5 * HAIR, radius=0).set_z_index(3) for box in (*upper, *lower)]
        clocks = [self.clock(forward, timeline=there.timeline), self.clock(reverse, timeline=back.timeline)]
        for clock, row in zip(clocks, (there, back), strict=True):
            clock.bind(row)
            clock.show(1)
        words = captions.title(self.run, "Images") + ": the Markov chain" * (not upright)
        *title, adds = self.header(words, self.sampler_equation(forward))
        takes = self.header("", self.sampler_equation(reverse))[-1]
        self.intro(*title, takes, ground=[caption, *arrows, result, *names, *edges, *there.mobjects, *back.mobjects])
        self.crossfade([*back.mobjects, *there.mobjects, takes, result])
        clocks[0].show(0)
        self.crossfade((), [*there.mobjects, adds])
        self.play_run(clocks[0])
        self.wait(self.seconds(0.8))
        clocks[1].show(0)
        self.crossfade([adds], [takes, *back.mobjects])
        self.play_run(clocks[1])
        self.crossfade((), [result])
        self.outro()

    def names(self, law: str, hue: str, times: list[int], row: list[Box], y: float) -> list[Any]:
        """The law of each arrow of a row, from one station's number to the next's, on the line y; beside it in columns.

        The chain is Markov, so the law of many steps is one over the stations: `q(x_52 | x_0)` is of 52 of them.
        """
        made: list[Any] = []
        for (s, t), (one, other) in zip(pairwise(times), pairwise(row), strict=True):
            text = self.page.maths(f"{law} (x_({t}) mid(|) x_({s}))", "legend", hue)
            (a, b), (c, d) = one.center, other.center
            upright = self.page.shape == "tall"
            made.append(text.at(a + 0.3, (b + d) / 2 - 0.3 * text.em, -1) if upright else text.at((a + c) / 2, y, 0))
        return made

    def new_image(self) -> str:
        """What the lower row ends with: how far from the data, and images of the data from one another, if recorded."""
        run = self.trajectories["reverse"]
        if "nearest_apart" not in run:
            return "a new image"
        chain = min(self.options.chain, run.chains - 1)
        far, apart = float(run["nearest_distance"][chain]), float(np.median(run["nearest_apart"]))
        said = (
            "a new image: {:.2f} from the nearest of the data, those {:.2f} from their nearest (median)",
            "a new image: {:.2f} from the nearest of the data, those {:.2f} from theirs",
            "new: {:.2f} from the nearest of the data, those {:.2f} from theirs",
            "new: {:.2f} from the data, those {:.2f} apart",
        )
        return "|".join(form.format(far, apart) for form in said)
