"""A diffusers scheduler watched at work: every `step` is recorded in passing, and nothing that it returns is changed.

Levels are read from the scheduler's own state at each step, never from the step's number, so partial runs
(image to image, `denoising_end`) and final levels that are not quite clean are recorded as they are.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import typing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import torch

from diffrender.core.errors import TrajectoryError
from diffrender.diffusion.recording.noise_level import estimated_noise
from diffrender.diffusion.recording.schedulers import (
    check_scheduler,
    is_trial,
    predicted_clean,
    scales_after,
    scales_before,
)

ESTIMATED = 16  # chains of images in whose states the noise is estimated
NETWORKS = ("unet", "transformer", "prior")  # where pipelines keep what is evaluated


class Sink(Protocol):
    """What takes the states that are seen: a `Recorder`."""

    keep: Any
    writer: Any
    levels: list[Any]
    pending: dict[str, torch.Tensor]

    @property
    def meta(self) -> dict[str, Any]:
        """What goes into `meta`."""

    def add(self, key: str, array: Any) -> None:
        """Write a whole member."""

    def state(self, x: Any, *, alpha: float, sigma: float, nfe: int, **predictions: Any) -> None:
        """Take one state and the predictions made at it."""


@contextmanager
def attached(recorder: Sink, pipeline: Any) -> Iterator[None]:
    """Record what the scheduler of `pipeline` (or a scheduler) does in the block; see `Recorder.attach`."""
    scheduler = getattr(pipeline, "scheduler", pipeline)
    check_scheduler(scheduler)
    watch = Watch(recorder, scheduler)
    replaced = {name: vars(scheduler).get(name) for name in ("step", "set_timesteps")}
    hooks = [
        network.register_forward_pre_hook(watch.called, with_kwargs=True)
        for name in NETWORKS
        if isinstance(network := getattr(pipeline, name, None), torch.nn.Module)
    ]
    scheduler.step = watch.watched_step(scheduler.step)
    scheduler.set_timesteps = watch.watched_start(scheduler.set_timesteps)
    try:
        yield
        if not watch.states:
            raise TrajectoryError(f"{recorder.writer.path}: the scheduler made no step while it was attached.")
    except BaseException as error:
        if watch.states:
            recorder.meta["incomplete"] = f"{type(error).__name__}: {error}"[:500]
        raise
    finally:
        for name, own in replaced.items():
            if own is None:
                delattr(scheduler, name)
            else:
                setattr(scheduler, name, own)
        for hook in hooks:
            hook.remove()
        watch.end()


class Watch:
    """What is seen of one run of a scheduler.

    states: those that steps have led to. nfe: evaluations of the network until now. start: whether the next sample that
    the scheduler is given is a state of the run, and not the trial point of a method with several evaluations a step.
    last: the newest state and its (alpha, sigma), until it is recorded.
    """

    def __init__(self, recorder: Sink, scheduler: Any) -> None:
        self.recorder, self.scheduler = recorder, scheduler
        self.states = self.batches = 0
        self.nfe = 0.0
        self.start = True
        self.last: tuple[torch.Tensor, tuple[float, float]] | None = None
        self.timesteps: list[float] = []
        self.estimates: list[np.ndarray] = []

    def called(self, network: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """The network is evaluated; a doubled batch is both branches of guidance."""
        sample = next((v for v in (*args, *kwargs.values()) if isinstance(v, torch.Tensor) and v.ndim > 1), None)
        self.batches += 0 if sample is None else len(sample)

    def watched_start(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """`set_timesteps`, that begins a run; one recorder takes one."""

        @functools.wraps(original)
        def set_timesteps(*args: Any, **kwargs: Any) -> Any:
            if self.states:
                raise TrajectoryError(
                    f"{self.recorder.writer.path}: a second run began, and a recording holds one.",
                    "Attach a Recorder of its own to each call of the pipeline.",
                )
            return original(*args, **kwargs)

        return set_timesteps

    def watched_step(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """`step`, with the same signature and result."""
        signature = inspect.signature(original)
        clean_at = place_of_clean(signature)

        @functools.wraps(original)
        def step(*args: Any, **kwargs: Any) -> Any:
            given = signature.bind(*args, **kwargs).arguments
            sample, output, timestep = given["sample"], given["model_output"], given["timestep"]
            keep = self.start and self.recorder.keep.keeps(self.states)
            if keep:
                sample, output = sample.detach().clone(), output.detach().clone()
            nfe = self.nfe
            result = original(*args, **kwargs)
            self.nfe += self.batches / len(sample) or 1
            self.batches = 0
            if keep:
                clean = None
                if not isinstance(result, tuple):
                    clean = getattr(result, "pred_original_sample", None)
                elif clean_at is not None and len(result) > clean_at:
                    clean = result[clean_at]
                self.state(sample, output, timestep, clean, nfe)
            self.start = not is_trial(self.scheduler)
            if self.start:
                self.states += 1
                self.last = (result[0].detach().clone(), scales_after(self.scheduler, timestep))
            return result

        return step

    def state(self, x: torch.Tensor, output: torch.Tensor, timestep: Any, clean: Any, nfe: float) -> None:
        """Record the state before a step that has just been made."""
        alpha, sigma = scales_before(self.scheduler, timestep)
        if clean is None:
            clean, source = predicted_clean(self.scheduler, x, output, alpha, sigma)
        else:
            source = "pred_original_sample"
        self.recorder.meta["x0_from"] = source
        parts = {"x0": clean}
        if sigma > 0:
            parts["eps"] = (x.float() - alpha * clean.float()) / sigma
        self.recorder.state(x, alpha=alpha, sigma=sigma, nfe=round(nfe), **parts)
        self.estimate(x)
        self.recorder.pending["model_output"] = output
        self.timesteps.append(float(timestep))
        self.last = None

    def estimate(self, x: torch.Tensor) -> None:
        """The noise in a state of images; a picture without any detail has none."""
        if x.ndim == 4:
            self.estimates.append(np.nan_to_num(estimated_noise(x[:ESTIMATED].detach().float().cpu().numpy())))

    def end(self) -> None:
        """Record the last state; the run may have been cut off."""
        if not self.states:
            return
        if self.last is not None:
            x, (alpha, sigma) = self.last
            self.recorder.state(x, alpha=alpha, sigma=sigma, nfe=round(self.nfe))
            self.estimate(x)
        if self.estimates:
            self.recorder.add("noise_estimate", np.stack(self.estimates).astype(np.float32))
        moves = len(self.recorder.levels) - 1
        self.recorder.add("timestep", torch.tensor(self.timesteps[:moves], dtype=torch.float32))
        self.recorder.meta.setdefault("sampler", {"name": type(self.scheduler).__name__})


def place_of_clean(signature: inspect.Signature) -> int | None:
    """Where `pred_original_sample` stands in the tuple that `step` returns under return_dict=False; None: nowhere."""
    returned = signature.return_annotation
    for kind in (returned, *typing.get_args(returned)):
        if dataclasses.is_dataclass(kind):
            names = [field.name for field in dataclasses.fields(kind)]
            return names.index("pred_original_sample") if "pred_original_sample" in names else None
    return None
