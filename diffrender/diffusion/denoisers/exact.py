"""Denoisers known in closed form: of a Gaussian mixture, and the ideal one of a finite data set.

They answer exactly what a perfect network of endless capacity would, so learned ones can be checked against them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from diffrender.diffusion.denoisers.base import Denoiser, Prediction
from diffrender.diffusion.levels import Level
from diffrender.diffusion.noise import Purpose, generator
from diffrender.diffusion.targets.densities.mixtures import GaussianMixture

CHUNK = 1 << 18  # pairs held at a time: 1 MB of float32 stays in the cache
MAX_LOST = 1e-4  # rounding error of a log likelihood above which float64 is used


class MixtureDenoiser:
    """E[x_0 | x_t] of a Gaussian mixture at every level, in the dtype of x."""

    def __init__(self, mixture: GaussianMixture) -> None:
        self.mixture = mixture

    def __call__(self, x: torch.Tensor, level: Level, label: torch.Tensor | None = None) -> Prediction:
        """x (N, D); label (N,) int64 conditions each chain on one component, unless below 0."""
        return Prediction(x, level, x0=self.mixture.at_level(x, level.alpha, level.sigma, label)[2])

    def log_prob_t(self, x: torch.Tensor, level: Level) -> torch.Tensor:
        """log p_t(x), (N,)."""
        return self.mixture.at_level(x, level.alpha, level.sigma)[0]

    def flow(self, x: torch.Tensor, start: Level, end: Level, tolerance: float = 1e-12) -> torch.Tensor:
        """Where the probability-flow ODE takes x (N, D) from level `start` to level `end`, (N, D) in x's dtype.

        Only sigma/alpha matters, so the path is that of x = cos φ · x_0 + sin φ · ε for which dx/dφ is the velocity
        (Salimans & Ho 2022, §4); float64, DOP853 to `tolerance`. The ends may be alpha = 0 and sigma = 0.
        """
        from scipy.integrate import solve_ivp

        shape, scale = x.shape, math.hypot(start.alpha, start.sigma)

        def velocity(phi: float, y: np.ndarray) -> np.ndarray:
            alpha, sigma = math.cos(phi), math.sin(phi)
            _, score, x0 = self.mixture.at_level(torch.from_numpy(y.reshape(shape)), alpha, sigma)
            return (-sigma * (alpha * score + x0)).numpy().ravel()

        def angle(level: Level) -> float:
            return math.atan2(level.sigma, level.alpha)

        y = (x.double() / scale).cpu().numpy().ravel()
        path = solve_ivp(velocity, (angle(start), angle(end)), y, "DOP853", rtol=tolerance, atol=tolerance)
        return torch.from_numpy(path.y[:, -1].reshape(shape)).to(x) * math.hypot(end.alpha, end.sigma)


class DataDenoiser:
    """E[x_0 | x_t] when x_0 is one of M given points, each as likely (Karras et al. 2022, eq. 57).

    points: (M, *event) array or tensor. labels: (M,) int, by which chains may be conditioned.
    """

    def __init__(self, points: Any, labels: Any = None, *, device: torch.device | str = "cpu") -> None:
        self.points = torch.as_tensor(points, device=device)
        self.labels = None if labels is None else torch.as_tensor(labels, device=device)

    def __call__(self, x: torch.Tensor, level: Level, label: torch.Tensor | None = None) -> Prediction:
        """x (N, *event); label (N,) int64 conditions each chain on the points so labelled, unless below 0."""
        if level.sigma == 0:
            return Prediction(x, level, x0=x / level.alpha)
        out = torch.empty_like(x).flatten(1)
        for part, log_w, points in self._posterior(x, level, label):
            out[part] = (torch.softmax(log_w, 1) @ points).to(x.dtype)
        return Prediction(x, level, x0=out.view_as(x))

    def log_prob_t(self, x: torch.Tensor, level: Level) -> torch.Tensor:
        """log p_t(x), (N,), for sigma > 0."""
        flat, variance = x.double().flatten(1), level.sigma**2
        out = torch.empty(len(x), dtype=torch.float64, device=x.device)
        for part, log_w, _ in self._posterior(x, level, None):
            out[part] = torch.logsumexp(log_w, 1)
        out -= (flat * flat).sum(1) / (2 * variance) + flat.shape[1] / 2 * math.log(2 * math.pi * variance)
        return (out - math.log(len(self.points))).to(x.dtype)

    def _posterior(
        self, x: torch.Tensor, level: Level, label: torch.Tensor | None
    ) -> Iterator[tuple[slice, torch.Tensor, torch.Tensor]]:
        """Slices of chains, the log likelihood of every point (n, M) but for |x|²/2σ², and the points, in one dtype.

        The square is expanded for speed; where that would cost digits (sigma small), in float64.
        """
        flat, points = x.flatten(1), self.points.flatten(1)
        reach = float(torch.linalg.vector_norm(flat, dim=1).max() * torch.linalg.vector_norm(points, dim=1).max())
        lost = torch.finfo(x.dtype).eps * level.alpha * reach / level.sigma**2
        points = points.to(torch.float64 if lost > MAX_LOST else x.dtype)
        bias = -0.5 * (level.alpha / level.sigma) ** 2 * (points * points).sum(1)
        rows = max(1, CHUNK // len(points))
        for first in range(0, len(x), rows):
            part = slice(first, first + rows)
            log_w = torch.addmm(bias, flat[part].to(points.dtype), points.T, alpha=level.alpha / level.sigma**2)
            if label is not None and self.labels is not None:
                wanted = label[part, None]
                log_w = log_w.masked_fill_((wanted != self.labels) & (wanted >= 0), -math.inf)
            yield part, log_w, points


def exact_denoiser(target: Any, n: int = 4000, seed: int = 0, *, device: torch.device | str = "cpu") -> Denoiser:
    """The exact denoiser of a target: in closed form for a Gaussian mixture, else the ideal one of n of its states.

    target: has `.density` (or None) and `.draw_labelled(n, rng) -> (n, *event), (n,) or None`. The classes of a mixture
    are its components.
    """
    if isinstance(target.density, GaussianMixture):
        return MixtureDenoiser(target.density)
    points, labels = target.draw_labelled(n, generator(seed, Purpose.DATA))
    return DataDenoiser(points, labels, device=device)
