"""A sheet of hills over a painted floor, seen from an angle, its hidden parts left out.

Each column of pixels is walked from near to far, as for a landscape; here the sheet has its own colour at every node
and holes where there is nothing, through which the floor under it is seen. A pixel is the mean of the subpixels that
two walks beside each other leave in it.
"""

from __future__ import annotations

import math

import numba as nb
import numpy as np

from diffrender.animation.mobjects.kernels.blend import mix

NOTHING, BYTE, OPAQUE = np.uint32(0), np.uint32(0xFF), np.uint32(0xFF000000)
HALVES = np.uint32(0x7F7F7F7F)  # of four bytes that were shifted at once
SHEET = np.uint32(1 << 24)  # in the fourth byte of a subpixel: here is a sheet; of a pixel: in so many of its subpixels
BLOCK = 16  # columns of the picture that are put together at a time
STRIDE = 1.6  # pixels from one step of the walk to the next
EDGE = 3  # subpixels that the nearest edge of a sheet is thick
FINE = 2  # subpixels to a pixel, in both directions
PARTS = FINE * FINE
WHOLE = np.uint32(PARTS << 24)  # from here on a pixel is all sheet


@nb.njit(cache=True, nogil=True)
def hills(density, tint, extent, shape, size, view, tall, least):
    """A sheet: (width, height) uint32 of pixels, the mean colour of the subpixels that it covers and their number.

    density: (Gy, Gx) float32; the sheet stands `tall` data units high for each unit of it, where it is at least
    `least`. tint: (Gy, Gx, 3) float32 colours as they are lit. extent: (x0, x1, y0, y1) where they lie. shape: (height,
    width) in pixels. size: (pixels to a data unit, centre column, centre row). view: (middle x, middle y, cos turn, sin
    turn, cos tilt, sin tilt, lift): a point is drawn at v·cos tilt + height·sin tilt − lift above the centre, where
    (u, v) are its coordinates after the turn.
    """
    height, width = shape
    part = _where_any(density, extent, least)
    out = np.empty((width, height), np.uint32)  # a column is one piece of memory
    pair = np.empty((FINE, height * FINE), np.uint32)
    for i in range(width):
        pair[:] = 0
        for k in range(FINE):
            _walk(pair[k], i * FINE + k, density, part, tint, extent, size, view, tall, least)
        for j in range(height):
            r, g, b, n = np.uint32(0), np.uint32(0), np.uint32(0), np.uint32(0)
            for k in range(FINE):
                for row in range(j * FINE, (j + 1) * FINE):
                    seen = pair[k, row]
                    r += seen & BYTE
                    g += seen >> np.uint32(8) & BYTE
                    b += seen >> np.uint32(16) & BYTE
                    n += seen >> np.uint32(24)
            if n:
                half = n >> np.uint32(1)
                r, g, b = (r + half) // n, (g + half) // n, (b + half) // n
            out[i, j] = r | g << np.uint32(8) | b << np.uint32(16) | n << np.uint32(24)
    return out


@nb.njit(cache=True, nogil=True)
def _where_any(density, extent, least):
    """The part of the extent, (x0, x1, y0, y1), beyond which the density is nowhere `least`: to be walked over."""
    gy, gx = density.shape
    low_row, high_row, low_column, high_column = gy, -1, gx, -1
    for row in range(gy):
        for column in range(gx):
            if density[row, column] >= least:
                low_row, high_row = min(low_row, row), max(high_row, row)
                low_column, high_column = min(low_column, column), max(high_column, column)
    x0, x1, y0, y1 = extent
    dx, dy = (x1 - x0) / (gx - 1), (y1 - y0) / (gy - 1)
    return (
        x0 + max(low_column - 1, 0) * dx, x0 + min(high_column + 1, gx - 1) * dx,
        y0 + max(low_row - 1, 0) * dy, y0 + min(high_row + 1, gy - 1) * dy,
    )  # fmt: skip


