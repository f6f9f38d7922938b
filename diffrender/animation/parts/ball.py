"""A ball on a landscape: the way of one recorded chain without noise, uphill to where it stops."""

from __future__ import annotations

import numpy as np
from manim import Animation, smooth

from diffrender.animation.animations import UpdateFromAlpha
from diffrender.animation.mobjects.space.landscape import TURN, Landscape
from diffrender.animation.parts.basins import Basins
from diffrender.animation.parts.zoom.spotlight import Spotlight
from diffrender.animation.text.typst import Typeset
from diffrender.animation.theme import Theme
from diffrender.animation.timeline import Timeline, path_length
from diffrender.trajectory.reader import Trajectory

ARRIVED = 0.01  # a chain has arrived when it is so near its end, as a part of its whole way
DOTS = 10  # of its path, to a recorded step
INSIDE = 0.86  # of the panel: where a start may lie
LONGEST = 0.95  # of the ways that could be shown the one that is longer than so much of them


def pick_climber(x: np.ndarray, basins: Basins, landscape: Landscape) -> int:
    """The chain whose way uphill is shown: long, in front of its top as it is seen, and not to the greatest basin.

    By rule, never by hand. x: (T+1, N, 2) of a run without noise.
    """
    first, last = np.asarray(x[0], float), np.asarray(x[-1], float)
    x0, x1, y0, y1 = landscape.shown
    middle, half = np.array([x0 + x1, y0 + y1]) / 2, np.array([x1 - x0, y1 - y0]) / 2
    way = np.linalg.norm(last - first, axis=1)
    depth = (first - last) @ (-np.sin(TURN), np.cos(TURN))
    ground = np.array([landscape.height(np.clip(p, (x0, y0), (x1, y1))) for p in first])
    wanted = [
        (np.abs(first - middle) < INSIDE * half).all(1),
        ground > 0.02 * landscape.span,
        depth < -0.2 * way,
        basins.of(last) > 0,
    ]
    while wanted:  # the last wish is dropped first if no chain meets all
        good = np.flatnonzero(np.all(wanted, axis=0))
        if len(good):
            return int(good[np.argsort(way[good], kind="stable")[int(LONGEST * (len(good) - 1))]])
        wanted.pop()
    return int(np.argmax(way))


class Climb:
    """The ball and its path on a landscape, of one recorded chain until it has arrived; bind it to a clock.

    timeline: constant speed along its way, from one recorded state to the next in a straight line.
    """

    def __init__(self, landscape: Landscape, run: Trajectory, chain: int) -> None:
        x = np.asarray(run["x"][:, chain], float)
        left = np.linalg.norm(x - x[-1], axis=1)
        near = np.flatnonzero(left <= ARRIVED * max(left[0], 1e-9))
        self.landscape, self.chain, self.x = landscape, chain, x[: max(int(near[0]), 1) + 1]
        self.timeline: Timeline = path_length(self.x[:, None], even=0.15, interpolate=True)
        self.mobjects = [landscape]

    def show_step(self, step: float) -> None:
        """Lay the ball where it is at a recorded step, and its path behind it."""
        steps = np.append(np.arange(0, step, 1 / DOTS), step)
        path = np.stack([np.interp(steps, np.arange(len(self.x)), self.x[:, k]) for k in (0, 1)], axis=1)
        self.landscape.ball, self.landscape.way = (float(path[-1, 0]), float(path[-1, 1])), path

    def clear(self) -> None:
        """Take ball and path away."""
        self.landscape.ball, self.landscape.way = (float("nan"),) * 2, np.zeros((0, 2))


class Tilt:
    """The map that rises into a landscape while the equation's noise term fades, and the way back.

    fading: whether the term does, because what the ball does is the equation without it.
    """

    def __init__(self, landscape: Landscape, equation: Typeset, theme: Theme, *, fading: bool = True) -> None:
        self.landscape, self.equation, self.fading = landscape, equation, fading
        self.light = Spotlight(equation, {"noise": theme.noise}, theme)

    def play(self, seconds: float, *, back: bool = False) -> Animation:
        """The animation of it."""

        def show(u: float) -> None:
            self.landscape.rise = 1 - u if back else u
            self.light.light({"noise": 1 - self.landscape.rise * self.fading})

        return UpdateFromAlpha(show, self.landscape, self.equation, run_time=seconds, rate_func=smooth)
