"""Many chains at once, each in the colour of the basin in which it began, slow while something happens."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from manim import smooth

from diffrender.animation.mobjects.furniture.panels import Rect
from diffrender.animation.mobjects.plane.cloud import PointCloud
from diffrender.animation.mobjects.plane.trails import Trails
from diffrender.animation.parts.one_chain import track
from diffrender.animation.parts.tally import as_bytes, readable
from diffrender.animation.theme import LINE, Theme
from diffrender.animation.timeline import Timeline
from diffrender.trajectory.reader import Trajectory

TAIL = 6  # steps of a chain that are drawn behind it
SLOW_STEPS, SLOW_PACE = 30, 4.0  # the first so many steps, and how many of them pass in a second
RAMP = 2.0  # seconds in which all the others pass, faster and faster
HOP = 0.6  # of a slow step's time in which chains move; then they stand
LONG = 0.4  # opacity of tails that are one long straight line
RADIUS = 0.032


class Crowd:
    """All chains of a recording on a panel with short tails.

    labels: (N,) the basin in which each began. tail: the last so many steps that are drawn behind each; `whole` draws
    the whole paths instead.
    """

    def __init__(
        self,
        box: Rect,
        rect: Rect,
        run: Trajectory,
        labels: np.ndarray,
        colors: list[str],
        *,
        theme: Theme,
        whole: bool = False,
        tail: int = TAIL,
    ) -> None:
        x = track(run)
        self.finer = finer = (len(x) - 1) // run.steps
        more: dict[str, Any] = {
            "width": 0.8 * LINE,
            "alpha": 0.85 if tail > 1 else LONG,
            "length": finer * min(tail, run.steps),
        }
        if whole:
            more |= {"length": len(x) - 1, "power": 0.0, "alpha": 0.75, "width": 0.6 * LINE}
        inks = [readable(color, theme, more["alpha"]) for color in colors]
        self.tails = Trails(box, rect, x, color=as_bytes(inks, labels), **more).set_z_index(2)
        own = as_bytes(colors, labels)
        self.points = PointCloud(box, rect, x[0], color=own, radius=RADIUS, alpha=0.95, ring=theme.panel)
        self.points.follow(x).set_z_index(3)
        self.mobjects: list[Trails | PointCloud] = [self.tails, self.points]
        self.show_step(0)

    def show_step(self, step: float) -> None:
        """Show a recorded step; one between two on its recorded path, or on the straight line between them."""
        for mob in self.mobjects:
            mob.show_step(step * self.finer)


def slow_then_ramp(steps: int, slow: int = SLOW_STEPS) -> Timeline:
    """The first `slow` steps one by one, each a hop and a rest, then all others ever faster.

    Both keep their shares of the time, which are so that in `slow_then_ramp_seconds` the slow ones go by at
    `SLOW_PACE` a second.
    """
    natural, slow = slow_then_ramp_seconds(steps, slow), min(slow, steps)
    rest = steps - slow
    even = min(SLOW_PACE * RAMP / rest, 1.0) if rest else 1.0  # begins at the pace of the slow steps

    def warp(u: float) -> float:
        """The recorded step, 0 … `steps`, at part u 0..1 of the clip: a hop for each slow step, then whole steps."""
        seconds = u * natural
        if u >= 1:
            return float(steps)
        if seconds < slow / SLOW_PACE:
            whole = math.floor(seconds * SLOW_PACE)
            return whole + float(smooth(min((seconds * SLOW_PACE - whole) / HOP, 1.0)))
        v = (seconds - slow / SLOW_PACE) / RAMP
        return float(math.floor(slow + rest * (even * v + (1 - even) * v**3)))

    return Timeline("slow, then faster", steps, warp, interpolate=True)


def slow_then_ramp_seconds(steps: int, slow: int = SLOW_STEPS) -> float:
    """How long it takes if nobody asks for another time."""
    slow = min(slow, steps)
    return slow / SLOW_PACE + RAMP * (slow < steps)
