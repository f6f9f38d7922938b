"""Targets that are drawn from a formula, a drawing or a density, and measured to be centred and scaled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffrender.core.errors import DiffrenderError
from diffrender.diffusion.targets.base import Target
from diffrender.diffusion.targets.densities.mixtures import GaussianMixture

Draw = Callable[[int, np.random.Generator], Any]
PROBES = 50_000  # states that scale, offset and box are measured on
MAX_PROBED_NUMBERS = 1 << 22  # in all of them
MARGIN = 0.08  # of the longest side, around what `box` shows


@dataclass(frozen=True)
class DrawnTarget(Target):
    """A target whose raw states come from `raw(n, rng) -> (n, *event)`, or that and classes (n,)."""

    raw: Draw | None = None

    def draw_labelled(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray | None]:
        """n fresh states as drawn, less `offset` and over `scale`, float32, and their classes if they have any."""
        assert self.raw is not None
        x, label = _split(self.raw(n, rng))
        return np.asarray((x - self.offset) / self.scale, np.float32), label


def measured(name: str, raw: Draw) -> DrawnTarget:
    """A target whose coordinates have mean 0 and root mean square 1 over all of them, as the models want it.

    Points are centred in each coordinate; images, (C, H, W), by one number a channel.
    """
    x, label = _split(raw(_probes(raw), np.random.default_rng(0)))
    images = x.ndim == 4
    offset = x.mean((0, 2, 3)).reshape(-1, 1, 1) if images else x.mean(0)
    reach = float(np.abs(x - offset).max())  # taken out before squaring, for coordinates of any size
    if reach == 0:
        raise DiffrenderError(f"target '{name}': all its points are the same.")
    scale = reach * float(np.sqrt(np.mean(((x - offset) / reach) ** 2)))
    named = getattr(raw, "classes", None)
    labels = None if label is None else named or tuple(str(k) for k in range(int(label.max()) + 1))
    box = () if images else shown_box((x - offset) / scale)
    return DrawnTarget(name, x.shape[1:], scale, offset, box, labels=labels, raw=raw)


def of_density(name: str, density: Any) -> DrawnTarget:
    """A density as a target: its own coordinates are kept, so that its score and its draws are of one space.

    The classes of a mixture of Gaussians are its components, by number.
    """
    known: dict[str, Any] = {"density": density, "raw": density.sample}
    if isinstance(density, GaussianMixture):
        known |= {"raw": density.sample_labelled, "labels": tuple(str(k) for k in range(len(density.weights)))}
    return DrawnTarget(name, (density.dim,), 1.0, np.zeros(density.dim), density.box, **known)


def _probes(raw: Draw) -> int:
    """How many states are measured: as many as it takes, but of large ones fewer."""
    one, _ = _split(raw(1, np.random.default_rng(0)))
    return min(PROBES, max(1, MAX_PROBED_NUMBERS // max(one.size, 1)))


def _split(drawn: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """States and classes of what a maker of points returned: the states alone, or both."""
    x, label = drawn if isinstance(drawn, tuple) else (drawn, None)
    return np.asarray(x, np.float64), None if label is None else np.asarray(label, np.int64)


def shown_box(x: np.ndarray) -> tuple[float, ...]:
    """What shows x (N, D): all but stray outliers, with a margin."""
    low, high = np.quantile(x, (0.001, 0.999), axis=0)
    margin = MARGIN * float((high - low).max())
    return tuple(float(v) for pair in zip(low - margin, high + margin, strict=True) for v in pair)
