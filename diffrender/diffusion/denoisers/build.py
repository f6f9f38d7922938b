"""Denoisers by name: exact or learned, all answering ``denoiser(x, level, label=None) -> Prediction``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field

from diffrender.config.sections import Config
from diffrender.core.errors import ConfigError, DiffrenderError
from diffrender.diffusion.denoisers import learned
from diffrender.diffusion.denoisers.base import Denoiser
from diffrender.diffusion.denoisers.exact import exact_denoiser
from diffrender.diffusion.denoisers.guidance import Guided
from diffrender.diffusion.denoisers.networks.registry import NETWORKS


@NETWORKS.register("exact")
def exact(
    target: Any,
    seed: int,
    device: torch.device | str,
    *,
    points: Annotated[int, Field(ge=1)] = 4000,
) -> Denoiser:
    """No network: the closed form for a Gaussian mixture, else the ideal answer for `points` draws of the target."""
    return exact_denoiser(target, points, seed, device=device)


def classes(config: Config, target: Any) -> int:
    """How many classes the network learns apart; 0 unless `model.conditional`."""
    if not config.model.params.get("conditional", False):
        return 0
    if not target.labels:
        raise ConfigError("model.conditional: the target has no classes.", "Leave it out, or choose another target.")
    return len(target.labels)


def build_denoiser(config: Config, target: Any, weights: Path | None, device: torch.device | str = "cpu") -> Denoiser:
    """The denoiser that a config names, guided if it asks for that.

    Raises DiffrenderError if it must be learned and there are no weights.
    """
    if not config.model.learned:
        make, params = NETWORKS.resolve("exact", config.model.params, "model")
        return make(target, config.seed, device, **params)
    if weights is None:
        raise DiffrenderError(
            "This model must be trained before it is sampled.",
            "Train it (diffrender train NAME), or take the closed form: --set model.kind=exact",
        )
    count = classes(config, target)
    denoiser = learned.load(weights, config, target.event, count, device)
    return Guided(denoiser, config.sampler.guidance_scale) if count and config.sampler.guidance_scale != 1 else denoiser
