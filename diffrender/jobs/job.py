"""Jobs: what must be made, in which order, and what is up to date.

A job makes one output from settings and input files. Its content key is a digest over bytes, computed without importing
scenes, Manim or torch; an output that carries the same key is not made again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from diffrender.core import provenance
from diffrender.core.errors import UsageError
from diffrender.core.files import digest, path_digest
from diffrender.jobs.kinds import KINDS

SUBTITLES = (".srt", ".vtt")


@dataclass(frozen=True)
class Job:
    """One output to be made.

    kind: a row of `kinds.KINDS`, which says what function makes it. name: for people ("train spiral").
    out: the file made; extra_outputs: further files made beside it. settings: plain JSON, all that the process which
    does the job needs beside files. inputs: every file or folder that it reads, by name: their bytes count in its key,
    and they are sent to a cluster. A name is a path without ending (`scene/langevin`): so they lie together there.
    needs: jobs that come first; an input that one of them makes counts by that job's key.
    """

    kind: str
    name: str
    out: Path
    settings: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Path] = field(default_factory=dict)
    needs: tuple[Job, ...] = ()
    extra_outputs: tuple[Path, ...] = ()

    @cached_property
    def contents(self) -> dict[str, str]:
        """What each input holds: the key of the job that makes it, else a digest of its bytes."""
        made = {path: need for need in self.needs for path in (need.out, *need.extra_outputs)}
        return {
            name: made[path].key if path in made else path_digest(path) for name, path in sorted(self.inputs.items())
        }

    @cached_property
    def key(self) -> str:
        """The content key: equal if the output would be."""
        return content_key(self.kind, self.settings, self.contents)

    @property
    def outputs(self) -> tuple[Path, ...]:
        """Every file that it makes."""
        return (self.out, *self.extra_outputs)

    def up_to_date(self) -> bool:
        """Whether every file is there and carries this job's key; subtitles cannot, but are there before their film."""
        texts = [path for path in self.extra_outputs if path.suffix in SUBTITLES]
        files = [path for path in self.outputs if path not in texts]
        return all(path.is_file() for path in texts) and all(provenance.key(path) == self.key for path in files)

    def as_dict(self) -> dict[str, Any]:
        """What is sent to the process that does it."""
        return {
            "kind": self.kind,
            "name": self.name,
            "out": str(self.out),
            "extra_outputs": [str(path) for path in self.extra_outputs],
            "key": self.key,
            "settings": dict(self.settings),
            "inputs": {name: str(path) for name, path in self.inputs.items()},
            "contents": self.contents,
        }


def content_key(kind: str, settings: Mapping[str, Any], contents: Mapping[str, str]) -> str:
    """The key of every kind of job: settings that count, what the inputs hold, and the versions of what makes it."""
    row = KINDS[kind]
    counted = {name: value for name, value in settings.items() if name not in row.uncounted}
    versions = provenance.versions(*row.packages)
    return digest({"kind": kind, "settings": counted, "inputs": dict(contents), "versions": versions})


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
    jobs = list(jobs)
    out: dict[tuple[str, Path], Job] = {}

    def visit(job: Job) -> None:
        if (job.kind, job.out) in out or job.up_to_date():
            return
        for need in job.needs:
            visit(need)
        out[(job.kind, job.out)] = job

    wanted = {(job.kind, job.out) for job in jobs}
    for job in ordered(jobs):  # also raises if two want the same file
        if (job.kind, job.out) in wanted:
            visit(job)
    return list(out.values())
