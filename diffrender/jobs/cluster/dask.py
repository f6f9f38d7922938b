"""Jobs on a Dask cluster: the same jobs, done by the same child processes on other machines (the extra `cluster`).

Every job is submitted when what it needs is done, with the files it reads; its own come back checked by hash. A
scheduler that goes is waited for, and what ran begins anew.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from diffrender.core import provenance
from diffrender.core.child_process import error_from_message
from diffrender.core.errors import DiffrenderError
from diffrender.jobs.cluster import bundle as bundles
from diffrender.jobs.cluster.bundle import Bundle, JobResult
from diffrender.jobs.cluster.connection import (
    LOOK_SECONDS,
    ClusterLossError,
    Connection,
    SchedulerGoneError,
    scheduler_there,
)
from diffrender.jobs.cluster.worker import task
from diffrender.jobs.job import Job
from diffrender.jobs.kinds import KINDS
from diffrender.jobs.run.children import Interrupt
from diffrender.jobs.run.local import OnEvent

LOSSES = 8  # of workers with a job's files, or of the scheduler, after which a job is given up
MORE_MEMORY = "It may need more memory than the workers have."
GPU_RESOURCES = ("gpu", "GPU")  # names of the resource that training asks for where a worker declares it


class DaskCluster:
    """A cluster behind a Dask scheduler, for `local.run`. A context manager.

    address: the scheduler's, `tcp://host:8786`. notice: told what a person should know meanwhile.
    Raises MissingToolError without Dask, UsageError when nobody answers at the address.
    """

    def __init__(self, address: str, notice: Callable[[str], None]) -> None:
        self.connection, self.notice = Connection(address, notice), notice
        self.refused: set[str] = set()
        self.sent: WeakValueDictionary[tuple[int, str], Any] = WeakValueDictionary()
        self.lock = threading.Lock()

    def __enter__(self) -> DaskCluster:
        self.connection.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.connection.__exit__(*error)

    def takes(self, job: Job) -> bool:
        """Trainings, recordings and renders; films are joined where the clips are."""
        return KINDS[job.kind].remote

    # ---- one job -----------------------------------------------------------------------------------------------------
    def do(self, job: Job, on_event: OnEvent, interrupt: Interrupt, log: Path | None) -> dict[str, Any]:
        """Do a job on some worker and put its files here; returns and raises as `Children.do` does.

        A job whose worker was lost is done again by Dask itself; one whose files were lost with it, or whose scheduler
        went, LOSSES times. A worker with another diffrender is not asked again.
        """
        bundle, files = bundles.pack(job)
        losses = 0
        while True:
            ticket = f"{job.name}-{job.key[:8]}-{time.time_ns()}"
            client = self.connection.client
            try:
                with self.connection.listening(ticket, lambda event: on_event(job, event)), scheduler_there(client):
                    self.connection.await_worker(client, interrupt)
                    result = self._submitted(client, job, bundle, files, interrupt, ticket)
            except ClusterLossError as error:
                if (losses := losses + 1) > LOSSES:
                    raise DiffrenderError(f"{job.name}: {error}, {losses} times.", MORE_MEMORY) from None
                if isinstance(error, SchedulerGoneError):
                    self.connection.await_scheduler(client, interrupt)
                else:
                    on_event(job, {"event": "retry", "problem": f"{job.name}: {error}."})
                    time.sleep(LOOK_SECONDS)
                continue
            if "refused" not in result.event:
                break
            self._refuse(job, result.event)
        if result.event["event"] == "done":
            bundles.deliver(job, result.files)
            return result.event
        if log:
            log.write_text(result.log, "utf-8")
        raise error_from_message(result.event)

    def _submitted(
        self, client: Any, job: Job, bundle: Bundle, files: dict[str, Path], interrupt: Interrupt, ticket: str
    ) -> JobResult:
        from distributed import CancelledError, KilledWorker

        future = client.submit(
            task(),
            bundle.job,
            bundle.files,
            {digest: self._scattered(client, digest, file) for digest, file in files.items()},
            self.connection.topic,
            _versions(job),
            key=ticket,
            pure=False,
            **self._placement(job),
        )
        try:
            with interrupt.watching(cancel := functools.partial(_cancel, future), cancel):
                return future.result()
        except KilledWorker as error:
            raise DiffrenderError(
                f"{job.name}: the workers that tried it died, {error.allowed_failures + 1} of them.",
                f"{MORE_MEMORY} 'allowed-failures: 1' of the scheduler spares some of them.",
            ) from None
        except CancelledError as error:
            if interrupt.set:
                raise KeyboardInterrupt from None
            if getattr(error, "reason", "") == "scheduler-connection-lost":
                raise SchedulerGoneError("the scheduler was lost") from None
            raise ClusterLossError("a worker was lost with what the job was to read") from None
        except OSError:
            if client.status != "running":
                raise
            raise ClusterLossError("a worker was lost before its files came back") from None
        except Exception as error:  # Dask's own: what a job raises comes back as an event
            if client.status != "running":
                raise
            raise DiffrenderError(f"{job.name}: {type(error).__name__}: {error}.") from error
        finally:
            future.release()

    def _scattered(self, client: Any, digest: str, file: Path) -> Any:
        """A file's bytes on the cluster: sent once for all jobs that read it meanwhile."""
        with self.lock:
            future = self.sent.get((id(client), digest))
            if future is None or future.status not in ("finished", "pending"):
                try:
                    future = client.scatter(file.read_bytes(), hash=False)
                except OSError:  # a timeout, too
                    if client.status != "running":
                        raise
                    raise ClusterLossError(f"a worker was lost while {file.name} was sent to it") from None
                self.sent[id(client), digest] = future
            return future

    def _placement(self, job: Job) -> dict[str, Any]:
        """Which workers may do a job: training goes to those with a GPU if there are any, none to those refused."""
        workers = self.connection.workers()
        wishes: dict[str, Any] = {}
        if job.kind == "train":
            declared = {name for worker in workers.values() for name in worker.get("resources", {})}
            gpu = next((name for name in GPU_RESOURCES if name in declared), None)
            wishes = {"resources": {gpu: 1}} if gpu else {}
        if self.refused:
            wishes["workers"] = [address for address in workers if address not in self.refused]
        return wishes

    def _refuse(self, job: Job, event: dict[str, Any]) -> None:
        """Leave a worker out that has another version; DiffrenderError if no other is there."""
        text = f"The worker at {event['worker']} is not used: {event['refused']}"
        with self.lock:
            if event["worker"] not in self.refused:
                self.refused.add(event["worker"])
                self.notice(text)
        if not set(self.connection.workers()) - self.refused:
            raise DiffrenderError(text, "No other worker is there. Install the same diffrender on all machines.")


def _cancel(future: Any) -> None:
    """Take a job back, unless the scheduler that has it is gone."""
    with contextlib.suppress(Exception):
        future.cancel()


def _versions(job: Job) -> dict[str, str]:
    """What must be the same there as here: versions, and the code itself."""
    return {**provenance.versions(*KINDS[job.kind].packages), "code": provenance.code_digest()[:12]}
