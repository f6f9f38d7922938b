"""Jobs on a Slurm cluster, `--scheduler slurm:PARTITION` (`diffrender[slurm]`), submitted by submitit.

The nodes see the same files as the machine at which you sit, so a job is done there as it would be here: by a child
process, in place, with whole files under final names alone. Jobs that are ready together become one job array. Where
Slurm takes a node back (preemption, the partition's time limit) the job is put into the queue again and goes on from
its last finished segment, or from where its training was saved.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from diffrender.core.child_process import error_as_message, error_from_message
from diffrender.core.errors import DiffrenderError, MissingToolError, UsageError, WorkerDiedError
from diffrender.jobs.job import Job
from diffrender.jobs.kinds import KINDS
from diffrender.jobs.run.children import COMMAND, Children, Interrupt
from diffrender.jobs.run.local import OnEvent

SCHEME = "slurm:"
GATHER_SECONDS = 0.5  # in which jobs that are ready become one job array
LOOK_SECONDS = 1.0
CLEAN_UP_SECONDS = 25.0  # what a job gets to save itself when its node is taken back
SETTINGS = {  # what may stand behind the partition, `slurm:gpu,time=240,gpus=1` → submitit's name and type
    "time": ("timeout_min", int),
    "cpus": ("cpus_per_task", int),
    "memory": ("mem_gb", float),
    "gpus": ("gpus_per_node", int),
    "account": ("slurm_account", str),
    "qos": ("slurm_qos", str),
}
DEFAULTS = {"timeout_min": 240, "cpus_per_task": 2, "mem_gb": 8.0}


def parameters(address: str) -> dict[str, Any]:
    """`slurm:PARTITION[,time=MINUTES,cpus=…,memory=GB,gpus=…,account=…,qos=…]` as submitit's parameters.

    Raises UsageError, naming what is wrong, for anything else.
    """
    partition, *settings = address.removeprefix(SCHEME).split(",")
    found: dict[str, Any] = {**DEFAULTS, "slurm_partition": partition}
    if not partition:
        raise UsageError(f"--scheduler {address}: no partition.", f"Write --scheduler {SCHEME}PARTITION")
    for setting in settings:
        name, _, value = setting.partition("=")
        if name not in SETTINGS:
            raise UsageError(f"--scheduler {address}: unknown setting '{name}'.", f"Known: {', '.join(SETTINGS)}.")
        key, kind = SETTINGS[name]
        try:
            found[key] = kind(value)
            if kind is not str and not 0 <= found[key] < math.inf:
                raise ValueError
        except ValueError:
            wanted = "a whole number" if kind is int else "a number"
            raise UsageError(f"--scheduler {address}: '{value}' is no {name}.", f"{name} is {wanted}.") from None
    return found


class SlurmCluster:
    """A Slurm cluster for `local.run`. A context manager.

    address: see `parameters`. notice: told what a person should know meanwhile. folder: where submitit keeps its
    files, seen by all nodes. executor: submitit's, in place of the one for Slurm. command: what does a job there.
    look_seconds: between looks at what a job has reported.
    Raises MissingToolError without submitit or Slurm, UsageError for a wrong address.
    """

    def __init__(
        self,
        address: str,
        notice: Callable[[str], None],
        folder: Path,
        *,
        executor: Any = None,
        command: Sequence[str] = COMMAND,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        asked = parameters(address)
        self.notice, self.folder, self.command = notice, folder.absolute(), command
        self.executor = executor or _executor(self.folder, asked)
        self.threads, self.look_seconds = asked["cpus_per_task"], look_seconds
        self.ready: list[tuple[OnNode, list[Any]]] = []
        self.changed, self.closed = threading.Condition(), False
        self.failed = False  # whether a job was: then what submitit wrote down is kept
        self.gatherer = threading.Thread(target=self._gather, daemon=True)

    def __enter__(self) -> SlurmCluster:
        self.gatherer.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self.changed:
            self.closed = True
            self.changed.notify_all()
        self.gatherer.join()
        if not self.failed:
            shutil.rmtree(self.folder, ignore_errors=True)

    def takes(self, job: Job) -> bool:
        """Trainings, recordings and renders; films are joined here."""
        return KINDS[job.kind].remote

    def do(self, job: Job, on_event: OnEvent, interrupt: Interrupt, log: Path | None) -> dict[str, Any]:
        """Do a job on some node; returns and raises as `Children.do` does."""
        events = self.folder / f"{job.key[:16]}-{time.time_ns()}.events"
        submitted = self._submitted(OnNode(job.as_dict(), events, self.threads, log and log.absolute(), self.command))
        told = 0
        with interrupt.watching(submitted.cancel, submitted.cancel):
            while not submitted.done():
                told = _tell(events, told, lambda event: on_event(job, event))
                time.sleep(self.look_seconds)
        _tell(events, told, lambda event: on_event(job, event))
        events.unlink(missing_ok=True)
        if interrupt.set:
            raise KeyboardInterrupt
        try:
            last: dict[str, Any] = submitted.result()
        except Exception as error:  # submitit's: the node went, or Slurm ended the job
            self.failed = True
            reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
            raise WorkerDiedError(f"{job.name}: Slurm's job {submitted.job_id} was lost ({reason}).") from None
        if last["event"] == "error":
            self.failed = True
            raise error_from_message(last)
        return last

    def _submitted(self, work: OnNode) -> Any:
        """submitit's job, once the array that it is part of is in Slurm's queue."""
        answer: list[Any] = []
        with self.changed:
            self.ready.append((work, answer))
            self.changed.notify_all()
            while not answer:
                self.changed.wait()
        if isinstance(answer[0], Exception):
            raise DiffrenderError(f"{work.description['name']}: Slurm does not take it: {answer[0]}.")
        return answer[0]

    def _gather(self) -> None:
        """Submit what is ready, as one array, as long as this is open."""
        while not self.closed:
            with self.changed:
                self.changed.wait_for(lambda: self.ready or self.closed)
            time.sleep(GATHER_SECONDS)
            with self.changed:
                ready, self.ready = self.ready, []
                try:
                    answers = self.executor.submit_array([work for work, _ in ready]) if ready else []
                except Exception as error:  # whatever sbatch has to say is told to all that wait
                    answers = [error] * len(ready)
                for (_, answer), submitted in zip(ready, answers, strict=True):
                    answer.append(submitted)
                self.changed.notify_all()


def _executor(folder: Path, asked: Mapping[str, Any]) -> Any:
    try:
        import submitit
    except ImportError:
        raise MissingToolError(
            "--scheduler slurm: needs submitit.", "Install the extra 'slurm', or: pip install submitit"
        ) from None
    if submitit.AutoExecutor.which() != "slurm":
        raise MissingToolError(
            "--scheduler slurm: no sbatch is on PATH here.", "Run it on a login node of the cluster."
        )
    made = submitit.AutoExecutor(folder=folder, slurm_max_num_timeout=100)
    made.update_parameters(**asked)
    return made


def _tell(events: Path, told: int, report: Callable[[dict[str, Any]], None]) -> int:
    """Report the whole lines of a file behind the first `told` bytes; how many bytes are told now."""
    with contextlib.suppress(FileNotFoundError), events.open("rb") as file:
        file.seek(told)
        lines = file.read().splitlines(keepends=True)
        for line in lines:
            if line.endswith(b"\n"):
                report(json.loads(line))
                told += len(line)
    return told


# ---- on the node -----------------------------------------------------------------------------------------------------
class OnNode:
    """A job on a node of the cluster; submitit calls it, and asks for its `checkpoint` when the node is taken back."""

    def __init__(
        self, description: dict[str, Any], events: Path, threads: int, log: Path | None, command: Sequence[str]
    ) -> None:
        self.description, self.events, self.threads, self.log = description, events, threads, log
        self.command, self.folder = command, Path.cwd()

    def __call__(self) -> dict[str, Any]:
        """Do it: its `done` event, or an `error` event."""
        os.chdir(self.folder)  # paths in the description are relative to where the command was given
        self.interrupt, self.last = Interrupt(), dict[str, Any]()
        self.running = threading.Thread(target=self._do)
        self.running.start()
        while self.running.is_alive():  # signals are handled in this thread, meanwhile
            self.running.join(0.2)
        return self.last

    def checkpoint(self) -> Any:
        """Stop, with everything saved, and be called again later."""
        from submitit.helpers import DelayedSubmission

        self.interrupt()
        self.running.join(CLEAN_UP_SECONDS)
        self.interrupt.kill()
        return DelayedSubmission(OnNode(self.description, self.events, self.threads, self.log, self.command))

    def _do(self) -> None:
        try:
            with Children(self.threads, self.command) as children, self.events.open("a") as file:
                self.last = children.do(
                    self.description,
                    lambda event: print(json.dumps(event, default=str), file=file, flush=True),
                    self.interrupt,
                    log=self.log,
                )
        except KeyboardInterrupt:
            self.last = {"event": "error", **error_as_message(WorkerDiedError("stopped."), "")}
        except Exception as error:
            self.last = {"event": "error", **error_as_message(error, self.description["name"])}
