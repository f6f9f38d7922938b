"""A grid of the plane deformed by the probability flow: how noise is squeezed and stretched into the data."""

from __future__ import annotations

from typing import Any

import numpy as np
from manim import smooth
from pydantic import Field

from diffrender.animation import (
    LINE,
    CellReadouts,
    DeformedGrid,
    FadeInFast,
    FadeOutFast,
    FollowedCell,
    JudgedTable,
    Plane,
    Recording,
    SceneOptions,
    Trajectory,
    TrajectoryScene,
    UpdateFromAlpha,
    ZoomBeam,
    containing,
    fit_both,
    frame,
    key_dashes,
    key_line,
    landing,
    narrowed,
    paced,
    panel,
    point_radius,
    sentence,
)

POINT, UNDER = 0.9, 0.4  # opacity of points, and of the grid under them
MOVE = 0.8  # seconds in which the grid comes to stand beside what it was
SOON, LANDED = 0.25, 0.5  # part of them after which what goes is gone; seconds in which the table comes
RIDE = 2.0  # seconds in which draws ride on the grid from noise to data
REWIND = 1.0  # seconds from the data back to the noise
LANDING, READ = 0.05, 0.6  # of the run, for its last step; and seconds in which its last figures stand
NAME = 0.96  # of a panel's width, for its name
ROOM = 1.03  # times as far as the farthest point, the panel of draws
SIZE = 6  # of points at the end, as `point_radius` takes it
EQUATION = "p_t (x_t) = p_T (x_T) thin {{abs(det partial x_T\\/partial x_t) : samples}}"


