"""Batches: a lecture's plan with what is still to be made of it, made by jobs that run side by side."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from diffrender.core.errors import DiffrenderError
from diffrender.core.files import locked, remove_leftovers, remove_unfinished
from diffrender.jobs.job import Job, ordered, pending
from diffrender.jobs.run.check import check_before_start
from diffrender.jobs.run.children import Children
from diffrender.jobs.run.local import Cluster, OnEvent, Outcome, run
from diffrender.jobs.run.timings import Estimate, JobTimings
from diffrender.lecture import page
from diffrender.lecture.plan import Plan


@dataclass
class Batch:
    """A plan, and which of its jobs are to be done. estimates: how long each takes, by output file."""

    plan: Plan
    todo: list[Job]
    estimates: dict[Path, Estimate]
    timings: JobTimings

    @classmethod
    def of(cls, plan: Plan, outputs: Path) -> Batch:
        """Look at what is up to date; nothing is written."""
        timings, todo = JobTimings(outputs), pending(plan.wanted)
        return cls(plan, todo, timings.estimates(todo), timings)

    def seconds(self, workers: int) -> float:
        """About how long it will take: no sooner than the longest chain of jobs, nor than all the work shared out."""
        longest: dict[Path, float] = {}
        for job in self.todo:
            before = max((longest.get(need.out, 0.0) for need in job.needs), default=0.0)
            longest[job.out] = before + self.estimates[job.out][0]
        work = sum(seconds for seconds, _ in self.estimates.values())
        return max(*longest.values(), work / workers) if longest else 0.0

    def run(
        self, *, workers: int, on_event: OnEvent, fail_fast: bool = False, cluster: Cluster | None = None
    ) -> list[Outcome]:
        """Do it, with `fail_fast` only to the first failure; what failed is among the outcomes.

        What is finished stays, whatever happens.
        """
        folder = self.plan.folder
        if not self.todo:
            remove_unfinished(folder)
            page.write(self.plan)
            return []
        outcomes: list[Outcome] = []

        def seen(job: Job, event: dict[str, Any]) -> None:
            if event["event"] == "end":
                outcomes.append(event["outcome"])
            on_event(job, event)

        busy = DiffrenderError(f"{folder}: another batch is writing there.", "Wait for it, or give --outputs.")
        with Children.of(workers) as children, contextlib.ExitStack() as stack:
            check_before_start(self.todo, children)
            stack.enter_context(locked(folder / ".lock", busy))
            remove_old(folder, self.todo)
            try:
                run(
                    share_workers(self.todo, workers, cluster),
                    workers=workers,
                    on_event=seen,
                    fail_fast=fail_fast,
                    logs=folder / "logs",
                    cluster=cluster,
                    children=children,
                )
            except DiffrenderError:
                if not any(outcome.error for outcome in outcomes):
                    raise
            finally:
                self._write_down(outcomes)
        return outcomes

    def _write_down(self, outcomes: list[Outcome]) -> None:
        """What is kept of the run itself. On a full disk what else was made matters more."""
        self.timings.record(outcomes)
        with contextlib.suppress(OSError):  # there are logs in it
            (self.plan.folder / "logs").rmdir()
        with contextlib.suppress(OSError):
            page.write(self.plan)

    def upstream(self) -> list[Job]:
        """Trainings, recordings and spoken texts, each once, in order."""
        return [job for job in ordered(self.plan.wanted) if job.kind in ("train", "sample", "speak")]


def share_workers(todo: list[Job], workers: int, cluster: Cluster | None) -> list[Job]:
    """Where fewer clips are to be drawn than there are workers, each is drawn by several."""
    renders = sum(job.kind == "render" for job in todo)
    each = 1 if cluster or not renders else max(1, workers // renders)
    return [replace(job, settings={**job.settings, "workers": each}) if job.kind == "render" else job for job in todo]


def remove_old(folder: Path, todo: list[Job]) -> None:
    """Remove what killed processes left unfinished, old logs, and the captions of clips that are drawn again."""
    shutil.rmtree(folder / "logs", ignore_errors=True)
    for job in todo:
        if job.kind == "render":
            job.out.with_suffix(".srt").unlink(missing_ok=True)
    remove_leftovers(folder)
