"""Glyphs, and the stamps from which they are drawn: text comes again and again in the same places."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import cairo
import numpy as np
from manim import VMobject
from manim.camera.camera import LINE_JOIN_MAP

MAX_STAMP_BYTES = 16 * 2**20  # of all stamps of a camera together
MARGIN = 2  # pixels: what antialiasing may touch beyond an outline


class Glyph(VMobject):
    """Outlines of letters in one colour, filled and stroked.

    ends: where the outline of each letter ends among `points`, the last at their end; each has a stamp of its own.
    Without them, or when the points have been cut since, all is one outline.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ends: Sequence[int] = ()

    def twin(self, outlines: Sequence[np.ndarray]) -> Glyph:
        """Another glyph of the same looks, of these letters: without the settings of `__init__`, which take long."""
        made = Glyph.__new__(Glyph)
        own = {name: value.copy() for name, value in vars(self).items() if isinstance(value, list) or "rgba" in name}
        ends = np.cumsum([len(points) for points in outlines]).tolist()
        made.__dict__.update(vars(self) | own | {"points": np.concatenate(outlines), "ends": ends})
        return made

    @property
    def outlines(self) -> list[np.ndarray]:
        """The points (4k, 3) of each letter."""
        if not self.ends or self.ends[-1] != len(self.points):
            return [self.points]
        return [self.points[a:b] for a, b in zip((0, *self.ends[:-1]), self.ends, strict=True) if b > a]


class Stamps:
    """Glyphs as small pictures, each drawn once for a colour and a place, to a fraction of a pixel.

    A faded glyph is its stamp faded as a whole: fill and stroke would show through each other.
    """

    def __init__(self) -> None:
        self.kept: OrderedDict[Any, tuple[Any, int, int]] = OrderedDict()
        self.size = 0

    def draw(self, camera: Any, context: Any, glyph: Glyph) -> bool:
        """Draw a glyph; False if it cannot be done so: it has a gradient, or fill and stroke differ in opacity."""
        fills, strokes, width = glyph.fill_rgbas, glyph.stroke_rgbas, glyph.get_stroke_width()
        if len(fills) > 1 or len(strokes) > 1 or (glyph.background_stroke_width and len(glyph.background_stroke_rgbas)):
            return False
        fill, stroke = fills[0].tolist(), strokes[0].tolist()
        if width and fill[3] != stroke[3]:
            return False
        matrix = context.get_matrix()
        style = (*fill[:3], *stroke[:3], width, glyph.joint_type, *matrix)
        for outline in glyph.outlines:
            points = outline[:, :2].astype(np.float32)  # as fine as is seen: what was moved here and back is the same
            key = (points.tobytes(), style)
            stamp = self.kept.get(key)
            if stamp is None:
                stamp = self._keep(key, self._make(camera, matrix, points, fill, stroke, width, glyph.joint_type))
            else:
                self.kept.move_to_end(key)
            surface, left, top = stamp
            context.identity_matrix()
            context.set_source_surface(surface, left, top)
            context.paint_with_alpha(min(fill[3], 1.0))
            context.set_matrix(matrix)
        return True

    def _keep(self, key: Any, stamp: tuple[Any, int, int]) -> tuple[Any, int, int]:
        self.kept[key] = stamp
        self.size += _bytes(stamp)
        while self.size > MAX_STAMP_BYTES and len(self.kept) > 1:
            self.size -= _bytes(self.kept.popitem(last=False)[1])
        return stamp

    @staticmethod
    def _make(
        camera: Any, matrix: Any, points: np.ndarray, fill: Any, stroke: Any, width: float, joint: Any
    ) -> tuple[Any, int, int]:
        """A picture of an opaque outline, and the pixel (left, top) of its corner."""
        line = width * camera.cairo_line_width_multiple
        corners = [matrix.transform_point(x, y) for x in (points[:, 0].min(), points[:, 0].max())
                   for y in (points[:, 1].min(), points[:, 1].max())]  # fmt: skip
        reach = 5 * line * abs(matrix.xx) + MARGIN  # cairo's miter limit of 10 lets a corner stick out so far
        xs, ys = zip(*corners, strict=True)
        left, top = math.floor(min(xs) - reach), math.floor(min(ys) - reach)
        # what lies outside the frame is not seen
        left, top = max(left, 0), max(top, 0)
        right = min(math.ceil(max(xs) + reach), camera.pixel_width)
        bottom = min(math.ceil(max(ys) + reach), camera.pixel_height)
        surface = cairo.ImageSurface(cairo.FORMAT_ARGB32, max(right - left, 1), max(bottom - top, 1))
        context = cairo.Context(surface)
        context.set_matrix(cairo.Matrix(*matrix) * cairo.Matrix(x0=-left, y0=-top))
        trace(context, points.tolist())
        context.set_source_rgb(*fill[2::-1])  # cairo's bytes are the other way round
        context.fill_preserve()
        if width:
            context.set_source_rgb(*stroke[2::-1])
            context.set_line_width(line)
            context.set_line_join(LINE_JOIN_MAP[joint])
            context.stroke()
        return surface, left, top


def trace(context: Any, path: list[list[float]], near: float = 1e-6) -> None:
    """Give a context the outline (4k, 2) of a mobject, curve for curve as Manim does; ends that are `near` are one."""
    context.new_path()
    start = end = None
    for k in range(0, len(path), 4):
        at = path[k]
        if end is None or not _close(end, at, near):
            if end is not None and _close(start, end, near):
                context.close_path()
            context.new_sub_path()
            context.move_to(*at)
            start = at
        end = path[k + 3]
        context.curve_to(*path[k + 1], *path[k + 2], *end)
    if _close(start, end, near):
        context.close_path()


def _close(a: Any, b: Any, near: float) -> bool:
    """Whether two points are one, as NumPy's `isclose` says."""
    return abs(a[0] - b[0]) <= near + 1e-5 * abs(b[0]) and abs(a[1] - b[1]) <= near + 1e-5 * abs(b[1])


def _bytes(stamp: tuple[Any, int, int]) -> int:
    return int(stamp[0].get_stride() * stamp[0].get_height())
