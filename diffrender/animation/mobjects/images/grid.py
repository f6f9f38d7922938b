"""Grids of small images."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from diffrender.animation.mobjects import kernels
from diffrender.animation.mobjects.base import Box, Placement, at_step
from diffrender.animation.mobjects.cached import Picture
from diffrender.core.errors import RenderError


class ImageGrid(Picture):
    """Images in rows and columns, every one of their pixels a sharp rectangle of whole screen pixels.

    Parameters
    ----------
    rect: of the scene; the grid fills it.
    images: (N, H, W), (N, 1, H, W) or (N, 3, H, W); the first rows × columns are shown, row by row from the top.
    rows, cols: of the grid.
    table: (M, 3) uint8 colours of grey images; colour images have none.
    lo, hi: values of the table's ends, or of no and full light; what is outside is clipped.
    gap: scene units between images.
    """

    caches: ClassVar[frozenset[str]] = Picture.caches | {"images", "shown", "step", "mix"}  # `content` stands for these

    def __init__(
        self,
        rect: Box,
        images: np.ndarray,
        *,
        rows: int,
        cols: int,
        table: np.ndarray | None = None,
        lo: float = -1.0,
        hi: float = 1.0,
        gap: float = 0.03,
    ) -> None:
        super().__init__((0, 1, 0, 1), rect, corner=0.0)
        if not hi > lo:
            raise RenderError(f"ImageGrid: hi = {hi:g} is not above lo = {lo:g}.")
        if rows < 1 or cols < 1:
            raise RenderError(f"ImageGrid: {rows} rows of {cols} images.")
        self.rows, self.cols, self.lo, self.hi, self.gap = rows, cols, lo, hi, gap
        self.table = None if table is None else np.asarray(table)
        self.recorded: np.ndarray | None = None
        self.step = 0.0
        self.mix: tuple[float, float] | None = None
        self.set_images(images)

    def set_images(self, images: np.ndarray) -> ImageGrid:
        """Show other images."""
        self._check(np.shape(images))
        self.images, self.recorded = np.asarray(images), None
        self.shown: Any = object()
        return self

    def follow(self, x: np.ndarray, chains: Any = None) -> ImageGrid:
        """Bind to a recording x (T+1, N, C, H, W) or (T+1, N, H, W); `chains` picks some of its N."""
        self._check(x.shape[1:])
        self.recorded, self.chains = x, chains
        return self

    def show_step(self, step: float) -> ImageGrid:
        """Show recorded step `step` (0..T)."""
        self.step, self.mix = step, None
        return self

    def dissolve(self, before: float, share: float) -> ImageGrid:
        """Show the present step as it comes out of step `before`: the mean of their pixels, this one's by `share`."""
        self.mix = (before, share) if share < 1 else None
        return self

    def _check(self, shape: tuple[int, ...]) -> None:
        if len(shape) not in (3, 4) or 0 in shape[1:] or (len(shape) == 4 and shape[1] not in (1, 3)):
            raise RenderError(f"ImageGrid: images have shape {shape}, not (N, H, W), (N, 1, H, W) or (N, 3, H, W).")
        if self.table is None and not (len(shape) == 4 and shape[1] == 3):
            raise RenderError("ImageGrid: grey images need a colour table.")

    def content(self) -> Any:
        """The recorded step, or a token that is new whenever images are given."""
        return self.shown if self.recorded is None else (self.step, self.mix)

    def make(self, place: Placement, bounds: np.ndarray, cover: np.ndarray) -> np.ndarray:
        """The images row by row in rows × cols cells that begin and end at whole pixels; nearest-neighbour."""
        images = self.images
        if self.recorded is not None:
            images = at_step(self.recorded, self.step, self.chains)
            if self.mix:
                before, share = self.mix
                old, new = (np.clip(x, self.lo, self.hi) for x in (at_step(self.recorded, before, self.chains), images))
                images = old + np.float32(share) * (new - old)
        mosaic, height, width = self.mosaic(images[: self.rows * self.cols])
        left, right, top, bottom = place.edges
        gap = self.gap * place.unit
        rows = _cells(top, bottom, self.rows, height, gap, bounds[2], bounds[3])
        columns = _cells(left, right, self.cols, width, gap, bounds[0], bounds[1])
        # cells end at whole pixels, so the outline cuts none
        return kernels.cells(mosaic, rows, columns, np.full_like(cover, 256))

    def mosaic(self, images: np.ndarray) -> tuple[np.ndarray, int, int]:
        """(rows·H, cols·W) uint32 pixels of the grid without gaps, 0 where there is no image; and H, W."""
        values = (np.asarray(images, np.float32) - self.lo) / (self.hi - self.lo)
        # what is not a number is shown as the low end
        values = np.nan_to_num(np.clip(values, 0, 1), nan=0.0)
        if values.ndim == 4 and values.shape[1] == 1:
            values = values[:, 0]
        height, width = values.shape[-2:]
        rgba = np.full((self.rows * self.cols, height, width, 4), 255, np.uint8)
        rgba[len(values) :] = 0
        if values.ndim == 3 and self.table is not None:
            rgba[: len(values), ..., :3] = self.table[np.rint(values * (len(self.table) - 1)).astype(int)]
        else:
            rgba[: len(values), ..., :3] = np.rint(np.moveaxis(values, 1, -1) * 255)
        tiles = rgba.view(np.uint32)[..., 0].reshape(self.rows, self.cols, height, width)
        return np.ascontiguousarray(tiles.swapaxes(1, 2)).reshape(self.rows * height, self.cols * width), height, width


def _cells(start: float, end: float, count: int, size: int, gap: float, low: int, high: int) -> np.ndarray:
    """(high − low,) which of count·size image pixels lies at each screen pixel from low to high; −1 in gaps.

    All images have the same screen size and are divided alike.
    """
    each = max(1, round((end - start - gap * (count - 1)) / count))
    edges = np.rint(np.arange(size + 1) * each / size).astype(int)
    within = np.repeat(np.arange(size), np.diff(edges))
    out = np.full(high - low, -1, np.int64)
    for k in range(count):
        first = round(start + k * (end - start - each) / max(count - 1, 1)) - low
        a, b = max(first, 0), min(first + each, len(out))
        if a < b:
            out[a:b] = k * size + within[a - first : b - first]
    return out
