"""Doing jobs: each in a process of its own, several at a time, in the order their needs allow."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from .errors import DiffrenderError
from .jobs import Job
from .worker import ERRORS

OnEvent = Callable[[Job, dict[str, Any]], None]
PATIENCE = 15.0                                                  # seconds a job gets to clean up after an interrupt


@dataclass
class Outcome:
    """How one job ended."""

    job: Job
    status: Literal["done", "failed", "skipped"]
    seconds: float = 0.0
    error: DiffrenderError | None = None
    figures: dict[str, Any] = field(default_factory=dict)


class Interrupt:
    """Set once: every running job is asked to stop."""

    def __init__(self) -> None:
        self.processes: set[subprocess.Popen] = set()
        self.lock, self.set = threading.Lock(), False

    def watch(self, process: subprocess.Popen) -> None:
        """Stop `process` too when the interrupt comes."""
        with self.lock:
            self.processes.add(process)
            if self.set:
                _signal(process, signal.SIGINT)

    def forget(self, process: subprocess.Popen) -> None:
        """`process` has ended."""
        with self.lock:
            self.processes.discard(process)

    def __call__(self) -> None:
        with self.lock:
            self.set = True
            for process in self.processes:
                _signal(process, signal.SIGINT)


def _signal(process: subprocess.Popen, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        process.send_signal(number)


def _kill_group(process: subprocess.Popen) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def run_job(job: Job, on_event: OnEvent = lambda job, event: None, interrupt: Interrupt | None = None, *,
            threads: int | None = None, log: Path | None = None) -> dict[str, Any]:
    """Do one job in a child process and return its `done` event.

    threads: how many the job may use for arithmetic. log: where its stderr goes (a temporary file if not given).
    Raises the job's own error, DiffrenderError if the process died, KeyboardInterrupt if it was interrupted.
    """
    interrupt = interrupt or Interrupt()
    environment = dict(os.environ, PYTHONUNBUFFERED="1")
    if threads:
        environment.update({name: str(threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")})
    with contextlib.ExitStack() as stack:
        errors = stack.enter_context(log.open("wb") if log else tempfile.TemporaryFile())
        process = stack.enter_context(subprocess.Popen(
            [sys.executable, "-m", "diffrender.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
            env=environment, start_new_session=True))
        assert process.stdin and process.stdout
        stack.callback(_kill_group, process)                     # its own children too, whatever became of it
        interrupt.watch(process)
        stack.callback(interrupt.forget, process)
        process.stdin.write(json.dumps(job.as_dict()).encode() + b"\n")
        process.stdin.flush()
        last: dict[str, Any] = {}
        for line in process.stdout:
            last = json.loads(line)
            if last["event"] == "progress":
                on_event(job, last)
        code = process.wait()
        if last.get("event") == "done":
            return last
        if last.get("event") == "error":
            raise ERRORS[last["family"]](last["problem"], last["remedy"])
        if interrupt.set or last.get("event") == "interrupted":
            raise KeyboardInterrupt
        raise DiffrenderError(f"{job.name}: its process ended without a word ({_cause(code)}).", _tail(errors, log))


def _cause(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"


def _tail(errors: Any, log: Path | None) -> str:
    """The last line of what the process said on stderr, and where the rest is."""
    if log:
        text = log.read_text(errors="replace")
    else:
        errors.seek(0)
        text = errors.read().decode(errors="replace")
    lines = text.strip().splitlines()
    where = f" The whole is in {log}." if log else ""
    return f"It last said: {lines[-1]}.{where}" if lines else "Try again; if it happens again, 'diffrender doctor' may tell why."


def run(jobs: Iterable[Job], *, workers: int = 1, on_event: OnEvent = lambda job, event: None, fail_fast: bool = True,
        logs: Path | None = None) -> list[Outcome]:
    """Do `jobs` (in order, needs first) in `workers` processes at a time.

    With `fail_fast` the first error is raised after the running jobs were stopped; else jobs that need a failed one are
    skipped and all others done. An interrupt stops the running jobs, waits for them to clean up, and is raised again.
    on_event is called from several threads with `progress`, and with `start` and `end` (an Outcome) of each job.
    """
    todo, outcomes, interrupt = list(jobs), dict[int, Outcome](), Interrupt()
    places = {(job.kind, job.out): i for i, job in enumerate(todo)}
    threads = max(1, (os.cpu_count() or 1) // workers) if workers > 1 else None

    def one(i: int) -> Outcome:
        job, start = todo[i], time.monotonic()
        on_event(job, {"event": "start"})
        log = logs / f"{i:03d}-{job.kind}-{job.out.stem}.log" if logs else None
        done = run_job(job, on_event, interrupt, threads=threads, log=log)
        return Outcome(job, "done", time.monotonic() - start, figures=done.get("figures", {}))

    pool = ThreadPoolExecutor(workers)
    running: dict[Future[Outcome], tuple[int, float]] = {}
    waiting = list(range(len(todo)))
    try:
        while waiting or running:
            for i in list(waiting):
                needs = [outcomes.get(places[k]) for n in todo[i].needs if (k := (n.kind, n.out)) in places]
                if any(n and n.status != "done" for n in needs):
                    waiting.remove(i)
                    outcomes[i] = Outcome(todo[i], "skipped")
                    on_event(todo[i], {"event": "end", "outcome": outcomes[i]})
                elif all(needs) and len(running) < workers:
                    waiting.remove(i)
                    running[pool.submit(one, i)] = (i, time.monotonic())
            ended, _ = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
            for future in ended:
                i, start = running.pop(future)
                try:
                    outcomes[i] = future.result()
                except DiffrenderError as error:
                    outcomes[i] = Outcome(todo[i], "failed", time.monotonic() - start, error)
                    if fail_fast:
                        raise
                on_event(todo[i], {"event": "end", "outcome": outcomes[i]})
    except BaseException:
        interrupt()
        wait(running, timeout=PATIENCE)
        for process in list(interrupt.processes):
            _kill_group(process)
        raise
    finally:
        pool.shutdown()
    return [outcomes[i] for i in range(len(todo))]
