"""A ball on a landscape: the way of one recorded chain without noise, uphill to where it stops."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from manim import Animation, smooth

from diffrender.animation.animations import UpdateFromAlpha
from diffrender.animation.mobjects.space.landscape import TURN, WAY, Landscape
from diffrender.animation.parts.basins import Basins
from diffrender.animation.parts.zoom.spotlight import Spotlight
from diffrender.animation.text.typst import Typeset
from diffrender.animation.theme import Theme
from diffrender.animation.timeline import Timeline, path_length
from diffrender.trajectory.reader import Trajectory

ARRIVED = 0.01  # a chain has arrived when it is so near its end, as a part of its whole way
DOTS = 10  # of its path, from one state to the next, at least
INSIDE = 0.86  # of the panel: where a start may lie
TRIED = 40  # chains among which one is chosen by what is shown of it later
ON, OFF = 0.7, 2.5  # widths of a top, within which a chain is on it, and beyond which it has left it
FAR_DOWN = 0.3  # a chain that momentum carries over begins farther away than so much of them
LONGEST = 0.95  # of the ways that could be shown the one that is longer than so much of them


def pick_climber(
    x: np.ndarray,
    basins: Basins,
    landscape: Landscape,
    carried: np.ndarray | None = None,
    badness: Callable[[int], float] | None = None,
) -> int:
    """The chain whose way uphill is shown: long, where it is seen, and not to the greatest basin.

    By rule, never by hand. x: (T+1, N, 2) of a run without noise. carried: (N,) not 0 where momentum carries it over.
    badness: of the first `TRIED` that meet this, how badly what is shown of a chain later reads.
    """
    first, last = np.asarray(x[0], float), np.asarray(x[-1], float)
    x0, x1, y0, y1 = landscape.shown
    middle, half = np.array([x0 + x1, y0 + y1]) / 2, np.array([x1 - x0, y1 - y0]) / 2
    way = np.linalg.norm(last - first, axis=1)
    depth = (first - last) @ (-np.sin(TURN), np.cos(TURN))
    ground = np.array([landscape.height(np.clip(p, (x0, y0), (x1, y1))) for p in first])
    wanted = [
        (np.abs(first - middle) < INSIDE * half).all(1),
        np.abs(ground) > 0.02 * landscape.span,
        depth < -0.2 * way if carried is None else depth > 0.2 * way,  # the near side of a hill, the far of a bowl
        basins.of(last) > 0,
    ]
    if carried is not None:
        wanted += [carried > 0, way >= np.quantile(way, FAR_DOWN)]
    while wanted:  # the last wish is dropped first if no chain meets all
        good = np.flatnonzero(np.all(wanted, axis=0))
        if len(good) and badness:
            return min(good[:TRIED].tolist(), key=badness)
        if len(good):
            return int(good[np.argsort(way[good], kind="stable")[int(LONGEST * (len(good) - 1))]])
        wanted.pop()
    return int(np.argmax(way))


class Ball:
    """A ball and its path on a landscape, of one recorded chain; bind it to a clock.

    x: (K, 2) where it goes straight from one to the next, `finer` to a step, in even time. kept: (M, 2) the path by
    the slope alone, which stays.
    """

    def __init__(self, landscape: Landscape, x: np.ndarray, finer: int = 1, kept: np.ndarray | None = None) -> None:
        self.landscape, self.x, self.finer = landscape, np.asarray(x, float), finer
        self.kept = np.zeros((0, 2)) if kept is None else np.asarray(kept, float)
        longest = float(np.linalg.norm(np.diff(self.x, axis=0), axis=1).max(initial=0.0))
        self.dots = int(np.clip(longest / (landscape.span * WAY), DOTS, 4 * DOTS))
        last = (len(x) - 1) / finer
        self.timeline = Timeline("even", math.ceil(last), lambda u: u * last, interpolate=True)
        self.mobjects = [landscape]

    def show_step(self, step: float) -> None:
        """Lay the ball where it is at a recorded step, and its path behind it."""
        path = self.path(min(step * self.finer, len(self.x) - 1))
        self.landscape.ball = float(path[-1, 0]), float(path[-1, 1])
        self.landscape.way, self.landscape.before = path, self.kept

    def path(self, last: float) -> np.ndarray:
        """(M, 2) its path up to a state, or between two, so dense that its dots are a line."""
        at = np.append(np.arange(0, last, 1 / self.dots), last)
        return np.stack([np.interp(at, np.arange(len(self.x)), self.x[:, k]) for k in (0, 1)], axis=1)

    def clear(self) -> None:
        """Take ball and path away."""
        self.landscape.ball = (float("nan"),) * 2
        self.landscape.way = self.landscape.before = np.zeros((0, 2))


class Climb(Ball):
    """The ball of one chain of a run without noise until it has arrived.

    timeline: constant speed along its way.
    """

    def __init__(self, landscape: Landscape, run: Trajectory, chain: int) -> None:
        x = np.asarray(run["x"][:, chain], float)
        left = np.linalg.norm(x - x[-1], axis=1)
        near = np.flatnonzero(left <= ARRIVED * max(left[0], 1e-9))
        last = max(int(near[0]), 1)
        super().__init__(landscape, x[: last + 1])
        self.chain = chain
        self.timeline = path_length(self.x[:, None], even=0.15, interpolate=True)

    def show_step(self, step: float) -> None:
        """Lay the ball where it is; its path is that by the slope alone."""
        super().show_step(step)
        self.landscape.way, self.landscape.before = self.kept, self.landscape.way


def carried_over(x: np.ndarray, tops: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """(N,) the first of states (K, N, 2) at which chains that have been on their tops (N, 2) are off them again, and
    not on the side on which they began; 0 for those that never are.

    On them is within `ON` widths (N,), off them beyond `OFF`.
    """
    way = np.asarray(x, float) - tops
    away = np.linalg.norm(way, axis=-1) / widths
    been = np.maximum.accumulate(away < ON, axis=0)
    over = been & (away > OFF) & ((way * way[0]).sum(-1) < 0)
    return np.where(over.any(0), over.argmax(0), 0)


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
