"""A network of your own, for a config: `model: {kind: ./my_network.py:residual}`."""

import torch
from torch import nn


class Residual(nn.Module):
    """x (N, D), log-SNR (N,), label (N,) or None → (N, D)."""

    def __init__(self, size: int, width: int, blocks: int) -> None:
        super().__init__()
        self.first = nn.Linear(size + 1, width)
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(width, width), nn.SiLU()) for _ in range(blocks))
        self.last = nn.Linear(width, size)

    def forward(self, x: torch.Tensor, log_snr: torch.Tensor, label: torch.Tensor | None = None) -> torch.Tensor:
        """What the objective wants of the network: by default EDM's clean data, preconditioned."""
        h = self.first(torch.cat([x, log_snr[:, None] / 10], 1))
        for block in self.blocks:
            h = h + block(h)
        return self.last(h)


def residual(event, classes, *, width: int = 64, blocks: int = 3):
    """A small residual network for points; `event` is the shape of one state, `classes` how many there are, or 0."""
    return Residual(event[0], width, blocks)
