"""Panels, pills, lines, zoom beams, legends and sliders. Lengths in scene units; a rectangle is (x0, x1, y0, y1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from manim import BLACK, AnnularSector, CapStyleType, Dot, RoundedRectangle, VGroup, VMobject

from diffrender.animation.mobjects.furniture.arrow import StepArrow, set_polygons
from diffrender.animation.text.typst import words
from diffrender.animation.theme import HAIR, LINE, RADIUS, RING, Theme
from diffrender.core.remembered import remembered

Rect = tuple[float, float, float, float]
Point = Sequence[float] | np.ndarray  # (2,) or (3,)
Key = Callable[[float, float, float], VMobject]  # (x0, x1, y) → the sample drawn in a legend
KEY_DOT_WIDTH = 0.22
KEY_GAP = 0.14


class Outline(VMobject):
    """The edge of a panel, which no text may cross."""


def frame(
    rect: Rect,
    color: str,
    width: float = HAIR,
    *,
    fill: str | None = None,
    alpha: float = 1.0,
    radius: float = RADIUS,
) -> Outline:
    """A rounded rectangle: hairline in `color`, filled if `fill` is given."""
    x0, x1, y0, y1 = rect
    shape = Outline(
        stroke_color=color,
        stroke_width=width * 100,
        stroke_opacity=alpha,
        fill_color=fill or BLACK,
        fill_opacity=1 if fill else 0,
    )
    shape.points = _rounded(float(x1 - x0), float(y1 - y0), radius).copy()
    return shape.move_to([(x0 + x1) / 2, (y0 + y1) / 2, 0])


@remembered
def _rounded(width: float, height: float, radius: float) -> np.ndarray:
    """(4k, 3) points of a rounded rectangle about the origin."""
    return RoundedRectangle(corner_radius=radius, width=width, height=height).points


def panel(rect: Rect, theme: Theme) -> VMobject:
    """The ground on which data are drawn. Its hairline goes on top of the data: `frame(rect, theme.border)`."""
    return frame(rect, theme.border, fill=theme.panel)


def pill(text: VMobject, theme: Theme, *, pad: float = 0.09, alpha: float = 0.78) -> VMobject:
    """A rounded patch in the panel's colour, to lie behind a text on a heat map."""
    (x0, y0, _), (x1, y1, _) = text.get_corner([-1, -1, 0]), text.get_corner([1, 1, 0])
    rect = (x0 - pad, x1 + pad, y0 - pad * 0.8, y1 + pad * 0.8)
    patch = frame(rect, theme.panel, 0, fill=theme.panel, radius=min(0.12, (rect[3] - rect[2]) / 2))
    return patch.set_fill(opacity=alpha)


def line(points: Iterable[Sequence[float]], color: str, width: float = HAIR, alpha: float = 1.0) -> VMobject:
    """A polyline through points (K, 2)."""
    mob = VMobject(stroke_color=color, stroke_width=width * 100, stroke_opacity=alpha)
    return mob.set_points_as_corners([[p[0], p[1], 0.0] for p in points])


def cut(start: np.ndarray, ends: np.ndarray, rect: Rect) -> np.ndarray:
    """(K,) the part of each line from start, (2,) or (K, 2), to ends (K, 2) that lies before a rectangle's edge."""
    (x0, x1, y0, y1), way = rect, ends - start
    edge = np.where(way > 0, (x1, y1), (x0, y0)) - start
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(way != 0, edge / way, 1.0)
    return np.clip(part.min(1), 0.0, 1.0)


def put_dashes(mob: VMobject, a: Point, b: Point, grown: float = 1.0) -> VMobject:
    """Lay dashes of a dashed line from a to b, as far as `grown`; no mobject is built."""
    p, q = np.array([*a[:2], 0.0]), np.array([*b[:2], 0.0])
    length = float(np.linalg.norm(q - p))
    count = max(1, round(length / 0.1))
    t = np.arange(count) / count
    starts, ends = t[t < grown], np.minimum(t + 0.45 / count, grown)[t < grown]
    if not len(starts):
        mob.clear_points()
        return mob
    a4, b4 = p + starts[:, None] * (q - p), p + ends[:, None] * (q - p)
    mob.points = np.stack([a4, a4 + (b4 - a4) / 3, a4 + (b4 - a4) * 2 / 3, b4], 1).reshape(-1, 3)
    return mob


# ---- zoom ------------------------------------------------------------------------------------------------------------
class ZoomBeam(VGroup):
    """What joins a small frame inside a panel to the window that magnifies it.

    Light and two lines run from corners of the small frame to corners of the window; inside the panel, where they lie
    on the data, the lines are fainter. `put(small)` moves it; nothing is rebuilt. light: its opacity.
    """

    def __init__(self, panel: Rect, window: Rect, theme: Theme, *, light: float = 0.055) -> None:
        self.panel, self.window = panel, window
        self.light = VMobject(stroke_width=0, fill_color=theme.fg, fill_opacity=light)
        self.edges = VMobject(stroke_color=theme.fg, stroke_width=HAIR * 160, stroke_opacity=0.75)
        self.inner = VMobject(stroke_color=theme.fg, stroke_width=HAIR * 130, stroke_opacity=0.5)
        super().__init__(self.light, self.inner, self.edges)

    def put(self, small: Rect) -> ZoomBeam:
        """Follow the small frame."""
        sideways = self.window[0] >= self.panel[1]
        x0, x1, y0, y1 = self.window
        s = _corners(
            ((small[1], small[3]), (small[1], small[2])) if sideways else ((small[0], small[2]), (small[1], small[2]))
        )
        w = _corners(((x0, y1), (x0, y0)) if sideways else ((x0, y1), (x1, y1)))
        axis, edge = (0, self.panel[1]) if sideways else (1, self.panel[2])
        cut = [a + (b - a) * np.clip((edge - a[axis]) / (b[axis] - a[axis]), 0, 1) for a, b in zip(s, w, strict=True)]
        set_polygons(self.light, [np.array([s[0], w[0], w[1], s[1]])])
        for mob, starts, ends in ((self.inner, s, cut), (self.edges, cut, w)):
            runs = [np.array([a, a + (b - a) / 3, a + (b - a) * 2 / 3, b]) for a, b in zip(starts, ends, strict=True)]
            mob.points = np.concatenate(runs)
        return self


