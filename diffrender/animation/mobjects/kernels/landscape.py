"""A height field seen from an angle, its hidden parts left out: each column of pixels is walked from near to far."""

from __future__ import annotations

import math

import numba as nb
import numpy as np

from diffrender.animation.mobjects.kernels.blend import packed

SHADE = 0.55  # how much darker than flat ground a slope turned away from the light is
FINE = 2  # subpixels to a pixel, in both directions
STRIP = 16  # columns of pixels of a picture that are drawn at a time
BIAS = 0.06  # data units by which a mark on the surface may lie behind what is seen there


@nb.njit(inline="always")
def _between(fields, k, row, column):
    """Bilinear value of field `k` at grid coordinates that lie on the grid."""
    j, i = min(int(row), fields.shape[0] - 2), min(int(column), fields.shape[1] - 2)
    v, u = row - j, column - i
    low = fields[j, i, k] * (1 - u) + fields[j, i + 1, k] * u
    high = fields[j + 1, i, k] * (1 - u) + fields[j + 1, i + 1, k] * u
    return low * (1 - v) + high * v


@nb.njit(cache=True, nogil=True)
def surface(fields, extent, shape, size, view, table, light, lines, strip):
    """A surface seen from an angle: (columns, rows, 4) float32 colour and opacity, (columns, rows) depth of subpixels.

    fields: (Gy, Gx, 4) float32: height, its slopes along x and y (all in data units), colour value 0..1.
    extent: (x0, x1, y0, y1) where they lie. shape: (height, width) in pixels. size: (pixels to a data unit, centre
    column, centre row). view: (middle x, middle y, cos turn, sin turn, cos tilt, sin tilt, lift): a point is drawn at
    v·cos tilt + height·sin tilt − lift above the centre, where (u, v) are its coordinates after the turn; v is the
    depth. table: (M, 3) float32 colours; light: (3,) towards it. lines: (spacing in data units, opacity, r, g, b).
    strip: (first, end) of the columns of pixels that are wanted.
    """
    gy, gx = fields.shape[:2]
    x0, x1, y0, y1 = extent
    unit, centre_x, centre_y = size[0] * FINE, size[1] * FINE, size[2] * FINE
    mx, my, ct, st, cp, sp, lift = view
    first, rows, columns = strip[0] * FINE, shape[0] * FINE, (strip[1] - strip[0]) * FINE
    color = np.zeros((columns, rows, 4), np.float32)
    depth = np.full((columns, rows), np.float32(1e9))
    reach = math.hypot(x1 - x0, y1 - y0) / 2
    steps = int(2 * reach * unit)
    to_column, to_row = (gx - 1) / (x1 - x0), (gy - 1) / (y1 - y0)
    last = table.shape[0] - 1
    for i in range(columns):
        u = (first + i + 0.5 - centre_x) / unit
        if abs(u) > reach + math.hypot(mx - (x0 + x1) / 2, my - (y0 + y1) / 2):
            continue  # beside all of it
        filled = -1  # rows from here downwards are drawn; −1: none yet
        for k in range(steps):
            v = -reach + (k + 0.5) / unit
            x, y = mx + u * ct - v * st, my + u * st + v * ct
            if x < x0 or x > x1 or y < y0 or y > y1:
                continue
            column, row = (x - x0) * to_column, (y - y0) * to_row
            h = _between(fields, 0, row, column)
            at = centre_y - (v * cp + h * sp - lift) * unit
            top = max(math.floor(at), 0)
            if filled < 0:
                filled = min(top + 1, rows)
            if top >= filled:
                continue
            hx, hy = _between(fields, 1, row, column) * sp, _between(fields, 2, row, column) * sp
            across, along = hx * ct + hy * st, -hx * st + hy * ct
            shade = (light[2] - across * light[0] - along * light[1]) / math.sqrt(1 + hx * hx + hy * hy)
            bright = 1 + sp * SHADE * (shade / light[2] - 1)
            value = min(max(_between(fields, 3, row, column), 0.0), 1.0) * last
            shelf = min(int(value), last - 1)
            part = value - shelf
            edge = min(min(x - x0, x1 - x), min(y - y0, y1 - y)) * unit
            fx, fy = x / lines[0], y / lines[0]
            fx, fy = abs(fx - round(fx)) * lines[0], abs(fy - round(fy)) * lines[0]
            line = lines[1] if min(fx, fy) * unit < 0.75 * FINE / 2 else 0.0
            if edge < 1.5 * FINE:
                line = max(line, min(1.0, 2 * lines[1]))
            for c in range(3):
                tone = table[shelf, c] * (1 - part) + table[shelf + 1, c] * part
                # shadow darkens, light lifts towards the colour of the lines, so that a dark slope has a form too
                lit = tone * min(bright, 1.0) + (lines[2 + c] - tone) * min(max(bright - 1, 0.0), 0.3)
                color[i, top, c] = lit + (lines[2 + c] - lit) * line
            color[i, top, 3], depth[i, top] = 1.0, v
            for row_ in range(top + 1, filled):
                for c in range(4):
                    color[i, row_, c] = color[i, top, c]
                depth[i, row_] = v
            filled = top
            if filled == 0:
                break
    return color, depth


