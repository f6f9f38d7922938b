"""The tail of a few points, drawn anew each frame: cheap where a view zooms, which stamped trails are not."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from diffrender.animation.mobjects.base import Box, Clip, Placement, Raster, at_step, finite32, rgba8
from diffrender.animation.mobjects.plane.lines import lay_lines
from diffrender.animation.theme import CASING, LINE
from diffrender.core.errors import RenderError

UNDER = 0.55  # opacity of a casing, in its tail's


class Tail(Raster):
    """Where a few chains have been lately: lines whose opacity falls from the newest point to nothing at the oldest.

    Parameters
    ----------
    box, rect: as for every bulk mobject.
    x: (T+1, N, 2) a recording.
    color: "#RRGGBB". width: scene units. alpha: opacity of the newest point.
    length: steps until a tail has vanished; opacity falls as (1 − age / length) ** power.
    casing: colour of a wider line underneath.
    """

    def __init__(
        self,
        box: Box,
        rect: Box,
        x: Any,
        *,
        color: str,
        width: float = LINE,
        alpha: float = 1.0,
        length: int = 20,
        power: float = 1.5,
        casing: str | None = None,
    ) -> None:
        super().__init__(box, rect, color)
        if x.ndim != 3 or x.shape[2] != 2 or length < 1:
            raise RenderError(f"Tail: a recording has shape {x.shape}, not (T+1, N, 2), or length {length} < 1.")
        self.recorded, self.line_width, self.alpha, self.length = x, width, alpha, length
        self.power, self.casing, self.step = power, casing, 0.0

    def show_step(self, step: float) -> Tail:
        """Show the tail that ends at recorded step `step` (0..T)."""
        self.step = min(max(float(step), 0.0), len(self.recorded) - 1.0)
        return self

    def vertices(self) -> tuple[np.ndarray, np.ndarray]:
        """(V, N, 2) data coordinates of the tail now, and (V,) the steps that they belong to."""
        first, last = max(0, math.ceil(self.step - self.length)), math.floor(self.step)
        xy, steps = np.asarray(self.recorded[first : last + 1]), np.arange(first, last + 1)
        if self.step > last:
            xy, steps = np.append(xy, at_step(self.recorded, self.step)[None], axis=0), np.append(steps, self.step)
        return xy, steps

    def area(self, camera: Any) -> tuple[float, float, float, float] | None:
        """The rectangle round the tails' vertices, casing included, cut to the panel."""
        whole, place = super().area(camera), self.place(camera)
        if whole is None or place is None:
            return whole
        affine = place.affine(self.box)
        at = self.vertices()[0].reshape(-1, 2) @ affine[:, :2].T + affine[:, 2]
        at = at[np.isfinite(at).all(1)]
        if not len(at):
            return whole
        reach = (self.line_width + CASING) * place.unit + 2
        (left, top), (right, bottom) = at.min(0) - reach, at.max(0) + reach
        return max(left, whole[0]), min(right, whole[1]), max(top, whole[2]), min(bottom, whole[3])

    def paint(self, place: Placement, pixels: np.ndarray, opacity: float) -> None:
        """Lines through the last `length` steps, fading towards the oldest, each over its casing."""
        xy, steps = self.vertices()
        if len(xy) < 2:
            return
        fade = (self.alpha * np.clip(1 - (self.step - steps) / self.length, 0, 1) ** self.power)[:, None]
        ink = rgba8(self.fill_rgbas[:1, :3] * 255, 1).view(np.uint32)
        with Clip(place, self.corner, pixels) as window:
            if self.casing:
                under, width = rgba8(self.casing, 1).view(np.uint32), self.line_width + CASING
                lay_lines(window, pixels, place, self.box, finite32(xy), UNDER * fade, under, width, opacity)
            lay_lines(window, pixels, place, self.box, finite32(xy), fade, ink, self.line_width, opacity)
