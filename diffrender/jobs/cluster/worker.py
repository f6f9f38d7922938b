"""The part of a job that a Dask worker runs: a function sent by value, which compares versions before it uses ours.

So the scheduler's machine needs no diffrender, and a worker that joins late is not asked before.
"""

from __future__ import annotations

import contextlib
import functools
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from diffrender.core.child_process import error_as_message
from diffrender.core.errors import DiffrenderError, WorkerDiedError
from diffrender.jobs.cluster import bundle as bundles
from diffrender.jobs.cluster.bundle import Bundle, JobResult
from diffrender.jobs.run.children import Children, Interrupt

LOOK_SECONDS = 0.5  # between progress reports, and between looks whether a job is still wanted


@functools.cache
def task() -> Callable[..., Any]:
    """What is sent. It is made in here so that it travels by value, and neither takes nor needs anything of ours."""

    def checked(
        job: dict[str, Any], files: dict[str, str], contents: dict[str, bytes], topic: str, versions: dict[str, str]
    ) -> Any:
        from types import SimpleNamespace

        from distributed import get_worker

        try:
            from diffrender.core import provenance as there
            from diffrender.jobs.cluster.worker import perform

            packages = set(versions) - {"diffrender", "code"}
            here = {**there.versions(*packages), "code": there.code_digest()[:12]}
            wrong = [f"it has {p} {here[p]}, and not {v}" for p, v in versions.items() if here[p] != v]
        except Exception as error:  # whatever stands there in place of our package
            wrong = [f"{type(error).__name__}: {error}"]
        if wrong:
            return SimpleNamespace(event={"refused": f"{wrong[0]}.", "worker": get_worker().address}, files={}, log="")
        return perform(job, files, contents, topic)

    return checked


def perform(job: dict[str, Any], files: dict[str, str], contents: dict[str, bytes], topic: str) -> JobResult:
    """Do a packed job on this Dask worker, in a folder of its own that is gone afterwards."""
    from distributed import get_worker

    worker, bundle = get_worker(), Bundle(job, files)
    try:
        with tempfile.TemporaryDirectory(prefix="diffrender-", dir=worker.local_directory) as folder:
            return _performed(bundle, contents, topic, Path(folder), worker)
    except Exception as error:  # a full disk, say: an exception that travels by itself may not arrive
        text = f"{job['name']} failed on {worker.address}: {type(error).__name__}: {error}."
        return JobResult(_as_event(DiffrenderError(text)), {}, traceback.format_exc())


def _performed(bundle: Bundle, contents: dict[str, bytes], topic: str, folder: Path, worker: Any) -> JobResult:
    interrupt, last, ticket = Interrupt(), 0.0, worker.get_current_task()
    log = folder / "log"

    def report(event: dict[str, Any]) -> None:
        nonlocal last
        if event["event"] != "progress" or time.monotonic() - last > LOOK_SECONDS:
            last = time.monotonic()
            worker.log_event(topic, {"ticket": ticket, "event": event})

    try:
        job = bundles.unpack(bundle, folder, contents.__getitem__)
        with _while_wanted(worker, interrupt), Children.of(worker.state.nthreads) as children:
            done = children.do(job, report, interrupt, log=log)
        return JobResult(done, bundles.collect(job))
    except KeyboardInterrupt:
        return JobResult(_as_event(WorkerDiedError(f"{bundle.job['name']}: stopped.")), {})
    except DiffrenderError as error:
        return JobResult(_as_event(error), {}, log.read_text(errors="replace") if log.is_file() else "")


def _as_event(error: DiffrenderError) -> dict[str, Any]:
    return {"event": "error", **error_as_message(error, "")}


@contextlib.contextmanager
def _while_wanted(worker: Any, interrupt: Interrupt) -> Iterator[None]:
    """Interrupt the job when the client has cancelled it, or is gone: Dask itself does not stop what runs."""
    key, over = worker.get_current_task(), threading.Event()

    def watch() -> None:
        while not over.wait(LOOK_SECONDS):
            state = worker.state.tasks.get(key)
            if state is None or state.state not in ("executing", "long-running"):
                interrupt()
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