@nb.njit(cache=True, nogil=True)
def _walk(color, i, density, part, tint, extent, size, view, tall, least):
    """The sheet in one column of subpixels, number `i` from the left: (rows,) packed colours, SHEET where it is.

    part: of the extent, over which the way leads.
    """
    rows = len(color)
    gy, gx = density.shape
    x0, x1, y0, y1 = extent
    unit, centre_x, centre_y = size[0] * FINE, size[1] * FINE, size[2] * FINE
    mx, my, ct, st, cp, sp, lift = view
    u = (i + 0.5 - centre_x) / unit
    # the piece of the column's way that runs over that part: x and y change evenly along it
    last = math.hypot(x1 - x0, y1 - y0) / 2
    first = -last
    for start, slope, low, high in ((mx + u * ct, -st, part[0], part[1]), (my + u * st, ct, part[2], part[3])):
        if abs(slope) > 1e-9:
            one, other = (low - start) / slope, (high - start) / slope
            first, last = max(first, min(one, other)), min(last, max(one, other))
        elif start < low or start > high:
            return
    step = STRIDE * FINE / unit
    ex, ey = (gx - 1) / (x1 - x0), (gy - 1) / (y1 - y0)
    v = first + 0.5 * step
    column, row = (mx + u * ct - v * st - x0) * ex, (my + u * st + v * ct - y0) * ey
    to_column, to_row = -step * st * ex, step * ct * ey
    ground, rise = centre_y - (v * cp - lift) * unit, tall * sp * unit  # where nothing stands, and of what stands there
    to_ground = -step * cp * unit
    filled = -1  # rows from here downwards are drawn; −1: none yet
    before = False  # whether there was a sheet one step nearer
    for _ in range(int((last - first) / step)):  # what lies between two steps is filled
        c, r = min(max(int(column), 0), gx - 2), min(max(int(row), 0), gy - 2)
        a, b = column - c, row - r
        w00, w01, w10, w11 = (1 - a) * (1 - b), a * (1 - b), (1 - a) * b, a * b
        here = w00 * density[r, c] + w01 * density[r, c + 1] + w10 * density[r + 1, c] + w11 * density[r + 1, c + 1]
        if here >= least:
            top = max(math.floor(ground - rise * here), 0)
            low = rows if filled < 0 else filled
            if not before:  # an edge: nothing hangs from it
                low = min(low, top + EDGE)
            if top < low:
                packed = SHEET
                for k in range(3):
                    upper = w00 * tint[r, c, k] + w01 * tint[r, c + 1, k]
                    value = upper + w10 * tint[r + 1, c, k] + w11 * tint[r + 1, c + 1, k]
                    packed |= np.uint32(value + 0.5) << np.uint32(8 * k)
                color[top:low] = packed
                filled = top if filled < 0 else min(filled, top)
                if filled == 0:
                    return
        before = here >= least
        column += to_column
        row += to_row
        ground += to_ground


@nb.njit(inline="always")
def _beside(start, aside, way, count):
    """Whether a way from `start`, and one `aside` of it, in 65536ths, lie wholly beside 0..count."""
    low, high = min(start, start + way) + min(aside, 0), max(start, start + way) + max(aside, 0)
    return high < 0 or low >= count * 65536


@nb.njit(inline="always")
def _ground(floor, column, row):
    """The colour of the floor at a place in 65536ths of its grid; nothing beside it."""
    c, r = np.uint64(column >> 16), np.uint64(row >> 16)  # what lies below 0 becomes very large
    return floor[r, c] if c < floor.shape[1] and r < floor.shape[0] else NOTHING


@nb.njit(cache=True, nogil=True)
def over_floor(color, floor, extent, size, view, depth, cover):
    """(h, w) uint32 premultiplied picture of a sheet (of `hills`) over its floor, clipped by `cover` (h, w) 0..256.

    floor: (Fy, Fx) uint32 opaque colours on `extent`, lowest y first, finer than the picture. depth: data units by
    which it lies lower.
    """
    height, width = cover.shape
    x0, x1, y0, y1 = extent
    unit, centre_x, centre_y = size
    mx, my, ct, st, cp, sp, lift = view
    out = np.zeros((height, width), np.uint32)
    ex, ey = 65536 * floor.shape[1] / (x1 - x0), 65536 * floor.shape[0] / (y1 - y0)
    to_column, to_row = int(ct / unit * ex), int(st / unit * ey)  # of the floor, from one pixel to the next
    # a tilted floor is seen shortened: two of its rows a pixel
    across, along = int(-st / (2 * unit * cp) * ex), int(ct / (2 * unit * cp) * ey)
    for block in range(0, width, BLOCK):  # few columns at a time: their rows, and theirs of the picture, stay at hand
        u = (block + 0.5 - centre_x) / unit
        for j in range(height):
            v = ((centre_y - j - 0.75) / unit + depth * sp + lift) / cp
            column = int((mx + u * ct - v * st - x0) * ex)
            row = int((my + u * st + v * ct - y0) * ey)
            end = min(block + BLOCK, width)
            no_floor = _beside(column, across, to_column * (end - block), floor.shape[1]) or _beside(
                row, along, to_row * (end - block), floor.shape[0]
            )
            for i in range(block, end):
                seen = color[i, j]
                pixel = seen | OPAQUE
                if no_floor and not seen:
                    continue
                if seen < WHOLE:
                    c, r = column + (i - block) * to_column, row + (i - block) * to_row
                    one, other = _ground(floor, c, r), _ground(floor, c + across, r + along)
                    under = (one & other) + ((one ^ other) >> np.uint32(1) & HALVES)  # their mean
                    pixel = mix(under, pixel, (seen >> np.uint32(24)) * (256 // PARTS)) if seen else under
                out[j, i] = pixel if cover[j, i] == 256 else mix(NOTHING, pixel, cover[j, i])
    return out
