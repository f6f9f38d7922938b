"""Evaluations of a pipeline's network between two steps: how many there were, and the two branches of guidance.

A guided step asks the network under a condition and without one, in one batch of double size or in two calls, and goes
on with u + w (c − u) (Ho & Salimans 2022, eq. 6). Which half is which, and w, are told from these numbers themselves.
"""

from __future__ import annotations

from typing import Any

import torch

NETWORKS = ("unet", "transformer", "prior")  # where pipelines keep what is evaluated
NEAREST = 0.5  # a guided output nearer to one branch than this share of the way comes from there


class Branches:
    """Listens to the networks of a pipeline.

    rows: how many samples they were asked about since the last step. seen: what they put out.
    """

    def __init__(self, pipeline: Any) -> None:
        self.rows = 0
        self.seen: list[torch.Tensor] = []
        self.hooks: list[Any] = []
        self.listen(pipeline)

    def listen(self, pipeline: Any) -> None:
        """Listen to the networks of this pipeline, if none is listened to yet."""
        if not self.hooks and pipeline is not None:
            networks = [getattr(pipeline, name, None) for name in NETWORKS]
            self.hooks = [n.register_forward_hook(self.hear) for n in networks if isinstance(n, torch.nn.Module)]

    def hear(self, network: Any, args: tuple[Any, ...], output: Any) -> None:
        """The network was evaluated."""
        found = output if isinstance(output, torch.Tensor) else output[0]
        if isinstance(found, torch.Tensor) and found.ndim > 1:
            self.rows += len(found)
            self.seen.append(found.detach())

    def evaluations(self, chains: int) -> float:
        """Network calls for each chain since the last step; 1 where no network is known."""
        return self.rows / chains or 1

    def outputs(self, output: torch.Tensor, meta: dict[str, Any]) -> dict[str, torch.Tensor]:
        """Both branches behind the output that a step was given, (N, …) each, and in meta.guidance their scale."""
        if self.rows != 2 * len(output) or any(o.ndim != output.ndim for o in self.seen):
            return {}
        both = torch.cat(self.seen)
        if both.shape[1] != output.shape[1]:  # beside it a variance may have been learned
            both = both[:, : output.shape[1]]
        if both.shape[1:] != output.shape[1:]:
            return {}
        a, b = both.chunk(2)
        apart = (b - a).double().flatten()
        along = float((output - a).double().flatten() @ apart / (apart @ apart).clamp_min(1e-30))
        scale = along if along >= NEAREST else 1 - along
        plain, asked = (a, b) if along >= NEAREST else (b, a)
        meta.setdefault("guidance", {"scale": round(scale, 4)})
        return {"output_conditional": asked.clone(), "output_unconditional": plain.clone()}

    def forget(self) -> None:
        """A step was made."""
        self.rows = 0
        self.seen.clear()

    def stop(self) -> None:
        """Listen no longer."""
        for hook in self.hooks:
            hook.remove()
        self.hooks = []
