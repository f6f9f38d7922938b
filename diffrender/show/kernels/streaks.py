"""Fading polylines in bulk.

Where strokes overlap the most opaque one counts, alone: joints and crossings leave no beads.

What is drawn follows from the given points alone, so a frame is the same whether it was reached by playing or seeking.
"""

from __future__ import annotations

import math

import numba as nb
import numpy as np

from .blend import mix


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
