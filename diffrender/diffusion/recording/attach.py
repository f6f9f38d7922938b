"""A diffusers scheduler watched at work: each `step` is recorded in passing, and what it returns stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from diffrender.core.errors import TrajectoryError
from diffrender.diffusion.recording.pipeline_decoded import NOTHING_DECODED, Decode
from diffrender.diffusion.recording.scheduler_watch import Sink, Watch
from diffrender.diffusion.recording.schedulers import check_scheduler

WRAPPED = ("step", "set_timesteps", "add_noise", "scale_noise")


@contextmanager
def attached(recorder: Sink, pipeline: Any, *, chains: int = 0, decode: Decode = NOTHING_DECODED) -> Iterator[None]:
    """Record what the scheduler of `pipeline` (or a scheduler) does in the block; see `Recorder.attach`."""
    scheduler = getattr(pipeline, "scheduler", pipeline)
    check_scheduler(scheduler)
    watch = Watch(recorder, scheduler, pipeline, chains, decode)
    replaced = {name: vars(scheduler).get(name) for name in WRAPPED if hasattr(scheduler, name)}
    for name in replaced:
        setattr(scheduler, name, watch.watched(name, getattr(scheduler, name)))
    try:
        yield
        if not watch.states:
            raise TrajectoryError(f"{recorder.writer.path}: the scheduler made no step while it was attached.")
    except BaseException as error:
        watch.cut_off(error)
        raise
    finally:
        for name, own in replaced.items():
            if own is None:
                delattr(scheduler, name)
            else:
                setattr(scheduler, name, own)
        watch.end()
    if watch.failure:
        raise watch.failure
