"""Image models that others trained with diffusers, as denoisers: sampled by every sampler, shown by every scene."""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import Field

from diffrender.core.errors import ConfigError, DiffrenderError
from diffrender.core.registry import Registry
from diffrender.diffusion.denoisers.base import Prediction
from diffrender.diffusion.diffusers_folder import WEIGHTS, DiffusersFolder, find
from diffrender.diffusion.diffusers_weights import load_network
from diffrender.diffusion.levels import Level

PRETRAINED = Registry("model")
AT_ONCE = 64  # images a call
PREDICTION_TYPES = ("epsilon", "sample", "v_prediction")


class PretrainedDenoiser:
    """A `UNet2DModel` with its scheduler's table, prediction type and clipping.

    null_class: the row of its class embedding that stands for no class; the others are its classes, in their order.

    The model knows only levels of its own table of ᾱ; at any other one it is asked at the place between two of its
    timesteps where sigma / alpha is the same, x scaled to α² + σ² = 1. raw = x · scale + offset takes states to the
    model's own images in [−1, 1].
    """

    def __init__(
        self,
        network: Any,
        alphas_cumprod: np.ndarray,
        prediction_type: str = "epsilon",
        clip: float | None = None,
        *,
        scale: float = 1.0,
        offset: Any = 0.0,
        null_class: int | None = None,
    ) -> None:
        if prediction_type not in PREDICTION_TYPES:
            raise DiffrenderError(f"model.path: its scheduler's prediction_type '{prediction_type}' is not known.")
        self.network, self.prediction_type, self.clip = network.eval().requires_grad_(False), prediction_type, clip
        self.log_ratios = np.log((1 - alphas_cumprod) / alphas_cumprod) / 2
        self.rows = [k for k in range(int(network.config.num_class_embeds or 0)) if k != null_class]
        self.null_class = null_class
        self.scale, self.offset = float(scale), torch.as_tensor(np.asarray(offset, np.float32))

    @property
    def classes(self) -> int:
        """How many classes it knows."""
        return len(self.rows)

    def timestep(self, ratio: float) -> float:
        """The training timestep whose sigma / alpha is `ratio`: between two of them, or the nearest end."""
        if math.isinf(ratio):
            return float(len(self.log_ratios) - 1)
        if ratio == 0:
            return 0.0
        found = float(np.interp(math.log(ratio), self.log_ratios, np.arange(len(self.log_ratios))))
        return float(round(found)) if abs(found - round(found)) < 1e-3 else found

    def __call__(self, x: torch.Tensor, level: Level, label: torch.Tensor | None = None) -> Prediction:
        """x (N, C, H, W); label (N,) int64, which a model that knows classes must be given."""
        offset, sigma = self.offset.to(x), self.scale * level.sigma
        norm = math.hypot(level.alpha, sigma)
        alpha, sigma = level.alpha / norm, sigma / norm
        raw = (self.scale * x + level.alpha * offset) / norm
        timestep = self.timestep(math.inf if alpha == 0 else sigma / alpha)
        out = torch.cat(
            [
                self._ask(part.float(), timestep, None if label is None else label[k * AT_ONCE : (k + 1) * AT_ONCE])
                for k, part in enumerate(raw.split(AT_ONCE))
            ]
        ).to(x)
        if self.prediction_type == "sample":
            x0 = out
        elif self.prediction_type == "v_prediction":
            x0 = alpha * raw - sigma * out
        elif alpha == 0:
            return Prediction(x, level, eps=out)
        else:
            x0 = (raw - sigma * out) / alpha
        if self.clip is None and self.prediction_type == "epsilon":
            return Prediction(x, level, eps=out)
        if self.clip is not None:
            x0 = x0.clamp(-self.clip, self.clip)
        return Prediction(x, level, x0=(x0 - offset) / self.scale)

    def _ask(self, x: torch.Tensor, timestep: float, label: torch.Tensor | None) -> torch.Tensor:
        """The network's own answer; of one that also learned a variance, without that."""
        rows = None
        if self.classes:
            label = torch.full((len(x),), -1, device=x.device) if label is None else label
            if self.null_class is None and bool((label < 0).any()):
                raise ConfigError(
                    "model: this pretrained model knows classes, and no answer for any class.",
                    "Set model.conditional: true, and leave guidance_scale at 1; or say with model.null_class which row"
                    " of its class embedding stands for no class.",
                )
            table = torch.tensor([*self.rows, self.null_class or 0], device=x.device)  # the last for −1
            rows = table[label]
        times = torch.full((len(x),), timestep, device=x.device)
        with torch.no_grad():
            return self.network(x, times, class_labels=rows).sample[:, : x.shape[1]]


@PRETRAINED.register("pretrained", title="pretrained")
def pretrained(
    target: Any,
    device: torch.device | str,
    *,
    path: str,
    revision: str | None = None,
    conditional: bool = False,
    null_class: Annotated[int, Field(ge=0)] | None = None,
) -> PretrainedDenoiser:
    """A model saved by diffusers: the folder `path`, or the model of that name on the hub.

    null_class: row of its class embedding that stands for no class, if it was trained with one: needed for guidance.
    """
    folder = find(path, revision)
    if folder.event != tuple(target.event):
        raise ConfigError(
            f"model.path: the model draws images of shape {folder.event}, and those of the target have {target.event}.",
            "Leave target out, and the model says the shape itself.",
        )
    denoiser = load_pretrained(folder, scale=target.scale, offset=target.offset, device=device, null_class=null_class)
    if conditional and denoiser.classes != len(target.labels or ()):
        raise ConfigError(
            f"model.path: the model knows {denoiser.classes} classes, and the target has {len(target.labels or ())}.",
            "Leave target out, and the model says how many there are; or set model.conditional: false.",
        )
    return denoiser


def load_pretrained(
    folder: DiffusersFolder, *, scale: float, offset: Any, device: Any, null_class: int | None = None
) -> PretrainedDenoiser:
    """The model in a folder, for states with raw = x · scale + offset in [−1, 1].

    Raises DiffrenderError if its files are damaged, or of a model that was trained in another way.
    """
    settings, channels = folder.scheduler.config, folder.event[0]
    network = load_network(folder.unet, WEIGHTS)
    if network.config.out_channels not in (channels, 2 * channels):
        raise DiffrenderError(f"{folder.unet}: makes {network.config.out_channels} channels of {channels}.")
    rows = int(network.config.num_class_embeds or 0)
    if null_class is not None and null_class >= rows:
        raise ConfigError(f"model.null_class: {null_class} is no row of its class embedding, which has {rows}.")
    if network.config.class_embed_type is not None:
        raise DiffrenderError(
            f"{folder.unet}: takes classes as '{network.config.class_embed_type}', and here they are numbers."
        )
    return PretrainedDenoiser(
        network.to(device),
        folder.alphas_cumprod,
        str(settings.get("prediction_type", "epsilon")),
        float(settings.get("clip_sample_range", 1.0)) if settings.get("clip_sample", False) else None,
        scale=scale,
        offset=offset,
        null_class=null_class,
    )
