"""Axes of a curve, with ticks, names and floors; and the scale bar of a panel that has none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from manim import VGroup, VMobject

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import MOVING_TEXT, Page
from diffrender.animation.layout.plane import Plane
from diffrender.animation.mobjects.furniture.panels import frame, line, put_dashes
from diffrender.animation.mobjects.plane.curve import Curve
from diffrender.animation.theme import HAIR, LINE

TICK = 0.09
BAND, PATCH = 0.22, 1.0  # opacity of a band, and of what lies under a scale bar
DEEP, ROOMY = "at middle depth", 8.0  # of a scale bar in space, said where a box is so wide
SMALLEST = 1e-12  # a logarithmic axis shows what is less as this


class Axes:
    """Two axes in a rectangle of the scene, either of them logarithmic, with about so many ticks and their names.

    >>> axes = Axes(page, boxes.side, x=(1, 6000), y=(0.5, 3), log_x=True, x_name="training step", y_name="Loss")
    >>> loss = axes.curve(steps, values, color=theme.fg)
    >>> floor = axes.floor(0.75, "no network can do better")

    x, y: what they show, from the left and from below; of `x` the larger may stand first, and the axis falls.
    rect: where curves go; names and ticks stand round it, inside the `box` that was given. mobjects: lines and texts.
    room: for the numbers at the left, at least: charts under each other begin at one edge if each has the other's.
    x_shift: how much less than its place is written at a tick across: step 0 stands at 1 of a logarithmic axis.
    """

    def __init__(
        self,
        page: Page,
        box: Box,
        *,
        x: tuple[float, float],
        y: tuple[float, float],
        log_x: bool = False,
        log_y: bool = False,
        x_name: str = "",
        y_name: str = "",
        x_ticks: Sequence[float] | None = None,
        y_ticks: Sequence[float] | None = None,
        pad: float = 0.06,
        room: float = 0.0,
        x_shift: float = 0.0,
    ) -> None:
        self.page, self.log = page, (log_x, log_y)
        self.sign = (-1.0 if x[0] > x[1] else 1.0, 1.0)
        em = page.em("legend")
        xs = [*x_ticks] if x_ticks is not None else (decades if log_x else evenly)(min(x), max(x), 3)
        ys = [*y_ticks] if y_ticks is not None else (decades if log_y else evenly)(*y, 3)
        self.span = tuple(float(self.scaled(v, k)) for k, ends in enumerate((x, y)) for v in ends)
        rise = pad * (self.span[3] - self.span[2]) or 1.0
        side = 0.5 * (self.span[0] == self.span[1])  # a single value stands in the middle
        self.box = (self.span[0] - side, self.span[1] + side, self.span[2] - rise, self.span[3] + rise)
        top = box.top - (1.25 * em if y_name else 0.0)
        bottom = box.bottom + (1.3 * em if xs else 0.0) + (1.25 * em if x_name else 0.0)
        if y_ticks is None:  # no more than there is room for
            most = max(int((top - bottom) / (1.35 * em)), 1)
            ys = ys[:: max(-(-len(ys) // most), 1)] if most > 1 else [ys[0], ys[-1]][: len(ys)]
        labels = [page.label(written(v), 0, 0, 1, "legend", "muted") for v in ys]
        self.room = max(room, max((text.width for text in labels), default=0.0))
        left = box.left + self.room + 0.14 * (self.room > 0)
        self.rect = Box(left, box.right, bottom, top)
        page.check_room("A chart", self.rect)
        theme = page.theme
        made: list[VMobject] = []
        free = -math.inf  # from which height on a number has room
        for value, text in zip(ys, labels, strict=True):
            height = self.at(x[0], value)[1]
            made.append(line([(left, height), (box.right, height)], theme.grid))
            text.at(left - 0.14, height - 0.3 * em, 1)
            if text.get_bottom()[1] >= free:
                made.append(text)
                free = float(text.get_top()[1])
        made.append(line([(left, bottom), (box.right, bottom)], theme.border, HAIR * 1.4))
        for value in xs:
            at = self.at(value, y[0])[0]
            made.append(line([(at, bottom), (at, bottom - TICK)], theme.border, HAIR * 1.4))
            text = page.label(written(value - x_shift), at, bottom - TICK - 1.0 * em, 0, "legend", "muted")
            over = text.get_right()[0] - box.right
            made.append(text.shift([-max(over, 0.0), 0, 0]))
        if x_name:
            made.append(page.label(x_name, box.right, box.bottom + 0.2 * em, 1, "legend", "muted"))
        if y_name:
            made.append(page.roomy(page.words(y_name, "legend"), box.right - left).at(left, top + 0.45 * em))
        self.mobjects: list[Any] = made

    def scaled(self, value: Any, axis: int) -> Any:
        """A value as the axis (0 across, 1 up) places it: itself, or its logarithm; of a falling axis less than 0."""
        made = np.log(np.maximum(value, SMALLEST)) if self.log[axis] else np.asarray(value, float)
        return self.sign[axis] * made

    def unscaled(self, place: Any, axis: int) -> Any:
        """The value that an axis (0 across, 1 up) places so: see `scaled`."""
        made = self.sign[axis] * np.asarray(place, float)
        return np.exp(made) if self.log[axis] else made

    def at(self, x: float, y: float) -> tuple[float, float]:
        """The scene point of a value."""
        (x0, x1, y0, y1), rect = self.box, self.rect
        u, v = (float(self.scaled(x, 0)) - x0) / (x1 - x0), (float(self.scaled(y, 1)) - y0) / (y1 - y0)
        return rect.left + u * rect.width, rect.bottom + v * rect.height

    def curve(self, x: np.ndarray, y: np.ndarray, *, color: str, **more: Any) -> Curve:
        """A figure over its steps: `more` as of `Curve`."""
        return Curve(self.box, self.rect, self.scaled(x, 0), self.scaled(y, 1), color=color, **more)

    def floor(self, value: float, name: str = "", *, color: str = "muted", size: str = "floor") -> VGroup:
        """A dotted line across at a value by which others are judged, its name over it at the left."""
        theme, em = self.page.theme, self.page.em(size)
        a, b = (np.array([x, self.at(0 if not self.log[0] else 1, value)[1]]) for x in self.rect[:2])
        dots = put_dashes(VMobject(stroke_color=theme.color(color), stroke_width=HAIR * 170), a, b)
        high = a[1] + 1.2 * em > self.rect.top  # then there is no room over the line
        low = a[1] - 1.05 * em if high else a[1] + 0.35 * em
        text = [self.page.label(name, a[0] + 0.4 * em, low, -1, size, color)] if name else []
        return VGroup(dots, *text)

    def band(self, low: float, high: float, *, color: str = "muted") -> VMobject:
        """A faint band across, between two values, in which others would lie by chance alone."""
        (a, b), bottom, top = self.rect[:2], *(self.at(1.0, value)[1] for value in (low, high))
        made = VMobject(fill_color=self.page.theme.color(color), fill_opacity=BAND, stroke_width=0)
        return made.set_points_as_corners([[a, bottom, 0], [b, bottom, 0], [b, top, 0], [a, top, 0], [a, bottom, 0]])


def written(value: float) -> str:
    """A tick's number as Typst sets it: a small power of ten as a power, others written out."""
    power = round(math.log10(value)) if value > 0 else 0
    return f"$10^({power})$" if power < -3 and math.isclose(value, 10.0**power) else f"{value:,g}"


