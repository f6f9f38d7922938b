"""A chart of the recorded posterior's width over a run, exact and the model's, and of the distance of their means."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.animation.layout.arrangements import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.plane.curve import Curve
from diffrender.animation.parts.axes import Axes
from diffrender.trajectory.reader import Trajectory

APART = "grey: how far the means are apart|grey: means apart"
ROOM = 1.25  # factor by which the axis goes beyond the widest
SMALLEST = 1e-3  # of the widest: what is narrower lies under the axis


class SpreadChart:
    """√tr Cov[x_0 | x_t] of the followed chain against log-SNR, and the distance of the model's x̂0 from the exact one.

    exact, model, apart: (T,) the figures. fan: (T,) √tr of the covariance of the fan's own points. moved: (T,)
    how far x_t is from the mean. With `learned` all
    three are drawn, else the exact spread alone. curves grow with the clock; mobjects: axes and curves.
    """

    def __init__(self, page: Page, run: Trajectory, box: Box, *, learned: bool) -> None:
        theme, chain = page.theme, int(run.meta["followed"])
        self.exact, self.model = (np.sqrt(traces(run[key])) for key in ("posterior_cov", "model_cov"))
        mean = np.asarray(run["posterior_mean"], float)
        guess = np.stack([np.asarray(run["x0"][k][chain], float) for k in range(run.steps)])
        self.apart = np.linalg.norm(guess - mean, axis=1)
        way = np.stack([np.asarray(run.states[k][chain], float) for k in range(run.steps)])
        self.moved = np.linalg.norm(way - mean, axis=1)
        off = np.asarray(run["posterior"], float) - mean[:, None]
        self.fan = np.sqrt(np.einsum("tq,tqd->t", np.asarray(run["posterior_weight"], float), off**2))
        alpha, sigma = (np.asarray(run[key], float)[: run.steps] for key in ("alpha", "sigma"))
        x, high = 2 * np.log(alpha / sigma), ROOM * float(self.exact.max())
        axes = Axes(page, box, x=(x[0], x[-1]), y=(SMALLEST * high, high), log_y=True, x_name="log SNR")
        drawn = [(self.exact, theme.data)]
        if learned:
            drawn += [(self.model, theme.accept), (self.apart, theme.muted)]
        self.curves: list[Curve] = [
            axes.curve(x, np.maximum(y, SMALLEST * high), color=color, ring=theme.bg if color != theme.muted else None)
            for y, color in reversed(drawn)
        ]
        apart = page.fitting(APART, axes.rect.width - 0.24, "floor")
        said = [
            page.label(apart, axes.rect.left + 0.12, axes.rect.bottom + 0.12, size="floor", color="muted")
        ] * learned
        self.mobjects: list[Any] = [*axes.mobjects, *said, *(curve.set_z_index(6) for curve in self.curves)]


def traces(cov: Any) -> np.ndarray:
    """(T,) trace of each of (T, D, D), nothing below 0."""
    return np.maximum(np.trace(np.asarray(cov, float), axis1=1, axis2=2), 0.0)
