"""Samplers race: the same noise through two to six of them, in lockstep of network evaluations."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from diffrender.animation import (
    Box,
    Clock,
    DistanceChart,
    FadeInFast,
    FadeOutFast,
    Racers,
    Recording,
    RenderError,
    SceneOptions,
    TrajectoryScene,
    linear,
    panel,
)

SPENT = '{{{{x_T : noise}}}} -> {{{{x_0 : data}}}} quad "in {} evaluations"'
METRIC = "metric_sliced_wasserstein"


class Race(TrajectoryScene):
    """Two to six samplers from the same noise in lockstep of evaluations, and how near each comes to the data."""

    default_config = "spiral"
    shows = ("plane", "space")
    unused_options = ("trails", "interpolate", "project")
    needs = {
        "racer": Recording(
            "reverse",
            {
                "sampler.evaluations": 12,
                "sampler.chains": 4000,
                "record.keep": [],
                "record.metric_points": 4000,
                "record.budgets": [8, 10, 12, 16, 20, 24, 32, 48, 64],
            },
            each={"sampler.kind": "samplers"},
        )
    }
    words = {
        "title": "Samplers race",
        "distance": "Distance to the data against evaluations|Distance against evaluations|Distance",
        "finished": "Distance of finished samples against evaluations|Distance against evaluations|Distance",
        "floor": "two true samples, on average: {:.3f}|true samples: {:.3f}",
    }

    class Options(SceneOptions):
        """Options of `race`."""

        samplers: tuple[str, ...] = Field(
            ("ddpm", "ddim", "heun", "dpmpp_2m"), min_length=2, max_length=6, description="two to six samplers"
        )
        duration: float = Field(9.0, gt=0, le=600, description="seconds from the first evaluation to the last")
        sweep: float = Field(8.0, ge=0, le=600, description="seconds in which the budget grows; 0: leave that out")

    def construct(self) -> None:
        """One budget, evaluation by evaluation; finished samples of every budget; the first again, ranked."""
        self.runs = list(self.trajectories.values())
        for run in self.runs:
            run.require("nfe", METRIC)
        boxes = self.arrange("cells over chart", count=len(self.runs))
        views = [self.view(run.target, cell) for run, cell in zip(self.runs, boxes.cells, strict=True)]
        self.racers = Racers(self.page, self.runs, views, boxes, points=self.options.points)
        clock, chart = self.lockstep(boxes.chart)
        same = "same noise for all" if self.racers.same_noise else ""
        caption = self.caption("points", same, "scaling", "seed", "model", run=self.runs[0])
        grounds = [panel(cell, self.theme) for cell in boxes.cells]
        standing = [caption, *grounds, *self.racers.ghosts, *self.racers.names]
        clock.show(1)
        self.look(1)
        self.title = self.header(self.words["title"], SPENT.format(clock.timeline.last))
        self.intro(*self.title, ground=[*standing, *self.racers.shown, *chart.mobjects])
        self.rewind(clock, 1.2)
        self.play_run(clock)
        if self.options.sweep and all("budget_sliced_wasserstein" in run for run in self.runs):
            self.budgets(boxes.chart, chart)
        self.rank()
        self.outro()

    def lockstep(self, box: Box) -> tuple[Clock, DistanceChart]:
        """The clock of evaluations: every run shows its last state that needs no more of them; and the chart."""
        calls = [np.asarray(run["nfe"], int) for run in self.runs]
        far = [np.asarray(run[METRIC], float) for run in self.runs]
        clock = self.clock(timeline=linear(max(int(each[-1]) for each in calls), interpolate=True))
        at = [np.searchsorted(each, np.arange(clock.timeline.last + 1), side="right") - 1 for each in calls]
        self.racers.follow(clock, [run.states for run in self.runs], at, calls, far)
        chart = self.chart(box, calls, far, "distance")
        clock.bind(chart.show_calls, moves=chart.curves)
        return clock, chart

    def budgets(self, box: Box, before: DistanceChart) -> None:
        """What the same noise becomes with each budget, and how far that is from the data; then as it was."""
        calls = [np.asarray(run["budget_nfe"], int) for run in self.runs]
        far = [np.asarray(run["budget_sliced_wasserstein"], float) for run in self.runs]
        if len({len(each) for each in calls}) > 1:
            raise RenderError("race compares runs of the same budgets.", "Record all with the same record.budgets.")
        clock, raced = self.clock(timeline=linear(len(calls[0]) - 1, interpolate=True)), self.racers.shown
        clouds = self.racers.clouds
        ends = [np.asarray(run["budget_x"]) / np.float32(run.scale[-1]) for run in self.runs]
        self.racers.follow(clock, ends, [np.arange(len(each)) for each in calls], calls, far)
        chart = self.chart(box, calls, far, "finished", log_x=True)
        clock.bind(chart.show_entry, moves=chart.curves)
        clock.show(0)
        every = self.page.equation(SPENT.format(f"{calls[-1][0]} … {calls[-1][-1]}"))
        now = self.racers.clouds  # come while the others go: no panel is empty
        texts = [mob for mob in self.racers.shown if mob not in now]
        self.crossfade([*raced, *before.mobjects, self.title[-1]], [*texts, *chart.mobjects, every], early=now)
        self.play(clock.play(self.seconds(self.options.sweep)))
        self.wait(1.0)
        gone = [*self.racers.shown, every, *chart.mobjects]
        self.crossfade(gone, [self.title[-1], *before.mobjects], early=clouds)

    def rank(self) -> None:
        """Nearest first, each with its calls and its distance."""
        calls, far = [int(run["nfe"][-1]) for run in self.runs], [float(run[METRIC][-1]) for run in self.runs]
        order = self.racers.ranking(far)
        gone = [mob for mob in (*self.racers.names, *self.racers.notes) if mob in self.mobjects]
        self.play(FadeOutFast(*gone, run_time=0.3))
        self.play(*self.racers.glide(order, self.seconds(1.2)))
        self.play(FadeInFast(*self.racers.placed(order, calls, far), run_time=0.5))

    def chart(self, box: Box, calls: Any, far: Any, name: str, **more: Any) -> DistanceChart:
        """The chart of distances against calls, over the floor that was recorded with them."""
        floor = (self.runs[0].meta.get("figures") or {}).get("floor")
        more |= {"floor": floor, "name": self.words[name], "floor_name": self.words["floor"]}
        return DistanceChart(self.page, box, calls, far, self.racers.colors, **more)
