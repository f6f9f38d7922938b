"""Where things go in a frame, and the furniture every scene has: title, equation, labels, legends, caption.

One layout is written for wide, square and tall frames each; beside each other in a wide frame is above each other in a
tall one. All text stands on baselines.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from manim import VGroup, VMobject

from .mobjects.furniture import Key, Rect, legend
from .text import Running, Typeset, maths, words
from .theme import EDGE, Frame, Theme

_DOT_ROOM = 0.62  # on each side of the dot between items of a caption, in em
_LINE = {"wide": 0.42, "square": 0.45, "tall": 0.52}  # from one caption line to the next


class Page:
    """The places and the type of one frame in one theme. What it makes is placed, and not yet added to a scene."""

    def __init__(self, frame: Frame, theme: Theme) -> None:
        self.frame, self.theme = frame, theme

    @property
    def shape(self) -> str:
        """`wide`, `square` or `tall`."""
        return self.frame.shape

    # ---- text --------------------------------------------------------------------------------------------------------
    def em(self, size: str) -> float:
        """Em height in units of `title`, `equation`, `label`, `legend`, `caption` or `floor`."""
        return getattr(self.frame.type, size)

    def words(self, markup: str, size: str = "label", color: str = "fg") -> Typeset:
        """A line of Typst text in one of the page's sizes and one of the theme's colours."""
        return words(markup, self.em(size), self.theme.color(color))

    def maths(self, source: str, size: str = "equation", **terms: str) -> Typeset:
        """An equation; `terms` colours its `{{ … : name }}` by the theme: `noise="noise"`."""
        return maths(source, self.em(size), self.theme.fg, **{k: self.theme.color(v) for k, v in terms.items()})

    def running(self, template: str, *widest: float, size: str = "label", color: str = "fg") -> Running:
        """A line of text with numbers that run, such as `"step {:,} of 120,000"`; `widest` values set the room."""
        return Running(template, widest, self.em(size), self.theme.color(color))

    def label(
        self, markup: str, x: float, y: float, align: int = -1, size: str = "label", color: str = "fg"
    ) -> Typeset:
        """Words with their baseline at y and their left edge, centre or right edge (align −1, 0, 1) at x."""
        return self.words(markup, size, color).at(x, y, align)

    # ---- header and footer -------------------------------------------------------------------------------------------
    def title(self, markup: str) -> Typeset:
        """The title: flush left in a wide frame, else centred."""
        wide = self.shape == "wide"
        return self.words(markup, "title").at(-self.frame.x if wide else 0, self.frame.title_y, -1 if wide else 0)

    def equation(self, source: str, tall: bool = False, **terms: str) -> Typeset:
        """The equation: flush right on the title's line in a wide frame, else centred under the title.

        tall: it holds a stacked fraction; it is set smaller and centred on its line.
        """
        text = self.maths(source, **terms)
        wide = self.shape == "wide"
        text.at(self.frame.x if wide else 0, self.frame.equation_y, 1 if wide else 0)
        if tall:
            right, line = text.get_right()[0], self.frame.equation_y + 0.10
            text.scale(0.8).set_y(line)
            text.shift([right - text.get_right()[0] if wide else 0, 0, 0])
        return text

    def caption(self, *items: str | VMobject) -> VGroup:
        """The caption, muted, its items parted by dots: one line in a wide frame, else as few centred ones as fit.

        Items are Typst text, or mobjects with a `.at(x, y)` such as `running(…, size="caption", color="muted")`. Order:
        sampler, τ or σ, step k of T, what is subsampled or scaled, seed, exact or learned.
        """
        made = [self.words(i, "caption", "muted") if isinstance(i, str) else i for i in items]
        gap = 2 * _DOT_ROOM * self.em("caption")
        lines = _broken([m.width for m in made], gap, self.frame.width - 2 * EDGE - 0.1)
        group = VGroup()
        for k, line in enumerate(lines):
            y = self.frame.caption_y + (len(lines) - 1 - k) * _LINE[self.shape]
            width = sum(made[i].width for i in line) + gap * (len(line) - 1)
            x = -self.frame.x if self.shape == "wide" else -width / 2
            for i in line:
                if i != line[0]:
                    group.add(self.words("#sym.dot.c", "caption", "muted").at(x - gap / 2, y, 0))
                group.add(made[i].at(x, y))
                x += made[i].width + gap
        return group

    # ---- panels ------------------------------------------------------------------------------------------------------
    def pair(self) -> tuple[Rect, Rect]:
        """Two panels of one size: side by side, in a tall frame above each other."""
        w, h = self.frame.x, self.frame.height / 2
        if self.shape == "tall":
            top, bottom, gap = h - 2.97, -h + 2.70, 0.85
            side = (top - bottom - gap) / 2
            return (-w, w, top - side, top), (-w, w, bottom, bottom + side)
        top, bottom, gap = (h - 1.81, -h + 1.42, 1.72) if self.shape == "wide" else (h - 2.45, -h + 2.25, 0.70)
        return (-w, -gap / 2, bottom, top), (gap / 2, w, bottom, top)

    def panel_label(self, text: Typeset | Running, rect: Rect, below: bool = False) -> Typeset | Running:
        """Put a text over a panel, flush with its left edge; in a tall frame centred, and under it where `below`."""
        if self.shape == "tall":
            return text.at((rect[0] + rect[1]) / 2, rect[2] - 0.52 if below else rect[3] + 0.21, 0)
        return text.at(rect[0], rect[3] + (0.18 if self.shape == "wide" else 0.16))

    def legend(self, items: Sequence[tuple[Key, float, str]], rect: Rect) -> VGroup:
        """The legend under a panel: (key, its width, text) each. In square and tall frames centred in the frame."""
        drop = {"wide": 0.47, "square": 0.55, "tall": 1.14}[self.shape]
        align = -1 if self.shape == "wide" else 0
        gap = {"wide": 0.36, "square": 0.45, "tall": 0.30}[self.shape]
        x = rect[0] if self.shape == "wide" else 0.0
        return legend(items, x, rect[2] - drop, self.em("legend"), self.theme, align=align, gap=gap)


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
