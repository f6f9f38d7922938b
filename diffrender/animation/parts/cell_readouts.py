"""The readings of the followed cell of a grid: a magnifier on it, its area and density, and the key of the colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diffrender.animation.layout.box import Box, Boxes
from diffrender.animation.mobjects.furniture.panels import frame, line, panel
from diffrender.animation.parts.clock import Clock
from diffrender.animation.parts.deformed_grid import CellLens, DeformedGrid
from diffrender.animation.parts.sentence import sentence
from diffrender.animation.text.language import own, spoken
from diffrender.animation.theme import LINE
from diffrender.trajectory.noised import noised_share

TIMES = "× {:.3f}", "× {:.2f}"  # of the start, the cell's area, and the density in it
DETERMINANT = "$= abs(det partial x_T\\/partial x_t)$"  # of the points as recorded: what the density is times
ERROR = "{:.3f} ± {:.3f} %"
MONOTONE = 0.01  # of the area at the start, by which it may rise and still be said to fall
LARGEST, CORNER = 0.47, 0.42  # side of the magnifier: of a column's width, and in a square frame of the stage's height
KEY, SENTENCE = 2.5, 2.9  # em of the legend, of the label: height of the key, and of a sentence of two lines
APART = 0.5  # em at least, from a name to its figure


class CellReadouts:
    """Colour bar, noise level, figures and magnifier in the column of "square stage with column", bound to a clock.

    The figures are a small table: area and density of the cell over those at the start, this as the determinant that it
    is, and the part of data noised to the same level that lies in the cell. A sentence says what becomes of the cell in
    this recording. words: what they are called. lens, key: where the magnifier and the key lie. mobjects: all of it.
    """

    def __init__(self, grid: DeformedGrid, clock: Clock, boxes: Boxes, *, words: Mapping[str, str]) -> None:
        page, column = clock.page, boxes.column
        self.grid, self.clock, self.words, self.key = grid, clock, words, boxes.key
        shares = {0.0: "0", 0.5: f"{grid.vmax / 4:.2g}", 1.0: f"≥ {grid.vmax:.2g}"}
        if page.shape == "tall":  # its bar is short
            del shares[0.5]
        note = words["root"] if page.shape == "wide" else ""  # elsewhere there is no room for it
        self.sigma = clock.number("noise $sigma_t =$ {:.3f}", clock.run["sigma"])
        beside = (self.sigma.width + 0.3) * (page.shape == "tall")  # there it stands beside the bar
        room = column._replace(right=column.right - beside)
        bar = page.value_bar("$p_t$", room, grid.table, shares, note=note)
        apart = 1.4 if note else 0.6  # from the words under the bar
        below = column._replace(top=bar[-1].baseline - apart * page.em("legend"))
        if page.shape == "wide":
            read = self._beside(below._replace(bottom=boxes.stage.bottom))
        elif page.column_align:
            read = self._under(below._replace(bottom=boxes.stage.bottom))
        else:
            self.sigma.at(column.right, bar[0].baseline, 1)
            below = column._replace(top=bar[0].baseline - 1.6 * page.em("legend"))
            end = max(float(part.get_right()[0]) for part in bar)
            read = self._in_a_band(below) if page.shape == "tall" else self._in_a_corner(column, boxes.stage, end)
        self.mobjects = [*bar, *read, *self._magnifier(), *self._said(boxes)]

    def _beside(self, box: Box) -> list[Any]:
        """A magnifier as large as the box lets it be, and at its side the table, in large figures."""
        page = self.clock.page
        self.foot = box._replace(top=box.bottom + SENTENCE * page.em("label"))
        under = self.foot.height + KEY * page.em("legend")
        size = min(box.height - under, LARGEST * box.width)
        self.lens = Box(box.left, box.left + size, box.top - size, box.top)
        self.key = Box(box.left, box.right, self.foot.top + 0.8 * page.em("legend"), self.lens.bottom)
        at = box._replace(left=self.lens.right + 0.4)
        return self._table(at, [self.sigma], gap=0.45, size="label")

    def _under(self, box: Box) -> list[Any]:
        """The table, the magnifier under it, and the key beside that."""
        made = self._table(box, [self.sigma], gap=0.35)
        top = min(float(mob.get_bottom()[1]) for mob in made) - 0.2
        size = min(box.width, top - box.bottom)
        self.lens = Box(box.left, box.left + size, top - size, top)
        self.key = Box(self.lens.right + 0.2, box.right, self.lens.bottom, top)
        return made

    def _in_a_band(self, box: Box) -> list[Any]:
        """The table at the left, the magnifier at the right."""
        size = min(box.height, LARGEST * box.width)
        self.lens = box._replace(left=box.right - size, bottom=box.top - size)
        return [self.sigma, *self._table(box._replace(right=self.lens.left - 0.2), gap=0.3)]

    def _in_a_corner(self, box: Box, stage: Box, bar: float) -> list[Any]:
        """The magnifier in a corner of the stage, the table beside the bar, which ends at `bar`."""
        size = CORNER * stage.height
        self.lens = stage._replace(left=stage.right - size, top=stage.bottom + size)
        return self._table(box._replace(left=bar + 0.3), gap=0.08)

    def _table(self, box: Box, above: Sequence[Any] = (), *, gap: float, size: str = "legend") -> list[Any]:
        """A name and its figure a row, under what stands `above`; a rule under the determinant that density is."""
        page, room = self.clock.page, box.width
        area, density = (self._number(form, power, size) for form, power in zip(TIMES, (1, -1), strict=True))
        named = page.words(DETERMINANT, "legend", "samples")
        rows = [*self._rows("area", area, room), *self._rows("density", density, room), named]
        last = [row for name, figure in self._noised().items() for row in self._rows(name, figure, room)]
        made = page.stack(box, *above, *rows, *last, gap=gap)
        if not last:
            return made
        under = last[0] if isinstance(last[0], list) else [last[0]]
        y = (float(named.get_bottom()[1]) + max(float(text.get_top()[1]) for text in under)) / 2
        return [*made, line([(box.left, y), (box.right, y)], page.theme.border)]

    def _said(self, boxes: Boxes) -> list[Any]:
        """What becomes of the cell: in a wide frame at the foot of the column, else on the stage."""
        page, ratio = self.clock.page, self.grid.ratio
        falls, rises = (bool((sign * np.diff(ratio)).max() <= MONOTONE) for sign in (1, -1))
        name = "smaller" if falls and ratio[-1] < 1 else "larger" if rises and ratio[-1] > 1 else "changes"
        whole, brief = self.words[name].format(100 * self.grid.inside).split("|")
        if page.shape == "wide":
            return sentence(page, self.foot, whole)
        tag = page.tag(brief, boxes.stage)
        return [tag.shift([0, boxes.stage.bottom - float(tag.get_bottom()[1]) + 0.1, 0])]

    def _rows(self, name: str, figure: Any, room: float) -> list[Any]:
        """A figure after its name, the longest that finds room, of two lines in a wide frame alone; else under it."""
        page = self.clock.page
        left = room - figure.width - APART * page.em("legend")
        forms = [spoken().line(form).splitlines() for form in self.words[name].split("|")]
        for lines in forms:
            made = [page.words(own(part), "legend", "muted") for part in lines]
            fits = made[-1].width <= left and all(text.width <= room for text in made)
            if fits and (len(made) == 1 or page.shape == "wide"):
                return [*made[:-1], [made[-1], figure]]
        return [*made, figure]

    def _noised(self) -> dict[str, Any]:
        """What part of the noised data is in the cell, and its standard error; nothing without data."""
        grid, run = self.grid, self.clock.run
        if not len(run.target):
            return {}
        shares = [100 * found for found in noised_share(run, [grid.ring(step) for step in range(run.steps + 1)])]
        return {"measured": self.clock.number(ERROR, *shares, size="legend")}

    def _number(self, template: str, power: int, size: str) -> Any:
        """The cell's area over that at the start to a power: 1, its area, or −1, its density."""
        grid = self.grid
        text = self.clock.number(template, grid.ratio**power, size=size)
        self.clock.bind(lambda step: text.set_values(grid.ratio_at(step) ** power))
        return text

    def _magnifier(self) -> list[Any]:
        """The magnified part of the grid, in a frame."""
        theme, made = self.clock.page.theme, self.clock.bind(CellLens(self.grid, self.lens))
        for k, mob in enumerate(made.mobjects):
            mob.set_z_index(1 + k)
        edge = frame(self.lens, theme.muted, 1.2 * LINE).set_z_index(5)
        return [panel(self.lens, theme), *made.mobjects, edge]
