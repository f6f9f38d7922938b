"""The basins of a density: what of the plane belongs to which of its modes, and how much of the mass."""

from __future__ import annotations

import numpy as np

MOST_NODES = 24_000  # of the grid that is looked at: of a finer one every second node, third, …
SHALLOW = 0.9  # a top whose pass to a higher one lies above so much of its own height is no mode of its own


class Basins:
    """The plane cut along the valleys of a density on a grid (Gy, Gx), lowest y first, on `extent` (x0, x1, y0, y1).

    Nodes are taken from the highest to the lowest; each joins the basin of its highest neighbour that was taken, and
    where two basins meet the lower one is merged if its top stands out too little (Chazal et al. 2013, ToMATo).

    modes: (K, 2) tops, of the greatest mass first. masses: (K,), which sum to 1.
    """

    def __init__(self, density: np.ndarray, extent: tuple[float, float, float, float]) -> None:
        stride = max(1, int(np.ceil(np.sqrt(density.size / MOST_NODES))))
        values = np.asarray(density[::stride, ::stride], float)
        rows, columns = values.shape
        x0, x1, y0, y1 = extent
        # the last kept node need not lie on the edge
        self.x = x0 + np.arange(columns) * stride * (x1 - x0) / (density.shape[1] - 1)
        self.y = y0 + np.arange(rows) * stride * (y1 - y0) / (density.shape[0] - 1)
        tops = _tops(values)
        kept, self.labels = np.unique(tops, return_inverse=True)
        masses = np.bincount(self.labels.ravel(), values.ravel())
        order = np.argsort(-masses, kind="stable")
        self.labels = np.argsort(order)[self.labels].reshape(values.shape)
        self.masses = masses[order] / masses.sum()
        at = kept[order]
        self.modes = np.stack([self.x[at % columns], self.y[at // columns]], axis=1)

    def of(self, xy: np.ndarray) -> np.ndarray:
        """(N,) the basin, 0..K−1, in which each of (N, 2) points lies; one outside the grid belongs to the nearest."""
        place = [
            np.clip(np.rint((xy[:, k] - axis[0]) / (axis[1] - axis[0])), 0, len(axis) - 1).astype(int)
            for k, axis in enumerate((self.x, self.y))
        ]
        return self.labels[place[1], place[0]]

    def counts(self, xy: np.ndarray) -> np.ndarray:
        """(K,) how many of (N, 2) points lie in each basin."""
        return np.bincount(self.of(xy), minlength=len(self.modes))


def _tops(values: np.ndarray) -> np.ndarray:
    """(Gy·Gx,) flat index of the top to whose basin each node belongs."""
    rows, columns = values.shape
    flat = values.ravel()
    parent = np.full(flat.size, -1)
    list_of = flat.tolist()

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = int(parent[node])
        return node

    for node in np.argsort(-flat, kind="stable").tolist():
        j, i = divmod(node, columns)
        around = [
            (j + dj) * columns + i + di
            for dj in (-1, 0, 1)
            for di in (-1, 0, 1)
            if (dj or di) and 0 <= j + dj < rows and 0 <= i + di < columns
        ]
        taken = {root(near) for near in around if parent[near] >= 0}
        if not taken:
            parent[node] = node
            continue
        nearest = max((near for near in around if parent[near] >= 0), key=lambda near: list_of[near])
        own = root(nearest)
        parent[node] = own
        for other in sorted(taken - {own}, key=lambda top: -list_of[top]):
            low, high = sorted((own, other), key=lambda top: list_of[top])
            if list_of[node] > SHALLOW * list_of[low]:
                parent[low] = high
                own = high
    return np.array([root(node) for node in range(flat.size)])


def draws(density: np.ndarray, extent: tuple[float, float, float, float], count: int, seed: int) -> np.ndarray:
    """(count, 2) independent points of a density (Gy, Gx) on `extent`: a node by its mass, then anywhere round it."""
    rng = np.random.default_rng(seed)
    x0, x1, y0, y1 = extent
    mass = np.cumsum(np.asarray(density, float).ravel())
    node = np.searchsorted(mass, rng.random(count) * mass[-1], "right")
    rows, columns = density.shape
    place = np.stack([node % columns, node // columns], axis=1) + rng.random((count, 2)) - 0.5
    return place / (columns - 1, rows - 1) * (x1 - x0, y1 - y0) + (x0, y0)
