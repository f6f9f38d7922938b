"""The best affine denoiser: that of a Gaussian with the data's mean and covariance."""

from __future__ import annotations

from typing import Any

import torch

from diffrender.diffusion.denoisers.base import Prediction
from diffrender.diffusion.denoisers.by_class import ByClass
from diffrender.diffusion.levels import Level

MAX_EXACT_SIDE = 1200  # of a covariance, or of the inner products, up to which it is taken in float64


class GaussianDenoiser:
    """E[x_0 | x_t] of the Gaussian that has the mean m and covariance Σ = U Λ Uᵀ of M states (Wiener 1949).

    x̂0 = m + U α Λ / (α² Λ + σ²) Uᵀ (x − α m). No affine denoiser has a smaller mean square error on the data. Chains
    bound to a class have the Gaussian of that class. points: (M, *event); labels: (M,) int or None.
    """

    def __init__(self, points: Any, labels: Any = None, *, device: torch.device | str = "cpu") -> None:
        self.by_class = ByClass(points, labels, device=device)
        self.fitted: dict[int, _Axes] = {}

    def __call__(self, x: torch.Tensor, level: Level, label: torch.Tensor | None = None) -> Prediction:
        """x (N, *event); label (N,) int64, below 0 for any class."""
        if level.sigma == 0:
            return Prediction(x, level, x0=x / level.alpha)
        flat, out = x.flatten(1), torch.empty_like(x).flatten(1)
        for rows, k in self.by_class.groups(label, len(x)):
            axes = self._axes(k)
            mean, variance, directions = (t.to(x.dtype) for t in (axes.mean, axes.variance, axes.directions))
            gain = level.alpha * variance / (level.alpha**2 * variance + level.sigma**2)
            along = (flat[rows] - level.alpha * mean) @ directions
            out[rows] = mean + (gain * along) @ directions.T
        return Prediction(x, level, x0=out.view_as(x))

    def _axes(self, k: int) -> _Axes:
        if k not in self.fitted:
            self.fitted[k] = _Axes(self.by_class.points[self.by_class.spans[k]].flatten(1))
        return self.fitted[k]


class _Axes:
    """Mean (D,), principal directions (D, R) and the variances (R,) along them, of states (M, D); R < M."""

    def __init__(self, points: torch.Tensor) -> None:
        count, dim = points.shape
        dtype = torch.float64 if min(count, dim) <= MAX_EXACT_SIDE else torch.float32
        self.mean = points.mean(0, dtype=torch.float64).to(points.dtype)
        centred = points.to(dtype) - self.mean.to(dtype)
        if count < dim:  # the few inner products of states have the same eigenvalues as the covariance
            variance, vectors = torch.linalg.eigh(centred @ centred.T / count)
            kept = variance > variance[-1] * torch.finfo(dtype).eps * count
            variance, vectors = variance[kept], vectors[:, kept]
            directions = centred.T @ (vectors / (variance * count).sqrt())
        else:
            variance, directions = torch.linalg.eigh(centred.T @ centred / count)
        self.variance = variance.clamp(min=0).to(points.dtype)
        self.directions = directions.to(points.dtype).contiguous()
