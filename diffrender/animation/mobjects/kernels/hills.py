"""A sheet of hills over a painted floor, seen from an angle, its hidden parts left out.

Each column of pixels is walked from near to far, as for a landscape; here the sheet has its own colour at every node
and holes where there is nothing, through which the floor under it is seen. A pixel is the mean of the subpixels that
two walks beside each other leave in it.
"""

from __future__ import annotations

import math

import numba as nb
import numpy as np

from diffrender.animation.mobjects.kernels.blend import mix, over, packed

NOTHING, BYTE, OPAQUE = np.uint32(0), np.uint32(0xFF), np.uint32(0xFF000000)
HALVES = np.uint32(0x7F7F7F7F)  # of four bytes that were shifted at once
SHEET = np.uint32(1 << 24)  # in the fourth byte of a subpixel: here is a sheet; of a pixel: in so many of its subpixels
BLOCK = 16  # columns of the picture that are put together at a time
STRIDE = 2.1  # pixels from one step of the walk to the next
EDGE = 3  # subpixels that the nearest edge of a sheet is thick
FINE = 2  # subpixels to a pixel, in both directions
PARTS = FINE * FINE


@nb.njit(cache=True, nogil=True)
def hills(density, tint, extent, shape, size, view, tall, least):
    """A sheet: (width, height) uint32 of pixels, the mean colour of the subpixels that it covers and their number.

    And (width, 2): from which row on, and before which, each column of pixels may have any.

    density: (Gy, Gx) float32; the sheet stands `tall` data units high for each unit of it, where it is at least
    `least`. tint: (Gy, Gx, 3) float32 colours as they are lit. extent: (x0, x1, y0, y1) where they lie. shape: (height,
    width) in pixels. size: (pixels to a data unit, centre column, centre row). view: (middle x, middle y, cos turn, sin
    turn, cos tilt, sin tilt, lift): a point is drawn at v·cos tilt + height·sin tilt − lift above the centre, where
    (u, v) are its coordinates after the turn.
    """
    height, width = shape
    part, some = _where_any(density, extent, least)
    out = np.zeros((width, height), np.uint32)  # a column is one piece of memory
    seen_rows = np.zeros((width, 2), np.int64)
    pair = np.zeros((FINE, height * FINE), np.uint32)
    for i in range(width):
        top, low = height * FINE, 0
        for k in range(FINE):
            highest, lowest = _walk(pair[k], i * FINE + k, density, some, part, tint, extent, size, view, tall, least)
            top, low = min(top, highest), max(low, lowest)
        if low <= top:
            continue
        top, low = top // FINE, -(-low // FINE)
        seen_rows[i] = top, low
        for j in range(top, low):
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
            out[i, j] = packed(r, g, b, n)
        pair[:, top * FINE : low * FINE] = 0
    return out, seen_rows


@nb.njit(cache=True, nogil=True)
def _where_any(density, extent, least):
    """The part of the extent, (x0, x1, y0, y1), beyond which the density is nowhere `least`: to be walked over.

    And (Gy − 1, Gx − 1): in which cells it may be.
    """
    gy, gx = density.shape
    some = np.zeros((gy - 1, gx - 1), np.bool_)
    low_row, high_row, low_column, high_column = gy, -1, gx, -1
    for row in range(gy):
        for column in range(gx):
            if density[row, column] >= least:
                low_row, high_row = min(low_row, row), max(high_row, row)
                low_column, high_column = min(low_column, column), max(high_column, column)
                some[max(row - 1, 0) : row + 1, max(column - 1, 0) : column + 1] = True
    x0, x1, y0, y1 = extent
    dx, dy = (x1 - x0) / (gx - 1), (y1 - y0) / (gy - 1)
    part = (
        x0 + max(low_column - 1, 0) * dx, x0 + min(high_column + 1, gx - 1) * dx,
        y0 + max(low_row - 1, 0) * dy, y0 + min(high_row + 1, gy - 1) * dy,
    )  # fmt: skip
    return part, some


