"""The page: places in a frame, and the furniture of every scene: title, equation, labels, legends, caption.

A layout is written for wide, classic (4:3), square and tall frames; what is beside each other in a wide frame is above
each other in a tall one. All text stands on baselines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, TypeVar

import numpy as np
from manim import VGroup, VMobject

from diffrender.animation.mobjects.furniture.color_bar import ColorBar
from diffrender.animation.mobjects.furniture.panels import Key, Rect, legend, pill
from diffrender.animation.text.numbers import Number, Running
from diffrender.animation.text.typst import TERM, Typeset, maths, unnamed, words
from diffrender.animation.theme import EDGE, LARGE, Frame, Theme
from diffrender.core.errors import RenderError

AnyText = TypeVar("AnyText", Typeset, Running, Number)
AnyMobject = TypeVar("AnyMobject", bound=VMobject)

TITLE_GAP = 0.3  # between title and equation
MOVING_TEXT = 8  # z_index of text that changes: above all that stands still, which is then drawn once
TAG, TAG_ROOM = 40, 0.65  # z_index of a tag, and how much of its rectangle's width it may take
_DOT_ROOM = 0.62  # on each side of the dot between items of a caption, in em
_LINE = {"wide": 0.42, "classic": 0.43, "square": 0.45, "tall": 0.52}  # from one caption line to the next


class Page:
    """The places and the type of one frame in one theme. What it makes is placed, and not yet added to a scene."""

    def __init__(self, frame: Frame, theme: Theme) -> None:
        self.frame, self.theme = frame, theme
        self.title_end: float | None = None  # its right edge, where the equation stands beside it
        self.equations: list[str] = []  # Typst source of those that were made, without names of terms

    @property
    def shape(self) -> str:
        """`wide` (16:9), `classic` (4:3), `square` (1:1) or `tall` (9:16)."""
        return self.frame.shape

    @property
    def column_align(self) -> int:
        """How texts of a column are aligned: flush left beside a stage, centred under one."""
        return -1 if self.shape in ("wide", "classic") else 0

    # ---- text --------------------------------------------------------------------------------------------------------
    def em(self, size: str) -> float:
        """Em height in units of `title`, `equation`, `label`, `legend`, `caption` or `floor`."""
        return getattr(self.frame.type, size)

    def words(self, markup: str, size: str = "label", color: str = "fg") -> Typeset:
        """A line of Typst text in one of the page's sizes and one of the theme's colours."""
        return words(markup, self.em(size), self.theme.color(color))

    def check_room(self, what: str, rect: Rect) -> None:
        """RenderError if large text has left no room for what is to stand in `rect`."""
        left, right, bottom, top = rect
        if left >= right or bottom >= top:
            raise RenderError(
                f"{what} has no room in this frame beside text that is {self.frame.font_scale:g} times as large.",
                f"Make it smaller: -O font_scale={LARGE:g} fits everywhere.",
            )

    def maths(self, source: str, size: str = "equation", color: str = "fg", **terms: str) -> Typeset:
        """An equation; `terms` colours its `{{ … : name }}` by the theme: `noise="noise"`.

        A term that is not in `terms` has the colour of its own name, if the theme has one.
        """
        named = {name for _, name in TERM.findall(source) if isinstance(getattr(self.theme, name, None), str)}
        terms = {name: name for name in named} | terms
        hues = {name: self.theme.color(token) for name, token in terms.items()}
        return maths(source, self.em(size), self.theme.color(color), **hues)

    def running(self, template: str, *widest: float, size: str = "label", color: str = "fg") -> Running:
        """A line of text with numbers that run, such as `"step {:,} of 120,000"`; `widest` values set the room."""
        return Running(template, widest, em=self.em(size), color=self.theme.color(color)).set_z_index(MOVING_TEXT)

    def number(self, spec: str, widest: float, size: str = "label", color: str = "fg") -> Number:
        """A number that runs in a slot as wide as `widest`, written as Python's format `spec` says."""
        return Number(spec, widest, em=self.em(size), color=self.theme.color(color)).set_z_index(MOVING_TEXT)

    def fitting(self, forms: str, width: float, size: str, *values: object) -> str:
        """Of forms of a text, parted by bars and the longest first, the first that is no wider than `width`.

        values: for its fields in braces. The last form stands where none fits.
        """
        *longer, last = forms.split("|")
        fits = (form for form in longer if self.words(form.format(*values), size).width <= width)
        return next(fits, last)

    def roomy(self, text: Typeset, room: float, least: float = 1.0) -> Typeset:
        """A text that grows only where it has room, if all text is to be large; no smaller than `least` of its size."""
        return narrowed(text, max(room, least * text.width / max(self.frame.font_scale, 1.0)))

    def label(
        self, markup: str, x: float, y: float, align: int = -1, size: str = "label", color: str = "fg"
    ) -> Typeset:
        """Words with their baseline at y and their left edge, centre or right edge (align −1, 0, 1) at x."""
        return self.words(markup, size, color).at(x, y, align)

    # ---- header and footer -------------------------------------------------------------------------------------------
    def title(self, markup: str) -> Typeset:
        """The title: flush left in a wide frame, else centred; smaller where it is wider than the frame."""
        wide, made = self.shape == "wide", self.words(markup, "title")
        room = self.frame.width - 2 * EDGE - 0.3
        narrowed(made, room).at(-self.frame.x if wide else 0, self.frame.title_y, -1 if wide else 0)
        self.title_end = float(made.get_right()[0]) if wide else None
        return made

    def equation(self, source: str, **terms: str) -> Typeset:
        """The equation: flush right beside the title in a wide frame, else centred under it; as wide as its room."""
        wide = self.shape == "wide"
        x, align = (self.frame.x, 1) if wide else (0.0, 0)
        made = self.maths(source, **terms)
        if (plain := unnamed(source)) not in self.equations:
            self.equations.append(plain)
        room = self.frame.width - 2 * EDGE - 0.3 if self.title_end is None else x - self.title_end - TITLE_GAP
        if made.width > room > 0:
            made.scale(room / made.width)
        return made.at(x, self.frame.equation_y, align)

    def caption(self, *items: str | Typeset | Running) -> VGroup:
        """The caption, muted, its items parted by dots: one line in a wide frame, else as few centred ones as fit.

        What runs stands last on its line, so that no hole opens behind it.

        Items are Typst text, or texts made as `running(…, size="caption", color="muted")`, in this order: sampler,
        τ or σ, step k of T, what is subsampled or scaled, seed, exact or learned.
        """
        made = [self.words(item, "caption", "muted") if isinstance(item, str) else item for item in items]
        gap = 2 * _DOT_ROOM * self.em("caption")
        lines = _broken([mob.room for mob in made], gap, self.frame.width - 2 * EDGE - 0.1)
        placed: list[Typeset | Running] = []
        for k, unsorted in enumerate(lines):
            row = sorted(unsorted, key=lambda i: isinstance(made[i], Running))
            y = self.frame.caption_y + (len(lines) - 1 - k) * _LINE[self.shape]
            width = sum(made[i].room for i in row) + gap * (len(row) - 1)
            x = -self.frame.x if self.shape == "wide" else -width / 2
            for i in row:
                if i != row[0]:
                    placed.append(self.words("#sym.dot.c", "caption", "muted").at(x - gap / 2, y, 0))
                placed.append(made[i].at(x, y))
                x += made[i].room + gap
        return VGroup(*placed)

    def foot(self, box: Rect) -> tuple[float, float, int]:
        """(x, y, align) of one line of text at the foot of a box: its left edge in a wide frame, else its middle."""
        y = box[2] + 0.3 * self.em("legend")
        return (box[0], y, -1) if self.shape == "wide" else ((box[0] + box[1]) / 2, y, 0)

    def stack(
        self, box: Rect, *texts: AnyText | Sequence[AnyText], gap: float = 0.5, align: int = -1, top: bool = True
    ) -> list[AnyText]:
        """Put texts under each other from the top of a box (or up from its bottom), one baseline each; returns them.

        A text's line is as high as the text, with `gap` of its em to the next. `align` −1, 0, 1: at the left edge, in
        the middle, at the right edge. A sequence of texts stands on one baseline, spread over the width of the box.
        """
        rows = [[text] if isinstance(text, Typeset | Running | Number) else list(text) for text in texts]
        heights = [max(_line_height(text) for text in row) for row in rows]
        y = box[3] if top else box[2] + sum(h + gap * h for h in heights) - gap * heights[-1]
        for row, height in zip(rows, heights, strict=True):
            y -= height
            for k, text in enumerate(row):
                side = align if len(row) == 1 else (-1, 0, 1)[round(2 * k / (len(row) - 1))]
                text.at(((box[0] + box[1]) / 2, box[1], box[0])[side], y + 0.22 * height, side)
            y -= gap * height
        return [text for row in rows for text in row]

    def tag(self, forms: str, rect: Rect, *values: object, right: bool = False, room: float = TAG_ROOM) -> VGroup:
        """A few words on a patch in an upper corner of a rectangle, over what moves there: `forms` of `fitting`.

        room: of the rectangle's width.
        """
        said = self.fitting(forms, room * (rect[1] - rect[0]), "legend", *values).format(*values)
        x, align = (rect[1] - 0.2, 1) if right else (rect[0] + 0.2, -1)
        text = self.label(said, x, rect[3] - 1.2 * self.em("legend"), align, "legend")
        return VGroup(pill(text, self.theme, alpha=0.9), text).set_z_index(TAG)

    # ---- panels ------------------------------------------------------------------------------------------------------
    def panel_label(self, text: AnyText, rect: Rect, *, below: bool = False, align: int = -1) -> AnyText:
        """Put a text over a panel, flush with its left edge (align 1: its right edge).

        In a tall frame labels are centred, and stand under the panel where `below`.
        """
        if isinstance(text, Typeset):
            self.roomy(text, rect[1] - rect[0])
        if self.shape == "tall":
            return text.at((rect[0] + rect[1]) / 2, rect[2] - 0.52 if below else rect[3] + 0.21, 0)
        return text.at(rect[0] if align < 0 else rect[1], rect[3] + (0.18 if self.shape == "wide" else 0.16), align)

    def legend(self, items: Sequence[tuple[Key, float, str]], rect: Rect) -> VGroup:
        """The legend under a panel: (key, its width, text) each. In others than wide ones centred in the frame."""
        gap = {"wide": 0.36, "classic": 0.45, "square": 0.45, "tall": 0.30}[self.shape]
        x, y, align = self._under(rect)
        return legend(items, x, y, self.em("legend"), self.theme, align=align, gap=gap)

    def note(self, markup: str, rect: Rect) -> Typeset:
        """A few words in the place of a panel's legend."""
        return self.label(markup, *self._under(rect), size="legend")

    def _under(self, rect: Rect) -> tuple[float, float, int]:
        drop = {"wide": 0.47, "classic": 0.55, "square": 0.55, "tall": 1.14}[self.shape]
        return (rect[0], rect[2] - drop, -1) if self.shape == "wide" else (0.0, rect[2] - drop, 0)

    def color_key(self, table: np.ndarray, high: str, note: str, rect: Rect) -> VGroup:
        """What the colours mean, in the place of a panel's legend: 0, a bar, `high`, and a muted note."""
        x, y, align = self._under(rect)
        em, length = self.em("legend"), 5.7 * self.em("legend")
        low = self.label("0", x, y, size="legend")
        left = low.get_right()[0] + 0.14
        bar = ColorBar((left, left + length, y + em * 0.12, y + em * 0.48), table, border=self.theme.border)
        top = self.label(high, left + length + 0.14, y, size="legend")
        said = self.label(note, top.get_right()[0] + 0.32, y, size="legend", color="muted")
        key = VGroup(low, bar, top, said)
        return key if align < 0 else key.shift([x - key.get_center()[0], 0, 0])

    def value_bar(
        self, symbol: str, box: Rect, table: np.ndarray, ticks: Mapping[float, str], *, note: str = ""
    ) -> list[Any]:
        """What colours mean, at the top of a box: a symbol, a bar, and under it texts at shares 0..1 of its length.

        One between its ends is left out where there is no room. note: a few words after the last of them, for which the
        bar makes room.
        """
        size = self.em("legend")
        y = box[3] - 0.9 * size
        name = self.label(symbol, box[0], y, size="label")
        left = name.get_right()[0] + 0.25
        said = [self.words(note, "legend", "muted")] if note else []
        right = min(box[1] - sum(text.width + 0.3 for text in said), left + 3.4)
        bar = ColorBar((left, right, y, y + 0.55 * size), table, border=self.theme.border)
        made: list[Any] = [name, bar, *(text.at(right + 0.3, y - 1.15 * size) for text in said)]
        under = [
            self.label(text, bar.at(x)[0], y - 1.15 * size, (x == 1) - (x == 0), "legend", "muted")
            for x, text in ticks.items()
        ]
        ends = [text for share, text in zip(ticks, under, strict=True) if share in (0, 1)]
        between = [text for text in under if text not in ends]
        made += ends + [text for text in between if all(_apart(text, end, 0.3 * size) for end in ends)]
        return made


