"""A recorded figure as a curve that grows with recorded time."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from diffrender.animation.mobjects.base import Box, Clip, Placement, Raster, finite32, rgba8
from diffrender.animation.mobjects.plane.cloud import PointCloud
from diffrender.animation.mobjects.plane.lines import lay_lines
from diffrender.animation.theme import HAIR, RING
from diffrender.core.errors import RenderError

CURVE = 0.033  # width
RAW = 0.28  # opacity of the values behind a smoothed curve
DOT = 0.09
MOST = 4096  # vertices drawn of a curve: of longer ones the least and the greatest value of each stretch


class Curve(Raster):
    """A figure over recorded time: what has passed in its colour, what is to come in the grid's, a dot at the present.

    Parameters
    ----------
    box, rect: as for every bulk mobject; for a logarithmic axis give logarithms.
    x, y: (T+1,) the figure at every recorded step, x rising. A value that is not finite leaves a gap.
    color, future: of what has passed and of what is to come; future None leaves that out.
    smooth: steps over which y is averaged (exponentially, over the past alone); the values themselves are then drawn
        thinly behind. 0: y as it is.
    ring: colour of the ring round the dot; None for no dot.
    """

    caches: ClassVar[frozenset[str]] = frozenset({"dot"})  # follows x, y and step

    def __init__(
        self,
        box: Box,
        rect: Box,
        x: np.ndarray,
        y: np.ndarray,
        *,
        color: str,
        future: str | None = None,
        smooth: float = 0.0,
        ring: str | None = None,
        width: float = CURVE,
    ) -> None:
        super().__init__(box, rect, color, corner=0.0)
        x, y = np.asarray(x, float), np.asarray(y, float)
        if x.ndim != 1 or x.shape != y.shape or not len(x):
            raise RenderError(f"Curve: x has shape {x.shape} and y {y.shape}; both must be (T+1,).")
        self.x, self.y, self.raw = x, averaged(y, smooth), y if smooth > 0 else None
        self.future, self.line_width = future, width
        self.dot = (
            PointCloud(box, rect, self._at(0.0)[None], color=color, radius=DOT, ring=ring, clip=False) if ring else None
        )
        self.step: float = len(x) - 1

    def show_step(self, step: float) -> Curve:
        """Let the present be recorded step `step` (0..T)."""
        self.step = step
        return self

    @property
    def value(self) -> float:
        """y at the present, smoothed as it is drawn."""
        return float(self._at(self.step)[1])

    def here(self) -> np.ndarray:
        """(3,) scene point of the present: where a label goes."""
        return self.to_scene(self._at(self.step))

    def dotted(self) -> np.ndarray:
        """(2,) where the dot is: at the present, or at the edge where the figure lies beyond what is shown."""
        (x0, x1, y0, y1), here = self.box, self._at(self.step)
        return np.clip(here, (min(x0, x1), min(y0, y1)), (max(x0, x1), max(y0, y1)))

    def _at(self, step: float) -> np.ndarray:
        steps = np.arange(len(self.x))
        return np.array([np.interp(step, steps, self.x), np.interp(step, steps, self.y)])

    def area(self, camera: Any) -> tuple[float, float, float, float] | None:
        """The panel, made wider by a dot's reach: a dot at its edge is not cut off."""
        left, right, top, bottom = super().area(camera) or (-np.inf, np.inf, -np.inf, np.inf)
        place = self.place(camera)
        reach = (DOT + RING) * place.unit if place and self.dot else 0.0  # the dot is not cut off
        return left - reach, right + reach, top - reach, bottom + reach

    def paint(self, place: Placement, pixels: np.ndarray, opacity: float) -> None:
        """The curve up to the step shown, a dot there, and fainter the raw values and what is to come, where given."""
        color = rgba8(self.fill_rgbas[:1, :3] * 255, 1)
        end = min(max(math.floor(self.step), 0), len(self.x) - 1) + 1
        here = self._at(self.step)
        past = np.append(self.x[:end], here[0]), np.append(self.y[:end], here[1])
        with Clip(place, self.corner, pixels) as window:
            if self.future is not None:
                ahead = np.append(here[0], self.x[end:]), np.append(here[1], self.y[end:])
                self._line(window, pixels, place, *ahead, rgba8(self.future, 1), 1.0, self.line_width, opacity)
            if self.raw is not None:
                self._line(window, pixels, place, self.x[:end], self.raw[:end], color, RAW, HAIR, opacity)
            self._line(window, pixels, place, *past, color, 1.0, self.line_width, opacity)
        if self.dot is not None and np.isfinite(here).all():
            self.dot.set_xy(self.dotted()[None]).set_fill(self.get_fill_color())
            self.dot.paint(place, pixels, opacity)

    def _line(
        self,
        window: Clip,
        pixels: np.ndarray,
        place: Placement,
        x: np.ndarray,
        y: np.ndarray,
        color: np.ndarray,
        alpha: float,
        width: float,
        opacity: float,
    ) -> None:
        xy = finite32(np.stack(thinned(x, y), axis=-1))[:, None]
        fade = np.full((1, 1), alpha)
        lay_lines(window, pixels, place, self.box, xy, fade, color.view(np.uint32), width, opacity)


def averaged(y: np.ndarray, steps: float) -> np.ndarray:
    """(T+1,) exponential average of y over about `steps` of the past, without pull towards zero at the start."""
    if steps <= 0:
        return y
    from scipy.signal import lfilter

    keep = math.exp(-1 / steps)
    known = np.isfinite(y)
    total: Any = lfilter([1 - keep], [1, -keep], np.where(known, y, 0.0))
    weight: Any = lfilter([1 - keep], [1, -keep], known.astype(float))
    return np.where(known, total / np.maximum(weight, 1e-300), np.nan)


def thinned(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At most `MOST` + 2 vertices that draw the same line: the least and the greatest y of each stretch, in order."""
    if len(x) <= MOST:
        return x, y
    stretch = -(-2 * len(x) // MOST)
    whole = len(x) // stretch * stretch
    blocks = y[:whole].reshape(-1, stretch)
    known = np.where(np.isfinite(blocks), blocks, 0)
    pair = np.sort(np.stack([known.argmin(1), known.argmax(1)], axis=1), axis=1)
    keep = (pair + np.arange(len(blocks))[:, None] * stretch).ravel()
    keep = np.append(keep, [whole, len(x) - 1]) if whole < len(x) else np.append(keep, len(x) - 1)
    return x[keep], y[keep]
