"""Filled polygons in bulk, anti-aliased by exact area."""

from __future__ import annotations

import numba as nb
import numpy as np

from diffrender.animation.mobjects.kernels.blend import mix, pack


@nb.njit(cache=True, nogil=True)
def _edge(area, x0, y0, x1, y1):
    """Add one directed edge to the area table: coverage is the running sum along each row (as font rasterisers do)."""
    if y0 == y1:
        return
    height, width = area.shape[0], area.shape[1] - 2
    sign = np.float32(1.0)
    if y0 > y1:
        x0, y0, x1, y1, sign = x1, y1, x0, y0, np.float32(-1.0)
    slope = (x1 - x0) / (y1 - y0)
    if y0 < 0:
        x0, y0 = x0 - y0 * slope, 0.0
    y1 = min(y1, float(height))
    x = x0
    for row in range(int(y0), height):
        if row >= y1:
            break
        step = min(row + 1.0, y1) - max(float(row), y0)
        x_next = x + slope * step
        a, b = min(max(min(x, x_next), 0.0), float(width)), min(max(max(x, x_next), 0.0), float(width))
        gain = sign * step
        first, last = int(a), int(np.ceil(b))
        if last <= first + 1:  # within one pixel
            share = 0.5 * (a + b) - first
            area[row, first] += gain * (1 - share)
            area[row, first + 1] += gain * share
        else:  # across several
            each = 1 / (b - a)
            enter = 1 - (a - first)
            left = 0.5 * each * enter * enter
            area[row, first] += gain * left
            if last == first + 2:
                over = b - (last - 1)
                right = 0.5 * each * over * over
                area[row, first + 1] += gain * (1 - left - right)
                area[row, first + 2] += gain * right
            else:
                second = each * (enter + 0.5)
                area[row, first + 1] += gain * (second - left)
                for k in range(first + 2, last - 1):
                    area[row, k] += gain * each
                over = b - (last - 1)
                right = 0.5 * each * over * over
                whole = second + (last - first - 3) * each
                area[row, last - 1] += gain * (1 - whole - right)
                area[row, last] += gain * right
        x = x_next


@nb.njit(cache=True, nogil=True)
def polygons(frame, width, bounds, corners, rgba):
    """Fill N simple polygons, in order.

    corners: (N, V, 2) float64 pixels; one that is not finite, or a million pixels away, is left out.
    rgba: (1 | N, 4) uint8, straight.
    """
    count, sides = corners.shape[0], corners.shape[1]
    for n in range(count):
        x_low, x_high, y_low, y_high = np.inf, -np.inf, np.inf, -np.inf
        sound = True
        for v in range(sides):
            x, y = corners[n, v, 0], corners[n, v, 1]
            sound = sound and abs(x) < 1e6 and abs(y) < 1e6
            x_low, x_high, y_low, y_high = min(x_low, x), max(x_high, x), min(y_low, y), max(y_high, y)
        if not sound:
            continue
        left, right = max(bounds[0], int(np.floor(x_low))), min(bounds[1], int(np.ceil(x_high)))
        top, bottom = max(bounds[2], int(np.floor(y_low))), min(bounds[3], int(np.ceil(y_high)))
        if left >= right or top >= bottom:
            continue
        area = np.zeros((bottom - top, right - left + 2), np.float32)
        for v in range(sides):
            w = v + 1 if v + 1 < sides else 0
            _edge(
                area, corners[n, v, 0] - left, corners[n, v, 1] - top, corners[n, w, 0] - left, corners[n, w, 1] - top
            )
        c = 0 if rgba.shape[0] == 1 else n
        color = pack(rgba[c, 0], rgba[c, 1], rgba[c, 2])
        alpha = np.int64(rgba[c, 3]) + (np.int64(rgba[c, 3]) >> 7)
        for j in range(bottom - top):
            total = np.float32(0)
            for i in range(right - left):
                total += area[j, i]
                q = (int(min(abs(total), 1.0) * 256 + 0.5) * alpha) >> 8
                if q > 0:
                    at = (top + j) * width + left + i
                    frame[at] = mix(frame[at], color, q)
