"""A learned score beside the exact one in three panels, and the chart of its error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from diffrender.animation.layout.arrangements import Box, Boxes
from diffrender.animation.layout.page import Page, fitted
from diffrender.animation.layout.views import Plane
from diffrender.animation.mobjects.furniture.color_bar import ColorBar
from diffrender.animation.mobjects.furniture.panels import frame, key_dot, panel
from diffrender.animation.mobjects.plane.heat import Heatmap
from diffrender.animation.parts.axes import Axes, decades
from diffrender.animation.parts.clock import Clock
from diffrender.animation.parts.score_error import ScoreError
from diffrender.animation.text import captions
from diffrender.animation.theme import HAIR, point_radius
from diffrender.trajectory.reader import Trajectory

ARROWS = 0.42  # scene units from one arrow to the next, about
LEAST, HEADROOM = 0.05, 30.0  # of the axis of errors: the quantile at its foot, and its top over the largest under p_t
NEVER = 1e6  # where points are put that are not to be seen


class ScorePanels:
    """Both fields of a recording with the same noise carried by each, the map of their difference, and its chart.

    run, exact: the recordings of the learned and of the exact score. boxes: three cells with labels and notes, and a
    chart. words: `exact`, `learned`, `difference`, `same`, `never`, `error`, `elsewhere`. mobjects: all of it.
    """

    def __init__(
        self, page: Page, clock: Clock, exact: Trajectory, boxes: Boxes, error: ScoreError, words: Mapping[str, str]
    ) -> None:
        self.page, self.theme, self.run, self.exact = page, page.theme, clock.run, exact
        self.error, self.words = error, words
        self.index = np.minimum(np.arange(self.run.steps + 1), len(error.norm) - 1)
        views = [self.plane(cell) for cell in boxes.cells]
        self.mobjects: list[Any] = [panel(cell, self.theme) for cell in boxes.cells]
        self.mobjects += self.fields(clock, views)
        self.mobjects += [frame(cell, self.theme.border).set_z_index(9) for cell in boxes.cells]
        self.mobjects += self.texts(clock, boxes) + self.chart(clock, boxes.chart)

    def plane(self, cell: Box) -> Plane:
        """The part of the probed plane that has the shape of a cell."""
        places = self.error.places
        (x0, y0), (x1, y1) = places[0, 0], places[-1, -1]
        return Plane(fitted((x0, x1, y0, y1), cell), cell)

    def fields(self, clock: Clock, views: list[Plane]) -> list[Any]:
        """Both fields with the same noise carried by each, the error's heat map, and dots where it was never asked."""
        error, theme, (left, middle, right) = self.error, self.theme, views
        places = error.places
        (x0, y0), (x1, y1) = places[0, 0], places[-1, -1]
        heat = Heatmap(right.box, right.rect, error.size[0], table=theme.table("error"), high=error.high,
                       extent=(x0, x1, y0, y1))  # fmt: skip
        clock.bind(right.keep(heat).follow(error.size, self.index))
        every = max(1, round(ARROWS / (left._cell(places))))
        cut = (slice(None), slice(every // 2, None, every), slice(every // 2, None, every))
        full = np.quantile(np.linalg.norm(error.exact, axis=-1).reshape(len(error.norm), -1), 0.9, axis=1)
        for view, vectors in ((left, error.exact), (middle, error.learned)):
            arrows = view.arrows(places[cut[1:]], vectors[0][cut[1:]], length=0.9, power=0.5,
                                 table=theme.table("magnitude"), vmax=float(full.max()))  # fmt: skip
            clock.bind(arrows.follow(vectors[cut], self.index, longest=full))
        for view, states in ((left, self.exact["x"]), (middle, self.run["x"])):
            radius = point_radius(states.shape[1], 4)
            clock.bind(view.cloud(states, color=theme.samples, radius=radius, alpha=0.9, ring=theme.panel))
        dots = np.where(error.asked[..., None], NEVER, places)[:, ::2, ::2].reshape(len(error.norm), -1, 2)
        for view, hue in ((middle, theme.muted), (right, theme.panel)):
            cloud = view.cloud(dots, color=hue, radius=1.1 * HAIR, alpha=0.8)
            clock.bind(lambda step, cloud=cloud: cloud.show_step(self.index[int(step)]), moves=[cloud])
        return [mob for view in views for mob in view.made]

    def texts(self, clock: Clock, boxes: Boxes) -> list[Any]:
        """Names over the panels; under them σ_t, what moves, what the colours mean, and whose the scores are."""
        page, em, low = self.page, self.page.em("legend"), 0.25 * self.page.em("floor")
        said = [captions.model(self.exact), captions.model(self.run)]
        said.append(page.fitting(self.words["never"], boxes.notes[2].width, "floor"))
        made: list[Any] = []
        for name, label, note, words in zip(
            ("exact", "learned", "difference"), boxes.labels, boxes.notes, said, strict=True
        ):
            made.append(page.label(self.words[name], label.left, label.bottom + 0.4 * page.em("label")))
            made.append(page.label(words, note.left, note.bottom + low, size="floor", color="muted"))
        first, second, third = ((note, note.top - 1.1 * em) for note in boxes.notes)
        made.append(clock.number("$sigma_t =$ {:.3f}", self.run["sigma"], size="legend").at(first[0].left, first[1]))
        made.append(key_dot(self.theme.samples)(second[0].left, second[0].left + 0.15, second[1] + 0.24 * em))
        same = page.fitting(self.words["same"], second[0].width - 0.3, "legend")
        made.append(page.label(same, second[0].left + 0.27, second[1], size="legend"))
        (note, y), table = third, self.theme.table("error")
        ends = (
            page.label("0", note.left, y, size="legend"),
            page.label(f"≥ {self.error.high:g}", note.right, y, 1, "legend"),
        )
        rect = (ends[0].get_right()[0] + 0.14, ends[1].get_left()[0] - 0.14, y, y + 0.5 * em)
        return [*made, *ends, ColorBar(rect, table, border=self.theme.border)]

    def chart(self, clock: Clock, box: Box) -> list[Any]:
        """The error's norm against t, over p_t and where there were no data."""
        error, page, theme = self.error, self.page, self.theme
        time = np.asarray(self.run["time"], float)[: len(error.norm)]
        high = min(float(error.elsewhere.max()), HEADROOM * float(error.norm.max()))
        low = float(np.quantile(error.norm, LEAST))
        box = box._replace(top=box.top - 1.25 * page.em("legend"))
        ticks = decades(low, high, 2)
        ends = float(time.min()), float(time.max())  # the run goes from the right to the left
        axes = Axes(page, box, x=ends, y=(low, high), log_y=True, y_ticks=[ticks[0], ticks[-1]])
        hues = ((error.norm, theme.fg), (np.where(error.elsewhere > 0, error.elsewhere, np.nan), theme.muted))
        curves = [axes.curve(time, values, color=hue, ring=theme.bg).set_z_index(3) for values, hue in hues]
        clock.bind(lambda step: [curve.show_step(min(step, len(time) - 1)) for curve in curves], moves=curves)
        y = axes.rect.top + 0.45 * page.em("legend")
        said = page.fitting(self.words["error"], 0.54 * axes.rect.width, "legend", 0.1)
        rest = page.fitting(self.words["elsewhere"], 0.4 * axes.rect.width, "legend", 10.0)
        numbers = [
            clock.number(said, error.norm, size="legend").at(axes.rect.left, y),
            clock.number(rest, error.elsewhere, size="legend", color="muted").at(axes.rect.right, y, 1),
        ]
        return [*axes.mobjects, *curves, *numbers]
