"""Samplers of k-diffusion (and of programs that bring it along), recorded through the callback that they all take."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import torch

from diffrender.diffusion.recording.process.sampling import Sampling
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
        run = Callbacks(session.begin(name), bound.arguments, session.chains)
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


class Callbacks(Sampling):
    """One run of a sampler. evaluations: of the model until now, where it is a module or a plain function."""

    def __init__(self, recorder: Recorder, given: dict[str, Any], chains: int) -> None:
        super().__init__(recorder, chains)
        sigmas = given.get("sigmas")
        self.end_at = float(given.get("sigma_min", 0.0) if sigmas is None else sigmas[-1])
        self.level = float("inf")  # sigma of the newest state
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
            self.guarded(self.keep, given["x"], 1.0, float(given["sigma_max"]), 0)

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

    def state(self, info: Mapping[str, Any]) -> None:
        """A state, at which the model was evaluated once already."""
        sigma = float(info.get("sigma_hat", info["sigma"]))
        if sigma >= self.level:
            return  # a step that was refused, and is made again
        self.level = sigma
        parts = {} if "error" in info else {"x0": info["denoised"]}  # adaptive: that is of the step before
        nfe = None if self.evaluations is None else max(0, self.evaluations - (1 if parts else 0))
        self.keep(info["x"], 1.0, sigma, nfe, **parts)

    def last(self, result: Any) -> None:
        """What the sampler returned."""
        levels = self.recorder.levels
        if not levels or levels[-1].sigma > self.end_at:
            x = result[0] if isinstance(result, tuple) else result
            self.keep(x, 1.0, self.end_at, self.evaluations, last=True)

    def stop(self) -> None:
        """Count no longer."""
        if self.hook is not None:
            self.hook.remove()
