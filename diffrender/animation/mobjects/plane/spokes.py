"""Lines from one moving point to many, each as opaque as its weight."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.animation.mobjects.base import Box, Clip, Placement, Raster, finite32, rgba8
from diffrender.animation.mobjects.plane.lines import lay_lines
from diffrender.animation.theme import HAIR
from diffrender.core.errors import RenderError

FAINTEST = 0.01  # of the largest weight: lighter lines are not drawn


class Spokes(Raster):
    """Straight lines from a hub (T, 2) to ends (T, Q, 2), whose opacity is `alpha` · weight / the largest weight.

    weights: (T, Q), not negative. What is shown belongs to the nearest recorded step.
    """

    def __init__(
        self,
        box: Box,
        rect: Box,
        hub: np.ndarray,
        ends: np.ndarray,
        weights: np.ndarray,
        *,
        color: str,
        width: float = HAIR,
        alpha: float = 1.0,
    ) -> None:
        super().__init__(box, rect, color)
        if hub.shape[1:] != (2,) or ends.shape != (*weights.shape, 2) or len(ends) != len(hub):
            raise RenderError(f"Spokes: hub {hub.shape}, ends {ends.shape} and weights {weights.shape} do not agree.")
        self.hub, self.ends, self.weights = hub, ends, weights
        self.line_width, self.alpha, self.step = width, alpha, 0

    def show_step(self, step: float) -> Spokes:
        """Show recorded step `step` (0 … T−1)."""
        self.step = min(max(round(step), 0), len(self.hub) - 1)
        return self

    def lines(self) -> tuple[np.ndarray, np.ndarray]:
        """(2, K, 2) ends of the lines that are drawn now, and their opacities (K,)."""
        weight = np.asarray(self.weights[self.step], float)
        share = weight / max(float(weight.max()), 1e-300)
        drawn = share > FAINTEST
        ends = np.asarray(self.ends[self.step])[drawn]
        return np.stack([np.broadcast_to(self.hub[self.step], ends.shape), ends]), self.alpha * share[drawn]

    def paint(self, place: Placement, pixels: np.ndarray, opacity: float) -> None:
        """A line from the hub to each end that weighs enough, its opacity alpha × weight / largest weight."""
        xy, fade = self.lines()
        ink: Any = rgba8(self.fill_rgbas[:1, :3] * 255, 1).view(np.uint32)
        with Clip(place, self.corner, pixels) as window:
            lay_lines(window, pixels, place, self.box, finite32(xy), fade[None], ink, self.line_width, opacity)
