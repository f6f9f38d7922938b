"""The posterior p(x_0 | x_t): as weighted points, and its covariance by the second-order Tweedie formula.

Its mean is x̂0 (Tweedie); its covariance is the Jacobian of x̂0, which is that of the score:
Cov[x_0 | x_t] = (σ²/α) ∂x̂0/∂x_t = (σ²/α²) (I + σ² ∇² log p_t)   (Efron 2011; Meng et al. 2021).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from diffrender.diffusion.denoisers.base import Prediction
from diffrender.diffusion.denoisers.exact import DataDenoiser, MixtureDenoiser
from diffrender.diffusion.levels import Level
from diffrender.diffusion.noise import Purpose, generator

POINTS = 1200  # that stand for the posterior of a mixture, as many a component


def weighted_points(exact: MixtureDenoiser | DataDenoiser, x: torch.Tensor, level: Level) -> tuple[torch.Tensor, ...]:
    """p(x_0 | x) as points (N, Q, D) with weights (N, Q) that sum to 1, in float64; x (N, D), sigma > 0.

    Of a finite data set: all its points, and how likely each is. Of a mixture: the same `POINTS` normal draws for every
    x and level, as many in each component, moved so that each component's mean and covariance are exact; so is then
    the weighted mean of all, and no point hops as x moves.
    """
    x = x.double()
    if isinstance(exact, DataDenoiser):
        weights = torch.cat([torch.softmax(log_w.double(), 1) for log_w, _ in exact._posterior(x, level, slice(None))])
        return exact.points.flatten(1).double().expand(len(x), -1, -1), weights
    mixture = exact.mixture
    share, means, variance = mixture.posterior(x, level.alpha, level.sigma)
    count = max(POINTS // len(mixture.weights), 2 * mixture.dim)
    z = x.new_tensor(whitened(count, mixture.dim))
    spread = torch.einsum("qe,ke,kde->kqd", z, variance.sqrt(), x.new_tensor(mixture.axes))
    points = means[:, :, None] + spread
    return points.flatten(1, 2), (share / count).repeat_interleave(count, 1)


def whitened(count: int, dim: int) -> np.ndarray:
    """(count, dim) normal draws, moved and turned so that their mean is 0 and their covariance the identity."""
    z = generator(0, Purpose.DATA, 3).standard_normal((count, dim))
    z -= z.mean(0)
    return z @ np.linalg.inv(np.linalg.cholesky(z.T @ z / count)).T


def covariance(denoise: Callable[[torch.Tensor, Level], Prediction], x: torch.Tensor, level: Level) -> torch.Tensor:
    """(σ²/α) ∂x̂0/∂x of any denoiser, (N, D, D) in the dtype of x (N, D); symmetric if its score is a gradient.

    By one backward pass a dimension. alpha and sigma must be above 0.
    """
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        x0 = denoise(x, level).x0
    rows = [torch.autograd.grad(x0[:, d].sum(), x, retain_graph=True)[0] for d in range(x.shape[1])]
    return level.sigma**2 / level.alpha * torch.stack(rows, 1)
