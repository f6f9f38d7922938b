"""Fading polylines in bulk.

Where strokes overlap the most opaque one counts, alone: joints and crossings leave no beads.

What is drawn follows from the given points alone, so a frame is the same whether it was reached by playing or seeking.
"""

from __future__ import annotations

import math

import numba as nb
import numpy as np

from diffrender.animation.mobjects.kernels.blend import mix


@nb.njit(cache=True, nogil=True)
def streaks(opacity, tint, left, top, xy, affine, fade, colors, half):
    """Enter T × N vertices, joined along T, into the planes `opacity` (h, w) uint8 and `tint` (h, w) uint32.

    left, top: the planes' place in the frame. xy: (T, N, 2) data coordinates, the newest last, which
    affine (2, 3) takes to pixels.
    fade: (T | 1, N | 1) float opacity at each vertex, between vertices linear. colors: (T | 1, N | 1) opaque pixels;
    a stroke has that of its newer vertex. half: half the width in pixels. Strokes have round caps. Newest first, so
    that of equally opaque strokes the newest has the colour.
    """
    height, width = opacity.shape
    times, chains = xy.shape[0], xy.shape[1]
    reach = half + 0.5
    full = max(half - 0.5, 0.0)
    ink = min(2 * half, 1.0) * 255  # a stroke thinner than a pixel never covers one
    for step in range(times - 2, -1, -1):
        for n in range(chains):
            f = 0 if fade.shape[1] == 1 else n
            fa = fade[0 if fade.shape[0] == 1 else step, f] * ink
            fb = fade[0 if fade.shape[0] == 1 else step + 1, f] * ink
            most = max(fa, fb)
            if not most >= 0.5:
                continue
            ax = affine[0, 0] * xy[step, n, 0] + affine[0, 1] * xy[step, n, 1] + affine[0, 2] - left
            ay = affine[1, 0] * xy[step, n, 0] + affine[1, 1] * xy[step, n, 1] + affine[1, 2] - top
            bx = affine[0, 0] * xy[step + 1, n, 0] + affine[0, 1] * xy[step + 1, n, 1] + affine[0, 2] - left
            by = affine[1, 0] * xy[step + 1, n, 0] + affine[1, 1] * xy[step + 1, n, 1] + affine[1, 2] - top
            x_low, x_high = min(ax, bx) - reach, max(ax, bx) + reach
            y_low, y_high = min(ay, by) - reach, max(ay, by) + reach
            # written so that a NaN fails it; an infinite end has no direction
            if not (x_low < width and x_high > 0 and y_low < height and y_high > 0):
                continue
            if not (x_high - x_low < 1e12 and y_high - y_low < 1e12):
                continue
            color = colors[0 if colors.shape[0] == 1 else step + 1, 0 if colors.shape[1] == 1 else n]
            dx, dy = bx - ax, by - ay
            length = math.sqrt(dx * dx + dy * dy)
            inverse = 1 / length if length > 1e-9 else 0.0
            ux, uy = (dx * inverse, dy * inverse) if length > 1e-9 else (1.0, 0.0)
            slanted = abs(uy) > 1e-6
            for j in range(int(max(y_low, 0.0)), int(min(y_high, height - 1.0)) + 1):
                py = j + 0.5 - ay
                low, high = x_low, x_high
                if slanted:  # only where the stroke's band crosses this row
                    middle = ax + ux * py / uy
                    slack = reach / abs(uy)
                    low, high = max(low, middle - slack), min(high, middle + slack)
                if low >= width or high <= 0:
                    continue
                for i in range(int(max(low, 0.0)), int(min(high, width - 1.0)) + 1):
                    if opacity[j, i] >= most:
                        continue
                    px = i + 0.5 - ax
                    along = px * ux + py * uy
                    if along < 0:
                        distance = math.sqrt(px * px + py * py)
                        along = 0.0
                    elif along > length:
                        distance = math.sqrt((px - dx) * (px - dx) + (py - dy) * (py - dy))
                        along = length
                    else:
                        distance = abs(px * uy - py * ux)
                    if distance >= reach:
                        continue
                    value = fa + (fb - fa) * along * inverse
                    if distance > full:
                        value *= (reach - distance) / (reach - full)
                    level = np.uint8(value + 0.5)
                    if level > opacity[j, i]:
                        opacity[j, i] = level
                        tint[j, i] = color


@nb.njit(cache=True, nogil=True)
def lay(frame, width, opacity, tint, left, top, part):
    """Lay the planes of `streaks` over the frame at opacity part/256."""
    for j in range(opacity.shape[0]):
        row = (top + j) * width + left
        for i in range(opacity.shape[1]):
            level = np.int64(opacity[j, i])
            if level:
                frame[row + i] = mix(frame[row + i], tint[j, i], ((level + (level >> 7)) * part) >> 8)


@nb.njit(cache=True, nogil=True)
def trace(v, grid, starts, stride, segments):
    """Curves along a field: (segments + 1, N, 2) float64 points from `starts` (N, 2) on, and the speed at each.

    v: (Gy, Gx, 2), bilinear between nodes; grid: (x0, x1, y0, y1) of the outermost. stride: (2,) data units to one
    segment along each axis; every segment is one stride of the direction, by the midpoint rule. Off the grid: NaN.
    """
    count = starts.shape[0]
    points = np.full((segments + 1, count, 2), np.nan)
    speed = np.zeros((segments + 1, count))
    for n in range(count):
        x, y = starts[n, 0], starts[n, 1]
        for s in range(segments + 1):
            vx, vy = _between(v, grid, x, y)
            if math.isnan(vx + vy):
                break
            points[s, n, 0], points[s, n, 1] = x, y
            speed[s, n] = math.hypot(vx, vy)
            dx, dy = _direction(vx, vy, stride)
            vx, vy = _between(v, grid, x + dx / 2, y + dy / 2)
            if not math.isnan(vx + vy):
                dx, dy = _direction(vx, vy, stride)
            x, y = x + dx, y + dy
    return points, speed


@nb.njit(inline="always")
def _direction(vx, vy, stride):
    """One stride along a vector; none along a vector of no length."""
    length = math.hypot(vx / stride[0], vy / stride[1])
    return (vx / length, vy / length) if length > 0 else (0.0, 0.0)


@nb.njit(inline="always")
def _between(v, grid, x, y):
    """The field at (x, y)."""
    height, width = v.shape[0], v.shape[1]
    gx, gy = (x - grid[0]) / (grid[1] - grid[0]) * (width - 1), (y - grid[2]) / (grid[3] - grid[2]) * (height - 1)
    if not (0 <= gx <= width - 1 and 0 <= gy <= height - 1):
        return np.nan, np.nan
    i, j = min(int(gx), width - 2), min(int(gy), height - 2)
    s, t = gx - i, gy - j
    a, b, c, d = (1 - s) * (1 - t), s * (1 - t), (1 - s) * t, s * t
    return (
        a * v[j, i, 0] + b * v[j, i + 1, 0] + c * v[j + 1, i, 0] + d * v[j + 1, i + 1, 0],
        a * v[j, i, 1] + b * v[j, i + 1, 1] + c * v[j + 1, i, 1] + d * v[j + 1, i + 1, 1],
    )
