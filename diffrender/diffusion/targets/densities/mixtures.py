"""Mixtures: of Gaussians, at every noise level, and of any densities."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from diffrender.core.errors import ConfigError
from diffrender.diffusion.targets.densities.base import Bounds, Density


class GaussianMixture(Density):
    """Σ_k w_k N(m_k, C_k) in any dimension.

    Parameters
    ----------
    weights: (K,), positive; scaled to sum to one.
    means: (K, D).
    covariances: (K, D, D), symmetric and positive definite.
    """

    def __init__(self, weights: np.ndarray, means: np.ndarray, covariances: np.ndarray) -> None:
        weights, means, covariances = (np.asarray(a, np.float64) for a in (weights, means, covariances))
        self.dim = means.shape[1]
        self.weights, self.means = weights / weights.sum(), means
        if not np.allclose(covariances, covariances.swapaxes(1, 2)):
            raise ConfigError("target.covariances: a covariance is not symmetric.")
        self.spectrum, self.axes = np.linalg.eigh(covariances)  # C = axes · diag(spectrum) · axesᵀ
        if self.spectrum.min() <= 0:
            raise ConfigError(
                "target.covariances: a covariance is not positive definite.", "All its eigenvalues must be above 0."
            )
        self.centre = np.einsum("kd,kde->ke", means, self.axes)  # each mean along its own axes
        reach = 3.6 * np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))
        low, high = (means - reach).min(0), (means + reach).max(0)
        self.bounds = tuple((float(a), float(b)) for a, b in zip(low, high, strict=True))

    def evaluate(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """`at_level` the clean level (alpha 1, sigma 0)."""
        return self.at_level(x, 1.0, 0.0)[:2]

    def at_level(
        self, x: torch.Tensor, alpha: float, sigma: float, label: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """log p_t (N,), ∇ log p_t (N, D) and E[x_0 | x_t] (N, D) of x_t = alpha·x_0 + sigma·ε, exactly.

        x: (N, D). label: (N,) int64, the one component each chain is conditioned on; below 0 for all of them.
        With C_k = Q diag(c) Qᵀ, x_t given k is N(alpha m_k, Q diag(alpha² c + sigma²) Qᵀ).
        """
        means, c = (x.new_tensor(a) for a in (self.means, self.spectrum))
        log_p, z, variance, basis = self._components(x, alpha, sigma)
        if label is not None:
            one = label[:, None] >= 0
            other = one & (label[:, None] != torch.arange(len(means), device=x.device))
            log_p = (log_p - x.new_tensor(np.log(self.weights)) * one).masked_fill(other, -math.inf)
        total = torch.logsumexp(log_p, 1)
        share = (log_p - total[:, None]).exp()  # p(k | x_t)
        pull = share[..., None] * z / variance
        score = -pull.flatten(1) @ basis.T
        return total, score, share @ means + alpha * (pull * c).flatten(1) @ basis.T

    def posterior(self, x: torch.Tensor, alpha: float, sigma: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """p(x_0 | x_t), a mixture again: its weights p(k | x_t) (N, K), means (N, K, D) and variances (K, D).

        x: (N, D). The variances, the same for every x, are those along the axes of C_k (`axes`).
        """
        means, c, axes = (x.new_tensor(a) for a in (self.means, self.spectrum, self.axes))
        log_p, z, variance, _ = self._components(x, alpha, sigma)
        shift = torch.einsum("nke,kde->nkd", alpha * c / variance * z, axes)
        return torch.softmax(log_p, 1), means + shift, c * sigma**2 / variance

    def _components(
        self, x: torch.Tensor, alpha: float, sigma: float
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Of each component at a level: log w_k p_t(x | k) (N, K); x − alpha m_k (N, K, D) along its own axes, and the
        variances (K, D) there; all axes side by side (D, K·D)."""
        k, d = self.means.shape
        turn = self.axes.transpose(1, 0, 2).reshape(d, k * d)
        log_w, c, basis, centre = (x.new_tensor(a) for a in (np.log(self.weights), self.spectrum, turn, self.centre))
        variance = alpha**2 * c + sigma**2
        z = (x @ basis).view(-1, k, d) - alpha * centre
        log_p = log_w - 0.5 * (z * z / variance).sum(-1) - 0.5 * (2 * math.pi * variance).log().sum(-1)
        return log_p, z, variance, basis

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n exact draws, (n, D) float32: a component by its weight, then its normal law."""
        return self.sample_labelled(n, rng)[0]

    def sample_labelled(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """n draws, (n, D) float32, and the component each came from, (n,) int64."""
        label = rng.choice(len(self.weights), n, p=self.weights)
        z = rng.standard_normal((n, self.dim)) * np.sqrt(self.spectrum[label])
        return (self.means[label] + np.einsum("ne,nde->nd", z, self.axes[label])).astype(np.float32), label


class Mixture(Density):
    """Σ_k w_k p_k of normalised densities of one dimension; `bounds` are those of the whole."""

    def __init__(self, weights: Sequence[float], parts: Sequence[Density], bounds: Bounds) -> None:
        self.weights, self.parts = np.asarray(weights, np.float64) / np.sum(weights), parts
        self.dim, self.bounds = parts[0].dim, bounds

    def evaluate(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """log Σ w_k p_k, and the parts' scores weighted by p(k | x)."""
        values, scores = zip(*(part.evaluate(x) for part in self.parts), strict=True)
        log_p = torch.stack(values, 1) + x.new_tensor(np.log(self.weights))
        total = torch.logsumexp(log_p, 1)
        share = (log_p - total[:, None]).exp()
        return total, (share[..., None] * torch.stack(scores, 1)).sum(1)

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n draws, (n, D) float32: a part by its weight, then as that part draws."""
        label = rng.choice(len(self.parts), n, p=self.weights)
        out = np.empty((n, self.dim), np.float32)
        for k, part in enumerate(self.parts):
            out[label == k] = part.sample(int((label == k).sum()), rng)
        return out
