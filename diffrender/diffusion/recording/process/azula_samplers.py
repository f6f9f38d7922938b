"""Samplers of azula, recorded: their denoiser is listened to, and, where they have one, their `step`."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import torch

from diffrender.diffusion.recording.process.sampling import Sampling
from diffrender.diffusion.recording.process.session import Session
from diffrender.diffusion.recording.recorder import Recorder


def watch(module: ModuleType, session: Session) -> None:
    """Let the samplers of `azula.sample` be recorded."""
    base = module.Sampler
    for kind in vars(module).values():
        if isinstance(kind, type) and issubclass(kind, base) and "__call__" in vars(kind):
            setattr(kind, "__call__", recorded(vars(kind)["__call__"], session, stepwise=kind is base))  # noqa: B010


def recorded(original: Callable[..., Any], session: Session, *, stepwise: bool) -> Callable[..., Any]:
    """`Sampler.__call__`, recorded, and else what it was. stepwise: whether it calls `step` for each move."""

    @functools.wraps(original)
    def call(sampler: Any, x: torch.Tensor, **kwargs: Any) -> Any:
        name = type(sampler).__name__
        if not session.wanted(name) or not isinstance(sampler.denoiser, torch.nn.Module):
            return original(sampler, x, **kwargs)
        run = Steps(session.begin(name), sampler, session.chains)
        with run.listening(stepwise):
            try:
                result = original(sampler, x, **kwargs)
            except BaseException as error:
                session.end(run.recorder, f"{type(error).__name__}: {error}")
                raise
        run.guarded(run.last, result)
        session.end(run.recorder, run.problem)
        return result

    return call


class Steps(Sampling):
    """One run. waiting: the state whose step is being made, until the denoiser has been asked about it."""

    def __init__(self, recorder: Recorder, sampler: Any, chains: int) -> None:
        super().__init__(recorder, chains)
        self.sampler = sampler
        self.evaluations = 0
        self.waiting: tuple[torch.Tensor, Any] | None = None

    @contextlib.contextmanager
    def listening(self, stepwise: bool) -> Iterator[None]:
        """The context in which the sampler runs."""
        handle = self.sampler.denoiser.register_forward_hook(
            lambda module, args, output: self.guarded(self.asked, args, output, stepwise)
        )
        own = vars(self.sampler).get("step")
        if stepwise:
            self.sampler.step = self.noted(self.sampler.step)
        try:
            yield
        finally:
            handle.remove()
            if stepwise and own is None:
                del self.sampler.step
            elif stepwise:
                self.sampler.step = own

    def noted(self, step: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
        """A sampler's `step`, of whose state is taken note."""

        @functools.wraps(step)
        def noted(x_t: torch.Tensor, t: Any, s: Any, **kwargs: Any) -> torch.Tensor:
            self.waiting = (x_t, t)
            return step(x_t, t, s, **kwargs)

        return noted

    def asked(self, args: tuple[Any, ...], output: Any, stepwise: bool) -> None:
        """The denoiser was asked about x at t; of several questions in a step the first is about its state."""
        self.evaluations += 1
        if not stepwise:
            self.waiting = (args[0], args[1])
        if self.waiting is not None:
            x, t = self.waiting
            self.waiting = None
            self.keep(x, *self.level(t), self.evaluations - 1, x0=output.mean)

    def level(self, t: Any) -> tuple[float, float]:
        """alpha and sigma at time t of the denoiser's schedule."""
        alpha, sigma = (float(torch.as_tensor(v).flatten()[0]) for v in self.sampler.denoiser.schedule(t))
        return alpha, sigma

    def last(self, result: torch.Tensor) -> None:
        """What the sampler returned."""
        self.keep(result, *self.level(self.sampler.timesteps[-1]), self.evaluations, last=True)
