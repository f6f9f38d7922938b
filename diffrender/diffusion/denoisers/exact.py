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
from diffrender.diffusion.denoisers.by_class import ANY, ByClass
from diffrender.diffusion.levels import Level
from diffrender.diffusion.noise import Purpose, generator
from diffrender.diffusion.targets.densities.mixtures import GaussianMixture

CHUNK = 1 << 18  # pairs held at a time: 1 MB of float32 stays in the cache
MIN_ROWS = 64  # chains at a time, however many points there are
MAX_DOUBLED = 1 << 20  # numbers in all points, up to which they are simply taken in float64
NEAREST = 64  # points worked out again where there are more
SQUARED_AT_ONCE = 4096
MAX_LOST = 1e-4  # rounding error of a log likelihood above which float64 is used


class MixtureDenoiser:
    """E[x_0 | x_t] of a Gaussian mixture at every level, in the dtype of x."""

    def __init__(self, mixture: GaussianMixture) -> None:
        self.mixture = mixture

    def __call__(self, x: torch.Tensor, level: Level, label: torch.Tensor | None = None) -> Prediction:
        """x (N, D); label (N,) int64 conditions each chain on one component, unless below 0."""
        return Prediction(x, level, x0=self.mixture.at_level(x, level.alpha, level.sigma, label)[2])

    def log_prob_t(self, x: torch.Tensor, level: Level, label: int = ANY) -> torch.Tensor:
        """log p_t(x), or log p_t(x | label), (N,)."""
        given = torch.full((len(x),), label, device=x.device)
        return self.mixture.at_level(x, level.alpha, level.sigma, None if label == ANY else given)[0]

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
    """E[x_0 | x_t] when x_0 is one of M given states, each as likely (Karras et al. 2022, eq. 57).

    points: (M, *event) array or tensor. labels: (M,) int, by which chains may be conditioned. A chain bound to a class
    costs no more than that class has states.
    """

    def __init__(self, points: Any, labels: Any = None, *, device: torch.device | str = "cpu") -> None:
        self.by_class = ByClass(points, labels, device=device)
        self.points = self.by_class.points
        self.squares = torch.cat([(part.flatten(1) ** 2).sum(1) for part in self.points.split(SQUARED_AT_ONCE)])

    def __call__(self, x: torch.Tensor, level: Level, label: torch.Tensor | None = None) -> Prediction:
        """x (N, *event); label (N,) int64 conditions each chain on the points so labelled, unless below 0."""
        if level.sigma == 0:
            return Prediction(x, level, x0=x / level.alpha)
        out = torch.empty_like(x).flatten(1)
        for rows, k in self.by_class.groups(label, len(x)):
            parts = self._posterior(x[rows], level, self.by_class.spans[k])
            out[rows] = torch.cat(
                [(torch.softmax(log_w, 1).to(points.dtype) @ points).to(x.dtype) for log_w, points in parts]
            )
        return Prediction(x, level, x0=out.view_as(x))

    def log_prob_t(self, x: torch.Tensor, level: Level, label: int = ANY) -> torch.Tensor:
        """log p_t(x), or log p_t(x | label), (N,), for sigma > 0."""
        flat, variance, span = x.double().flatten(1), level.sigma**2, self.by_class.spans[label]
        out = torch.cat([torch.logsumexp(log_w.double(), 1) for log_w, _ in self._posterior(x, level, span)])
        out -= (flat * flat).sum(1) / (2 * variance) + flat.shape[1] / 2 * math.log(2 * math.pi * variance)
        return (out - math.log(len(self.points[span]))).to(x.dtype)

    def _posterior(self, x: torch.Tensor, level: Level, span: slice) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """For chunks of chains: log likelihoods (n, M) of the points of a span but for |x|²/2σ²; these points (M, D).

        The square is expanded for speed. Where that would cost digits (sigma small), few points are all taken in
        float64; of many, only those that come near enough to count are worked out again.
        """
        flat, points, squares = x.flatten(1), self.points[span].flatten(1), self.squares[span]
        reach = float(torch.linalg.vector_norm(flat.detach(), dim=1).max() * squares.max().sqrt())
        lost = torch.finfo(x.dtype).eps * level.alpha * reach / level.sigma**2 > MAX_LOST
        few = points.numel() <= MAX_DOUBLED
        points = points.to(torch.float64 if lost and few else x.dtype)
        squares = squares if points.dtype == self.points.dtype else (points * points).sum(1)
        bias = -0.5 * (level.alpha / level.sigma) ** 2 * squares
        rows = max(MIN_ROWS, CHUNK // len(points))
        for part in flat.split(rows):
            log_w = torch.addmm(bias, part.to(points.dtype), points.T, alpha=level.alpha / level.sigma**2)
            yield (_sharpened(log_w, part, points, level) if lost and not few else log_w), points


def _sharpened(log_w: torch.Tensor, x: torch.Tensor, points: torch.Tensor, level: Level) -> torch.Tensor:
    """log_w (n, M) in float64, the largest of each row worked out again without loss; x (n, D), points (M, D)."""
    nearest = log_w.topk(min(NEAREST, len(points)), dim=1).indices
    log_w = log_w.double()
    for row, index, chain in zip(log_w, nearest, x.double(), strict=True):
        some = points[index].double()
        row[index] = (level.alpha * some @ chain - level.alpha**2 / 2 * some.square().sum(1)) / level.sigma**2
    return log_w


def exact_denoiser(
    target: Any, n: int = 4000, seed: int = 0, *, conditional: bool = True, device: torch.device | str = "cpu"
) -> Denoiser:
    """The exact denoiser of a target: of a Gaussian mixture in closed form, of a finite set all of it, else of n draws.

    target: has `.density` (or None), `.states()` (or None) and `.draw_labelled(n, rng) -> (n, *event), (n,) or None`.
    The classes of a mixture are its components. conditional: chains may be bound to classes.
    """
    if isinstance(target.density, GaussianMixture):
        return MixtureDenoiser(target.density)
    points, labels = target.states() or target.draw_labelled(n, generator(seed, Purpose.DATA))
    return DataDenoiser(points, labels if conditional else None, device=device)
