"""Densities that samplers find hard: bent, narrowing, and with barriers between their wells."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch

from diffrender.diffusion.targets.densities.base import Bounds, Density, draw_1d

LOG_2PI = math.log(2 * math.pi)


class Sheared(Density):
    """x ~ N(mean, std²), y ~ N(f(x), width²): a Gaussian sheared along a curve, so exactly normalised.

    curve: x (N,) → f(x) and f′(x), each (N,).
    """

    dim = 2

    def __init__(
        self,
        curve: Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]],
        mean: float,
        std: float,
        width: float,
        bounds: Bounds,
    ) -> None:
        self.curve, self.mean, self.std, self.width, self.bounds = curve, mean, std, width, bounds

    def evaluate(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """N(mean, std²) in x_0 and N(f(x_0), width²) in x_1: shearing keeps areas, so nothing is added."""
        f, slope = self.curve(x[:, 0])
        u, v = x[:, 0] - self.mean, x[:, 1] - f
        along, across = u / self.std**2, v / self.width**2
        log_p = -0.5 * (u * along + v * across) - math.log(self.std * self.width) - LOG_2PI
        return log_p, torch.stack([across * slope - along, -across], 1)

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n exact draws, (n, 2) float32: x_0 first, then x_1 round the curve there."""
        x = rng.normal(self.mean, self.std, n)
        f = self.curve(torch.from_numpy(x))[0].numpy()
        return np.stack([x, f + rng.normal(0, self.width, n)], 1).astype(np.float32)


class Funnel(Density):
    """v ~ N(0, std²) and x_i ~ N(0, e^v) (Neal 2003, Slice sampling, §8); v is the last coordinate."""

    def __init__(self, std: float, dim: int) -> None:
        self.std, self.dim = std, dim
        self.bounds = (*((-4 * std, 4 * std),) * (dim - 1), (-3 * std, 3 * std))

    def evaluate(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """log p, normalised, with n·v/2 for the width of the n other coordinates."""
        rest, v = x[:, :-1], x[:, -1]
        n, tight = self.dim - 1, torch.exp(-v)
        square = (rest * rest).sum(1) * tight
        log_p = -0.5 * (v * v / self.std**2 + square + n * v) - 0.5 * self.dim * LOG_2PI - math.log(self.std)
        along = -v / self.std**2 + 0.5 * (square - n)
        return log_p, torch.cat([-rest * tight[:, None], along[:, None]], 1)

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n exact draws, (n, D) float32: v first, then the others at its width."""
        v = rng.normal(0, self.std, (n, 1))
        return np.concatenate([rng.standard_normal((n, self.dim - 1)) * np.exp(v / 2), v], 1).astype(np.float32)


class DoubleWell(Density):
    """log p = −barrier·(x²/distance² − 1)², and in 2-D y ~ N(0, width²): wells at x = ±distance."""

    normalised = False

    def __init__(self, barrier: float, distance: float, width: float, dim: int) -> None:
        self.barrier, self.distance, self.width, self.dim = barrier, distance, width, dim
        self.bounds = ((-1.9 * distance, 1.9 * distance), (-3.5 * width, 3.5 * width))[:dim]

    def evaluate(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Up to a constant; in 1-D the well alone."""
        u = x[:, 0] / self.distance
        rise = u * u - 1
        log_p, score = -self.barrier * rise * rise, -4 * self.barrier / self.distance * u * rise
        if self.dim == 1:
            return log_p, score[:, None]
        y = x[:, 1]
        return log_p - 0.5 * (y / self.width) ** 2, torch.stack([score, -y / self.width**2], 1)

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n draws, (n, D) float32: x by its distribution on a fine grid, y exactly."""

        def log_p(x: np.ndarray) -> np.ndarray:
            return -self.barrier * ((x / self.distance) ** 2 - 1) ** 2

        reach = self.distance * math.sqrt(1 + math.sqrt(40 / self.barrier))  # where p is e⁻⁴⁰ of its peak
        x = draw_1d(log_p, -reach, reach, n, rng)
        columns = [x] if self.dim == 1 else [x, rng.normal(0, self.width, n)]
        return np.stack(columns, 1).astype(np.float32)


class MullerBrown(Density):
    """exp(−U/temperature) of the Müller–Brown surface (Müller & Brown 1979): three minima, two saddles."""

    dim, normalised = 2, False
    bounds = ((-1.75, 1.3), (-0.6, 2.1))
    height = (-200.0, -100.0, -170.0, 15.0)
    a, b, c = (-1.0, -1.0, -6.5, 0.7), (0.0, 0.0, 11.0, 0.6), (-10.0, -10.0, -6.5, 0.7)
    centre = ((1.0, 0.0), (0.0, 0.5), (-0.5, 1.5), (-1.0, 1.0))

    def __init__(self, temperature: float) -> None:
        self.temperature = temperature

    def evaluate(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """−U/temperature, up to a constant; U is a sum of four exponentials."""
        height, a, b, c = (x.new_tensor(values) for values in (self.height, self.a, self.b, self.c))
        u, v = (x[:, None] - x.new_tensor(self.centre)).unbind(-1)  # (N, 4) each
        term = height * torch.exp(a * u * u + b * u * v + c * v * v)
        slope = torch.stack([(term * (2 * a * u + b * v)).sum(1), (term * (b * u + 2 * c * v)).sum(1)], 1)
        return -term.sum(1) / self.temperature, -slope / self.temperature
