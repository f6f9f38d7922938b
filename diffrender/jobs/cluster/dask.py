"""Jobs on a Dask cluster: the same jobs, done by the same child processes on other machines (the extra `cluster`).

Every job is submitted when what it needs is done, with the files it reads; its own come back checked by hash. A
scheduler that goes is waited for, and what ran begins anew.
"""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from diffrender.core import provenance
from diffrender.core.child_process import error_from_message
from diffrender.core.errors import DiffrenderError, MissingToolError, UsageError
from diffrender.jobs.cluster import bundle as bundles
from diffrender.jobs.cluster.bundle import Bundle, JobResult
from diffrender.jobs.cluster.worker import task
from diffrender.jobs.job import Job
from diffrender.jobs.kinds import KINDS
from diffrender.jobs.run.children import Interrupt
from diffrender.jobs.run.local import OnEvent

CONNECT_SECONDS = 10.0  # to wait for the scheduler
RETURN_SECONDS = 120.0  # to wait for a scheduler that has gone
LOSSES = 8  # of workers with a job's files, or of the scheduler, after which a job is given up
LONELY_SECONDS = 5.0  # without any worker before something is said
LOOK_SECONDS = 0.5  # between looks for a scheduler, a worker
MORE_MEMORY = "It may need more memory than the workers have."
GPU_RESOURCES = ("gpu", "GPU")  # names of the resource that training asks for where a worker declares it


class ClusterLossError(Exception):
    """Something of the cluster is gone, and with it files of a job: it begins anew."""


class SchedulerGoneError(ClusterLossError):
    """The connection to the scheduler broke."""


class DaskCluster:
    """A cluster behind a Dask scheduler, for `local.run`. A context manager.

    address: the scheduler's, `tcp://host:8786`. notice: told what a person should know meanwhile.
    Raises MissingToolError without Dask, UsageError when nobody answers at the address.
    """

    def __init__(self, address: str, notice: Callable[[str], None]) -> None:
        try:
            import distributed
        except ImportError:
            raise MissingToolError("--scheduler needs Dask.", "Run: pip install dask distributed") from None
        self.notice, self.address = notice, address
        _check_protection(address, distributed.Security(), notice)
        for name in [name for name in logging.root.manager.loggerDict if name.split(".")[0] == "distributed"]:
            logging.getLogger(name).setLevel(logging.CRITICAL)  # what a person should know is said by `notice`
        self.topic = f"diffrender-{os.getpid()}-{time.time_ns()}"
        try:
            self.client = self._connected(CONNECT_SECONDS)
        except (OSError, ValueError) as error:
            reason = str(error).split("\n")[0]
            raise UsageError(
                f"--scheduler {address}: no Dask scheduler answers ({reason}).", "See docs/cluster.md."
            ) from None
        self.refused: set[str] = set()
        self.sent: WeakValueDictionary[str, Any] = WeakValueDictionary()
        self.lock, self.closed, self.given_up = threading.Lock(), threading.Event(), False
        self.connecting = threading.Lock()
        self.listeners: dict[str, Callable[[dict[str, Any]], None]] = {}
        self.watch = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> DaskCluster:
        self.watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closed.set()
        self.watch.join()
        _close(self.client)

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
            client = self.client
            try:
                with self._listening(ticket, lambda event: on_event(job, event)), _scheduler_there(client):
                    self._await_worker(client, interrupt)
                    result = self._submitted(client, job, bundle, files, interrupt, ticket)
            except ClusterLossError as error:
                if (losses := losses + 1) > LOSSES:
                    raise DiffrenderError(f"{job.name}: {error}, {losses} times.", MORE_MEMORY) from None
                if isinstance(error, SchedulerGoneError):
                    self._await_scheduler(client, interrupt)
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
            self.topic,
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

    def _connected(self, seconds: float) -> Any:
        """A client of the scheduler, that hears of progress."""
        import distributed

        client = distributed.Client(self.address, timeout=seconds, set_as_default=False)
        client.subscribe_topic(self.topic, self._heard)
        return client

    def _await_scheduler(self, lost: Any, interrupt: Interrupt) -> None:
        """Go on when the scheduler is back behind the connection `lost`; DiffrenderError if it does not come back."""
        with self.connecting:
            if self.client is not lost:  # another job has waited for it
                return
            _close(lost)
            if not self.given_up:
                self.notice(f"The scheduler at {self.address} is gone; waiting for it to come back.")
            deadline = time.monotonic() + RETURN_SECONDS
            while not self.given_up:
                if interrupt.set:
                    raise KeyboardInterrupt
                with contextlib.suppress(OSError):
                    self.client, self.sent = (
                        self._connected(min(CONNECT_SECONDS, RETURN_SECONDS)),
                        WeakValueDictionary(),
                    )
                    return
                time.sleep(LOOK_SECONDS)
                self.given_up = time.monotonic() > deadline
            raise DiffrenderError(
                f"The scheduler at {self.address} did not come back in {RETURN_SECONDS:g} s.",
                "What was finished is kept: run the same again when it is there.",
            )

    def _await_worker(self, client: Any, interrupt: Interrupt) -> None:
        """Files can only be sent to somebody."""
        while not client.nthreads():
            if interrupt.set:
                raise KeyboardInterrupt
            time.sleep(LOOK_SECONDS)

    def _scattered(self, client: Any, digest: str, file: Path) -> Any:
        """A file's bytes on the cluster: sent once for all jobs that read it meanwhile."""
        with self.lock:
            future = self.sent.get(digest)
            if future is None or future.status not in ("finished", "pending"):
                try:
                    future = client.scatter(file.read_bytes(), hash=False)
                except OSError:  # a timeout, too
                    if client.status != "running":
                        raise
                    raise ClusterLossError(f"a worker was lost while {file.name} was sent to it") from None
                self.sent[digest] = future
            return future

    def _placement(self, job: Job) -> dict[str, Any]:
        """Which workers may do a job: training goes to those with a GPU if there are any, none to those refused."""
        workers = self._workers()
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
        if not set(self._workers()) - self.refused:
            raise DiffrenderError(text, "No other worker is there. Install the same diffrender on all machines.")

    # ---- what is heard -----------------------------------------------------------------------------------------------
    @contextlib.contextmanager
    def _listening(self, ticket: str, on_event: Callable[[dict[str, Any]], None]) -> Iterator[None]:
        self.listeners[ticket] = on_event
        try:
            yield
        finally:
            del self.listeners[ticket]

    def _heard(self, message: tuple[float, dict[str, Any]]) -> None:
        _, report = message
        listener = self.listeners.get(report["ticket"])
        if listener:
            listener(report["event"])

    def _workers(self) -> dict[str, Any]:
        return dict(self.client.scheduler_info(n_workers=-1)["workers"])

    def _watch(self) -> None:
        """Say so when jobs wait and there is nobody to do them."""
        lonely_since: float | None = time.monotonic()
        while not self.closed.wait(1.0):
            with contextlib.suppress(Exception):
                if self.client.nthreads() or not self.listeners:
                    lonely_since = time.monotonic()
                elif lonely_since is not None and time.monotonic() - lonely_since > LONELY_SECONDS:
                    self.notice(
                        f"No worker is connected to {self.address}; waiting for one. "
                        f"Start some with: dask worker {self.address}"
                    )
                    lonely_since = None


