"""Numbers that run: glyphs that Typst has set once, put side by side anew at every value."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from string import Formatter

import numpy as np
from manim import VGroup

from diffrender.animation.text.glyph import Glyph
from diffrender.animation.text.language import THIN, spoken
from diffrender.animation.text.typst import Typeset, ink, placed

# widths in em of New Computer Modern
_DIGIT = 0.5
_ADVANCE = {",": 0.278, ".": 0.278, "−": 0.778, "+": 0.778, "∞": 1.0, "e": 0.444, "n": 0.556, " ": 0.5, THIN: 0.2}


@cache
def _glyphs() -> dict[str, np.ndarray]:
    """Outlines (4k, 3) of what numbers are written with, one em high, from the baseline's left end of their cell."""
    chars = "0123456789,.−+∞ena"  # 1e+12 and nan too
    line = Typeset(f"#strut;{chars}", 1.0, "#FFFFFF").at(0, 0)
    ink_left = float(line.submobjects[0].points[:, 0].min())
    zero = Typeset('#strut;#slot("00", 1);0', 1.0, "#FFFFFF")
    bearing = float(zero.submobjects[0].points[:, 0].min()) - float(zero.slots[0][0]) - 1.0
    x, glyphs = ink_left - bearing, {blank: np.zeros((0, 3)) for blank in (" ", THIN)}
    for char, points in zip(chars, line.submobjects[0].outlines, strict=True):
        glyphs[char] = points - [x, 0, 0]
        x += _ADVANCE.get(char, _DIGIT)
    return glyphs


def _number_text(spec: str, value: float) -> str:
    return spoken().number(format(value, spec).replace("-", "−").replace("inf", "∞"))


def _number_width(text: str) -> float:
    return sum(_ADVANCE.get(char, _DIGIT) for char in text)


class Number(Glyph):
    """A number in a slot of fixed width, right-aligned, so that it does not dance as it runs.

    Setting it moves glyphs that exist already: no Typst, no new mobject. `widest` is the value that fills the slot;
    with `flush_left` the number begins at the slot's left end instead.

    >>> sigma = Number(".2f", 1, em=.3, color=theme.fg).at(0, 0)
    >>> sigma.set_value(.19)
    """

    def __init__(self, spec: str, widest: float, *, em: float, color: str, flush_left: bool = False) -> None:
        super().__init__()
        self.spec, self.em, self.value, self.flush_left = spec, em, float("nan"), flush_left
        self.cell = _number_width(_number_text(spec, widest))
        self.laid = np.zeros((1, 3))  # what the points are when the slot stands at the origin
        self.points = self.laid.copy()
        ink(self, color, em)
        self.set_value(widest)

    @property
    def corner(self) -> np.ndarray:
        """(3,) left end of the slot's baseline, wherever the number was moved."""
        return self.points[0] - self.laid[0]

    @property
    def room(self) -> float:
        """The width of the slot in units."""
        return self.cell * self.em

    @property
    def length(self) -> float:
        """The width in units of the number itself."""
        return _number_width(_number_text(self.spec, self.value)) * self.em

    def at(self, x: float, y: float, align: int = -1) -> Number:
        """Put the baseline at y, and the slot's left end (align −1), middle (0) or right end (1) at x."""
        self.shift(np.array([x - (align + 1) / 2 * self.room, y, 0.0]) - self.corner)
        return self

    def set_value(self, value: float) -> Number:
        """Show `value`."""
        if value != self.value:
            self.value, corner = value, self.corner
            text, glyphs, parts = _number_text(self.spec, value), _glyphs(), []
            x = 0.0 if self.flush_left else self.cell - _number_width(text)
            for char in text:
                parts.append(glyphs[char] + [x, 0, 0])
                x += _ADVANCE.get(char, _DIGIT)
            self.laid = np.concatenate(parts) * self.em
            self.ends = np.cumsum([len(part) for part in parts]).tolist()
            self.points = self.laid + corner
        return self


class Running(VGroup):
    """A line of text with numbers in it that run: fields in braces are numbers, of which the `widest` set the room.

    The text closes up behind a number that is shorter than the widest, so it moves only when a digit is added; a text
    that was put down by its right edge or its centre keeps that edge.

    >>> step = Running("step {:,} of 120,000", [120000], em=.27, color=theme.muted)
    >>> step.set_values(1605)
    """

    def __init__(self, template: str, widest: Sequence[float], *, em: float, color: str) -> None:
        specs: list[str] = []
        source = ""
        for literal, _, spec, _ in Formatter().parse(spoken().line(template)):
            source += literal
            if spec is not None:
                width = _number_width(_number_text(spec, widest[len(specs)]))
                source += f'#slot("{len(specs):02x}", {width:.3f});'
                specs.append(spec)
        self.line = Typeset(f"#strut;{source}", em, color)
        self.numbers = [
            Number(s, w, em=em, color=color, flush_left=True).at(*slot[:2])
            for s, w, slot in zip(specs, widest, self.line.slots, strict=True)
        ]
        lefts = [float(slot[0]) for slot in self.line.slots]
        # what stands behind each number: glyphs, and the numbers after it
        self.behind = [
            [glyph for glyph in self.line.submobjects if glyph.get_left()[0] > left] + self.numbers[k + 1 :]
            for k, left in enumerate(lefts)
        ]
        super().__init__(self.line, *self.numbers)
        self.widest, self.room, self.align = tuple(widest), float(self.width), -1
        self.closed = [number.length for number in self.numbers]  # the room that each number has now

    @property
    def em(self) -> float:
        """Size in units."""
        return self.numbers[0].em if self.numbers else self.line.em

    def at(self, x: float, y: float, align: int = -1) -> Running:
        """Put the baseline at y, and the left edge (align −1), the centre (0) or the right edge (1) at x.

        The edges are those of the widest values, whatever is shown now.
        """
        now = [number.value for number in self.numbers]
        self.align = -1
        self.set_values(*self.widest)
        placed(self, x, y - self.line.baseline, align)
        self.align = align
        return self.set_values(*now)

    def set_values(self, *values: float) -> Running:
        """Show these values."""
        moved = 0.0
        for k, (number, value) in enumerate(zip(self.numbers, values, strict=True)):
            number.set_value(value)
            if change := number.length - self.closed[k]:
                self.closed[k] += change
                moved += change
                for mob in self.behind[k]:
                    mob.points += [change, 0, 0]
        if moved and self.align >= 0:
            self.shift([-moved * (self.align + 1) / 2, 0, 0])
        return self


def same_text(a: object, b: object) -> bool:
    """Whether two texts look the same now, in the same place."""
    if isinstance(a, Typeset) and isinstance(b, Typeset):
        return a.body == b.body and bool(np.allclose(a.get_center(), b.get_center(), atol=1e-3))
    if isinstance(a, Running) and isinstance(b, Running):
        values = [(m.spec, m.value) for m in a.numbers], [(m.spec, m.value) for m in b.numbers]
        return values[0] == values[1] and same_text(a.line, b.line)
    return False
