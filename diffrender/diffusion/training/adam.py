"""Adam (Kingma & Ba 2015) by torch's own fused kernel: bit for bit `torch.optim.Adam(…, fused=True)`.

torch.optim.Adam imports torch's compiler when it is made, which costs more than a short training: two seconds.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch

EPS = 1e-8


class Adam:
    """Adam's moments of `params`; `learning_rate` may be set before any step."""

    def __init__(self, params: Iterable[torch.nn.Parameter], learning_rate: float, betas: tuple[float, float]) -> None:
        self.params, self.learning_rate, self.betas = list(params), learning_rate, betas
        self.mean = [torch.zeros_like(p, requires_grad=False) for p in self.params]
        self.square = [torch.zeros_like(p, requires_grad=False) for p in self.params]
        self.steps = [torch.zeros((), device=p.device) for p in self.params]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for p in self.params:
            p.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """One step along the gradients of the parameters that have one."""
        moved = [i for i, p in enumerate(self.params) if p.grad is not None]
        params, mean, square, steps = (
            [each[i] for i in moved] for each in (self.params, self.mean, self.square, self.steps)
        )
        torch._foreach_add_(steps, 1)
        torch._fused_adam_(
            params,
            [p.grad for p in params if p.grad is not None],
            mean,
            square,
            [],
            steps,
            lr=self.learning_rate,
            beta1=self.betas[0],
            beta2=self.betas[1],
            weight_decay=0.0,
            eps=EPS,
            amsgrad=False,
            maximize=False,
        )

    def state(self) -> dict[str, list[torch.Tensor]]:
        """All that later steps depend on, beside the parameters."""
        return {"mean": self.mean, "square": self.square, "steps": self.steps}

    def restore(self, state: dict[str, list[torch.Tensor]]) -> None:
        """Go on from a `state`."""
        for own, kept in ((self.mean, state["mean"]), (self.square, state["square"]), (self.steps, state["steps"])):
            for tensor, value in zip(own, kept, strict=True):
                tensor.copy_(value)
