"""The one contract of everything that can be sampled: ``denoiser(x, level, label=None) -> Prediction``."""

from __future__ import annotations

from typing import Protocol

import torch

from diffrender.core.errors import DiffrenderError
from diffrender.diffusion.levels import Level


class Prediction:
    """What a denoiser says about x_t = α x_0 + σ ε, in whichever form it is asked for.

    Exactly one of the keywords is given, as (N, *event); the others follow from it:

    ============  =====================  ===============================================
    keyword       name in diffusers      meaning
    ============  =====================  ===============================================
    ``x0``        ``sample``             E[x_0 | x_t]
    ``eps``       ``epsilon``            E[ε | x_t] = (x − α x0) / σ
    ``score``     –                      ∇ log p_t(x) = −eps / σ (Tweedie; never −eps)
    ``velocity``  ``v_prediction``       α eps − σ x0 (Salimans & Ho 2022, §4)
    ``flow``      ``flow``               eps − x0, dx/dt of the straight path x = (1−t) x0 + t eps (Lipman et al. 2023)
    ============  =====================  ===============================================

    At α = 0 x0 cannot be had from eps or the score; at σ = 0 there is no score: both are refused.
    """

    def __init__(
        self,
        x: torch.Tensor,
        level: Level,
        *,
        x0: torch.Tensor | None = None,
        eps: torch.Tensor | None = None,
        score: torch.Tensor | None = None,
        velocity: torch.Tensor | None = None,
        flow: torch.Tensor | None = None,
    ) -> None:
        given = [
            name
            for name, value in (("x0", x0), ("eps", eps), ("score", score), ("velocity", velocity), ("flow", flow))
            if value is not None
        ]
        if len(given) != 1:
            raise TypeError(f"a Prediction takes exactly one of x0, eps, score, velocity, flow; got {given}")
        self.x, self.level, self.given = x, level, given[0]
        self._x0, self._eps = x0, eps
        alpha, sigma = level.alpha, level.sigma
        if velocity is not None:
            scale = alpha * alpha + sigma * sigma
            self._x0 = (alpha * x - sigma * velocity) / scale
            self._eps = (sigma * x + alpha * velocity) / scale
        elif flow is not None:
            self._x0 = (x - sigma * flow) / (alpha + sigma)
            self._eps = (x + alpha * flow) / (alpha + sigma)
        elif score is not None:
            self._eps = -sigma * score

    @property
    def x0(self) -> torch.Tensor:
        """E[x_0 | x_t], (N, *event)."""
        if self._x0 is None:
            if self.level.alpha == 0:
                raise DiffrenderError(
                    f"x0 cannot be had from {self.given} where alpha = 0.",
                    "Let the model predict 'sample', 'v_prediction' or 'flow', or start below that level.",
                )
            assert self._eps is not None
            self._x0 = (self.x - self.level.sigma * self._eps) / self.level.alpha
        return self._x0

    @property
    def eps(self) -> torch.Tensor:
        """E[ε | x_t], (N, *event)."""
        if self._eps is None:
            if self.level.sigma == 0:
                raise DiffrenderError(
                    "The noise cannot be predicted where sigma = 0.", "Ask for it above the clean level."
                )
            assert self._x0 is not None
            self._eps = (self.x - self.level.alpha * self._x0) / self.level.sigma
        return self._eps

    @property
    def score(self) -> torch.Tensor:
        """∇ log p_t(x) = −eps / σ, (N, *event)."""
        if self.level.sigma == 0:
            raise DiffrenderError("There is no score where sigma = 0.", "Ask for it above the clean level (index 0).")
        return -self.eps / self.level.sigma

    @property
    def velocity(self) -> torch.Tensor:
        """α eps − σ x0, (N, *event)."""
        return self.level.alpha * self.eps - self.level.sigma * self.x0

    @property
    def flow(self) -> torch.Tensor:
        """eps − x0, (N, *event)."""
        return self.eps - self.x0


class Denoiser(Protocol):
    """Anything that can be sampled: exact or learned, conditional or not."""

    def __call__(self, x: torch.Tensor, level: Level, label: torch.Tensor | None = None) -> Prediction:
        """x (N, *event), one level for all of x, label (N,) int64 or None."""
        ...
