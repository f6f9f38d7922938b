"""What is seen of one run of a diffusers scheduler as its methods are called: levels, states, predictions, noise.

Levels are read from the scheduler's own state at each step, never from the step's number, so partial runs
(image to image, `denoising_end`) and final levels that are not quite clean are recorded as they are.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import typing
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch

from diffrender.core.errors import TrajectoryError
from diffrender.diffusion.levels import Level
from diffrender.diffusion.recording.branches import Branches
from diffrender.diffusion.recording.injected_noise import InjectedNoise
from diffrender.diffusion.recording.pipeline_call import call_of
from diffrender.diffusion.recording.pipeline_decoded import NOTHING_DECODED, Decode, Decoded
from diffrender.diffusion.recording.schedulers import is_trial, predicted_clean, scales_after, scales_before
from diffrender.trajectory.writer import TrajectoryWriter


class Sink(Protocol):
    """What takes the states that are seen: a `Recorder`."""

    keep: Any
    writer: TrajectoryWriter
    levels: list[Level]
    pending: dict[str, torch.Tensor]

    @property
    def meta(self) -> dict[str, Any]:
        """What goes into `meta`."""

    def add(self, key: str, array: Any) -> None:
        """Write a whole member."""

    def state(self, x: Any, *, alpha: float, sigma: float, nfe: int, **predictions: Any) -> None:
        """Take one state and the predictions made at it."""


class Watch:
    """What is seen of one run of a scheduler, of its first `chains` chains (0: of all).

    states: those that steps have led to. nfe: evaluations of the network until now. start: whether the next sample that
    the scheduler is given is a state of the run, and not the trial point of a method with several evaluations a step.
    last: the newest state and its (alpha, sigma), until it is recorded. twice: whether the batch holds every chain
    twice, once for each branch of guidance. noisy: whether a step has injected noise. source: (the noisy sample, data,
    noise) of the newest `add_noise`, until a run begins. last_timestep: of the newest step. failure: why recording
    ended early; the run that is watched goes on.
    """

    def __init__(
        self,
        recorder: Sink,
        scheduler: Any,
        pipeline: Any = None,
        chains: int = 0,
        decode: Decode = NOTHING_DECODED,
    ) -> None:
        self.recorder, self.scheduler, self.chains = recorder, scheduler, chains
        self.states = 0
        self.nfe = 0.0
        self.start, self.twice = True, False
        self.last: tuple[torch.Tensor, tuple[float, float]] | None = None
        self.failure: TrajectoryError | None = None
        self.branches = Branches(pipeline)
        self.injected = InjectedNoise(scheduler)
        self.decoded = Decoded(pipeline, decode, recorder.writer.path)
        self.noisy = False
        self.last_timestep: torch.Tensor | None = None
        self.source: tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None = None

    # ---- what takes the place of the scheduler's own methods ---------------------------------------------------------
    def watched(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        """A method of the scheduler, with the same signature and result."""
        wrap = {"step": self.watched_step, "set_timesteps": self.watched_start}.get(name, self.watched_source)
        return wrap(original)

    def watched_start(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """`set_timesteps`, that begins a run; one recorder takes one."""

        @functools.wraps(original)
        def _set_timesteps(*args: Any, **kwargs: Any) -> Any:
            if self.states:
                raise TrajectoryError(
                    f"{self.recorder.writer.path}: a second run began, and a recording holds one.",
                    "Attach a Recorder of its own to each call of the pipeline.",
                )
            result = original(*args, **kwargs)
            self.guarded(self.began)
            return result

        return _set_timesteps

    def watched_source(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """`add_noise`, with which a run from data begins."""
        signature = inspect.signature(original)

        @functools.wraps(original)
        def _add_noise(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            if not self.states:
                given = signature.bind(*args, **kwargs).arguments
                data = given.get("original_samples", given.get("sample"))
                self.guarded(self.from_data, result, data, given.get("noise"))
            return result

        return _add_noise

    def watched_step(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """`step`, with the same signature and result."""
        signature = inspect.signature(original)
        clean_at = place_of_clean(signature)

        @functools.wraps(original)
        def _step(*args: Any, **kwargs: Any) -> Any:
            given = signature.bind(*args, **kwargs).arguments
            if self.failure:
                return original(*args, **kwargs)
            if self.states == 0 and self.start:
                self.guarded(self.began, given["sample"])
            keep = self.start and self.recorder.keep.keeps(self.states)
            before = {k: given[k].detach().clone() if keep else given[k] for k in ("sample", "model_output")}
            self.injected.before(given)
            with self.injected.watching():
                result = original(*args, **kwargs)
            noise = functools.partial(self.injected.noise, result[0], args, kwargs)
            self.guarded(self.stepped, given | before, result, clean_at, keep, noise)
            return result

        return _step

    def guarded(self, do: Callable[..., Any], *args: Any) -> None:
        """Do something of ours: where it fails recording ends, and what is watched goes on."""
        try:
            if not self.failure:
                do(*args)
        except Exception as error:
            problem = str(error) if isinstance(error, TrajectoryError) else f"{type(error).__name__}: {error}"
            self.failure = TrajectoryError(
                f"{self.recorder.writer.path}: recording ended at state {self.states}: {problem}"
            )
            self.recorder.meta["incomplete"] = problem[:500]

    # ---- what is recorded --------------------------------------------------------------------------------------------
    def began(self, sample: torch.Tensor | None = None) -> None:
        """The call of a pipeline in which the run began, and with its first sample what that tells."""
        call = call_of(self.scheduler)
        self.branches.listen(call.pipeline if call else None)
        if sample is None:
            return
        half = len(sample) // 2
        self.twice = len(sample) % 2 == 0 and half > 0 and torch.equal(sample[:half], sample[half:])
        chains = half if self.twice else len(sample)
        if call:
            self.decoded.pipeline = call.pipeline
            self.recorder.meta.setdefault("pipeline", call.facts())
            labels = call.labels(chains)
            if labels is not None:
                self.recorder.add("label", labels[: self.chains or None])
        if self.source is not None and torch.equal(self.source[0], sample):
            self.recorder.add("source", self.kept(self.source[1].expand_as(sample)))
            self.recorder.add("source_noise", self.kept(self.source[2].expand_as(sample)))
        self.source = None

    def from_data(self, result: torch.Tensor, data: Any, noise: Any) -> None:
        """Noise was put on data, from which the run may begin."""
        if isinstance(data, torch.Tensor) and isinstance(noise, torch.Tensor):
            self.source = (result.detach().clone(), data.detach().clone(), noise.detach().clone())

    def once(self, batch: torch.Tensor) -> torch.Tensor:
        """Every chain of a batch once."""
        return batch[: len(batch) // 2] if self.twice else batch

    def kept(self, batch: torch.Tensor) -> torch.Tensor:
        """The chains of a batch that are recorded."""
        return self.once(batch)[: self.chains or None]

    def stepped(
        self, given: dict[str, Any], result: Any, clean_at: int | None, keep: bool, noise_of: Callable[[], Any]
    ) -> None:
        """Record what a step was given and has done."""
        sample, timestep, nfe = given["sample"], given["timestep"], self.nfe
        self.last_timestep = torch.as_tensor(timestep).flatten()[0].cpu()
        self.nfe += self.branches.evaluations(len(self.once(sample)))
        if keep:
            clean = None
            if not isinstance(result, tuple):
                clean = getattr(result, "pred_original_sample", None)
            elif clean_at is not None and len(result) > clean_at:
                clean = result[clean_at]
            clean = None if clean is None or clean.shape != sample.shape else self.kept(clean)
            self.state(self.kept(sample), self.once(given["model_output"]), timestep, clean, nfe)
        if "noise" in self.recorder.keep.members and (noise := noise_of()) is not None:
            self.add_noise(self.kept(noise))
        self.branches.forget()
        self.start = not is_trial(self.scheduler)
        if self.start:
            self.states += 1
            after = self.kept(result[0]).detach().clone()
            self.last = (after, scales_after(self.scheduler, given))

    def state(self, x: torch.Tensor, output: torch.Tensor, timestep: Any, clean: Any, nfe: float) -> None:
        """Record the state before a step that has just been made, and that was given this output of all chains."""
        timestep = torch.as_tensor(timestep).flatten()[0]
        alpha, sigma = scales_before(self.scheduler, timestep)
        if clean is None:
            clean, source = predicted_clean(self.scheduler, x, output[: len(x)], alpha, sigma)
        else:
            source = "pred_original_sample"
        self.recorder.meta["x0_from"] = source
        parts = {"x0": clean}
        if x.ndim != 4:  # of images the reader tells eps from the rest
            parts["eps"] = (x.float() - alpha * clean.float()) / sigma if sigma > 0 else torch.zeros_like(x)
        self.recorder.state(x, alpha=alpha, sigma=sigma, nfe=round(nfe), **parts)
        self.decoded.take(len(self.recorder.levels) - 1, x, clean)
        pending = self.recorder.pending
        both = self.branches.outputs(output, self.recorder.meta)
        pending |= {key: branch[: len(x)] for key, branch in {"model_output": output, **both}.items()}
        pending["timestep"] = timestep.double().cpu()
        if self.noisy:
            pending["noise"] = torch.zeros_like(x)
        self.last = None

    def add_noise(self, noise: torch.Tensor) -> None:
        """Add noise that a step has injected to the move that it belongs to; of earlier moves it was 0."""
        pending = self.recorder.pending
        if not self.noisy:
            kind = np.float16 if "noise" in self.recorder.keep.half else np.float32
            for _ in range(len(self.recorder.levels) - 1):
                self.recorder.writer.write("noise", np.zeros((1, *noise.shape), kind))
        self.noisy = True
        pending["noise"] = pending["noise"] + noise if "noise" in pending else noise

    def cut_off(self, error: BaseException) -> None:
        """Mark a run that an error has ended."""
        if self.states:
            self.recorder.meta["incomplete"] = f"{type(error).__name__}: {error}"[:500]

    def end(self) -> None:
        """Record the last state; the run may have been cut off."""
        self.branches.stop()
        if not self.states:
            return
        self.guarded(self.finish)
        self.recorder.meta.setdefault("sampler", {"name": type(self.scheduler).__name__})

    def finish(self) -> None:
        """The state that the last step led to, and images of those that are to be decoded."""
        if self.last is not None:
            x, (alpha, sigma) = self.last
            self.recorder.state(x, alpha=alpha, sigma=sigma, nfe=round(self.nfe))
            self.decoded.take(len(self.recorder.levels) - 1, x, x, last=True)
        if "incomplete" not in self.recorder.meta:
            for key, array in self.decoded.members(self.recorder.levels):
                self.recorder.add(key, array)


def place_of_clean(signature: inspect.Signature) -> int | None:
    """Where `pred_original_sample` stands in the tuple that `step` returns under return_dict=False; None: nowhere."""
    returned = signature.return_annotation
    for kind in (returned, *typing.get_args(returned)):
        if dataclasses.is_dataclass(kind):
            names = [field.name for field in dataclasses.fields(kind)]
            return names.index("pred_original_sample") if "pred_original_sample" in names else None
    return None
