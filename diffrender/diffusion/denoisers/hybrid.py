"""Two denoisers in turn: one while there is much noise, another once there is little."""

from __future__ import annotations

import torch

from diffrender.diffusion.denoisers.base import Denoiser, Prediction
from diffrender.diffusion.levels import Level


class HybridDenoiser:
    """`coarse` at every level with sigma / alpha above `ratio`, `fine` below it.

    A local denoiser lays out an image that no short training could; a network then paints over its seams.
    """

    def __init__(self, coarse: Denoiser, fine: Denoiser, ratio: float) -> None:
        self.coarse, self.fine, self.ratio = coarse, fine, ratio

    def __call__(self, x: torch.Tensor, level: Level, label: torch.Tensor | None = None) -> Prediction:
        """x (N, *event); label (N,) int64, below 0 for any class."""
        return (self.coarse if level.ratio > self.ratio else self.fine)(x, level, label)
