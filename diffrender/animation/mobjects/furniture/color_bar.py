"""The bar that says which colour is which value."""

from __future__ import annotations

import numpy as np

from diffrender.animation.mobjects import kernels
from diffrender.animation.mobjects.base import Box, Placement, rgba8
from diffrender.animation.mobjects.cached import Picture
from diffrender.animation.theme import HAIR


class ColorBar(Picture):
    """A colour table as a bar with round ends and a hairline.

    rect: of the scene; table: (M, 3) uint8, running upwards, or to the right if the bar is wider than high;
    border: colour of the hairline.
    """

    def __init__(self, rect: Box, table: np.ndarray, *, border: str | None = None) -> None:
        a, b, c, d = rect
        super().__init__((0, 1, 0, 1), rect, corner=min(b - a, d - c) / 2)
        self.table, self.border, self.vertical = np.asarray(table), border, d - c > b - a

    def at(self, share: float) -> np.ndarray:
        """(3,) scene point at `share` 0..1 of the bar, on its right or lower edge: where a tick goes."""
        return self.to_scene(np.array([1.0, share] if self.vertical else [share, 0.0]))

    def make(self, place: Placement, bounds: np.ndarray, cover: np.ndarray) -> np.ndarray:
        """The table's colours along the longer side, first at the left or bottom; a hairline round it if asked for."""
        left, right, top, bottom = place.edges
        x = (np.arange(bounds[0], bounds[1]) + 0.5 - left) / (right - left)
        y = (bottom - np.arange(bounds[2], bounds[3]) - 0.5) / (bottom - top)
        scale = rgba8(self.table, len(self.table)).view(np.uint32)
        along = np.clip(np.floor((y if self.vertical else x) * len(scale)), 0, len(scale) - 1).astype(np.int64)
        rows, columns = np.zeros(len(y), np.int64), np.zeros(len(x), np.int64)
        if self.vertical:
            rows = along
        else:
            scale, columns = scale.T, along
        if self.border is None:
            return kernels.cells(np.ascontiguousarray(scale), rows, columns, cover)
        line = HAIR * place.unit
        corners = np.concatenate([place.corners, [place.corners[1:].sum(0) - place.corners[0]]])
        inner = corners + np.array([[1, -1], [-1, -1], [1, 1], [-1, 1]]) * line
        inside = kernels.rounded(inner, self.corner * place.unit - line, bounds)
        edge = np.full((1, 1), rgba8(self.border, 1).view(np.uint32)[0, 0])
        picture = kernels.cells(edge, np.zeros_like(rows), np.zeros_like(columns), cover)
        colors = kernels.cells(np.ascontiguousarray(scale), rows, columns, inside)
        kernels.blit(picture.reshape(-1), len(x), colors, 0, 0, 256)
        return picture
