"""What must be made, in which order, and what is already up to date.

A job makes one output from a plain description. Its content key is a digest over bytes: the resolved config, the
files it names, the scene file, the keys of what it is made from, and the versions of diffrender, Manim or torch. It is
computed without importing scenes, Manim or torch. An output that carries the same key is not made again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from diffrender.core import provenance
from diffrender.core.errors import UsageError

SUBTITLES = (".srt", ".vtt")


@dataclass(frozen=True)
class Job:
    """One output to be made. `spec` is plain JSON data, all that a worker in another process needs.

    name: for people ("train spiral"). out: the file made. also: further files made beside it. needs: jobs that come
    first.
    """

    kind: Literal["train", "sample", "render", "join", "pictures", "gif"]
    name: str
    out: Path
    key: str
    spec: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[Job, ...] = ()
    also: tuple[Path, ...] = ()

    def up_to_date(self) -> bool:
        """Whether every file is there and carries this job's key; subtitles cannot, but are there before their film."""
        texts = [path for path in self.also if path.suffix in SUBTITLES]
        files = [path for path in (self.out, *self.also) if path not in texts]
        return all(path.is_file() for path in texts) and all(provenance.key(path) == self.key for path in files)

    def as_dict(self) -> dict[str, Any]:
        """What is sent to the process that does it."""
        return {"kind": self.kind, "name": self.name, "out": str(self.out), "key": self.key, "spec": dict(self.spec)}


def ordered(jobs: Iterable[Job]) -> list[Job]:
    """`jobs` and all they need, each once, needs first."""
    out: dict[tuple[str, Path], Job] = {}

    def visit(job: Job) -> None:
        place = (job.kind, job.out)
        if place in out:
            if out[place].key != job.key:
                raise UsageError(f"Two different jobs would write {job.out}.", "Give one of them another name.")
            return
        for need in job.needs:
            visit(need)
        out[place] = job

    for job in jobs:
        visit(job)
    return list(out.values())


def pending(jobs: Iterable[Job]) -> list[Job]:
    """What must be done to bring `jobs` up to date, in order: nothing that only an up-to-date output would need."""
    out: dict[tuple[str, Path], Job] = {}

    def visit(job: Job) -> None:
        if (job.kind, job.out) in out or job.up_to_date():
            return
        for need in job.needs:
            visit(need)
        out[(job.kind, job.out)] = job

    for job in ordered(jobs):  # also raises if two want the same file
        if job in jobs:
            visit(job)
    return list(out.values())
