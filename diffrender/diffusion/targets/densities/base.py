"""Base of densities: log p and score in closed form; normaliser, peak and draws by a grid where no form is known."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from functools import cached_property

import numpy as np
import torch
from scipy.special import logsumexp

from diffrender.core.errors import ConfigError

Bounds = tuple[tuple[float, float], ...]

NODES = {1: 8001, 2: 801, 3: 121}  # grid nodes a side, by dimension
LEAST_TRIES, SMALLEST_ACCEPTANCE = 200_000, 1e-3  # of rejection sampling, before it is given up
CELLS = {1: 4096, 2: 512, 3: 96}


class Density(ABC):
    """A density on R^D. A subclass sets `dim` and `bounds` and writes `evaluate`.

    dim: D.
    bounds: one (low, high) a coordinate, between which nearly all of it lies.
    normalised: whether exp(log_prob) integrates to one; if not, `prob` is still p, by a normaliser found on a grid.
    """

    dim: int
    bounds: Bounds
    normalised: bool = True

    @abstractmethod
    def evaluate(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """log p (N,), up to a constant unless normalised, and its gradient (N, D), at x (N, D) of any float dtype."""

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        """log p(x), (N,), up to a constant unless normalised."""
        return self.evaluate(x)[0]

    def score(self, x: torch.Tensor) -> torch.Tensor:
        """∇ log p(x), (N, D)."""
        return self.evaluate(x)[1]

    def prob(self, x: torch.Tensor) -> torch.Tensor:
        """p(x), (N,), always normalised."""
        return torch.exp(self.log_prob(x) - self.log_z)

    @property
    def _wide(self) -> Bounds:
        """Bounds half as wide again: what lies beyond is taken for nothing."""
        return tuple(widened(b, 1.5) for b in self.bounds)

    @property
    def box(self) -> tuple[float, ...]:
        """(x0, x1, y0, y1[, z0, z1]) that shows it; in 1-D, the axis and the height of p."""
        bounds = self.bounds if self.dim > 1 else (*self.bounds, (0.0, 1.1 * self.peak))
        return tuple(edge for pair in bounds[:3] for edge in pair)

    @cached_property
    def log_z(self) -> float:
        """log ∫ exp(log_prob): 0 if normalised, else by the trapezoidal rule over bounds half as wide again."""
        if self.normalised:
            return 0.0
        x, cell = grid(self._wide, NODES[self.dim])
        return float(torch.logsumexp(self.log_prob(x), 0)) + float(np.log(cell))

    @cached_property
    def peak(self) -> float:
        """max p, to about eight digits: the best node of a grid, then of ever finer grids around it."""
        bounds, nodes = list(self.bounds), {1: 2001, 2: 301, 3: 61}[self.dim]
        best = -np.inf
        for _ in range(9):
            x, _ = grid(bounds, nodes)
            values = self.log_prob(x)
            at = int(values.argmax())
            best = max(best, float(values[at]))
            half = [1.5 * (high - low) / (nodes - 1) for low, high in bounds]
            bounds = [(float(c) - h, float(c) + h) for c, h in zip(x[at], half, strict=True)]
            nodes = 13
        return float(np.exp(best - self.log_z))

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n independent draws, (n, D) float32.

        Where no exact way is known: by rejection from a grid over the widened bounds (piecewise constant, the largest
        corner of each cell), so what lies beyond them is never drawn.
        """
        side = CELLS[self.dim]
        x, _ = grid(self._wide, side + 1)
        corners = self.log_prob(x).numpy().reshape((side + 1,) * self.dim)
        cells = corners
        for axis in range(self.dim):
            cells = np.maximum(np.take(cells, range(side), axis), np.take(cells, range(1, side + 1), axis))
        cells = cells.ravel() + 0.02  # room for what rises between the corners
        if not np.isfinite(cells.max()):
            raise ConfigError("target: this density is 0 on all of its box.", "Give target.box where it is not.")
        total = np.cumsum(np.exp(cells - cells.max()))
        low, high = np.array(self._wide).T
        kept: list[np.ndarray] = []
        tried = found = 0
        while found < n:
            if tried > LEAST_TRIES and found < SMALLEST_ACCEPTANCE * tried:
                raise ConfigError(
                    f"target: hardly any draw of this density is accepted ({found:,} of {tried:,}): it is far narrower "
                    f"than the grid of {side} cells a side that it is drawn from.",
                    "Widen its peaks, or give target.box closer around them.",
                )
            pick = np.minimum(np.searchsorted(total, rng.random(n + 64) * total[-1], side="right"), len(cells) - 1)
            index = np.stack(np.unravel_index(pick, (side,) * self.dim), 1)
            y = low + (index + rng.random(index.shape)) * (high - low) / side
            log_p = self.log_prob(torch.from_numpy(y)).numpy()
            kept.append(y[np.log(rng.random(len(y))) < log_p - cells[pick]])
            tried, found = tried + len(y), found + len(kept[-1])
        return np.concatenate(kept)[:n].astype(np.float32)


def grid(bounds: Iterable[tuple[float, float]], nodes: int) -> tuple[torch.Tensor, float]:
    """All nodes of a regular grid, (nodes^D, D) float64, and the volume that belongs to each."""
    bounds = list(bounds)
    axes = [torch.linspace(low, high, nodes, dtype=torch.float64) for low, high in bounds]
    volume = float(np.prod([(high - low) / (nodes - 1) for low, high in bounds]))
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(bounds)), volume


def draw_1d(
    log_p: Callable[[np.ndarray], np.ndarray], low: float, high: float, n: int, rng: np.random.Generator
) -> np.ndarray:
    """n draws of a density on [low, high] by inverting its cumulative sum over 20,000 nodes."""
    x = np.linspace(low, high, 20_001)
    values = log_p(x)
    p = np.exp(values - logsumexp(values))
    total = np.concatenate([[0.0], np.cumsum((p[1:] + p[:-1]) / 2)])
    return np.interp(rng.random(n) * total[-1], total, x)


def widened(bounds: tuple[float, float], factor: float) -> tuple[float, float]:
    """An interval scaled about its middle."""
    middle, half = (bounds[0] + bounds[1]) / 2, (bounds[1] - bounds[0]) / 2
    return middle - factor * half, middle + factor * half
