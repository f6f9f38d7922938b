"""Distance of samples from data, and what it is judged by: that of two data sets of the same size. NumPy only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from diffrender.core.remembered import remembered
from diffrender.trajectory.reader import Trajectory

PROJECTIONS = 64
FEWEST_POINTS, MOST_POINTS = 20, 4000
CHUNK = 500  # points whose distances from all data are held at a time
SPLITS = 20  # of the data into halves, whose distances are what chance alone makes
HALVES = 4  # of them, from which nearest points of states are looked for
SHAPED, LOOKED = 0.06, 41  # of the fall of predictions' distance is left when they have a shape; steps looked at
USUAL = 0.05, 0.95  # quantiles of them between which two draws of the data usually lie


def sliced_wasserstein(a: np.ndarray, b: np.ndarray, along: np.ndarray) -> float:
    """Sliced Wasserstein-2 distance of two samples (N, D) and (M, D) over the directions `along` (D, K), unit vectors.

    √ of the mean over directions of W2² of the projections, which is the mean square between sorted values (Bonneel et
    al. 2015). Of unequal samples the larger is read at the quantiles of the smaller.
    """
    if len(a) < len(b):
        a, b = b, a
    rows_a, rows_b = (np.sort(np.ascontiguousarray((s @ along).T), axis=1) for s in (a, b))
    if len(a) > len(b):
        place = (np.arange(len(b)) + 0.5) / len(b) * len(a) - 0.5
        low = place.astype(np.int64)
        part = (place - low).astype(np.float32)
        rows_a = rows_a[:, low] * (1 - part) + rows_a[:, np.minimum(low + 1, len(a) - 1)] * part
    return math.sqrt(np.square(rows_a - rows_b, dtype=np.float64).mean())


def directions(dim: int, count: int = PROJECTIONS) -> np.ndarray:
    """Unit vectors (dim, count) float32: even over the half circle or half sphere, else drawn once and for all.

    In space they lie on a Fibonacci spiral, each for an equal share of the half sphere. On a line there is one.
    """
    if dim == 1:
        return np.ones((1, 1), np.float32)
    if dim == 2:
        angle = np.arange(count) * np.pi / count
        return np.stack([np.cos(angle), np.sin(angle)]).astype(np.float32)
    if dim == 3:
        z = (np.arange(count) + 0.5) / count
        angle, radius = np.arange(count) * np.pi * (3 - np.sqrt(5)), np.sqrt(1 - z * z)
        return np.stack([radius * np.cos(angle), radius * np.sin(angle), z]).astype(np.float32)
    drawn = np.random.default_rng(0).standard_normal((dim, count))
    return (drawn / np.linalg.norm(drawn, axis=0)).astype(np.float32)


class Judged(NamedTuple):
    """A distance to the data; `low` to `high`: where that of two draws of the data lies nine times in ten."""

    far: float
    low: float
    high: float

    @property
    def usual(self) -> str:
        """The range as every picture writes it."""
        return f"{self.low:.3f}–{self.high:.3f}"


def judged_distance(run: Trajectory, samples: np.ndarray) -> Judged | None:
    """Sliced Wasserstein-2 distance of samples (N, *event) to the recorded data, and that of two draws of the data.

    The latter between two halves of the recorded data, for several ways to halve them; samples are compared with halves
    too, as many of them as a half has points, so that all are of sets of one size, `compared_points`. None if too few
    data were recorded.
    """
    course = judged_distances(run, [samples])
    return course[-1] if course else None


def judged_distances(run: Trajectory, states: Sequence[np.ndarray]) -> list[Judged]:
    """`judged_distance` of each of K states (N, *event); none if too few data were recorded."""
    size = compared_points(run, states[-1])
    if size is None:
        return []
    data = np.asarray(run.target[:MOST_POINTS], np.float32)
    return _judged(data.reshape(len(data), -1), [np.asarray(state[:size]) for state in states], size)


@remembered
def _judged(data: np.ndarray, states: list[np.ndarray], size: int) -> list[Judged]:
    """Of states (size, *event), from data (N, D)."""
    along = directions(data.shape[1])

    def rows(points: np.ndarray) -> np.ndarray:
        """(directions × size,) what of points stands where, along each direction: distances are those of such rows."""
        points = np.asarray(points, np.float32).reshape(size, -1)
        return np.sort((points @ along).T, axis=1).ravel().astype(np.float64)

    orders = [np.random.default_rng(seed).permutation(len(data)) for seed in range(SPLITS)]
    halves = np.array([rows(data[order[:size]]) for order in orders])
    others = np.array([rows(data[order[-size:]]) for order in orders])
    low, high = np.quantile(np.sqrt(np.square(halves - others).mean(1)), USUAL).tolist()
    squares, course = np.square(halves).mean(1), []
    for state in states:
        mine = rows(state)
        apart = np.square(mine).mean() - 2 * (halves @ mine) / mine.size + squares
        course.append(Judged(float(np.sqrt(np.maximum(apart, 0)).mean()), low, high))
    return course


def shape_step(run: Trajectory) -> int | None:
    """The step from which on predictions x̂0 have taken the data's shape: their distance to the data, `judged_distance`,
    has fallen from the first to the last but for `SHAPED` of that. It is looked for at `LOOKED` of all steps. None if
    it does not fall, or is not known."""
    if "x0" not in run:
        return None
    steps = np.unique(np.rint(np.linspace(0, run.steps - 1, min(run.steps, LOOKED))).astype(int))
    far = np.array([each.far for each in judged_distances(run, [run["x0"][int(k)] for k in steps])])
    if not len(far) or far[-1] >= far[0]:
        return None
    return int(steps[np.argmax(far - far[-1] <= SHAPED * (far[0] - far[-1]))])


def nearest_distances(run: Trajectory, states: Sequence[np.ndarray]) -> list[Judged]:
    """How far points of each of K states (N, D) are, in the mean, from the nearest of as many of the recorded data.

    Sharper than a distance of distributions: points that lie where no data are cannot make up for one another. Judged
    by how far one half of the data is from the other, over several ways to halve them. [] if too few were recorded.
    """
    size = compared_points(run, states[-1])
    if size is None:
        return []
    data = np.asarray(run.target[:MOST_POINTS], float)
    return _nearest(data.reshape(len(data), -1), [np.asarray(state[:size], float) for state in states], size)


@remembered
def _nearest(data: np.ndarray, states: list[np.ndarray], size: int) -> list[Judged]:
    """Of states (size, D), from data (N, D)."""

    def far(points: np.ndarray, half: np.ndarray) -> float:
        square = np.square(points).sum(1)[:, None] - 2 * points @ half.T + np.square(half).sum(1)
        return float(np.sqrt(np.maximum(square.min(1), 0)).mean())

    low, high = np.quantile(_halves_apart(data, size)[0], USUAL).tolist()
    halves = [data[order[:size]] for order in _orders(data)[:HALVES]]
    return [Judged(float(np.mean([far(state, half) for half in halves])), low, high) for state in states]


def _orders(data: np.ndarray) -> list[np.ndarray]:
    """The ways to halve data (N, D): orders of their rows."""
    return [np.random.default_rng(seed).permutation(len(data)) for seed in range(SPLITS)]


@remembered
def _halves_apart(data: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """For each way to halve data (N, D) into sets of `size` points: the mean distance of points of one half from the
    nearest of the other, and how many of them stray from it."""
    orders, whole = _orders(data), np.square(data).sum(1)
    nearest = np.zeros((SPLITS, len(data)))  # of the first half, from each of the data but itself
    for first in range(0, len(data), CHUNK):
        rows = slice(first, first + CHUNK)
        square = np.maximum(whole[rows, None] - 2 * data[rows] @ data.T + whole, 0)
        square[np.arange(len(square)), np.arange(first, first + len(square))] = np.inf
        for k, order in enumerate(orders):
            nearest[k, rows] = np.sqrt(square[:, order[:size]].min(1))
    pairs = [(far[order[-size:]], far[order[:size]]) for far, order in zip(nearest, orders, strict=True)]
    means, counts = [across.mean() for across, _ in pairs], [(across > own.max()).sum() for across, own in pairs]
    return np.array(means), np.array(counts)


def usual_strays(run: Trajectory, samples: np.ndarray) -> tuple[int, int] | None:
    """Between which numbers of true samples stray, `strays`, from as many others nine times in ten, by `SPLITS` ways to
    halve the data; None if too few were recorded. As many are taken as `judged_distance` compares, but the number
    hardly depends on it: the farthest of N data and N samples from its nearest is as likely of these as of those."""
    size = compared_points(run, samples)
    if size is None:
        return None
    data = np.asarray(run.target[:MOST_POINTS], float)
    counts = _halves_apart(data.reshape(len(data), -1), size)[1]
    low, high = np.quantile(counts, USUAL, method="nearest").astype(int).tolist()
    return low, high


def strays(points: np.ndarray, data: np.ndarray) -> np.ndarray:
    """(N,) which of points (N, D) are farther from the nearest of data (M, D), M > 1, than any of these is from its
    own nearest: they lie where no data are."""
    points, data = np.asarray(points, float), np.asarray(data, float)

    def nearest(rows: np.ndarray, own: int | None = None) -> np.ndarray:
        square = np.square(rows[:, None] - data).sum(-1)
        if own is not None:
            square[np.arange(len(rows)), own + np.arange(len(rows))] = np.inf
        return square.min(1)

    parts = range(0, len(data), CHUNK)
    usual = max(float(nearest(data[k : k + CHUNK], k).max()) for k in parts)
    each = [nearest(points[k : k + CHUNK]) for k in range(0, len(points), CHUNK)]
    return np.concatenate(each) > usual if each else np.zeros(0, bool)


def compared_points(run: Trajectory, samples: np.ndarray) -> int | None:
    """How many points each of the sets has that `judged_distance` compares; None if too few data were recorded."""
    data = run.target[:MOST_POINTS]
    size = min(len(data) // 2, len(samples)) if len(data) and np.ptp(data, axis=0).any() else 0
    return size if size >= FEWEST_POINTS else None
