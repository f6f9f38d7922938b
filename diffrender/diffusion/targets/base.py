"""A target: what a model learns or a sampler draws from, in the coordinates that models work in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Target(ABC):
    """Something to draw states from, centred and scaled: raw = x · scale + offset.

    Every target says these of itself, in whatever way is cheapest for it:

    name: the kind in the config. event: shape of one state, (D,) or (C, H, W). scale: the root mean square of the raw
    coordinates about `offset`, so that x has about unit variance. offset: (D,), or (C, 1, 1) of images. box: (x0, x1,
    y0, y1[, z0, z1]) that shows the data, in scaled coordinates; () where nothing is plotted. density: the closed form
    that is drawn from, if there is one (its coordinates are kept: scale 1, offset 0). labels: names of the classes.
    """

    name: str
    event: tuple[int, ...]
    scale: float
    offset: np.ndarray
    box: tuple[float, ...]
    density: Any | None = None
    labels: tuple[str, ...] | None = None

    @property
    def dim(self) -> int:
        """Numbers in one state."""
        return int(np.prod(self.event))

    @abstractmethod
    def draw_labelled(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray | None]:
        """n fresh states, (n, *event) float32, and their classes, (n,) int64, or None if there are none."""

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n fresh states, (n, *event) float32."""
        return self.draw_labelled(n, rng)[0]

    def states(self, limit: int | None = None) -> tuple[np.ndarray, np.ndarray | None] | None:
        """All states, (N, *event) float32, and their classes, where there are finitely many; else None.

        limit: only so many, the first of each class.
        """
        return None

    def parts(self) -> Iterator[np.ndarray]:
        """All states again, a few thousand at a time, in the same order; nothing where there is no end of them."""
        return iter(())