@nb.njit(inline="always")
def _average(color, cover, out):
    """(h, w) premultiplied pixels of the means of subpixels (w · FINE, h · FINE, 4), clipped by `cover` 0..256."""
    share = 1.0 / (FINE * FINE)
    for i in range(out.shape[1]):
        for j in range(out.shape[0]):
            r, g, b, a = 0.0, 0.0, 0.0, 0.0
            for dj in range(FINE):
                for di in range(FINE):
                    k, m = i * FINE + di, j * FINE + dj
                    p = color[k, m, 3] * share
                    r += p * color[k, m, 0]
                    g += p * color[k, m, 1]
                    b += p * color[k, m, 2]
                    a += p
            whole = cover[j, i] / 256
            out[j, i] = packed(r * whole + 0.5, g * whole + 0.5, b * whole + 0.5, 255 * a * whole + 0.5)


@nb.njit(cache=True, nogil=True)
def bare_surface(fields, extent, size, view, table, light, lines, cover):
    """(h, w) uint32 premultiplied picture of a surface, clipped by `cover` (h, w) 0..256; the rest as of `surface`.

    Made strip by strip, so that no more than fits near the processor is held of its subpixels.
    """
    height, width = cover.shape
    out = np.zeros((height, width), np.uint32)
    for left in range(0, width, STRIP):
        right = min(left + STRIP, width)
        color, _ = surface(fields, extent, (height, width), size, view, table, light, lines, (left, right))
        _average(color, cover[:, left:right], out[:, left:right])
    return out


@nb.njit(cache=True, nogil=True)
def on_surface(picture, color, depth, fields, extent, size, view, marks, casing, cover):
    """(h, w) uint32: a surface's `picture` with marks on it, clipped by `cover` (h, w) 0..256.

    color, depth: of `surface`, all its columns. fields, extent, size, view: as there. marks: (K, 7) x, y, radius in
    data units, opacity and colour 0..255 of discs; the last one is a sphere that lies on the surface, with a rim in the
    colour of `casing`.
    """
    height, width = cover.shape
    gy, gx = fields.shape[:2]
    x0, x1, y0, y1 = extent
    unit, centre_x, centre_y = size[0] * FINE, size[1] * FINE, size[2] * FINE
    mx, my, ct, st, cp, sp, lift = view
    at = np.full((marks.shape[0], 4), np.nan)  # column, row, radius of each in subpixels; depth
    left, right, top, bottom = width, 0, height, 0  # the pixels that they may touch
    for m in range(marks.shape[0]):
        x, y, radius = marks[m, :3]
        if not (x0 <= x <= x1 and y0 <= y <= y1):
            continue
        u, v = (x - mx) * ct + (y - my) * st, -(x - mx) * st + (y - my) * ct
        h = _between(fields, 0, (y - y0) / (y1 - y0) * (gy - 1), (x - x0) / (x1 - x0) * (gx - 1))
        lifted = radius if m == marks.shape[0] - 1 else 0.0
        px, py = centre_x + u * unit, centre_y - (v * cp + (h + lifted) * sp - lift) * unit
        r = radius * unit
        at[m] = px, py, r, v
        left, right = min(left, int(px - r) // FINE), max(right, int(px + r) // FINE + 2)
        top, bottom = min(top, int(py - r) // FINE), max(bottom, int(py + r) // FINE + 2)
    left, right, top, bottom = max(left, 0), min(right, width), max(top, 0), min(bottom, height)
    out = picture.copy()
    if left >= right or top >= bottom:
        return out
    i0, i1, j0, j1 = left * FINE, right * FINE, top * FINE, bottom * FINE
    color = color[i0:i1, j0:j1].copy()
    for m in range(marks.shape[0]):
        px, py, r, v = at[m]
        if math.isnan(px):
            continue
        sphere, opacity = m == marks.shape[0] - 1, marks[m, 3]
        for i in range(max(int(px - r), i0), min(int(px + r) + 2, i1)):
            for row_ in range(max(int(py - r), j0), min(int(py + r) + 2, j1)):
                dx, dy = (i + 0.5 - px) / r, (py - row_ - 0.5) / r
                away = dx * dx + dy * dy
                if away > 1 or depth[i, row_] < v - (marks[m, 2] if sphere else BIAS):
                    continue
                tone = 1.0
                if sphere:
                    # light as on the surface: from the left, and from above in the picture
                    tone = 0.5 + 0.5 * max(0.0, -0.45 * dx + 0.55 * dy + 0.7 * math.sqrt(1 - away))
                rim = 0.8 if sphere and away > 0.78 else 0.0  # dark, so that it is seen on a bright slope too
                for c in range(3):
                    now = color[i - i0, row_ - j0, c]
                    shown = marks[m, 4 + c] * tone * (1 - rim) + casing[c] * rim
                    color[i - i0, row_ - j0, c] = now + (shown - now) * opacity
                color[i - i0, row_ - j0, 3] = max(color[i - i0, row_ - j0, 3], np.float32(opacity))
    _average(color, cover[top:bottom, left:right], out[top:bottom, left:right])
    return out
