"""Progress of a batch on the terminal: a bar for every running job, and one for the whole with the time left."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from diffrender.jobs.job import Job
from diffrender.jobs.run.progress import Progress, duration

REFRESH_SECONDS = 0.5


class Screen(Progress):
    """Progress of a batch. expected: seconds by output file; they weigh the jobs against each other."""

    def __init__(self, expected: Mapping[Path, float], workers: int) -> None:
        super().__init__()
        self.expected, self.workers = dict(expected), workers
        self.share: dict[Path, float] = {}  # of each job begun: how much of it is done, 0…1
        self.ended, self.begun, self.closed = 0, time.monotonic(), threading.Event()
        self.whole: tqdm | None = None
        if self.terminal and expected:
            self.whole = tqdm(total=1.0, leave=False, dynamic_ncols=True, file=sys.stderr, bar_format="")
            self.clock = threading.Thread(target=self._tick, daemon=True)
            self.clock.start()

    def __exit__(self, *_: object) -> None:
        self.closed.set()
        super().__exit__()
        if self.whole is not None:
            self.clock.join()
            self.whole.close()

    def _tick(self) -> None:
        while not self.closed.wait(REFRESH_SECONDS):
            with self.lock:
                self._show()

    def _show(self) -> None:
        assert self.whole is not None
        done = self.done()
        self.whole.n = done
        jobs, left = f"{self.ended} of {len(self.expected)} jobs", f"{duration(self.left(done))} left"
        self.whole.bar_format = f"{jobs} {{percentage:3.0f}}%|{{bar}}| {left}"
        self.whole.refresh()

    def done(self) -> float:
        """How much of the whole is done, 0…1."""
        total = sum(self.expected.values()) or 1.0
        return min(sum(self.expected.get(out, 0.0) * share for out, share in self.share.items()) / total, 1.0)

    def left(self, done: float) -> float:
        """Seconds left: what was expected at first, and more and more what the pace so far says."""
        passed = time.monotonic() - self.begun
        planned = sum(self.expected.values()) / max(1, min(self.workers, len(self.expected))) * (1 - done)
        paced = passed / done * (1 - done) if done else planned
        return done * paced + (1 - done) * planned

    def _start(self, job: Job, event: dict[str, Any]) -> None:
        self.share[job.out] = 0.0
        super()._start(job, event)

    def _progress(self, job: Job, event: dict[str, Any]) -> None:
        super()._progress(job, event)
        if event.get("total"):
            self.share[job.out] = min(event.get("done", 0) / event["total"], 1.0)

    def _end(self, job: Job, event: dict[str, Any]) -> None:
        self.share[job.out] = 1.0
        self.ended += 1
        super()._end(job, event)

    def notice(self, text: str) -> None:
        """A line above the bars."""
        with self.lock:
            tqdm.write(text, file=sys.stderr)