@nb.njit(cache=True, nogil=True)
def _walk(color, i, density, some, part, tint, extent, size, view, tall, least):
    """The sheet in one column of subpixels, number `i` from the left: (rows,) packed colours, SHEET where it is.

    Gives from which row on, and before which, any are drawn. some, part: of
    `_where_any`; the way leads over the part.
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
            return rows, 0
    step = STRIDE * FINE / unit
    ex, ey = (gx - 1) / (x1 - x0), (gy - 1) / (y1 - y0)
    v = first + 0.5 * step
    column, row = (mx + u * ct - v * st - x0) * ex, (my + u * st + v * ct - y0) * ey
    to_column, to_row = -step * st * ex, step * ct * ey
    ground, rise = centre_y - (v * cp - lift) * unit, tall * sp * unit  # where nothing stands, and of what stands there
    to_ground = -step * cp * unit
    filled, lowest = rows, 0  # rows from here downwards, and up to there, are drawn
    before = False  # whether there was a sheet one step nearer
    for _ in range(int((last - first) / step)):  # what lies between two steps is filled
        c, r = min(max(int(column), 0), gx - 2), min(max(int(row), 0), gy - 2)
        here = 0.0
        if some[r, c]:
            a, b = column - c, row - r
            w00, w01, w10, w11 = (1 - a) * (1 - b), a * (1 - b), (1 - a) * b, a * b
            here = w00 * density[r, c] + w01 * density[r, c + 1]
            here += w10 * density[r + 1, c] + w11 * density[r + 1, c + 1]
        if here >= least:
            top = max(math.floor(ground - rise * here), 0)
            low = filled
            if not before:  # an edge: nothing hangs from it
                low = min(low, top + EDGE)
            if top < low:
                packed = SHEET
                for k in range(3):
                    upper = w00 * tint[r, c, k] + w01 * tint[r, c + 1, k]
                    value = upper + w10 * tint[r + 1, c, k] + w11 * tint[r + 1, c + 1, k]
                    packed |= np.uint32(value + 0.5) << np.uint32(8 * k)
                color[top:low] = packed
                filled, lowest = top, max(lowest, low)
                if filled == 0:
                    break
        before = here >= least
        column += to_column
        row += to_row
        ground += to_ground
    return filled, lowest


@nb.njit(inline="always")
def _reach(start, aside, way):
    """The lowest and the highest of a way from `start` and of one `aside` of it."""
    return min(start, start + way) + min(aside, 0), max(start, start + way) + max(aside, 0)


@nb.njit(inline="always")
def _ground(floor, column, row):
    """The colour of the floor at a place in 65536ths of its grid; nothing beside it."""
    c, r = np.uint64(column >> 16), np.uint64(row >> 16)  # what lies below 0 becomes very large
    return floor[r, c] if c < floor.shape[1] and r < floor.shape[0] else NOTHING


@nb.njit(inline="always")
def _mean(one, other):
    """The mean of two pixels, rounded down."""
    return (one & other) + ((one ^ other) >> np.uint32(1) & HALVES)


@nb.njit(inline="always")
def _hidden(color, block, end, j):
    """Whether the sheet covers a row of pixels, `block` to `end` of row j, wholly."""
    least = np.uint32(PARTS)
    for i in range(block, end):
        least = min(least, color[i, j] >> np.uint32(24))
    return least == PARTS


@nb.njit(cache=True, nogil=True)
def over_floor(frame, color, seen_rows, floor, extent, size, view, depth, cover, part):
    """Lay a sheet over its floor into the (h, w) uint32 pixels of a frame, clipped by `cover` (h, w) 0..256.

    color, seen_rows: of `hills`. floor: (Fy, Fx) uint32 opaque colours on `extent`, lowest y first, finer than the
    picture. depth: data units by which it lies lower. part: 0..256, opacity of the whole.
    """
    height, width = cover.shape
    x0, x1, y0, y1 = extent
    unit, centre_x, centre_y = size
    mx, my, ct, st, cp, sp, lift = view
    line = np.zeros(BLOCK, np.uint32)
    ex, ey = 65536 * floor.shape[1] / (x1 - x0), 65536 * floor.shape[0] / (y1 - y0)
    to_column, to_row = int(ct / unit * ex), int(st / unit * ey)  # of the floor, from one pixel to the next
    # a tilted floor is seen shortened: two of its rows a pixel
    across, along = int(-st / (2 * unit * cp) * ex), int(ct / (2 * unit * cp) * ey)
    to_v, v0 = -1 / (unit * cp), ((centre_y - 0.75) / unit + depth * sp + lift) / cp
    for block in range(0, width, BLOCK):  # few columns at a time: their rows, and theirs of the picture, stay at hand
        end = min(block + BLOCK, width)
        count = end - block
        u = (block + 0.5 - centre_x) / unit
        first, last = height, 0  # rows between which any of these columns may have a sheet
        for i in range(block, end):
            if seen_rows[i, 1]:
                first, last = min(first, seen_rows[i, 0]), max(last, seen_rows[i, 1])
        for j in range(height):
            v = v0 + j * to_v
            column = int((mx + u * ct - v * st - x0) * ex)
            row = int((my + u * st + v * ct - y0) * ey)
            low_c, high_c = _reach(column, across, to_column * count)
            low_r, high_r = _reach(row, along, to_row * count)
            beside = high_c < 0 or low_c >= floor.shape[1] << 16 or high_r < 0 or low_r >= floor.shape[0] << 16
            within = low_c >= 0 and high_c < floor.shape[1] << 16 and low_r >= 0 and high_r < floor.shape[0] << 16
            sheet = first <= j < last
            if sheet and _hidden(color, block, end, j):
                for i in range(count):
                    line[i] = color[block + i, j] | OPAQUE
            elif beside and not sheet:
                continue
            else:
                if within:
                    for i in range(count):
                        c, r = column + i * to_column, row + i * to_row
                        line[i] = _mean(
                            floor[np.uint64(r >> 16), np.uint64(c >> 16)],
                            floor[np.uint64(r + along >> 16), np.uint64(c + across >> 16)],
                        )
                else:
                    for i in range(count):
                        c, r = column + i * to_column, row + i * to_row
                        line[i] = _mean(_ground(floor, c, r), _ground(floor, c + across, r + along))
                if sheet:
                    for i in range(count):
                        seen = color[block + i, j]
                        if seen:
                            line[i] = mix(line[i], seen | OPAQUE, (seen >> np.uint32(24)) * (256 // PARTS))
            for i in range(count):
                shown = cover[j, block + i] * part >> 8
                if shown == 256 and line[i] >= OPAQUE:
                    frame[j, block + i] = line[i]
                elif shown:
                    frame[j, block + i] = over(frame[j, block + i], line[i], shown)
