"""A height field seen from an angle, its hidden parts left out: each column of pixels is walked from near to far."""

from __future__ import annotations

import math

import numba as nb
import numpy as np

from diffrender.animation.mobjects.kernels.blend import packed

SHADE = 0.55  # how much darker than flat ground a slope turned away from the light is
FINE = 2  # subpixels to a pixel, in both directions
BIAS = 0.06  # data units by which a mark on the surface may lie behind what is seen there


@nb.njit(inline="always")
def _between(grid, row, column):
    """Bilinear value at grid coordinates that lie on the grid."""
    j, i = min(int(row), grid.shape[0] - 2), min(int(column), grid.shape[1] - 2)
    v, u = row - j, column - i
    low = grid[j, i] * (1 - u) + grid[j, i + 1] * u
    high = grid[j + 1, i] * (1 - u) + grid[j + 1, i + 1] * u
    return low * (1 - v) + high * v


@nb.njit(cache=True, nogil=True)
def surface(fields, extent, shape, size, view, table, light, lines):
    """A surface seen from an angle: (rows, columns, 4) float32 colour and opacity, (rows, columns) depth of subpixels.

    fields: (4, Gy, Gx) float32: height, its slopes along x and y (all in data units), colour value 0..1.
    extent: (x0, x1, y0, y1) where they lie. shape: (height, width) in pixels. size: (pixels to a data unit, centre
    column, centre row). view: (middle x, middle y, cos turn, sin turn, cos tilt, sin tilt, lift): a point is drawn at
    v·cos tilt + height·sin tilt − lift above the centre, where (u, v) are its coordinates after the turn; v is the
    depth. table: (M, 3) float32 colours; light: (3,) towards it. lines: (spacing in data units, opacity, r, g, b).
    """
    height, width = shape
    gy, gx = fields.shape[1:]
    x0, x1, y0, y1 = extent
    unit, centre_x, centre_y = size[0] * FINE, size[1] * FINE, size[2] * FINE
    mx, my, ct, st, cp, sp, lift = view
    rows, columns = height * FINE, width * FINE
    color = np.zeros((rows, columns, 4), np.float32)
    depth = np.full((rows, columns), np.float32(1e9))
    reach = math.hypot(x1 - x0, y1 - y0) / 2
    steps = int(2 * reach * unit)
    for i in range(columns):
        u = (i + 0.5 - centre_x) / unit
        filled = -1  # rows from here downwards are drawn; −1: none yet
        for k in range(steps):
            v = -reach + (k + 0.5) / unit
            x, y = mx + u * ct - v * st, my + u * st + v * ct
            if x < x0 or x > x1 or y < y0 or y > y1:
                continue
            column, row = (x - x0) / (x1 - x0) * (gx - 1), (y - y0) / (y1 - y0) * (gy - 1)
            h = _between(fields[0], row, column)
            at = centre_y - (v * cp + h * sp - lift) * unit
            top = max(math.floor(at), 0)
            if filled < 0:
                filled = min(top + 1, rows)
            if top >= filled:
                continue
            hx, hy = _between(fields[1], row, column) * sp, _between(fields[2], row, column) * sp
            across, along = hx * ct + hy * st, -hx * st + hy * ct
            shade = (light[2] - across * light[0] - along * light[1]) / math.sqrt(1 + hx * hx + hy * hy)
            bright = 1 + sp * SHADE * (shade / light[2] - 1)
            value = min(max(_between(fields[3], row, column), 0.0), 1.0) * (table.shape[0] - 1)
            shelf = min(int(value), table.shape[0] - 2)
            part = value - shelf
            edge = min(min(x - x0, x1 - x), min(y - y0, y1 - y)) * unit
            fx, fy = (
                abs(x / lines[0] - round(x / lines[0])) * lines[0],
                abs(y / lines[0] - round(y / lines[0])) * lines[0],
            )
            line = lines[1] if min(fx, fy) * unit < 0.75 * FINE / 2 else 0.0
            if edge < 1.5 * FINE:
                line = max(line, min(1.0, 2 * lines[1]))
            for row_ in range(top, min(filled, rows)):
                for c in range(3):
                    tone = table[shelf, c] * (1 - part) + table[shelf + 1, c] * part
                    # shadow darkens, light lifts towards the colour of the lines, so that a dark slope has a form too
                    lit = tone * min(bright, 1.0) + (lines[2 + c] - tone) * min(max(bright - 1, 0.0), 0.3)
                    color[row_, i, c] = lit + (lines[2 + c] - lit) * line
                color[row_, i, 3] = 1.0
                depth[row_, i] = v
            filled = top
            if filled == 0:
                break
    return color, depth


