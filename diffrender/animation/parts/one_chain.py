"""One chain on a panel: where it is, and the last steps of its path; its way between states, and a run of it alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from manim import Mobject

from diffrender.animation.mobjects.furniture.panels import Rect
from diffrender.animation.mobjects.plane.cloud import PointCloud
from diffrender.animation.mobjects.plane.trails import Trails
from diffrender.animation.theme import LINE, Theme
from diffrender.trajectory.reader import Trajectory

FLICKER = 600.0  # steps a second above which the path, each time another one, is drawn fainter
RADIUS, ALPHA = 0.065, 0.95
OF_PATHS = 0.6  # power by which the way of few but long steps fades
LEAST_ALPHA = 0.45  # at which a path still stands out 3 : 1 from an empty panel, in both themes
OF_CHAINS = (
    "x", "drift", "noise", "path", "momentum", "momentum_end", "proposal", "accepted", "uniform", "log_ratio",
)  # fmt: skip


def alone(run: Trajectory, chain: int) -> Trajectory:
    """The recording of one chain of a run, as if no others were in it."""
    kept = {name: a[:, chain : chain + 1] if name in OF_CHAINS else a for name, a in run.arrays.items()}
    return Trajectory(run.file, run.meta, kept)


def track(run: Trajectory) -> np.ndarray:
    """(f T + 1, N, 2) where chains go straight from one to the next, f to a step: states of recorded paths, or `x`.

    A chain stays where it is while a path is gone that is refused.
    """
    if "path" not in run:
        return run["x"]
    inside = np.moveaxis(run["path"], 2, 1)[:, :-1]  # (T, f, N, 2)
    if "accepted" in run:
        inside = np.where(np.asarray(run["accepted"], bool)[:, None, :, None], inside, run["x"][:-1, None])
    return np.concatenate([inside.reshape(-1, *inside.shape[2:]), run["x"][-1:]])


class OneChain:
    """The first chain of states x (f T + 1, N, 2) and its last `length` steps. mobjects: path, then point.

    finer: f, the states to a step. color: one of the theme's. look: of the path, as `Trails` takes it.
    """

    def __init__(
        self,
        box: Rect,
        rect: Rect,
        x: np.ndarray,
        *,
        theme: Theme,
        length: int,
        finer: int = 1,
        color: str = "chain",
        **look: Any,
    ) -> None:
        self.x, self.box, self.finer, hue = x[::finer, 0], box, finer, theme.color(color)
        drawn: dict[str, Any] = {"width": 1.15 * LINE, "alpha": ALPHA, "casing": theme.panel} | look
        if finer > 1:
            drawn = {"power": OF_PATHS} | drawn
        self.path = Trails(box, rect, x[:, :1], color=hue, length=length * finer, **drawn)
        self.point = PointCloud(box, rect, x[0, :1], color=hue, radius=RADIUS, ring=theme.panel)
        self.point.follow(x, slice(0, 1))
        self.mobjects: list[Mobject] = [self.path.set_z_index(2), self.point.set_z_index(3)]

    def show_step(self, step: float) -> None:
        """Show a recorded step, or the way to the next."""
        self.path.show_step(step * self.finer)
        self.point.show_step(step * self.finer)

    def first_inside(self, rect: Rect) -> int:
        """The first recorded step at which no part of the point is beyond a panel's edge."""
        (x0, x1, y0, y1), (a, b, c, d) = self.box, rect
        edge = RADIUS * np.array([(x1 - x0) / (b - a), (y1 - y0) / (d - c)])
        inside = ((self.x - edge > (x0, y0)) & (self.x + edge < (x1, y1))).all(1)
        return int(np.argmax(inside))

    def at_pace(self, pace: float) -> None:
        """Draw the path fainter where more than `FLICKER` steps go by in a second."""
        self.path.alpha = max(LEAST_ALPHA, ALPHA * min(1.0, (FLICKER / max(pace, 1e-9)) ** 0.3))
