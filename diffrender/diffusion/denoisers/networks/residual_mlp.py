"""A network of fully connected layers for images of a few pixels, such as 8 × 8 digits."""

from __future__ import annotations

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional

from diffrender.diffusion.denoisers.networks.embedding import ConditionEmbedding
from diffrender.diffusion.denoisers.networks.registry import NETWORKS


class ResidualMLP(nn.Module):
    """x (N, *event), log-SNR (N,), label (N,) int64 or None → (N, *event).

    h ← h + SiLU(A h + B c), `depth` times, where c is the embedding of noise level and class.
    """

    def __init__(self, event: tuple[int, ...], classes: int, *, width: int, depth: int) -> None:
        super().__init__()
        size = math.prod(event)
        self.embedding = ConditionEmbedding(width, classes)
        self.first = nn.Linear(size, width)
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.conditions = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.last = nn.Linear(width, size)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, x: torch.Tensor, log_snr: torch.Tensor, label: torch.Tensor | None = None) -> torch.Tensor:
        """A label below 0 means any class."""
        embedding = self.embedding(log_snr, label)
        h = self.first(x.flatten(1))
        for layer, condition in zip(self.layers, self.conditions, strict=True):
            h = h + functional.silu(layer(h) + condition(embedding))
        return self.last(h).view_as(x)


@NETWORKS.register("residual_mlp", label="residual MLP {depth} × {width}")
def residual_mlp(
    event: tuple[int, ...],
    classes: int,
    *,
    width: Annotated[int, Field(ge=4, le=4096)] = 256,
    depth: Annotated[int, Field(ge=1, le=32)] = 3,
    conditional: bool = False,
) -> ResidualMLP:
    """Layers with shortcuts, each told noise level and class: good for images of at most some hundred numbers."""
    return ResidualMLP(event, classes, width=width, depth=depth)
