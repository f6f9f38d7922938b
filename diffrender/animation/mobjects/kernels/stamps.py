"""Fading trails in bulk, at a cost that does not grow with their length.

Each pixel remembers, for each of 4 degrees of coverage, when it was last covered at least so much; what it shows is the
greatest product of a degree and the opacity of its age. These are maxima, so they do not depend on the order in which
strokes came, nor on strokes that have long vanished: played or sought, a step gives the same pixels.
"""

from __future__ import annotations

import math

import numba as nb
import numpy as np

from diffrender.animation.mobjects.kernels.blend import mix

DEGREES = 4  # a quarter, a half, three quarters, all: finer ones are not seen in lines of three pixels
CORE = 1  # from this degree on (counted from 0) the colour is that of the trail's middle, not of its edge


@nb.njit(cache=True, nogil=True)
def stamp(planes, edge, core, left, top, xy, affine, times, part, now, colors, half):
    """Stamp V − 1 steps of N trails, one after the other, the last of them as far as `part` (0..1) of it.

    A step that has been gone in part and is later stamped whole gives just the pixels of the whole alone: where it
    leads, and how fast, are always those of all of it.

    planes: `times` (h, w, 4) uint16, 0 for never, and `newest` (h, w) uint16, its first degree again.
    edge, core: (h, w) uint32, who was last, or (0, 0) for trails of one colour. left, top: the planes' place in the
    frame. xy: (V, N, 2) data coordinates, which affine (2, 3) takes to pixels; times: (V,) whole numbers;
    now: the time of the newest point.
    colors: (1 | N,) opaque pixels. half: half the width in pixels, at least 0.5; ends are round.
    """
    height, width = planes[1].shape
    reach = half + 0.5
    for step in range(xy.shape[0] - 1):
        gone = part if step == xy.shape[0] - 2 else 1.0
        for n in range(xy.shape[1]):
            ax = affine[0, 0] * xy[step, n, 0] + affine[0, 1] * xy[step, n, 1] + affine[0, 2] - left
            ay = affine[1, 0] * xy[step, n, 0] + affine[1, 1] * xy[step, n, 1] + affine[1, 2] - top
            bx = affine[0, 0] * xy[step + 1, n, 0] + affine[0, 1] * xy[step + 1, n, 1] + affine[0, 2] - left
            by = affine[1, 0] * xy[step + 1, n, 0] + affine[1, 1] * xy[step + 1, n, 1] + affine[1, 2] - top
            # written so that a NaN fails it; an infinite end has no direction
            seen_x = min(ax, bx) - reach < width and max(ax, bx) + reach > 0
            seen_y = min(ay, by) - reach < height and max(ay, by) + reach > 0
            if seen_x and seen_y and abs(ax - bx) < 1e12 and abs(ay - by) < 1e12:
                color = colors[0 if colors.shape[0] == 1 else n]
                _stroke(planes, edge, core, ax, ay, bx, by, gone, times[step], times[step + 1], now, color, half)


@nb.njit(cache=True, nogil=True)
def _stroke(planes, edge, core, ax, ay, bx, by, part, before, after, now, color, half):
    """Stamp the first `part` of a line from (ax, ay), passed at `before`, to (bx, by), passed at `after`."""
    times, newest = planes
    height, width = newest.shape
    reach = half + 0.5
    tinted = edge.shape[0] > 0
    dx, dy = bx - ax, by - ay
    length = math.sqrt(dx * dx + dy * dy)
    inverse = 1 / length if length > 1e-9 else 0.0
    ux, uy = (dx * inverse, dy * inverse) if length > 1e-9 else (1.0, 0.0)
    dx, dy, length = part * dx, part * dy, part * length
    x_low, x_high = ax + min(dx, 0.0) - reach, ax + max(dx, 0.0) + reach
    y_low, y_high = ay + min(dy, 0.0) - reach, ay + max(dy, 0.0) + reach
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
            m = int(min(reach - distance, 1.0) * DEGREES + 0.5) - 1
            time = min(before + int((after - before) * along * inverse + 0.5), now)
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
def rebase(planes, shift):
    """Subtract `shift` from all times; what was before it becomes never."""
    times, newest = planes
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
def show(frame, width, planes, edge, core, left, top, now, life, fade, color, part):
    """Lay stamped trails over the frame, as they look at time `now`.

    fade: (65536,) uint8 opacity by age, 0 from `life` on; life < now, so that never is long ago too. color: opaque
    pixel, of trails of one colour. part: 0..256, opacity of the whole.
    """
    times, newest = planes
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
