"""Grids of values made into pictures: heat maps sampled at every pixel, cells with hard edges."""

from __future__ import annotations

import math

import numba as nb
import numpy as np

from diffrender.animation.mobjects.kernels.blend import over, pack


@nb.njit(inline="always")
def _weights(at, size):
    """Left-most knot and the four cubic B-spline weights at grid coordinate `at`."""
    k = min(max(math.floor(at), 0), size - 2)
    t = at - k
    s = 1.0 - t
    return k - 1, s * s * s / 6, 2 / 3 - t * t * (2 - t) / 2, 2 / 3 - s * s * (2 - s) / 2, t * t * t / 6


@nb.njit(inline="always")
def _mirror(k, size):
    return -k if k < 0 else 2 * size - 2 - k if k >= size else k


@nb.njit(cache=True, nogil=True)
def resample(coefficients, rows, columns):
    """(h, w) float32 values of a cubic spline at grid coordinates `rows` (h,) and `columns` (w,); NaN off the grid.

    coefficients: (Gy, Gx) float32 of `scipy.ndimage.spline_filter(order=3, mode="mirror")`, each side at least 2.
    """
    gy, gx = coefficients.shape
    out = np.empty((rows.shape[0], columns.shape[0]), np.float32)
    line = np.empty(gx, np.float32)
    knot = np.empty((columns.shape[0], 4), np.int64)
    weight = np.empty((columns.shape[0], 4), np.float32)
    for i in range(columns.shape[0]):
        k, w0, w1, w2, w3 = _weights(columns[i], gx)
        weight[i, 0], weight[i, 1], weight[i, 2], weight[i, 3] = w0, w1, w2, w3
        for m in range(4):
            knot[i, m] = _mirror(k + m, gx)
    for j in range(rows.shape[0]):
        if not -1e-6 <= rows[j] <= gy - 1 + 1e-6:
            out[j] = np.nan
            continue
        k, w0, w1, w2, w3 = _weights(rows[j], gy)
        k0, k1, k2, k3 = _mirror(k, gy), _mirror(k + 1, gy), _mirror(k + 2, gy), _mirror(k + 3, gy)
        for g in range(gx):
            line[g] = (
                w0 * coefficients[k0, g]
                + w1 * coefficients[k1, g]
                + w2 * coefficients[k2, g]
                + w3 * coefficients[k3, g]
            )
        for i in range(columns.shape[0]):
            if -1e-6 <= columns[i] <= gx - 1 + 1e-6:
                value = np.float32(0)
                for m in range(4):
                    value += weight[i, m] * line[knot[i, m]]
                out[j, i] = value
            else:
                out[j, i] = np.nan
    return out


@nb.njit(cache=True, nogil=True)
def bend(values, power):
    """(h, w) float32: values clipped to 0..1, to the power `power`; NaN stays."""
    out = np.empty_like(values)
    for j in range(values.shape[0]):
        for i in range(values.shape[1]):
            out[j, i] = min(max(values[j, i], np.float32(0)), np.float32(1)) ** power
    return out


@nb.njit(inline="always")
def _on_level(values, i, j, levels, half):
    """Coverage 0..1 of pixel (j, i) by isolines `half` + `half` pixels wide: distance to one is |v − level| / |∇v|."""
    above = 0
    while above < levels.shape[0] and levels[above] < values[j, i]:
        above += 1
    nearest = levels[above] - values[j, i] if above < levels.shape[0] else np.float32(np.inf)
    if above > 0:
        nearest = min(nearest, values[j, i] - levels[above - 1])
    i0, i1, j0, j1 = max(i - 1, 0), min(i + 1, values.shape[1] - 1), max(j - 1, 0), min(j + 1, values.shape[0] - 1)
    gx = (values[j, i1] - values[j, i0]) * np.float32(0.5 if i1 - i0 == 2 else 1.0)
    gy = (values[j1, i] - values[j0, i]) * np.float32(0.5 if j1 - j0 == 2 else 1.0)
    steepness = max(gx * gx + gy * gy, np.float32(1e-10))
    if nearest * nearest > (half + 0.5) ** 2 * steepness:  # most pixels are far from any line
        return 0.0
    return min(max(half + 0.5 - nearest / math.sqrt(steepness), 0.0), 1.0)


