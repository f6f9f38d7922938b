"""Judgement of what came out: figures beside those of true samples, in a column or in lines, and a closing sentence."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from manim import UL, Circle, VGroup

from diffrender.animation.layout.box import Box, Boxes
from diffrender.animation.layout.judged_panels import LINE as LEADING, judged_panels
from diffrender.animation.layout.page import Page, narrowed
from diffrender.animation.layout.plane import Plane
from diffrender.animation.parts.judgement import Judgement, judgement
from diffrender.animation.text.language import own, spoken
from diffrender.animation.text.typst import Typeset
from diffrender.animation.theme import LINE
from diffrender.trajectory.distance import compared_points, strays
from diffrender.trajectory.reader import Trajectory

# forms, the longest first; in a column they may have lines
NEAREST = (
    "mean distance to the nearest data|mean distance\nto the nearest data|to the nearest data|to the\nnearest data"
)
WHOLE = "sliced Wasserstein\ndistance to the data|sliced Wasserstein|sliced\nWasserstein|sliced $W_2$"
STRAY = "stray points|stray"
TRUE = (
    "two true samples of {0:,},\n90 % range|two true samples\nof {0:,}, 90 % range|two true\nsamples of {0:,},"
    "\n90 % range|true samples,\n90 % range"
)
ROWS = (  # of lines under the panels
    ("mean distance to the nearest data", "sliced Wasserstein to the data", "stray points"),
    ("to the nearest data", "sliced Wasserstein", "stray points"),
    ("nearest data", "sliced $W_2$", "stray"),
    ("nearest data", "sliced $W_2$", "stray"),
)
HEADS = (
    "two true samples of {:,}, 90 % range",
    "two true samples, 90 % range",
    "true samples, 90 % range",
    "true samples,\n90 % range",
)
MEANT = (  # by stray points, for a caption
    "stray: farther than any data point is from its nearest neighbour"
    "|stray: farther than data points from their nearest|stray: where no data are"
)
ONLY_STRAY = "{:,} of {:,} stray from the data|{:,} of {:,} stray"  # if too few data were recorded for more
PARTS = re.compile(r"(?<=,) |(?<=、)")  # between parts of a figure: not a number's own comma
TIGHT = 1.12  # em from line to line, at least
MANY = 0.1  # share of points that stray, from which on rings would hide what they are to show
GAPS, ROOM, SPARE = (
    (1.6, 1.6, 0.9, 0.9),
    1.06,
    1.0,
)  # em, between columns; of the room before they are shorter; over figures
FEW, LEAST = 16, 0.7  # rings of full size; how much smaller they are at least, where there are more
RING, POINT = 0.12, 0.042  # radius of the rings round points that stray; in space of their points, that have a rim
KEY = 0.34, 0.5  # em: radius of a ring after the name of such points, and from that to it
LARGEST = {"wide": 1.4, "classic": 1.25, "square": 1.15, "tall": 1.1}  # times the label: the closing sentence

Block = list[list[tuple[Typeset, float]]]  # texts that belong together, by lines, and how far right each begins


class JudgedTable:
    """Beside or under two panels of samples and of two true samples: mean distance to the nearest data, sliced
    Wasserstein distance and how many points shown stray; and a sentence on whether all three are as those of true ones.

    A point strays if it is farther from the data shown than any of these is from its nearest. right: the view of the
    samples, at rest; those that stray have rings if they are few. points: shown of the data and of the samples, each.
    last: all samples. name: of them. also: a line more, of the marks, over figures that lie under the panels or under
    those in a column. mobjects: the texts. meant: what a caption must say of them. rings: to be shown when the points
    are in place.
    """

    @staticmethod
    def boxes(page: Page, seen: np.ndarray, *, more: int = 0) -> Boxes:
        """`judged_panels` for points (M, 2) of the data, as they are seen at the end."""
        width, height = np.ptp(seen, axis=0)
        return judged_panels(page.frame, float(width / height) if width and height else 1.0, more=more)

    @staticmethod
    def compared(run: Trajectory) -> int:
        """How many of the last states of a run are judged, beside as many of the data; 0 if too few were recorded."""
        return compared_points(run, run.states[-1]) or 0

    def __init__(
        self,
        page: Page,
        run: Trajectory,
        last: np.ndarray,
        right: Plane,
        boxes: Boxes,
        *,
        points: int,
        name: str,
        also: str = "",
    ) -> None:
        self.page, self.name, self.also, self.box = page, name, also, boxes.figures
        self.space = right.dims == 3
        shown = np.asarray(last[:points], float)
        far = strays(shown, np.asarray(run.target[:points], float))
        stray = int(far.sum())
        self.rings, outside = VGroup(), 0
        if 0 < stray <= MANY * len(shown):
            seen = self._seen(right, shown[far])
            self.rings, outside = self._rings(right, shown[far][seen]), int((~seen).sum())
        judged = judgement(run, last, far, outside=outside)
        said = judged.said if judged else "|".join(form.format(stray, len(shown)) for form in ONLY_STRAY.split("|"))
        self.mobjects: list[Any] = self._sentence(said, boxes.verdict)
        if judged:
            self.mobjects += self._column(judged) if boxes.column else self._lines(judged)
        self.meant = page.fitting(MEANT, page.frame.width - 0.6, "caption")

    @staticmethod
    def _seen(right: Plane, points: np.ndarray) -> np.ndarray:
        """(N,) which of points (N, D) lie in the panel."""
        at, (a, b, c, d) = right.to_scene(points), right.rect
        return np.asarray((at[:, 0] > a) & (at[:, 0] < b) & (at[:, 1] > c) & (at[:, 1] < d))

    def _rings(self, right: Plane, points: np.ndarray) -> Any:
        """A ring round each of points (N, D); in space points with a rim, that turn with the rest."""
        theme = self.page.theme
        if not len(points):
            return VGroup()
        if right.dims == 3:
            rim: dict[str, Any] = {"color": theme.samples, "radius": POINT, "ring": theme.fg}
            cloud = right.cloud(points, **rim)
            cloud.haze = theme.samples  # far or near, they look as the key has them
            return cloud
        radius = RING * max(LEAST, min(1.0, (FEW / len(points)) ** 0.5))
        drawn = [Circle(radius=radius).set_stroke(theme.fg, 100 * LINE).move_to([*p, 0.0])
                 for p in right.to_scene(points)[:, :2]]  # fmt: skip
        return VGroup(*drawn).set_z_index(9)

    def _sentence(self, forms: str, box: Box) -> list[Any]:
        """The closing sentence, larger than all text under the title: in a tall frame in two lines if it needs them."""
        page, em = self.page, LARGEST[self.page.shape] * self.page.em("label")
        least = page.em("legend") / em
        for form in forms.split("|"):
            whole = spoken().line(form)
            parts = in_two(whole) if page.shape == "tall" else [whole]
            said = [page.words(own(part)).scale(em / page.em("label")) for part in parts]
            wide = max(text.width for text in said)
            if wide * least <= box.width:
                break
        part = min(1.0, box.width / wide)
        step, foot = 1.25 * em * part, page.foot(box)[1]
        room = box.height - 0.3 * page.em("legend") - em * part - step * (len(said) - 1)
        up = foot + max(0.0, 0.35 * room)
        return [text.scale(part).at(box.center[0], up + k * step, 0) for k, text in enumerate(reversed(said))]

    def _column(self, judged: Judgement) -> list[Any]:
        """Under each other: whose figures they are, and each under its name, with its range beside it or under it."""
        em, box = self.page.em("legend"), self.box
        line = LEADING * em
        for brief in (False, True):
            blocks = self._blocks(judged, brief)
            spare = box.height - line * sum(len(block) for block in blocks)
            if spare > 0:
                break
        if spare < 0.2 * em * len(blocks):  # lines stand closer before letters become smaller
            count = sum(len(block) for block in blocks)
            line = min(line, max(TIGHT * em, (box.height - 0.2 * em * len(blocks)) / count))
        gap = min(max(spare / len(blocks), 0.2 * em), SPARE * em)
        y = box.top - 0.45 * line
        for block in blocks:
            for row in block:
                for text, across in row:
                    text.at(box.left + across, y - 0.3 * em)
                y -= line
            y -= gap
        whole = VGroup(*(text for block in blocks for row in block for text, _ in row))
        if len(self.rings):
            whole.add(self._ring_key(blocks[3][0][0][0]))
        part = min(1.0, box.width / whole.width, (box.height - 0.3 * em) / whole.height)
        return [whole.scale(part, about_point=whole.get_corner(UL))]

    def _blocks(self, judged: Judgement, brief: bool) -> list[Block]:
        """Whose figures they are, in their colours; for each figure its name, and it with its range; and marks."""
        head = self._fitted(self.name, "samples", brief) + self._fitted(TRUE, "data", brief, judged.size)
        names = [self._fitted(forms, "muted", brief) for forms in (NEAREST, WHOLE, STRAY)]
        figures = [self._figure(text) for text in judged.figures]
        true = [self.page.words(text, "legend", "data") for text in judged.true]
        across = self._across([lines[-1].width for lines in figures], [text.width for text in true])
        also = [self._fitted(self.also, "muted", brief)] if self.also else []
        blocks: list[Block] = [[[(text, 0.0)] for text in lines] for lines in (head, *names, *also)]
        for k, (block, (*first, last), span) in enumerate(zip(blocks[1:4], figures, true, strict=True)):
            block += [[(text, 0.0)] for text in first]
            block += [[(last, 0.0), (span, across[k])]] if across else [[(last, 0.0)], [(span, 0.0)]]
        return blocks

    def _figure(self, text: str) -> list[Typeset]:
        """A figure in one line, or what a comma parts in two, if it is wider than the column."""
        said = spoken().line(text)
        whole = self.page.words(own(said), "label", "samples")
        if whole.width <= self.box.width:
            return [whole]
        return [self.page.words(own(part), "label", "samples") for part in PARTS.split(said)]

    def _across(self, figures: list[float], true: list[float]) -> list[float]:
        """How far right of each figure its range begins, in one column if there is room; [] if they go under them."""
        gap, room = self.page.em("legend"), self.box.width
        if max(figures) + gap + max(true) <= room:
            return [max(figures) + gap] * len(figures)
        starts = [figure + gap for figure in figures]
        fits = all(start + span <= room for start, span in zip(starts, true, strict=True))
        return starts if fits else []

    def _fitted(self, forms: str, color: str, brief: bool, *values: object) -> list[Typeset]:
        """The lines of the first of some forms that are no wider than the column, or of the one with fewest lines; of
        the last if none is."""
        room = self.box.width - 2.5 * self.page.em("legend") * (forms == STRAY)
        made = [
            [self.page.words(own(line), "legend", color) for line in spoken().line(form.format(*values)).splitlines()]
            for form in forms.split("|")
        ]
        fitting = [lines for lines in made if max(text.width for text in lines) <= room] or made[-1:]
        return min(fitting, key=len) if brief else fitting[0]

    def _lines(self, judged: Judgement) -> list[Any]:
        """A line a figure, the longest that there is room for, in the middle."""
        page, em = self.page, self.page.em("legend")
        for names, heading, gap in zip(ROWS, HEADS, GAPS, strict=True):
            head = [page.words(own(part), "legend", "data") for part in
                    spoken().line(heading.format(judged.size)).splitlines()]  # fmt: skip
            columns = [
                [page.words(name, "legend", "muted") for name in names],
                [page.words(self.name, "legend", "samples"), *(page.words(text, "legend") for text in judged.figures)],
                [*head, *(page.words(text, "legend") for text in judged.true)],
            ]
            widths = [max(text.width for text in column) for column in columns]
            widths[0] = max(widths[0], columns[0][-1].width + 1.2 * em * bool(len(self.rings)))
            if (whole := sum(widths) + 2 * gap * em) <= ROOM * self.box.width:
                break
        left, line = self.box.center[0] - whole / 2, LEADING * em
        foot = page.foot(self.box)[1]
        for column, width in zip(columns, widths, strict=True):
            for k, text in enumerate(reversed(column)):
                text.at(left, foot + k * line)
            left += width + gap * em
        made = [text for column in columns for text in column]
        made += [self._ring_key(columns[0][-1])] if len(self.rings) else []
        if self.also:
            forms = page.fitting(self.also, self.box.width, "legend")
            made.append(page.label(forms, self.box.center[0], foot + len(columns[2]) * line, 0, "legend", "muted"))
        return [narrowed(VGroup(*made), self.box.width)]

    def _ring_key(self, name: Typeset) -> Any:
        """A ring after the name of points that stray, as those have; in space round a point."""
        em = self.page.em("legend")
        at = [float(name.get_right()[0]) + (KEY[0] + KEY[1]) * em, float(name.get_bottom()[1]) + 0.42 * em, 0.0]
        ring = Circle(radius=KEY[0] * em).set_stroke(self.page.theme.fg, 100 * LINE).move_to(at)
        return ring.set_fill(self.page.theme.samples, 1) if self.space else ring


def in_two(text: str) -> list[str]:
    """A sentence in two lines as equally long as can be, broken at a blank or after a comma."""
    places = [k + (text[k] != " ") for k, sign in enumerate(text) if sign in " 、"]
    if not places:
        return [text]
    at = min(places, key=lambda k: abs(2 * k - len(text)))
    return [text[:at].strip(), text[at:].strip()]
