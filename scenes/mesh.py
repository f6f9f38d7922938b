"""A grid of the plane deformed by the probability flow: how noise is squeezed and stretched into the data."""

from __future__ import annotations

from typing import Any

from manim import smooth
from pydantic import Field

from diffrender.animation import (
    Boxes,
    CellReadouts,
    DeformedGrid,
    FadeInFast,
    FadeOutFast,
    FollowedCell,
    Plane,
    Recording,
    SceneOptions,
    TrajectoryScene,
    UpdateFromAlpha,
    frame,
    key_line,
    paced,
    panel,
    point_radius,
)

POINT = 0.8  # opacity of the data's points
MOVE, SOON = 1.3, 0.2  # seconds in which density and data come to stand side by side; what goes is gone after a part
REWIND = 2.5  # seconds from the data back to the noise
FIT = 1.1  # of the data's sides, for density and data beside each other
EQUATION = "p_t (x_t) = p_T (x_T) thin {{abs(det partial x_T\\/partial x_t) : samples}}"


def closing_in(u: float) -> float:
    """How far the view has closed in on the data when u of the run has passed."""
    return smooth(min(max((u - 0.15) / 0.65, 0.0), 1.0))


class Mesh(TrajectoryScene):
    """An even grid of the plane, carried from noise to data by the flow, and one of its cells under a magnifier."""

    default_config = "spiral"
    shows = ("plane",)
    unused_options = ("trails", "points", "orbit")
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
        "area": "area of the cell",
        "density": "density in it",
        "product": "their product stays 1",
        "grid": "grid",
        "cell": "one cell",
        "made": "Density that the flow makes|Density of the flow",
        "data": "Data: {:,} points",
        "far": "sliced Wasserstein distance {0:.3f}, floor {1}|distance {0:.3f}, floor {1}|{0:.3f}, floor {1}",
        "apart": "sliced Wasserstein distance {:.3f}",
        "usual": "floor, two draws of {:,} points: {}|floor of {:,} points: {}",
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
        cell = FollowedCell(grid, mesh).set_z_index(3)

        # what stands round it
        clock = self.clock(run, timeline=paced(run.states, grid.shades(), even=0.1))
        clock.bind(mesh, cell)
        read = CellReadouts(grid, clock, boxes, words=words)
        items: list[Any] = [
            (key_line(theme.fg, alpha=0.5), 0.4, words["grid"]),
            (key_line(theme.samples), 0.4, words["cell"]),
        ]
        key = page.legend(items, read.lens) if page.shape == "wide" else self.legend(items, boxes.key)
        points = f"{grid.side} × {grid.side} points"
        caption = self.caption("sampler", "step", points, "scaling", "model")
        edge = frame(boxes.stage, theme.border).set_z_index(5)

        def look(share: float) -> None:
            mesh.box = tuple(a + share * (b - a) for a, b in zip(grid.wide, grid.near, strict=True))
            cell.show_step(clock.step)

        clock.show(1)
        look(1)
        round_it = [panel(boxes.stage, theme), key, *read.mobjects, cell, edge]
        ground = [*round_it, mesh, caption]
        self.intro(*self.header(words["title"], EQUATION), ground=ground)
        seconds = self.seconds(REWIND)
        self.rewind(clock, REWIND, UpdateFromAlpha(lambda u: look(1 - smooth(u)), mesh, cell, run_time=seconds))
        self.wait(options.pause)
        seconds = self.seconds(options.duration)
        self.play_run(clock, None, UpdateFromAlpha(lambda u: look(closing_in(u)), mesh, cell, run_time=seconds))
        if len(run.target):
            self.beside_the_data(grid, mesh, round_it)
        self.outro()

    def beside_the_data(self, grid: DeformedGrid, mesh: Any, gone: list[Any]) -> None:
        """The density, without what was drawn to explain it, makes room for the data, to which it should be alike."""
        boxes, theme, page, run = self.arrange("two panels"), self.theme, self.page, self.run
        line = 1.6 * page.em("legend")  # one more under each panel
        if page.shape == "tall":
            places = [
                boxes.left._replace(bottom=boxes.left.bottom + line / 2),
                boxes.right._replace(top=boxes.right.top + line / 2, bottom=boxes.right.bottom + line),
            ]
        else:
            places = [b._replace(bottom=b.bottom + line) for b in (boxes.left, boxes.right)]
        view, right = Plane(mesh.box, grid.rect), self.view(run.target, places[1])
        view.made = [mesh]
        near = right.fit(run.target, FIT)
        right.lay(near, places[1])
        right.cloud(run.target, color=theme.data, radius=point_radius(len(run.target), 12), alpha=POINT)
        foot = boxes.right if page.shape == "tall" else places[0]
        label = page.fitting(self.words["made"], places[0].width, "label")
        ground = [panel(box, theme) for box in places]
        texts = [
            page.panel_label(page.words(label), places[0]),
            page.panel_label(page.words(self.words["data"].format(len(run.target))), places[1]),
            page.color_key(theme.table("density"), f"≥ {grid.vmax:.2g}", self.words["root"], foot),
        ]
        edges = [frame(box, theme.border).set_z_index(5) for box in places]
        began = mesh.alpha

        def fade(u: float) -> None:
            mesh.alpha = (1 - u) * began

        seconds = self.seconds(MOVE)
        self.play(
            FadeOutFast(*gone, run_time=SOON * seconds),
            view.move(near, places[0], seconds),
            UpdateFromAlpha(fade, mesh, run_time=seconds),
            FadeInFast(*ground, *texts, *self.judged(grid, boxes), *edges, *right.made, run_time=seconds, after=SOON),
        )

    def judged(self, grid: DeformedGrid, boxes: Boxes) -> list[Any]:
        """How far a draw from the flow's density is from the data, and two draws of the data from one another."""
        page, figures = self.page, grid.judged()
        if not figures:
            return []
        size = grid.compared
        both = boxes.left_key._replace(right=boxes.right_key.right)
        box = boxes.right_key if page.shape == "wide" else both
        x, y, align = page.foot(box)
        em, values = page.em("legend"), (figures.far, figures.usual)
        if page.shape in ("wide", "tall"):  # two lines; in a tall frame the colours' bar is under them
            usual = page.fitting(self.words["usual"], box.width, "legend", size, figures.usual)
            said = usual.format(size, figures.usual), self.words["apart"].format(figures.far)
            up = 1.4 if page.shape == "tall" else 0.0
            return [page.label(text, x, y + (up + 1.4 * k) * em, align, "legend") for k, text in enumerate(said)]
        form = page.fitting(self.words["far"], box.width, "legend", *values)
        return [page.label(form.format(*values), x, y - 0.2 * em, align, "legend")]
