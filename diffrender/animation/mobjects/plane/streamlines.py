"""Streamlines of a field in the plane, along which lit parts with heads travel."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.animation.mobjects import kernels
from diffrender.animation.mobjects.base import Box, Clip, Placement
from diffrender.animation.mobjects.plane.field import Field
from diffrender.animation.mobjects.plane.lines import lay_lines
from diffrender.animation.theme import LINE
from diffrender.core.errors import RenderError

SEGMENTS = 24  # of a streamline
LIT = 0.55  # part of it that is lit while it flows
HEAD, HEAD_WIDTH = 0.15, 0.125  # units: of what leads the lit part
APPEARS = 0.08  # part of a line over which a head comes, and over which it goes


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
        rgba = np.full((*speed.shape, 4), 255, np.uint8)
        rgba[..., :3] = self.colors(np.nan_to_num(speed))
        fade = lit(self.phase, self.offsets)
        with Clip(place, self.corner, pixels, self.clip) as window:
            colors = rgba.view(np.uint32)[..., 0]
            lay_lines(window, pixels, place, self.box, lines.astype(np.float32), fade, colors, self.line_width, opacity)
            if self.phase is not None:
                affine = place.affine(self.box)
                corners, shown = heads(
                    lines @ affine[:, :2].T + affine[:, 2], fronts(self.phase, self.offsets), place.unit
                )
                tints = rgba[0].copy()
                tints[:, 3] = np.rint(255 * opacity * shown)
                kernels.polygons(window.frame, pixels.shape[1], window.bounds, corners, tints)


def fronts(phase: float, offsets: np.ndarray) -> np.ndarray:
    """(N,) how far along its line, 0 at its tail and 1 at its head, each lit part has come; beyond 1 it runs out."""
    return (phase + offsets) % 1.0 * (1 + LIT)


def lit(phase: float | None, offsets: np.ndarray) -> np.ndarray:
    """(SEGMENTS + 1, N | 1) opacities 0..1: of lines that stand growing to their heads, else of a part that travels."""
    along = (np.arange(SEGMENTS + 1) / SEGMENTS)[:, None]
    if phase is None:
        return along
    behind = fronts(phase, offsets) - along
    return np.where((behind >= 0) & (behind <= LIT), 1 - behind / LIT, 0.0)


def heads(lines: np.ndarray, front: np.ndarray, size: Any) -> tuple[np.ndarray, np.ndarray]:
    """(N, 4, 2) outlines of the heads that lead the lit parts of lines (SEGMENTS + 1, N, 2) in pixels, and how opaque
    they are, 0..1 (N,): none where a part runs out or a line goes to and fro. size: pixels to a unit, one or (N,)."""
    count = np.arange(lines.shape[1])
    at = np.clip(front, 0, 1) * SEGMENTS
    last = np.minimum(at.astype(int), SEGMENTS - 1)
    a, b = lines[last, count], lines[last + 1, count]
    tip = a + (at - last)[:, None] * (b - a)
    before = lines[np.maximum(last - 1, 0), count]
    length, bent = _length(b - before), _length(b - a) + _length(a - before)
    along = (b - before) / np.maximum(length, 1e-12)[:, None] * np.reshape(size, (-1, 1))
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) * (HEAD_WIDTH / 2)
    barb, neck = tip - HEAD * along, tip - 0.7 * HEAD * along
    shown = np.clip(np.minimum(front, 1 - front) / APPEARS, 0, 1)
    shown *= np.clip(4 * np.nan_to_num(length / np.maximum(bent, 1e-12)) - 2.6, 0, 1)  # to and fro: it has arrived
    return np.stack([tip, barb + across, neck, barb - across], axis=1), shown


def _length(v: np.ndarray) -> np.ndarray:
    return np.asarray(np.hypot(v[:, 0], v[:, 1]))
