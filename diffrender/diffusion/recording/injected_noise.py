"""The noise that a scheduler's step injects, told from the step itself: what it returns, less what it returns without.

Where a step has drawn random numbers it is made once more on a copy of the scheduler's state, every draw answered with
zeros; the difference of the two results is the noise, with its scale, whatever the scheduler's formula.
"""

from __future__ import annotations

import copy
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

LIKE = (torch.randn_like, torch.rand_like)
FRESH = (torch.randn, torch.rand)
TWIN = "_repeats_a_step"


def is_twin(scheduler: Any) -> bool:
    """Whether this is a copy of a scheduler, made to repeat a step."""
    return TWIN in vars(scheduler)


class Draws(TorchFunctionMode):
    """Counts the calls that draw random numbers, and answers them with zeros where it is `silent`."""

    def __init__(self, silent: bool) -> None:
        super().__init__()
        self.silent, self.drawn = silent, 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in FRESH or func in LIKE or func is torch.Tensor.normal_:
            self.drawn += 1
            if self.silent:
                kwargs = {k: v for k, v in kwargs.items() if k not in ("generator", "mean", "std")}
                if func is torch.Tensor.normal_:
                    return args[0].zero_()
                return (torch.zeros_like if func in LIKE else torch.zeros)(*args, **kwargs)
        return func(*args, **kwargs)


class InjectedNoise:
    """The noise of one step after another; call `before`, make the step in `watching()`, ask for `noise`."""

    def __init__(self, scheduler: Any) -> None:
        self.scheduler = scheduler
        own = vars(scheduler).get("step")
        self.repeatable = own is None or getattr(own, "__func__", None) is type(scheduler).step
        self.state: dict[str, Any] = {}
        self.draws = Draws(silent=False)
        self.sample, self.given_noise = torch.empty(0), False

    def before(self, given: dict[str, Any]) -> None:
        """Note the scheduler's state before a step."""
        self.state = {k: copy.copy(v) if type(v) in (list, dict) else v for k, v in vars(self.scheduler).items()}
        self.sample = given["sample"]
        self.given_noise = given.get("variance_noise") is not None

    def watching(self) -> AbstractContextManager[Any]:
        """The context in which the step is made."""
        self.draws = Draws(silent=False)
        return self.draws

    def noise(self, result: torch.Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor | None:
        """What the step that gave `result` has injected, (N, *event) float32; None if it drew nothing."""
        from_tree = hasattr(self.scheduler, "noise_sampler")  # a Brownian tree, which a second asking would change
        if not (self.draws.drawn or from_tree or self.given_noise) or not self.repeatable:
            return None
        twin = object.__new__(type(self.scheduler))
        vars(twin).update({k: v for k, v in self.state.items() if k not in ("step", "set_timesteps")})
        setattr(twin, TWIN, True)
        if from_tree:
            sample = self.sample
            twin.noise_sampler = lambda *args: torch.zeros_like(sample)
        kwargs = {k: torch.zeros_like(v) if k == "variance_noise" and v is not None else v for k, v in kwargs.items()}
        with Draws(silent=True):
            still = type(self.scheduler).step(twin, *args, **kwargs)[0]
        return result.float() - still.float()
