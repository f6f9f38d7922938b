"""Plots of an autoencoder that learns: its loss in parts, some images beside what becomes of them, classes parting."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.plane.curve import averaged
from diffrender.animation.parts.axes import Axes, evenly
from diffrender.animation.parts.clock import Clock
from diffrender.animation.parts.pictures import image_grid
from diffrender.trajectory.reader import Trajectory

MEAN = 25  # steps over which single losses are averaged
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
            numbers, curves, pictures = box.rows(3.2 * em, 0.62 * box.height - 3.2 * em, 0.38 * box.height, gap=0.15)
        lines = [clock.number("epoch {:.1f}", self.epoch, size="label")]
        if "metric_neighbours" in run:
            share = 100 * np.asarray(run["metric_neighbours"])
            forms = "{:.0f} % have mostly neighbours of their class|{:.0f} % among their own class|own class: {:.0f} %"
            form = page.fitting(forms, 0.85 * numbers.width, "legend", 100)
            lines.append(clock.number(form, share, size="legend"))
        page.stack(numbers, *lines, gap=0.35)
        self.mobjects: list[Any] = list(lines)
        parts = [name for name in NAMES if name in run]
        last = 1.2 if self.beside else 1.5  # it has the numbers of the epochs under it
        places = curves.rows(*[1.0] * (len(parts) - 1), last, gap=0.12)
        for k, (name, place) in enumerate(zip(parts, places, strict=True)):
            self.mobjects += self._curve(name, place, last=k == len(parts) - 1)
        if "reconstruction" in run:
            self.mobjects += self._pictures(pictures)

    def _curve(self, name: str, box: Box, *, last: bool) -> list[Any]:
        """One part of the loss over the epochs, by their logarithm: most happens at first."""
        loss = averaged(np.asarray(self.run[name], float), MEAN)
        per_epoch = len(loss) / self.epoch[-1]
        at = (np.arange(len(loss)) + 1) / per_epoch
        low, high = float(loss.min()), float(np.quantile(loss, 0.995))
        names = NAMES if box.width > 15 * self.page.em("legend") else SHORT
        axes = Axes(
            self.page, box, x=(float(at[0]), float(at[-1])), y=(low, high), log_x=True, y_name=names[name],
            x_ticks=[t for t in (0.01, 0.1, 1, 10, 100) if at[0] <= t <= at[-1]] if last else (),
            x_name="epoch" if last and not self.beside else "", y_ticks=evenly(low, high, 2),
        )  # fmt: skip
        theme = self.page.theme
        curve = axes.curve(at, np.clip(loss, low, high), color=theme.fg, ring=theme.bg)
        moments = np.maximum(self.epoch * per_epoch - 1, 0)
        shots = np.arange(len(self.epoch))
        self.clock.bind(lambda shot: curve.show_step(float(np.interp(shot, shots, moments))), moves=[curve])
        return [*axes.mobjects, curve]

    def _pictures(self, box: Box) -> list[Any]:
        """Images in one row, and what is decoded from their codes under them."""
        page, theme, em = self.page, self.page.theme, self.page.em("legend")
        images, count = self.run["image"], len(self.run["image"])
        upper, lower = box.rows(1, 1, gap=0.1)
        made: list[Any] = []
        for place, values, name in ((upper, images[None], "images"), (lower, self.run["reconstruction"], "decoded")):
            room = place._replace(top=place.top - 1.25 * em)
            grid = image_grid(values, room, theme=theme, rows=1, cols=count).set_z_index(1)
            made += [grid, page.label(name, grid.get_left()[0], grid.get_top()[1] + 0.3 * em, -1, "legend", "muted")]
        self.clock.bind(made[2])
        return made
