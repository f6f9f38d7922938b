"""Making the recordings that a clip needs, in the background, while its last picture stays."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from diffrender.core.errors import DiffrenderError
from diffrender.jobs.job import Job
from diffrender.jobs.run.check import check_before_start
from diffrender.jobs.run.children import Children, Interrupt
from diffrender.jobs.run.local import Outcome
from diffrender.jobs.run.progress import duration
from diffrender.jobs.run.timings import JobTimings


class Recording:
    """Does some jobs, in order, in a thread of its own.

    changed: called when there is news; after the last of it `done` is true, and `error` says what went wrong.
    """

    def __init__(self, jobs: list[Job], children: Children, outputs: Path, changed: Callable[[], None]) -> None:
        self.jobs, self.children, self.changed = jobs, children, changed
        self.keys = [job.key for job in jobs]
        self.timings = JobTimings(outputs)
        self.expected = [self.timings.estimate(job)[0] for job in jobs]
        self.number, self.share, self.begun = 0, 0.0, time.monotonic()
        self.done = False
        self.error: DiffrenderError | None = None
        self.interrupt = Interrupt()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def cancel(self) -> None:
        """Stop, and wait until it has."""
        self.interrupt()
        self.thread.join(5)
        self.interrupt.kill()
        self.thread.join()

    def told(self) -> dict[str, Any]:
        """What it does now, in words, how much of all of it is done, and about how many seconds are left."""
        total = sum(self.expected) or 1.0
        before = sum(self.expected[: self.number])
        share = (before + self.share * self.expected[self.number]) / total if self.number < len(self.jobs) else 1.0
        passed = time.monotonic() - self.begun
        left = passed / share * (1 - share) if share > 0.05 else max(total - passed, 1.0)
        name = self.jobs[min(self.number, len(self.jobs) - 1)].name
        return {"text": f"{name}, about {duration(max(1, round(left)))} left", "share": round(share, 3)}

    def _run(self) -> None:
        try:
            check_before_start(self.jobs, self.children)
            for number, job in enumerate(self.jobs):
                self.number = number
                self._do(job)
        except DiffrenderError as error:
            self.error = error
        except KeyboardInterrupt:  # how a job that was interrupted ends
            return
        self.done = True
        self.changed()

    def _do(self, job: Job) -> None:
        begun, self.share = time.monotonic(), 0.0
        if self.interrupt.set:
            raise KeyboardInterrupt
        self.children.do(job.as_dict(), self._report, self.interrupt, reused=True)
        with contextlib.suppress(OSError):
            self.timings.record([Outcome(job, "done", time.monotonic() - begun)])

    def _report(self, event: dict[str, Any]) -> None:
        if event.get("total"):
            self.share = event["done"] / event["total"]
            self.changed()
