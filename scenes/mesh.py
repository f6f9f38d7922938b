"""A grid of the plane deformed by the probability flow: how noise is squeezed and stretched into the data."""

from __future__ import annotations

from typing import Any

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
    TrajectoryScene,
    UpdateFromAlpha,
    ZoomBeam,
    containing,
    directions,
    fit_both,
    frame,
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
LANDING, READ = 0.1, 1.2  # of the run, for its last step; and seconds in which its last figures stand
NAME = 0.96  # of a panel's width, for its name
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
        )
    }
    words = {
        "title": "A flow of the plane",
        "ends": "$t = T$: noise, $t = 0$: data",
        "area": "area of the cell, $1\\/abs(det)$|area, $1\\/abs(det)$|area of the cell",
        "density": "density in it, $abs(det)$|density, $abs(det)$|density in it",
        "product": "probability in it, $p_t$ × area|probability in it",
        "error": "±: standard error",
        "grid": "grid",
        "cell": "one cell",
        "before": "Before: {:,} draws of noise, at points of the grid|Before: {:,} draws of noise"
        "|Before: noise, {:,} points|Before: {:,} points",
        "after": "After: the same points, stretched, never torn|After: stretched, never torn|After: never torn",
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
        run, page, theme, options, words = self.run, self.page, self.theme, self.options, self.words
        boxes = self.arrange("square stage with column")
        grid = DeformedGrid(run, boxes.stage, lines=options.lines, theme=theme)
        mesh = grid.lattice().set_z_index(1)
        cell = FollowedCell(grid, mesh, width=1.3 * LINE, framed=True).set_z_index(3)

        # what stands round it
        clock = self.clock(run, timeline=landing(paced(run.states, grid.shades(), even=0.1), LANDING))
        clock.bind(mesh, cell)
        read = CellReadouts(grid, clock, boxes, words=words)
        items: list[Any] = [
            (key_line(theme.fg, alpha=0.5), 0.4, words["grid"]),
            (key_line(theme.samples), 0.4, words["cell"]),
        ]
        key = page.legend(items, read.lens) if page.shape == "wide" else self.legend(items, boxes.key)
        error = [words["error"]][: len(run.target)]
        also = [words["ends"], *error] if page.shape == "wide" else [f"{grid.side} × {grid.side} points"]
        caption = self.caption("sampler", "step", *also, "scaling", "model")
        edge = frame(boxes.stage, theme.border).set_z_index(5)
        beam = ZoomBeam(boxes.stage, read.lens, theme, light=0).set_z_index(2)
        joined = [] if page.shape == "tall" else [beam]  # there the key lies between
        moved = [*joined, read.times]

        def look(share: float) -> None:
            mesh.box = tuple(a + share * (b - a) for a, b in zip(grid.wide, grid.near, strict=True))
            cell.show_step(clock.step)
            read.show_times(mesh.box)
            for beam in joined:
                beam.put(cell.bounds)

        clock.show(1)
        look(1)
        round_it = [panel(boxes.stage, theme), key, *read.mobjects, *joined, cell, edge]
        ground = [*round_it, mesh, caption]
        self.intro(*self.header(words["title"], EQUATION), ground=ground, result=boxes.stage)
        seconds = self.seconds(REWIND)
        self.rewind(clock, REWIND, UpdateFromAlpha(lambda u: look(1 - smooth(u)), mesh, cell, *moved, run_time=seconds))
        self.stand(options.pause)
        seconds = self.seconds(options.duration)
        self.play_run(clock, None, UpdateFromAlpha(lambda u: look(closing_in(u)), mesh, cell, *moved, run_time=seconds))
        self.stand(self.seconds(READ))
        if len(run.target):
            self.before_and_after(grid, mesh, [*round_it, caption])
        self.outro()

    def before_and_after(self, grid: DeformedGrid, mesh: Any, gone: list[Any]) -> None:
        """The even grid and draws of the noise; and both carried by the flow, and how near the data."""
        theme, page, words = self.theme, self.page, self.words
        data = self.run.target
        boxes = JudgedTable.boxes(page, data, more=1)
        count = grid.compared or len(data)  # as many as are judged
        size: dict[str, Any] = {"radius": point_radius(count, SIZE), "alpha": POINT}
        left, right = Plane(containing(grid.wide, boxes.left), boxes.left), self.view(data, boxes.right)
        left.keep(grid.lattice().set_fill(opacity=UNDER))
        chains = grid.drawn(count)
        noise, came = (grid.points(step, chains) for step in (0, -1))
        size["color"] = directions(noise, theme)
        left.cloud(noise, **size)
        left.lay(left.box, left.rect)
        right.lay(fit_both(right, data, came), boxes.right)
        right.cloud(came, **size)
        view = Plane(mesh.box, grid.rect)
        view.made = [mesh]
        over, of_it = (
            page.panel_label(narrowed(page.words(said), box.width), box)
            for name, box in (("before", boxes.left), ("after", boxes.right))
            for said in [page.fitting(words[name], NAME * box.width, "label", count).format(count)]
        )
        stands, comes, hues = [over, of_it, *left.made], right.made, words["hues"]
        table = JudgedTable(page, self.run, came, right, boxes, points=count, name="samples", also=hues)
        comes += [*table.mobjects, *[table.rings][: len(table.rings)], self.caption("sampler", table.meant, "model")]
        into = [
            mob
            for box in (boxes.left, boxes.right)
            for mob in (panel(box, theme), frame(box, theme.border).set_z_index(5))
        ]
        seconds = self.seconds(MOVE)
        self.play(
            FadeOutFast(*gone, run_time=SOON * seconds),
            view.move(right.box, right.rect, seconds),
            UpdateFromAlpha(lambda u: mesh.set_fill(opacity=1 - u * (1 - UNDER)), mesh, run_time=seconds),
            FadeInFast(*into, *stands, run_time=seconds, after=SOON),
        )
        self.play(FadeInFast(*comes, run_time=self.seconds(LANDED)))
