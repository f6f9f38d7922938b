"""Samplers of azula, recorded: their denoiser is listened to, and, where they have one, their `step`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch

from diffrender.core.errors import TrajectoryError
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
        run = Sampling(session.begin(name), sampler, session.chains)
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


class Sampling:
    """One run. waiting: the state whose step is being made, until the denoiser has been asked about it."""

    def __init__(self, recorder: Recorder, sampler: Any, chains: int) -> None:
        self.recorder, self.sampler, self.chains, self.problem = recorder, sampler, chains, ""
        self.evaluations = 0
        self.waiting: tuple[torch.Tensor, Any] | None = None

    def listening(self, stepwise: bool) -> Any:
        """The context in which the sampler runs."""
        import contextlib

        stack = contextlib.ExitStack()
        handle = self.sampler.denoiser.register_forward_hook(
            lambda module, args, output: self.guarded(self.asked, args, output, stepwise)
        )
        stack.callback(handle.remove)
        if stepwise:
            step, own = self.sampler.step, vars(self.sampler).get("step")

            @functools.wraps(step)
            def noted(x_t: torch.Tensor, t: Any, s: Any, **kwargs: Any) -> torch.Tensor:
                self.waiting = (x_t, t)
                return step(x_t, t, s, **kwargs)

            self.sampler.step = noted
            stack.callback(self.put_back, own)
        return stack

    def put_back(self, own: Any) -> None:
        """Give the sampler its own step again."""
        if own is None:
            del self.sampler.step
        else:
            self.sampler.step = own

    def guarded(self, do: Callable[..., None], *args: Any) -> None:
        """Do something of ours: where it fails recording ends, and the sampler goes on."""
        try:
            if not self.problem:
                do(*args)
        except Exception as error:
            self.problem = str(error) if isinstance(error, TrajectoryError) else f"{type(error).__name__}: {error}"

    def asked(self, args: tuple[Any, ...], output: Any, stepwise: bool) -> None:
        """The denoiser was asked about x at t; of several questions in a step the first is about its state."""
        self.evaluations += 1
        if not stepwise:
            self.waiting = (args[0], args[1])
        if self.waiting is not None:
            x, t = self.waiting
            self.waiting = None
            self.state(x, t, self.evaluations - 1, x0=output.mean[: self.chains or None])

    def state(self, x: torch.Tensor, t: Any, nfe: int, **parts: Any) -> None:
        """Record a state at time t of the denoiser's schedule."""
        alpha, sigma = (float(torch.as_tensor(v).flatten()[0]) for v in self.sampler.denoiser.schedule(t))
        self.recorder.state(x[: self.chains or None], alpha=alpha, sigma=sigma, nfe=nfe, **parts)

    def last(self, result: torch.Tensor) -> None:
        """What the sampler returned."""
        self.state(result, self.sampler.timesteps[-1], self.evaluations)