def _check_protection(address: str, security: Any, notice: Callable[[str], None]) -> None:
    """UsageError for tls:// without the files that Dask needs for it; a word where traffic is in the clear."""
    if address.startswith("tls://"):
        if not security.get_connection_args("client").get("ssl_context"):
            raise UsageError(
                f"--scheduler {address}: Dask has no certificates for it.",
                "Set distributed.comm.tls (ca-file, client.cert, client.key) in its configuration: docs/cluster.md.",
            )
    elif not _is_local(address):
        notice(f"Traffic to {address} is neither encrypted nor protected: see TLS in docs/cluster.md.")


@contextlib.contextmanager
def _scheduler_there(client: Any) -> Iterator[None]:
    """SchedulerGoneError for whatever is raised when a client has lost the scheduler, or another job has closed it."""
    try:
        yield
    except (ClusterLossError, DiffrenderError):
        raise
    except Exception as error:
        if client.status == "running" and not isinstance(error, OSError):
            raise
        raise SchedulerGoneError("the scheduler was lost") from None


def _close(client: Any) -> None:
    """End a client, whose scheduler may be gone."""
    with contextlib.suppress(Exception):
        client.close(timeout=CONNECT_SECONDS)


def _cancel(future: Any) -> None:
    """Take a job back, unless the scheduler that has it is gone."""
    with contextlib.suppress(Exception):
        future.cancel()


def _is_local(address: str) -> bool:
    """Whether a scheduler's address is of this machine, a tunnel's end included."""
    host = urlsplit(address if "//" in address else f"tcp://{address}").hostname or ""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host in ("localhost", "") or address.startswith(("inproc://", "unix://"))


def _versions(job: Job) -> dict[str, str]:
    """What must be the same there as here: versions, and the code itself."""
    return {**provenance.versions(*KINDS[job.kind].packages), "code": provenance.code_digest()[:12]}
