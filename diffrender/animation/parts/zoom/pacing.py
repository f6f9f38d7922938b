"""Pacing of the zoom: how the window follows the steps, where labels stand, and how fast steps go by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from diffrender.animation.timeline import Timeline

Size = tuple[float, float]  # of the zoom window, in data units

STAGES = {"score": 0.5, "noise": 0.5, "sides": 0.2, "sum": 0.4, "hold": 0.6, "move": 0.4, "glide": 0.3}  # seconds
SLOW = sum(STAGES.values())


def window_centres(x: np.ndarray, drift: np.ndarray, noise: np.ndarray, size: Size, margin: float = 0.14) -> np.ndarray:
    """(K, 2) centre of the zoom window at each of K steps of three arrows, (K, 2) each: see `centres_of`."""
    return centres_of(np.stack([x, x + drift, x + noise, x + drift + noise], 1), size, margin)


def centres_of(tips: np.ndarray, size: Size, margin: float = 0.14) -> np.ndarray:
    """(K, 2) centre of the zoom window at each of K consecutive steps.

    It stays where it is as long as the chain is in its middle half and all that the step draws fits inside with
    `margin` (a part of its size) to spare; else it moves no more than it must. tips: (K, M, 2) what is drawn, first
    where the chain is before the step.
    """
    half = np.array(size) / 2
    room = half * (1 - 2 * margin)
    centre = (tips[0].min(0) + tips[0].max(0)) / 2
    centres = np.empty((len(tips), 2))
    for k, points in enumerate(tips):
        low = np.maximum(points.max(0) - room, points[0] - half / 2)
        high = np.minimum(points.min(0) + room, points[0] + half / 2)
        middle = (low + high) / 2
        centre = np.clip(centre, np.minimum(low, middle), np.maximum(high, middle))
        centres[k] = centre
    return centres


def place_tags(
    tips: Sequence[np.ndarray],
    tails: Sequence[np.ndarray],
    sizes: Sequence[Size],
    rect: tuple,
    gap: float = 0.16,
    also: np.ndarray | None = None,
) -> list[np.ndarray]:
    """Centres (2,) of labels of the given sizes, each near the tip of its arrow, all in scene units.

    A label goes on beyond its tip if it can; else it turns aside until it meets no other label and no arrow, and stays
    `gap` inside `rect`. Labels come in order of importance. also: (K, 2) other places that none should cover.
    """
    shafts = np.concatenate([np.linspace(a[:2], b[:2], 24) for a, b in zip(tails, tips, strict=True)])
    if also is not None:
        shafts = np.concatenate([shafts, also])
    x0, x1, y0, y1 = rect
    placed: list[tuple[np.ndarray, np.ndarray]] = []
    for tip, tail, size in zip(tips, tails, sizes, strict=True):
        half = np.array(size) / 2
        low, high = np.array([x0, y0]) + gap + half, np.array([x1, y1]) - gap - half
        ahead = np.arctan2(*(tip[:2] - tail[:2])[::-1])
        best, least = tip[:2], np.inf
        for turn in np.radians([0, 25, -25, 50, -50, 75, -75, 100, -100, 130, -130]):
            for far in (1.0, 1.8, 3.0):
                u = np.array([np.cos(ahead + turn), np.sin(ahead + turn)])
                wanted = tip[:2] + u * (far * gap + np.abs(u) @ half)
                centre = np.clip(wanted, low, high)
                meets = sum(np.all(np.abs(centre - c) < half + h + 0.05) for c, h in placed)
                covers = np.all(np.abs(shafts - centre) < half + 0.06, axis=1).sum()
                cost = 100 * meets + 3 * covers + abs(turn) + 0.8 * (far - 1) + 4 * np.abs(centre - wanted).sum()
                if cost < least:
                    best, least = centre, cost
        placed.append((best, half))
    return [centre for centre, _ in placed]


@dataclass(frozen=True)
class SlowThenFaster:
    """Step by step: some slowly, then each twice as fast as the last, then all as fast as the fastest."""

    starts: np.ndarray
    durations: np.ndarray

    @classmethod
    def plan(cls, slow: int, fastest: float, tail: float, speed: float = 1.0, lead: float = 1.0) -> SlowThenFaster:
        """`slow` steps of `SLOW` seconds each, halves down to `fastest` seconds, then `tail` seconds of such steps.

        `speed` divides all times but `fastest`. lead: the first takes so many times as long, at the others' cost.
        """
        lead = lead if slow > 1 else 1.0
        durations = [SLOW / speed * part for part in (lead, *[(slow - lead) / max(slow - 1, 1)] * (slow - 1))]
        while durations and durations[-1] / 2 > fastest:
            durations.append(durations[-1] / 2)
        durations += [fastest] * max(1, round(tail / speed / fastest))
        lengths = np.array(durations)
        return cls(np.concatenate([[0.0], np.cumsum(lengths)[:-1]]), lengths)

    @property
    def seconds(self) -> float:
        """How long it takes in all."""
        return float(self.starts[-1] + self.durations[-1])

    def at(self, seconds: float) -> tuple[int, float]:
        """The step shown at a moment, counted from 0, and how much of its time has gone, 0 to 1."""
        i = int(np.searchsorted(self.starts, seconds + 1e-9, "right")) - 1
        return i, float(np.clip((seconds - self.starts[i]) / self.durations[i], 0, 1))


@dataclass(frozen=True)
class Accelerating:
    """From `first` to `last` step in `seconds`: the pace grows exponentially from `pace` a second, then stays.

    Early steps can be followed one by one, late ones go by in thousands: the picture changes about evenly, since what
    a histogram gains from one more step falls as their number grows.
    """

    first: int
    last: int
    seconds: float
    pace: float
    steady: float = 0.25  # the part of the time with a constant pace, at the end

    def _gain(self, part: float, rate: float) -> float:
        bend = 1 - self.steady
        t = min(part, bend) * self.seconds
        rising = t if abs(rate) < 1e-9 else np.expm1(rate * t) / rate
        steady = max(part - bend, 0) * self.seconds * np.exp(rate * bend * self.seconds)
        return float(self.pace * (rising + steady))

    @cached_property
    def rate(self) -> float:
        """Growth of the pace, 1/s, such that the last step is reached on time."""
        low, high = -5.0, 50.0 / self.seconds
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (middle, high) if self._gain(1.0, middle) < self.last - self.first else (low, middle)
        return low

    def at(self, part: float) -> int:
        """The step shown when `part`, 0 to 1, of the time has gone."""
        if part >= 1:
            return self.last
        return int(np.clip(round(self.first + self._gain(part, self.rate)), self.first, self.last))

    @property
    def timeline(self) -> Timeline:
        """The map from the course of it to recorded steps."""
        return Timeline("accelerating", self.last, self.at)

    def paces(self) -> np.ndarray:
        """(last + 1,) steps a second, rounded, when each step is shown."""
        parts = np.linspace(0, 1, 512)
        shown, pace = np.array([[self.at(part), self.pace_at(part)] for part in parts.tolist()]).T
        return np.rint(np.interp(np.arange(self.last + 1), shown, pace)).astype(int)

    def pace_at(self, part: float) -> float:
        """Steps a second at that moment."""
        return float(self.pace * np.exp(self.rate * min(part, 1 - self.steady) * self.seconds))
