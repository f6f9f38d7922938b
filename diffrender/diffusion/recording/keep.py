"""The choice of what is kept of a run, and of each of its moves."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from diffrender.diffusion.samplers.base import Step

SPLIT = ("drift", "noise")
OF_LANGEVIN = ("proposal", "momentum", "path", "momentum_end", "log_ratio", "uniform")
MEMBERS_OF_MOVES = ("x0", "eps", *SPLIT)


@dataclass(frozen=True)
class Keep:
    """What to keep of each move, beside the states.

    members: of x0, eps, drift, noise; what a Langevin sampler adds (accepted, path, …) comes unasked.
    every: keep each k-th state; the first and the last always. states: keep these instead, by their numbers. drift and
    noise are summed over the moves between, x0 and eps are those of the first of them, and of what Langevin samplers
    add only `accepted` (moved at all) is left. half: members that are written in float16.
    """

    members: tuple[str, ...] = ("x0", "eps", "drift", "noise")
    every: int = 1
    states: frozenset[int] | None = None
    half: tuple[str, ...] = ()

    def keeps(self, index: int) -> bool:
        """Whether the state before move `index` is kept."""
        return index % self.every == 0 if self.states is None else index in self.states

    @property
    def all(self) -> bool:
        """Whether every state is kept."""
        return self.every == 1 and self.states is None

    def of_move(self, step: Step) -> dict[str, torch.Tensor]:
        """What is kept of one move: member → (N, *event)."""
        found = {k: v for k in self.members if (v := getattr(step, k)) is not None}
        if step.accepted is not None:
            found["accepted"] = step.accepted
        if self.all:
            found |= {k: v for k in OF_LANGEVIN if (v := getattr(step, k)) is not None}
            if step.path is not None:
                found["path"] = step.path.transpose(0, 1)
        elif step.accepted is not None:
            found |= {k: _where(step.accepted, v) for k in SPLIT if (v := found.get(k)) is not None}
        return found

    def merged(self, before: dict[str, torch.Tensor], step: Step) -> dict[str, torch.Tensor]:
        """What was kept `before`, with a move added that starts from a state that is not kept."""
        more = self.of_move(step)
        summed = {key: before[key] + more[key] for key in SPLIT if key in more}
        if "accepted" in more:
            summed["accepted"] = before["accepted"] | more["accepted"]
        return before | summed


def _where(accepted: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """`value` of the chains that moved, 0 of the others."""
    return value * accepted.view(-1, *[1] * (value.ndim - 1))
