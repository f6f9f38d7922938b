"""The same noise through several denoisers: one blurs, one remembers, one recombines, one has learned."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from diffrender.animation import (
    Box,
    Clock,
    FadeInFast,
    Recording,
    RenderError,
    SceneOptions,
    Trajectory,
    TrajectoryScene,
    captions,
    frame,
    image_grid,
    image_values,
    path_length,
)

COPY = 0.1  # root mean square difference, of values in [−1, 1], under which a sample is called a copy
DENOISERS = {
    "gaussian": "Gaussian: blurs",
    "exact": "exact: remembers",
    "local": "local: recombines",
    "own": "network: learned",
}
LOCALITIES = {"near": "locality 1", "local": "locality 2", "far": "locality 3.5", "farthest": "locality 12"}


class Memory(TrajectoryScene):
    """The same noise through several denoisers: what blurs, what remembers, what recombines, what has learned."""

    default_config = "digits"
    shows = ("images",)
    needs = {
        "own": Recording(
            "reverse",
            {"sampler.kind": "ddim", "sampler.steps": 40, "sampler.chains": 16, "record.nearest": True},
        ),
        "gaussian": Recording(
            "reverse",
            {"sampler.kind": "ddim", "sampler.steps": 40, "sampler.chains": 16},
            fixed={"model.kind": "gaussian", "model.conditional": True},
        ),
        "exact": Recording(
            "reverse",
            {"sampler.kind": "ddim", "sampler.steps": 40, "sampler.chains": 16},
            fixed={"model.kind": "exact", "model.conditional": True},
        ),
        "near": Recording(
            "reverse",
            {"sampler.kind": "ddim", "sampler.steps": 40, "sampler.chains": 16},
            fixed={"model.kind": "local", "model.conditional": True, "model.locality": 1},
        ),
        "local": Recording(
            "reverse",
            {"sampler.kind": "ddim", "sampler.steps": 40, "sampler.chains": 16},
            fixed={"model.kind": "local", "model.conditional": True, "model.locality": 2},
        ),
        "far": Recording(
            "reverse",
            {"sampler.kind": "ddim", "sampler.steps": 40, "sampler.chains": 16},
            fixed={"model.kind": "local", "model.conditional": True, "model.locality": 3.5},
        ),
        "farthest": Recording(
            "reverse",
            {"sampler.kind": "ddim", "sampler.steps": 40, "sampler.chains": 16},
            fixed={"model.kind": "local", "model.conditional": True, "model.locality": 12},
        ),
    }

    class Options(SceneOptions):
        """Options of `memory`."""

        duration: float = Field(7.0, gt=0, le=600, description="seconds in which the noise becomes images, each time")
        rows: int = Field(3, ge=1, le=8, description="rows and columns of each grid")
        dial: bool = Field(True, description="go on with the local denoiser at four localities")

    def construct(self) -> None:
        """Four denoisers in lockstep, and the nearest image of the data to each sample; then locality as a dial."""
        page, runs = self.page, self.trajectories
        if len({run.steps for run in runs.values()}) > 1 or any("nearest" not in run for run in runs.values()):
            raise RenderError("memory compares runs of equally many steps, each with its nearest images.")
        self.side = min(self.options.rows, int(np.sqrt(self.run.chains)))
        compared = [name for name in DENOISERS if name != "own" or captions.learned(self.run)]
        boxes = self.arrange("grid", count=len(compared), key=False)
        clock = self.clock(self.run, timeline=path_length(runs["local"]["x"][:, :16]))
        names = [DENOISERS[name] if page.shape == "wide" else DENOISERS[name].partition(":")[0] for name in compared]
        caption = self.caption("sampler", "same noise for all", "scaling", "seed", "step")
        words = captions.title(self.run, "Images") + ": what a denoiser remembers" * (page.shape == "wide")
        title = self.header(words, "{{hat(x)_0 : data}} = EE [{{x_0 : data}} mid(|) {{x_t : noise}}]")
        shown = self.grids(clock, [runs[name] for name in compared], names, boxes)
        clock.show(0)
        self.intro(*title, ground=[caption, *clock.slider(boxes.slider), *shown])
        self.play_run(clock)
        nearest = self.nearest([runs[name] for name in compared], boxes)
        self.play(FadeInFast(*nearest, run_time=0.6))
        self.wait(self.seconds(3.0))
        if self.options.dial:
            clock.release(*shown)
            boxes = self.arrange("grid", count=len(LOCALITIES), key=False)
            again = self.grids(clock, [runs[name] for name in LOCALITIES], list(LOCALITIES.values()), boxes)
            clock.show(0)
            self.crossfade([*shown, *nearest], again)
            self.play_run(clock)
            self.play(FadeInFast(*self.nearest([runs[name] for name in LOCALITIES], boxes), run_time=0.6))
        self.outro()

    def halves(self, cell: Box) -> list[Box]:
        """Where the samples and the nearest images lie in a cell."""
        gap = 1.6 * self.page.em("legend")
        return cell.rows(1, 1, gap=gap) if cell.height > cell.width else cell.columns(1, 1, gap=0.12)

    def grids(self, clock: Clock, runs: list[Trajectory], names: list[str], boxes: Any) -> list[Any]:
        """The states of each run as a grid, bound to the clock, each under its name."""
        page, made = self.page, []
        for run, name, cell, label in zip(runs, names, boxes.cells, boxes.labels, strict=True):
            place = self.halves(cell)[0]
            grid = image_grid(
                image_values(run), place, theme=self.theme, rows=self.side, cols=self.side, chains=self.chosen()
            )
            clock.bind(grid)
            x = float(grid.points[0, 0]) if cell.height > cell.width else cell.left
            made += [grid.set_z_index(1), page.label(name, x, label.bottom + 0.4 * page.em("label"))]
        return made

    def nearest(self, runs: list[Trajectory], boxes: Any) -> list[Any]:
        """The nearest image of the data to each sample, how far they are, and how many samples are copies."""
        page, made = self.page, []
        for run, cell in zip(runs, boxes.cells, strict=True):
            place = self.halves(cell)[1]
            square = {"rows": self.side, "cols": self.side, "chains": self.chosen()}
            grid = image_grid(image_values(run, "nearest"), place, theme=self.theme, **square)
            far = np.asarray(run["nearest_distance"])
            copies = int((far < COPY).sum())
            away = f"{np.median(far):.2f} {'from the data' if page.shape == 'wide' else 'away'}"
            text = f"{copies} of {len(far)} copied" if 2 * copies > len(far) else away
            (x, bottom), (right, top) = grid.points[0, :2], grid.points[3, :2]
            made.append(grid)
            made.append(page.label(text, float(x), float(top) + 0.3 * page.em("legend"), size="legend", color="muted"))
            made.append(frame((float(x), float(right), float(bottom), float(top)), self.theme.data))
        return made

    def chosen(self) -> list[int]:
        """The chains that are shown."""
        return list(range(self.side**2))
