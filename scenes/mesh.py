"""A grid of the plane deformed by the probability flow: how noise is squeezed and stretched into the data."""

from __future__ import annotations

from typing import Any

from manim import smooth
from pydantic import Field

from diffrender.animation import (
    KEY_DOT_WIDTH,
    LINE,
    CellLens,
    DeformedGrid,
    FadeInFast,
    FollowedCell,
    PointCloud,
    Recording,
    SceneOptions,
    TrajectoryScene,
    UpdateFromAlpha,
    frame,
    key_dot,
    key_line,
    paced,
    panel,
)

DATA = 250  # points of the data that are shown: more would hide what they are compared with
POINT = 0.95  # their opacity
REWIND = 2.5  # seconds from the data back to the noise
EQUATION = "p_t (x_t) = p_T (x_T) thin abs(det partial x_T\\/partial x_t)"


def closing_in(u: float) -> float:
    """How far the view has closed in on the data when u of the run has passed."""
    return smooth(min(max((u - 0.25) / 0.7, 0.0), 1.0))


class Mesh(TrajectoryScene):
    """An even grid of the plane, carried from noise to data by the flow, and one of its cells under a magnifier."""

    default_config = "spiral"
    shows = ("plane",)
    needs = {
        "flow": Recording(
            "reverse",
            {"sampler.kind": "ddim", "sampler.steps": 100, "sampler.chains": 14_641, "record.keep": []},
            fixed={"sampler.start": "grid"},
        )
    }
    words = {
        "title": "A flow of the plane",
        "area": "its area",
        "density": "its density",
        "grid": "grid",
        "cell": "one cell",
        "data": "data",
    }

    class Options(SceneOptions):
        """Options of `mesh`."""

        duration: float = Field(9.0, gt=0, le=600, description="seconds from noise to data")
        lines: int = Field(25, ge=2, le=200, description="lines of the grid each way, about so many")

    def construct(self) -> None:
        """The deformed plane and back to the even grid; the whole way, one cell followed; the data on it."""
        run, page, theme, options, words = self.run, self.page, self.theme, self.options, self.words
        boxes = self.arrange("stage with column", slider=False)
        grid = DeformedGrid(run, boxes.stage, lines=options.lines, theme=theme)
        mesh = grid.lattice().set_z_index(1)
        cell = FollowedCell(grid, mesh).set_z_index(3)
        data = PointCloud(
            grid.near, boxes.stage, run.target[:DATA], color=theme.data, radius=0.034, alpha=POINT, ring=theme.panel
        )

        # what stands round it
        clock = self.clock(run, timeline=paced(run.states, even=0.1))
        clock.bind(mesh, cell)
        shares = {0.0: "0", 0.5: f"{grid.vmax / 4:.2g}", 1.0: f"≥ {grid.vmax:.2g}"}
        bar = page.value_bar("$p_t$", boxes.column, theme.table("density"), shares)
        sigma = clock.number("$sigma_t =$ {:.3f}", run["sigma"])
        area = clock.number(words["area"] + " × {:.3f}", grid.ratio, size="legend")
        density = clock.number(words["density"] + " × {:.1f}", 1 / grid.ratio, size="legend")
        below = boxes.column._replace(top=bar[0].baseline - 1.6 * page.em("legend"))
        lens: list[Any] = []
        if page.column_align:
            page.stack(below, sigma, area, density, align=-1)
            foot, top = boxes.column.bottom + 5.4 * page.em("legend"), density.line.baseline - 0.25
            side = min(boxes.column.width, top - foot)
            lens = self.lens(grid, clock, (below.left, below.left + side, top - side, top))
        else:
            sigma.at(boxes.column.right, bar[0].baseline, 1)
            if page.shape == "tall":
                side = below.height
                page.stack(below, area, density, align=-1)
                lens = self.lens(grid, clock, (below.right - side, below.right, below.bottom, below.bottom + side))
        items: list[Any] = [
            (key_line(theme.fg, alpha=0.5), 0.4, words["grid"]),
            (key_line(theme.samples), 0.4, words["cell"]),
        ]
        if len(run.target):
            items.append((key_dot(theme.data, alpha=POINT, ring=theme.panel), KEY_DOT_WIDTH, words["data"]))
        key = self.legend(items, boxes.key)
        numbers = [sigma] if page.shape == "square" and not page.column_align else [sigma, area, density]
        points = f"{grid.side} × {grid.side} points"
        caption = self.caption("sampler", "step", points, "colour: square root", "scaling", "model")
        edge = frame(boxes.stage, theme.border).set_z_index(5)

        def look(share: float) -> None:
            mesh.box = tuple(a + share * (b - a) for a, b in zip(grid.wide, grid.near, strict=True))
            cell.show_step(clock.step)

        clock.show(1)
        look(1)
        ground = [panel(boxes.stage, theme), caption, key, *bar, *numbers, *lens, mesh, cell, edge]
        self.intro(*self.header(words["title"], EQUATION), ground=ground)
        seconds = self.seconds(REWIND)
        self.rewind(clock, REWIND, UpdateFromAlpha(lambda u: look(1 - smooth(u)), mesh, cell, run_time=seconds))
        self.wait(options.pause)
        seconds = self.seconds(options.duration)
        self.play_run(clock, None, UpdateFromAlpha(lambda u: look(closing_in(u)), mesh, cell, run_time=seconds))
        if len(run.target):
            self.play(FadeInFast(data.set_z_index(2), run_time=0.8))
        self.outro()

    def lens(self, grid: DeformedGrid, clock: Any, rect: Any) -> list[Any]:
        """The magnifier on the followed cell, in a frame."""
        made = CellLens(grid, rect)
        clock.bind(made)
        made.part.set_z_index(1)
        made.outline.set_z_index(3)
        return [panel(rect, self.theme), *made.mobjects, frame(rect, self.theme.fg, 1.2 * LINE).set_z_index(5)]
