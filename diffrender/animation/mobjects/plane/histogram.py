"""A histogram of where chains have been, that grows with the recording."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from diffrender.animation.mobjects import kernels
from diffrender.animation.mobjects.base import Box, Placement
from diffrender.animation.mobjects.cached import Picture
from diffrender.core.errors import RenderError

CHECKPOINTS = 256  # cumulative counts that are kept, at most; between two, states are counted anew
CHUNK = 1 << 20  # states counted at a time


class Histogram2D(Picture):
    """Hard-edged cells coloured by the density of states in them, in the colours of a heat map of the density.

    Parameters
    ----------
    box, rect: as for every bulk mobject; `box` is divided into the cells.
    bins: (columns, rows).
    table: (M, 3) uint8 colours, the first the panel's own.
    high: density that has the last colour: that of the heat map beside it.
    power: bends the colour scale as the heat map's.
    counts: (rows, columns) to begin with, lowest y first; total: states they are out of, if some lie outside the box.
    """

    # `content` stands for the counts and the step
    caches: ClassVar[frozenset[str]] = Picture.caches | {"given", "shown", "step", "checkpoints"}

    def __init__(
        self,
        box: Box,
        rect: Box,
        bins: tuple[int, int],
        *,
        table: np.ndarray,
        high: float,
        power: float = 0.7,
        counts: np.ndarray | None = None,
        total: int | None = None,
    ) -> None:
        super().__init__(box, rect)
        if min(bins) < 1:
            raise RenderError(f"Histogram2D: {bins[0]} × {bins[1]} bins.")
        if not (np.isfinite(high) and high > 0):
            raise RenderError(f"Histogram2D: high = {high} is not a positive density.")
        self.columns, self.rows = int(bins[0]), int(bins[1])
        self.table, self.high, self.power = np.asarray(table), float(high), float(power)
        self.recorded: np.ndarray | None = None
        self.step = 0.0
        self.set_counts(np.zeros((self.rows, self.columns)) if counts is None else counts, total)

    def set_counts(self, counts: np.ndarray, total: int | None = None) -> Histogram2D:
        """Show these counts (rows, columns)."""
        if np.shape(counts) != (self.rows, self.columns):
            raise RenderError(f"Histogram2D: counts {np.shape(counts)} for {self.rows} rows of {self.columns} bins.")
        self.given = np.asarray(counts)
        self.given_total = int(self.given.sum()) if total is None else int(total)
        self.recorded, self.shown = None, object()
        return self

    def follow(self, x: np.ndarray, chains: Any = None, start: int = 0) -> Histogram2D:
        """Bind to a recording x (T+1, N, 2): at step k the states of steps start..k are counted, all of them."""
        if x.ndim != 3 or x.shape[2] != 2:
            raise RenderError(f"Histogram2D: a recording has shape {x.shape}, not (T+1, N, 2).")
        self.recorded, self.chains, self.start = x, chains, start
        self.stride = max(1, -(-(len(x) - start) // CHECKPOINTS))
        # shared with copies on purpose: they count the same states
        self.checkpoints = [np.zeros((self.rows, self.columns), np.int64)]
        return self

    def show_step(self, step: float) -> Histogram2D:
        """Show what was visited up to recorded step `step`."""
        self.step = step
        return self

    def counts(self) -> tuple[np.ndarray, int]:
        """(rows, columns) int counts now shown, and the number of states they are out of."""
        if self.recorded is None:
            return self.given, self.given_total
        end = min(max(round(float(self.step)) + 1, self.start), len(self.recorded))
        whole, rest = divmod(end - self.start, self.stride)
        for k in range(len(self.checkpoints), whole + 1):
            first = self.start + (k - 1) * self.stride
            self.checkpoints.append(self.checkpoints[-1] + self._count(first, first + self.stride))
        counts = self.checkpoints[whole]
        if rest:
            counts = counts + self._count(end - rest, end)
        states = len(self.recorded[0] if self.chains is None else self.recorded[0][self.chains])
        return counts, (end - self.start) * states

    def _count(self, first: int, end: int) -> np.ndarray:
        """(rows, columns) counts of the states of steps first..end−1 that are finite and inside the box."""
        assert self.recorded is not None
        x0, x1, y0, y1 = self.box
        counts = np.zeros(self.rows * self.columns, np.int64)
        at_once = max(1, CHUNK // max(self.recorded.shape[1], 1))
        for k in range(first, end, at_once):
            states = np.asarray(self.recorded[k : min(k + at_once, end)])
            states = (states if self.chains is None else states[:, self.chains]).reshape(-1, 2).astype(float)
            states = states[(states >= (x0, y0)).all(1) & (states < (x1, y1)).all(1)]
            cell = ((states - (x0, y0)) / (x1 - x0, y1 - y0) * (self.columns, self.rows)).astype(np.int64)
            # a state a rounding error under the upper edge belongs to the last cell
            cell = np.minimum(cell, (self.columns - 1, self.rows - 1))
            counts += np.bincount(cell[:, 1] * self.columns + cell[:, 0], minlength=len(counts))
        return counts.reshape(self.rows, self.columns)

    def density(self) -> np.ndarray:
        """(rows, columns) density now shown: counts over states and a cell's area."""
        x0, x1, y0, y1 = self.box
        counts, total = self.counts()
        return counts * (self.columns * self.rows / (x1 - x0) / (y1 - y0) / max(total, 1))

    def content(self) -> Any:
        """The recorded step, rounded, or a token that is new whenever counts are given."""
        return self.shown if self.recorded is None else round(float(self.step))

    def make(self, place: Placement, bounds: np.ndarray, cover: np.ndarray) -> np.ndarray:
        """Bins as even rectangles, coloured by (density / high) ** power."""
        scaled = np.clip(self.density() / self.high, 0, 1) ** self.power
        rgba = np.full((self.rows, self.columns, 4), 255, np.uint8)
        rgba[..., :3] = self.table[np.rint(scaled * (len(self.table) - 1)).astype(int)]
        left, right, top, bottom = place.edges
        column = (np.arange(bounds[0], bounds[1]) + 0.5 - left) / (right - left) * self.columns
        row = (bottom - np.arange(bounds[2], bounds[3]) - 0.5) / (bottom - top) * self.rows
        columns = np.clip(np.floor(column), 0, self.columns - 1).astype(np.int64)
        rows = np.clip(np.floor(row), 0, self.rows - 1).astype(np.int64)
        return kernels.cells(rgba.view(np.uint32)[..., 0], rows, columns, cover)
