"""Denoisers without a network, by name: what can be said of a target, or of a set of images, by formula alone."""

from __future__ import annotations

from typing import Annotated, Any

import torch
from pydantic import Field

from diffrender.core.errors import ConfigError
from diffrender.core.registry import Registry
from diffrender.diffusion.denoisers.base import Denoiser
from diffrender.diffusion.denoisers.exact import exact_denoiser
from diffrender.diffusion.denoisers.gaussian import GaussianDenoiser
from diffrender.diffusion.denoisers.hybrid import HybridDenoiser
from diffrender.diffusion.denoisers.local import Border, LocalDenoiser, patch_side
from diffrender.diffusion.noise import Purpose, generator

CLOSED_FORMS = Registry("model")
HYBRIDS = Registry("model")
LEAST_PATCH = {1: 3, 3: 5}  # by channels: in colour a single pixel says little
Locality = Annotated[float, Field(gt=0, le=100)]
Count = Annotated[int, Field(ge=1)]
Side = Annotated[int, Field(ge=1, le=511)]


@CLOSED_FORMS.register("exact", title="exact denoiser", paper="Karras et al. 2022, eq. 57")
def exact(
    target: Any, seed: int, device: torch.device | str, *, points: Count = 4000, conditional: bool = False
) -> Denoiser:
    """The ideal denoiser: of a Gaussian mixture, of all images of a set, or else of `points` draws of the target."""
    return exact_denoiser(target, points, seed, conditional=conditional, device=device)


@CLOSED_FORMS.register(
    "gaussian", title="Gaussian denoiser", paper="Wiener 1949, Extrapolation of stationary time series"
)
def gaussian(
    target: Any, seed: int, device: torch.device | str, *, points: Count = 4000, conditional: bool = False
) -> Denoiser:
    """The best affine denoiser: of a Gaussian with the mean and covariance of all images, or of `points` draws."""
    x, label = target.states() or target.draw_labelled(points, generator(seed, Purpose.DATA))
    return GaussianDenoiser(x, label if conditional else None, device=device)


@CLOSED_FORMS.register("local", title="local denoiser, locality {locality:g}", paper="Kamb & Ganguli 2025, eq. 6")
def local(
    target: Any,
    seed: int,
    device: torch.device | str,
    *,
    locality: Locality = 2.0,
    points: Count = 1000,
    min_patch: Side | None = None,
    max_patch: Side | None = None,
    border: Border = "reflect",
    average: bool = True,
    conditional: bool = False,
) -> Denoiser:
    """The ideal denoiser that sees a patch around each pixel; `locality` 1 makes mosaics, 2 invents, 3.5 remembers.

    Where patches grow to the whole image, in much noise, an image that lies far from all others is found again by its
    outline; `max_patch`, the side of the largest, of six tenths of the image or less keeps it from that.
    """
    count = len(target.labels) if conditional else 1
    states = target.states(points * count) if len(target.event) == 3 else None
    if states is None:
        raise ConfigError(
            f"model: 'local' needs a set of images, and target '{target.name}' is none.",
            "Take a target of images such as digits, or model: exact.",
        )
    images, label = states
    least = min_patch or LEAST_PATCH.get(target.event[0], 5)

    def side(ratio: float) -> int:
        found = patch_side(ratio * target.scale, locality, max(target.event[1:]), least)
        return found if max_patch is None else max(min(found, max_patch | 1), least | 1)

    return LocalDenoiser(
        images, label if conditional else None, side=side, border=border, average=average, device=device
    )


@HYBRIDS.register("hybrid", title="local, then a network at σ = {sigma:g}")
def hybrid(
    target: Any,
    seed: int,
    device: torch.device | str,
    fine: Denoiser,
    conditional: bool,
    *,
    network: Any,
    sigma: Annotated[float, Field(gt=0)] = 0.8,
    locality: Locality = 2.4,
    points: Count = 1000,
) -> Denoiser:
    """The local denoiser until the noise has fallen to `sigma` (of values in [−1, 1]), then the network `fine`."""
    coarse = local(target, seed, device, locality=locality, points=points, conditional=conditional)
    return HybridDenoiser(coarse, fine, sigma / target.scale)
