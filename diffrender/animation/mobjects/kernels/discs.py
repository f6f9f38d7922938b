"""Discs in bulk: small ones from stencils at 16 × 16 sub-pixel phases (8 × 8 if radii differ), large ones by rows."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numba as nb
import numpy as np

from diffrender.animation.mobjects.kernels.blend import mix, pack
from diffrender.animation.mobjects.kernels.lanes import LANES, mix_lanes, padded

PHASES, PHASES_OF_MANY = 16, 8  # of one radius; of many, whose stencils would no longer fit the processor's cache
LARGE = 12.0  # pixels: larger discs are drawn without a stencil
STEP = 16  # radii that differ by point are rounded to 1/16 pixel


class Stencils(NamedTuple):
    """Coverage of discs of several radii, and of rings round them, at every phase: rows of pixels padded to `LANES`.

    phases: in x and in y.
    reach: (2, R) of ring and disc, pixels covered on each side of the one that holds the centre: 2 · reach + 1 rows.
    start: (2, R) where those of a radius begin in `part`, phase by phase, row by row; columns: (2, R) length of a row.
    part: coverage 0..256.
    """

    phases: int
    reach: np.ndarray
    start: np.ndarray
    columns: np.ndarray
    part: np.ndarray


def stencils(radii: np.ndarray, ring: float = 0.0) -> Stencils:
    """Stencils of discs of these radii (R,) in pixels, and of rings of width `ring` round them; of 0: of none.

    Those of one radius are exact. For many radii give every multiple of 1/`STEP` pixel up to the largest. Those beyond
    `LARGE` are drawn without: their stencil is of nothing.
    """
    return _stencils(tuple(np.round(np.where(radii > LARGE, 0.0, radii), 3).tolist()), round(ring, 3))


@lru_cache(maxsize=32)
def _stencils(radii: tuple[float, ...], ring: float) -> Stencils:
    phases = PHASES if len(radii) == 1 else PHASES_OF_MANY
    widths = np.array([[ring], [0.0]])
    # the centre lies at least half a phase inside its pixel
    reach = np.maximum(np.ceil(np.array(radii) + widths - 0.5 / phases), 0).astype(np.int64)
    columns = padded(2 * reach + 1)
    sizes = phases * phases * (2 * reach + 1) * columns * [[int(ring > 0)], [1]]
    start = (np.cumsum(sizes) - sizes.ravel()).reshape(sizes.shape)
    part = np.zeros(int(sizes.sum()), np.uint16)
    for layer in (0, 1) if ring > 0 else (1,):
        _build(np.array(radii), widths[layer, 0], phases, reach[layer], start[layer], columns[layer], part)
    return Stencils(phases, reach, start, columns, part)


@nb.njit(cache=True)
def _cover(x, y, radius, cx, cy):
    """Share of pixel (x, y) inside a disc: exact in y, 16 slices in x."""
    total = 0.0
    for s in range(16):
        dx = x + (s + 0.5) / 16 - cx
        half = radius * radius - dx * dx
        if half > 0:
            half = math.sqrt(half)
            total += max(0.0, min(cy + half, y + 1.0) - max(cy - half, float(y)))
    return total / 16


@nb.njit(cache=True)
def _build(radii, ring, phases, reach, start, columns, part):
    """A quarter of the phases is computed; the others are its mirror images."""
    last = phases - 1
    for k in range(radii.shape[0]):
        rows = 2 * reach[k] + 1
        for phase_y in range(phases // 2):
            for phase_x in range(phases // 2):
                cx, cy = (phase_x + 0.5) / phases, (phase_y + 0.5) / phases
                for row in range(rows):
                    for column in range(rows):
                        x, y = column - reach[k], row - reach[k]
                        c = _cover(x, y, radii[k], cx, cy)
                        if ring > 0:  # what lies outside the disc, so that the disc drawn after it leaves it whole
                            c = (_cover(x, y, radii[k] + ring, cx, cy) - c) / max(1.0 - c, 1e-9)
                        level = int(min(c, 1.0) * 256 + 0.5)
                        for v, j in ((phase_y, row), (last - phase_y, rows - 1 - row)):
                            for u, i in ((phase_x, column), (last - phase_x, rows - 1 - column)):
                                part[start[k] + ((v * phases + u) * rows + j) * columns[k] + i] = level


@nb.njit(cache=True, nogil=True)
def _large(frame, width, bounds, x, y, inner, outer, color, alpha):
    """A disc (inner = 0) or ring of any size; coverage from the distance to the edge."""
    for j in range(max(bounds[2], int(max(y - outer - 1, -1e9))), min(bounds[3], int(min(y + outer + 2, 1e9)))):
        dy = j + 0.5 - y
        half = (outer + 0.5) ** 2 - dy * dy
        if half <= 0:
            continue
        half = math.sqrt(half)
        left, right = max(bounds[0], int(max(x - half, -1e9))), min(bounds[1], int(min(x + half, 1e9)) + 1)
        for i in range(left, right):
            dx = i + 0.5 - x
            distance = math.sqrt(dx * dx + dy * dy)
            c = min(1.0, max(0.0, outer + 0.5 - distance))
            if inner > 0:
                hole = min(1.0, max(0.0, inner + 0.5 - distance))
                c = (c - hole) / max(1.0 - hole, 1e-9)
            q = (np.uint32(c * 256 + 0.5) * alpha) >> np.uint32(8)
            if q > 0:
                frame[j * width + i] = mix(frame[j * width + i], color, q)


@nb.njit(cache=True, nogil=True)
def discs(frame, width, bounds, xy, affine, radii, rgba, table, ring, ring_rgba):
    """Draw N discs one over the other, in order, each over its ring.

    xy: (N, 2) data coordinates, affine: (2, 3) to pixels. radii: (1 | N,) pixels. rgba: (1 | N, 4) uint8, straight.
    ring: pixels, 0 for none; ring_rgba: (4,). With one radius the table holds just that, else every multiple of 1/STEP.
    """
    if bounds[0] >= bounds[1] or bounds[2] >= bounds[3]:
        return
    one_radius, one_color = radii.shape[0] == 1, rgba.shape[0] == 1
    ring_color = pack(ring_rgba[0], ring_rgba[1], ring_rgba[2])
    ring_alpha = np.uint32(ring_rgba[3]) + (np.uint32(ring_rgba[3]) >> np.uint32(7))
    # taken apart here, and stamped below without a function's call: what hands an array on counts references to it,
    # which takes longer than a stencil
    phases, reaches, starts, widths, cover = table
    for n in range(xy.shape[0]):
        x = affine[0, 0] * xy[n, 0] + affine[0, 1] * xy[n, 1] + affine[0, 2]
        y = affine[1, 0] * xy[n, 0] + affine[1, 1] * xy[n, 1] + affine[1, 2]
        r = radii[0] if one_radius else radii[n]
        far = r + ring + 1
        # written so that a NaN fails it; what is far outside never becomes an integer
        if not (r > 0 and x > bounds[0] - far and x < bounds[1] + far and y > bounds[2] - far and y < bounds[3] + far):
            continue
        c = 0 if one_color else n
        disc_alpha = np.uint32(rgba[c, 3]) + (np.uint32(rgba[c, 3]) >> np.uint32(7))
        disc_color = pack(rgba[c, 0], rgba[c, 1], rgba[c, 2])
        k = 0 if one_radius else int(r * STEP + 0.5)
        for layer in range(0 if ring > 0 else 1, 2):
            color = disc_color if layer == 1 else ring_color
            alpha = disc_alpha if layer == 1 else (ring_alpha * disc_alpha) >> np.uint32(8)
            if r > LARGE:
                inner, outer = (0.0, r) if layer == 1 else (r, r + ring)
                _large(frame, width, bounds, x, y, inner, outer, color, alpha)
                continue
            i, j = math.floor(x), math.floor(y)
            phase = int((y - j) * phases) * phases + int((x - i) * phases)
            reach, columns = reaches[layer, k], widths[layer, k]
            rows, left, top = 2 * reach + 1, i - reach, j - reach
            begin = starts[layer, k] + phase * rows * columns
            inside = left >= bounds[0] and i + reach < bounds[1] and top >= bounds[2] and j + reach < bounds[3]
            # what a row is padded with changes nothing, but must lie in the frame
            if inside and (j + reach) * width + left + columns <= frame.shape[0]:
                for row in range(rows):
                    at, p = np.uint64((top + row) * width + left), np.uint64(begin + row * columns)
                    for _ in range(columns // LANES):
                        mix_lanes(frame, at, cover, p, color, alpha)
                        at += np.uint64(LANES)
                        p += np.uint64(LANES)
            else:
                for row in range(max(bounds[2] - top, 0), min(bounds[3] - top, rows)):
                    for column in range(max(bounds[0] - left, 0), min(bounds[1] - left, rows)):
                        to = (top + row) * width + left + column
                        share = np.uint32(cover[begin + row * columns + column])
                        frame[to] = mix(frame[to], color, (share * alpha) >> np.uint32(8))


@nb.njit(cache=True, nogil=True)
def extent(xy):
    """(x0, x1, y0, y1) within which points (N, 2) lie, leaving out what is not a number."""
    x0, x1, y0, y1 = np.inf, -np.inf, np.inf, -np.inf
    for n in range(xy.shape[0]):
        x, y = xy[n, 0], xy[n, 1]  # a comparison with NaN is false
        x0, x1 = (x if x < x0 else x0), (x if x > x1 else x1)
        y0, y1 = (y if y < y0 else y0), (y if y > y1 else y1)
    return x0, x1, y0, y1
