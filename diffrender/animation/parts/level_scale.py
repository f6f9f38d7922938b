"""The scale of noise levels, from the noisiest to none, and a mark that runs along it with recorded time."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.animation.colors import blend
from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.furniture.color_bar import ColorBar
from diffrender.animation.mobjects.furniture.panels import frame, line

BAR = 0.3  # width of the scale
BEYOND = 0.5  # from its end to the place of no noise at all
TICKS = (30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03)


class LevelScale:
    """A bar from the colour of noise to that of data, logarithmic in sigma (T+1,); bind it to a clock.

    upright: falling from the top of the box; else from its right to its left end, as noise becomes data to the right.
    standing: bar and ticks. mark: what moves. `hue(sigma)` is the colour of a level.
    """

    def __init__(self, page: Page, box: Box, sigma: np.ndarray, *, upright: bool) -> None:
        self.sigma, self.upright, self.theme = np.asarray(sigma, float), upright, page.theme
        self.high, self.low = float(self.sigma.max()), float(self.sigma[self.sigma > 0].min())
        theme, em = page.theme, page.em("legend")
        self.bar = (
            Box(box.left, box.left + BAR, box.bottom + BEYOND + 0.2, box.top)
            if upright
            else Box(box.left + 0.3, box.right - BEYOND - 0.3, box.top - BAR, box.top)
        )
        ends = (1, 0) if upright else (0, 1)
        hues = [blend(theme.samples, theme.data, u) for u in np.linspace(*ends, 256)]
        table = np.array([[int(hue[k : k + 2], 16) for k in (1, 3, 5)] for hue in hues], np.uint8)
        self.standing: list[Any] = [ColorBar(self.bar, table, border=theme.border)]
        apart = (1.25 if upright else 2.2) * em
        ticks = [0.0]
        for tick in TICKS[::-1]:  # from the clean end on, as many as have room
            along = 1 if upright else 0
            if self.low <= tick <= self.high and abs(self.place(tick)[along] - self.place(ticks[-1])[along]) > apart:
                ticks.append(tick)
        for tick in ticks:
            x, y = self.place(tick)
            if upright:
                self.standing.append(line([(self.bar.right, y), (self.bar.right + 0.1, y)], theme.muted))
                self.standing.append(page.label(f"{tick:g}", self.bar.right + 0.25, y - 0.3 * em, size="legend"))
            else:
                self.standing.append(page.label(f"{tick:g}", x, self.bar.bottom - 1.25 * em, 0, "legend"))
        wide, high = (BAR + 0.2, 0.13) if upright else (0.13, BAR + 0.2)
        self.mark = frame(Box(-wide / 2, wide / 2, -high / 2, high / 2), theme.fg, 0.03, fill=theme.bg).set_z_index(2)
        self.mobjects = [self.mark]

    def share(self, sigma: float) -> float:
        """Where a level stands, 0 at the noisiest, 1 at the least noisy that is not clean, by its logarithm."""
        if self.low == self.high:  # of one step
            return float(sigma < self.low)
        return float(np.clip(np.log(self.high / max(sigma, self.low)) / np.log(self.high / self.low), 0, 1))

    def hue(self, sigma: float) -> str:
        """The colour of a level: from that of noise to that of data."""
        return blend(self.theme.samples, self.theme.data, self.share(sigma))

    def place(self, sigma: float) -> tuple[float, float]:
        """The scene point of a level; no noise at all has its own, beyond the end of the bar."""
        (x, y), u, beyond = self.bar.center, self.share(sigma), BEYOND * (sigma <= 0)
        if self.upright:
            return x, self.bar.top - u * self.bar.height - beyond
        return self.bar.left + u * self.bar.width + beyond, y

    def show_step(self, step: float) -> None:
        """Stand at the level of a recorded step."""
        self.mark.move_to([*self.place(float(self.sigma[int(step)])), 0])