@nb.njit(inline="always")
def _dither(x, y):
    """A fixed number in 0..1 for each pixel of the frame (integer hash)."""
    seed = np.uint32(x) * np.uint32(0x9E3779B1) ^ np.uint32(y) * np.uint32(0x85EBCA77)
    seed = np.uint32((seed ^ (seed >> np.uint32(15))) * np.uint32(0x2C1B3C6D))
    seed = np.uint32((seed ^ (seed >> np.uint32(12))) * np.uint32(0x297A2D39))
    return np.float32(seed >> np.uint32(8)) * np.float32(1 / 16777216)


@nb.njit(cache=True, nogil=True)
def heat(values, cover, table, lines, levels, half, ink, left, top):
    """(h, w) uint32 picture, premultiplied, of values 0..1; clear where they are NaN.

    table: (M, 3) float32 colours of evenly spaced values. lines: (h, w) values whose isolines at `levels`, rising, are
    drawn in `ink` (4,) float32 (r, g, b, opacity 0..1), `half` pixels to each side; without levels it may be empty.
    A fixed ±½ level of dither, tied to the frame's pixels from (left, top) on, keeps bands away.
    """
    height, width = values.shape
    out = np.zeros((height, width), np.uint32)
    last = table.shape[0] - 1
    for j in range(height):
        for i in range(width):
            if cover[j, i] == 0 or math.isnan(values[j, i]):
                continue
            k = int(min(max(values[j, i], np.float32(0)), np.float32(1)) * last + np.float32(0.5))
            r, g, b = table[k, 0], table[k, 1], table[k, 2]
            if levels.shape[0]:
                a = np.float32(ink[3] * _on_level(lines, i, j, levels, half))
                if a > 0:
                    r, g, b = r + a * (ink[0] - r), g + a * (ink[1] - g), b + a * (ink[2] - b)
            noise = _dither(left + i, top + j)
            color = pack(min(int(r + noise), 255), min(int(g + noise), 255), min(int(b + noise), 255))
            out[j, i] = color if cover[j, i] == 256 else over(np.uint32(0), color, cover[j, i])
    return out


@nb.njit(cache=True, nogil=True)
def isolines(values, cover, levels, half, color, alpha):
    """(h, w) uint32 picture, clear but for isolines of `values` at `levels`, rising, `half` pixels wide to each side.

    color: opaque pixel; alpha: 0..1.
    """
    height, width = values.shape
    out = np.zeros((height, width), np.uint32)
    for j in range(height):
        for i in range(width):
            if cover[j, i] and not math.isnan(values[j, i]):
                q = int(_on_level(values, i, j, levels, half) * alpha * cover[j, i] + 0.5)
                if q > 0:
                    out[j, i] = over(np.uint32(0), color, q)
    return out


@nb.njit(cache=True, nogil=True)
def cells(image, rows, columns, cover):
    """(h, w) uint32 picture whose pixel (j, i) is image[rows[j], columns[i]]; an index under 0 leaves it clear.

    image: (Y, X) uint32 opaque pixels or 0 for none.
    """
    out = np.zeros((rows.shape[0], columns.shape[0]), np.uint32)
    for j in range(rows.shape[0]):
        if rows[j] >= 0:
            for i in range(columns.shape[0]):
                if columns[i] >= 0 and cover[j, i] > 0:
                    color = image[rows[j], columns[i]]
                    out[j, i] = color if cover[j, i] == 256 else over(np.uint32(0), color, cover[j, i])
    return out
