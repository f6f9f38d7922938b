"""The patch that a local denoiser sees, drawn over what it makes: a square round one pixel, smaller as noise falls."""

from __future__ import annotations

import numpy as np
from manim import VMobject

from diffrender.animation.layout.box import Box
from diffrender.animation.mobjects.furniture.panels import frame
from diffrender.animation.theme import CASING, LINE, Theme


class PatchFrame:
    """The patch round the middle pixel of an image that lies in `tile`; bind it to a clock.

    sides: (T+1,) pixels across the patch, of `pixels` of the image. Of a patch that reaches beyond the image only what
    is inside is drawn. mobjects: the square in the foreground's colour, cased so that it stands out from any picture.
    """

    def __init__(self, theme: Theme, tile: Box, sides: np.ndarray, pixels: int) -> None:
        self.tile, self.sides, self.pixels = tile, np.asarray(sides, float), pixels
        whole = tile.inset(0.5 * LINE)
        self.whole = whole.width
        self.square = frame(whole, theme.fg, 1.7 * LINE, radius=0).set_z_index(4)
        self.casing = frame(whole, theme.bg, 1.7 * LINE + 2 * CASING, radius=0).set_z_index(3)

    @property
    def mobjects(self) -> list[VMobject]:
        """What changes its size."""
        return [self.casing, self.square]

    def show_step(self, step: float) -> None:
        """Be as large as the patch at a recorded step."""
        side = min(float(self.sides[int(step)]), self.pixels) / self.pixels * self.tile.width
        for mob in self.mobjects:
            mob.stretch_to_fit_width(min(side, self.whole)).stretch_to_fit_height(min(side, self.whole))
            mob.move_to([*self.tile.center, 0])
