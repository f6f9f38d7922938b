"""Densities round a circle: a ring, a piece of one, and a torus. All exact in polar coordinates."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.special import ndtr

from diffrender.diffusion.targets.densities.base import Density, draw_1d


class Arc(Density):
    """A bent stroke in 2-D: exp(−(r − radius)²/2 width² − (θ − angle)²/2 spread²), polar about `centre`."""

    dim = 2

    def __init__(self, centre: tuple[float, float], radius: float, angle: float, spread: float, width: float) -> None:
        self.centre, self.radius, self.angle, self.spread, self.width = centre, radius, angle, spread, width
        reach = radius + 4 * width
        self.bounds = tuple((c - reach, c + reach) for c in centre)
        turn = spread * math.sqrt(2 * math.pi) * math.erf(math.pi / (spread * math.sqrt(2)))
        self.log_norm = _log_radial(radius, width) + math.log(turn)

    def evaluate(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """A normal law across, in r, and one along, in the angle from the arc's middle, which lies in (−π, π]."""
        d = x - x.new_tensor(self.centre)
        r = _radius(d)
        turned = torch.atan2(d[:, 1], d[:, 0]) - self.angle
        theta = torch.atan2(torch.sin(turned), torch.cos(turned))
        across, along = (r - self.radius) / self.width**2, theta / self.spread**2
        log_p = -0.5 * (across * (r - self.radius) + along * theta) - self.log_norm
        around = torch.stack([-d[:, 1], d[:, 0]], 1) / (r * r)[:, None]
        return log_p, -across[:, None] * d / r[:, None] - along[:, None] * around

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n exact draws, (n, 2) float32; angles beyond ±π are drawn again."""
        theta = rng.normal(0, self.spread, n)
        while (wild := np.abs(theta) > math.pi).any():
            theta[wild] = rng.normal(0, self.spread, int(wild.sum()))
        return (_turned(_draw_radius(self.radius, self.width, n, rng), theta + self.angle) + self.centre).astype(
            np.float32
        )


class Ring(Density):
    """exp(−(r − radius)²/2 width²) in 2-D."""

    dim = 2

    def __init__(self, radius: float, width: float) -> None:
        self.radius, self.width = radius, width
        self.bounds = ((-radius - 4 * width, radius + 4 * width),) * 2
        self.log_norm = _log_radial(radius, width) + math.log(2 * math.pi)

    def evaluate(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """−(r − radius)²/2 width², normalised over the plane, and its gradient along x / r."""
        r = _radius(x)
        across = (r - self.radius) / self.width**2
        return -0.5 * across * (r - self.radius) - self.log_norm, -across[:, None] * x / r[:, None]

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n exact draws, (n, 2) float32: a radius, and an even angle."""
        r = _draw_radius(self.radius, self.width, n, rng)
        return _turned(r, rng.uniform(0, 2 * math.pi, n)).astype(np.float32)


class Donut(Density):
    """A torus in 3-D: a ring in (x, y), and N(0, width²) in z."""

    dim = 3

    def __init__(self, radius: float, width: float) -> None:
        self.ring, self.width = Ring(radius, width), width
        self.bounds = (*self.ring.bounds, (-4 * width, 4 * width))

    def evaluate(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The sum of the ring's log p in (x, y) and the normal law's in z."""
        log_p, score = self.ring.evaluate(x[:, :2])
        z, variance = x[:, 2], self.width**2
        log_p = log_p - 0.5 * z * z / variance - 0.5 * math.log(2 * math.pi * variance)
        return log_p, torch.cat([score, -x[:, 2:] / variance], 1)

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n exact draws, (n, 3) float32."""
        flat = self.ring.sample(n, rng)
        return np.concatenate([flat, rng.normal(0, self.width, (n, 1)).astype(np.float32)], 1)


def _radius(d: torch.Tensor) -> torch.Tensor:
    """|d|, (N,), kept off 0 so that directions stay finite."""
    return torch.linalg.vector_norm(d, dim=1).clamp_min(1e-6)


def _turned(r: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """Polar to Cartesian, (N, 2)."""
    return np.stack([r * np.cos(theta), r * np.sin(theta)], 1)


def _log_radial(radius: float, width: float) -> float:
    """log ∫_0^∞ r exp(−(r − radius)²/2 width²) dr."""
    near = width**2 * math.exp(-(radius**2) / (2 * width**2))
    return math.log(near + radius * width * math.sqrt(2 * math.pi) * float(ndtr(radius / width)))


def _draw_radius(radius: float, width: float, n: int, rng: np.random.Generator) -> np.ndarray:
    """n draws of r, of density ∝ r exp(−(r − radius)²/2 width²)."""

    def log_p(r: np.ndarray) -> np.ndarray:
        return np.log(np.maximum(r, 1e-300)) - (r - radius) ** 2 / (2 * width**2)

    return draw_1d(log_p, max(0.0, radius - 9 * width), radius + 9 * width, n, rng)
