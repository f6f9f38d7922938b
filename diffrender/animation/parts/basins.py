"""The basins of a density: what of the plane belongs to which of its modes, and how much of the mass."""

from __future__ import annotations

import numpy as np

MOST_NODES = 24_000  # of the grid that is looked at: of a finer one every second node, third, …
SHALLOW = 0.9  # a top whose pass to a higher one lies above so much of its own height is no mode of its own


class Basins:
    """The plane cut along the valleys of a density on a grid (Gy, Gx), lowest y first, on `extent` (x0, x1, y0, y1).

    Nodes are taken from the highest to the lowest; each joins the basin of its highest neighbour that was taken, and
    where two basins meet the lower one is merged if its top stands out too little (Chazal et al. 2013, ToMATo).

    modes: (K, 2) tops, of the greatest mass first. masses: (K,), which sum to 1. means (K, 2), covariances (K, 2, 2):
    of the mass of each.
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
        nodes = np.stack([*np.meshgrid(self.x, self.y)], axis=-1).reshape(-1, 2)
        self.means, self.covariances = _moments(nodes, self.labels.ravel(), len(at), values.ravel())

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

    @property
    def spreads(self) -> np.ndarray:
        """(K,) standard deviation of the mass of each basin per axis: the root mean square of those along two axes."""
        return per_axis(self.covariances)

    def moments_of(self, xy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means (K, 2) and covariances (K, 2, 2) of those of (N, 2) points that lie in each; NaN where none do."""
        return _moments(np.asarray(xy, float), self.of(xy), len(self.modes), np.ones(len(xy)))

    def spread_error(self, xy: np.ndarray) -> float:
        """Largest standard error of the spreads round the modes of (N, 2) points, of basins with at least two."""
        own, (means, covariances) = self.of(xy), self.moments_of(xy)
        away = np.square(np.asarray(xy, float) - means[own]).sum(1) / 2
        parts = [(away[own == k], s) for k, s in enumerate(per_axis(covariances)) if s > 0]
        return max((float(a.std(ddof=1) / (2 * s * np.sqrt(len(a)))) for a, s in parts if len(a) > 1), default=0.0)


def per_axis(covariances: np.ndarray) -> np.ndarray:
    """(K,) standard deviations per axis of covariances (K, 2, 2): of a round distribution that along any line."""
    return np.sqrt(np.trace(covariances, axis1=1, axis2=2) / 2)


def _moments(xy: np.ndarray, labels: np.ndarray, count: int, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means (count, 2) and covariances (count, 2, 2) of weighted points (N, 2) by their labels; NaN where none are."""
    with np.errstate(invalid="ignore"):
        total = np.bincount(labels, weights, count)[:, None]
        means = np.stack([np.bincount(labels, weights * xy[:, k], count) for k in range(2)], axis=1) / total
        away = xy - means[labels]
        products = [np.bincount(labels, weights * away[:, i] * away[:, j], count) for i in range(2) for j in range(2)]
        return means, (np.stack(products, axis=1) / total).reshape(count, 2, 2)


def _tops(values: np.ndarray) -> np.ndarray:
    """(Gy·Gx,) flat index of the top to whose basin each node belongs."""
    flat = values.ravel()
    order = np.argsort(-flat, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(flat.size)
    around = _around(*values.shape)
    taken = (around >= 0) & (rank[around] < rank[:, None])  # neighbours taken before each node
    highest = around[np.arange(flat.size), np.where(taken, flat[around], -np.inf).argmax(1)]
    top = np.where(taken.any(1), highest, np.arange(flat.size))
    while (top[top] != top).any():  # uphill from node to node, twice as far each time
        top = top[top]
    merged = np.arange(flat.size)  # what each top was merged into

    def root(node: int) -> int:
        while merged[node] != node:
            merged[node] = merged[merged[node]]
            node = int(merged[node])
        return node

    meets = (taken & (top[around] != top[:, None])).any(1)
    for node in order[meets[order]].tolist():
        own = root(top[node])
        others = {root(top[near]) for near in around[node, taken[node]]} - {own}
        for other in sorted(others, key=lambda top: -flat[top]):
            low, high = sorted((own, other), key=lambda top: flat[top])
            if flat[node] > SHALLOW * flat[low]:
                merged[low] = high
                own = high
    tops, which = np.unique(top, return_inverse=True)
    return np.array([root(node) for node in tops.tolist()])[which]


def _around(rows: int, columns: int) -> np.ndarray:
    """(rows·columns, 8) flat indices of the neighbours of each node of a grid, −1 beyond its edge."""
    index = np.pad(np.arange(rows * columns).reshape(rows, columns), 1, constant_values=-1)
    steps = [(j, i) for j in range(3) for i in range(3) if (j, i) != (1, 1)]
    return np.stack([index[j : j + rows, i : i + columns].ravel() for j, i in steps], axis=1)


def draws(density: np.ndarray, extent: tuple[float, float, float, float], count: int, seed: int) -> np.ndarray:
    """(count, 2) independent points of a density (Gy, Gx) on `extent`: a node by its mass, then anywhere round it."""
    rng = np.random.default_rng(seed)
    x0, x1, y0, y1 = extent
    mass = np.cumsum(np.asarray(density, float).ravel())
    node = np.searchsorted(mass, rng.random(count) * mass[-1], "right")
    rows, columns = density.shape
    place = np.stack([node % columns, node // columns], axis=1) + rng.random((count, 2)) - 0.5
    return place / (columns - 1, rows - 1) * (x1 - x0, y1 - y0) + (x0, y0)
