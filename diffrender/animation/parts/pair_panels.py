"""Two runs from the same noise: their clouds, a line from one end of each chain to its other, and how far that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from manim import VMobject

from diffrender.animation.layout.box import Box, Boxes
from diffrender.animation.layout.page import Page
from diffrender.animation.layout.plane import Plane
from diffrender.animation.mobjects.furniture.panels import Rect, frame, panel
from diffrender.animation.parts.axes import Axes, evenly
from diffrender.animation.parts.beside import METRIC
from diffrender.animation.parts.clock import Clock
from diffrender.animation.parts.straightness import straight_time
from diffrender.animation.text import captions
from diffrender.animation.theme import LINE, point_radius
from diffrender.core.errors import RenderError
from diffrender.trajectory.reader import Trajectory

ALIKE = 1e-4  # relative difference up to which two starts are one
JOINED = 400  # chains whose two states are joined by a line


class PairPanels:
    """Runs `one` and `other` from the same noise, chain by chain at the same noise level.

    views: three of one part of the plane, on `boxes.cells`. apart: (T+1,) root mean square distance between the two
    states of a chain, at each state of `one`; at: (T+1,) the state of `other` whose level is nearest. mobjects: all.
    Raises RenderError if they are not of the same noise.
    """

    def __init__(
        self, page: Page, clock: Clock, other: Trajectory, views: list[Plane], boxes: Boxes, words: Mapping[str, str]
    ) -> None:
        self.page, self.theme, self.words = page, page.theme, words
        one = clock.run
        starts = [np.asarray(run["x"][0], float) for run in (one, other)]
        starts = [start / np.sqrt(np.square(start).mean()) for start in starts]
        if starts[0].shape != starts[1].shape or np.abs(starts[0] - starts[1]).max() > ALIKE * np.abs(starts[0]).max():
            raise RenderError(
                f"{one.file} and {other.file}: not of the same noise.", "Sample both with the same seed and --chains."
            )
        level, levels = straight_time(one), straight_time(other)
        self.at = np.abs(level[:, None] - levels[None]).argmin(1)
        a, b = (np.asarray(run["x"], float) / run.scale[:, None, None] for run in (one, other))
        b = b[self.at]
        self.apart = np.sqrt(np.square(a - b).sum(2).mean(1))
        radius, hues = point_radius(one.chains, 8), (self.theme.samples, self.theme.data)
        left, right, both = views
        shown = ((left, a, hues[0]), (right, b, hues[1]), (both, a, hues[0]), (both, b, hues[1]))
        for view, states, hue in shown:
            clock.bind(view.cloud(states.astype(np.float32), color=hue, radius=radius, alpha=0.85))
        lines = VMobject(stroke_color=self.theme.fg, stroke_width=60 * LINE, stroke_opacity=0.6).set_z_index(1)
        clock.bind(lambda step: self.join(lines, both, a[int(step)], b[int(step)]), moves=[lines])
        names = [f"{captions.sampler(run)}" for run in (one, other)]
        models = [captions.model(run) for run in (one, other)]
        self.mobjects: list[Any] = [panel(cell, self.theme) for cell in boxes.cells]
        self.mobjects += [lines, *(mob for view in views for mob in view.made)]
        self.mobjects += [frame(cell, self.theme.border).set_z_index(9) for cell in boxes.cells]
        em = page.em("legend")
        for k, (run, label, note) in enumerate(zip((one, other), boxes.labels, boxes.notes, strict=False)):
            fits = [size for size in ("label", "legend") if page.words(names[k], size).width <= label.width]
            y, size = label.bottom + 0.4 * page.em("label"), (*fits, "floor")[0]
            self.mobjects.append(page.label(names[k], label.left, y, size=size, color=hues[k]))
            y, steps = note.top - 1.1 * em, np.arange(one.steps + 1) if run is one else self.at
            self.mobjects.append(
                clock.number("NFE {:,}", np.asarray(run["nfe"])[steps], size="legend").at(note.left, y)
            )
            if METRIC in run:
                far = np.asarray(run[METRIC], float)[steps]
                self.mobjects.append(clock.number("$W_2$ {:.3f}", far, size="legend").at(note.right, y, 1))
            if models[k]:
                low = note.bottom + 0.25 * page.em("floor")
                self.mobjects.append(page.label(models[k], note.left, low, size="floor", color="muted"))
        last, note = boxes.labels[2], boxes.notes[2]
        self.mobjects.append(page.label(words["both"], last.left, last.bottom + 0.4 * page.em("label")))
        joined = page.fitting(words["joined"], note.width, "legend")
        self.mobjects.append(page.label(joined, note.left, note.top - 1.1 * em, size="legend", color="muted"))
        self.mobjects += self.chart(clock, boxes.chart, level)

    def join(self, lines: VMobject, view: Plane, a: np.ndarray, b: np.ndarray) -> None:
        """Draw a line from each chain's one state to its other, as far as it lies in the panel."""
        p, q = within(view.to_scene(a[:JOINED]), view.to_scene(b[:JOINED]), view.rect)
        p, q = (np.pad(x, ((0, 0), (0, 1))) for x in (p, q))
        lines.points = np.stack([p, p + (q - p) / 3, p + (q - p) * 2 / 3, q], 1).reshape(-1, 3)

    def chart(self, clock: Clock, box: Box, level: np.ndarray) -> list[Any]:
        """How far the two states of a chain are apart, against σ/(α + σ), from the noise on the right."""
        page, high = self.page, float(self.apart.max())
        if high == 0:
            return [page.label(self.words["alike"], box.left, box.top - 1.5 * page.em("label"))]
        ends = float(level.min()), float(level.max())
        box = box._replace(top=box.top - 1.25 * page.em("legend"))
        axes = Axes(page, box, x=ends, y=(0.0, high), y_ticks=evenly(0.0, high, 2))
        curve = axes.curve(level, self.apart, color=self.theme.fg, ring=self.theme.bg).set_z_index(3)
        clock.bind(curve)
        said = page.fitting(self.words["apart"], axes.rect.width, "legend", 0.1)
        y = axes.rect.top + 0.45 * page.em("legend")
        return [*axes.mobjects, curve, clock.number(said, self.apart, size="legend").at(axes.rect.left, y)]


def within(p: np.ndarray, q: np.ndarray, rect: Rect) -> tuple[np.ndarray, np.ndarray]:
    """The ends (K', 2) of the parts in a rectangle of lines from p (K, 2) to q (K, 2); those outside are left out."""
    (x0, x1, y0, y1), way = rect, q - p
    with np.errstate(divide="ignore", invalid="ignore"):
        sides = np.stack([((x0, y0) - p) / way, ((x1, y1) - p) / way])  # where each meets each edge, 0 at p, 1 at q
    first, last = np.fmax(np.fmin(*sides).max(1), 0.0)[:, None], np.fmin(np.fmax(*sides).min(1), 1.0)[:, None]
    seen = (first < last)[:, 0]
    p, way = p[seen], way[seen]
    return p + first[seen] * way, p + last[seen] * way
