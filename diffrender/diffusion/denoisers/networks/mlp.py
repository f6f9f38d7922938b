"""A small network for points: features of place and noise level, a few layers, one vector out."""

from __future__ import annotations

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from diffrender.diffusion.denoisers.networks.registry import NETWORKS

Width = Annotated[int, Field(ge=4, le=4096)]
Count = Annotated[int, Field(ge=1, le=32)]
Bands = Annotated[int, Field(ge=0, le=16)]


def octaves(lowest: float, count: int) -> torch.Tensor:
    """Frequencies that double from `lowest`, (count,)."""
    return lowest * 2.0 ** torch.arange(count, device="cpu")  # on "meta", for a check, it would import torch's compiler


class MLP(nn.Module):
    """x (N, *event), log-SNR (N,), label (N,) int64 or None → (N, *event).

    Sines and cosines of doubling frequency stand beside the coordinates: a plain MLP learns fine structure very late
    (Tancik et al. 2020). The longest wave spans ±4 standard deviations, and the whole range of log-SNR.
    """

    waves: torch.Tensor
    time_waves: torch.Tensor

    def __init__(
        self, event: tuple[int, ...], classes: int, *, width: int, depth: int, bands: int, time_bands: int
    ) -> None:
        super().__init__()
        size = math.prod(event)
        self.register_buffer("waves", octaves(math.pi / 4, bands), persistent=False)
        self.register_buffer("time_waves", octaves(math.pi / 20, time_bands), persistent=False)
        features = size * (1 + 2 * bands) + 1 + 2 * time_bands
        self.classes = nn.Embedding(classes + 1, width) if classes else None  # its last row stands for any class
        self.first = nn.Linear(features, width)
        self.hidden = nn.ModuleList(nn.Linear(width, width) for _ in range(depth - 1))
        self.last = nn.Linear(width, size)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, x: torch.Tensor, log_snr: torch.Tensor, label: torch.Tensor | None = None) -> torch.Tensor:
        """A label below 0 means any class."""
        flat, time = x.flatten(1), log_snr[:, None]
        place_waves = (flat[:, :, None] * self.waves).flatten(1)
        time_waves = time * self.time_waves
        features = [flat, time / 10, place_waves.sin(), place_waves.cos(), time_waves.sin(), time_waves.cos()]
        h = self.first(torch.cat(features, 1))
        if self.classes is not None:
            any_class = self.classes.num_embeddings - 1
            given = torch.full_like(log_snr, -1, dtype=torch.long) if label is None else label
            h = h + self.classes(torch.where(given < 0, any_class, given))
        for layer in self.hidden:
            h = layer(nn.functional.silu(h))
        return self.last(nn.functional.silu(h)).view_as(x)


@NETWORKS.register("mlp", label="MLP {depth} × {width}")
def mlp(
    event: tuple[int, ...],
    classes: int,
    *,
    width: Width = 128,
    depth: Count = 3,
    bands: Bands = 4,
    time_bands: Bands = 5,
    conditional: bool = False,
) -> MLP:
    """Layers of equal width on coordinates and their sines; `conditional` learns each class of the target apart."""
    return MLP(event, classes, width=width, depth=depth, bands=bands, time_bands=time_bands)
