"""Progress on stderr: a tqdm bar for every running job on a terminal, a line at its start and end elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

from tqdm import tqdm

from diffrender.core.errors import DiffrenderError
from diffrender.core.notes import SAID
from diffrender.jobs.check import check_before_start
from diffrender.jobs.job import Job, pending
from diffrender.jobs.kinds import KINDS
from diffrender.jobs.run.local import Outcome, run

SHOWN_FIGURES = ("loss", "nfe", "segments")


class Progress:
    """Shows the events of `local.run`; use as its `on_event`, inside a `with`."""

    def __init__(self) -> None:
        self.bars: dict[str, tqdm] = {}
        self.stages: dict[str, str] = {}
        self.lock, self.terminal = threading.Lock(), sys.stderr.isatty()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        for bar in self.bars.values():
            bar.close()

    def __call__(self, job: Job, event: dict[str, Any]) -> None:
        with self.lock:
            getattr(self, f"_{event['event']}")(job, event)

    def _start(self, job: Job, event: dict[str, Any]) -> None:
        if not self.terminal:
            print(f"{job.name} …", file=sys.stderr, flush=True)
        else:
            self.bars[str(job.out)] = tqdm(
                desc=job.name,
                unit="",
                dynamic_ncols=True,
                leave=False,
                file=sys.stderr,
                bar_format="{desc}: starting …",
            )

    def _progress(self, job: Job, event: dict[str, Any]) -> None:
        if "note" in event:
            tqdm.write(f"{job.name}: {event['note']}", file=sys.stderr)
            return
        bar = self.bars.get(str(job.out))
        if bar is None:
            return
        stage, total = str(event.get("stage", "")), event.get("total")
        if self.stages.get(str(job.out)) != stage or bar.total != total:
            self.stages[str(job.out)] = stage
            bar.bar_format = None
            bar.reset(total=total)
            bar.unit = f" {KINDS[job.kind].unit}"
            bar.set_description_str(
                f"{job.name}, {stage}" if stage and stage not in job.name else job.name, refresh=False
            )
        bar.update(event.get("done", 0) - bar.n)
        shown = {k: f"{event[k]:.4g}" for k in SHOWN_FIGURES if isinstance(event.get(k), (int, float))}
        if shown:
            bar.set_postfix(shown, refresh=False)

    def _note(self, job: Job, event: dict[str, Any]) -> None:
        if event["text"] not in SAID:  # a check, a training and its sampling read the same file
            SAID.add(event["text"])
            tqdm.write(event["text"], file=sys.stderr)

    def _retry(self, job: Job, event: dict[str, Any]) -> None:
        tqdm.write(f"{event['problem']} It is tried again.", file=sys.stderr)

    def _end(self, job: Job, event: dict[str, Any]) -> None:
        outcome: Outcome = event["outcome"]
        bar = self.bars.pop(str(job.out), None)
        if bar is not None:
            bar.close()
        ending = {"done": f"{duration(outcome.seconds)}", "failed": "failed", "skipped": "skipped"}[outcome.status]
        tqdm.write(f"{job.name}: {ending}{figures(outcome.figures)}", file=sys.stderr)


def figures(found: dict[str, Any]) -> str:
    """What is worth saying of a job's figures, after its duration."""
    parts = []
    if "frames" in found:
        parts.append(f"{found['frames']:,} frame{'s' * (found['frames'] != 1)}")
    if "film_seconds" in found:
        parts.append(f"{found['film_seconds']:.1f} s of film")
    if "loss" in found:
        parts.append(f"loss {found['loss']:.4f}")
    if "neighbours" in found:
        parts.append(f"{found['neighbours']:.1%} of codes of the class of most of their neighbours")
    if "ratio" in found:
        distance, floor, ratio = (found[k] for k in ("sliced_wasserstein", "floor", "ratio"))
        parts.append(f"sliced Wasserstein-2 to fresh data {distance:.4f}, {ratio:.2f} × the floor of {floor:.4f}")
    return "".join(f", {text}" for text in parts) + "".join(f"\n  {note}" for note in found.get("notes", ()))


def duration(seconds: float) -> str:
    """`8.3 s`, `2 min 5 s`, `1 h 12 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def bring_up_to_date(job: Job, force: bool = False) -> dict[str, Any]:
    """Do what `job` needs and itself, showing progress; what is parts of it with --json."""
    start = time.monotonic()
    todo = pending([job])
    if force and job not in todo:
        todo = [*pending(job.needs), job]  # what it is made from may be gone though it is there itself
    check_before_start(todo)
    if len(todo) > 1:
        tqdm.write(f"To do: {', '.join(job.name for job in todo)}.", file=sys.stderr)
    with Progress() as progress:
        outcomes = run(todo, on_event=progress)
    failed = [o.error for o in outcomes if o.error]
    if failed:
        raise failed[0] or DiffrenderError(job.name)
    return {
        "key": job.key,
        "made": [str(job.out) for job in todo],
        "reused": not todo,
        "seconds": round(time.monotonic() - start, 2),
        "figures": outcomes[-1].figures if outcomes else {},
    }
