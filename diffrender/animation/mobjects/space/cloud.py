"""Clouds and vector fields in three dimensions, seen through an orbit."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.animation.colors import srgb
from diffrender.animation.mobjects import kernels
from diffrender.animation.mobjects.base import Box, Clip, Placement, finite32, rgba8
from diffrender.animation.mobjects.plane.cloud import PointCloud
from diffrender.animation.mobjects.plane.field import FIELD_SHAFT, Field, arrows
from diffrender.animation.mobjects.space.orbit import Orbit
from diffrender.animation.theme import CASING

HAZE = 0.51  # how far the colour of the farthest goes towards the haze
SLABS = 4  # depths that are told apart within the reach of the data, each with its casing
CASED = 0.85  # opacity of a casing
THIN = 0.8  # of the thickness of arrows in the plane


class PointCloud3D(PointCloud):
    """Points in space: the nearer, the larger and the clearer, drawn from far to near.

    Parameters besides those of `PointCloud`
    ----------
    orbit: from where it is seen.
    box: of the plane on which the orbit projects; data are taken to reach half its longer side in depth.
    xyz: (N, 3) data coordinates; `follow` takes (T+1, N, 3).
    radius: scene units, of a point at the orbit's centre.
    haze: colour towards which far points go: that of the panel.
    casing: colour of a rim round what lies at one depth, that sets it off from what lies behind; points at one depth
        do not cut each other, so a strand of points stays one strand, and passes visibly over another.
    """

    dims = 3

    def __init__(
        self,
        orbit: Orbit,
        box: Box,
        rect: Box,
        xyz: np.ndarray,
        *,
        color: Any,
        radius: Any,
        haze: str,
        alpha: Any = 1.0,
        ring: str | None = None,
        clip: bool = True,
        casing: str | None = None,
    ) -> None:
        super().__init__(box, rect, xyz, color=color, radius=radius, alpha=alpha, ring=ring, clip=clip)
        self.orbit, self.haze, self.casing = orbit, haze, casing
        self.relief = 0.0  # how much more than in perspective what is near is larger, and what is far hazier

    def paint(self, place: Placement, pixels: np.ndarray, opacity: float) -> None:
        """Discs from far to near, smaller and hazier with distance; casings lie under all points of a slab of depth."""
        xyz = finite32(self.xy)
        if not len(xyz):
            return
        xy, scale, depth = self.orbit.project(xyz)
        reach = reach_of(self.box)
        order = kernels.far_to_near(depth, reach)
        far = self.orbit.reach or reach
        shade = hazed(self.shades(len(xyz), opacity), depth * (1 + self.relief), far, self.haze)[order]
        larger = np.exp(self.relief * np.clip(np.nan_to_num(depth) / far, -1, 1))
        radii = np.nan_to_num(np.broadcast_to(self.radius, len(xyz)) * scale * larger)[order] * place.unit
        xy = xy[order]
        if self.casing is None:
            self.splat(place, pixels, xy, radii, shade)
            return
        behind, wide = rgba8(self.casing, 1, CASED * opacity), radii + CASING * place.unit
        slab = np.floor(depth[order] / (self.orbit.reach or reach) * SLABS)
        for part in np.split(np.arange(len(xy)), np.flatnonzero(np.diff(slab)) + 1):
            self.splat(place, pixels, xy[part], wide[part], behind)
            self.splat(place, pixels, xy[part], radii[part], shade[part])


class VectorField3D(Field):
    """Arrows centred on their places, coloured by magnitude, of one thickness, drawn from far to near.

    Parameters besides those of `Field`
    ----------
    orbit, box, haze: as of `PointCloud3D`.
    xyz, v: (N, 3) or (Gz, Gy, Gx, 3).
    length: of the longest arrow, in scene units.
    alpha: opacity, one or (N,).
    """

    dims = 3

    def __init__(
        self,
        orbit: Orbit,
        box: Box,
        rect: Box,
        xyz: np.ndarray,
        v: np.ndarray,
        *,
        table: np.ndarray,
        vmax: float,
        length: float,
        haze: str,
        power: float = 1.0,
        alpha: Any = 1.0,
        clip: bool = True,
        floor: float | None = None,
    ) -> None:
        super().__init__(box, rect, xyz, v, table=table, vmax=vmax, power=power, floor=floor)
        self.orbit, self.haze, self.alpha, self.clip = orbit, haze, alpha, clip
        self.length = length * (self.box[1] - self.box[0]) / (rect[1] - rect[0])  # in data units

    def paint(self, place: Placement, pixels: np.ndarray, opacity: float) -> None:
        """Arrows from far to near, hazier with distance; none where a vector is 0 or not finite."""
        v, xyz = self.vectors.reshape(-1, 3).astype(float), self.xy.reshape(-1, 3)
        magnitude = np.linalg.norm(v, axis=1)
        alpha = np.broadcast_to(self.alpha, magnitude.shape)
        seen = np.isfinite(magnitude) & (magnitude > 0) & (alpha > 0)
        v, xyz, magnitude, alpha = v[seen], xyz[seen], magnitude[seen], alpha[seen]
        if not len(v):
            return
        half = v * (self.scaled(magnitude) * self.length / (2 * magnitude))[:, None]
        affine = place.affine(self.box)
        tail, tip = (self.orbit.project(end)[0].astype(float) @ affine[:, :2].T for end in (xyz - half, xyz + half))
        _, scale, depth = self.orbit.project(xyz)
        long = np.linalg.norm(tip - tail, axis=1)
        along = (tip - tail) / np.maximum(long, 1e-12)[:, None]
        corners = arrows((tail + tip) / 2 + affine[:, 2], along, long, THIN * scale * place.unit, FIELD_SHAFT)
        far = self.orbit.reach or reach_of(self.box)
        rgba = hazed(rgba8(self.colors(magnitude), len(v), alpha * opacity), depth, far, self.haze)
        order = kernels.far_to_near(depth, reach_of(self.box))
        with Clip(place, self.corner, pixels, self.clip) as window:
            kernels.polygons(window.frame, pixels.shape[1], window.bounds, corners[order], rgba[order])


def hazed(rgba: np.ndarray, depth: np.ndarray, reach: float, haze: str) -> np.ndarray:
    """(N, 4) uint8 colours of N points, the farther the nearer to `haze`."""
    share = np.clip(0.5 - np.nan_to_num(depth) / (2 * reach), 0, 1)[:, None].astype(np.float32)
    share *= HAZE * share  # what is near keeps its colour
    out = np.empty((len(depth), 4), np.uint8)
    out[:, :3] = rgba[:, :3] + share * (np.float32(255) * srgb(haze).astype(np.float32) - rgba[:, :3]) + np.float32(0.5)
    out[:, 3] = rgba[:, 3]
    return out


def reach_of(box: Box) -> float:
    """How far data are taken to go in depth: half the longer side of the plane's box."""
    return max(box[1] - box[0], box[3] - box[2]) / 2
