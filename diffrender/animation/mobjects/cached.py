"""Bulk mobjects that are a picture filling their rectangle: heat maps, image grids, histograms, colour bars."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import cairo
import numpy as np

from diffrender.animation.mobjects import kernels
from diffrender.animation.mobjects.base import Clip, Placement, Raster, covered


class Picture(Raster):
    """A picture made for exactly the pixels its rectangle covers, and made again only when they or its content change.

    A rotated or mirrored one is made upright and turned by cairo.
    """

    caches: ClassVar[frozenset[str]] = frozenset({"_made", "_made_for"})
    _made_for: tuple | None = None
    _made: np.ndarray

    def content(self) -> Any:
        """What stands for attributes named in `caches` that the picture depends on; brings them up to date."""
        return None

    def appearance(self) -> dict[str, Any]:
        """That of every bulk mobject, and `content`."""
        content = self.content()
        return super().appearance() | {"content": content}

    def make(self, place: Placement, bounds: np.ndarray, cover: np.ndarray) -> np.ndarray:
        """(h, w) uint32 premultiplied picture of the pixels in `bounds` (x0, x1, y0, y1); cover: 0..256, clipped."""
        raise TypeError(f"{type(self).__name__} does not say how its picture is made")

    def paint(self, place: Placement, pixels: np.ndarray, opacity: float) -> None:
        """Lay the kept picture over the pixels, made anew if it is out of date; resampled where it lies turned."""
        if place.upright:
            picture, left, top = self._picture(place, pixels.shape)
            frame = Clip(place, self.corner, pixels, clip=False).frame
            kernels.blit(frame, pixels.shape[1], picture, left, top, round(256 * opacity))
        else:
            self._paint_turned(place, pixels, opacity)

    def _picture(self, place: Placement, shape: tuple[int, ...]) -> tuple[np.ndarray, int, int]:
        """The picture of what is seen of an upright rectangle in a frame of that shape, and the pixel of its corner."""
        height, width = shape[:2]
        bounds, cover = covered(place.rounded, round(self.corner * place.unit, 3), width, height)
        made_for = (place.rounded, shape, self.appearance())
        if made_for != self._made_for:
            self._made = self.make(place, bounds, cover) if cover.size else np.zeros((0, 0), np.uint32)
            self._made_for = made_for
        return self._made, int(bounds[0]), int(bounds[2])

    def _paint_turned(self, place: Placement, pixels: np.ndarray, opacity: float) -> None:
        right, up = place.corners[1] - place.corners[0], place.corners[2] - place.corners[0]
        width, height = math.hypot(*right), math.hypot(*up)
        shrink = min(1.0, 4096 / max(width, height))
        width, height = max(width * shrink, 1), max(height * shrink, 1)
        upright = Placement(np.array([[0, height], [width, height], [0, 0]], float), place.unit * shrink)
        picture, _, _ = self._picture(upright, (math.ceil(height), math.ceil(width), 4))
        if not picture.size:
            return
        # cairo reads and writes these RGBA bytes as BGRA, on both sides alike
        rows, columns = picture.shape
        source = cairo.ImageSurface.create_for_data(picture.view(np.uint8).data, cairo.FORMAT_ARGB32, columns, rows)
        surface = cairo.ImageSurface.create_for_data(pixels.data, cairo.FORMAT_ARGB32, pixels.shape[1], pixels.shape[0])
        context = cairo.Context(surface)
        origin = place.corners[2]
        (xx, yx), (xy, yy), (x0, y0) = right / width, -up / height, origin
        context.transform(cairo.Matrix(xx, yx, xy, yy, x0, y0))
        context.set_source_surface(source)
        context.paint_with_alpha(opacity)
        surface.flush()
