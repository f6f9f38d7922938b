"""Regions that drawings and meshes come down to: weighted pixels, line segments, triangles and rows.

Each is called with (n, rng) and gives n independent points (n, D) float64.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Rng = np.random.Generator
Sampler = Callable[[int, Rng], Any]  # (n, rng) → points (n, D), or those and their classes (n,)


class Pixels:
    """Ink as pixels; points of it come with y upwards.

    weights: how much of each pixel is ink, (H, W) uint8, row 0 on top. corner: x and y, downwards, of the top left.
    unit: the side of a pixel. labels: the class of each, (H, W) uint8, whose names are `classes`.
    """

    def __init__(
        self,
        weights: np.ndarray,
        corner: tuple[float, float] = (0.0, 0.0),
        unit: float = 1.0,
        *,
        labels: np.ndarray | None = None,
        classes: Sequence[str] = (),
    ) -> None:
        self.width, self.corner, self.unit = weights.shape[1], corner, unit
        self.index = np.flatnonzero(weights).astype(np.int32)
        self.labels = None if labels is None else labels.reshape(-1)[self.index].astype(np.int64)
        self.classes = tuple(classes) or None
        self.total = np.cumsum(weights.reshape(-1)[self.index], dtype=np.int64)

    def __call__(self, n: int, rng: Rng) -> Any:
        """Points (n, 2), uniform over the ink, and their classes (n,) if it has some."""
        chosen = _pick(self.total, n, rng)
        row, column = np.divmod(self.index[chosen], self.width)
        x = self.corner[0] + self.unit * (column + rng.random(n))
        y = self.corner[1] + self.unit * (row + rng.random(n))
        points = np.stack([x, -y], 1)
        return points if self.labels is None else (points, self.labels[chosen])


class Segments:
    """Lines from start (S, D) to end (S, D)."""

    def __init__(self, start: np.ndarray, end: np.ndarray) -> None:
        self.start, self.step = start, end - start
        self.total = np.cumsum(np.linalg.norm(self.step, axis=1))

    def __call__(self, n: int, rng: Rng) -> np.ndarray:
        """Points (n, D), uniform by length."""
        i = _pick(self.total, n, rng)
        return self.start[i] + rng.random((n, 1)) * self.step[i]


class Triangles:
    """A mesh: corners (V, 3), and faces (F, 3) of three indices each."""

    def __init__(self, corners: np.ndarray, faces: np.ndarray) -> None:
        self.corners, self.faces = corners, faces
        a, b, c = (corners / max(float(np.ptp(corners)), 1e-300))[faces.T]  # areas of any size stay finite
        self.total = np.cumsum(np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2)

    def __call__(self, n: int, rng: Rng) -> np.ndarray:
        """Points (n, 3), uniform by area (Osada et al. 2002, eq. 1)."""
        a, b, c = self.corners[self.faces[_pick(self.total, n, rng)].T]
        root, along = np.sqrt(rng.random((n, 1))), rng.random((n, 1))
        return (1 - root) * a + root * (1 - along) * b + root * along * c


class Rows:
    """A finite set of points (M, D), with or without classes (M,), whose names are `classes`."""

    def __init__(
        self, rows: np.ndarray, labels: np.ndarray | None = None, *, classes: Sequence[str] | None = None
    ) -> None:
        self.rows, self.labels = rows, labels
        self.classes = tuple(classes) if classes else None

    def __call__(self, n: int, rng: Rng) -> Any:
        """Rows (n, D), each as likely as any other, and their classes (n,) if they have any."""
        index = rng.integers(len(self.rows), size=n)
        return self.rows[index] if self.labels is None else (self.rows[index], self.labels[index])


def _pick(total: np.ndarray, n: int, rng: Rng) -> np.ndarray:
    """n indices, each as likely as its step in a cumulative sum is large."""
    return np.searchsorted(total, rng.random(n) * total[-1], side="right").clip(max=len(total) - 1)
