"""A walk between two noises, on a great circle and on a straight line, and the images that a sampler makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffrender.animation.layout.arrangements import Boxes
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.furniture.panels import frame
from diffrender.animation.parts.axes import Axes
from diffrender.animation.parts.pictures import image_grid, image_values
from diffrender.core.errors import RenderError
from diffrender.trajectory.reader import Trajectory

MARK = 0.035  # width of the frame round the present tile


class NoiseWalk:
    """Runs whose chains start on the way between two noises: those of each class in their order, all of the way.

    runs: on the circle, on the line. boxes: of a film strip; its panels hold x_T on the circle and, of each run, the
    images of `rows` × `rows` classes; its tiles one of these classes, the one that changes most, all along the circle;
    `side` how long x_T is. grids: what follows recorded time, to be bound to a clock. `show(u)` goes to a place 0..1.
    """

    def __init__(self, page: Page, runs: Sequence[Trajectory], boxes: Boxes, *, rows: int) -> None:
        self.page, theme, first = page, page.theme, runs[0]
        ways = by_class(first)
        self.places = len(ways[0])
        if self.places < 3 or len({(run.steps, run.chains) for run in runs}) > 1:
            raise RenderError("A walk needs runs of equally many steps and chains, three chains or more of a class.")
        self.values, self.tiles = [image_values(run) for run in runs], boxes.tiles
        side = min(rows, int(np.sqrt(len(ways))))
        self.ways = ways[: side**2]
        ends = self.values[0][first.steps]
        self.hero = max(self.ways, key=lambda way: float(np.square(ends[way[-1]] - ends[way[0]]).sum()))
        one: dict[str, Any] = {"theme": theme, "rows": 1, "cols": 1}
        self.noise = image_grid(self.values[0], boxes.panels[0], chains=[self.hero[0]], **one)
        self.images = [
            image_grid(values, box, theme=theme, rows=side, cols=side, chains=[way[0] for way in self.ways])
            for values, box in zip(self.values, boxes.panels[1:], strict=True)
        ]
        self.at = np.linspace(0, 1, len(boxes.tiles))
        along = [
            image_grid(self.values[0], box, chains=[self.chain(self.hero, u)], **one)
            for u, box in zip(self.at, boxes.tiles, strict=True)
        ]
        self.grids = [*self.images, *along]
        self.marker = frame(boxes.tiles[0], theme.samples, MARK, radius=0).set_z_index(9)
        edges = [frame(box, theme.border, radius=0).set_z_index(3) for box in (*boxes.panels, *boxes.tiles)]
        self.standing: list[Any] = [*self._names(boxes), *edges, *self._lengths(runs, boxes), self.noise, *self.grids]

    @property
    def mobjects(self) -> list[Any]:
        """What moves on the walk."""
        return [self.noise, *self.images, self.marker, *self.curves]

    def chain(self, way: np.ndarray, u: float) -> int:
        """The chain of a class that is nearest to a place."""
        return int(way[round(u * (self.places - 1))])

    def show(self, u: float) -> None:
        """The recorded chains nearest to a place: their noise, and their images."""
        self.noise.set_images(self.values[0][0][[self.chain(self.hero, u)]])
        for grid, values in zip(self.images, self.values, strict=True):
            grid.set_images(values[len(values) - 1][[self.chain(way, u) for way in self.ways]])
        at = round(u * (self.places - 1))
        for curve in self.curves:
            curve.show_step(at)
        x = np.interp(at / (self.places - 1), self.at, [box.center[0] for box in self.tiles])
        self.marker.move_to([x, self.tiles[0].center[1], 0])

    def angle(self) -> float:
        """Between the two noises, in degrees, as recorded."""
        a, b = (self.values[0].recorded[0][self.hero[k]].astype(float).ravel() for k in (0, -1))
        return float(np.degrees(np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))))

    def _names(self, boxes: Boxes) -> list[Any]:
        page = self.page
        words = ["great circle", "straight line"] if page.shape == "wide" else ["circle", "line"]
        names = ["$x_T$", *(f"$x_0$, {word}" for word in words)]
        texts: list[Any] = [
            page.label(name, box.left, box.bottom + 0.4 * page.em("label"))
            for name, box in zip(names, boxes.labels, strict=True)
        ]
        for k, (u, box) in enumerate(zip(self.at, boxes.tile_names, strict=True)):
            said, y = f"{'$u =$ ' * (k == 0)}{u:.1f}", box.bottom + 0.25 * page.em("floor")
            texts.append(page.label(said, box.center[0], y, 0, "floor", "muted"))
        return texts

    def _lengths(self, runs: Sequence[Trajectory], boxes: Boxes) -> list[Any]:
        """The root mean square of x_T at every place of either way."""
        theme = self.page.theme
        lengths = [np.sqrt(np.square(np.asarray(run["x"][0][self.hero], float)).mean((1, 2, 3))) for run in runs]
        axes = Axes(
            self.page, boxes.side, x=(0, 1), y=(0, 1.05 * float(np.max(lengths))), x_name="place $u$", x_ticks=(0, 1),
            y_name="length of $x_T$" if self.page.shape != "square" else "",
        )  # fmt: skip
        self.curves = [
            axes.curve(np.linspace(0, 1, self.places), length, color=hue, future=theme.grid, ring=theme.bg)
            for length, hue in zip(lengths, (theme.samples, theme.fg), strict=True)
        ]
        for curve in self.curves:
            curve.show_step(0)
        return [*axes.mobjects, *self.curves]


def by_class(run: Trajectory) -> list[np.ndarray]:
    """The chains of each class in their order along the way; all chains where there are no classes."""
    if "label" not in run:
        return [np.arange(run.chains)]
    label = np.asarray(run["label"])
    return [np.flatnonzero(label == k) for k in np.unique(label)]
