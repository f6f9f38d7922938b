"""Denoisers by name: exact or learned, all answering ``denoiser(x, level, label=None) -> Prediction``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch

from diffrender.config.overrides import worse_network
from diffrender.config.sections import Config
from diffrender.core.errors import ConfigError, DiffrenderError
from diffrender.diffusion.denoisers import learned
from diffrender.diffusion.denoisers.base import Denoiser
from diffrender.diffusion.denoisers.closed_forms import CLOSED_FORMS, HYBRIDS
from diffrender.diffusion.denoisers.guidance import Guided
from diffrender.diffusion.denoisers.networks.catalogue import NETWORKS
from diffrender.diffusion.denoisers.pretrained import PRETRAINED


def classes(config: Config, target: Any) -> int:
    """How many classes the model tells apart; 0 unless `model.conditional`, or chains of a closed form have classes."""
    wanted = config.sampler.classes is not None
    default = bool(target.labels) if target.name == "pretrained" else wanted and not config.model.learned
    if not config.network.model.params.get("conditional", default):
        if wanted and config.model.kind in PRETRAINED:
            raise ConfigError("sampler.classes: the pretrained model knows no classes.", "Leave --class out.")
        if wanted:
            raise ConfigError("sampler.classes: the model knows no classes.", "Set model.conditional: true.")
        return 0
    if not target.labels:
        raise ConfigError("model.conditional: the target has no classes.", "Leave it out, or choose another target.")
    return len(target.labels)


def build_denoiser(
    config: Config,
    target: Any,
    weights: Path | None,
    device: torch.device | str = "cpu",
    *,
    worse: Path | None = None,
) -> Denoiser:
    """The denoiser that a config names, guided if it asks for that; worse: weights of what autoguidance guides by.

    Raises DiffrenderError if it must be learned and there are no weights.
    """
    count = classes(config, target)
    check_guidance(config, count)
    if config.model.kind == "pretrained":
        make, params = PRETRAINED.resolve(config.model.kind, config.model.params, "model")
        return _guided(make(target, device, **params), config, count)
    if not config.model.learned:
        make, params = CLOSED_FORMS.resolve(config.model.kind, config.model.params, "model")
        return _guided(make(target, config.seed, device, **params | {"conditional": count > 0}), config, count)
    if weights is None:
        raise DiffrenderError(
            "This model must be trained before it is sampled.",
            "Train it (diffrender train NAME), or take the closed form: --set model.kind=exact",
        )
    network: Denoiser = learned.load(weights, config.network, target.event, count, device)
    if config.sampler.autoguidance is None:
        network = _guided(network, config, count)
    elif worse is None:
        raise DiffrenderError(
            "The network that sampler.autoguidance guides by must be trained before.",
            "diffrender sample and render do that; in Python, train it and give its weights as `worse`.",
        )
    else:
        other = learned.load(worse, worse_network(config), target.event, count, device)
        network = Guided(network, config.sampler.guidance_scale, _interval(config), worse=other)
    if config.model.kind != "hybrid":
        return network
    make, params = HYBRIDS.resolve(config.model.kind, config.model.params, "model")
    return make(target, config.seed, device, network, count > 0, **params)


def check_guidance(config: Config, count: int) -> None:
    """ConfigError if guidance is asked for and the model tells no classes apart: it would do nothing."""
    scale, interval = config.sampler.guidance_scale, config.sampler.guidance_interval
    if interval is not None and (scale == 1 or not 0 <= interval[0] < interval[1]):
        raise ConfigError(
            f"sampler.guidance_interval: {list(interval)} needs 0 ≤ from < to, and a guidance_scale other than 1.",
            "Example: guidance_scale: 4, guidance_interval: [0.3, 3]. Leave it out to guide at every level.",
        )
    if config.sampler.autoguidance is not None:
        _check_autoguidance(config)
        return
    if scale != 1 and not count:
        raise ConfigError(
            f"sampler.guidance_scale: {scale:g} does nothing, for the model tells no classes apart.",
            "Leave it out, or set model.conditional: true, of a target with classes.",
        )
    if scale != 1 and config.model.kind in PRETRAINED and "null_class" not in config.model.params:
        raise ConfigError(
            f"sampler.guidance_scale: {scale:g} compares with the answer for no class, and it is not known which row of"
            " the pretrained model's class embedding that is.",
            "Say it, if the model was trained with one: model.null_class. Else leave guidance out.",
        )


def _guided(denoiser: Denoiser, config: Config, count: int) -> Denoiser:
    """`denoiser` with the guidance that the config asks for, if it tells classes apart."""
    sampler = config.sampler
    if not count or sampler.guidance_scale == 1:
        return denoiser
    return Guided(denoiser, sampler.guidance_scale, _interval(config))


def _interval(config: Config) -> tuple[float, float]:
    """sigma / alpha from and to which guidance acts."""
    return config.sampler.guidance_interval or (0.0, math.inf)


def _check_autoguidance(config: Config) -> None:
    """ConfigError unless there is a network to be trained, another that differs from it, and a scale."""
    example = "Example: guidance_scale: 2, autoguidance: {training: {steps: 300}}."
    if not config.model.learned or config.model.kind == "hybrid":
        raise ConfigError(
            f"sampler.autoguidance: guides a network by a worse one, and 'model: {config.model.kind}' is none that is"
            " trained.",
            "Take a network (diffrender list networks), or leave autoguidance out.",
        )
    if config.sampler.guidance_scale == 1:
        raise ConfigError("sampler.autoguidance: does nothing at guidance_scale: 1.", example)
    worse = worse_network(config)
    NETWORKS.resolve(worse.model.kind, worse.model.params, "sampler.autoguidance.model")
    if worse.part("model", "training") == config.part("model", "training"):
        raise ConfigError("sampler.autoguidance: names the same network, so it guides nowhere.", example)
