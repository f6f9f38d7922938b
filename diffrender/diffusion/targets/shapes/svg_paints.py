"""One fill or one stroke of an SVG shape, as Cairo draws it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cairo
import numpy as np

Box = tuple[float, float, float, float]
CAPS = {"round": cairo.LINE_CAP_ROUND, "square": cairo.LINE_CAP_SQUARE}
JOINS = {"round": cairo.LINE_JOIN_ROUND, "bevel": cairo.LINE_JOIN_BEVEL}


@dataclass(frozen=True)
class Stroke:
    """How a line is drawn, in the shape's own units."""

    width: float
    cap: cairo.LineCap
    join: cairo.LineJoin
    miter: float
    dash: tuple[float, ...]


@dataclass(frozen=True)
class Paint:
    """A path painted in one colour.

    path: Cairo calls and their numbers, in the shape's own units, which `matrix` takes to the drawing's.
    colour: (3,) of 0 … 255. opacity: 0 … 1. even_odd: the fill rule. stroke: None for a fill.
    """

    path: list[tuple[str, tuple[float, ...]]]
    matrix: cairo.Matrix
    colour: np.ndarray
    opacity: float
    even_odd: bool = False
    stroke: Stroke | None = None

    def trace(self, context: cairo.Context, matrix: cairo.Matrix) -> None:
        """Lay the path in a context whose units `matrix` gives."""
        context.set_matrix(self.matrix.multiply(matrix))
        context.new_path()
        for call, numbers in self.path:
            getattr(context, call)(*numbers)

    def draw(self, context: cairo.Context, matrix: cairo.Matrix) -> None:
        """Fill or stroke the path with the context's colour."""
        self.trace(context, matrix)
        if self.stroke is None:
            context.set_fill_rule(cairo.FILL_RULE_EVEN_ODD if self.even_odd else cairo.FILL_RULE_WINDING)
            context.fill()
            return
        context.set_line_width(self.stroke.width)
        context.set_line_cap(self.stroke.cap)
        context.set_line_join(self.stroke.join)
        context.set_miter_limit(self.stroke.miter)
        pixel = max(math.hypot(*context.user_to_device_distance(*unit)) for unit in ((1, 0), (0, 1)))
        too_fine = sum(self.stroke.dash) * pixel < 1  # such dashes would cost time for nothing
        context.set_dash(() if too_fine else self.stroke.dash)
        context.stroke()

    def corners(self) -> tuple[np.ndarray, np.ndarray]:
        """The lowest and highest x and y that the paint can reach, (2,) each."""
        numbers = [p for _, points in self.path for p in zip(points[::2], points[1::2], strict=True)]
        reach = self.stroke.width * max(1.0, self.stroke.miter) / 2 if self.stroke else 0.0
        around = [(-reach, -reach), (-reach, reach), (reach, -reach), (reach, reach)] if reach else [(0.0, 0.0)]
        m = self.matrix
        placed = np.array([m.transform_point(x, y) for x, y in numbers])
        margin = np.abs([m.transform_distance(*d) for d in around]).max(0)
        return placed.min(0) - margin, placed.max(0) + margin


def paints_of(shape: Any) -> list[Paint]:
    """What a shape of svgelements is painted with: its fill, its stroke, both or neither."""
    values = shape.values
    if values.get("visibility") in ("hidden", "collapse"):
        return []
    path = _path(shape)
    t = shape.transform
    if not path or not math.isfinite(t.determinant) or t.determinant == 0:
        return []
    matrix = cairo.Matrix(t.a, t.b, t.c, t.d, t.e, t.f)
    paints = []
    if colour := _colour(shape.fill, values, "fill"):
        paints.append(Paint(path, matrix, *colour, even_odd=values.get("fill-rule") == "evenodd"))
    width = shape.stroke_width
    if (colour := _colour(shape.stroke, values, "stroke")) and width and width > 0:
        stroke = Stroke(
            float(width),
            CAPS.get(values.get("stroke-linecap"), cairo.LINE_CAP_BUTT),
            JOINS.get(values.get("stroke-linejoin"), cairo.LINE_JOIN_MITER),
            _number(values.get("stroke-miterlimit"), 4.0),
            _dash(values.get("stroke-dasharray")),
        )
        paints.append(Paint(path, matrix, *colour, stroke=stroke))
    return paints


def pixels(surface: cairo.ImageSurface) -> np.ndarray:
    """The (H, W) uint8 of an alpha-only surface."""
    surface.flush()
    rows = np.frombuffer(surface.get_data(), np.uint8).reshape(surface.get_height(), surface.get_stride())
    return rows[:, : surface.get_width()].copy()


def _path(shape: Any) -> list[tuple[str, tuple[float, ...]]]:
    import svgelements as svg

    path: list[tuple[str, tuple[float, ...]]] = []
    for part in shape.segments(transformed=False):
        if isinstance(part, svg.Move):
            path.append(("move_to", (part.end.x, part.end.y)))
        elif isinstance(part, svg.Close):
            path.append(("close_path", ()))
        elif isinstance(part, svg.Line):
            path.append(("line_to", (part.end.x, part.end.y)))
        elif isinstance(part, svg.QuadraticBezier):
            a, b, c = part.start, part.control, part.end  # the same curve as a cubic
            path.append(
                (
                    "curve_to",
                    (
                        a.x + (b.x - a.x) * 2 / 3,
                        a.y + (b.y - a.y) * 2 / 3,
                        c.x + (b.x - c.x) * 2 / 3,
                        c.y + (b.y - c.y) * 2 / 3,
                        c.x,
                        c.y,
                    ),
                )
            )
        else:
            cubics = part.as_cubic_curves() if isinstance(part, svg.Arc) else [part]
            path += [("curve_to", (*c.control1, *c.control2, *c.end)) for c in cubics]
    return path if all(math.isfinite(v) for _, numbers in path for v in numbers) else []


def _colour(colour: Any, values: dict[str, Any], what: str) -> tuple[np.ndarray, float] | None:
    """Colour (3,) and opacity of a fill or stroke, None if nothing is painted; gradients and patterns are black."""
    named = str(values.get(what, ""))
    if named.startswith("url("):
        rgb, opacity = np.zeros(3), 1.0
    elif colour is None or colour.value is None:
        return None
    else:
        rgb, opacity = np.array([colour.red, colour.green, colour.blue], float), float(colour.opacity)
    opacity *= _number(values.get("opacity"), 1.0)
    return (rgb, opacity) if opacity > 0 else None


def _dash(text: Any) -> tuple[float, ...]:
    numbers = tuple(_number(part, -1.0) for part in str(text or "").replace(",", " ").split())
    return numbers if numbers and min(numbers) >= 0 and sum(numbers) > 0 else ()


def _number(text: Any, default: float) -> float:
    try:
        value = float(str(text).removesuffix("px"))
    except ValueError:
        return default
    return value if math.isfinite(value) else default
