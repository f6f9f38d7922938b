"""A few mobjects that only move about, as one picture that is drawn once and pasted wherever they are."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import cairo
import numpy as np
from manim import VGroup

from diffrender.animation.mobjects import kernels
from diffrender.animation.mobjects.base import Placement, Raster
from diffrender.animation.text.glyph import Glyph

PHASES = 2  # places in a pixel, each way, for which a picture is kept: a quarter of a pixel off is not seen
KEPT = 4 * PHASES**2  # pictures of a sticker: while it grows, each is another
MARGIN = 2  # pixels: what antialiasing may touch beyond the outlines


class Sticker(Raster):
    """A group of vector mobjects, glyphs among them, that keep their looks; it moves, grows and fades as a whole.

    Faded, it is the picture of all of it that fades: nothing in it shows through. `mark` is what is drawn, where it
    was when the sticker was made.
    """

    caches: ClassVar[frozenset[str]] = frozenset({"mark", "_pictures"})

    def __init__(self, mark: VGroup) -> None:
        (x0, y0, _), (x1, y1, _) = mark.get_corner([-1, -1, 0]), mark.get_corner([1, 1, 0])
        rim = max((part.get_stroke_width() for part in mark.get_family()), default=0.0) / 200  # half a line, in units
        bounds = (float(x0) - rim, float(x1) + rim, float(y0) - rim, float(y1) + rim)
        super().__init__(bounds, bounds)
        self.mark = mark
        self._pictures: dict[Any, tuple[np.ndarray, int, int]] = {}

    def draw(self, camera: Any, pixels: np.ndarray, opacity: float) -> None:
        """Paste its picture, made for this place in a pixel if there is none yet."""
        place = self.place(camera)
        if place is None:
            return
        corner = np.floor(place.corners[2])
        phase = np.round((place.corners[2] - corner) * PHASES) / PHASES
        moved = Placement(place.corners - place.corners[2] + phase, place.unit)
        key = moved.rounded
        if key not in self._pictures:
            if len(self._pictures) == KEPT:
                self._pictures.clear()
            self._pictures[key] = self._make(camera, moved)
        picture, left, top = self._pictures[key]
        frame = pixels.reshape(-1, 4).view(np.uint32)[:, 0]
        left, top = int(corner[0]) + left, int(corner[1]) + top
        kernels.blit(frame, pixels.shape[1], picture, left, top, round(256 * opacity))

    def _make(self, camera: Any, place: Placement) -> tuple[np.ndarray, int, int]:
        """The picture (h, w) uint32, premultiplied, of it at a place, and the pixel (left, top) of its corner."""
        corners = np.concatenate([place.corners, [place.corners[1] + place.corners[2] - place.corners[0]]])
        left, top = (math.floor(v) - MARGIN for v in corners.min(0))
        right, bottom = (math.ceil(v) + MARGIN for v in corners.max(0))
        pixels = np.zeros((bottom - top, right - left), np.uint32)
        surface = cairo.ImageSurface.create_for_data(
            pixels.view(np.uint8).data, cairo.FORMAT_ARGB32, right - left, bottom - top
        )
        context = cairo.Context(surface)
        (xx, xy, x), (yx, yy, y) = place.affine(self.box)
        context.set_matrix(cairo.Matrix(xx, yx, xy, yy, x - left, y - top))
        for part in self.mark.get_family():
            if isinstance(part, Glyph) and camera.stamps.draw(camera, context, part):
                continue
            if len(part.points):
                camera.display_vectorized(part, context)
        surface.flush()
        return pixels, left, top