def decades(low: float, high: float, count: int = 4) -> list[float]:
    """1, 2 or 5 times powers of ten within low … high, about `count`; powers of ten alone where there are enough."""
    low = max(low, SMALLEST)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    tens = [10.0**e for e in range(first, last + 1) if low <= 1.0001 * 10.0**e and 10.0**e <= 1.0001 * high]
    if len(tens) >= 3:
        return tens[:: max(1, -(-len(tens) // (count + 2)))]
    ticks = [m * 10.0**e for e in range(first, last + 1) for m in (1, 2, 5)]
    inside = [t for t in ticks if low * 0.9999 <= t <= high * 1.0001]
    return inside[:: max(1, len(inside) // (count + 1))] if len(inside) > 1 else evenly(low, high, count)


def evenly(low: float, high: float, count: int = 3) -> list[float]:
    """About `count` + 1 round numbers, evenly spaced, within low … high."""
    raw = (high - low) / count or 1.0
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(m * size for m in (1, 2, 2.5, 5, 10) if m * size >= raw * 0.9999)
    first = math.ceil(low / step - 1e-9)
    return [round(k * step, 12) for k in range(first, math.floor(high / step + 1e-9) + 1)]


class ScaleBar(VGroup):
    """A bar of a round length in data units with its number over it, in the lower left corner of a box.

    Of at most `share` of the box's width; another round length as the view zooms. In space lengths depend on depth: it
    is true in the middle, and says so. under: colour of a patch that keeps it clear of points.
    """

    def __init__(self, view: Plane, page: Page, box: Box, *, share: float = 0.16, under: str = "") -> None:
        self.left, self.y, self.longest = box.left + 0.18, box.bottom + 0.2, share * box.width
        self.bar = line([(0, 0.06), (0, 0), (1, 0), (1, 0.06)], page.theme.muted, 0.8 * LINE)
        self.number = page.number("g", 1, "floor", "muted")
        self.height_of_number = self.y + 0.3 * page.em("floor")
        self.patch = frame(Box(0, 1, 0, 1), under, 0, fill=under, radius=0.1).set_fill(opacity=PATCH) if under else None
        super().__init__(*([self.patch] if self.patch else []), self.bar, self.number)
        self.unit_shapes = [part.points for part in (self.bar, self.patch) if part]
        self.deep = [page.words(DEEP, "floor", "muted")] if view.dims == 3 and box.width > ROOMY else []
        self.add(*self.deep)
        self.set_z_index(MOVING_TEXT + 1)  # over what it measures
        view.attached.append(self)
        self.show_view(view)

    def show_view(self, view: Plane) -> None:
        """Be as long as the view shows the largest round length that is short enough."""
        unit = _unit(view)
        size = 10.0 ** math.floor(math.log10(self.longest / unit))
        length = max(m * size for m in (1, 2, 5) if m * size <= 1.0001 * self.longest / unit)
        x, y, end = self.left, self.y, self.left + length * unit
        self.bar.points = self.unit_shapes[0] * (end - x, 1, 1) + (x, y, 0)
        # over the end that stands: over the middle it would slide as the view zooms
        self.number.at(x + 0.1 + self.number.set_value(length).length, self.height_of_number, 1)
        right = max(end, float(self.number.points[:, 0].max()))
        for text in self.deep:
            right = float(text.at(right + 0.12, self.y, -1).get_right()[0])
        if self.patch:
            low, high = (x - 0.08, y - 0.08), (right + 0.08, float(self.number.points[:, 1].max()) + 0.08)
            self.patch.points = self.unit_shapes[1] * (high[0] - low[0], high[1] - low[1], 1) + (*low, 0)


def scale_bar(view: Plane, page: Page, box: Box, *, share: float = 0.16, under: str = "") -> ScaleBar:
    """The scale bar of a view, in a corner of a box."""
    return ScaleBar(view, page, box, share=share, under=under)


def _unit(view: Plane) -> float:
    """Scene units to a data unit."""
    return (view.rect[1] - view.rect[0]) / (view.box[1] - view.box[0])
