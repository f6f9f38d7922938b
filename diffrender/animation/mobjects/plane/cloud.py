"""Many points, drawn at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.animation.mobjects import kernels
from diffrender.animation.mobjects.base import Box, Clip, Placement, Raster, at_step, finite32, rgba8
from diffrender.animation.theme import RING
from diffrender.core.errors import RenderError


class PointCloud(Raster):
    """Discs with sub-pixel centres, each with its own colour, size and opacity if wished.

    Parameters
    ----------
    box, rect: data space, and the rectangle of the scene on which it is laid, each (left, right, bottom, top).
    xy: (N, 2) data coordinates. Points that are not finite are not drawn.
    color: "#RRGGBB", which `set_color` and `.animate.set_color` change, or (N, 3 | 4) uint8.
    radius: scene units, one or (N,); 0 draws nothing.
    alpha: opacity 0..1, one or (N,).
    ring: colour of a thin ring round each point, that sets it off from a heat map.
    clip: whether what passes the rounded rectangle is cut off.
    """

    dims = 2

    def __init__(
        self,
        box: Box,
        rect: Box,
        xy: np.ndarray,
        *,
        color: Any,
        radius: Any,
        alpha: Any = 1.0,
        ring: str | None = None,
        clip: bool = True,
    ) -> None:
        super().__init__(box, rect, color if isinstance(color, str) else "#FFFFFF")
        self.colors = None if isinstance(color, str) else np.asarray(color)
        self.radius = np.atleast_1d(np.asarray(radius, float))
        if not (np.isfinite(self.radius).all() and (self.radius >= 0).all()):
            raise RenderError("PointCloud: a radius is negative or not finite.")
        self.alpha, self.ring, self.clip = alpha, ring, clip
        self.recorded: np.ndarray | None = None
        self.chains: Any = None
        self.step = 0.0
        self.set_xy(xy)

    def set_xy(self, xy: np.ndarray) -> PointCloud:
        """Put the points at (N, 2) data coordinates."""
        xy = np.asarray(xy)
        if xy.ndim != 2 or xy.shape[1] != self.dims:
            raise RenderError(f"{type(self).__name__}: points have shape {xy.shape}, not (N, {self.dims}).")
        self._check_count(len(xy))
        self._xy = xy
        self.recorded = None
        return self

    def follow(self, x: np.ndarray, chains: Any = None) -> PointCloud:
        """Bind to a recording x (T+1, N, 2), which may be larger than memory; `chains` picks some of its N.

        From then on `show_step` says which step is shown. Only a step that is drawn is read.
        """
        if x.ndim != 3 or x.shape[2] != self.dims:
            raise RenderError(f"{type(self).__name__}: a recording has shape {x.shape}, not (T+1, N, {self.dims}).")
        self._check_count(len(x[0] if chains is None else x[0][chains]))
        self.recorded, self.chains = x, chains
        self._xy = np.empty((0, self.dims))  # what is not shown need not be compared
        return self

    def show_step(self, step: float) -> PointCloud:
        """Show recorded step `step` (0..T); one between two steps is drawn between them."""
        self.step = step
        return self

    @property
    def xy(self) -> np.ndarray:
        """(N, 2) data coordinates shown now."""
        return self._xy if self.recorded is None else at_step(self.recorded, self.step, self.chains)

    def area(self, camera: Any) -> tuple[float, float, float, float] | None:
        """The rectangle round the points, by the largest radius and its ring wider; for 3-D points the whole panel."""
        area = super().area(camera)
        if area is not None or self.dims != 2 or not len(xy := finite32(self.xy)):
            return area
        place = self.place(camera)
        if place is None:
            return None
        x0, x1, y0, y1 = kernels.extent(xy)
        affine = place.affine(self.box)
        x, y = affine[:, :2] @ [[x0, x0, x1, x1], [y0, y1, y0, y1]] + affine[:, 2:]
        reach = (float(self.radius.max()) + RING) * place.unit + 1
        return float(x.min()) - reach, float(x.max()) + reach, float(y.min()) - reach, float(y.max()) + reach

    def _check_count(self, count: int) -> None:
        for what, values in (("colours", self.colors), ("radii", self.radius), ("opacities", self.alpha)):
            if values is not None and np.ndim(values) and len(values) not in (1, count):
                raise RenderError(f"PointCloud: {len(values)} {what} for {count} points.", "Give one, or one a point.")

    def paint(self, place: Placement, pixels: np.ndarray, opacity: float) -> None:
        """A disc of its own radius and colour for each finite point."""
        xy = finite32(self.xy)
        if len(xy):
            self.splat(place, pixels, xy, self.radius * place.unit, self.shades(len(xy), opacity))

    def shades(self, count: int, opacity: float) -> np.ndarray:
        """(1 | count, 4) uint8 colours, straight."""
        base = self.fill_rgbas[:1, :3] * 255 if self.colors is None else self.colors
        return rgba8(base, count, np.asarray(self.alpha, float) * opacity)

    def splat(self, place: Placement, pixels: np.ndarray, xy: np.ndarray, radii: np.ndarray, shade: np.ndarray) -> None:
        """Draw discs at xy (N, 2) float32 with radii (1 | N,) in pixels and colours (1 | N, 4) uint8."""
        ring = RING * place.unit if self.ring else 0.0
        table = self._table(radii, ring)
        outline = rgba8(self.ring or "#000000", 1, 0.9)[0]
        with Clip(place, self.corner, pixels, self.clip) as window:
            kernels.discs(
                window.frame,
                pixels.shape[1],
                window.bounds,
                xy,
                place.affine(self.box),
                radii,
                shade,
                table,
                ring,
                outline,
            )

    @staticmethod
    def _table(radii: np.ndarray, ring: float) -> kernels.Stencils:
        """Stencils for these radii in pixels: of just this one, or of all up to the largest."""
        if len(radii) > 1:
            largest = next((r for r in (2.0, 4.0, 8.0) if r >= radii.max()), kernels.LARGE)
            radii = np.arange(int(largest * kernels.STEP) + 1) / kernels.STEP
        return kernels.stencils(radii, ring)
