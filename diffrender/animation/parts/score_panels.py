"""Learned over exact score in one panel, the size of their difference in another, and the chart of both over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from diffrender.animation.layout.box import Box, Boxes
from diffrender.animation.layout.page import Page, fitted, narrowed
from diffrender.animation.layout.plane import Plane
from diffrender.animation.mobjects.furniture.color_bar import ColorBar
from diffrender.animation.mobjects.furniture.panels import (
    KEY_DOT_WIDTH,
    frame,
    key_arrow,
    key_dot,
    legend,
    panel,
)
from diffrender.animation.mobjects.plane.cloud import PointCloud
from diffrender.animation.mobjects.plane.heat import SHADES, Heatmap
from diffrender.animation.parts.clock import Clock
from diffrender.animation.parts.keyed_curves import KeyedCurves
from diffrender.animation.parts.score_error import ScoreError
from diffrender.animation.theme import HAIR, LINE, point_radius
from diffrender.trajectory.reader import Trajectory

ARROWS = 0.56  # scene units from one arrow to the next, about
UNDER, OVER = 0.075, 0.026  # shafts: of the exact arrow, and of the learned one that lies on it
NEVER = 1e6  # where points are put that are not to be seen
DECADES = 100.0  # from the least error that has a colour of its own to the largest
LEAST, HEADROOM = (
    0.05,
    3.0,
)  # of the axis of errors: the quantile of those under p_t at its foot, and room over the largest


class ScorePanels:
    """Both fields over each other with the samples they carry; the map of their difference; and its chart.

    exact: the same noise by the exact score. boxes: "two panels and chart". words: `scores`, `difference`, `exact`,
    `learned`, `samples`, `never`, `error`, `axis`, `here`, `elsewhere`. mobjects: all of it. curves: of the chart.
    """

    def __init__(
        self, page: Page, clock: Clock, exact: Trajectory, boxes: Boxes, error: ScoreError, words: Mapping[str, str]
    ) -> None:
        self.page, self.theme, self.run, self.exact = page, page.theme, clock.run, exact
        self.error, self.words, self.boxes = error, words, boxes
        self.index = np.minimum(np.arange(self.run.steps + 1), len(error.norm) - 1)
        cells = (boxes.left, boxes.right)
        self.mobjects: list[Any] = [panel(cell, self.theme) for cell in cells]
        for made in (self.scores(clock, self.plane(boxes.left)), self.difference(clock, self.plane(boxes.right))):
            self.mobjects += made
        self.mobjects += [frame(cell, self.theme.border).set_z_index(9) for cell in cells]
        self.curves = self.chart(clock, boxes.chart)
        self.mobjects += self.curves.mobjects

    def plane(self, cell: Box) -> Plane:
        """The part of the probed plane that has the shape of a cell."""
        places = self.error.places
        (x0, y0), (x1, y1) = places[0, 0], places[-1, -1]
        return Plane(fitted((x0, x1, y0, y1), cell), cell)

    def scores(self, clock: Clock, view: Plane) -> list[Any]:
        """The exact field, the learned one on it, the samples; σ_t and what is what."""
        error, page, theme, box, places = self.error, self.page, self.theme, self.boxes.left_key, self.error.places
        every = max(1, round(ARROWS / view._cell(places)))
        cut = (slice(None), slice(every // 2, None, every), slice(every // 2, None, every))
        full = np.quantile(np.linalg.norm(error.exact, axis=-1).reshape(len(error.norm), -1), 0.9, axis=1)
        radius = point_radius(self.run.chains, 8)
        clock.bind(view.cloud(self.run["x"], color=theme.samples, radius=radius, alpha=0.9, ring=theme.panel))
        for vectors, color, shaft in ((error.exact, theme.data, UNDER), (error.learned, theme.fg, OVER)):
            table = np.array([[int(color[k : k + 2], 16) for k in (1, 3, 5)]] * 2, np.uint8)
            arrows = view.arrows(places[cut[1:]], vectors[0][cut[1:]], length=0.95, power=0.5, table=table,
                                 vmax=float(full.max()), shaft=shaft)  # fmt: skip
            clock.bind(arrows.follow(vectors[cut], self.index, longest=full))
        for way, color, width in self.parted():
            clock.bind(
                view.tail(way, length=len(way) + 1, power=0.0, color=color, width=width * LINE, casing=theme.panel)
            )
        y, em = box.top - 1.15 * page.em("legend"), page.em("legend")
        sigma = np.asarray(self.run["sigma"], float)[self.index]  # of the level whose field is shown, never 0
        said = clock.number("$sigma_t =$ {:.3f}", sigma, size="legend").at(box.left, y)
        dot = (key_dot(theme.samples, ring=theme.panel), KEY_DOT_WIDTH, self.words["samples"])
        exact, learned = ((key_arrow(color, scale=size), 0.5, self.words[name]) for color, size, name in
                          ((theme.data, 0.8, "exact"), (theme.fg, 0.5, "learned")))  # fmt: skip
        key = narrowed(legend([exact, learned], box.left, y - 1.3 * em, em, theme, gap=0.24), box.width)
        key.shift([box.left - key.get_left()[0], 0, 0])
        sample = legend([dot], box.right, y, em, theme, align=1)
        beside = [sample] if page.shape != "tall" and said.room + 0.24 + sample.width <= box.width else []
        return [*view.made, page.panel_label(page.words(self.words["scores"]), self.boxes.left), said, *beside, key]

    def parted(self) -> list[tuple[np.ndarray, str, float]]:
        """The chain that ends farthest apart, from the same noise by either score: its ways, colours, widths."""
        ways = [np.asarray(run["x"], float) / run.scale[:, None, None] for run in (self.exact, self.run)]
        if ways[0].shape != ways[1].shape:
            return []
        chain = int(np.argmax(np.linalg.norm(ways[0][-1] - ways[1][-1], axis=1)))
        return [(way[:, [chain]].astype(np.float32), *look) for way, look in
                zip(ways, ((self.theme.data, 2.6), (self.theme.fg, 1.3)), strict=True)]  # fmt: skip

    def difference(self, clock: Clock, view: Plane) -> list[Any]:
        """The map of the error's size, coloured by its logarithm, and dots where the network was hardly ever asked."""
        error, page, theme, box, places = self.error, self.page, self.theme, self.boxes.right_key, self.error.places
        (x0, y0), (x1, y1) = places[0, 0], places[-1, -1]
        high = float(f"{np.quantile(error.size, 0.99):.0e}")
        table = logarithmic(theme.table("error"), high / DECADES, high)
        heat = Heatmap(view.box, view.rect, error.size[0], table=table, high=high, extent=(x0, x1, y0, y1))
        clock.bind(view.keep(heat).follow(error.size, self.index))
        dots = np.where(error.asked[..., None], NEVER, places)[:, ::2, ::2].reshape(len(error.norm), -1, 2)
        cloud: PointCloud = view.cloud(dots, color=theme.panel, radius=1.4 * HAIR, alpha=0.9)
        clock.bind(lambda step: cloud.show_step(self.index[int(step)]), moves=[cloud])
        em = page.em("legend")
        never, y = page.fitting(self.words["never"], box.width, "legend"), box.top - 1.15 * em
        ends = [
            page.label(f"≤ {high / DECADES:g}", box.left, y, size="legend"),
            page.label(f"≥ {high:g}", box.right, y, 1, "legend"),
        ]
        bar = (ends[0].get_right()[0] + 0.14, ends[1].get_left()[0] - 0.14, y, y + 0.5 * em)
        return [
            *view.made, page.panel_label(page.words(self.words["difference"]), self.boxes.right), *ends,
            ColorBar(bar, theme.table("error"), border=theme.border),
            page.label(never, box.left, y - 1.3 * em, size="legend", color="muted"),
        ]  # fmt: skip

    def chart(self, clock: Clock, box: Box) -> KeyedCurves:
        """The error against t, from noise to data, where the data are and where the network was hardly ever asked."""
        error, theme, words = self.error, self.theme, self.words
        time = np.asarray(self.run["time"], float)[: len(error.norm)]
        outside = np.where(error.elsewhere > 0, error.elsewhere, np.nan)
        rows = [(words["elsewhere"], outside, theme.reject, ".2f"), (words["here"], error.norm, theme.fg, ".2f")]
        ends = float(np.quantile(error.norm, LEAST)), float(error.elsewhere.max())
        across = float(time.max()), 0.0
        return KeyedCurves(self.page, clock, box, words["error"], time, rows, x=across, y=ends, log_y=True,
                           x_name=self.page.fitting(words["axis"], box.width, "legend"))  # fmt: skip


def logarithmic(table: np.ndarray, low: float, high: float) -> np.ndarray:
    """(SHADES, 3) colours for evenly spaced values 0 … high that follow the logarithm of the value from `low` on."""
    values = np.maximum(np.linspace(0, high, SHADES), low)
    share = np.log(values / low) / np.log(high / low) * (len(table) - 1)
    return np.stack([np.interp(share, np.arange(len(table)), table[:, c]) for c in range(3)], 1).astype(np.uint8)
