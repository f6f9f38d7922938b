"""The process that does jobs: ``python -m diffrender.jobs.run.child``.

It reads a job as a line of JSON on stdin and writes events, a line of JSON each, on stdout: `progress`, then `done`
or `error`; then it waits for another. `{"check": […]}` asks for the check of configs before any job. Whatever libraries
print goes to stderr. It ends itself when its parent is gone (stdin closes) and cleans up on SIGINT. Only the wing that
its jobs need is loaded.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from diffrender.core.child_process import Answers, Commands, error_as_message, redirect_stderr
from diffrender.core.errors import DiffrenderError
from diffrender.core.notes import forward
from diffrender.jobs.kinds import KINDS, Task
from diffrender.jobs.run.check import check_by_registries


class Events(Answers):
    """The stream of events: at most some tens of progress lines a second, whatever the job reports."""

    INTERVAL_SECONDS = 0.05

    def __init__(self) -> None:
        super().__init__()
        self.last, self.stage = 0.0, None

    def progress(self, event: dict[str, Any]) -> None:
        """Send how far the job is, unless that was said a moment ago."""
        now = time.monotonic()
        final = event.get("done") == event.get("total") or event.get("stage") != self.stage
        if final or now - self.last >= self.INTERVAL_SECONDS:
            self.last, self.stage = now, event.get("stage")
            self.send(event="progress", **event)


def main() -> int:
    """Do what is asked on stdin, until its end or the first failure; 0 done, 1 or 2 failed, 130 interrupted."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it
    events = Events()
    forward(lambda text: events.send(event="note", text=text))
    commands = Commands()
    code = 0
    with contextlib.suppress(KeyboardInterrupt):  # while it waits for the next command: nothing is to be cleaned up
        while code == 0 and (command := commands.next()):
            redirect_stderr(command["log"])
            code = _check(command["check"], events) if "check" in command else _do(command, events)
    return code


def _check(configs: list[dict[str, Any]], events: Events) -> int:
    def check() -> None:
        for one in configs:
            check_by_registries(one)
        events.send(event="done")

    return _guarded(check, events, "check of what is to be made")


def _do(job: dict[str, Any], events: Events) -> int:
    task = Task.from_dict(job, events.progress)

    def do() -> None:
        task.out.parent.mkdir(parents=True, exist_ok=True)
        before = _cpu_seconds()
        figures = KINDS[job["kind"]].do(task)
        events.send(event="done", path=str(task.out), figures=figures, cpu_seconds=_cpu_seconds() - before)

    return _guarded(do, events, task.name)


def _cpu_seconds() -> float:
    """Of this process, and of those that it started and that have ended."""
    return sum(os.times()[:4])


def _guarded(work: Callable[[], None], events: Events, doing: str) -> int:
    """Do it; an error is sent as an event."""
    try:
        work()
        return 0
    except KeyboardInterrupt:
        events.send(event="interrupted")
        return 130
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        remedy = "Choose another folder with --out or --outputs, or make room there."
        failure: Exception = DiffrenderError(f"{where}{error.strerror or error}.", remedy)
    except Exception as error:
        failure = error
    traceback.print_exception(failure)
    events.send(event="error", **error_as_message(failure, doing))
    return failure.exit_code if isinstance(failure, DiffrenderError) else 1


if __name__ == "__main__":
    sys.exit(main())
