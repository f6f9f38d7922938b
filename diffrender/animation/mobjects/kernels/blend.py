"""One pixel over another, and what is made of that: pictures pasted, clips undone at their outline."""

from __future__ import annotations

import math

import numba as nb
import numpy as np

PAIR = np.uint32(0x00FF00FF)
HALF = np.uint32(0x00800080)
EIGHT = np.uint32(8)


@nb.njit(inline="always")
def packed(r, g, b, a):
    """Pixel of four bytes."""
    return (
        np.uint32(r)
        | (np.uint32(g) << np.uint32(8))
        | (np.uint32(b) << np.uint32(16))
        | (np.uint32(a) << np.uint32(24))
    )


@nb.njit(inline="always")
def pack(r, g, b):
    """Opaque pixel of three bytes."""
    return packed(r, g, b, 255)


@nb.njit(inline="always")
def mix(below, above, part):
    """`part`/256 of the premultiplied pixel `above` over 1 − `part`/256 of `below`; part is 0..256."""
    q = np.uint32(part)
    rest = np.uint32(256) - q
    even = ((below & PAIR) * rest + (above & PAIR) * q + HALF) >> EIGHT & PAIR
    odd = (((below >> EIGHT) & PAIR) * rest + ((above >> EIGHT) & PAIR) * q + HALF) & ~PAIR
    return even | odd


@nb.njit(inline="always")
def over(below, above, part):
    """Premultiplied `above`, which may be transparent itself, at `part`/256 over `below`."""
    q = np.uint32(part)
    alpha = above >> np.uint32(24)
    alpha += alpha >> np.uint32(7)
    rest = np.uint32(256) - ((alpha * q + np.uint32(128)) >> EIGHT)
    even = ((below & PAIR) * rest + (above & PAIR) * q + HALF) >> EIGHT & PAIR
    odd = (((below >> EIGHT) & PAIR) * rest + ((above >> EIGHT) & PAIR) * q + HALF) & ~PAIR
    return even | odd


@nb.njit(cache=True, nogil=True)
def blit(frame, width, picture, left, top, part):
    """Paste a picture (h, w) uint32, premultiplied, with its corner at (left, top), at opacity part/256."""
    height = frame.shape[0] // width
    for j in range(max(0, -top), min(picture.shape[0], height - top)):
        row = (top + j) * width + left
        for i in range(max(0, -left), min(picture.shape[1], width - left)):
            above = picture[j, i]
            if part == 256 and above >= np.uint32(0xFF000000):
                frame[row + i] = above
            elif above != 0:
                frame[row + i] = over(frame[row + i], above, part)


@nb.njit(cache=True, nogil=True)
def restore(frame, before, where, cover):
    """Where a clip covers a pixel only by cover/256, blend what was drawn with what was there `before`."""
    for m in range(where.shape[0]):
        frame[where[m]] = mix(before[m], frame[where[m]], cover[m])


@nb.njit(cache=True, nogil=True)
def rounded(corners, radius, bounds):
    """(h, w) int32 coverage 0..256 of a parallelogram with rounded corners, over the pixels of `bounds`.

    corners: (4, 2) pixels of the lower left, lower right, upper left, upper right corner; radius in pixels.
    """
    x0, x1, y0, y1 = bounds
    out = np.zeros((max(y1 - y0, 0), max(x1 - x0, 0)), np.int32)
    ux, uy = corners[1, 0] - corners[0, 0], corners[1, 1] - corners[0, 1]
    vx, vy = corners[2, 0] - corners[0, 0], corners[2, 1] - corners[0, 1]
    det = ux * vy - uy * vx
    # how far one moves across the parallelogram, in pixels, from one side to the other
    wide, high = abs(det) / math.hypot(vx, vy), abs(det) / math.hypot(ux, uy)
    r = min(radius, wide / 2, high / 2)
    for j in range(out.shape[0]):
        for i in range(out.shape[1]):
            px, py = x0 + i + 0.5 - corners[0, 0], y0 + j + 0.5 - corners[0, 1]
            s, t = (px * vy - py * vx) / det, (py * ux - px * uy) / det
            dx, dy = abs(s - 0.5) * wide - wide / 2 + r, abs(t - 0.5) * high - high / 2 + r
            distance = math.hypot(max(dx, 0.0), max(dy, 0.0)) + min(max(dx, dy), 0.0) - r
            out[j, i] = int(min(max(0.5 - distance, 0.0), 1.0) * 256 + 0.5)
    return out
