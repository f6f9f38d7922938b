"""Embedding of noise level and class: one vector that every block is given."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

WAVES = 32
LOWEST, HIGHEST = 0.25, 16.0  # frequencies, in half turns a unit of log(sigma / alpha) / 4
CLASS_DEVIATION = 0.5  # of the rows that stand for classes, at first


class ConditionEmbedding(nn.Module):
    """log-SNR (N,) and class (N,) int64 or None → (N, width).

    Fixed cosines of log(sigma / alpha) / 4, their frequencies evenly spaced in octaves, then two layers (Karras et al.
    2022, appendix B.6), and a row for each class. A label below 0, or none, stands for any class: the last row.
    """

    frequencies: torch.Tensor
    phases: torch.Tensor

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        frequencies = math.pi * torch.exp(torch.linspace(math.log(LOWEST), math.log(HIGHEST), WAVES))
        phases = 2 * math.pi * torch.rand(WAVES, generator=torch.Generator().manual_seed(0))
        self.register_buffer("frequencies", frequencies, persistent=False)
        self.register_buffer("phases", phases, persistent=False)
        self.first, self.second = nn.Linear(WAVES, width), nn.Linear(width, width)
        self.classes = nn.Embedding(classes + 1, width) if classes else None
        if self.classes is not None:
            nn.init.normal_(self.classes.weight, std=CLASS_DEVIATION)

    def forward(self, log_snr: torch.Tensor, label: torch.Tensor | None = None) -> torch.Tensor:
        """Embeddings (N, width) of log-SNR (N,) and label (N,) int64; none, or one below 0, is any class."""
        waves = math.sqrt(2) * torch.cos(-log_snr[:, None] / 8 * self.frequencies + self.phases)
        embedding = self.second(functional.silu(self.first(waves)))
        if self.classes is not None:
            any_class = self.classes.num_embeddings - 1
            given = torch.full_like(log_snr, -1, dtype=torch.long) if label is None else label
            embedding = embedding + self.classes(torch.where(given < 0, any_class, given))
        return functional.silu(embedding)
