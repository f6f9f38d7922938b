"""Bring jobs up to date, with progress on stderr; and the recordings of a scene that Manim itself renders.

``python -m diffrender.jobs.make SCENE.py CLASS`` prints the recordings of a scene as JSON, name → file, making first
what is not up to date: a scene run by ``manim render`` asks for them so, and imports no jobs.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from diffrender.config.scene_card import read_scene, with_options
from diffrender.core.errors import DiffrenderError
from diffrender.core.files import remove_unfinished
from diffrender.jobs.job import Job, pending
from diffrender.jobs.plan.given import named_files
from diffrender.jobs.plan.needs import recorded_file, recordings
from diffrender.jobs.plan.subject import OUTPUTS
from diffrender.jobs.run.check import check_before_start
from diffrender.jobs.run.children import Children
from diffrender.jobs.run.local import Outcome, run
from diffrender.jobs.run.progress import Progress, duration
from diffrender.jobs.run.timings import JobTimings


def bring_up_to_date(job: Job, force: bool = False, outputs: Path = OUTPUTS) -> dict[str, Any]:
    """Do what `job` needs and itself, showing progress; what is parts of it with --json.

    outputs: the folder in which measured times are kept, from which the time left is estimated.
    """
    start = time.monotonic()
    for folder in _folders(job):
        remove_unfinished(folder)
    todo = _todo(job, force)
    outcomes = _do(todo, outputs)
    return {
        "key": job.key,
        "made": [str(job.out) for job in todo],
        "reused": not todo,
        "seconds": round(time.monotonic() - start, 2),
        "figures": outcomes[-1].figures if outcomes else {},
    }


def dry_run_table(job: Job, force: bool = False, outputs: Path = OUTPUTS) -> str:
    """What would be made, a line each, with about how long it takes; checked as it would be."""
    todo, timings = _todo(job, force), JobTimings(outputs)
    check_before_start(todo)
    estimates = timings.estimates(todo)
    rows = [(each.name, str(each.out), estimates[each.out]) for each in todo]
    width = max((len(name) for name, *_ in rows), default=0)
    lines = [
        f"{name:<{width}}  about {duration(max(1, round(estimate.seconds)))} ({estimate})  {out}"
        for name, out, estimate in rows
    ]
    return "\n".join(lines or [f"{job.out} is up to date."])


def _folders(job: Job) -> set[Path]:
    """Where a job and what it needs write."""
    return {job.out.parent}.union(*(_folders(need) for need in job.needs))


def _todo(job: Job, force: bool) -> list[Job]:
    todo = pending([job])
    if force and job not in todo:
        todo = [*pending(job.needs), job]  # what it is made from may be gone though it is there itself
    return todo


def _do(todo: list[Job], outputs: Path) -> list[Outcome]:
    """Check all, then do one after another; the first error is raised."""
    timings = JobTimings(outputs)
    with Children() as children:
        check_before_start(todo, children)
        if len(todo) > 1:
            print(f"To do: {', '.join(job.name for job in todo)}.", file=sys.stderr)
        expected = {out: seconds for out, (seconds, _) in timings.estimates(todo).items()}
        with Progress(expected) as progress:
            outcomes = run(todo, on_event=progress, children=children)
    timings.record(outcomes)
    return outcomes


def find_recordings(scene_file: Path, class_name: str) -> dict[str, Path]:
    """The recordings of a scene run by Manim itself (`manim render scenes/langevin.py`).

    From DIFFRENDER_TRAJECTORY (`file.npz`, or `name=file.npz` several times with the system's path separator), else
    from outputs/, making in processes of their own what is not up to date there.
    """
    card = with_options(read_scene(scene_file, class_name), {})
    given = os.environ.get("DIFFRENDER_TRAJECTORY", "")
    if given:
        return named_files([part for part in given.split(os.pathsep) if part], card)
    needs = recordings(card)
    _do(pending(needs.values()), OUTPUTS)
    return {name: recorded_file(job) for name, job in needs.items()}


def main() -> int:
    """Print a scene's recordings; 0 done, else the error's exit code and its text on stderr."""
    try:
        files = find_recordings(Path(sys.argv[1]), sys.argv[2])
    except DiffrenderError as error:
        print(json.dumps({"problem": error.problem, "remedy": error.remedy}))
        return error.exit_code
    print(json.dumps({name: str(file) for name, file in files.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
