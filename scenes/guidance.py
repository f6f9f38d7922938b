"""The same noise under several guidance scales: too little of the class asked for, enough of it, too much."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field

from diffrender.animation import (
    Box,
    Recording,
    RenderError,
    SceneOptions,
    TrajectoryScene,
    captions,
    image_grid,
    image_values,
    path_length,
)

SCALES = {"free": 0, "plain": 1, "two": 2, "four": 4, "eight": 8}
COLUMNS = {"tall": 5}  # images in a row, at most; ten in other frames


class Guidance(TrajectoryScene):
    """The same noise under several guidance scales, one row each, one class a column."""

    default_config = "digits"
    shows = ("images",)
    needs = {
        "free": Recording(
            "reverse", {"sampler.kind": "ddim", "sampler.steps": 60}, fixed={"sampler.guidance_scale": 0}
        ),
        "plain": Recording(
            "reverse", {"sampler.kind": "ddim", "sampler.steps": 60}, fixed={"sampler.guidance_scale": 1}
        ),
        "two": Recording("reverse", {"sampler.kind": "ddim", "sampler.steps": 60}, fixed={"sampler.guidance_scale": 2}),
        "four": Recording(
            "reverse", {"sampler.kind": "ddim", "sampler.steps": 60}, fixed={"sampler.guidance_scale": 4}
        ),
        "eight": Recording(
            "reverse", {"sampler.kind": "ddim", "sampler.steps": 60}, fixed={"sampler.guidance_scale": 8}
        ),
    }

    class Options(SceneOptions):
        """Options of `guidance`."""

        duration: float = Field(9.0, gt=0, le=600, description="seconds in which the noise becomes images")
        show: Literal["x", "x0"] = Field("x", description="the state, or the image predicted in it")

    def construct(self) -> None:
        """All rows in lockstep from the same noise; beside each row how far the samples of one class lie apart."""
        page, runs = self.page, self.trajectories
        if len({run.steps for run in runs.values()}) > 1 or any("label" not in run for run in runs.values()):
            raise RenderError("guidance compares runs of equally many steps, each with its labels.")
        boxes = self.arrange("stage", key=False)
        labels = np.asarray(self.run["label"])
        chosen = [int(np.flatnonzero(labels == k)[0]) for k in np.unique(labels)][: COLUMNS.get(page.shape, 10)]
        clock = self.clock(self.run, timeline=path_length(runs["two"]["x"][:, :16]))
        side = 4.4 * page.em("label")
        made: list[Any] = []
        for name, row in zip(SCALES, boxes.stage.rows(*[1] * len(SCALES), gap=0.12), strict=True):
            place = Box(row.left + side, row.right - side, row.bottom, row.top)
            values = image_values(runs[name], self.options.show)
            grid = image_grid(values, place, theme=self.theme, rows=1, cols=len(chosen), chains=chosen)
            clock.bind(grid)
            y = row.center[1] - 0.3 * page.em("label")
            made += [grid.set_z_index(1), page.label(f"$w = {SCALES[name]}$", row.left, y)]
            apart = [spread(values[k], labels) for k in range(len(values))]
            made.append(clock.number("$s =$ {:.2f}", apart, color="muted").at(row.right, y, 1))
        caption = self.caption(
            "sampler", "same noise for all" * (page.shape != "tall"), "s: spread within a class", "seed", "model"
        )
        equation = (
            "tilde(epsilon) = {{epsilon_nothing : noise}} + w ({{epsilon_c : data}} - {{epsilon_nothing : noise}})"
        )
        title = self.header(captions.title(self.run, "Images") + ": guidance", equation)
        clock.show(0)
        self.intro(*title, ground=[caption, *clock.slider(boxes.slider), *made])
        self.play_run(clock)
        self.outro()


def spread(images: np.ndarray, labels: np.ndarray) -> float:
    """Root mean square distance of values (N, C, H, W) from the mean of their class, over classes of two or more."""
    groups = [images[labels == k] for k in np.unique(labels)]
    apart = [group - group.mean(0) for group in groups if len(group) > 1]
    if not apart:
        raise RenderError("guidance needs two samples of a class.", "Set sampler.chains to twice the classes.")
    return float(np.sqrt(np.mean(np.concatenate(apart) ** 2)))