def narrowed(mob: AnyMobject, room: float) -> AnyMobject:
    """A mobject, smaller if it is wider than its room."""
    return mob.scale(room / mob.width) if mob.width > room else mob


def _apart(a: Typeset, b: Typeset, gap: float) -> bool:
    """Whether two texts on a line have so much room between them."""
    return bool(max(a.get_left()[0], b.get_left()[0]) - min(a.get_right()[0], b.get_right()[0]) > gap)


def _line_height(text: Typeset | Running | Number) -> float:
    """The height of a text's line: its em, or more if it is a tall equation."""
    return max(1.0 * text.em, float(text.height) * 1.05 if isinstance(text, Typeset) else 0.0)


def _broken(widths: Sequence[float], gap: float, room: float) -> list[list[int]]:
    """Items (as indices) on the fewest lines that fit in `room`: in their order if that can be, and even."""

    def lines_of(places: tuple[int, ...]) -> list[list[int]]:
        return [[i for i, p in enumerate(places) if p == line] for line in range(max(places) + 1)]

    def width_of(places: tuple[int, ...]) -> float:
        return max(sum(widths[i] for i in line) + gap * (len(line) - 1) for line in lines_of(places))

    for count in range(1, len(widths) + 1):
        tries = [p for p in product(range(count), repeat=len(widths)) if len(set(p)) == count and width_of(p) <= room]
        if tries:
            return lines_of(min(tries, key=lambda p: (list(p) != sorted(p), width_of(p))))
    return [[i] for i in range(len(widths))]


def fitted(extent: Rect, rect: Rect) -> Rect:
    """The largest part of `extent`, about its centre, that has the shape of `rect`: what a panel shows of it."""
    (x0, x1, y0, y1), shape = extent, (rect[1] - rect[0]) / (rect[3] - rect[2])
    width = min(x1 - x0, (y1 - y0) * shape)
    x, y, w, h = (x0 + x1) / 2, (y0 + y1) / 2, width / 2, width / shape / 2
    return (x - w, x + w, y - h, y + h)


def containing(extent: Rect, rect: Rect) -> Rect:
    """The smallest box about the middle of `extent` that has the shape of `rect` and holds all of it."""
    (x0, x1, y0, y1), shape = extent, (rect[1] - rect[0]) / (rect[3] - rect[2])
    width = max(x1 - x0, (y1 - y0) * shape)
    x, y, w, h = (x0 + x1) / 2, (y0 + y1) / 2, width / 2, width / shape / 2
    return (x - w, x + w, y - h, y + h)
