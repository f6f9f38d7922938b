"""Samplers of k-diffusion (and of programs that bring it along), recorded through the callback that they all take."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import torch

from diffrender.core.errors import TrajectoryError
from diffrender.diffusion.recording.process.session import Session
from diffrender.diffusion.recording.recorder import Recorder


def watch(module: ModuleType, session: Session) -> None:
    """Let every `sample_…(model, x, …, callback=None, …)` of a module be recorded."""
    for name, function in list(vars(module).items()):
        if name.startswith("sample_") and inspect.isfunction(function):
            signature = inspect.signature(function)
            if {"model", "x", "callback"} <= set(signature.parameters):
                setattr(module, name, recorded(name, function, signature, session))


def recorded(
    name: str, original: Callable[..., Any], signature: inspect.Signature, session: Session
) -> Callable[..., Any]:
    """A sampler that is recorded, and else what it was."""

    @functools.wraps(original)
    def sample(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        if not session.wanted(name):
            return original(*args, **kwargs)
        run = Sampling(session.begin(name), bound.arguments, session.chains)
        bound.arguments["callback"] = run.callback(bound.arguments.get("callback"))
        try:
            result = original(*bound.args, **bound.kwargs)
        except BaseException as error:
            session.end(run.recorder, f"{type(error).__name__}: {error}")
            raise
        finally:
            run.stop()
        run.guarded(run.last, result)
        session.end(run.recorder, run.problem)
        return result

    return sample


class Sampling:
    """One run of a sampler. evaluations: of the model until now, where it is a module or a plain function."""

    def __init__(self, recorder: Recorder, given: dict[str, Any], chains: int) -> None:
        self.recorder, self.chains, self.problem = recorder, chains, ""
        sigmas = given.get("sigmas")
        self.end_at = float(given.get("sigma_min", 0.0) if sigmas is None else sigmas[-1])
        self.evaluations: int | None = None
        self.hook: Any = None
        model = given["model"]
        if isinstance(model, torch.nn.Module):
            self.evaluations = 0
            self.hook = model.register_forward_pre_hook(lambda *args: self.count())
        elif inspect.isfunction(model):
            self.evaluations = 0

            @functools.wraps(model)
            def counted(*args: Any, **kwargs: Any) -> Any:
                self.count()
                return model(*args, **kwargs)

            given["model"] = counted
        if "sigma_max" in given and "n" not in given:  # adaptive: it tells of states after steps alone
            self.guarded(self.state_at, given["x"], float(given["sigma_max"]), 0)

    def count(self) -> None:
        """The model is evaluated."""
        assert self.evaluations is not None
        self.evaluations += 1

    def callback(self, own: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
        """What the sampler calls before each step: records, then does what the caller wanted done."""

        def call(info: Any) -> Any:
            self.guarded(self.state, info)
            return own(info) if own is not None else None

        return call

    def guarded(self, do: Callable[..., None], *args: Any) -> None:
        """Do something of ours: where it fails recording ends, and the sampler goes on."""
        try:
            if not self.problem:
                do(*args)
        except Exception as error:
            self.problem = str(error) if isinstance(error, TrajectoryError) else f"{type(error).__name__}: {error}"

    def state(self, info: Mapping[str, Any]) -> None:
        """A state, at which the model was evaluated once already."""
        sigma = float(info.get("sigma_hat", info["sigma"]))
        parts = (
            {} if "error" in info else {"x0": info["denoised"][: self.chains or None]}
        )  # adaptive: of the step before
        if self.recorder.levels and sigma >= self.recorder.levels[-1].sigma:
            return  # a step that was refused, and is made again
        nfe = None if self.evaluations is None else max(0, self.evaluations - (1 if parts else 0))
        self.state_at(info["x"], sigma, nfe, **parts)

    def last(self, result: Any) -> None:
        """What the sampler returned."""
        if not self.recorder.levels or self.recorder.levels[-1].sigma > self.end_at:
            self.state_at(result[0] if isinstance(result, tuple) else result, self.end_at, self.evaluations)

    def state_at(self, x: torch.Tensor, sigma: float, nfe: int | None, **parts: Any) -> None:
        """Record a state of noise level sigma."""
        self.recorder.state(x[: self.chains or None], alpha=1.0, sigma=sigma, nfe=nfe, **parts)

    def stop(self) -> None:
        """Count no longer."""
        if self.hook is not None:
            self.hook.remove()
