"""Learning curves: loss and distance to the data over the logarithm of the training step, and what judges them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from manim import VGroup

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.parts.axes import Axes, decades, evenly
from diffrender.animation.parts.beside import FAR, FLOOR, METRIC, NEAREST
from diffrender.animation.parts.clock import Clock
from diffrender.animation.theme import HAIR
from diffrender.animation.timeline import Timeline, evenly_in, path_length
from diffrender.trajectory.distance import compared_points, judged_distances, nearest_distances
from diffrender.trajectory.reader import Trajectory

RECENT = 0.5  # share of the steps so far, the latest of them, over which the loss is averaged
APART = 3.0  # ticks of the distance stand no nearer
NARROW = 10.0  # em, under which a chart is narrow
NAMED = 0.55  # of a chart's width, under which curves are still high: room for the name of a dotted line
EVEN = 0.1  # of the time in which points move that all snapshots have alike
ABOVE = 0.8  # of that width, for its name over a narrow chart: the next one's may reach over its left edge
LEAST = "the best any network can do: {0}|best possible: {0}|at best {0}"
JOINED = "nearest data 0.000, true samples 0.000–0.000"  # the longest line that every chart with its floor needs
LOSS_JOINED = (
    "Loss, mean of the last half {0}; the best any network can do {1}|Loss, mean of last half {0}; best possible {1}"
    "|Loss {0}; best possible {1}|Loss {0}; at best {1}"
)
NEAREST_JOINED = (
    "Mean distance to the nearest data {0}, true samples {1}|To the nearest data {0}, true samples {1}"
    "|Nearest data {0}, true samples {1}"
)
UNDER_NAME = 0.16  # of the chart's height, from its name down to where its curve begins
WITHIN = 1.01  # of the least loss, which is known within about so much
RAW = 0.5  # opacity of the single losses behind their mean


def recent_mean(loss: np.ndarray) -> np.ndarray:
    """(T,) at every step the mean of the latest half of the losses (T,) so far: on a logarithmic axis as smooth late as
    early, and late so smooth that it can be compared with what is least on average."""
    total, count = np.concatenate([[0.0], np.cumsum(loss)]), np.arange(1, len(loss) + 1)
    before = (count * (1 - RECENT)).astype(int)
    return (total[count] - total[before]) / (count - before)


def at_least(run: Trajectory) -> np.ndarray:
    """(K,) whether the mean loss at each snapshot is the least that there is, as exactly as that is known."""
    steps, floor = np.asarray(run["snapshot_step"]), (run.meta.get("figures") or {}).get("loss_floor")
    mean = recent_mean(np.asarray(run["loss"], float))
    return mean[np.clip(steps - 1, 0, len(mean) - 1)] <= (WITHIN * floor if floor else -np.inf)


def towards_the_data(run: Trajectory, *, interpolate: bool = False) -> Timeline:
    """Of snapshots of points: half of the time as they move, half as they come nearer to the data than ever, since late
    ones only shimmer."""
    shots = run["snapshot"]
    way = path_length(shots, even=EVEN)
    curves = [np.array([way.course(k) for k in range(len(shots))])]
    if course := nearest_distances(run, list(shots)):
        curves.append(np.log(np.minimum.accumulate([each.far for each in course])))
    return evenly_in(*curves, name="towards the data", interpolate=interpolate)


class LearningCurves:
    """The loss of a training and, if a distance was recorded, that of its samples to the data, bound to a clock.

    Of points it is how far they are from the nearest data, in the mean: it sees each that lies where no data are.

    The loss's floor is that of the exact denoiser of the training data (`figures.loss_floor`); the distance has a band,
    in which that of two draws of the data usually lies. Room for one line of text is left at the foot of the box. The
    clock's steps are snapshots.

    mobjects: everything that is drawn. said: what a caption must say of it.
    """

    said = "thin: each step's loss"

    def __init__(self, page: Page, run: Trajectory, box: Box, clock: Clock) -> None:
        self.page, self.run, self.clock = page, run, clock
        self.steps = np.asarray(run["snapshot_step"])
        box = box._replace(bottom=box.bottom + 1.25 * page.em("legend"))
        both, tall = METRIC in run, page.shape == "tall"
        boxes = (box.columns(1, 1, gap=0.6) if tall else box.rows(0.48, 0.52, gap=0.2)) if both else [box]
        # over a narrow chart stands the name of its dotted line too, for which there is no room within
        narrow = page.shape != "wide" or box.width < NARROW * page.em("legend")
        self.joined = page.words(JOINED, "legend").width <= boxes[0].width  # on the line of its number
        self.line = 1.2 * page.em("floor") if narrow and not self.joined else 0.0
        self.left = boxes[0].left
        first, *rest = (b._replace(top=b.top - 1.2 * page.em("legend") - self.line) for b in boxes)
        ticks = decades(1, len(run["loss"]))[:: 1 if page.shape == "wide" else 2]
        # charts under each other have one axis of steps: numbers at their left have the same room
        room = 0.0 if tall else 2.3 * page.em("legend")
        self.mobjects: list[Any] = self._loss(first, room, x_ticks=() if both and not tall else ticks)
        for under in rest:
            self.mobjects += self._distance(under, room, x_ticks=ticks)

    def _loss(self, box: Box, room: float, *, x_ticks: Any) -> list[Any]:
        """Single losses and the mean of the latest half of them; the axis holds all that is drawn."""
        page, theme, clock, steps = self.page, self.page.theme, self.clock, self.steps
        loss = np.asarray(self.run["loss"], float)
        at, mean = np.arange(1, len(loss) + 1), recent_mean(loss)
        floor = (self.run.meta.get("figures") or {}).get("loss_floor")
        low, high = min(loss.min(), floor or np.inf), loss.max()  # nothing that was recorded is cut off
        axes = Axes(
            page, box, x=(1, len(loss)), y=(low, high), log_x=True, x_ticks=x_ticks,
            y_ticks=evenly(low, high, 2 if page.shape == "tall" else 3), room=room, pad=UNDER_NAME,
        )  # fmt: skip
        raw = axes.curve(at, loss, color=theme.fg, width=HAIR).set_fill(opacity=RAW)
        smooth = axes.curve(at, mean, color=theme.fg, ring=theme.bg)
        for curve in (raw, smooth):
            clock.bind(lambda shot, curve=curve: curve.show_step(self._moment(shot)), moves=[curve])
        # a floor is known within some 1 %: no more decimals than that, of what is compared with it too
        spec = f".{max(1 - math.floor(math.log10(floor)), 2)}f" if floor else ".3f"
        name = f"Loss, mean of the last half: {{:{spec}}}" if page.shape == "wide" else f"Loss {{:{spec}}}"
        if floor and self.joined:
            name = self._joined(LOSS_JOINED, axes, spec, f"{floor:{spec}}")
        value = self._over(axes, clock.number(name, mean[np.clip(steps - 1, 0, len(mean) - 1)], size="legend"))
        least = [self._judged(axes, floor, LEAST.replace("{0}", f"{{0:{spec}}}"))] if floor else []
        return [*axes.mobjects, *least, raw, smooth, value]

    def _distance(self, box: Box, room: float, *, x_ticks: Any) -> list[Any]:
        """The distance at every snapshot, judged as the end of the clip judges it."""
        page, theme, clock = self.page, self.page.theme, self.clock
        points = len(self.run.event) == 1
        course = (nearest_distances if points else judged_distances)(self.run, list(self.run["snapshot"]))
        figures = course[-1] if course else None
        far = np.array([each.far for each in course]) if course else np.asarray(self.run[METRIC], float)
        low, high = float(far.min()), float(far.max())
        if figures:
            low, high = min(low, figures.low), max(high, figures.high)
        ticks = decades(low, high)
        between = np.log(ticks[-1] / ticks[0]) / np.log(high / low) * (0.88 * box.height - 1.3 * page.em("legend"))
        two = ticks[-1] > APART * ticks[0] and between > 1.1 * page.em("legend")
        axes = Axes(
            page, box, x=(1, len(self.run["loss"])), y=(low, high), log_x=True, log_y=True, x_ticks=x_ticks,
            y_ticks=[ticks[0], *(ticks[-1:] if two else [])], room=room, pad=UNDER_NAME,
        )  # fmt: skip
        curve = clock.bind(axes.curve(np.maximum(self.steps, 1), far, color=theme.samples, ring=theme.bg))
        name = page.fitting(NEAREST if points and figures else FAR, axes.rect.width, "legend", 0.0)
        if figures and self.joined:
            forms = NEAREST_JOINED if points else "Distance {0}, true samples {1}"
            name = self._joined(forms, axes, ".3f", figures.usual)
        value = self._over(axes, clock.number(name[0].upper() + name[1:], far, size="legend", color="samples"))
        size = compared_points(self.run, self.run["snapshot"][-1])
        usual = figures.usual if figures else ""
        names = "|".join(form.format(size or 0, usual) for form in FLOOR.split("|"))
        least = [axes.band(figures.low, figures.high), self._judged(axes, figures.high, names)] if figures else []
        return [*axes.mobjects, *least, curve, value]

    def _joined(self, forms: str, axes: Axes, spec: str, judged: str) -> str:
        """The template of a number and of what it is judged by, on one line over a chart."""
        widest = f"{8:{spec}}"
        form = self.page.fitting(forms, axes.rect.right - self.left, "legend", widest, judged)
        return form.format(f"{{:{spec}}}", judged)

    def _over(self, axes: Axes, text: Any) -> Any:
        """A text over a chart and over the name of its dotted line, at its left unless it is longer than that."""
        y = axes.rect.top + 0.3 * self.page.em("legend") + self.line
        return text.at(min(axes.rect.left, axes.rect.right - text.room), y)

    def _judged(self, axes: Axes, value: float, names: str) -> Any:
        """A dotted line by which a curve is judged, under the longest of its names that there is room for."""
        page, rect = self.page, axes.rect
        if self.joined:
            return axes.floor(value)
        size = "floor" if self.line else "legend"
        name = page.fitting(names, (ABOVE if self.line else NAMED) * rect.width, size, value).format(value)
        if not self.line:
            return axes.floor(value, name, size=size)
        over = page.roomy(page.words(name, "floor", "muted"), rect.width)
        over.at(min(rect.left, rect.right - over.width), rect.top + 0.3 * page.em("floor"))
        return VGroup(axes.floor(value), over)

    def _moment(self, shot: float) -> float:
        """Place in the losses of a moment between two snapshots."""
        return max(float(np.interp(shot, np.arange(len(self.steps)), self.steps)) - 1, 0.0)
