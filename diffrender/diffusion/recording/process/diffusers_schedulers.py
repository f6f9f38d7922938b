"""Schedulers of diffusers, recorded in a process that knows nothing of it: their classes' methods tell of their calls.

A run begins with `set_timesteps` (or with a step, where that was not called) and is over with its last timestep, the
next `set_timesteps`, or the process.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from types import MethodType, ModuleType
from typing import Any

import torch

from diffrender.core.errors import TrajectoryError
from diffrender.diffusion.recording.attach import WRAPPED
from diffrender.diffusion.recording.injected_noise import is_twin
from diffrender.diffusion.recording.process.session import Session
from diffrender.diffusion.recording.recorder import Recorder
from diffrender.diffusion.recording.scheduler_watch import Watch
from diffrender.diffusion.recording.schedulers import check_scheduler


def watch(module: ModuleType, session: Session) -> None:
    """Let the schedulers that a module defines be recorded."""
    runs = Runs(session)
    for name, kind in vars(module).items():
        if isinstance(kind, type) and kind.__module__ == module.__name__ and name.endswith("Scheduler"):
            for method in WRAPPED:
                if method in vars(kind):
                    setattr(kind, method, told(runs, method, vars(kind)[method]))


def told(runs: Runs, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    """A method of a scheduler's class that tells of its calls, and is else what it was."""

    @functools.wraps(original)
    def method(scheduler: Any, *args: Any, **kwargs: Any) -> Any:
        return runs.call(scheduler, name, original, args, kwargs)

    return method


@dataclass
class Run:
    """One run of a scheduler: its recorder, what watches it, and the methods in place of the scheduler's own."""

    scheduler: Any
    recorder: Recorder
    watch: Watch
    methods: dict[str, Callable[..., Any]] = field(default_factory=dict)


class Runs:
    """The runs that are under way, by scheduler. inside: schedulers whose own method is running, and calls others."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.by_scheduler: dict[int, Run] = {}
        self.inside: set[int] = set()

    def call(
        self, scheduler: Any, name: str, original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Call a method of a scheduler, in passing recorded."""
        key = id(scheduler)
        if key in self.inside or is_twin(scheduler) or not hasattr(scheduler, "_internal_dict"):
            return original(scheduler, *args, **kwargs)
        run = self.run_for(scheduler, name)
        if run is None:
            return original(scheduler, *args, **kwargs)
        if name not in run.methods:
            run.methods[name] = run.watch.watched(name, MethodType(original, scheduler))
        self.inside.add(key)
        try:
            result = run.methods[name](*args, **kwargs)
        finally:
            self.inside.discard(key)
        if name == "step" and self.is_last(scheduler, run):
            self.end(run)
        return result

    def run_for(self, scheduler: Any, name: str) -> Run | None:
        """The run that a call belongs to; None for a scheduler that is not recorded."""
        sampler = type(scheduler).__name__
        if not self.session.wanted(sampler):
            return None
        run = self.by_scheduler.get(id(scheduler))
        if run is not None and name == "set_timesteps":
            self.end(run)
            run = None
        if run is None:
            try:
                check_scheduler(scheduler)
            except TrajectoryError as error:
                if name == "step":
                    self.session.refuse(sampler, error.problem.removeprefix("attach: "))
                return None
            recorder = self.session.begin(sampler, lambda: made.watch.end())
            made = run = Run(scheduler, recorder, Watch(recorder, scheduler, None, self.session.chains))
            self.by_scheduler[id(scheduler)] = run
        return run

    def is_last(self, scheduler: Any, run: Run) -> bool:
        """Whether the step that was just made has led to the end of the run."""
        if not run.watch.start or run.watch.last_timestep is None:
            return False
        return bool(torch.as_tensor(scheduler.timesteps)[-1].cpu() == run.watch.last_timestep)

    def end(self, run: Run) -> None:
        """Close the recording of a run."""
        self.by_scheduler.pop(id(run.scheduler), None)
        self.session.end(run.recorder, str(run.watch.failure or ""))
