"""The test of a proposal, under the window: the probability A of taking it as a bar, the draw u on it, what follows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from manim import VGroup, VMobject

from diffrender.animation.animations import OpacityScale
from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import MOVING_TEXT, Page, narrowed
from diffrender.animation.mobjects.furniture.arrow import set_polygons
from diffrender.animation.parts.zoom.path_window import after
from diffrender.trajectory.reader import Trajectory

OUT = 0.2  # of the legend's em: how far the mark of u stands out of the bar
FLOW = "dot(x) = {{v : accept}}, quad dot(v) = {{nabla log p(x) : score}}"  # which leapfrog steps follow
FIGURES = (("$Delta H =$ {:+.2f}", -8.88, "fg"), ("$A =$ {:.3f}", 0.888, "accept"))
WORD, BAR, DRAW, FOOT = 1.45, 1.1, 1.3, 1.25  # height of the lines, in em
PAD, TALLY = 0.14, 0.75  # at the sides; of the width, for how many were taken, at most


def parted(page: Page, window: Box) -> tuple[Box, Box]:
    """A window and, at its foot, the strip in which proposals are decided."""
    lines = (
        WORD * page.em(_size(page)),
        (BAR + DRAW + FOOT) * page.em("legend"),
        _narrow(page) * WORD * page.em("label"),
    )
    middle = window.bottom + sum(lines)
    return window._replace(bottom=middle), window._replace(top=middle).inset(PAD, 0)


class Decision(VGroup):
    """A proposal is taken if the uniform draw u falls on the part A of a bar of length 1; beside it what became of it.

    At its foot stands why there is a test; once it is decided, which state counts, and how many were taken so far.
    accepted: (T,) bool. likely, draw: (T,) A and u as recorded. change: (T,) of the energy, where there is one. Where a
    recording has no such numbers, the word stands alone over its foot.
    """

    def __init__(self, page: Page, strip: Box, run: Trajectory, words: Mapping[str, str]) -> None:
        theme, em = page.theme, page.em("legend")
        self.accepted = np.asarray(run["accepted"][:, 0], bool)
        high = y = strip.top - 1.1 * page.em(_size(page))
        x, align, room = strip.right, 1, strip.width
        if _narrow(page):  # the word stands under the figures
            high, y = strip.top - 1.1 * page.em("label"), y - WORD * page.em("label")
            x, align = strip.center[0], 0
        self.words = [page.label(words[name], x, y, align, _size(page), color)
                      for name, color in (("refused", "reject"), ("taken", "accept"))]  # fmt: skip
        if not _narrow(page):
            room -= max(word.width for word in self.words) + em
        self.strengths = [OpacityScale(word) for word in self.words]
        self.foot = FootLine(page, strip, self.accepted, words, why="energy" if "momentum_end" in run else "step")
        super().__init__(*self.words, self.foot)
        self.numbered = "log_ratio" in run and "uniform" in run
        if not self.numbered:
            return
        self.change = -np.asarray(run["log_ratio"][:, 0], float)
        self.likely, self.draw = np.exp(np.minimum(-self.change, 0.0)), np.asarray(run["uniform"][:, 0], float)
        for size in ("label", "legend"):
            self.figures = [page.running(form, widest, size=size, color=color) for form, widest, color in FIGURES]
            self.figures = self.figures if "momentum_end" in run else self.figures[1:]
            if sum(text.room + em for text in self.figures) < room:
                break
        if not _narrow(page):  # a long word is smaller
            for word in self.words:
                narrowed(word, strip.width - sum(text.room + em for text in self.figures)).at(x, y, align)
        for k, text in enumerate(self.figures):
            text.at(strip.left + k * (self.figures[0].room + em), high)
        ends = [page.label(text, x, 0, align, "legend", "muted")
                for text, x, align in (("0", strip.left, -1), ("1", strip.right, 1))]  # fmt: skip
        self.left, self.right = strip.left + ends[0].width + 0.5 * em, strip.right - ends[1].width - 0.5 * em
        self.low, self.under = strip.bottom + (DRAW + FOOT) * em, strip.bottom + (0.35 + FOOT) * em
        self.high = self.low + 0.7 * em
        for end in ends:
            end.shift([0, self.low + 0.02 * em - end.baseline, 0])
        self.bars = {name: VMobject(fill_color=theme.color(color), fill_opacity=alpha, stroke_width=0)
                     for name, color, alpha in (("rest", "reject", 0.45), ("likely", "accept", 1.0))}  # fmt: skip
        self.track = VMobject(fill_color=theme.grid, fill_opacity=1, stroke_width=0)
        set_polygons(self.track, [self._box(0, 1)])
        self.mark = VMobject(fill_color=theme.fg, fill_opacity=1, stroke_color=theme.bg, stroke_width=2)
        self.drawn = page.running(words["uniform"], 0.888, size="legend")
        self.em, self.step, self.paths = em, -1, "momentum_end" in run
        before, scale = self._before(page, strip, words, high), VGroup(self.track, *ends)
        self.fading = [OpacityScale(mob) for mob in (before, scale, self.drawn, self.mark, *self.figures)]
        self.add(before, *self.figures, scale, *self.bars.values(), self.mark, self.drawn)
        self.set_z_index(MOVING_TEXT)

    def _before(self, page: Page, strip: Box, words: Mapping[str, str], high: float) -> VGroup:
        """What stands there until a proposal is judged: the rule; of paths what they follow, and what is judged."""
        if not self.paths:
            rule = page.words(page.fitting(words["rule"], strip.width, "label"), color="muted")
            return VGroup(narrowed(rule, strip.width).at(strip.left, high))
        change = page.label(words["energy"], strip.left, self.low, -1, "legend")
        return VGroup(narrowed(page.maths(FLOW, "label"), strip.width).at(strip.left, high), change)

    def show(self, step: int, done: Mapping[str, float]) -> None:
        """Show step `step` as far as it has been decided: first A, then u, then what became of the proposal."""
        judged = done["hold"]
        self.foot.show(step, judged)
        for fate, strength in enumerate(self.strengths):
            strength.set(after(judged, 0.6, 0.8) if fate == self.accepted[step] else 0.0)
        if not self.numbered:
            return
        likely, draw, grown = float(self.likely[step]), float(self.draw[step]), after(judged, 0.1, 0.35)
        set_polygons(self.bars["likely"], [self._box(0, likely * grown)] if likely * grown > 1e-3 else [])
        set_polygons(self.bars["rest"], [self._box(likely, 1)] if grown == 1 and likely < 0.999 else [])
        for strength, shown in zip(self.fading, self._fading(judged), strict=True):
            strength.set(shown)
        if step == self.step:
            return
        self.step = step
        change = float(self.change[step]) if abs(self.change[step]) >= 0.005 else 0.0  # which is not written −0.00
        for text, value in zip(reversed(self.figures), (likely, change), strict=False):
            text.set_values(value)
        x, half = self._x(draw), self.drawn.room / 2
        self.drawn.set_values(draw).at(float(np.clip(x, self.left + half, self.right - half)), self.under, 0)
        half, out = 0.1 * self.em, OUT * self.em
        ends = (self.low - out, self.high + out)
        set_polygons(self.mark, [np.array([[x + s * half, ends[t], 0] for s, t in ((-1, 0), (1, 0), (1, 1), (-1, 1))])])

    def _fading(self, judged: float) -> tuple[float, ...]:
        """How far what stands first, the bar's ground, u, its mark, and the figures in place of the first are there."""
        drawn, likely = after(judged, 0.4, 0.6), after(judged, 0.1, 0.3)
        ground = likely if self.paths else 1.0
        return 1 - after(judged, 0, 0.1), ground, drawn, drawn, *(likely for _ in self.figures)

    def _x(self, value: float) -> float:
        return self.left + value * (self.right - self.left)

    def _box(self, start: float, end: float) -> np.ndarray:
        """(4, 3) corners of the part of the bar between two probabilities."""
        a, b = self._x(start), self._x(end)
        return np.array([[a, self.low, 0], [b, self.low, 0], [b, self.high, 0], [a, self.high, 0]])


