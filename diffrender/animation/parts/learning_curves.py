"""Learning curves: loss and distance to the data over the logarithm of the training step, each over its floor."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.animation.layout.arrangements import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.plane.curve import averaged
from diffrender.animation.parts.axes import Axes, decades, evenly
from diffrender.animation.parts.beside import METRIC
from diffrender.animation.parts.clock import Clock
from diffrender.animation.theme import HAIR
from diffrender.trajectory.distance import distance_and_floor
from diffrender.trajectory.reader import Trajectory

MEAN = 80  # training steps over which the loss is averaged
SHOWN = (0.01, 0.99)  # quantiles of the single losses between which they are drawn
UNDER = 0.45  # of the span of a figure, the room under it for the name of its floor
RAW = 0.28  # opacity of the single losses behind their mean


class LearningCurves:
    """The loss of a training and, if it was recorded, the distance of its samples to the data, bound to a clock.

    The loss's floor is that of the exact denoiser of the training data (`figures.loss_floor`), the distance's is that
    of two draws of the data. Room for one line of text is left at the foot of the box. The clock's steps are snapshots.

    mobjects: everything that is drawn. said: what a caption must say of it.
    """

    said = "single losses: middle 98 %"

    def __init__(self, page: Page, run: Trajectory, box: Box, clock: Clock) -> None:
        self.page, self.run, self.clock = page, run, clock
        self.steps = np.asarray(run["snapshot_step"])
        box = box._replace(bottom=box.bottom + 1.25 * page.em("legend"))
        both, tall = METRIC in run, page.shape == "tall"
        boxes = (box.columns(1, 1, gap=0.6) if tall else box.rows(0.48, 0.52, gap=0.2)) if both else [box]
        first, *rest = (b._replace(top=b.top - 1.2 * page.em("legend")) for b in boxes)
        ticks = decades(1, len(run["loss"]))[:: 1 if page.shape == "wide" else 2]
        self.mobjects: list[Any] = self._loss(first, x_ticks=() if both and not tall else ticks)
        for under in rest:
            self.mobjects += self._distance(under, x_ticks=ticks)

    def _loss(self, box: Box, *, x_ticks: Any) -> list[Any]:
        """Single losses and their exponential mean; the axis holds all that is drawn."""
        page, theme, clock, steps = self.page, self.page.theme, self.clock, self.steps
        loss = np.asarray(self.run["loss"], float)
        at, mean = np.arange(1, len(loss) + 1), averaged(loss, MEAN)
        floor = (self.run.meta.get("figures") or {}).get("loss_floor")
        low, high = (float(v) for v in np.quantile(loss, SHOWN))
        middle = np.clip(loss, low, high)
        low, high = min(low, mean.min(), floor or low), max(high, mean.max())
        y = (low - UNDER * (high - low), high)
        axes = Axes(page, box, x=(1, len(loss)), y=y, log_x=True, x_ticks=x_ticks, y_ticks=evenly(low, high, 2))
        raw = axes.curve(at, middle, color=theme.fg, width=HAIR).set_fill(opacity=RAW)
        smooth = axes.curve(at, mean, color=theme.fg, ring=theme.bg)
        for curve in (raw, smooth):
            clock.bind(lambda shot, curve=curve: curve.show_step(self._moment(shot)), moves=[curve])
        name = f"Loss, mean of {MEAN} steps: {{:.3f}}" if page.shape == "wide" else "Loss {:.3f}"
        value = self._over(axes, clock.number(name, mean[np.clip(steps - 1, 0, len(mean) - 1)], size="legend"))
        least = [axes.floor(floor, self._briefly("no network can have less: ", floor))] if floor else []
        return [*axes.mobjects, *least, raw, smooth, value]

    def _distance(self, box: Box, *, x_ticks: Any) -> list[Any]:
        """The distance at every snapshot."""
        page, theme, clock = self.page, self.page.theme, self.clock
        far = np.asarray(self.run[METRIC], float)
        figures = distance_and_floor(self.run, self.run["snapshot"][-1])
        low, high = min(float(far.min()), figures[1] if figures else np.inf), float(far.max())
        y, ticks = (low * (low / high) ** UNDER, high), decades(low, high)
        axes = Axes(
            page, box, x=(1, len(self.run["loss"])), y=y, log_x=True, log_y=True, x_ticks=x_ticks,
            y_ticks=[ticks[0], *ticks[1:][-1:]],
        )  # fmt: skip
        curve = clock.bind(axes.curve(np.maximum(self.steps, 1), far, color=theme.samples, ring=theme.bg))
        name = "Distance to the data: {:.3f}" if page.shape == "wide" else "Distance {:.3f}"
        value = self._over(axes, clock.number(name, far, size="legend"))
        least = [axes.floor(figures[1], self._briefly("two draws of the data: ", figures[1]))] if figures else []
        return [*axes.mobjects, *least, curve, value]

    def _over(self, axes: Axes, text: Any) -> Any:
        """A text over a chart, at its left unless it is longer than that."""
        return text.at(min(axes.rect.left, axes.rect.right - text.room), axes.rect.top + 0.3 * self.page.em("legend"))

    def _briefly(self, words: str, value: float) -> str:
        """The name of a floor, with words where there is room."""
        return f"{words if self.page.shape == 'wide' else 'floor '}{value:.3f}"

    def _moment(self, shot: float) -> float:
        """Place in the losses of a moment between two snapshots."""
        return max(float(np.interp(shot, np.arange(len(self.steps)), self.steps)) - 1, 0.0)