class Mesh(TrajectoryScene):
    """An even grid of the plane, carried from noise to data by the flow, and one of its cells under a magnifier."""

    default_config = "spiral"
    shows = ("plane",)
    unused_options = ("trails", "points", "orbit", "project")
    needs = {
        "flow": Recording(
            "reverse",
            {
                "sampler.kind": "ddim",
                "sampler.steps": 120,
                "sampler.timestep_spacing": "log_snr",  # close together where density gathers
                "sampler.chains": 14_641,
                "record.keep": [],
            },
            fixed={"sampler.start": "grid"},
        ),
        "draws": Recording(
            "reverse",
            {
                "sampler.kind": "ddim",
                "sampler.steps": 120,
                "sampler.timestep_spacing": "log_snr",
                "record.keep": [],
            },
            fixed={"sampler.start": "noise", "sampler.chains": 2000},
            samplers={
                "ddim": {},
                "dpm2": {},
                "dpmpp_2m": {},
                "dpmpp_2s": {},
                "euler": {},
                "flow_euler": {},
                "flow_heun": {},
                "flow_midpoint": {},
                "flow_rk4": {},
                "heun": {},
                "lms": {},
                "rk45": {},
                "unipc": {},
            },
            beside=True,
        ),
    }
    words = {
        "title": "A flow of the plane",
        "ends": "$t = T$: noise, $t = 0$: data",
        "area": "compared with the start:\narea of the cell|area of the cell|area",
        "density": "density in it|density",
        "measured": "data noised to this $t$\nin it|noised data in it|noised data|data",
        "smaller": "The cell gets smaller, so the density in it rises:\n{0:.2f} % of the probability stays in it"
        "|smaller cell, higher density",
        "larger": "The cell gets larger, so the density in it falls:\n{0:.2f} % of the probability stays in it"
        "|larger cell, lower density",
        "changes": "Area × density of the cell stays the same:\n{0:.2f} % of the probability stays in it"
        "|area × density stays",
        "error": "±: standard error",
        "grid": "grid",
        "cell": "one cell",
        "square": "at the start",
        "before": "Before: {:,} draws of noise|Before: noise, {:,} points|Before: {:,} points",
        "after": "After: the same points, carried by the flow|After: carried by the flow|After: carried",
        "ride": "Every point is carried with the cell in which it lies|Every point rides in its cell",
        "root": "colour as $sqrt(p_t)$",
    }

    class Options(SceneOptions):
        """Options of `mesh`."""

        duration: float = Field(7.0, gt=0, le=600, description="seconds from noise to data")
        lines: int = Field(25, ge=2, le=200, description="lines of the grid each way, about so many")

    def construct(self) -> None:
        """The deformed plane and back to the even grid; the whole way, one cell followed; what it makes, and data."""
        run = self.run
        boxes = self.arrange("square stage with column")
        self.grid = DeformedGrid(run, boxes.stage, lines=self.options.lines, theme=self.theme)
        self.mesh = self.grid.lattice().set_z_index(1)
        self.cell = FollowedCell(self.grid, self.mesh, width=1.3 * LINE, framed=True).set_z_index(3)
        clock = self.clock(run, timeline=landing(paced(run.states, self.grid.shades(), even=0.1), LANDING))
        clock.bind(self.mesh, self.cell)
        round_it = self.surroundings(clock, boxes)
        clock.show(1)
        self.intro(*self.header(self.words["title"], EQUATION), ground=[*round_it, self.mesh], result=boxes.stage)
        self.rewind(clock, REWIND)
        self.stand(self.options.pause)
        self.play_run(clock)
        self.stand(self.seconds(READ))
        if "draws" in self.trajectories and len(self.trajectories["draws"].target):
            self.before_and_after(self.trajectories["draws"], round_it)
        self.outro()

    def surroundings(self, clock: Any, boxes: Any) -> list[Any]:
        """What stands round the grid: readings of the followed cell, its beam, the key and the caption."""
        page, theme, words = self.page, self.theme, self.words
        read = CellReadouts(self.grid, clock, boxes, words=words)
        items: list[Any] = [
            (key_line(theme.fg, alpha=0.5), 0.4, words["grid"]),
            (key_line(theme.samples), 0.4, words["cell"]),
            (key_dashes(theme.samples), 0.4, words["square"]),
        ]
        key = self.legend(items, read.key)
        error = [words["error"]][: len(self.run.target)]
        also = [words["ends"], *error] if page.shape == "wide" else [f"{self.grid.side} × {self.grid.side} points"]
        caption = self.caption("sampler", "step", *also, "scaling", "model")
        beam = ZoomBeam(boxes.stage, read.lens, theme, light=0).set_z_index(2)
        clock.bind(lambda step: beam.put(self.cell.bounds), moves=[beam])
        beams = [] if page.shape == "tall" else [beam]  # there the key lies between
        edge = frame(boxes.stage, theme.border).set_z_index(5)
        return [panel(boxes.stage, theme), key, *read.mobjects, *beams, self.cell, edge, caption]

    def before_and_after(self, draws: Trajectory, gone: list[Any]) -> None:
        """The even grid and draws of the noise; these carried by the flow, on one scale; and how near the data."""
        theme, page, data = self.theme, self.page, draws.target
        count = JudgedTable.compared(draws) or draws.chains  # as many as are judged
        ways = np.asarray(draws.states, float)[:, :count]
        boxes = JudgedTable.boxes(page, np.concatenate([self.grid.nodes(0).reshape(-1, 2), ways[0]]), more=1)
        right = self.view(data, boxes.right)
        box = around(ways[0], self.grid.wide, fit_both(right, data, ways[-1]), boxes.right)
        size: dict[str, Any] = {"radius": point_radius(count, SIZE), "alpha": POINT, "color": theme.samples}
        left = Plane(box, boxes.left)
        left.keep(self.grid.lattice().set_fill(opacity=UNDER))
        left.cloud(ways[0], **size)
        left.lay(box, left.rect)
        right.lay(box, boxes.right)
        ridden = right.cloud(ways, **size)
        names = [self.name_of(name, box, count) for name, box in (("before", boxes.left), ("after", boxes.right))]
        said = sentence(
            page,
            boxes.verdict.inset(0, 0.6 * page.em("label")),
            page.fitting(self.words["ride"], boxes.verdict.width, "label"),
        )
        table = JudgedTable(page, draws, ways[-1], right, boxes, points=count, name="samples")
        caption = self.caption("sampler", table.meant, "model")
        clock = self.clock(draws, timeline=paced(draws.states))
        clock.bind(ridden)
        if page.shape == "wide" and boxes.column:
            said += page.stack(boxes.figures, clock.number("noise $sigma_t =$ {:.3f}", draws["sigma"]))
        self.make_room(right, [*panels(boxes, theme), *names, *left.made, *said, ridden], gone)
        clock.bind(lambda step: self.with_draws(draws, step), moves=[self.mesh])
        self.play_run(clock, RIDE)
        self.play(
            FadeOutFast(*said, run_time=self.seconds(LANDED) / 2),
            FadeInFast(
                *table.mobjects, *[table.rings][: len(table.rings)], caption, run_time=self.seconds(LANDED), after=0.4
            ),
        )

    def with_draws(self, draws: Trajectory, step: float) -> None:
        """Show the grid at the level of noise which draws have at a step of theirs."""
        level, levels = (np.asarray(each["sigma"], float) for each in (draws, self.run))
        now = np.interp(step, np.arange(len(level)), level)
        self.mesh.show_step(float(np.interp(-now, -levels, np.arange(len(levels)))))

    def name_of(self, name: str, box: Any, count: int) -> Any:
        """What stands over one of both panels: of how many points, in as many words as there is room for."""
        page = self.page
        said = page.fitting(self.words[name], NAME * box.width, "label", count).format(count)
        return page.panel_label(narrowed(page.words(said), box.width), box)

    def make_room(self, right: Any, comes: list[Any], gone: list[Any]) -> None:
        """The grid comes to where its points will lie, back to where it was even, dimmed, for what stands beside it."""
        seconds, view = self.seconds(MOVE), Plane(self.mesh.box, self.grid.rect)
        view.made, last = [self.mesh], self.mesh.step

        def back(u: float) -> None:
            self.mesh.set_fill(opacity=1 - u * (1 - UNDER))
            self.mesh.show_step(last * (1 - smooth(u)))

        self.play(
            FadeOutFast(*gone, run_time=SOON * seconds),
            view.move(right.box, right.rect, seconds),
            UpdateFromAlpha(back, self.mesh, run_time=seconds),
            FadeInFast(*comes, run_time=seconds, after=SOON),
        )


def around(points: np.ndarray, even: Any, seen: Any, rect: Any) -> Any:
    """What holds all of points (N, 2), the even grid and what is to be seen, of the shape of a rectangle."""
    (a, c), (b, d) = ROOM * points.min(axis=0), ROOM * points.max(axis=0)
    extents = np.array([(a, b, c, d), even, seen])
    low, high = extents.min(axis=0), extents.max(axis=0)
    return containing((low[0], high[1], low[2], high[3]), rect)


def panels(boxes: Any, theme: Any) -> list[Any]:
    """Both panels of the end and their edges."""
    made = ((panel(box, theme), frame(box, theme.border).set_z_index(5)) for box in (boxes.left, boxes.right))
    return [mob for pair in made for mob in pair]
