"""Timelines: the recorded step that each moment of a clip shows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from diffrender.core.errors import RenderError

LAST_DECADE = 0.2  # share of a clip given to the last factor of ten in sigma, where shapes settle
EVEN = 0.3  # share of a clip that all steps have alike, where the rest goes to those in which much moves
WATCHED = 400  # chains whose moves are measured for that
DIRECTIONS, QUANTILES = 8, 16  # along which the change of a cloud is measured, and of what,
MEASURED, MOMENTS = 2000, 32  # over so many chains, between so many moments
ONSET, BEFORE_ONSET = -4.0, 0.1  # under this log-SNR nothing can be seen to change: it gets this share of a clip


@dataclass(frozen=True)
class Timeline:
    """A map from a clip's course, 0..1, to recorded steps, 0..last.

    name: says which map it is. warp: 0..1 → 0..last, never falling. interpolate: whether states between two recorded
    steps may be shown; without it the nearest recorded step is, so that everything seen was recorded.
    """

    name: str
    last: int
    warp: Callable[[float], float]
    interpolate: bool = False

    def step(self, course: float) -> float:
        """The step shown when `course` (0..1) of the clip has passed."""
        step = min(max(self.warp(min(max(course, 0.0), 1.0)), 0.0), float(self.last))
        return step if self.interpolate else float(math.floor(step + 0.5))

    def course(self, step: float) -> float:
        """The earliest course at which the warp comes to `step`."""
        low, high = 0.0, 1.0
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if self.warp(middle) < step else (low, middle)
        return high

    def describe(self) -> dict[str, Any]:
        """What a video's metadata say about it."""
        return {"timeline": self.name, "steps": self.last, "interpolated": self.interpolate}


def linear(last: int, *, interpolate: bool = False) -> Timeline:
    """Every recorded step for the same time."""
    return Timeline("linear", last, lambda u: u * last, interpolate)


def eased(last: int, *, interpolate: bool = False) -> Timeline:
    """Slow at both ends: u²(3 − 2u)."""
    return Timeline("eased", last, lambda u: u * u * (3 - 2 * u) * last, interpolate)


def path_length(x: np.ndarray, *, even: float = EVEN, interpolate: bool = False) -> Timeline:
    """Constant speed of what moves: steps in which states go far take long.

    x: (T+1, N, *event). The length of a step is the root mean square of how far states go in it; `even` of the clip's
    time is shared by all steps alike, so that it never jumps over many.
    """
    places = np.stack([np.asarray(x[k][:WATCHED], float).ravel() for k in range(len(x))])
    moved = np.linalg.norm(np.diff(places, axis=0), axis=1)
    count = len(moved)
    share = moved / moved.sum() if moved.sum() > 0 else np.full(count, 1 / count)
    passed = np.concatenate([[0.0], np.cumsum(even / count + (1 - even) * share)])
    steps = np.arange(len(passed), dtype=float)
    return Timeline("path length", count, lambda u: float(np.interp(u, passed / passed[-1], steps)), interpolate)


def landing(timeline: Timeline, share: float) -> Timeline:
    """The same, but that the last `share` of a clip, 0..1, is for the last step, which is drawn between its two states.

    A sampler's last step takes away at once what noise is left: so it is seen to go, straight from state to state.
    """
    before = max(timeline.last - 1, 0)

    def warp(course: float) -> float:
        rest = (course - (1 - share)) / share
        if rest < 0:
            return min(timeline.step(course / (1 - share)), float(before))
        return before + (timeline.last - before) * rest * rest * (3 - 2 * rest)

    return Timeline(timeline.name, timeline.last, warp, interpolate=True)


def evenly_in(*curves: np.ndarray, name: str, interpolate: bool = False) -> Timeline:
    """Constant speed along curves (T+1,), finite: each that changes at all has the same share of the time."""
    last = len(curves[0]) - 1
    ways = [np.abs(np.diff(np.asarray(curve, float))) for curve in curves]
    shares = [way / way.sum() for way in ways if way.sum() > 0] or [np.full(last, 1 / last)]
    passed, steps = np.concatenate([[0.0], np.cumsum(np.mean(shares, axis=0))]), np.arange(last + 1, dtype=float)
    return Timeline(name, last, lambda u: float(np.interp(u, passed / passed[-1], steps)), interpolate)


def paced(*clouds: Any, even: float = 0.2, interpolate: bool = False) -> Timeline:
    """Constant speed of what can be seen: steps in which a cloud changes its shape take long, mere shimmer does not.

    clouds: (T+1, N, *event) recorded states, and others bound to the same steps, such as (T, N, *event) predicted data.
    The time between two of `MOMENTS` states is shared out by how far each cloud's shape moves there (a sliced
    Wasserstein distance, damped where chance alone makes it), as a share of all its moves; `even` of it goes evenly.
    """
    last = len(clouds[0]) - 1
    if last < 1:
        raise RenderError("A timeline needs at least two recorded states.")
    marks = np.unique(np.rint(np.linspace(0, last, min(last, MOMENTS) + 1)).astype(int))
    gaps = np.diff(marks)
    share = np.zeros(len(gaps))
    for cloud in clouds:
        change = _changes(cloud, np.minimum(marks, len(cloud) - 1))
        share += change / change.sum() if change.sum() > 0 else gaps / last
    passed = np.concatenate([[0.0], np.cumsum(even * gaps / last + (1 - even) * share / len(clouds))])
    return Timeline("change", last, lambda u: float(np.interp(u, passed / passed[-1], marks)), interpolate)


