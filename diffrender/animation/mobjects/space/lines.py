"""Lines in space, seen through an orbit: where chains have been, and the box that tells which way is up."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from diffrender.animation.mobjects.base import Box, Clip, Placement, Raster, at_step, finite32, rgba8
from diffrender.animation.mobjects.plane.lines import lay_lines
from diffrender.animation.mobjects.space.cloud import hazed, reach_of
from diffrender.animation.mobjects.space.orbit import Orbit
from diffrender.animation.theme import HAIR, LINE
from diffrender.core.errors import RenderError

OUTSIDE = 0.12  # of half the picture's side: a box that reaches so far beyond its edge is not drawn


class Trails3D(Raster):
    """The fading tails of chains in space; of those over one another the newest part shows.

    Parameters
    ----------
    orbit, box, rect, haze: as of `PointCloud3D`.
    x: (T+1, N, 3) a recording, which may be larger than memory.
    color: "#RRGGBB". width: scene units. alpha: opacity of the newest point.
    length: steps until a trail has vanished; opacity falls as (1 − age / length) ** power.
    """

    def __init__(
        self,
        orbit: Orbit,
        box: Box,
        rect: Box,
        x: np.ndarray,
        *,
        color: str,
        haze: str,
        width: float = LINE,
        alpha: float = 1.0,
        length: int = 20,
        power: float = 1.5,
        clip: bool = True,
    ) -> None:
        super().__init__(box, rect, color)
        if x.ndim != 3 or x.shape[2] != 3 or length < 1:
            raise RenderError(f"Trails3D: a recording has shape {x.shape}, not (T+1, N, 3), or length {length} < 1.")
        self.orbit, self.recorded, self.haze, self.clip = orbit, x, haze, clip
        self.line_width, self.alpha, self.length, self.power = width, alpha, length, power
        self.step = 0.0

    def show_step(self, step: float) -> Trails3D:
        """Show the trails that end at recorded step `step` (0..T)."""
        self.step = min(max(float(step), 0.0), len(self.recorded) - 1.0)
        return self

    def paint(self, place: Placement, pixels: np.ndarray, opacity: float) -> None:
        """The last `length` steps of each chain, fading towards the oldest and hazier with distance."""
        first, last = max(0, math.ceil(self.step - self.length)), math.floor(self.step)
        steps = np.append(np.arange(first, last + 1), [self.step] if self.step > last else [])
        xyz = [at_step(self.recorded, step) for step in steps]
        if len(xyz) < 2:
            return
        shape = len(xyz), self.recorded.shape[1]
        xy, _, depth = self.orbit.project(finite32(np.stack(xyz)).reshape(-1, 3))
        rgba = rgba8(self.fill_rgbas[:1, :3] * 255, len(xy))
        colors = hazed(np.broadcast_to(rgba, (len(xy), 4)), depth, self.orbit.reach or reach_of(self.box), self.haze)
        fade = self.alpha * np.clip(1 - (self.step - steps) / self.length, 0, 1) ** self.power
        with Clip(place, self.corner, pixels, self.clip) as window:
            tints = colors.view(np.uint32).reshape(shape)
            lay_lines(
                window, pixels, place, self.box, xy.reshape(*shape, 2), fade[:, None], tints, self.line_width, opacity
            )


class Cage(Raster):
    """The far sides of a box in space, each with a grid: they lie behind everything in the box, however it is turned.

    What would be cut off at the edge of the picture is no box any more: it fades as the view closes in on its inside.

    low, high: (3,) its corners in data coordinates; cells: squares of the grid along an edge.
    color, grid: colours of edges and of grid lines.
    """

    def __init__(
        self,
        orbit: Orbit,
        box: Box,
        rect: Box,
        low: Sequence[float] | np.ndarray,
        high: Sequence[float] | np.ndarray,
        *,
        color: str,
        grid: str,
        cells: int = 4,
        clip: bool = True,
    ) -> None:
        super().__init__(box, rect)
        self.orbit, self.clip = orbit, clip
        self.low, self.high = np.asarray(low, float), np.asarray(high, float)
        self.inks = [rgba8(c, 1).view(np.uint32) for c in (grid, color)]
        at = np.arange(cells + 1) / cells
        across = np.stack([np.stack([at, np.zeros_like(at)], -1), np.stack([at, np.ones_like(at)], -1)])
        side = np.concatenate([across, across[..., ::-1]], axis=1)  # (2, 2 (cells + 1), 2) lines of a unit square
        outer = np.tile((at == 0) | (at == 1), 2)
        self.lines = [side[:, ~outer], side[:, outer]]

    def far_sides(self) -> list[tuple[int, bool]]:
        """(axis, whether the upper one) of every side whose inner face is turned towards the eye."""
        axis = self.orbit.axes[2]
        if self.orbit.perspective:
            eye = self.orbit.center + axis / self.orbit.perspective
        else:
            eye = self.orbit.center + 1e6 * axis
        return [
            (d, up) for d in range(3) for up in (False, True) if (eye[d] < self.high[d] if up else eye[d] > self.low[d])
        ]

    def paint(self, place: Placement, pixels: np.ndarray, opacity: float) -> None:
        """The grids of the sides that face the eye from behind, and their outer lines, heavier."""
        sides, opacity = self.far_sides(), opacity * self.whole()
        if not opacity:
            return
        with Clip(place, self.corner, pixels, self.clip) as window:
            for lines, ink, width in zip(self.lines, self.inks, (HAIR, 1.4 * HAIR), strict=True):
                xyz = np.concatenate([self._on(lines, d, up) for d, up in sides], axis=1)
                xy = self.orbit.project(finite32(xyz).reshape(-1, 3))[0].reshape(*xyz.shape[:2], 2)
                lay_lines(window, pixels, place, self.box, xy, np.ones((1, 1)), ink, width, opacity)

    def whole(self) -> float:
        """1 while all corners are in the picture, falling to 0 as one of them lies `OUTSIDE` of it."""
        corners = np.stack(np.meshgrid(*np.stack([self.low, self.high], 1)), -1).reshape(-1, 3)
        (x0, x1, y0, y1), at = self.box, self.orbit.project(finite32(corners))[0]
        out = np.abs(at - ((x0 + x1) / 2, (y0 + y1) / 2)) / ((x1 - x0) / 2, (y1 - y0) / 2) - 1
        return float(np.clip(1 - np.nan_to_num(out, nan=1.0).max() / OUTSIDE, 0, 1))

    def _on(self, lines: np.ndarray, axis: int, upper: bool) -> np.ndarray:
        """(2, L, 3) lines of the unit square on one side of the box."""
        others = [d for d in range(3) if d != axis]
        xyz = np.empty((*lines.shape[:2], 3))
        xyz[..., axis] = self.high[axis] if upper else self.low[axis]
        xyz[..., others] = self.low[others] + lines * (self.high - self.low)[others]
        return xyz
