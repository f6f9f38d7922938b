"""Networks as denoisers: building, calling, saving and loading them.

A network maps (x / √(alpha² + sigma²), log-SNR, label) to (N, *event). Scaled so, data of unit variance look the same
at one log-SNR whatever the schedule: what was trained on one table of levels can be sampled on any other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from diffrender.config.sections import Config
from diffrender.core.errors import ConfigError
from diffrender.core.provenance import made_with
from diffrender.diffusion.denoisers.base import Prediction
from diffrender.diffusion.denoisers.networks.catalogue import NETWORKS
from diffrender.diffusion.denoisers.networks.gaussian_preconditioned import GaussianPreconditioned
from diffrender.diffusion.denoisers.objectives import Objective, log_snr, objective
from diffrender.diffusion.levels import Level
from diffrender.diffusion.weights_file import fill, read_weights, write_weights

AT_ONCE = {"points": 1024, "images": 64}  # chains a call: a layer's activations then stay in the processor's cache
ON_DEVICE = 64  # times as many where there is memory and no cache to mind


class Learned:
    """A network as a denoiser; it is switched to inference, and asked without gradients unless x wants one."""

    def __init__(self, network: nn.Module, objective: Objective) -> None:
        self.network, self.objective = network.eval(), objective

    def __call__(self, x: torch.Tensor, level: Level, label: torch.Tensor | None = None) -> Prediction:
        """x (N, *event) on the network's device; label (N,) int64, below 0 for any class."""
        with torch.set_grad_enabled(x.requires_grad and torch.is_grad_enabled()):
            given = x.float() / math.hypot(level.alpha, level.sigma)
            place = float(log_snr(level.alpha, level.sigma))
            rows = AT_ONCE["points" if x.ndim == 2 else "images"] * (1 if x.device.type == "cpu" else ON_DEVICE)
            labels = [None] * -(-len(x) // rows) if label is None else label.split(rows)
            parts = [
                self.network(part, part.new_full((len(part),), place), some)
                for part, some in zip(given.split(rows), labels, strict=True)
            ]
            return Prediction(x, level, **self.objective.answer(torch.cat(parts).to(x.dtype), level))


def network(config: Config, event: tuple[int, ...], classes: int) -> nn.Module:
    """A fresh network as the config says, its weights a function of the seed."""
    make, params = NETWORKS.resolve(config.model.kind, config.model.params, "model")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        net = make(event, classes, **params)
    if isinstance(net, GaussianPreconditioned) and config.training.objective != net.objective:
        raise ConfigError(
            f"training.objective: 'precondition: gaussian' is trained by '{net.objective}' alone.",
            f"Take objective: {net.objective}, or precondition: none.",
        )
    return net


def save(path: Path, net: nn.Module, config: Config, header: Mapping[str, Any]) -> None:
    """Write weights as safetensors, with the config in the header; the file appears complete or not at all."""
    said = {"kind": "weights", "config": config.as_dict(), "seed": config.seed, "versions": made_with(), **header}
    write_weights(path, net.state_dict(), said)


def load(path: Path, config: Config, event: tuple[int, ...], classes: int, device: torch.device | str) -> Learned:
    """The network that `config` describes with the weights in `path`.

    Raises DiffrenderError if the file cannot be read or belongs to another network.
    """
    net = network(config, event, classes)
    fill(net, read_weights(path), path)
    return Learned(net.to(device), objective(config.training.objective))
