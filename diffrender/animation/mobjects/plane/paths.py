"""The whole paths of many chains at once, as a picture in which bundles of paths are brighter than single ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.animation.mobjects.base import Box, Placement
from diffrender.animation.mobjects.cached import Picture
from diffrender.animation.theme import RADIUS
from diffrender.core.errors import RenderError

SPACING = 0.7  # pixels from one sample of a path to the next
MOST_SAMPLES = 1 << 20  # drawn at a time


class PathDensity(Picture):
    """Paths drawn over one another, each at a low opacity, from the first recorded step to the one that is shown.

    Parameters
    ----------
    box, rect: as for every bulk mobject.
    x: (T+1, N, 2) a recording, which may be larger than memory; straight lines join its steps.
    color: "#RRGGBB". alpha: opacity of a single path one pixel wide; k paths over each other have 1 − (1 − alpha)^k.
    colors: (N, 3) uint8 one for each path, in place of `color`; a few different ones.
    """

    def __init__(
        self, box: Box, rect: Box, x: Any, *, color: str, alpha: float = 0.08, colors: np.ndarray | None = None
    ) -> None:
        super().__init__(box, rect, color, RADIUS)
        if x.ndim != 3 or x.shape[2] != 2:
            raise RenderError(f"PathDensity: a recording has shape {x.shape}, not (T+1, N, 2).")
        if not 0 < alpha < 1:
            raise RenderError(f"PathDensity: alpha = {alpha} is not between 0 and 1.")
        self.recorded, self.alpha, self.step = x, alpha, float(len(x) - 1)
        own = np.full((x.shape[1], 3), self.fill_rgbas[0, :3] * 255) if colors is None else np.asarray(colors, float)
        self.inks, self.ink_of = np.unique(own, axis=0, return_inverse=True)

    def show_step(self, step: float) -> PathDensity:
        """Show the paths up to recorded step `step`."""
        self.step = float(round(step))
        return self

    def make(self, place: Placement, bounds: np.ndarray, cover: np.ndarray) -> np.ndarray:
        """All paths up to the step shown; k of them have opacity 1 − (1 − alpha)^k, and their mean colour."""
        width, height = int(bounds[1] - bounds[0]), int(bounds[3] - bounds[2])
        affine = place.affine(self.box)
        depth, light = np.zeros(width * height), np.zeros((width * height, 3))
        for k, ink in enumerate(self.inks):
            mine = self._depth(self.ink_of.ravel() == k, affine, bounds, width, height)
            depth += mine
            light += mine[:, None] * ink
        opacity = 1 - (1 - self.alpha) ** (depth * SPACING)
        part = opacity * (cover / 256.0).reshape(-1)
        rgba = np.empty((height, width, 4), np.uint8)
        rgba[..., :3] = np.rint(light / np.maximum(depth, 1e-12)[:, None] * part[:, None]).reshape(height, width, 3)
        rgba[..., 3] = np.rint(255 * part).reshape(height, width)
        return rgba.view(np.uint32)[..., 0]

    def _depth(self, chosen: Any, affine: np.ndarray, bounds: np.ndarray, width: int, height: int) -> np.ndarray:
        """(pixels,) how many samples of the chosen paths lie on each."""
        depth = np.zeros(width * height)
        before = self._pixels(0, affine, bounds)[chosen]
        for k in range(1, int(self.step) + 1):
            after = self._pixels(k, affine, bounds)[chosen]
            self._add(depth, before, after, width, height)
            before = after
        return depth

    def _pixels(self, step: int, affine: np.ndarray, bounds: np.ndarray) -> np.ndarray:
        """(N, 2) pixels of the states at a step, from the corner of the picture."""
        xy = np.asarray(self.recorded[step], float)
        return xy @ affine[:, :2].T + affine[:, 2] - (bounds[0] + 0.5, bounds[2] + 0.5)

    @staticmethod
    def _add(depth: np.ndarray, a: np.ndarray, b: np.ndarray, width: int, height: int) -> None:
        """Count samples of the segments from a to b (N, 2), each shared by the four pixels round it."""
        known = np.isfinite(a).all(1) & np.isfinite(b).all(1)
        a, b = a[known], b[known]
        length = np.hypot(*(b - a).T)
        count = np.clip(np.rint(length / SPACING), 1, 4 * (width + height)).astype(int)
        for first in range(0, len(a), max(1, MOST_SAMPLES // max(int(count.max(initial=1)), 1))):
            part = slice(first, first + max(1, MOST_SAMPLES // max(int(count.max(initial=1)), 1)))
            n = count[part]
            ends = np.cumsum(n)
            t = (np.arange(ends[-1]) - np.repeat(ends - n, n) + 0.5) / np.repeat(n, n)
            weight = np.repeat(length[part] / n / SPACING, n)
            xy = np.repeat(a[part], n, axis=0) + t[:, None] * np.repeat(b[part] - a[part], n, axis=0)
            corner = np.floor(xy).astype(int)
            share = xy - corner
            for dx in (0, 1):
                for dy in (0, 1):
                    x, y = corner[:, 0] + dx, corner[:, 1] + dy
                    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
                    w = weight * abs(1 - dx - share[:, 0]) * abs(1 - dy - share[:, 1])
                    depth += np.bincount((y * width + x)[inside], w[inside], minlength=len(depth))
