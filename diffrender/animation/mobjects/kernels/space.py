"""Three-dimensional points onto a plane."""

from __future__ import annotations

import math

import numba as nb
import numpy as np


@nb.njit(cache=True, nogil=True)
def project(xyz, axes, center, zoom, perspective, nearest):
    """(N, 3) float32 → (N, 2) float32 on the plane through `center`, (N,) float32 scale there, (N,) float32 depth.

    axes: (3, 3) right, up, towards the eye. perspective: 1 / distance of the eye. What is nearer to the eye than
    1 − `nearest` of that distance becomes NaN.
    """
    count = xyz.shape[0]
    xy, scale, depth = np.empty((count, 2), np.float32), np.empty(count, np.float32), np.empty(count, np.float32)
    for n in range(count):
        x, y, z = xyz[n, 0] - center[0], xyz[n, 1] - center[1], xyz[n, 2] - center[2]
        towards = axes[2, 0] * x + axes[2, 1] * y + axes[2, 2] * z
        s = zoom / (1 - perspective * towards) if perspective * towards < nearest else np.nan
        xy[n, 0] = s * (axes[0, 0] * x + axes[0, 1] * y + axes[0, 2] * z)
        xy[n, 1] = s * (axes[1, 0] * x + axes[1, 1] * y + axes[1, 2] * z)
        scale[n], depth[n] = s, towards
    return xy, scale, depth


@nb.njit(cache=True, nogil=True)
def far_to_near(depth, reach):
    """(N,) int64 order of drawing: by depth in 4096 layers from −reach to reach, and as given within a layer."""
    layers = 4096
    layer = np.empty(depth.shape[0], np.int64)
    start = np.zeros(layers + 1, np.int64)
    for n in range(depth.shape[0]):
        share = (depth[n] + reach) / (2 * reach)
        if not share > 0:  # a NaN too
            share = 0.0
        layer[n] = min(int(min(share, 1.0) * layers), layers - 1)
        start[layer[n] + 1] += 1
    for k in range(layers):
        start[k + 1] += start[k]
    order = np.empty(depth.shape[0], np.int64)
    for n in range(depth.shape[0]):
        order[start[layer[n]]] = n
        start[layer[n]] += 1
    return order


@nb.njit(cache=True, nogil=True)
def trace_space(v, ends, starts, stride, segments):
    """Curves along a field in space: (segments + 1, N, 3) float64 points from `starts` (N, 3) on.

    v: (Gz, Gy, Gx, 3), trilinear between nodes; ends: (2, 3) places of the first and the last node. stride: data units
    to one segment, each one stride of the direction, by the midpoint rule. Off the grid: NaN.
    """
    points = np.full((segments + 1, starts.shape[0], 3), np.nan)
    for n in range(starts.shape[0]):
        x, y, z = starts[n, 0], starts[n, 1], starts[n, 2]
        for s in range(segments + 1):
            dx, dy, dz = _unit(v, ends, x, y, z)
            if math.isnan(dx):
                break
            points[s, n, 0], points[s, n, 1], points[s, n, 2] = x, y, z
            half = stride / 2
            mx, my, mz = _unit(v, ends, x + half * dx, y + half * dy, z + half * dz)
            if not math.isnan(mx):
                dx, dy, dz = mx, my, mz
            x, y, z = x + stride * dx, y + stride * dy, z + stride * dz
    return points


@nb.njit(inline="always")
def _unit(v, ends, x, y, z):
    """The direction of the field at a place, nothing where it is 0; NaN off the grid."""
    depth, height, width = v.shape[0] - 1, v.shape[1] - 1, v.shape[2] - 1
    gx = (x - ends[0, 0]) / (ends[1, 0] - ends[0, 0]) * width
    gy = (y - ends[0, 1]) / (ends[1, 1] - ends[0, 1]) * height
    gz = (z - ends[0, 2]) / (ends[1, 2] - ends[0, 2]) * depth
    if not (0 <= gx <= width and 0 <= gy <= height and 0 <= gz <= depth):
        return np.nan, np.nan, np.nan
    i, j, k = min(int(gx), width - 1), min(int(gy), height - 1), min(int(gz), depth - 1)
    a, b, c = gx - i, gy - j, gz - k
    vx = vy = vz = 0.0
    for corner in range(8):
        u, w, t = corner & 1, (corner >> 1) & 1, corner >> 2
        weight = (a if u else 1 - a) * (b if w else 1 - b) * (c if t else 1 - c)
        vx += weight * v[k + t, j + w, i + u, 0]
        vy += weight * v[k + t, j + w, i + u, 1]
        vz += weight * v[k + t, j + w, i + u, 2]
    length = math.sqrt(vx * vx + vy * vy + vz * vz)
    return (vx / length, vy / length, vz / length) if length > 0 else (vx, vy, vz)
