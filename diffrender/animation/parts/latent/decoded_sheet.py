"""Decoded images all over the plane, laid on it; a mark goes round, and beside the plane stands the image under it."""

from __future__ import annotations

import numpy as np

from diffrender.animation.layout.box import Box
from diffrender.animation.mobjects.furniture.panels import frame
from diffrender.animation.parts.latent.code_plane import CodePlane
from diffrender.animation.parts.pictures import image_grid

AROUND = 0.55  # of the way from the middle of the sheet to its edge, where the mark goes


class DecodedSheet:
    """The recorded sheet; `show` says where the mark is.

    stage, side: what stands on the plane and beside it. moving: what changes.
    """

    def __init__(self, plane: CodePlane) -> None:
        run, page, theme = plane.run, plane.page, plane.page.theme
        run.require("sheet", "sheet_x", "sheet_y")
        sheet, self.x, self.y = run["sheet"], np.asarray(run["sheet_x"], float), np.asarray(run["sheet_y"], float)
        self.images, self.view = np.asarray(sheet)[::-1].reshape(-1, *sheet.shape[2:]), plane.view
        columns, rows = len(self.x), len(self.y)
        half = np.array([self.x[1] - self.x[0], self.y[1] - self.y[0]]) / 2
        ends = np.array([[self.x[0], self.y[0]], [self.x[-1], self.y[-1]]]) + np.outer([-1, 1], half)
        (left, bottom), (right, top) = plane.view.to_scene(ends)
        whole = Box(float(left), float(right), float(bottom), float(top))
        grid = image_grid(self.images[None], whole, theme=theme, rows=rows, cols=columns, gap=0.0).set_z_index(2)
        square = plane.square(1)
        self.large = image_grid(self.images[None], square, theme=theme, rows=1, cols=1, chains=[0]).set_z_index(1)
        cell = (0, whole.width / columns, 0, whole.height / rows)
        self.mark = frame(cell, theme.samples, 0.05).set_z_index(5)
        forms = f"decoded at {columns} × {rows} places|decoded"
        said = page.words(page.fitting(forms, plane.boxes.side.right - square.left, "legend"), "legend", "muted")
        said.at(square.left, square.top + 0.3 * said.em)
        self.stage = [grid, self.mark]
        self.side = [self.large, frame(square, theme.border).set_z_index(3), said]
        self.moving = [self.large, self.mark]
        self.show(0.0)

    def show(self, u: float) -> None:
        """Put the mark where it is when `u` of its round has passed."""
        angle = 2 * np.pi * u
        column, row = (
            int(np.clip((0.5 + 0.5 * AROUND * part) * len(places), 0, len(places) - 1))
            for part, places in ((np.sin(angle), self.x), (np.cos(angle), self.y))
        )
        self.large.set_images(self.images[[(len(self.y) - 1 - row) * len(self.x) + column]])
        self.mark.move_to([*self.view.to_scene(np.array([self.x[column], self.y[row]])), 0.0])
