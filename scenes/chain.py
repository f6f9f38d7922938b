"""The Markov chain of diffusion on recorded images: noise is added step by step, and taken away again."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from diffrender.animation import (
    MarkovRow,
    Recording,
    RenderError,
    SceneOptions,
    TrajectoryScene,
    captions,
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
        heads = self.heads(upper, lower)
        clocks = [self.clock(forward, timeline=there.timeline), self.clock(reverse, timeline=back.timeline)]
        for clock, row in zip(clocks, (there, back), strict=True):
            clock.bind(row)
            clock.show(1)
        words = captions.title(self.run, "Images") + ": the Markov chain" * (page.shape == "wide")
        title, *adds = self.header(words, self.sampler_equation(forward))
        takes = self.header("", self.sampler_equation(reverse))[-1:]
        self.intro(title, *takes, ground=[caption, *heads, *names, *there.mobjects, *back.mobjects])
        self.crossfade([*back.mobjects, *there.mobjects, *takes])
        clocks[0].show(0)
        self.crossfade((), [*there.mobjects, *adds])
        self.play_run(clocks[0])
        self.wait(self.seconds(0.8))
        clocks[1].show(0)
        self.crossfade(adds, [*takes, *back.mobjects])
        self.play_run(clocks[1])
        self.outro()

    def heads(self, upper: list[Any], lower: list[Any]) -> list[Any]:
        """What each row is: over the upper and under the lower one; of columns over both."""
        page, em = self.page, self.page.em("label")
        adds, takes = "q (x_t mid(|) x_(t-1))", "p_theta (x_(t-1) mid(|) x_t)"
        if page.shape == "tall":
            y = upper[0].top + 0.5 * em
            return [page.maths(text, "label", hue).at(row[0].center[0], y, 0)
                    for text, hue, row in ((adds, "noise", upper), (takes, "data", lower))]  # fmt: skip
        made: list[Any] = []
        words = ("each step adds noise to an image of the data", f"each step takes some away: {self.new_image()}")
        if page.shape != "wide":
            words = ("adds noise to an image of the data", self.new_image())
        for text, said, hue, y in (
            (adds, words[0], "noise", upper[0].top + 0.5 * em), (takes, words[1], "data", lower[0].bottom - 1.15 * em)
        ):  # fmt: skip
            name = page.maths(text, "label", hue).at(upper[0].left, y)
            x = float(name.get_right()[0]) + 0.3
            fits = page.fitting(said, page.frame.x - x, "legend")
            made += [name, page.label(fits, x, y, -1, "legend", "muted")]
        return made

    def new_image(self) -> str:
        """What the lower row ends with: how far from the data, and images of the data from one another, if recorded."""
        run = self.trajectories["reverse"]
        if "nearest_apart" not in run:
            return "a new image"
        chain = min(self.options.chain, run.chains - 1)
        far, apart = float(run["nearest_distance"][chain]), float(np.median(run["nearest_apart"]))
        said = (
            "a new image, {:.2f} from the nearest of the data (these: {:.2f})",
            "a new image, {:.2f} from the data (these: {:.2f})",
            "new: {:.2f} from the data (these: {:.2f})",
        )
        return "|".join(form.format(far, apart) for form in said)
