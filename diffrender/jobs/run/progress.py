"""Progress on stderr.

On a terminal a bar for every running job, and one for all with the time left; elsewhere a line at the start and the end
of each, and one every ten seconds.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from diffrender.core.notes import SAID
from diffrender.core.terminal import printable
from diffrender.jobs.job import Job
from diffrender.jobs.kinds import KINDS
from diffrender.jobs.run.local import Outcome

SHOWN_FIGURES = ("loss", "nfe", "segments")
REFRESH_SECONDS = 0.5  # of the bar of all jobs
LINE_SECONDS = 10.0
HEARD, HEARD_SECONDS = 0.1, 10.0  # share of the work, and time, after which its pace is trusted alone


def write(text: str) -> None:
    """A line on stderr, above the bars if there are some."""
    tqdm.write(printable(text), file=sys.stderr)
    sys.stderr.flush()


class Progress:
    """Shows the events of `local.run`; use as its `on_event`, inside a `with`.

    expected: seconds by output file; they weigh the jobs against each other. workers: jobs at a time. line_seconds:
    between two lines where there is no terminal.
    """

    def __init__(self, expected: Mapping[Path, float], workers: int = 1, *, line_seconds: float = LINE_SECONDS) -> None:
        self.expected, self.workers, self.line_seconds = dict(expected), workers, line_seconds
        self.share: dict[Path, float] = {}  # of each job begun: how much of it is done, 0…1
        self.running: dict[Path, str] = {}  # names of the jobs that run
        self.bars: dict[str, tqdm] = {}
        self.stages: dict[str, str] = {}
        self.whole: tqdm | None = None
        self.begun = self.moved = time.monotonic()  # moved: when something was last heard to be done
        self.closed = threading.Event()
        self.lock, self.bar = threading.Lock(), bar_kind()
        self.clock = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Progress:
        if self.bar is not None and len(self.expected) > 1:
            self.whole = self.bar(total=1.0, leave=False, dynamic_ncols=True, file=sys.stderr, bar_format="")
        self.clock.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closed.set()
        self.clock.join()
        for bar in [*self.bars.values(), *([self.whole] if self.whole is not None else [])]:
            bar.close()

    def __call__(self, job: Job, event: dict[str, Any]) -> None:
        with self.lock:
            getattr(self, f"_{event['event']}")(job, event)

    # ---- the whole ---------------------------------------------------------------------------------------------------
    def done(self) -> float:
        """How much of the whole is done, 0…1."""
        total = sum(self.expected.values()) or 1.0
        return min(sum(self.expected.get(out, 0.0) * share for out, share in self.share.items()) / total, 1.0)

    def left(self, done: float) -> float:
        """Seconds left: what was expected at first, and from a tenth of the work on what the pace so far says.

        That is worked out when something is done, and the time that passes until there is more is taken off it.
        """
        passed, still = self.moved - self.begun, time.monotonic() - self.moved
        planned = sum(self.expected.values()) / max(1, min(self.workers, len(self.expected))) * (1 - done)
        paced = passed / done * (1 - done) if done else planned
        heard = min(1.0, done / HEARD, passed / HEARD_SECONDS)
        left = heard * paced + (1 - heard) * max(planned - passed * (1 - done) ** 4, passed / 4)
        return max(left - still, still / 4)

    def line(self) -> str:
        """`job 2 of 4, render langevin 35 %, about 40 s left`."""
        done = self.done()
        running = [f"{name} {self.share[out]:.0%}".replace("%", " %") for out, name in self.running.items()]
        return ", ".join([self._count(), *running, f"about {duration(round(self.left(done)))} left"])

    def _count(self) -> str:
        return f"job {max(1, len(self.share))} of {len(self.expected)}"

    def _tick(self) -> None:
        while not self.closed.wait(REFRESH_SECONDS if self.bar is not None else self.line_seconds):
            with self.lock:
                if self.whole is not None:
                    self.whole.n = done = self.done()
                    left = f"about {duration(round(self.left(done)))} left"
                    self.whole.bar_format = f"{self._count()} {{percentage:3.0f}}%|{{bar}}| {left}"
                    self.whole.refresh()
                elif self.bar is None and self.running:
                    write(self.line())

    def notice(self, text: str) -> None:
        """A line above the bars."""
        with self.lock:
            write(text)

    # ---- events ------------------------------------------------------------------------------------------------------
    def _start(self, job: Job, event: dict[str, Any]) -> None:
        self.share[job.out], self.running[job.out] = 0.0, job.name
        if self.bar is None:
            write(f"{job.name} …")
        else:
            self.bars[str(job.out)] = self.bar(
                desc=printable(job.name),
                unit="",
                dynamic_ncols=True,
                leave=False,
                file=sys.stderr,
                bar_format="{desc}: starting …",
            )

    def _progress(self, job: Job, event: dict[str, Any]) -> None:
        if "note" in event:
            write(f"{job.name}: {event['note']}")
            return
        if event.get("total", 0) > 1:  # a stage of one step says nothing of the job
            self._reach(job, min(event.get("done", 0) / event["total"], 1.0))
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

    def _reach(self, job: Job, share: float) -> None:
        if share > self.share.get(job.out, 0.0):
            self.moved = time.monotonic()
        self.share[job.out] = share

    def _note(self, job: Job, event: dict[str, Any]) -> None:
        if event["text"] not in SAID:  # a check, a training and its sampling read the same file
            SAID.add(event["text"])
            write(event["text"])

    def _retry(self, job: Job, event: dict[str, Any]) -> None:
        write(f"{event['problem']} It is tried again.")

    def _end(self, job: Job, event: dict[str, Any]) -> None:
        outcome: Outcome = event["outcome"]
        self._reach(job, 1.0)
        self.running.pop(job.out, None)
        bar = self.bars.pop(str(job.out), None)
        if bar is not None:
            bar.close()
        ending = {"done": f"{duration(outcome.seconds)}", "failed": "failed", "skipped": "skipped"}[outcome.status]
        write(f"{job.name}: {ending}{figures(outcome.figures)}")


def bar_kind() -> type[tqdm] | None:
    """tqdm's bars on a terminal, its widgets in a notebook that can show them; None where lines are printed instead."""
    shell = type(getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()).__name__
    marimo = sys.modules.get("marimo")
    if shell == "ZMQInteractiveShell" or (marimo is not None and marimo.running_in_notebook()):
        from tqdm import notebook

        widgets = getattr(notebook, "IProgress", None)
        return notebook.tqdm if widgets is not None else None
    return tqdm if sys.stderr.isatty() else None


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
        return f"{seconds} s" if isinstance(seconds, int) else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
