"""A job on its way to another machine: what it reads and what it brings back is known by its hash.

Nothing is assumed to be shared between machines: inputs travel as bytes, are put into a folder of the job's own, and
the job's description is changed to point there. The same goes for a machine that does share a file system.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diffrender.core.errors import DiffrenderError
from diffrender.core.files import file_digest, files_in, replacing
from diffrender.jobs.job import Job
from diffrender.jobs.kinds import KINDS

HERE = "@bundle/"  # stands before a path that is relative to the job's folder


@dataclass(frozen=True)
class Bundle:
    """A job's description with its paths replaced, and the files that belong there: place in the bundle → hash."""

    job: dict[str, Any]
    files: dict[str, str]


@dataclass(frozen=True)
class JobResult:
    """What came of a job elsewhere: its `done` or `error` event, its log, and its files: name → (bytes, SHA-256)."""

    event: dict[str, Any]
    files: dict[str, tuple[bytes, str]]
    log: str = ""


def pack(job: Job) -> tuple[Bundle, dict[str, Path]]:
    """(the bundle, where each file in it is now, by hash)."""
    files: dict[str, str] = {}
    sources: dict[str, Path] = {}
    inputs: dict[str, str] = {}
    for name, path in job.inputs.items():
        place = name if path.is_dir() else f"{name}{path.suffix}"
        inputs[name] = HERE + place
        for inside in files_in(path) if path.is_dir() else [""]:
            source = path / inside
            digest = file_digest(source)
            files[f"{place}/{inside}" if inside else place], sources[digest] = digest, source
    described = {
        **job.as_dict(),
        "inputs": inputs,
        "out": f"{HERE}out/{job.out.name}",
        "extra_outputs": [f"{HERE}out/{path.name}" for path in job.extra_outputs],
    }
    return Bundle(described, files), sources


def unpack(bundle: Bundle, folder: Path, contents: Callable[[str], bytes]) -> dict[str, Any]:
    """Put the files into `folder`, each checked by its hash (`contents` gives them by it); what is to be done there."""
    for inside, digest in bundle.files.items():
        data, path = contents(digest), folder / inside
        if hashlib.sha256(data).hexdigest() != digest:
            raise DiffrenderError(f"{inside} was damaged on its way to the machine that was to read it.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (folder / "out").mkdir(exist_ok=True)

    def placed(path: str) -> str:
        return str(folder / path.removeprefix(HERE))

    job = bundle.job
    return {
        **job,
        "inputs": {name: placed(path) for name, path in job["inputs"].items()},
        "out": placed(job["out"]),
        "extra_outputs": [placed(path) for path in job["extra_outputs"]],
    }


def expected_names(kind: str, out: str, extra_outputs: list[str]) -> set[str]:
    """Names of the files that a job may leave: its outputs, and what may lie beside them."""
    required, beside = {Path(path).name for path in (out, *extra_outputs)}, KINDS[kind].optional_outputs
    return required | {Path(out).with_suffix(suffix).name for suffix in beside}


def collect(job: Mapping[str, Any]) -> dict[str, tuple[bytes, str]]:
    """The files that an unpacked job left: name → (bytes, SHA-256)."""
    found, folder = {}, Path(job["out"]).parent
    for name in sorted(expected_names(job["kind"], job["out"], job["extra_outputs"])):
        if (folder / name).is_file():
            data = (folder / name).read_bytes()
            found[name] = data, hashlib.sha256(data).hexdigest()
    return found


def deliver(job: Job, files: Mapping[str, tuple[bytes, str]]) -> None:
    """Put a job's files where they belong, its own output last.

    Raises DiffrenderError, and writes nothing, if one is damaged, is not there, or is none of those that were expected.
    """
    for path in job.outputs:
        if path.name not in files:
            raise DiffrenderError(f"{job.name}: {path.name} did not come back from the machine that made it.")
    expected = expected_names(job.kind, str(job.out), [str(path) for path in job.extra_outputs])
    for name, (data, digest) in files.items():
        if name not in expected:
            raise DiffrenderError(f"{job.name}: a file came back that was not asked for: {name!r}.")
        if hashlib.sha256(data).hexdigest() != digest:
            raise DiffrenderError(f"{job.name}: {name} was damaged on its way back.")
    for name in sorted(files, key=lambda name: name == job.out.name):
        with replacing(job.out.with_name(name)) as file:
            file.write(files[name][0])
