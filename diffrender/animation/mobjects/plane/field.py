"""Vector fields: arrows on a grid, and streamlines."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.animation.mobjects import kernels
from diffrender.animation.mobjects.base import Box, Clip, Placement, Raster, state_at
from diffrender.animation.mobjects.plane.lines import lay_lines
from diffrender.animation.theme import LINE
from diffrender.core.errors import RenderError

FIELD_SHAFT, FIELD_HEAD, FIELD_HEAD_WIDTH = 0.034, 0.135, 0.118
SMALL = 0.18  # units: shorter arrows thin and fade too
SHORTEST = 0.09
FAINTEST = 0.35


class Field(Raster):
    """Vectors at places, and the scale in which they are shown.

    xy: (N, 2) or (Gy, Gx, 2) data coordinates; v: the same shape, vectors in data units, not finite ones are not drawn.
    table: (M, 3) uint8 colours by magnitude. vmax: the magnitude that has the last colour and the full length.
    power: both follow (|v| / vmax) ** power, at most 1; where it is not 1 the picture must say so.
    floor: colours follow the logarithm instead, from this magnitude, and what is less, to `vmax`.
    """

    dims = 2

    def __init__(
        self,
        box: Box,
        rect: Box,
        xy: np.ndarray,
        v: np.ndarray,
        *,
        table: np.ndarray,
        vmax: float,
        power: float = 1.0,
        floor: float | None = None,
    ) -> None:
        super().__init__(box, rect)
        name = type(self).__name__
        if not (np.isfinite(vmax) and vmax > 0):
            raise RenderError(f"{name}: vmax = {vmax} is not a positive number.")
        if floor is not None and not 0 < floor < vmax:
            raise RenderError(f"{name}: floor = {floor} is not between 0 and vmax = {vmax}.")
        if np.shape(xy) != np.shape(v) or np.shape(xy)[-1:] != (self.dims,):
            raise RenderError(f"{name}: places {np.shape(xy)} and vectors {np.shape(v)} must both be (…, {self.dims}).")
        self.xy, self.v = np.asarray(xy, float), np.asarray(v)
        self.table, self.vmax, self.power, self.floor = np.asarray(table), float(vmax), float(power), floor
        self.longest: np.ndarray | None = None
        self.recorded: np.ndarray | None = None
        self.index: np.ndarray | None = None
        self.step = 0.0

    def follow(self, v: np.ndarray, index: np.ndarray | None = None, longest: np.ndarray | None = None) -> Field:
        """Bind to recorded vectors (K, …, 2); index: (T+1,) which of the K belongs to each step, if not one each.

        longest: (K,) the magnitude that has the full length in each, if not `vmax` in all.
        """
        if v.shape[1:] != self.xy.shape:
            raise RenderError(f"{type(self).__name__}: recorded vectors {v.shape} for places {self.xy.shape}.")
        self.recorded, self.index, self.longest = v, index, longest
        return self

    def show_step(self, step: float) -> Field:
        """Show what belongs to recorded step `step`: the nearest there is."""
        self.step = step
        return self

    @property
    def vectors(self) -> np.ndarray:
        """Vectors shown now, shaped as the places."""
        if self.recorded is None:
            return self.v
        return np.asarray(self.recorded[state_at(self.step, self.index, len(self.recorded))])

    def scaled(self, magnitude: np.ndarray) -> np.ndarray:
        """Magnitudes → 0..1, as lengths follow them."""
        full = self.vmax
        if self.longest is not None and self.recorded is not None:
            full = float(self.longest[state_at(self.step, self.index, len(self.recorded))])
        return np.clip(magnitude / full, 0, 1) ** self.power

    def colors(self, magnitude: np.ndarray) -> np.ndarray:
        """(…, 3) uint8 of magnitudes."""
        if self.floor is None:
            share = np.clip(magnitude / self.vmax, 0, 1) ** self.power
        else:
            share = np.log(np.clip(magnitude, self.floor, self.vmax) / self.floor) / np.log(self.vmax / self.floor)
        return self.table[np.rint(share * (len(self.table) - 1)).astype(int)]


class VectorField(Field):
    """Arrows centred on their places, all in one scale, coloured by magnitude; short ones also thin and fade.

    Parameters besides those of `Field`
    ----------
    length: of the longest arrow in scene units; .9 of the grid's step is good.
    alpha: opacity, one or (N,).
    shaft: thickness of the longest arrows' shafts in scene units.
    """

    def __init__(
        self,
        box: Box,
        rect: Box,
        xy: np.ndarray,
        v: np.ndarray,
        *,
        table: np.ndarray,
        vmax: float,
        length: float,
        power: float = 1.0,
        alpha: Any = 1.0,
        shaft: float = FIELD_SHAFT,
        clip: bool = True,
        floor: float | None = None,
    ) -> None:
        super().__init__(box, rect, xy, v, table=table, vmax=vmax, power=power, floor=floor)
        self.length, self.alpha, self.shaft, self.clip = length, alpha, shaft, clip

    def paint(self, place: Placement, pixels: np.ndarray, opacity: float) -> None:
        """An arrow centred on each place whose vector is finite and not 0; short ones are thinner and fainter."""
        v = self.vectors.reshape(-1, 2).astype(float)
        magnitude = np.hypot(v[:, 0], v[:, 1])
        seen = np.isfinite(magnitude) & (magnitude > 0)
        v, magnitude = v[seen], magnitude[seen]
        xy, alpha = self.xy.reshape(-1, 2)[seen], np.broadcast_to(self.alpha, seen.shape)[seen]
        affine = place.affine(self.box)
        middle = xy @ affine[:, :2].T + affine[:, 2]
        along = v / magnitude[:, None] @ affine[:, :2].T
        along /= np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-12)[:, None]
        scaled = self.scaled(magnitude)
        length = scaled * self.length
        thin = np.clip(length / SMALL, FAINTEST, 1)
        corners = arrows(middle, along, np.maximum(length, SHORTEST) * place.unit, thin * place.unit, self.shaft)
        rgba = np.empty((len(v), 4), np.uint8)
        rgba[:, :3] = self.colors(magnitude)
        rgba[:, 3] = np.rint(255 * opacity * np.clip(alpha * thin, 0, 1))
        with Clip(place, self.corner, pixels, self.clip) as window:
            kernels.polygons(window.frame, pixels.shape[1], window.bounds, corners, rgba)


def arrows(middle: np.ndarray, along: np.ndarray, length: np.ndarray, scale: np.ndarray, shaft: float) -> np.ndarray:
    """(N, 7, 2) outlines of arrows: middle (N, 2) and length (N,) in pixels, along (N, 2) unit vectors.

    scale: (N,) pixels to a unit for the thickness; shaft: in units. The head is swept back a little.
    """
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    tail, tip = middle - along * length[:, None] / 2, middle + along * length[:, None] / 2
    half = across * (shaft / 2 * scale)[:, None]
    wing = across * (FIELD_HEAD_WIDTH / 2 * scale)[:, None]
    head = along * np.minimum(FIELD_HEAD * scale, 0.55 * length)[:, None]
    neck, barb = tip - head, tip - 1.12 * head
    return np.stack([tail + half, neck + half, barb + wing, tip, barb - wing, neck - half, tail - half], axis=1)


class Streamlines(Field):
    """Short curves along a field, of one length, brightest at their heads, coloured by magnitude.

    They start at fixed places, so they sway as the field changes and do not jump.

    Parameters besides those of `Field`
    ----------
    xy: (Gy, Gx, 2), a regular grid, between whose nodes the vectors are interpolated.
    spacing, length, width: scene units between starts, along a curve, and across it.
    phase: how often a lit part has travelled along each curve; let it grow, and the curves flow. None: all is lit.
    """

    def __init__(
        self,
        box: Box,
        rect: Box,
        xy: np.ndarray,
        v: np.ndarray,
        *,
        table: np.ndarray,
        vmax: float,
        spacing: float = 0.3,
        length: float = 0.9,
        power: float = 1.0,
        width: float = LINE,
        clip: bool = True,
        floor: float | None = None,
        phase: float | None = None,
    ) -> None:
        if np.ndim(xy) != 3:
            raise RenderError(f"Streamlines: places have shape {np.shape(xy)}, not (Gy, Gx, 2).")
        super().__init__(box, rect, xy, v, table=table, vmax=vmax, power=power, floor=floor)
        self.line_width, self.clip = width, clip
        x0, x1, y0, y1 = self.box
        a, b, c, d = rect
        rng = np.random.default_rng(0)
        columns, rows = max(1, round((b - a) / spacing)), max(1, round((d - c) / spacing))
        cells = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).reshape(-1, 2)
        inside = (cells + rng.uniform(0.15, 0.85, cells.shape)) / (columns, rows)
        self.offsets, self.phase = rng.uniform(0, 1, len(cells)), phase
        self.starts = inside * (x1 - x0, y1 - y0) + (x0, y0)
        self.stride = np.array([(x1 - x0) / (b - a), (y1 - y0) / (d - c)]) * length / SEGMENTS

    def paint(self, place: Placement, pixels: np.ndarray, opacity: float) -> None:
        """Lines traced from the starts, brighter towards the head; while they flow, lit along a part that travels."""
        grid = np.array([self.xy[0, 0, 0], self.xy[-1, -1, 0], self.xy[0, 0, 1], self.xy[-1, -1, 1]])
        v = np.ascontiguousarray(self.vectors, np.float64)
        lines, speed = kernels.trace(v, grid, self.starts, self.stride, SEGMENTS)
        fade = (np.arange(SEGMENTS + 1) / SEGMENTS)[:, None]
        if self.phase is not None:
            # each line is lit along a part that travels from its tail to its head, each at its own time
            head = (self.phase + self.offsets) % 1.0 * (1 + LIT)
            behind = head - fade
            fade = np.where((behind >= 0) & (behind <= LIT), 1 - behind / LIT, 0.0)
        rgba = np.full((*speed.shape, 4), 255, np.uint8)
        rgba[..., :3] = self.colors(np.nan_to_num(speed))
        with Clip(place, self.corner, pixels, self.clip) as window:
            colors = rgba.view(np.uint32)[..., 0]
            lay_lines(window, pixels, place, self.box, lines.astype(np.float32), fade, colors, self.line_width, opacity)


SEGMENTS = 24  # of a streamline
LIT = 0.55  # part of it that is lit while it flows
