"""The densities a config may name. Each keeps its own coordinates; log p and score are in closed form."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field

from diffrender.core.errors import ConfigError
from diffrender.core.registry import Registry
from diffrender.diffusion.targets.densities.expression import Expression
from diffrender.diffusion.targets.densities.mixtures import GaussianMixture, Mixture
from diffrender.diffusion.targets.densities.rings import Arc, Donut, Ring
from diffrender.diffusion.targets.densities.valleys import DoubleWell, Funnel, MullerBrown, Sheared

DENSITIES = Registry("density")

SMALLEST, LARGEST = 1e-4, 1e4  # of what a parameter may be: beyond them float32 states lose their digits
Positive = Annotated[float, Field(ge=SMALLEST, le=LARGEST)]
Place = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
Numbers = Annotated[tuple[Place, ...], Field(max_length=1000)]


@DENSITIES.register("gaussian_mixture", aliases=("gmm",))
def gaussian_mixture(
    *,
    means: Annotated[tuple[Numbers, ...], Field(max_length=1000)] = ((-1.5, 0.0), (1.5, 0.0)),
    weights: tuple[Positive, ...] | None = None,
    stds: Positive | tuple[Positive, ...] | tuple[tuple[Positive, ...], ...] = 0.5,
    covariances: tuple[tuple[Numbers, ...], ...] | None = None,
) -> GaussianMixture:
    """Gaussians anywhere, in 1-D, 2-D or 3-D: means (K, D), stds (one, K, or K × D) or covariances (K, D, D)."""
    if not means or len({len(m) for m in means}) != 1 or not 1 <= len(means[0]) <= 3:
        raise ConfigError(
            "target.means: K lists of one length, of 1, 2 or 3 numbers each, are needed.", "Example: [[-1, 0], [1, 0]]"
        )
    k, d = len(means), len(means[0])
    if weights is not None and len(weights) != k:
        raise ConfigError(f"target.weights: {len(weights)} weights for {k} means.", "Give one for each mean.")
    shares = np.array(weights or [1.0] * k)
    if covariances is not None:
        _require_shape("covariances", covariances, (k, d, d))
        return GaussianMixture(shares, np.array(means), np.array(covariances))
    _require_shape("stds", stds, (), (k,), (k, d))
    spread = np.array(stds, np.float64)
    spread = np.broadcast_to(spread[:, None] if spread.ndim == 1 else spread, (k, d))
    return GaussianMixture(shares, np.array(means), spread[:, :, None] ** 2 * np.eye(d))


def _require_shape(key: str, nested: float | tuple, *shapes: tuple[int, ...]) -> None:
    """ConfigError unless nested lists have one of the shapes."""
    try:
        shape = np.array(nested, np.float64).shape
    except ValueError:
        raise ConfigError(f"target.{key}: lists of equal lengths are needed.") from None
    if shape not in shapes:
        wanted = " or ".join(" × ".join(map(str, s)) or "one number" for s in shapes)
        raise ConfigError(f"target.{key}: {wanted} needed for these means (got {' × '.join(map(str, shape))}).")


@DENSITIES.register("smiley")
def smiley(*, eye: Positive = 0.38, nose: Positive = 0.29, mouth: Positive = 0.30) -> Mixture:
    """A face of three Gaussians and an arc; eye, nose and mouth are their standard deviations."""
    blobs = gaussian_mixture(
        means=((-1.10, 1.05), (1.10, 1.05), (0.0, 0.12)), weights=(0.20, 0.20, 0.11), stds=(eye, eye, nose)
    )
    arc = Arc(centre=(0.0, 0.62), radius=2.15, angle=-math.pi / 2, spread=0.52, width=mouth)
    return Mixture([0.51, 0.49], [blobs, arc], bounds=((-3.4, 3.4), (-2.6, 2.6)))


@DENSITIES.register("star")
def star(
    *,
    rays: Annotated[int, Field(ge=2, le=100)] = 5,
    radius: Positive = 1.3,
    length: Positive = 0.6,
    width: Positive = 0.16,
) -> GaussianMixture:
    """A star of long Gaussians, one a ray: `length` and `width` are their standard deviations along and across it."""
    angle = math.pi / 2 + 2 * math.pi * np.arange(rays) / rays
    out = np.stack([np.cos(angle), np.sin(angle)], 1)
    side = np.stack([-out[:, 1], out[:, 0]], 1)
    spread = length**2 * out[:, :, None] * out[:, None] + width**2 * side[:, :, None] * side[:, None]
    return GaussianMixture(np.ones(rays), radius * out, spread)


@DENSITIES.register("ring")
def ring(*, radius: Positive = 2.0, width: Positive = 0.2) -> Ring:
    """A circle of the given radius, with normal spread `width` across it."""
    return Ring(radius, width)


@DENSITIES.register("donut")
def donut(*, radius: Positive = 1.6, width: Positive = 0.3) -> Donut:
    """A torus in 3-D: a ring lying in (x, y), with normal spread `width` across the tube."""
    return Donut(radius, width)


@DENSITIES.register("banana", aliases=("rosenbrock",), paper="Pagani, Wiegand & Nadarajah 2022; Rosenbrock 1960")
def banana(*, mean: Place = 0.0, std: Positive = 1.0, bend: Place = 0.7, width: Positive = 0.35) -> Sheared:
    """Rosenbrock's curved valley: x ~ N(mean, std²), y ~ N(bend·x², width²)."""
    tip = bend * (abs(mean) + 2.4 * std) ** 2
    low, high = min(tip, 0.0) - 3 * width, max(tip, 0.0) + 3 * width
    bounds = ((mean - 3.2 * std, mean + 3.2 * std), (low, high))
    return Sheared(lambda x: (bend * x * x, 2 * bend * x), mean, std, width, bounds)


