"""The densities a config may name; log p and score of each in closed form, batched, in any float dtype."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from scipy.special import ndtr

from ...errors import ConfigError
from ..registry import Registry
from .density import Density, draw_1d
from .mixtures import GaussianMixture, Mixture

DENSITIES = Registry("density")

Positive = Annotated[float, Field(gt=0)]


# ---- mixtures --------------------------------------------------------------------------------------------------------
@DENSITIES.register("gaussian_mixture", aliases=("gmm",))
def gaussian_mixture(
    *,
    means: tuple[tuple[float, ...], ...] = ((-1.5, 0.0), (1.5, 0.0)),
    weights: tuple[Positive, ...] | None = None,
    stds: Positive | tuple[Positive, ...] | tuple[tuple[Positive, ...], ...] = 0.5,
    covariances: tuple[tuple[tuple[float, ...], ...], ...] | None = None,
) -> GaussianMixture:
    """Gaussians anywhere, in 1-D, 2-D or 3-D: means (K, D), stds (one, K, or K × D) or covariances (K, D, D)."""
    if not means or len({len(m) for m in means}) != 1 or not 1 <= len(means[0]) <= 3:
        raise ConfigError(
            "target.means: K lists of one length, 1, 2 or 3 numbers each, are needed.", "Example: [[-1, 0], [1, 0]]"
        )
    k, d = len(means), len(means[0])
    if weights is not None and len(weights) != k:
        raise ConfigError(f"target.weights: {len(weights)} weights for {k} means.")
    if covariances is not None:
        shape = _shape(covariances)
        if shape != (k, d, d):
            raise ConfigError(f"target.covariances: {k} matrices of {d} × {d} are needed (got shape {shape}).")
        return GaussianMixture(np.array(weights or [1.0] * k), np.array(means), np.array(covariances))
    shape = _shape(stds)
    if shape not in ((), (k,), (k, d)):
        raise ConfigError(f"target.stds: one number, {k} of them, or {k} × {d}, are needed (got shape {shape}).")
    spread = np.array(stds, np.float64)
    spread = np.broadcast_to(spread[:, None] if spread.ndim == 1 else spread, (k, d))
    return GaussianMixture(np.array(weights or [1.0] * k), np.array(means), spread[:, :, None] ** 2 * np.eye(d))


@DENSITIES.register("smiley")
def smiley(*, eye: Positive = 0.38, nose: Positive = 0.29, mouth: Positive = 0.30) -> Mixture:
    """A face of three Gaussians and an arc: eye, nose and mouth are their standard deviations."""
    blobs = gaussian_mixture(
        means=((-1.10, 1.05), (1.10, 1.05), (0.0, 0.12)), weights=(0.20, 0.20, 0.11), stds=(eye, eye, nose)
    )
    arc = Arc(centre=(0.0, 0.62), radius=2.15, angle=-math.pi / 2, spread=0.52, width=mouth)
    face = Mixture([0.51, 0.49], [blobs, arc])
    face.bounds = ((-3.4, 3.4), (-2.6, 2.6))
    return face


class Arc(Density):
    """A bent stroke: exp(−(r − radius)²/2 width² − (θ − angle)²/2 spread²) in polar coordinates about `centre`."""

    dim = 2

    def __init__(self, centre: tuple[float, float], radius: float, angle: float, spread: float, width: float) -> None:
        self.centre, self.radius, self.angle, self.spread, self.width = centre, radius, angle, spread, width
        reach = radius + 4 * width
        self.bounds = tuple((c - reach, c + reach) for c in centre)
        turn = spread * math.sqrt(2 * math.pi) * math.erf(math.pi / (spread * math.sqrt(2)))
        self.log_norm = _log_radial(radius, width) + math.log(turn)

    def evaluate(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        d = x - x.new_tensor(self.centre)
        r = torch.linalg.vector_norm(d, dim=1).clamp_min(1e-6)
        turned = torch.atan2(d[:, 1], d[:, 0]) - self.angle
        theta = torch.atan2(torch.sin(turned), torch.cos(turned))
        across, along = (r - self.radius) / self.width**2, theta / self.spread**2
        log_p = -0.5 * (across * (r - self.radius) + along * theta) - self.log_norm
        out = d / r[:, None]
        around = torch.stack([-d[:, 1], d[:, 0]], 1) / (r * r)[:, None]
        return log_p, -across[:, None] * out - along[:, None] * around

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        theta = rng.normal(0, self.spread, n)
        while (wild := np.abs(theta) > math.pi).any():
            theta[wild] = rng.normal(0, self.spread, int(wild.sum()))
        r, theta = _draw_radius(self.radius, self.width, n, rng), theta + self.angle
        return (np.stack([r * np.cos(theta), r * np.sin(theta)], 1) + self.centre).astype(np.float32)


def _log_radial(radius: float, width: float) -> float:
    """log ∫_0^∞ r exp(−(r − radius)²/2 width²) dr."""
    return math.log(
        width**2 * math.exp(-(radius**2) / (2 * width**2))
        + radius * width * math.sqrt(2 * math.pi) * float(ndtr(radius / width))
    )


def _draw_radius(radius: float, width: float, n: int, rng: np.random.Generator) -> np.ndarray:
    """n draws of r, of density ∝ r exp(−(r − radius)²/2 width²)."""

    def log_p(r: np.ndarray) -> np.ndarray:
        return np.log(np.maximum(r, 1e-300)) - (r - radius) ** 2 / (2 * width**2)

    return draw_1d(log_p, max(0.0, radius - 9 * width), radius + 9 * width, n, rng)


def _shape(nested: float | tuple) -> tuple[int, ...]:
    """Shape of nested lists; ConfigError if they are ragged."""
    try:
        return np.array(nested, np.float64).shape
    except ValueError:
        raise ConfigError("target: stds and covariances must be lists of equal lengths.") from None
