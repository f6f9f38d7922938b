"""A grid of the plane deformed by the probability flow: how noise is squeezed and stretched into the data."""

from __future__ import annotations

from collections.abc import Callable
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
    directions,
    fit_both,
    frame,
    key_dashes,
    key_line,
    landing,
    narrowed,
    paced,
    panel,
    point_radius,
)

POINT, UNDER = 0.8, 0.45  # opacity of points, and of the grid under them
MOVE = 0.8  # seconds in which the grid comes to stand beside what it was
SOON, LANDED = 0.25, 0.5  # part of them after which what goes is gone; seconds in which draws come to where it stands
REWIND = 1.0  # seconds from the data back to the noise
LANDING, READ = 0.05, 0.6  # of the run, for its last step; and seconds in which its last figures stand
NAME = 0.96  # of a panel's width, for its name
ROOM = 1.03  # times as far as the farthest point, the panel of draws
SIZE = 6  # of points at the end, as `point_radius` takes it
EQUATION = "p_t (x_t) = p_T (x_T) thin {{abs(det partial x_T\\/partial x_t) : samples}}"


def closing_in(u: float) -> float:
    """How far the view has closed in on the data when u of the run has passed."""
    return smooth(min(max((u - 0.15) / 0.65, 0.0), 1.0))


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
        "density": "density in it, $abs(det)$|density in it|density",
        "product": "area × density|product",
        "inside": "probability in the cell,\nat every $t$|probability in it|probability|in it",
        "measured": "measured in data noised\nto this $t$|in noised data|noised data|data",
        "error": "±: standard error",
        "grid": "grid",
        "cell": "one cell",
        "square": "at the start",
        "before": "Before: {:,} draws of noise|Before: noise, {:,} points|Before: {:,} points",
        "after": "After: the same points, carried by the flow|After: carried by the flow|After: carried",
        "hues": "colour: direction in which a point began|colour: direction in which\na point began"
        "|colour: where a point began|colour: its start",
        "root": "colour as $sqrt(p_t)$",
    }

    class Options(SceneOptions):
        """Options of `mesh`."""

        duration: float = Field(9.0, gt=0, le=600, description="seconds from noise to data")
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
        self.close_in(clock, 1)
        self.intro(*self.header(self.words["title"], EQUATION), ground=[*round_it, self.mesh], result=boxes.stage)
        self.rewind(clock, REWIND, self.looking(clock, REWIND, lambda u: 1 - smooth(u)))
        self.stand(self.options.pause)
        self.play_run(clock, None, self.looking(clock, self.options.duration, closing_in))
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
        self.beams = [] if page.shape == "tall" else [beam]  # there the key lies between
        edge = frame(boxes.stage, theme.border).set_z_index(5)
        return [panel(boxes.stage, theme), key, *read.mobjects, *self.beams, self.cell, edge, caption]

    def close_in(self, clock: Any, share: float) -> None:
        """Close in on the data by a share, 0..1, of the way from the whole grid."""
        wide, near = self.grid.wide, self.grid.near
        self.mesh.box = tuple(a + share * (b - a) for a, b in zip(wide, near, strict=True))
        self.cell.show_step(clock.step)
        for beam in self.beams:
            beam.put(self.cell.bounds)

    def looking(self, clock: Any, seconds: float, course: Callable[[float], float]) -> UpdateFromAlpha:
        """Close in as `course` says of the part of so many seconds that has passed."""
        moved = [self.mesh, self.cell, *self.beams]
        return UpdateFromAlpha(lambda u: self.close_in(clock, course(u)), *moved, run_time=self.seconds(seconds))

    def before_and_after(self, draws: Trajectory, gone: list[Any]) -> None:
        """The even grid and draws of the noise; and both carried by the flow, and how near the data these come."""
        theme, page, data = self.theme, self.page, draws.target
        boxes = JudgedTable.boxes(page, data, more=1)
        count = JudgedTable.compared(draws) or draws.chains  # as many as are judged
        noise, came = (np.asarray(draws.states[step], float)[:count] for step in (0, -1))
        size: dict[str, Any] = {"radius": point_radius(count, SIZE), "alpha": POINT, "color": directions(noise, theme)}
        left, right = Plane(self.grid.wide, boxes.left), self.view(data, boxes.right)
        left.keep(self.grid.lattice().set_fill(opacity=UNDER))
        left.cloud(noise, **size)
        left.lay(around(noise, self.grid.wide, boxes.left), left.rect)
        right.lay(fit_both(right, data, came), boxes.right)
        right.cloud(came, **size)
        names = [self.name_of(name, box, count) for name, box in (("before", boxes.left), ("after", boxes.right))]
        hues = self.words["hues"]
        table = JudgedTable(page, draws, came, right, boxes, points=count, name="samples", also=hues)
        caption = self.caption("sampler", table.meant, "model")
        self.make_room(right, [*panels(boxes, theme), *names, *left.made], gone)
        comes = [*right.made, *table.mobjects, *[table.rings][: len(table.rings)], caption]
        self.play(FadeInFast(*comes, run_time=self.seconds(LANDED)))

    def name_of(self, name: str, box: Any, count: int) -> Any:
        """What stands over one of both panels: of how many points, in as many words as there is room for."""
        page = self.page
        said = page.fitting(self.words[name], NAME * box.width, "label", count).format(count)
        return page.panel_label(narrowed(page.words(said), box.width), box)

    def make_room(self, right: Any, comes: list[Any], gone: list[Any]) -> None:
        """The grid comes to where its points will lie, and is dimmed, for what stands beside it."""
        seconds, view = self.seconds(MOVE), Plane(self.mesh.box, self.grid.rect)
        view.made = [self.mesh]
        self.play(
            FadeOutFast(*gone, run_time=SOON * seconds),
            view.move(right.box, right.rect, seconds),
            UpdateFromAlpha(lambda u: self.mesh.set_fill(opacity=1 - u * (1 - UNDER)), self.mesh, run_time=seconds),
            FadeInFast(*comes, run_time=seconds, after=SOON),
        )


def around(points: np.ndarray, box: Any, rect: Any) -> Any:
    """`box`, larger if it must be to hold all of points (N, 2), on a rectangle."""
    (a, c), (b, d) = ROOM * points.min(axis=0), ROOM * points.max(axis=0)
    return containing((min(box[0], a), max(box[1], b), min(box[2], c), max(box[3], d)), rect)


def panels(boxes: Any, theme: Any) -> list[Any]:
    """Both panels of the end and their edges."""
    made = ((panel(box, theme), frame(box, theme.border).set_z_index(5)) for box in (boxes.left, boxes.right))
    return [mob for pair in made for mob in pair]
