"""Lines in bulk that are drawn anew each frame."""

from __future__ import annotations

import numpy as np

from diffrender.animation.mobjects import kernels
from diffrender.animation.mobjects.base import Box, Clip, Placement


def lay_lines(
    window: Clip,
    pixels: np.ndarray,
    place: Placement,
    box: Box,
    xy: np.ndarray,
    fade: np.ndarray,
    colors: np.ndarray,
    width: float,
    opacity: float,
) -> None:
    """Draw N lines through xy (V, N, 2) float32 of data space `box`, `width` units wide.

    fade: (V | 1, N | 1) opacities 0..1 at the vertices; colors: (V | 1, N | 1) uint32 opaque pixels. Each pixel shows
    the most opaque line over it, and that one only.
    """
    affine, half = place.affine(box), width * place.unit / 2
    points = xy[np.isfinite(xy).all(-1)]
    if window.empty or not len(points):
        return
    # only the part of the frame that the lines reach
    seen = points @ affine[:, :2].T + affine[:, 2]
    low, high = np.clip([seen.min(0) - half - 2, seen.max(0) + half + 2], -1e6, 1e6).astype(int)
    left, right = max(window.bounds[0], low[0]), min(window.bounds[1], high[0])
    top, bottom = max(window.bounds[2], low[1]), min(window.bounds[3], high[1])
    if left >= right or top >= bottom:
        return
    levels = np.zeros((bottom - top, right - left), np.uint8)
    tint = np.empty(levels.shape, np.uint32)
    fade, colors = np.ascontiguousarray(fade, float), np.ascontiguousarray(colors)
    kernels.streaks(levels, tint, left, top, xy, affine, fade, colors, half)
    kernels.lay(window.frame, pixels.shape[1], levels, tint, left, top, round(256 * opacity))
