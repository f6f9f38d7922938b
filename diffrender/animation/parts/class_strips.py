"""Strips of images, one class a place, of several recordings: the same place in each is of the same class and noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.images.grid import ImageGrid
from diffrender.animation.parts.pictures import GAP, image_grid
from diffrender.animation.text.typst import Typeset, escaped

NAME_WIDTH = {"wide": 2.5, "classic": 2.35, "square": 1.2}  # of the column that names strips
BETWEEN = 0.16  # at least, from strip to strip


class ClassStrips:
    """Places of `count` strips in a box, each of as many images as there are classes, as large as fit.

    Strips lie under each other with their names at the left; in a tall frame they stand beside each other, under them.
    classes: the names of the classes. between: from strip to strip, at least. spread: from image to image, if there is
    room; not in a tall frame.
    """

    def __init__(
        self,
        page: Page,
        box: Box,
        count: int,
        classes: Sequence[str],
        *,
        between: float = BETWEEN,
        spread: float = 0.0,
    ) -> None:
        self.page, self.classes, self.upright = page, classes, page.shape == "tall"
        em, number, self.gap = page.em("legend"), len(classes), GAP
        if self.upright:
            side, head = max(page.words(escaped(name), "legend").width for name in classes) + 0.25, 3.0 * em
            self.size = min((box.width - side - between * (count - 1)) / count, (box.height - head) / number)
            spare = (box.width - side - count * self.size) / max(count - 1, 1)
            length, self.step = number * self.size, self.size + max(between, min(spare, 2 * em))
            self.left, top = (
                box.center[0] - (side + (count - 1) * self.step + self.size) / 2,
                box.center[1] + (length - head) / 2,
            )
            starts = [self.left + side + k * self.step for k in range(count)]
            self.strips = [Box(x, x + self.size, top - length, top) for x in starts]
        else:
            side, head = NAME_WIDTH[page.frame.shape], 1.45 * em
            self.size = min((box.width - side) / number, (box.height - head + between) / count - between)
            self.gap += (more := min(spread, (box.width - side) / number - self.size))
            length, spare = number * self.size + (number - 1) * more, (box.height - head) / count - self.size
            self.step = self.size + min(max(spare, between), 4 * BETWEEN)
            top = box.top - head - max(box.height - head - self.step * count + between, 0) / 2
            self.left, left = box.left, box.right - max((box.width - side - length) / 2, 0) - length
            tops = [top - k * self.step for k in range(count)]
            self.strips = [Box(left, left + length, y - self.size, y) for y in tops]

    def headings(self, of: str = "") -> list[Typeset]:
        """The name of each class at its place, shortened where there is no room; before them, what they are: `of`.

        Numbers are not shortened: where not all have room, some are left out, evenly.
        """
        page, em, first, made = self.page, self.page.em("legend"), self.strips[0], []
        every = self._every()
        for k, name in list(enumerate(self.classes))[::every]:
            at = k * (self.size + self.gap - GAP) + 0.5 * self.size
            if self.upright:
                y = first.top - at - 0.3 * em
                made.append(page.label(escaped(name), first.left - 0.15, y, 1, "legend", "muted"))
                continue
            short = "|".join([escaped(name), *(escaped(name[:n]) + "." for n in range(len(name) - 2, 0, -1))])
            text = page.fitting(short, every * (self.size + self.gap) - 2 * GAP, "legend")
            made.append(page.label(text, first.left + at, first.top + 0.42 * em, 0, "legend", "muted"))
        if of:
            made.append(page.label(of, first.left - 0.15, first.top + 0.43 * em, 1, "legend", "muted"))
        return made

    def _every(self) -> int:
        """Every how many numbers are said, so that they stand apart; 1 of other names."""
        names, page = self.classes, self.page
        if self.upright or not all(name.replace(".", "").isdigit() for name in names):
            return 1
        room = max(page.words(name, "legend").width for name in names) + 0.4 * page.em("legend")
        return next((n for n in range(1, len(names)) if (len(names) - 1) % n == 0 and n * self.size >= room), 1)

    def tiles(self, k: int) -> list[Box]:
        """The places of a strip's images."""
        strip, count = self.strips[k], len(self.classes)
        if self.upright:
            return strip.rows(*[1] * count, gap=GAP)
        return strip.columns(*[1] * count, gap=self.gap)

    def grid(self, k: int, values: Any, chains: Any = None) -> ImageGrid:
        """The images of a strip, indexed by step: `chains` of (T+1, N, C, H, W)."""
        rows, cols = (len(self.classes), 1) if self.upright else (1, len(self.classes))
        made = image_grid(
            values, self.strips[k], theme=self.page.theme, rows=rows, cols=cols, chains=chains, gap=self.gap
        )
        return made.set_z_index(1)

    def name(self, k: int, text: str, color: str = "fg") -> Typeset:
        """The name of a strip: the longest of the forms in `text` that fits, parted by bars."""
        page, strip, em = self.page, self.strips[k], self.page.em("legend")
        if self.upright:
            name = page.roomy(page.words(text.split("|")[-1], "legend", color), self.step - 0.2)
            return name.at(strip.center[0], strip.top + 1.75 * em, 0)
        said = page.fitting(text, strip.left - self.left - 0.15, "label")
        return page.label(said, self.left, strip.center[1] + 0.2 * em, -1, "label", color)

    def figure(self, k: int, text: str, color: str = "muted") -> Typeset:
        """What is said of a strip, under its name: the longest form that fits."""
        page, strip, em = self.page, self.strips[k], self.page.em("legend")
        if self.upright:
            return page.label(text.split("|")[-1], strip.center[0], strip.top + 0.45 * em, 0, "legend", color)
        said = page.fitting(text, strip.left - self.left - 0.15, "legend")
        return page.label(said, self.left, strip.center[1] - 1.15 * em, -1, "legend", color)


def first_of_each(label: np.ndarray, classes: Sequence[int]) -> list[int]:
    """The first place in `label` (N,) of each of `classes`."""
    return [int(np.flatnonzero(label == k)[0]) for k in classes]
