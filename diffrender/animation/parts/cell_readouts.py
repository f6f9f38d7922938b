"""The readings of the followed cell of a grid: a magnifier on it, its area and density, and the key of the colours."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from diffrender.animation.layout.box import Box, Boxes
from diffrender.animation.mobjects.furniture.panels import frame, panel
from diffrender.animation.parts.clock import Clock
from diffrender.animation.parts.deformed_grid import CellLens, DeformedGrid
from diffrender.animation.theme import LINE

LINES = (
    "area of the cell, $1\\/abs(det)$ × {:.3f}|area of the cell × {:.3f}|area × {:.3f}",
    "density in it, $abs(det)$ × {:.2f}|density in it × {:.2f}",
)
PRODUCT = "{:.3f} × {:.2f} = 1"
LARGEST, CORNER = 0.54, 0.3  # side of the magnifier: of a column's width, and in a square frame of the stage's height


class CellReadouts:
    """Colour bar, noise level, figures and magnifier in the column of "square stage with column", bound to a clock.

    words: what area, density and product are called. lens: where the magnifier lies. mobjects: all of it.
    """

    def __init__(self, grid: DeformedGrid, clock: Clock, boxes: Boxes, *, words: Mapping[str, str]) -> None:
        page, column = clock.page, boxes.column
        self.grid, self.clock, self.words = grid, clock, words
        shares = {0.0: "0", 0.5: f"{grid.vmax / 4:.2g}", 1.0: f"≥ {grid.vmax:.2g}"}
        if page.shape == "tall":  # its bar is short
            del shares[0.5]
        note = words["root"] if page.shape == "wide" else ""  # elsewhere there is no room for it
        named = "" if page.shape == "wide" else "noise "  # where it stands alone; in a wide frame its name is over it
        self.sigma = clock.number(f"{named}$sigma_t =$ {{:.3f}}", clock.run["sigma"])
        beside = (self.sigma.width + 0.3) * (page.shape == "tall")  # there it stands beside the bar
        room = column._replace(right=column.right - beside)
        bar = page.value_bar("$p_t$", room, grid.table, shares, note=note)
        apart = 1.4 if note else 0.6  # from the words under the bar
        below = column._replace(top=bar[-1].baseline - apart * page.em("legend"))
        if page.shape == "wide":
            read = self._beside(below)
        elif page.column_align:
            read = self._under(below)
        else:
            self.sigma.at(column.right, bar[0].baseline, 1)
            below = column._replace(top=bar[0].baseline - 1.6 * page.em("legend"))
            end = max(float(part.get_right()[0]) for part in bar)
            read = self._in_a_band(below) if page.shape == "tall" else self._in_a_corner(column, boxes.stage, end)
        self.mobjects = [*bar, *read, *self._magnifier()]

    def _beside(self, box: Box) -> list[Any]:
        """A magnifier as large as the box lets it be, and at its side what it shows, in large figures."""
        page, words, size = self.clock.page, self.words, min(box.height, LARGEST * box.width)
        self.lens = Box(box.left, box.left + size, box.top - size, box.top)
        figures = ("area", 1, ".3f"), ("density", -1, ".2f")
        room = box.right - self.lens.right - 0.4
        rows: list[Any] = [page.words("noise level", "legend", "muted"), self.sigma]
        for name, power, form in figures:
            rows += [self._name(name, room), self._number(f"× {{:{form}}}", power, size="title")]
        rows += [page.words(words["product"], "legend", "muted"), self._number(PRODUCT, 1, -1)]
        return page.stack(box._replace(left=self.lens.right + 0.4), *rows, gap=0.55)

    def _under(self, box: Box) -> list[Any]:
        """Figures in a line each, and the magnifier under them."""
        made = self.clock.page.stack(box, self.sigma, *self._lines(), self._product(), align=-1)
        top = made[-1].baseline - 0.25
        size = min(box.width, top - box.bottom)
        self.lens = Box(box.left, box.left + size, top - size, top)
        return made

    def _in_a_band(self, box: Box) -> list[Any]:
        """Figures at the left, the magnifier at the right."""
        self.lens = box._replace(left=box.right - box.height)
        page, root = self.clock.page, self.words["root"]
        room = self.lens.left - box.left - 0.2
        lines = page.words(root, "legend", "muted"), *self._lines(room), self._product()
        return [self.sigma, *page.stack(box, *lines, align=-1)]

    def _in_a_corner(self, box: Box, stage: Box, bar: float) -> list[Any]:
        """The magnifier in a corner of the stage, figures beside the bar, which ends at `bar`."""
        size = CORNER * stage.height
        self.lens = stage._replace(left=stage.right - size, top=stage.bottom + size)
        return self.clock.page.stack(box, *self._lines(box.right - bar - 0.2), gap=0.25, align=1)

    def _product(self) -> Any:
        return self.clock.page.words(self.words["product"], "legend", "muted")

    def _lines(self, room: float = math.inf) -> list[Any]:
        area, density = (self.clock.page.fitting(forms, room, "legend", 0.0) for forms in LINES)
        return [self._number(area, 1), self._number(density, -1)]

    def _name(self, word: str, room: float) -> Any:
        return self.clock.page.words(self.clock.page.fitting(self.words[word], room, "legend"), "legend", "muted")

    def _number(self, template: str, *powers: int, size: str = "legend") -> Any:
        """A line with the cell's area over that at the start, to each of `powers`: 1, its area, or −1, its density."""
        grid = self.grid
        text = self.clock.number(template, *(grid.ratio**power for power in powers), size=size)
        self.clock.bind(lambda step: text.set_values(*(grid.ratio_at(step) ** power for power in powers)))
        return text

    def _magnifier(self) -> list[Any]:
        """The magnified part of the grid, in a frame."""
        theme, made = self.clock.page.theme, self.clock.bind(CellLens(self.grid, self.lens))
        made.part.set_z_index(1)
        made.outline.set_z_index(3)
        return [panel(self.lens, theme), *made.mobjects, frame(self.lens, theme.muted, 1.2 * LINE).set_z_index(5)]
