"""Three-dimensional points onto a plane."""

from __future__ import annotations

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
