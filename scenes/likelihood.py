"""The likelihood by the flow: log p along one path, from the area of the cell it carries, against the closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from diffrender.animation import (
    KEY_DOT_WIDTH,
    CarriedCell,
    DeformedGrid,
    Hero,
    LikelihoodChart,
    LikelihoodScatter,
    Recording,
    SceneOptions,
    TrajectoryScene,
    frame,
    key_dot,
    key_line,
    path_length,
)

REWIND, ZOOM = 2.0, 1.0  # seconds back to the noise, and of the view
CELL = 3.0  # cells of the drawn grid that the carried one is wide
EQUATION = "{{log p_t (x_t) : sum}} = log p_T (x_T) + inline(integral_t^T) {{nabla dot dot(x)_s : score}} thin dif s"
CARRIED = "area of the cell × {:.3f}, density × {:.3f}"
BOTH = "flow {:.3f}, exact {:.3f}, error {:,.0f} $times 10^(-6)$"
ALL = "{0} paths at $sigma_t =$ {2:.3f}: largest error {1:.5f}|{0} paths: error ≤ {1:.5f}|error ≤ {1:.5f}"


class Likelihood(TrajectoryScene):
    """log p by the probability flow: the cell that one path carries, its area, and log p beside the closed form."""

    default_config = "three_modes"
    shows = ("plane",)
    unused_options = ("trails", "points", "project")
    needs = {
        "path": Recording(
            "reverse",
            {
                "model.kind": "exact",
                "sampler.steps": 100,
                "sampler.chains": 400,
                "sampler.rtol": 1e-7,
                "sampler.atol": 1e-7,
                "sampler.timestep_spacing": "linspace",
            },
            fixed={"sampler.kind": "rk45", "record.log_p": True, "record.keep": []},
        ),
        "flow": Recording(
            "reverse",
            {
                "model.kind": "exact",
                "sampler.steps": 100,
                "sampler.chains": 3721,
                "sampler.rtol": 1e-7,
                "sampler.atol": 1e-7,
                "sampler.timestep_spacing": "linspace",
            },
            fixed={"sampler.kind": "rk45", "sampler.start": "grid", "record.keep": []},
        ),
    }
    words = {
        "title": "Likelihood",
        "cell": "cell",
        "path": "path",
        "ode": "by the flow",
        "truth": "exact",
        "all": "All paths",
    }

    class Options(SceneOptions):
        """Options of `likelihood`."""

        duration: float = Field(10.0, gt=0, le=600, description="seconds in which the path goes from noise to data")
        lines: int = Field(25, ge=2, le=200, description="lines of the grid each way, about so many")

    def construct(self) -> None:
        """The end and back to the noise; the path with its cell and log p; then all paths against the closed form."""
        run, page, theme, words = self.run, self.page, self.theme, self.words
        run.require("log_p", "log_p_exact", "flow_jacobian")
        boxes, chain = self.arrange("two panels", slider=True), int(run.meta["followed"])
        if page.shape == "tall":  # nothing stands over the panels
            for name in ("left", "right"):
                box, key = getattr(boxes, name), getattr(boxes, f"{name}_key")
                setattr(boxes, name, box._replace(top=box.top + 1.3 * page.em("label")))
                setattr(boxes, f"{name}_key", key._replace(bottom=key.bottom + 0.6 * page.em("legend")))
        grid = DeformedGrid(self.trajectories["flow"], boxes.left, lines=self.options.lines, theme=theme)
        view = self.view(run.target if len(run.target) else run.states[-1], boxes.left, noise=1.0)
        mesh = view.keep(grid.lattice()).set_z_index(1)
        view.lay(view.box, view.rect)
        first = grid.nodes(0)
        side = CELL * grid.every * float(first[0, 1, 0] - first[0, 0, 0])
        cell = CarriedCell(view, run, chain, side=side, theme=theme)
        hero = Hero(view, run.states, theme=theme, chain=chain, length=run.steps)
        for mob in hero.mobjects:
            mob.set_z_index(7)
        chart = LikelihoodChart(page, run, chain, boxes.right)

        # what stands round it, all on one clock
        clock = self.clock(run, timeline=path_length(run.states[:, chain : chain + 1]))
        clock.bind(mesh, hero, cell, *chart.curves)
        wide, left, right = page.shape == "wide", page.foot(boxes.left_key), page.foot(boxes.right_key)
        millionths, density = 1e6 * chart.error, 1 / chart.ratio
        if wide:
            numbers = [
                clock.number(CARRIED, chart.ratio, density, size="legend").at(*left),
                clock.number(BOTH, chart.ode, chart.truth, millionths, size="legend").at(*right),
            ]
        else:
            numbers = [
                clock.number("cell × {:.3f}", chart.ratio, size="legend").at(*left),
                clock.number("error {:,.0f} $times 10^(-6)$", millionths, size="legend").at(*right),
            ]
        caption = self.caption("sampler", "step", "colour: density by area", "seed", "model")
        key = self.legend(self.keys(), boxes.slider)
        edge = frame(boxes.left, theme.border).set_z_index(9)
        wide_box, near = view.box, view.fit(run.target, 1.25) if len(run.target) else view.box

        # the end is the first picture; from there back to the noise, and slowly to the data again
        clock.show(1)
        view.lay(near, view.rect)
        moving = [mesh, *hero.mobjects, cell]
        ground = [caption, key, edge, *numbers, *moving, *chart.mobjects]
        self.intro(*self.header(words["title"], EQUATION), ground=ground, result=boxes.left)
        self.rewind(clock, REWIND, view.move(wide_box, view.rect, self.seconds(REWIND)))
        self.wait(0.6)
        self.play_run(clock, None, view.move(near, view.rect, self.seconds(self.options.duration)))
        self.wait(1.0)
        self.all_paths(boxes, [*chart.mobjects, numbers[1], key])
        self.outro()

    def all_paths(self, boxes: Any, gone: list[Any]) -> None:
        """What the flow says of every path beside what is true."""
        page, run, foot = self.page, self.run, boxes.right_key
        scatter = LikelihoodScatter(page, run, boxes.right)
        values = run["log_p"].shape[1], np.ceil(scatter.worst * 1e5) / 1e5, float(run["sigma"][-2])
        form = page.fitting(ALL, foot.width, "legend", *values)
        text = page.label(form.format(*values), *page.foot(foot), "legend")
        self.crossfade(gone, [*scatter.mobjects, text, self.legend(self.keys(curves=False), boxes.slider)])

    def keys(self, *, curves: bool = True) -> list[Any]:
        """What the marks mean: the line of the flow is a curve, that of what is exact the scatter's diagonal too."""
        theme, words = self.theme, self.words
        return [
            (key_dot(theme.fg, ring=theme.bg), KEY_DOT_WIDTH, words["path"]),
            (key_line(theme.samples), 0.4, words["cell"]),
            *[(key_line(theme.fg), 0.4, words["ode"])] * curves,
            (key_line(theme.data), 0.4, words["truth"]),
        ]
