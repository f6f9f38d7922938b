"""Running jobs: in processes of their own (`children`), several at a time, in the order that their needs allow.

Jobs run on this machine, or on a cluster that is handed to `run`.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from diffrender.core.errors import DiffrenderError, WorkerDiedError
from diffrender.jobs.job import Job
from diffrender.jobs.kinds import KINDS
from diffrender.jobs.run.children import Children, Interrupt

OnEvent = Callable[[Job, dict[str, Any]], None]
INTERRUPT_GRACE_SECONDS = 15.0  # seconds a job gets to clean up after an interrupt
POLL_SECONDS = 1.0  # where waiting cannot be interrupted, Ctrl-C is heard so late
MAX_REMOTE_JOBS = 512  # handed to a cluster at once


@dataclass
class Outcome:
    """How one job ended.

    seconds: from its start to its end. cpu_seconds: of the processor, if that was told. log: where what it said is, if
    it failed.
    """

    job: Job
    status: Literal["done", "failed", "skipped"]
    seconds: float = 0.0
    error: DiffrenderError | None = None
    figures: dict[str, Any] = field(default_factory=dict)
    log: Path | None = None
    cpu_seconds: float = 0.0


class Cluster(Protocol):
    """Other machines that do jobs."""

    def takes(self, job: Job) -> bool:
        """Whether the job may go there; the others are done here."""

    def do(self, job: Job, on_event: OnEvent, interrupt: Interrupt, log: Path | None) -> dict[str, Any]:
        """Do one job there, and put its files here; returns and raises as `Children.do` does."""


def run(
    jobs: Iterable[Job],
    *,
    workers: int = 1,
    on_event: OnEvent = lambda job, event: None,
    fail_fast: bool = True,
    retries: int = 1,
    logs: Path | None = None,
    cluster: Cluster | None = None,
    children: Children | None = None,
) -> list[Outcome]:
    """Do `jobs` (in order, needs first) in `workers` processes at a time, or on a cluster.

    With `fail_fast` the first error is raised after the running jobs were stopped; else jobs that need a failed one are
    skipped and all others done. A job whose process died is tried again, `retries` times. An interrupt stops what runs,
    waits for it to clean up, and is raised again. logs: a folder for what failing jobs said. children: processes to do
    them with, `Children.of(workers)`, if there are some already.
    on_event is called from several threads: `start`, `progress` and `retry` of each job, and `end` (with its Outcome).
    """
    with Children.of(workers) if children is None else contextlib.nullcontext(children) as processes:
        return _Scheduler(
            list(jobs),
            processes,
            workers=workers,
            on_event=on_event,
            fail_fast=fail_fast,
            retries=retries,
            logs=logs,
            cluster=cluster,
        ).run()


class _Scheduler:
    """One call of `run`: what waits, what runs, and how each ended (by the job's place in the list)."""

    def __init__(
        self,
        todo: list[Job],
        children: Children,
        *,
        workers: int,
        on_event: OnEvent,
        fail_fast: bool,
        retries: int,
        logs: Path | None,
        cluster: Cluster | None,
    ) -> None:
        self.todo, self.workers, self.on_event, self.cluster = todo, workers, on_event, cluster
        self.children = children
        self.fail_fast, self.retries, self.logs = fail_fast, retries, logs
        self.places = {(job.kind, job.out): i for i, job in enumerate(todo)}
        self.waiting = list(range(len(todo)))
        self.running: dict[Future[Outcome], int] = {}
        self.outcomes: dict[int, Outcome] = {}
        self.interrupt = Interrupt()

    def run(self) -> list[Outcome]:
        """Do all jobs, each after what it needs, and say how each ended, in the order they were given."""
        with ThreadPoolExecutor(self.workers + (min(len(self.todo), MAX_REMOTE_JOBS) if self.cluster else 0)) as pool:
            try:
                while self.waiting or self.running:
                    for i in list(self.waiting):
                        self._start_or_skip(i, pool)
                    if not any(self._reuses(self.todo[i]) for i in [*self.waiting, *self.running.values()]):
                        self.children.end_idle()  # and with them what they hold of memory
                    for future in wait(self.running, POLL_SECONDS, FIRST_COMPLETED).done:
                        self._finish(self.running.pop(future), future.result())
            except BaseException:
                self.interrupt()
                try:
                    wait(self.running, timeout=INTERRUPT_GRACE_SECONDS)
                finally:  # also when a second Ctrl-C says that this is too long
                    self.interrupt.kill()
                raise
        return [self.outcomes[i] for i in range(len(self.todo))]

    def _start_or_skip(self, i: int, pool: ThreadPoolExecutor) -> None:
        """Start job i if it can be, or skip it if what it needs failed."""
        job = self.todo[i]
        places = [self.places[need.kind, need.out] for need in job.needs if (need.kind, need.out) in self.places]
        needs = [self.outcomes.get(place) for place in places]
        if any(outcome and outcome.status != "done" for outcome in needs):
            self.waiting.remove(i)
            self._finish(i, Outcome(job, "skipped"))
        elif all(needs) and (self._remote(job) or self._local() < self.workers):
            self.waiting.remove(i)
            self.running[pool.submit(self._run_job, job)] = i

    def _remote(self, job: Job) -> bool:
        return self.cluster is not None and self.cluster.takes(job)

    def _reuses(self, job: Job) -> bool:
        return KINDS[job.kind].reuses_process and not self._remote(job)

    def _local(self) -> int:
        return sum(not self._remote(self.todo[i]) for i in self.running.values())

    def _finish(self, i: int, outcome: Outcome) -> None:
        self.outcomes[i] = outcome
        self.on_event(self.todo[i], {"event": "end", "outcome": outcome})
        if outcome.error and self.fail_fast:
            raise outcome.error

    def _run_job(self, job: Job) -> Outcome:
        """Do one job in a thread of its own, again if its process died; an error is an outcome, an interrupt is not."""
        self.on_event(job, {"event": "start"})
        start, log = time.monotonic(), self._log(job)
        for attempt in range(self.retries + 1):
            try:
                if self.cluster and self.cluster.takes(job):
                    done = self.cluster.do(job, self.on_event, self.interrupt, log)
                else:
                    report = functools.partial(self.on_event, job)
                    done = self.children.do(
                        job.as_dict(), report, self.interrupt, reused=KINDS[job.kind].reuses_process, log=log
                    )
            except DiffrenderError as error:
                if isinstance(error, WorkerDiedError) and attempt < self.retries and not self.interrupt.set:
                    self.on_event(job, {"event": "retry", "problem": error.problem})
                    continue
                return Outcome(job, "failed", time.monotonic() - start, error, log=log)
            if log:
                log.unlink(missing_ok=True)
            seconds, figures = time.monotonic() - start, done.get("figures", {})
            return Outcome(job, "done", seconds, figures=figures, cpu_seconds=done.get("cpu_seconds", 0.0))
        raise AssertionError("the last attempt returns")

    def _log(self, job: Job) -> Path | None:
        if self.logs is None:
            return None
        self.logs.mkdir(parents=True, exist_ok=True)
        name = "".join(c if c.isalnum() or c in "-_." else "-" for c in job.name)
        return self.logs / f"{self.places[job.kind, job.out]:03d}-{name}.log"
