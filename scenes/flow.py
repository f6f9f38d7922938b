"""Flow matching: straight paths average to curved ones; straighter flows need fewer evaluations."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from diffrender.animation import (
    KEY_DOT_WIDTH,
    LINE,
    METRIC,
    Box,
    Clock,
    DistanceChart,
    FlowPaths,
    Racers,
    Recording,
    SceneOptions,
    TrajectoryScene,
    evaluations_needed,
    key_dashes,
    key_dot,
    key_line,
    linear,
    on_straight_clock,
    panel,
    straightness,
)

FLOW = {
    "schedule.kind": "flow",
    "training.objective": "flow",
    "training.steps": 3000,
    "training.snapshots": 0,
    "sampler.kind": "flow_euler",
    "sampler.steps": 60,
    "sampler.timestep_spacing": "trailing",
    "sampler.chains": 3000,
    "record.keep": [],
    "record.metric_points": 3000,
    "record.budgets": [1, 2, 3, 4, 6, 8, 12, 16, 24, 32],
}
MARGINAL = "dot(x) = EE [{{epsilon : noise}} - {{x_0 : data}} mid(|) x_t]"
BUDGETS = ("budget_nfe", "budget_sliced_wasserstein")
POSTER = 0.55  # of the way, at which the first picture stands
STRAIGHT = "S = EE_t norm(dot(x)_t - (x_1 - x_0))^2 \\/ EE norm(x_1 - x_0)^2"
PATHS = 70  # points that leave a path
SLACK = 1.15  # over the worst of the best distances: the one at which evaluations are compared


class Flow(TrajectoryScene):
    """Conditional paths are straight, their mean is curved; rectified and transported flows need fewer evaluations."""

    default_config = "moons"
    shows = ("plane",)
    unused_options = ("trails", "interpolate", "project")
    needs = {
        "plain": Recording("reverse", FLOW, fixed={"record.posterior": True}),
        "transport": Recording("reverse", FLOW, fixed={"training.coupling": "ot"}),
        "once": Recording("reverse", FLOW, fixed={"training.reflow": 1}),
        "twice": Recording("reverse", FLOW, fixed={"training.reflow": 2}),
    }
    words = {
        "means": "Flow matching",
        "straighter": "Straighter flows",
        "conditional": "Conditional: noise and data in pairs|Conditional paths",
        "marginal": "Marginal: what the flow follows|Marginal paths",
        "spokes": "weight $p (x_0 | x_t)$",
        "plain": "Any pairs",
        "transport": "Optimal transport|Transport",
        "once": "Rectified",
        "twice": "Rectified twice|2-rectified",
        "finished": "Distance to the data against evaluations|Distance against evaluations|Distance",
        "floor": "two true samples, on average: {:.3f}|true samples: {:.3f}",
        "needed": "{}, needs {}",
        "equal": "all as near as {:.3f}",
        "off": "$S$ {:.3f}",
        "point": "one of them",
    }

    class Options(SceneOptions):
        """Options of `flow`."""

        duration: float = Field(8.0, gt=0, le=600, description="seconds from noise to data, each of two times")
        sweep: float = Field(7.0, gt=0, le=600, description="seconds in which the number of evaluations grows")

    def construct(self) -> None:
        """Straight and curved paths; four flows from the same noise; their distances, and the evaluations needed."""
        before = self.paths()
        self.flows(before)
        self.outro()

    def paths(self) -> list[Any]:
        """The same noise along straight lines to any data, and along the flow; from one point lines to all the data."""
        page, theme, clock = self.page, self.theme, self.clock(timeline=linear(self.run.steps))
        boxes = self.arrange("two panels", slider=True)
        panels = (boxes.left, boxes.right)
        left, right = (self.view(self.run.target, box, noise=0.8) for box in panels)
        made = FlowPaths(page, clock, (left, right), boxes).mobjects
        for name, box in zip(("conditional", "marginal"), panels, strict=True):
            made.append(page.panel_label(page.words(page.fitting(self.words[name], box.width, "label")), box))
        keys = [(key_line(theme.data), 0.5, self.words["spokes"])]
        keys += [(key_dot(theme.fg, ring=theme.bg), KEY_DOT_WIDTH, self.words["point"])]
        ground = [
            *made,
            self.legend(keys, boxes.right_key._replace(left=boxes.left_key.left)),
            *clock.slider(boxes.slider),
        ]
        title = self.header(self.words["means"], MARGINAL)
        caption = self.caption("sampler", "$t$ falls from 1 to 0", "seed", "model")
        clock.show(POSTER)
        self.intro(*title, ground=[*ground, caption])
        self.play(clock.play(self.seconds(1.2), start=POSTER, end=0.0))
        self.play_run(clock)
        self.wait(1.0)
        return [*title, *ground, caption]

    def flows(self, before: list[Any]) -> None:
        """Four flows from the same noise, how straight they are, and how near few evaluations come to the data."""
        runs = list(self.trajectories.values())
        boxes = self.arrange("cells over chart", count=len(runs))
        views = [self.view(run.target, cell, noise=0.7) for run, cell in zip(runs, boxes.cells, strict=True)]
        said = [self.words["off"].format(straightness(*on_straight_clock(run))) for run in runs]
        titles = [
            self.page.fitting(self.words[name], 0.9 * boxes.cells[0].width, "floor") for name in self.trajectories
        ]
        racers = Racers(self.page, runs, views, boxes, titles=titles, remarks=said)
        clock, steps = self.clock(timeline=linear(self.run.steps)), np.arange(self.run.steps + 1)
        few: dict[str, Any] = {"width": 0.8 * LINE, "alpha": 1.0, "length": self.run.steps, "power": 0}
        trails = [
            view.trails(run.states[:, :PATHS], color=hue, **few)
            for view, run, hue in zip(views, runs, racers.colors, strict=True)
        ]
        clock.bind(*trails)
        calls, far = [np.asarray(run["nfe"], int) for run in runs], [np.asarray(run[METRIC], float) for run in runs]
        racers.follow(clock, [run.states for run in runs], [steps] * len(runs), calls, far)
        grounds = [panel(cell, self.theme) for cell in boxes.cells]
        title = self.header(self.words["straighter"], STRAIGHT)
        same = "same noise for all" if racers.same_noise else ""
        caption = self.caption("sampler", same, "$S$ of straight paths: 0", "points", "seed", "model", clock=clock)
        chart, counts = self.chart(boxes.chart.above(caption), racers.colors)
        clock.show(0)
        standing = [*title, caption, *grounds, *racers.ghosts, *racers.names, *chart.standing]
        self.crossfade(before, [*standing, *trails, *racers.shown])
        self.play(clock.play(self.seconds(self.options.duration)))
        self.wait(1.0)
        again = self.budgets(runs, racers, chart, trails)
        budgets = np.asarray(self.run["budget_nfe"]).tolist()
        entry = budgets.index(min((count for count in counts if count), default=budgets[-1]))
        self.play(again.play(self.seconds(1.2), start=1.0, end=again.timeline.course(entry)))
        old = [mob for mob in racers.names if mob in racers.below]
        self.crossfade(old, self.needed(racers, chart, counts, said))

    def budgets(self, runs: list[Any], racers: Racers, chart: DistanceChart, trails: list[Any]) -> Clock:
        """What the same noise becomes with ever more evaluations; the clock of these, which leaves the chart be."""
        calls, far = ([np.asarray(run[key]) for run in runs] for key in BUDGETS)
        clock, gone = self.clock(timeline=linear(len(calls[0]) - 1, interpolate=True)), racers.shown
        ends = [np.asarray(run["budget_x"]) / np.float32(run.scale[-1]) for run in runs]
        racers.follow(clock, ends, [np.arange(len(each)) for each in calls], calls, far)
        clock.bind(chart.show_entry, moves=chart.curves)
        clock.show(0)
        self.crossfade([*gone, *trails], [*racers.shown, *chart.curves])
        self.play(clock.play(self.seconds(self.options.sweep)))
        self.wait(1.0)
        clock.release(chart)
        return clock

    def chart(self, box: Box, hues: list[str]) -> tuple[DistanceChart, list[int | None]]:
        """The chart of finished samples against evaluations, and how many each needs to come equally near."""
        runs, page = list(self.trajectories.values()), self.page
        calls, far = ([np.asarray(run[key]) for run in runs] for key in BUDGETS)
        self.level = SLACK * max(float(each.min()) for each in far)
        floor = (self.run.meta.get("figures") or {}).get("floor")
        names = {"name": self.words["finished"], "floor_name": self.words["floor"]}
        chart = DistanceChart(page, box, calls, far, hues, floor=floor, log_x=True, **names)
        return chart, evaluations_needed(calls, far, self.level)

    def needed(self, racers: Racers, chart: DistanceChart, counts: list[int | None], said: list[str]) -> list[Any]:
        """How many evaluations each needs to come as near as all can come, and that distance across the chart."""
        page, rect = self.page, chart.axes.rect
        words = [self.words["needed"].format(text, count or "more") for text, count in zip(said, counts, strict=True)]
        line = chart.axes.floor(self.level, color="fg").set_z_index(9)
        em = page.em("legend")  # its name stands where no curve goes: many evaluations, and far from the data
        text = page.label(self.words["equal"].format(self.level), rect.right, rect.top - 0.85 * em, 1, "legend")
        x = float(text.get_left()[0]) - 0.15
        dots = key_dashes(page.theme.fg)(x - 0.6, x, rect.top - 0.61 * em)
        return [*racers.remarked(words, "fg"), line, dots, text]