@DENSITIES.register("squiggle", paper="chi-feng, The Markov-chain Monte Carlo interactive gallery")
def squiggle(*, std: Positive = 1.5, amplitude: Place = 0.9, frequency: Place = 2.5, width: Positive = 0.3) -> Sheared:
    """A wave: x ~ N(0, std²), y ~ N(amplitude·sin(frequency·x), width²)."""

    def wave(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return amplitude * torch.sin(frequency * x), amplitude * frequency * torch.cos(frequency * x)

    reach = abs(amplitude) + 3.5 * width
    return Sheared(wave, 0.0, std, width, ((-3 * std, 3 * std), (-reach, reach)))


@DENSITIES.register("funnel", paper="Neal 2003, Slice sampling, §8")
def funnel(*, std: Annotated[float, Field(ge=SMALLEST, le=20)] = 3.0, dim: Literal[2, 3] = 2) -> Funnel:
    """Neal's funnel: v ~ N(0, std²) is the last coordinate, the others are N(0, e^v)."""
    return Funnel(std, dim)


@DENSITIES.register("double_well")
def double_well(
    *, barrier: Positive = 3.0, distance: Positive = 1.5, width: Positive = 0.6, dim: Literal[1, 2] = 2
) -> DoubleWell:
    """Two wells at x = ±distance, with a barrier of `barrier` kT between them."""
    return DoubleWell(barrier, distance, width, dim)


@DENSITIES.register("muller_brown", paper="Müller & Brown 1979, Theoretica Chimica Acta 53")
def muller_brown(*, temperature: Positive = 20.0) -> MullerBrown:
    """The Müller–Brown surface: three wells and a winding way between them; `temperature` is kT in its units."""
    return MullerBrown(temperature)


@DENSITIES.register("expression")
def expression(*, log_p: str, box: Annotated[tuple[float, ...], Field(max_length=6)] | None = None) -> Expression:
    """Any log p written in x, y, z, such as "-(x**2 + y**2 - 1)**2"; its score is by automatic differentiation.

    box: x0, x1 (, y0, y1 (, z0, z1)) that holds nearly all of it; found unless given.
    """
    return Expression(log_p, box)
