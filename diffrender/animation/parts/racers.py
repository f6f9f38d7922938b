"""Clouds of several runs side by side, each in its colour before the data, with its name, calls and distance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from manim import Animation

from diffrender.animation.layout.box import Box, Boxes
from diffrender.animation.layout.page import Page
from diffrender.animation.layout.plane import Plane
from diffrender.animation.mobjects.furniture.panels import key_dot
from diffrender.animation.parts.clock import Clock
from diffrender.animation.parts.tally import category_colors
from diffrender.animation.text.language import own
from diffrender.animation.text.typst import escaped
from diffrender.animation.theme import point_radius
from diffrender.trajectory.reader import Trajectory

GHOST, CLOUD = 0.75, 1.0  # opacity of the data behind, and of the samples
SLIGHT = 0.6  # size of the data's points, in those of the samples
CLEAR = 4.2  # contrast of a racer's colour with its panel: small points have soft edges
GHOSTS = 1500  # data points behind a cloud, at most
CALLS, AWAY = "NFE {:,}", "$W_2$ {:.3f}"
SIZES = ("label", "legend", "floor")  # of names
NUMBERS = 7.8  # em that both need beside each other
DOT, GAP = 0.15, 0.12  # width of the dot before a name, and between them
ALIKE = 1e-4  # relative difference up to which two starts are one


class Racers:
    """A cell for each run: its data as a ghost, its cloud, its title above, calls, distance and a remark below.

    titles, remarks: the sampler's and its order, if not given. views: of each run's data in `boxes.cells`. clouds,
    notes: of the clock followed last; ghosts, names: what stands still, `below` the remarks among
    them; colors: of the runs.
    """

    def __init__(
        self,
        page: Page,
        runs: Sequence[Trajectory],
        views: Sequence[Plane],
        boxes: Boxes,
        *,
        points: int | None = None,
        titles: Sequence[str] = (),
        remarks: Sequence[str] = (),
    ) -> None:
        self.page, self.runs, self.views, self.boxes, self.points = page, runs, views, boxes, points
        said = [run.meta.get("sampler") or {} for run in runs]
        known = [escaped(str(s.get("title") or s.get("name") or f"run {k}")) for k, s in enumerate(said, 1)]
        self.short = list(titles) or [own(escaped(str(s.get("name") or f"run {k}"))) for k, s in enumerate(said, 1)]
        self.titles, self.remarks = list(titles) or known, list(remarks) or [order_of(s) for s in said]
        theme = page.theme
        self.colors = category_colors(theme, len(runs), CLEAR)
        self.radius = point_radius(min(points or runs[0].chains, runs[0].chains), 1.2 * boxes.cells[0].width ** 2)
        for view, run in zip(views, runs, strict=True):
            view.cloud(run.target[:GHOSTS], color=theme.muted, radius=SLIGHT * self.radius, alpha=GHOST)
        self.ghosts = [mob for view in views for mob in view.made]
        self.names = self.named(range(len(runs)))
        self.clouds: list[Any] = []
        self.notes: list[Any] = []

    @property
    def same_noise(self) -> bool:
        """Whether all runs began in the same states, but for the scale of their first levels."""
        if len({run["x"].shape[1:] for run in self.runs}) > 1:
            return False
        starts = [np.asarray(run["x"][0], float) for run in self.runs]
        starts = [start / np.sqrt(np.square(start).mean()) for start in starts]
        return all(np.abs(start - starts[0]).max() < ALIKE * np.abs(starts[0]).max() for start in starts)

    def follow(
        self,
        clock: Clock,
        states: Sequence[Any],
        at: Sequence[np.ndarray],
        calls: Sequence[np.ndarray],
        far: Sequence[np.ndarray],
    ) -> None:
        """Bind the runs to a clock: at its step k run r shows states[r][at[r][k]], its calls and its distance."""
        self.clouds, self.notes = [], []
        for k, (view, color) in enumerate(zip(self.views, self.colors, strict=True)):
            cloud = view.cloud(states[k][:, : self.points], color=color, radius=self.radius, alpha=CLOUD)
            clock.bind(lambda step, cloud=cloud, at=at[k]: cloud.show_step(at[int(step)]), moves=[cloud])
            x0, x1, y, size = self.line_under(self.boxes.notes[k])
            nfe = clock.number(CALLS, calls[k][at[k]], size=size).at(x0, y)
            away = clock.number(AWAY, far[k][at[k]], size=size).at(x1, y, 1)
            self.clouds.append(cloud)
            self.notes += [nfe, away]

    @property
    def shown(self) -> list[Any]:
        """Clouds and numbers of the clock that was followed last."""
        return [*self.clouds, *self.notes]

    def line_under(self, note: Box) -> tuple[float, float, float, str]:
        """Left and right end, baseline and size of the type of the numbers under a cell."""
        page = self.page
        size = "legend" if note.width > NUMBERS * page.em("legend") else "floor"
        return note.left, note.right, note.top - 1.1 * page.em("legend"), size

    def named(self, order: Sequence[int], *, ranked: bool = False) -> list[Any]:
        """Titles of the runs over the cells in this order, all as large as fits, and remarks two lines under them.

        A sampler's title that has no room gives way to its name in configs.

        ranked: with their places before them, in place of their colours.
        """
        page, cells = self.page, self.boxes.cells
        room = cells[0].width - DOT - GAP
        sizes = [s for s in SIZES if all(page.words(text, s).width <= room for text in self.titles)]
        size = sizes[0] if sizes else SIZES[-1]
        fits = [page.words(title, size).width <= room for title in self.titles]
        titles = [self.titles[k] if fits[k] else self.short[k] for k in order]
        made: list[Any] = []
        for place, (k, cell, title) in enumerate(zip(order, cells, titles, strict=True), 1):
            y = cell.top + 0.4 * page.em("label")
            dot = key_dot(self.colors[k])(cell.left, cell.left + DOT, y + 0.24 * page.em("label"))
            made += [page.label(str(place), cell.left, y, size=size) if ranked else dot]
            made += [page.label(title, cell.left + DOT + GAP, y, size=size)]
        self.below = self.remarked([self.remarks[k] for k in order])
        return made + self.below

    def remarked(self, remarks: Sequence[str], color: str = "muted") -> list[Any]:
        """A line of text under the numbers of each cell, all as large as fits."""
        page, notes = self.page, self.boxes.notes
        widest = max(page.words(remark, "legend").width for remark in remarks if remark) if any(remarks) else 0.0
        size = "legend" if widest <= notes[0].width else "floor"
        return [
            page.label(remark, note.left, note.bottom + 0.12 * page.em("legend"), size=size, color=color)
            for remark, note in zip(remarks, notes, strict=False)
            if remark
        ]

    def ranking(self, far: Sequence[float]) -> list[int]:
        """The runs, nearest to the data first."""
        return sorted(range(len(self.runs)), key=lambda k: far[k])

    def glide(self, order: Sequence[int], seconds: float) -> list[Animation]:
        """Every run's view moves to the cell of its place."""
        cells = self.boxes.cells
        return [self.views[k].move(self.views[k].box, cells[place], seconds) for place, k in enumerate(order)]

    def placed(self, order: Sequence[int], calls: Sequence[int], far: Sequence[float]) -> list[Any]:
        """Names with their places, calls and distances of runs in the cells of their places."""
        page, made = self.page, self.named(order, ranked=True)
        for place, k in enumerate(order):
            x0, x1, y, size = self.line_under(self.boxes.notes[place])
            made += [page.label(CALLS.format(calls[k]), x0, y, size=size)]
            made += [page.label(AWAY.format(far[k]), x1, y, 1, size)]
        return made


def order_of(said: dict[str, Any]) -> str:
    """`order 2, ODE`: of convergence, and whether it draws noise; what is not known is left out."""
    order, chance = said.get("order"), said.get("stochastic")
    words = [f"order {order}"] if order else []
    return ", ".join([*words, *(["SDE" if chance else "ODE"] if isinstance(chance, bool) else [])])