def _changes(cloud: Any, steps: np.ndarray) -> np.ndarray:
    """(K−1,) how far the cloud's shape moves from each of `steps` (K,) to the next; what chance alone makes is damped.

    The distance d between quantiles along some directions is damped to d² / √(d² + f²), where f is the same distance
    between two halves of one state, brought to the size of the whole: shimmer of fresh samples is no change.
    """
    chains = np.unique(np.linspace(0, cloud.shape[1] - 1, min(MEASURED, cloud.shape[1])).astype(int))
    size = int(np.prod(cloud.shape[2:]))
    angles = np.arange(DIRECTIONS) * np.pi / DIRECTIONS
    along = (
        np.stack([np.cos(angles), np.sin(angles)])
        if size == 2
        else np.random.default_rng(0).standard_normal((size, DIRECTIONS))
    )
    along = along / np.linalg.norm(along, axis=0)
    shares = (np.arange(QUANTILES) + 0.5) / QUANTILES

    def shape(points: np.ndarray) -> np.ndarray:
        return np.quantile(points @ along, shares, axis=0)

    states = [np.asarray(cloud[int(k)][chains], float).reshape(len(chains), -1) for k in steps]
    shapes = [shape(state) for state in states]
    away = np.array([np.square(b - a).mean() for a, b in pairwise(shapes)])
    parts = [shape(state[::2]) - shape(state[1::2]) if len(state) > 1 else np.zeros(1) for state in states[1:]]
    chance = np.array([np.square(part).mean() / 2 for part in parts])
    return away / np.sqrt(np.maximum(away + chance, 1e-300))


def settling(timeline: Timeline, step: float, share: float) -> Timeline:
    """The same timeline, but that what comes after `step` has at least `share` (0..1) of the clip, at its own pace."""
    at = timeline.course(step)
    if not 0 < at < 1 or 1 - at >= share:
        return timeline

    def warp(u: float) -> float:
        return timeline.warp(u / (1 - share) * at if u < 1 - share else 1 - (1 - u) / share * (1 - at))

    return replace(timeline, warp=warp)


def log_snr(
    alpha: np.ndarray, sigma: np.ndarray, *, last_decade: float = LAST_DECADE, interpolate: bool = False
) -> Timeline:
    """Constant speed in log-SNR = 2 log(alpha / sigma), but for what lies under `ONSET` and the last decade of sigma.

    alpha, sigma: (T+1,) of the recording. Where log-SNR is infinite (alpha = 0 at the start, sigma = 0 at the end) it
    goes on by as much as it changed in the step beside. Raises RenderError if the levels do not change.
    """
    alpha, sigma = np.asarray(alpha, float), np.asarray(sigma, float)
    with np.errstate(divide="ignore"):
        snr = 2 * (np.log(alpha) - np.log(sigma))
    known = np.flatnonzero(np.isfinite(snr))
    if len(known) < 2 or snr[known[0]] == snr[known[-1]]:
        raise RenderError("A log-SNR timeline needs noise levels that change.", "Use a linear or an eased one.")
    for end, first, second in ((range(known[0]), known[0], known[1]), (range(known[-1] + 1, len(snr)), *known[:-3:-1])):
        for k in end:
            snr[k] = snr[first] + (snr[first] - snr[second]) * abs(k - first)
    if snr[-1] < snr[0]:  # towards noise: the same path, walked the other way
        back = log_snr(alpha[::-1], sigma[::-1], last_decade=last_decade, interpolate=True)
        last = len(snr) - 1
        return Timeline("log-SNR", last, lambda u: last - back.warp(1 - u), interpolate)
    snr = np.maximum.accumulate(snr)
    places, shares = _stations(snr[0], snr[-1], last_decade)
    steps = np.arange(len(snr), dtype=float)
    return Timeline(
        "log-SNR", len(snr) - 1, lambda u: float(np.interp(np.interp(u, shares, places), snr, steps)), interpolate
    )


def _stations(start: float, end: float, last_decade: float) -> tuple[list[float], list[float]]:
    """Values of log-SNR between which the speed is constant, and the shares of the clip by which they are passed."""
    corner = end - 2 * math.log(10)
    if corner <= start:  # the whole recording is within a decade
        return [start, end], [0.0, 1.0]
    if start < ONSET < corner:
        usual = (1 - last_decade) * (ONSET - start) / (corner - start)
        return [start, ONSET, corner, end], [0.0, min(BEFORE_ONSET, usual), 1 - last_decade, 1.0]
    return [start, corner, end], [0.0, 1 - last_decade, 1.0]
