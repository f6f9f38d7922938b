"""Measured times of jobs, in a small file beside the outputs, from which times are estimated."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from pathlib import Path
from statistics import median

from diffrender.core.files import write_text
from diffrender.jobs.job import Job
from diffrender.jobs.kinds import KINDS
from diffrender.jobs.run.local import Outcome

FILE = ".times.json"


class JobTimings:
    """Seconds by job, read from `folder` and kept there. A damaged or missing file holds none."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        try:
            read = json.loads(self.path.read_text("utf-8"))
            self.seconds = {str(k): float(v) for k, v in read.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            self.seconds = {}

    def estimate(self, job: Job) -> tuple[float, bool]:
        """(seconds, whether measured): of this job, else what its kind and size usually take, else a guess."""
        if _name(job) in self.seconds:
            return self.seconds[_name(job)], True
        alike = [seconds for name, seconds in self.seconds.items() if name.startswith(_class(job))]
        return (median(alike), True) if alike else (KINDS[job.kind].first_guess, False)

    def record(self, outcomes: Iterable[Outcome]) -> None:
        """Save measured times, if there is the folder; errors are ignored."""
        if not self.path.parent.is_dir():
            return
        self.seconds.update({_name(o.job): round(o.seconds, 2) for o in outcomes if o.status == "done"})
        with contextlib.suppress(OSError):
            write_text(self.path, json.dumps(self.seconds, indent=0, sort_keys=True))


def _class(job: Job) -> str:
    """Jobs that take alike: of one kind, and clips of one size and rate."""
    size = [str(job.settings[name]) for name in ("width", "height", "fps") if name in job.settings]
    return " ".join([job.kind, *size, ""])


def _name(job: Job) -> str:
    return _class(job) + job.name
