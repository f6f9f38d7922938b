"""The readings of the followed cell of a grid: a magnifier on it, its area and density, and the key of the colours."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from diffrender.animation.layout.box import Box, Boxes
from diffrender.animation.mobjects.furniture.panels import Rect, frame, panel, pill
from diffrender.animation.parts.clock import Clock
from diffrender.animation.parts.deformed_grid import CellLens, DeformedGrid
from diffrender.animation.theme import LINE
from diffrender.trajectory.noised import noised_share

LINES = (
    "area of the cell, $1\\/abs(det)$ × {:.3f}|area of the cell × {:.3f}|area × {:.3f}",
    "density in it, $abs(det)$ × {:.2f}|density in it × {:.2f}",
)
NOISE = "{:.2f} % of the noise"
DATA, NOISED = "{:.2f} ± {:.2f} %", "of noised data, at this $t$|of noised data|noised data"
BOTH = (
    "probability in it: {:.2f} % of the noise|in it {:.2f} % of the noise|noise {:.2f} %",
    "{:.2f} ± {:.2f} % of noised data|noised data {:.2f} ± {:.2f} %|noised {:.2f} ± {:.2f} %|$x_t$ {:.2f} ± {:.2f} %",
)
TIMES = "× {:.1f}"  # how much larger the magnifier shows the plane
BAND = 0.15  # of an em, between lines in a band
LARGEST, CORNER = 0.47, 0.3  # side of the magnifier: of a column's width, and in a square frame of the stage's height


class CellReadouts:
    """Colour bar, noise level, figures and magnifier in the column of "square stage with column", bound to a clock.

    words: what area, density and product are called. lens: where the magnifier lies. times: how much larger it shows
    the plane. mobjects: all of it.
    """

    def __init__(self, grid: DeformedGrid, clock: Clock, boxes: Boxes, *, words: Mapping[str, str]) -> None:
        page, column = clock.page, boxes.column
        self.grid, self.clock, self.words = grid, clock, words
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
        page, size = self.clock.page, min(box.height, LARGEST * box.width)
        self.lens = Box(box.left, box.left + size, box.top - size, box.top)
        figures = ("area", 1, ".3f"), ("density", -1, ".2f")
        room = box.right - self.lens.right - 0.4
        rows: list[Any] = [self.sigma]
        for name, power, form in figures:
            rows += [self._name(name, room), self._number(f"× {{:{form}}}", power, size="title")]
        rows += [self._name("product", room), self._of_noise(NOISE, room), *self._noised(DATA, room)]
        if len(self.clock.run.target):
            rows.append(page.words(page.fitting(NOISED, room, "legend"), "legend"))
        return page.stack(box._replace(left=self.lens.right + 0.4), *rows, gap=0.55)

    def _under(self, box: Box) -> list[Any]:
        """Figures in a line each, and the magnifier under them."""
        lines = *self._lines(box.width), *self._probability(box.width)
        made = self.clock.page.stack(box, self.sigma, *lines, align=-1)
        top = float(made[-1].get_bottom()[1]) - 0.2
        size = min(box.width, top - box.bottom)
        self.lens = Box(box.left, box.left + size, top - size, top)
        return made

    def _in_a_band(self, box: Box) -> list[Any]:
        """Figures at the left, the magnifier at the right."""
        self.lens = box._replace(left=box.right - box.height)
        page, root = self.clock.page, self.words["root"]
        room = self.lens.left - box.left - 0.2
        lines = page.words(root, "legend", "muted"), *self._lines(room), *self._probability(room)
        return [self.sigma, *page.stack(box, *lines, gap=BAND, align=-1)]

    def _in_a_corner(self, box: Box, stage: Box, bar: float) -> list[Any]:
        """The magnifier in a corner of the stage, figures beside the bar, which ends at `bar`."""
        size = CORNER * stage.height
        self.lens = stage._replace(left=stage.right - size, top=stage.bottom + size)
        return self.clock.page.stack(box, *self._lines(box.right - bar - 0.2), gap=0.25, align=1)

    def _probability(self, room: float) -> list[Any]:
        """What part of the noise is in the cell, and of the noised data."""
        noise, data = BOTH
        return [self._of_noise(noise, room), *self._noised(data, room)]

    def _of_noise(self, forms: str, room: float) -> Any:
        share = 100 * self.grid.inside
        return self.clock.page.words(self.clock.page.fitting(forms, room, "legend", share).format(share), "legend")

    def _noised(self, forms: str, room: float) -> list[Any]:
        """What part of the noised data is in the cell, and its standard error; nothing without data."""
        grid, run = self.grid, self.clock.run
        if not len(run.target):
            return []
        shares = [100 * found for found in noised_share(run, [grid.ring(step) for step in range(run.steps + 1)])]
        text = self.clock.page.fitting(forms, room, "legend", *(0.0 for _ in shares))
        return [self.clock.number(text, *shares, size="legend")]

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
        """The magnified part of the grid, in a frame, and how much larger it is."""
        page, lens = self.clock.page, self.lens
        self.times = page.running(TIMES, 10.0, size="legend").set_z_index(7)
        self.times.at(lens.left + 0.2, lens.top - 1.2 * page.em("legend"))
        theme, made = self.clock.page.theme, self.clock.bind(CellLens(self.grid, self.lens))
        made.part.set_z_index(1)
        made.outline.set_z_index(3)
        self.magnifier = made
        edge = frame(self.lens, theme.muted, 1.2 * LINE).set_z_index(5)
        return [
            panel(self.lens, theme),
            *made.mobjects,
            edge,
            pill(self.times, theme, alpha=0.9).set_z_index(6),
            self.times,
        ]

    def show_times(self, seen: Rect) -> None:
        """Say how much larger the magnifier shows what it does than the grid's panel, on which the plane is `seen`."""
        (a, b), (left, right) = seen[:2], self.grid.rect[:2]
        self.times.set_values(self.lens.width / self.magnifier.across * (b - a) / (right - left))
