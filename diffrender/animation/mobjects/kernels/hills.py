"""A sheet of hills over a painted floor, seen from an angle, its hidden parts left out.

Each column of pixels is walked from near to far, as for a landscape; here the sheet has its own colour at every node
and holes where there is nothing, through which the floor under it is seen.
"""

from __future__ import annotations

import math

import numba as nb
import numpy as np

from diffrender.animation.mobjects.kernels.landscape import _between

BYTE, SHEET = np.uint32(255), np.uint32(1 << 24)  # of a packed colour; the mark of a sheet
BLOCK = 16  # columns of the picture that are put together at a time
STRIDE = 1.6  # pixels from one step of the walk to the next
EDGE = 3  # subpixels that the nearest edge of a sheet is thick
FINE = 2  # subpixels to a pixel, in both directions


@nb.njit(cache=True, nogil=True)
def hills(density, tint, extent, shape, size, view, tall, least):
    """A sheet: (columns, rows) uint32 of subpixels, its colour in the lower three bytes; 0 where there is none.

    density: (Gy, Gx) float32; the sheet stands `tall` data units high for each unit of it, where it is at least
    `least`. tint: (Gy, Gx, 3) float32 colours as they are lit. extent: (x0, x1, y0, y1) where they lie. shape: (height,
    width) in pixels. size: (pixels to a data unit, centre column, centre row). view: (middle x, middle y, cos turn, sin
    turn, cos tilt, sin tilt, lift): a point is drawn at v·cos tilt + height·sin tilt − lift above the centre, where
    (u, v) are its coordinates after the turn.
    """
    height, width = shape
    gy, gx = density.shape
    x0, x1, y0, y1 = extent
    unit, centre_x, centre_y = size[0] * FINE, size[1] * FINE, size[2] * FINE
    mx, my, ct, st, cp, sp, lift = view
    rows, columns = height * FINE, width * FINE
    color = np.zeros((columns, rows), np.uint32)  # a column is one piece of memory
    reach = math.hypot(x1 - x0, y1 - y0) / 2
    ex, ey, step = (gx - 1) / (x1 - x0), (gy - 1) / (y1 - y0), STRIDE * FINE / unit
    for i in range(columns):
        u = (i + 0.5 - centre_x) / unit
        # the part of the column's way that runs over the extent: x and y change evenly along it
        first, last = -reach, reach
        for start, slope, low, high in ((mx + u * ct, -st, x0, x1), (my + u * st, ct, y0, y1)):
            if abs(slope) > 1e-9:
                one, other = (low - start) / slope, (high - start) / slope
                first, last = max(first, min(one, other)), min(last, max(one, other))
            elif start < low or start > high:
                last = first
        filled = -1  # rows from here downwards are drawn; −1: none yet
        before = False  # whether there was a sheet one step nearer
        for k in range(int((last - first) / step)):  # what lies between two steps is filled
            v = first + (k + 0.5) * step
            column, row = (mx + u * ct - v * st - x0) * ex, (my + u * st + v * ct - y0) * ey
            here = _between(density, row, column)
            if here < least:
                before = False
                continue
            top = max(math.floor(centre_y - (v * cp + tall * here * sp - lift) * unit), 0)
            low = rows if filled < 0 else filled
            if not before:  # an edge: nothing hangs from it
                low = min(low, top + EDGE)
            before = True
            if top >= low:
                continue
            red = np.uint32(_between(tint[:, :, 0], row, column) + 0.5)
            green = np.uint32(_between(tint[:, :, 1], row, column) + 0.5)
            blue = np.uint32(_between(tint[:, :, 2], row, column) + 0.5)
            for row_ in range(top, low):
                color[i, row_] = red | green << np.uint32(8) | blue << np.uint32(16) | SHEET
            filled = top if filled < 0 else min(filled, top)
            if filled == 0:
                break
    return color


@nb.njit(cache=True, nogil=True)
def over_floor(color, floor, extent, size, view, depth, cover):
    """(h, w) uint32 premultiplied picture of a sheet (of `hills`) over its floor, clipped by `cover` (h, w) 0..256.

    floor: (Fy, Fx) uint32 packed colours on `extent`, lowest y first, finer than the picture. depth: data units by
    which it lies lower.
    """
    height, width = cover.shape
    fy, fx = floor.shape
    x0, x1, y0, y1 = extent
    unit, centre_x, centre_y = size
    mx, my, ct, st, cp, sp, lift = view
    out = np.zeros((height, width), np.uint32)
    share = 1.0 / (FINE * FINE)
    for block in range(0, width, BLOCK):  # few columns at a time: their rows, and theirs of the picture, stay at hand
        for j in range(height):
            for i in range(block, min(block + BLOCK, width)):
                r, g, b, a = 0.0, 0.0, 0.0, 0.0
                for di in range(FINE):
                    for dj in range(FINE):
                        seen = color[i * FINE + di, j * FINE + dj]
                        if seen:
                            r += share * (seen & BYTE)
                            g += share * (seen >> np.uint32(8) & BYTE)
                            b += share * (seen >> np.uint32(16) & BYTE)
                            a += share
                if a < 1:
                    u = (i + 0.5 - centre_x) / unit
                    for part in range(FINE):  # a tilted floor is seen shortened: more than one of its rows a pixel
                        v = ((centre_y - j - (part + 0.5) / FINE) / unit + depth * sp + lift) / cp
                        x, y = mx + u * ct - v * st, my + u * st + v * ct
                        if x0 <= x < x1 and y0 <= y < y1:
                            ground = floor[int((y - y0) / (y1 - y0) * fy), int((x - x0) / (x1 - x0) * fx)]
                            left = (1 - a) / (FINE - part)
                            r += left * (ground & BYTE)
                            g += left * (ground >> np.uint32(8) & BYTE)
                            b += left * (ground >> np.uint32(16) & BYTE)
                            a += left
                whole = cover[j, i] / 256
                red, green, blue = np.uint32(r * whole + 0.5), np.uint32(g * whole + 0.5), np.uint32(b * whole + 0.5)
                opaque = np.uint32(255 * a * whole + 0.5)
                out[j, i] = red | green << np.uint32(8) | blue << np.uint32(16) | opaque << np.uint32(24)
    return out
