"""Plots of an autoencoder that learns: its loss in parts, some images beside what becomes of them, classes parting."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.plane.curve import averaged
from diffrender.animation.parts.axes import TICK, Axes, evenly, written
from diffrender.animation.parts.clock import Clock
from diffrender.animation.parts.pictures import image_grid
from diffrender.trajectory.reader import Trajectory

MEAN = 25  # steps over which single losses are averaged
GAP, ROW_GAP = 0.15, 0.1  # between numbers, curves and images, and between the two rows of these
NUMBERS, NAME = 3.2, 1.25  # heights of two lines of numbers, and of a name over a plot or images, in em
CURVE = 0.5  # height in which a curve can be read
NAMES = {"loss_reconstruction": "reconstruction, nats an image", "loss_kl": "KL to the normal, nats an image"}
SHORT = {"loss_reconstruction": "reconstruction", "loss_kl": "KL"}


class EncoderCurves:
    """Curves, images and numbers of a recording of kind `autoencoder`, bound to a clock whose steps are its moments.

    mobjects: everything that is drawn.
    """

    def __init__(self, page: Page, run: Trajectory, box: Box, clock: Clock) -> None:
        self.page, self.run, self.clock = page, run, clock
        self.epoch = np.asarray(run["epoch"], float)
        self.beside = box.width > 1.2 * box.height
        em = page.em("legend")
        if self.beside:
            curves, right = box.columns(0.5, 0.5, gap=0.5)
            numbers, pictures = right.rows(3.2 * em, right.height - 3.2 * em, gap=0.0)
        else:
            numbers, curves, pictures = box.rows(*self._heights(box), gap=GAP)
        lines = [clock.number("epoch {:.1f}", self.epoch, size="label", between=True)]
        if "metric_neighbours" in run:
            share = 100 * np.asarray(run["metric_neighbours"])
            forms = "{:.0f} % have mostly neighbours of their class|{:.0f} % among their own class|own class: {:.0f} %"
            form = page.fitting(forms, 0.85 * numbers.width, "legend", 100)
            fits = page.words(form.format(100), "legend").width <= numbers.width
            lines.append(clock.number(form, share, size="legend" if fits else "floor"))
        page.stack(numbers, *lines, gap=0.35)
        self.mobjects: list[Any] = list(lines)
        parts = [name for name in NAMES if name in run]
        under = 1.3 * em  # the last has the numbers of the epochs under it
        each = (curves.height - under - GAP * (len(parts) - 1)) / len(parts)
        places = curves.rows(*[each] * (len(parts) - 1), each + under, gap=GAP)
        ticks = [written(v) for name in parts for v in evenly(*self._range(name), 2)]
        self.room = max(page.words(tick, "legend").width for tick in ticks)  # one epoch stands over the other
        for k, (name, place) in enumerate(zip(parts, places, strict=True)):
            self.mobjects += self._curve(name, place, last=k == len(parts) - 1)
        if "reconstruction" in run:
            self.mobjects += self._pictures(pictures)

    def _heights(self, box: Box) -> tuple[float, float, float]:
        """Of numbers, curves and images under each other: images as large as leaves the curves high enough to read."""
        em, count = self.page.em("legend"), len(self.run["image"]) if "reconstruction" in self.run else 1
        room = box.height - 2 * GAP - NUMBERS * em
        words = 2 * (NAME * em + CURVE) + GAP + 1.3 * em, 2 * NAME * em + ROW_GAP  # of two curves, of two rows
        image = min(box.width / count, (room - sum(words)) / 2)
        pictures = 2 * image + words[1]
        return NUMBERS * em, room - pictures, pictures

    def _range(self, name: str) -> tuple[float, float]:
        """The least and almost the greatest value of a part of the loss, averaged."""
        loss = averaged(np.asarray(self.run[name], float), MEAN)
        return float(loss.min()), float(np.quantile(loss, 0.995))

    def _curve(self, name: str, box: Box, *, last: bool) -> list[Any]:
        """One part of the loss over the epochs, by their logarithm: most happens at first."""
        loss = averaged(np.asarray(self.run[name], float), MEAN)
        per_epoch = len(loss) / self.epoch[-1]
        at = (np.arange(len(loss)) + 1) / per_epoch
        low, high = self._range(name)
        names = NAMES if box.width > 15 * self.page.em("legend") else SHORT
        theme, word, em = self.page.theme, self.page.words("epoch", "legend", "muted"), self.page.em("legend")
        # ticks stand left of the word, which ends the axis
        free = at[-1] * (at[0] / at[-1]) ** ((word.width + em) / (0.8 * box.width))
        axes = Axes(
            self.page, box, x=(float(at[0]), float(at[-1])), y=(low, high), log_x=True, y_name=names[name],
            x_ticks=[t for t in (0.01, 0.1, 1, 10, 100) if at[0] <= t <= free] if last else (),
            y_ticks=evenly(low, high, 2), room=self.room,
        )  # fmt: skip
        if last:
            axes.mobjects.append(word.at(box.right, axes.rect.bottom - TICK - em, 1))
        curve = axes.curve(at, np.clip(loss, low, high), color=theme.fg, ring=theme.bg)
        moments = np.maximum(self.epoch * per_epoch - 1, 0)
        shots = np.arange(len(self.epoch))
        self.clock.bind(lambda shot: curve.show_step(float(np.interp(shot, shots, moments))), moves=[curve])
        return [*axes.mobjects, curve]

    def _pictures(self, box: Box) -> list[Any]:
        """Images in one row, and what is decoded from their codes under them."""
        page, theme, em = self.page, self.page.theme, self.page.em("legend")
        images, count = self.run["image"], len(self.run["image"])
        upper, lower = box.rows(1, 1, gap=ROW_GAP)
        made: list[Any] = []
        for place, values, name in ((upper, images[None], "images"), (lower, self.run["reconstruction"], "decoded")):
            room = place._replace(top=place.top - NAME * em)
            grid = image_grid(values, room, theme=theme, rows=1, cols=count).set_z_index(1)
            made += [grid, page.label(name, grid.get_left()[0], grid.get_top()[1] + 0.3 * em, -1, "legend", "muted")]
        self.clock.bind(made[2])
        return made
