"""Grids on which fields and densities are probed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

AXES = "xyz"
MARGIN = 1.12  # how much farther than the data fields are probed


class Grid:
    """A regular grid of the plane (or of space, or a line) and its points in the order of the recorded arrays.

    box: (x0, x1, y0, y1[, z0, z1]). counts: points along x and y; along z as many as along y.
    """

    def __init__(self, box: Sequence[float], counts: tuple[int, int], dim: int) -> None:
        bounds = [(box[2 * i], box[2 * i + 1]) if 2 * i + 1 < len(box) else (box[2], box[3]) for i in range(dim)]
        sizes = along_axes(counts, dim)
        self.axes = [np.linspace(low, high, n) for (low, high), n in zip(bounds, sizes, strict=True)]
        self.shape = tuple(len(axis) for axis in reversed(self.axes))

    @property
    def points(self) -> torch.Tensor:
        """Every point, (G, D) float32: x runs fastest, then y, then z."""
        mesh = np.meshgrid(*reversed(self.axes), indexing="ij")
        return torch.from_numpy(np.stack(mesh[::-1], -1).reshape(-1, len(self.axes)).astype(np.float32))

    def members(self, prefix: str) -> Iterator[tuple[str, np.ndarray]]:
        """`grid_x`, `grid_y`, … as they are recorded."""
        return ((f"{prefix}_{d}", axis) for d, axis in zip(AXES, self.axes, strict=False))

    def vectors(self, values: torch.Tensor) -> np.ndarray:
        """(G, D) as (1, [Gz,] Gy, Gx, D) float32."""
        return values.detach().cpu().float().numpy().reshape(1, *self.shape, -1)


def along_axes(counts: tuple[int, int], dim: int) -> tuple[int, ...]:
    """Points of a grid along each of `dim` axes: along z as many as along y."""
    return (*counts, counts[1])[:dim]


def spread(box: Sequence[float], counts: tuple[int, int]) -> tuple[float, ...]:
    """`box` with some room round it, grown about its middle until the grid's cells are as wide as they are high (deep).

    Chains come from farther out than the data lie; arrows that are evenly spaced both ways are easier to read.
    """
    middle = [(box[i] + box[i + 1]) / 2 for i in range(0, len(box), 2)]
    half = [(box[i + 1] - box[i]) / 2 * MARGIN for i in range(0, len(box), 2)]
    sizes = along_axes(counts, len(half))
    cell = max(h / n for h, n in zip(half, sizes, strict=True))
    half = [cell * n for n in sizes]
    return tuple(side for m, h in zip(middle, half, strict=True) for side in (m - h, m + h))
