"""The fading tails of many chains."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...errors import RenderError
from .. import kernels
from ..theme import CASING, LINE
from .raster import Box, Clip, Placement, Raster, at_step, finite32, rgba8


class Trails(Raster):
    """Where chains have been: lines of one width whose opacity falls from the newest point to nothing at the oldest.

    What is drawn at a step depends on the recording and that step alone, however it was reached.

    Parameters
    ----------
    box, rect: as for every bulk mobject.
    xy: (T, N, 2) data coordinates, the newest last.
    color: "#RRGGBB", which `set_color` changes, or (N, 3 | 4) uint8, one a chain.
    width: scene units.
    alpha: opacity of the newest point.
    casing: colour of a wider line underneath, at about half the opacity, that sets trails off from a heat map.
    power: opacity falls as (1 − age / length) ** power; 0 for no fading.
    length: steps until a trail has vanished; None for as long as the recording is.
    """

    def __init__(
        self,
        box: Box,
        rect: Box,
        xy: np.ndarray,
        color: Any,
        width: float = LINE,
        alpha: float = 1.0,
        casing: str | None = None,
        clip: bool = True,
        power: float = 1.5,
        length: int | None = None,
    ) -> None:
        super().__init__(box, rect, color if isinstance(color, str) else "#FFFFFF")
        if not (math.isfinite(width) and width >= 0):
            raise RenderError(f"Trails: width {width} is negative or not finite.")
        if length is not None and length < 1:
            raise RenderError(f"Trails: length {length} is less than one step.")
        self.colors = None if isinstance(color, str) else np.asarray(color)
        self.line_width, self.alpha, self.casing, self.clip = width, alpha, casing, clip
        self.power, self.length = power, length
        self.follow(xy)
        self.step: float = len(xy) - 1

    def follow(self, x: np.ndarray, chains: Any = None) -> Trails:
        """Bind to a recording x (T+1, N, 2), which may be larger than memory; `chains` picks some of its N."""
        if x.ndim != 3 or x.shape[2] != 2 or not len(x):
            raise RenderError(f"Trails: a recording has shape {x.shape}, not (T+1, N, 2).")
        count = len(x[0] if chains is None else x[0][chains])
        if self.colors is not None and len(self.colors) not in (1, count):
            raise RenderError(f"Trails: {len(self.colors)} colours for {count} chains.", "Give one, or one a chain.")
        self.recorded, self.chains = x, chains
        return self

    def show_step(self, step: float) -> Trails:
        """Show the trails that end at recorded step `step` (0..T)."""
        self.step = step
        return self

    def visible(self) -> tuple[np.ndarray, np.ndarray]:
        """(V, N, 2) float32 vertices now seen, oldest first, and (V,) their opacity 0..1."""
        last = len(self.recorded) - 1
        step = min(max(float(self.step), 0.0), float(last))
        length = last if self.length is None else self.length
        now = int(step)
        steps = np.arange(max(now - length, 0), now + 1, dtype=float)
        vertices = self.recorded[int(steps[0]) : now + 1]
        if self.chains is not None:
            vertices = vertices[:, self.chains]
        if step > now:
            vertices = np.concatenate([vertices, at_step(self.recorded, step, self.chains)[None]])
            steps = np.append(steps, step)
        fade = np.clip(1 - (step - steps) / max(length, 1), 0, 1) ** self.power
        return finite32(vertices), fade

    def paint(self, place: Placement, pixels: np.ndarray, opacity: float) -> None:
        xy, fade = self.visible()
        if len(xy) < 2 or not xy.shape[1]:
            return
        colors = rgba8(self.fill_rgbas[:1, :3] * 255 if self.colors is None else self.colors, xy.shape[1])
        fade = np.outer(fade * self.alpha, colors[:, 3] / 255)
        colors[:, 3] = 255
        with Clip(place, self.corner, pixels, self.clip) as window:
            if window.empty:
                return
            if self.casing:
                under = rgba8(self.casing, 1).view(np.uint32)
                lay_lines(window, pixels, place, self, xy, fade * 0.55, under, self.line_width + CASING, opacity)
            lay_lines(window, pixels, place, self, xy, fade, colors.view(np.uint32).T, self.line_width, opacity)


def lay_lines(
    window: Clip,
    pixels: np.ndarray,
    place: Placement,
    owner: Raster,
    xy: np.ndarray,
    fade: np.ndarray,
    colors: np.ndarray,
    width: float,
    opacity: float,
) -> None:
    """Draw lines through xy (V, N, 2) with opacities `fade` (V | 1, N | 1) and colours (V | 1, N | 1) uint32.

    Each pixel shows the most opaque line over it, and that one only.
    """
    left, right, top, bottom = window.bounds
    levels = np.zeros((bottom - top, right - left), np.uint8)
    tint = np.empty(levels.shape, np.uint32)
    half = width * place.unit / 2
    fade, colors = np.ascontiguousarray(fade, float), np.ascontiguousarray(colors)
    kernels.streaks(levels, tint, left, top, xy, place.affine(owner.box), fade, colors, half)
    kernels.lay(window.frame, pixels.shape[1], levels, tint, left, top, round(256 * opacity))
