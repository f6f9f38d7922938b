"""What is to be learned or sampled: densities in closed form, points by formula, drawings, meshes, text.

``build_target(config.target, folder)`` gives a `Target`: something to draw states from, in the coordinates the models
work in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from diffrender.config.sections import TargetConfig
from diffrender.core.errors import ConfigError, DiffrenderError, suggest
from diffrender.diffusion.targets.points import space  # noqa: F401 - files its points in POINTS
from diffrender.diffusion.targets.points.plane import POINTS
from diffrender.diffusion.targets.shapes.catalogue import SHAPES

Draw = Callable[[int, np.random.Generator], Any]
PROBE = 50_000  # states that scale, offset and box are measured on
MARGIN = 0.08  # of the longest side, around what `box` shows


@dataclass(frozen=True)
class Target:
    """What models learn, centred and scaled: raw = x · scale + offset.

    name: the kind in the config. event: shape of one state. scale, offset: of the raw coordinates, offset (*event).
    box: (x0, x1, y0, y1[, z0, z1]) that shows the data, in scaled coordinates. density: the closed form that is drawn
    from, if there is one (its coordinates are kept: scale 1, offset 0). labels: names of the classes.
    """

    name: str
    event: tuple[int, ...]
    raw: Draw
    scale: float
    offset: np.ndarray
    box: tuple[float, ...]
    density: Any | None = None
    labels: tuple[str, ...] | None = None

    @property
    def dim(self) -> int:
        """Numbers in one state."""
        return int(np.prod(self.event))

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n fresh states, (n, *event) float32."""
        return self.draw_labelled(n, rng)[0]

    def draw_labelled(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray | None]:
        """n fresh states, (n, *event) float32, and their classes, (n,) int64, or None if there are none."""
        x, label = _split(self.raw(n, rng))
        return np.asarray((x - self.offset) / self.scale, np.float32), label

    def states(self) -> tuple[np.ndarray, np.ndarray | None] | None:
        """All states, (N, *event) float32, and their classes, where there are finitely many; else None."""
        return None


def build_target(target: TargetConfig, folder: Path) -> Target:
    """The target that a config names; files are looked for in `folder` first.

    Raises ConfigError for an unknown kind or key, DiffrenderError for a file that cannot be used.
    """
    kind, params = target.kind, target.params
    if kind in POINTS:
        make, checked = POINTS.resolve(kind, params, "target")
        return _scaled(kind, partial(make, **checked))
    if kind in SHAPES:
        make, checked = SHAPES.resolve(kind, params, "target")
        return _scaled(kind, make(folder, **checked))
    from diffrender.diffusion.targets.densities.catalogue import DENSITIES

    if kind in DENSITIES:
        make, checked = DENSITIES.resolve(kind, params, "target")
        return _of_density(kind, make(**checked))
    known = {*POINTS.entries, *SHAPES.entries, *DENSITIES.entries}
    raise ConfigError(f"Unknown target '{kind}'.", suggest(kind, known))


def _split(drawn: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """States and classes of what a maker of points returned: the states alone, or both."""
    x, label = drawn if isinstance(drawn, tuple) else (drawn, None)
    return np.asarray(x, np.float64), None if label is None else np.asarray(label, np.int64)


def _scaled(name: str, raw: Draw) -> Target:
    """A target whose coordinates have mean 0 and root mean square 1 over all of them, as the models want it."""
    x, label = _split(raw(PROBE, np.random.default_rng(0)))
    offset = x.mean(0)
    reach = float(np.abs(x - offset).max())  # taken out before squaring, for coordinates of any size
    if reach == 0:
        raise DiffrenderError(f"target '{name}': all its points are the same.")
    scale = reach * float(np.sqrt(np.mean(((x - offset) / reach) ** 2)))
    labels = None if label is None else tuple(str(k) for k in range(int(label.max()) + 1))
    return Target(name, x.shape[1:], raw, scale, offset, _box((x - offset) / scale), labels=labels)


def _of_density(name: str, density: Any) -> Target:
    """A density as a target: its own coordinates are kept, so that its score and its draws are of one space."""
    return Target(name, (density.dim,), density.sample, 1.0, np.zeros(density.dim), density.box, density)


def _box(x: np.ndarray) -> tuple[float, ...]:
    """What shows x (N, D): all but stray outliers, with a margin."""
    low, high = np.quantile(x, (0.001, 0.999), axis=0)
    margin = MARGIN * float((high - low).max())
    return tuple(float(v) for pair in zip(low - margin, high + margin, strict=True) for v in pair)
