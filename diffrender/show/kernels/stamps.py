"""Fading trails in bulk, at a cost that does not grow with their length.

Each pixel remembers, for each of 4 degrees of coverage, when it was last covered at least so much; what it shows is the
greatest product of a degree and the opacity of its age. These are maxima, so they do not depend on the order in which
strokes came, nor on strokes that have long vanished: played or sought, a step gives the same pixels.
"""

from __future__ import annotations

import math

import numba as nb
import numpy as np

from .blend import mix

DEGREES = 4  # a quarter, a half, three quarters, all: finer ones are not seen in lines of three pixels
CORE = 1  # from this degree on (counted from 0) the colour is that of the trail's middle, not of its edge


@nb.njit(cache=True, nogil=True)
def stamp(times, newest, edge, core, left, top, a, b, affine, before, after, colors, half):
    """Stamp one step of N trails.

    times: (h, w, 4) uint16, 0 for never; newest: (h, w) uint16, its first degree again; edge, core: (h, w) uint32, who
    was last, or (0, 0) for trails of one colour. left, top: the planes' place in the frame. a, b: (N, 2) data
    coordinates of the step's ends, which affine (2, 3) takes to pixels; before, after: their times, integers.
    colors: (1 | N,) opaque pixels. half: half the width in pixels; ends are round.
    """
    height, width = newest.shape
    reach, full = half + 0.5, max(half - 0.5, 0.0)
    ink = min(2 * half, 1.0) * DEGREES  # a stroke thinner than a pixel never covers one
    tinted = edge.shape[0] > 0
    for n in range(a.shape[0]):
        ax = affine[0, 0] * a[n, 0] + affine[0, 1] * a[n, 1] + affine[0, 2] - left
        ay = affine[1, 0] * a[n, 0] + affine[1, 1] * a[n, 1] + affine[1, 2] - top
        bx = affine[0, 0] * b[n, 0] + affine[0, 1] * b[n, 1] + affine[0, 2] - left
        by = affine[1, 0] * b[n, 0] + affine[1, 1] * b[n, 1] + affine[1, 2] - top
        x_low, x_high = min(ax, bx) - reach, max(ax, bx) + reach
        y_low, y_high = min(ay, by) - reach, max(ay, by) + reach
        # written so that a NaN fails it; an infinite end has no direction
        if not (x_low < width and x_high > 0 and y_low < height and y_high > 0):
            continue
        if not (x_high - x_low < 1e12 and y_high - y_low < 1e12):
            continue
        color = colors[0 if colors.shape[0] == 1 else n]
        dx, dy = bx - ax, by - ay
        length = math.sqrt(dx * dx + dy * dy)
        inverse = 1 / length if length > 1e-9 else 0.0
        ux, uy = (dx * inverse, dy * inverse) if length > 1e-9 else (1.0, 0.0)
        slanted = abs(uy) > 1e-6
        for j in range(int(max(y_low, 0.0)), int(min(y_high, height - 1.0)) + 1):
            py = j + 0.5 - ay
            low, high = x_low, x_high
            if slanted:  # only where the stroke's band crosses this row
                middle, slack = ax + ux * py / uy, reach / abs(uy)
                low, high = max(low, middle - slack), min(high, middle + slack)
            if low >= width or high <= 0:
                continue
            for i in range(int(max(low, 0.0)), int(min(high, width - 1.0)) + 1):
                px = i + 0.5 - ax
                along = px * ux + py * uy
                if along < 0:
                    distance, along = math.sqrt(px * px + py * py), 0.0
                elif along > length:
                    distance, along = math.sqrt((px - dx) * (px - dx) + (py - dy) * (py - dy)), length
                else:
                    distance = abs(px * uy - py * ux)
                if distance >= reach:
                    continue
                degree = ink if distance <= full else ink * (reach - distance) / (reach - full)
                m = int(degree + 0.5) - 1
                time = before + int((after - before) * along * inverse + 0.5)
                if m >= CORE and tinted and times[j, i, CORE] <= time:
                    core[j, i] = color
                while m >= 0 and times[j, i, m] <= time:
                    times[j, i, m] = time
                    if m == 0:
                        newest[j, i] = time
                        if tinted:
                            edge[j, i] = color
                    m -= 1


@nb.njit(cache=True, nogil=True)
def rebase(times, newest, shift):
    """Subtract `shift` from all times; what was before it becomes never."""
    for j in range(newest.shape[0]):
        for i in range(newest.shape[1]):
            if newest[j, i]:
                for m in range(DEGREES):
                    times[j, i, m] = times[j, i, m] - shift if times[j, i, m] > shift else 0
                newest[j, i] = times[j, i, 0]


@nb.njit(inline="always")
def _level(fade, now, times, m):
    """Opacity × 4 that degree m gives a pixel."""
    return np.uint32(fade[np.uint16(now - times[m])]) * np.uint32(m + 1)


@nb.njit(cache=True, nogil=True)
def show(frame, width, times, newest, edge, core, left, top, now, life, fade, color, part):
    """Lay stamped trails over the frame, as they look at time `now`.

    fade: (65536,) uint8 opacity by age, 0 from `life` on; life < now, so that never is long ago too. color: opaque
    pixel, of trails of one colour. part: 0..256, opacity of the whole.
    """
    tinted = edge.shape[0] > 0
    oldest, now16, whole = np.uint16(now - life), np.uint16(now), np.uint32(part)
    for j in range(newest.shape[0]):
        row = (top + j) * width + left
        latest, degrees = newest[j], times[j]
        for i in range(latest.shape[0]):
            if latest[i] <= oldest:
                continue
            t = degrees[i]
            at_edge = _level(fade, now16, t, 0)
            at_core = max(_level(fade, now16, t, 1), max(_level(fade, now16, t, 2), _level(fade, now16, t, 3)))
            if tinted:
                color = core[j, i] if at_core >= at_edge else edge[j, i]
            level = max(at_edge, at_core) >> np.uint32(2)
            level = ((level + (level >> np.uint32(7))) * whole) >> np.uint32(8)
            frame[row + i] = mix(frame[row + i], color, level)