@nb.njit(cache=True, nogil=True)
def on_surface(color, depth, fields, extent, size, view, marks, mark_color, casing, cover):
    """(h, w) uint32 premultiplied picture of a surface with marks on it, clipped by `cover` (h, w) 0..256.

    color, depth: of `surface`; color is drawn into. fields, extent, size, view: as there. marks: (K, 4) x, y, radius in
    data units, opacity of discs; the last one is a sphere that lies on the surface, with
    a rim in the colour of `casing`.
    """
    height, width = cover.shape
    gy, gx = fields.shape[1:]
    x0, x1, y0, y1 = extent
    unit, centre_x, centre_y = size[0] * FINE, size[1] * FINE, size[2] * FINE
    mx, my, ct, st, cp, sp, lift = view
    rows, columns = height * FINE, width * FINE
    for m in range(marks.shape[0]):
        sphere = m == marks.shape[0] - 1
        x, y, radius, opacity = marks[m]
        if not (x0 <= x <= x1 and y0 <= y <= y1):
            continue
        u, v = (x - mx) * ct + (y - my) * st, -(x - mx) * st + (y - my) * ct
        h = _between(fields[0], (y - y0) / (y1 - y0) * (gy - 1), (x - x0) / (x1 - x0) * (gx - 1))
        px, py = centre_x + u * unit, centre_y - (v * cp + (h + radius * sphere) * sp - lift) * unit
        r = radius * unit
        for row_ in range(max(int(py - r), 0), min(int(py + r) + 2, rows)):
            for i in range(max(int(px - r), 0), min(int(px + r) + 2, columns)):
                dx, dy = (i + 0.5 - px) / r, (py - row_ - 0.5) / r
                away = dx * dx + dy * dy
                if away > 1 or depth[row_, i] < v - (radius if sphere else BIAS):
                    continue
                tone = 1.0
                if sphere:
                    # light as on the surface: from the left, and from above in the picture
                    tone = 0.5 + 0.5 * max(0.0, -0.45 * dx + 0.55 * dy + 0.7 * math.sqrt(1 - away))
                rim = 0.8 if sphere and away > 0.78 else 0.0  # dark, so that it is seen on a bright slope too
                for c in range(3):
                    now = color[row_, i, c]
                    shown = mark_color[c] * tone * (1 - rim) + casing[c] * rim
                    color[row_, i, c] = now + (shown - now) * opacity
                color[row_, i, 3] = max(color[row_, i, 3], np.float32(opacity))
    out = np.zeros((height, width), np.uint32)
    share = 1.0 / (FINE * FINE)
    for j in range(height):
        for i in range(width):
            r, g, b, a = 0.0, 0.0, 0.0, 0.0
            for dj in range(FINE):
                for di in range(FINE):
                    p = color[j * FINE + dj, i * FINE + di, 3] * share
                    r += p * color[j * FINE + dj, i * FINE + di, 0]
                    g += p * color[j * FINE + dj, i * FINE + di, 1]
                    b += p * color[j * FINE + dj, i * FINE + di, 2]
                    a += p
            whole = cover[j, i] / 256
            out[j, i] = packed(r * whole + 0.5, g * whole + 0.5, b * whole + 0.5, 255 * a * whole + 0.5)
    return out
