"""Classifier-free guidance (Ho & Salimans 2022), at all levels or in an interval (Kynkäänniemi et al. 2024).

Autoguidance (Karras et al. 2024): the same, away from the answer of a worse network in place of one without class.
"""

from __future__ import annotations

import math

import torch

from diffrender.diffusion.denoisers.base import Denoiser, Prediction
from diffrender.diffusion.levels import Level


class Guided:
    """A denoiser pushed `scale` times as far from a poorer answer as its own: from the one that knows no class.

    D = D(any class) + scale·(D(class) − D(any class)): 0 unconditional, 1 conditional, above 1 guided; diffusers'
    guidance_scale, and 1 + w of the paper's eq. 6. Both answers come from one call on twice the chains.
    worse: the denoiser whose answer, of the same class, is the poorer one instead.
    interval: sigma/alpha from and to which that is done; outside it the answer is the conditional one.
    """

    def __init__(
        self,
        denoiser: Denoiser,
        scale: float,
        interval: tuple[float, float] = (0.0, math.inf),
        *,
        worse: Denoiser | None = None,
    ) -> None:
        self.denoiser, self.scale, self.interval, self.worse = denoiser, scale, interval, worse

    def __call__(self, x: torch.Tensor, level: Level, label: torch.Tensor | None = None) -> Prediction:
        """x (N, *event); label (N,) int64. Without labels there is nothing to guide towards."""
        scale = self.scale if self.interval[0] <= level.ratio <= self.interval[1] else 1.0
        if self.worse is not None:
            mine = self.denoiser(x, level, label)
            own, other = getattr(mine, mine.given), getattr(self.worse(x, level, label), mine.given)
            return Prediction(x, level, **{mine.given: other + scale * (own - other)})
        if label is None:
            return self.denoiser(x, level)
        both = self.denoiser(torch.cat([x, x]), level, torch.cat([label, torch.full_like(label, -1)]))
        given, free = getattr(both, both.given).chunk(2)
        return Prediction(x, level, **{both.given: free + scale * (given - free)})