def _corners(points: Iterable[tuple[float, float]]) -> list[np.ndarray]:
    return [np.array([*p, 0.0]) for p in points]


# ---- legends and sliders ---------------------------------------------------------------------------------------------
def key_arrow(color: str, *, dashed: bool = False, scale: float = 0.8) -> Key:
    """Legend sample: an arrow."""
    return lambda x0, x1, y: StepArrow(color, dashed=dashed, scale=scale).put(np.array([x0, y]), np.array([x1, y]))


def key_dot(color: str, *, radius: float = 0.075, alpha: float = 1.0, ring: str | None = None) -> Key:
    """Legend sample: a point of a cloud."""

    def draw(x0: float, x1: float, y: float) -> VMobject:
        dot = Dot([(x0 + x1) / 2, y, 0], radius=radius, color=color, fill_opacity=alpha)
        return dot.set_stroke(ring, RING * 100) if ring else dot

    return draw


def key_dots(*colors: str, radius: float = 0.075) -> Key:
    """Legend sample: points of a cloud that changes its colour, side by side."""

    def draw(x0: float, x1: float, y: float) -> VMobject:
        places = np.linspace(x0 + radius, x1 - radius, len(colors))
        return VGroup(*(Dot([x, y, 0], radius=radius, color=c) for x, c in zip(places, colors, strict=True)))

    return draw


def key_path(color: str, *, width: float = LINE * 1.2, radius: float = 0.075) -> Key:
    """Legend sample: a point with the way that it has come."""
    return lambda x0, x1, y: VGroup(line([(x0, y), (x1 - radius, y)], color, width), key_dot(color)(x1 - radius, x1, y))


def key_line(color: str, *, width: float = LINE * 1.6, alpha: float = 1.0) -> Key:
    """Legend sample: a line."""
    return lambda x0, x1, y: line([(x0, y), (x1, y)], color, width, alpha)


def key_hues(*colors: str, width: float = LINE * 1.6) -> Key:
    """Legend sample: lines of several colours, as parts of one."""

    def draw(x0: float, x1: float, y: float) -> VMobject:
        at = np.linspace(x0, x1, len(colors) + 1).tolist()
        return VGroup(*(line([(a, y), (b, y)], c, width) for a, b, c in zip(at, at[1:], colors, strict=False)))

    return draw


def key_wheel(*colors: str, radius: float = 0.19) -> Key:
    """Legend sample: hues of directions, of which the first begins at the right, and the others go on over the top."""
    part = 2 * np.pi / len(colors)

    def draw(x0: float, x1: float, y: float) -> VMobject:
        parts = (
            AnnularSector(0.45 * radius, radius, angle=part, start_angle=k * part, color=color, fill_opacity=1)
            for k, color in enumerate(colors)
        )
        return VGroup(*parts).shift([(x0 + x1) / 2, y, 0])

    return draw


def key_dashes(color: str, *, width: float = HAIR * 1.7) -> Key:
    """Legend sample: a dotted line."""
    return lambda x0, x1, y: put_dashes(VMobject(stroke_color=color, stroke_width=100 * width), (x0, y), (x1, y))


def legend(
    items: Sequence[tuple[Key, float, str]],
    x: float,
    y: float,
    em: float,
    theme: Theme,
    *,
    align: int = -1,
    gap: float = 0.36,
) -> VGroup:
    """One row of (key, its width, Typst text), baseline at y; left edge, centre or right edge (align −1, 0, 1) at x.

    Each submobject is one item, (sample, text), so that an act can show or hide it.
    """
    row, at = VGroup(), x
    for key, width, text in items:
        name = words(text, em, theme.fg).at(at + width + KEY_GAP, y)
        row.add(VGroup(key(at, at + width, y + em * 0.24), name))
        at = name.get_right()[0] + gap
    edge = (row.get_left(), row.get_center(), row.get_right())[align + 1][0]
    return row.shift([x - edge, 0, 0])


class Slider(VGroup):
    """A track from x0 to x1 at height y; the part already done is in `color`, the knob stands at `value` (0 to 1)."""

    def __init__(self, x0: float, x1: float, y: float, *, theme: Theme, color: str | None = None) -> None:
        self.x0, self.x1, self.y = x0, x1, y
        self.track = line([(x0, y), (x1, y)], theme.grid, 0.09)
        self.done = line([(x0, y), (x0, y)], color or theme.samples, 0.09)
        self.knob = VGroup(
            Dot([x0, y, 0], radius=0.19, color=theme.bg, stroke_width=0),
            Dot([x0, y, 0], radius=0.14, color=theme.fg, stroke_width=0),
        )
        for mob in (self.track, self.done):
            mob.cap_style = CapStyleType.ROUND
        super().__init__(self.track, self.done, self.knob)

    def set_value(self, value: float) -> Slider:
        """Move the knob to `value` of the track."""
        x = self.x0 + float(np.clip(value, 0, 1)) * (self.x1 - self.x0)
        self.done.points = np.linspace([self.x0, self.y, 0], [x, self.y, 0], 4)
        rim = self.knob.submobjects[0].points[:, 0]
        self.knob.shift([x - (rim.min() + rim.max()) / 2, 0, 0])
        return self