class FootLine(VGroup):
    """Why proposals are tested; once one is decided, which state counts now and how many of all were taken.

    accepted: (T,) bool. why: `energy`, which leapfrog steps do not keep, or `step`, which is finite.
    """

    def __init__(self, page: Page, strip: Box, accepted: np.ndarray, words: Mapping[str, str], *, why: str) -> None:
        em, low = page.em("legend"), strip.bottom + 0.4 * page.em("legend")
        self.accepted, self.taken, self.step = accepted, np.cumsum(accepted), -1
        most = len(accepted)
        form = page.fitting(words["tally"], TALLY * strip.width, "legend", most, most)
        self.tally = page.running(form, most, most, size="legend", color="muted")
        self.tally.at(strip.right, low, 1)
        room = strip.width - self.tally.room - em
        reason = page.words(page.fitting(words[f"why_{why}"], strip.width, "legend"), "legend", "muted")
        self.lines = [narrowed(reason, strip.width).at(strip.left, low)]
        for name, color in (("again", "reject"), ("moved_on", "accept")):
            line = page.words(page.fitting(words[name], room, "legend"), "legend", color)
            self.lines.append(line.at(strip.left, low))
        super().__init__(*self.lines, self.tally)
        self.strengths = [OpacityScale(mob) for mob in (*self.lines, self.tally)]

    def show(self, step: int, judged: float) -> None:
        """Show the reason until 0..1 of the judgement of a step has passed, and then what follows."""
        follows, taken = after(judged, 0.6, 0.8), bool(self.accepted[step])
        shown = (1 - after(judged, 0.4, 0.6), follows * (not taken), follows * taken, follows)
        for strength, there in zip(self.strengths, shown, strict=True):
            strength.set(there)
        if step != self.step:
            self.step = step
            self.tally.set_values(int(self.taken[step]), step + 1)


def _size(page: Page) -> str:
    """Of the word: as large as there is room in the height."""
    return "equation" if page.shape == "tall" else "title"


def _narrow(page: Page) -> bool:
    """Whether figures and word have no room beside each other."""
    return page.shape in ("classic", "square")
