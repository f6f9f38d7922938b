"""The loop of a sampler as its own source has it, with the line that is at work."""

from __future__ import annotations

import ast
import json
import textwrap
from typing import Any

from manim import Rectangle, VGroup

from diffrender.animation.layout.arrangements import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.text.typst import words

LINE_HEIGHT = 1.5  # of a line of code, in em
INDENT = 2.4  # of four spaces, in em
WIDTH = 0.61  # of a character, in em


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


class CodePanel:
    """Lines of code in a box, and a bar behind one of them.

    asks: the line in which the model is asked; None if there is none. em: size of the type in units.
    """

    def __init__(self, page: Page, lines: list[str], box: Box) -> None:
        theme, longest = page.theme, max(len(line.strip()) + 4 * _depth(line) for line in lines)
        self.em = min(page.em("legend"), box.height / (LINE_HEIGHT * len(lines)), (box.width - 0.4) / (WIDTH * longest))
        self.lines, self.box = lines, box
        self.asks = next((k for k, line in enumerate(lines) if "denoise(" in line), None)
        step = LINE_HEIGHT * self.em
        top = box.center[1] + step * len(lines) / 2
        self.heights = [top - (k + 0.5) * step for k in range(len(lines))]
        # Typst sets raw text at 0.8 em
        quoted = [json.dumps(line.strip(), ensure_ascii=False) for line in lines]
        texts = [words(f"#text(size: 1.25em, raw({line}))", self.em, theme.fg) for line in quoted]
        self.texts = VGroup(
            *(
                text.at(box.left + 0.2 + INDENT * self.em * _depth(line), y - 0.25 * self.em)
                for text, line, y in zip(texts, lines, self.heights, strict=True)
            )
        ).set_z_index(1)
        self.bar = Rectangle(width=box.width, height=step, stroke_width=0, fill_color=theme.samples, fill_opacity=0.32)
        self.mark(0)

    @property
    def mobjects(self) -> list[Any]:
        """The bar, and the lines over it."""
        return [self.bar, self.texts]

    def mark(self, line: int) -> None:
        """Put the bar behind a line."""
        self.bar.move_to([self.box.center[0], self.heights[line], 0])


def _depth(line: str) -> int:
    """By how many levels a line is indented."""
    return (len(line) - len(line.lstrip())) // 4
