"""Reports of a batch: one row for everything that is made, before it is made and afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diffrender.core.terminal import printable
from diffrender.jobs.job import Job
from diffrender.jobs.kinds import KINDS
from diffrender.jobs.run.local import Outcome
from diffrender.jobs.run.progress import duration
from diffrender.jobs.run.timings import Estimate
from diffrender.lecture.batch import Batch

STATUS = {"done": "made", "failed": "FAILED", "skipped": "not made"}


@dataclass(frozen=True)
class Row:
    """One thing that a lecture makes: what it is, its job (None for a video that was there), its file.

    estimate: how long it takes if it is to be made. outcome: how that ended, once it was tried.
    """

    what: str
    job: Job | None
    file: Path
    estimate: Estimate | None = None
    outcome: Outcome | None = None

    @property
    def to_do(self) -> str:
        """What is still to be done."""
        return "as it is" if self.job is None else self.job.kind if self.estimate else "up to date"

    @property
    def status(self) -> str:
        """What became of it."""
        if self.job is None or self.estimate is None:
            return self.to_do
        return STATUS[self.outcome.status if self.outcome else "skipped"]


def rows(batch: Batch, outcomes: Iterable[Outcome] = ()) -> Iterator[Row]:
    """Everything that a batch makes, in the order in which it is made."""
    plan, by_file = batch.plan, {outcome.job.out: outcome for outcome in outcomes}
    found: list[tuple[str, Job | None, Path]] = [(job.name, job, job.out) for job in batch.upstream()]
    found += [(item.entry.chapter, item.job, item.video) for item in {i.video: i for i in plan.items}.values()]
    found += [(f"GIF of {job.out.stem}", job, job.out) for job in plan.gifs]
    found += [(what, job, job.out) for what, job in (("pictures", plan.pictures), ("film", plan.film)) if job]
    for what, job, file in found:
        yield Row(what, job, file, batch.estimates.get(file), by_file.get(file))


def announcement(batch: Batch, workers: int) -> str:
    """What is to be done, in one sentence, and about how long it takes."""
    title, kinds = batch.plan.lecture.title, [job.kind for job in batch.todo]
    parts = [row.to_do.format(kinds.count(name)) for name, row in KINDS.items() if name in kinds]
    if not parts:
        return f"{title}: everything is up to date."
    guessed = sum(not estimate.source for estimate in batch.estimates.values())
    source = f" ({guessed} of the times are guesses)" if guessed else " (from times measured here)"
    if guessed == len(batch.todo):
        source = " (a guess: nothing like it was made here yet)"
    return f"{title}: {', '.join(parts)}; about {duration(batch.seconds(workers))}{source}."


def planned_table(batch: Batch) -> str:
    """What would be made, as a table."""
    lines = [("what", "to do", "time", "from", "file")]
    for row in rows(batch):
        about = f"{'' if row.estimate.source else '~'}{duration(row.estimate.seconds)}" if row.estimate else ""
        source = (row.estimate.source or "a guess") if row.estimate else ""
        lines.append((row.what, row.to_do, about, source, _shown(batch, row.file)))
    return table(lines)


def planned_data(batch: Batch, workers: int) -> dict[str, Any]:
    """The same for --json."""
    jobs = [
        {
            "what": row.what,
            "kind": row.job.kind if row.job else None,
            "path": str(row.file),
            "to_do": row.estimate is not None,
            "seconds": row.estimate.seconds if row.estimate else 0.0,
            "from": row.estimate.source if row.estimate else "",
        }
        for row in rows(batch)
    ]
    return {"lecture": batch.plan.lecture.title, "seconds": round(batch.seconds(workers), 1), "jobs": jobs}


def made_table(batch: Batch, outcomes: Iterable[Outcome]) -> str:
    """What became of everything, as a table."""
    lines = [("what", "", "time", "MB", "file")]
    for row in rows(batch, outcomes):
        took = duration(row.outcome.seconds) if row.outcome and row.outcome.seconds else ""
        size = f"{row.file.stat().st_size / 1e6:.1f}" if row.file.is_file() else ""
        lines.append((row.what, row.status, took, size, _shown(batch, row.file)))
    return table(lines)


def made_data(batch: Batch, outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """The same for --json."""
    jobs = []
    for row in rows(batch, outcomes):
        data: dict[str, Any] = {"what": row.what, "path": str(row.file), "status": row.status.lower()}
        if row.outcome:
            data |= {"seconds": round(row.outcome.seconds, 2), "figures": row.outcome.figures}
        if row.outcome and row.outcome.error:
            data |= {"error": str(row.outcome.error), "log": str(row.outcome.log)}
        jobs.append(data)
    plan = batch.plan
    return {"path": str(main_output(batch)), "folder": str(plan.folder), "lecture": plan.lecture.title, "jobs": jobs}


def main_output(batch: Batch) -> Path:
    """The film, or the folder if there is none."""
    return batch.plan.film.out if batch.plan.film else batch.plan.folder


def table(lines: Sequence[tuple[str, ...]]) -> str:
    """Rows in columns as wide as their widest cell; the first row is the head."""
    lines = [tuple(printable(cell).replace("\n", " ") for cell in line) for line in lines]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    text.insert(1, "  ".join("─" * width for width in widths))
    return "\n".join(text)


def _shown(batch: Batch, file: Path) -> str:
    """A path as short as it can be said: seen from the lecture's folder, or from here."""
    for folder in (batch.plan.folder, Path.cwd()):
        if file.is_relative_to(folder):
            return str(file.relative_to(folder))
    return str(file)
