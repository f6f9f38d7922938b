"""The Markov chain of diffusion on recorded images: noise is added step by step, and taken away again."""

from __future__ import annotations

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


class Chain(TrajectoryScene):
    """The Markov chain x_T … x_0: q adds noise to an image of the data, p_θ makes an image of noise."""

    default_config = "digits"
    shows = ("images",)
    unused_options = ("trails", "points", "interpolate", "orbit")
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
        caption = self.caption("sampler", f"{last} steps", "seed", "model", run=reverse)
        stage = self.arrange("stage", key=False, slider=False).stage.above(caption)
        if upright:  # a row for what comes of it
            stage = stage._replace(bottom=stage.bottom + 1.5 * page.em("legend"))
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
        *heads, result = self.heads(upper, lower)
        edges = [frame(box, theme.border, 1.5 * HAIR, radius=0).set_z_index(3) for box in (*upper, *lower)]
        clocks = [self.clock(forward, timeline=there.timeline), self.clock(reverse, timeline=back.timeline)]
        for clock, row in zip(clocks, (there, back), strict=True):
            clock.bind(row)
            clock.show(1)
        words = captions.title(self.run, "Images") + ": the Markov chain" * (not upright)
        title, *adds = self.header(words, self.sampler_equation(forward))
        takes = self.header("", self.sampler_equation(reverse))[-1:]
        self.intro(title, *takes, ground=[caption, *heads, result, *names, *edges, *there.mobjects, *back.mobjects])
        self.crossfade([*back.mobjects, *there.mobjects, *takes, result])
        clocks[0].show(0)
        self.crossfade((), [*there.mobjects, *adds])
        self.play_run(clocks[0])
        self.wait(self.seconds(0.8))
        clocks[1].show(0)
        self.crossfade(adds, [*takes, *back.mobjects])
        self.play_run(clocks[1])
        self.crossfade((), [result])
        self.outro()

    def heads(self, upper: list[Box], lower: list[Box]) -> list[Any]:
        """What each row is, over the upper and under the lower one (columns: over both); last, what comes of it."""
        page, em = self.page, self.page.em("label")
        adds, takes = (
            page.maths("q (x_t mid(|) x_(t-1))", "label", "noise"),
            page.maths("p_theta (x_(t-1) mid(|) x_t)", "label", "data"),
        )
        result = self.new_image()
        if page.shape == "tall":
            y, short = upper[0].top + 0.5 * em, result.split("|")[-1]
            for text, row in ((adds, upper), (takes, lower)):
                text.at(row[0].center[0], y, 0)
            return [adds, takes, page.label(short, 0, lower[-1].bottom - 1.1 * em, 0, "legend", "data")]
        made: list[Any] = [adds, takes]
        for name, words, row, y in (
            (adds, "adds noise to an image of the data", upper, upper[0].top + 0.5 * em),
            (takes, "takes some away", lower, lower[0].bottom - 1.15 * em),
        ):
            name.at(row[0].left, y)
            said = page.label(words, float(name.get_right()[0]) + 0.3, y, -1, "legend", "muted")
            made.append(said)
        right = lower[-1].right  # the last of the row, where there is room up to what is said already
        short = page.fitting(result, right - float(said.get_right()[0]) - 0.4, "legend")
        made.append(page.label(short, right, y, 1, "legend", "data"))
        return made

    def new_image(self) -> str:
        """What the lower row ends with: how far from the data, and images of the data from one another, if recorded."""
        run = self.trajectories["reverse"]
        if "nearest_apart" not in run:
            return "a new image|new"
        chain = min(self.options.chain, run.chains - 1)
        far, apart = float(run["nearest_distance"][chain]), float(np.median(run["nearest_apart"]))
        said = (
            "a new image, {:.2f} from the nearest of the data (these: {:.2f})",
            "a new image, {:.2f} from the data (these: {:.2f})",
            "new: {:.2f} from the data (these: {:.2f})",
            "{:.2f} from the data (these: {:.2f})",
            "{:.2f} away (data: {:.2f})",
        )
        return "|".join(form.format(far, apart) for form in said)
