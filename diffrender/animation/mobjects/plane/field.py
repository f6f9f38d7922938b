"""Vector fields: arrows on a grid, and what arrows and streamlines share."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.animation.mobjects import kernels
from diffrender.animation.mobjects.base import Box, Clip, Placement, Raster, state_at
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
