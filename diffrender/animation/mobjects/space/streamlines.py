"""Streamlines of a field in space, along which lit parts with heads travel: the nearer, the thicker and the clearer."""

from __future__ import annotations

import numpy as np

from diffrender.animation.mobjects import kernels
from diffrender.animation.mobjects.base import Box, Clip, Placement, finite32
from diffrender.animation.mobjects.plane.field import Field
from diffrender.animation.mobjects.plane.lines import lay_lines
from diffrender.animation.mobjects.plane.streamlines import SEGMENTS, fronts, heads, lit
from diffrender.animation.mobjects.space.cloud import hazed, reach_of
from diffrender.animation.mobjects.space.orbit import Orbit
from diffrender.animation.theme import LINE
from diffrender.core.errors import RenderError

SLABS = 3  # depths that are told apart, the nearer over the farther
THICK = 0.5  # of an e-fold over the reach of the data, by which what is near is thicker than in the middle


class Streamlines3D(Field):
    """Short curves along a field in space, of one length, each lit along a part that travels as `phase` grows.

    They start at fixed places within the box from `low` to `high`, and end at its sides.

    Parameters besides those of `Field`
    ----------
    orbit, box, haze: as of `PointCloud3D`.
    xyz, v: (Gz, Gy, Gx, 3), a regular grid, between whose nodes the vectors are interpolated.
    starts: (N, 3). length, width: scene units along a curve, and across it at middle depth.
    phase: how often a lit part has travelled along each curve.
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
        haze: str,
        low: np.ndarray,
        high: np.ndarray,
        starts: np.ndarray,
        length: float = 1.5,
        width: float = LINE,
        phase: float = 0.0,
        clip: bool = True,
    ) -> None:
        if np.ndim(xyz) != 4:
            raise RenderError(f"Streamlines3D: places have shape {np.shape(xyz)}, not (Gz, Gy, Gx, 3).")
        super().__init__(box, rect, xyz, v, table=table, vmax=vmax)
        self.orbit, self.haze, self.line_width, self.phase, self.clip = orbit, haze, width, phase, clip
        rng = np.random.default_rng(0)
        self.low, self.high = np.asarray(low, float), np.asarray(high, float)
        self.starts = np.asarray(starts, float)
        self.offsets = rng.uniform(0, 1, len(self.starts))
        self.stride = length * (box[1] - box[0]) / (rect[1] - rect[0]) / SEGMENTS

    def paint(self, place: Placement, pixels: np.ndarray, opacity: float) -> None:
        """Lines traced from the starts, lit along parts that travel, from far to near."""
        ends = np.stack([self.xy[0, 0, 0], self.xy[-1, -1, -1]])
        v = np.ascontiguousarray(self.vectors, np.float64)
        lines = kernels.trace_space(v, ends, self.starts, self.stride, SEGMENTS)
        lines[((lines < self.low) | (lines > self.high)).any(-1)] = np.nan
        xy, scale, depth = self.orbit.project(finite32(lines.reshape(-1, 3)))
        shape = lines.shape[:2]
        xy, far = xy.reshape(*shape, 2), self.orbit.reach or reach_of(self.box)
        ink = np.append(self.table[-1], 255).astype(np.uint8)
        rgba = hazed(np.broadcast_to(ink, (len(depth), 4)), depth, far, self.haze).reshape(*shape, 4)
        depth, scale, fade = depth.reshape(shape)[0], scale.reshape(shape)[0], lit(self.phase, self.offsets)
        size = scale * np.exp(THICK * np.clip(np.nan_to_num(depth) / far, -1, 1))
        affine = place.affine(self.box)
        corners, shown = heads(xy @ affine[:, :2].T + affine[:, 2], fronts(self.phase, self.offsets), size * place.unit)
        tints = rgba[0].copy()
        tints[:, 3] = np.rint(255 * opacity * shown)
        order = np.argsort(np.nan_to_num(depth))
        with Clip(place, self.corner, pixels, self.clip) as window:
            for part in np.array_split(order, SLABS):
                wide = self.line_width * float(np.nanmean(size[part]))
                colors = np.ascontiguousarray(rgba[:, part]).view(np.uint32)[..., 0]
                lay_lines(window, pixels, place, self.box, xy[:, part], fade[:, part], colors, wide, opacity)
                kernels.polygons(window.frame, pixels.shape[1], window.bounds, corners[part], tints[part])
