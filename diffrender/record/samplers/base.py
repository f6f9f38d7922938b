"""What a sampler yields."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..levels import Level


@dataclass
class Step:
    """One move of all chains: x (N, *event) → x_next, with x_next − x = drift + noise to 4 ulp of the largest term.

    index: 0 for the first move. level, next_level: where x and x_next stand. nfe: network calls so far, this move included.
    x0, eps: what was predicted at x. For `mala`, x_next − x = accepted·(drift + noise) and `proposal` is kept;
    `underdamped` and `hmc` give `momentum` (N, *event) and `path` (L, N, *event) instead of a split.
    """

    index: int
    level: Level
    next_level: Level
    x: torch.Tensor
    x_next: torch.Tensor
    nfe: int
    x0: torch.Tensor | None = None
    eps: torch.Tensor | None = None
    drift: torch.Tensor | None = None
    noise: torch.Tensor | None = None
    accepted: torch.Tensor | None = None
    proposal: torch.Tensor | None = None
    momentum: torch.Tensor | None = None
    path: torch.Tensor | None = None
