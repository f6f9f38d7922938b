"""The loop of a sampler as its own source has it, with the line that is at work."""

from __future__ import annotations

import ast
import json
import textwrap
from typing import Any

from manim import Rectangle, VGroup

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.text.language import own
from diffrender.animation.text.typst import words

LINE_HEIGHT, TIGHT = 1.5, 1.25  # of a line of code, in em: where there is room, and at least
INDENT = 2.4  # of four spaces, in em
WIDTH = 0.603  # of a character, in em


def loop_of(source: str) -> list[str]:
    """The lines of the last `for` loop at the top of a function, without what all of them are indented by; [] if none.

    source: of a sampler, as a recording holds it. It is parsed, never run.
    """
    try:
        tree = ast.parse(textwrap.dedent(source))
    except SyntaxError:
        return []
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    loops = [node for function in functions for node in function.body if isinstance(node, ast.For)]
    if not loops:
        return []
    lines = textwrap.dedent(source).splitlines()[loops[-1].lineno - 1 : loops[-1].end_lineno]
    return [line.split("  #")[0].rstrip() for line in textwrap.dedent("\n".join(lines)).splitlines()]


def wrapped(line: str, width: int) -> list[str]:
    """A line of code as rows of at most `width` characters where it can be: parted at spaces, then indented more."""
    rows, indent = [line], " " * (len(line) - len(line.lstrip()) + 8)
    while len(rows[-1]) > width:
        at = rows[-1].rfind(" ", len(indent) + 1, width + 1)
        if at < 0:
            break
        rows[-1:] = [rows[-1][:at], indent + rows[-1][at + 1 :]]
    return rows


class CodePanel:
    """Lines of code in a box, as large as fit, long ones wrapped if that makes them larger; a bar behind one of them.

    asks: the line in which the model is asked; None if there is none. em: size of the type in units.
    """

    def __init__(self, page: Page, lines: list[str], box: Box) -> None:
        theme = page.theme

        def size(rows: list[list[str]]) -> float:
            count, longest = sum(map(len, rows)), max(len(row) for part in rows for row in part)
            return min(page.em("legend"), box.height / (TIGHT * count), (box.width - 0.4) / (WIDTH * longest))

        tries = [[wrapped(line, width) for line in lines] for width in range(max(map(len, lines)), 30, -1)]
        parts = max(tries or [[[line] for line in lines]], key=size)
        self.em, self.box = size(parts), box
        self.asks = next((k for k, line in enumerate(lines) if "denoise(" in line), None)
        rows = [(row, k) for k, part in enumerate(parts) for row in part]
        step = min(LINE_HEIGHT * self.em, box.height / len(rows))
        top = box.center[1] + step * len(rows) / 2
        heights = [top - (k + 0.5) * step for k in range(len(rows))]
        self.spans = [[y for y, (_, own) in zip(heights, rows, strict=True) if own == k] for k in range(len(lines))]
        texts = [
            words(_raw(row), self.em, theme.fg).at(box.left + 0.2 + INDENT * self.em * _depth(row), y - 0.25 * self.em)
            for (row, _), y in zip(rows, heights, strict=True)
        ]
        self.texts, self.step = VGroup(*texts).set_z_index(1), step
        self.bar = Rectangle(width=box.width, height=step, stroke_width=0, fill_color=theme.samples, fill_opacity=0.32)
        self.mark(0)

    @property
    def mobjects(self) -> list[Any]:
        """The bar, and the lines over it."""
        return [self.bar, self.texts]

    def mark(self, line: int) -> None:
        """Put the bar behind a line, all its rows."""
        span = self.spans[line]
        self.bar.stretch_to_fit_height(self.step * len(span))
        self.bar.move_to([self.box.center[0], (span[0] + span[-1]) / 2, 0])


def _raw(line: str) -> str:
    """A line of code as Typst, the same in any language: raw text is set at 0.8 em."""
    return own(f"#text(size: 1.25em, raw({json.dumps(line.strip(), ensure_ascii=False)}))")


def _depth(line: str) -> int:
    """By how many levels a line is indented."""
    return (len(line) - len(line.lstrip())) // 4
