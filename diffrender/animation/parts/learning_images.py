"""A network that learns to draw images: its samples from always the same noise, and one of them at several moments."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.animation.layout.box import Boxes
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.furniture.panels import frame
from diffrender.animation.parts.clock import Clock
from diffrender.animation.parts.pictures import image_grid, image_values
from diffrender.animation.parts.tiles import ImageTiles
from diffrender.trajectory.reader import Trajectory


class LearningImages:
    """The snapshots of a training on images as a grid in `boxes.panel`, a class a column; one noise in `boxes.tiles`.

    chain: the noise that the tiles show; its place in the grid is framed. The clock's steps are snapshots.
    mobjects: everything that is drawn. count: how many samples the grid holds.
    """

    def __init__(self, page: Page, run: Trajectory, boxes: Boxes, clock: Clock, *, chain: int = 0) -> None:
        theme, values = page.theme, image_values(run, "snapshot")
        steps = np.asarray(run["snapshot_step"])
        rows, cols = _rows(run, boxes.panel.width / boxes.panel.height)
        self.count, chain = rows * cols, min(chain, rows * cols - 1)
        order = list(range(self.count))
        self.grid = image_grid(values, boxes.panel, theme=theme, rows=rows, cols=cols, chains=order).set_z_index(1)
        shots = [round(clock.timeline.step(course)) for course in np.linspace(0, 1, len(boxes.tiles))]
        names = [f"{'step ' * (page.shape == 'wide')}{steps[shot]:,}" for shot in shots]
        self.tiles = ImageTiles(page, values, shots, boxes.tiles, chain=chain, names=names, name_boxes=boxes.tile_names)
        clock.bind(self.grid, self.tiles)
        (left, bottom), (right, top) = self.grid.points[0, :2], self.grid.points[3, :2]
        across, down, gap = (right - left) / cols, (top - bottom) / rows, 0.02
        x, y = left + chain % cols * across, top - (chain // cols + 1) * down
        place = frame((x - gap, x + across + gap, y - gap, y + down + gap), theme.samples, 0.035, radius=0)
        self.mobjects: list[Any] = [
            *self.tiles.names,
            *self.tiles.grounds,
            self.grid,
            *self.tiles.mobjects,
            place.set_z_index(3),
        ]


def _rows(run: Trajectory, shape: float) -> tuple[int, int]:
    """Rows and columns of the grid: a class a column if there are classes, else as the box of this shape is filled."""
    if "label" in run:
        label = np.asarray(run["label"])
        period = len(np.unique(label))
        if run.chains >= period and np.array_equal(label, np.resize(label[:period], len(label))):
            most = max(1, round(period / shape * 1.2))
            return max(1, min(run.chains // period, most)), period
    cols = max(1, min(run.chains, int(np.ceil(np.sqrt(run.chains * shape)))))
    return max(1, run.chains // cols), cols
