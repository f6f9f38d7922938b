"""A chart of the recorded posterior's width over a run, exact and the model's, and of the distance of their means."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.parts.clock import Clock
from diffrender.animation.parts.keyed_curves import KeyedCurves
from diffrender.trajectory.reader import Trajectory

ROOM = 1.25  # factor by which the axis goes beyond the widest
SMALLEST = 1e-3  # of the widest: what is narrower lies under the axis
NAMES = ("exact:", "learned:", "means apart:|apart:")


class SpreadChart:
    """√tr Cov[x_0 | x_t] of the followed chain against log-SNR, and the distance of the model's x̂0 from the exact one.

    exact, model, apart: (T,) the figures. fan: (T,) √tr of the covariance of the fan's own points. moved: (T,) how far
    x_t is from the mean. `chart`: with `learned` of all three, else of the exact spread alone.
    """

    def __init__(self, run: Trajectory) -> None:
        chain = int(run.meta["followed"])
        self.exact, self.model = (np.sqrt(traces(run[key])) for key in ("posterior_cov", "model_cov"))
        self.mean = np.asarray(run["posterior_mean"], float)
        guess = np.stack([np.asarray(run["x0"][k][chain], float) for k in range(run.steps)])
        self.apart = np.linalg.norm(guess - self.mean, axis=1)
        way = np.stack([np.asarray(run.states[k][chain], float) for k in range(run.steps)])
        self.moved = np.linalg.norm(way - self.mean, axis=1)
        off = np.asarray(run["posterior"], float) - self.mean[:, None]
        self.fan = np.sqrt(np.einsum("tq,tqd->t", np.asarray(run["posterior_weight"], float), off**2))
        alpha, sigma = (np.asarray(run[key], float)[: run.steps] for key in ("alpha", "sigma"))
        self.log_snr = 2 * np.log(alpha / sigma)

    def chart(self, page: Page, clock: Clock, box: Box, name: str, *, learned: bool) -> KeyedCurves:
        """The figures over log-SNR, growing with the clock."""
        theme, high, x = page.theme, ROOM * float(self.exact.max()), self.log_snr
        drawn = [(self.exact, theme.data), (self.model, theme.reject), (self.apart, theme.muted)][: 3 if learned else 1]
        rows = [(said, np.maximum(y, SMALLEST * high), hue, ".3f") for said, (y, hue) in
                zip(NAMES, drawn, strict=False)]  # fmt: skip
        ends = (x[0], x[-1]), (SMALLEST * high, high)
        return KeyedCurves(page, clock, box, name, x, rows, x=ends[0], y=ends[1], log_y=True, x_name="log SNR")


def traces(cov: Any) -> np.ndarray:
    """(T,) trace of each of (T, D, D), nothing below 0."""
    return np.maximum(np.trace(np.asarray(cov, float), axis1=1, axis2=2), 0.0)
