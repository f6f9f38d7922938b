"""A job on its way to another machine: what it reads and what it brings back is known by its hash.

Nothing is assumed to be shared between machines: inputs travel as bytes, are put into a folder of the job's own, and
the job's description is changed to point there. The same goes for a machine that does share a file system.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from diffrender.config.find import find_file
from diffrender.core.errors import DiffrenderError
from diffrender.core.files import file_digest, replacing
from diffrender.jobs.job import Job
from diffrender.jobs.plan.subject import FILE_KEYS

HERE = "@parcel/"  # stands before a path that is relative to the job's folder


@dataclass(frozen=True)
class Bundle:
    """A job's description with its paths replaced, and the files that belong there: path in the parcel → hash."""

    job: dict[str, Any]
    files: dict[str, str]


@dataclass(frozen=True)
class JobResult:
    """What came of a job elsewhere: its `done` or `error` event, its log, and its files: name → (bytes, SHA-256)."""

    event: dict[str, Any]
    files: dict[str, tuple[bytes, str]]
    log: str = ""


def pack(job: Job) -> tuple[Bundle, dict[str, Path]]:
    """(the parcel, where each file in it is now, by hash)."""
    packer = _Packer()
    spec = dict(job.spec)
    if job.kind == "render":
        spec["scene"] = packer.take(Path(spec["scene"]), "scene")
        spec["trajectories"] = {
            name: packer.take(Path(file), f"recordings/{i}")
            for i, (name, file) in enumerate(spec["trajectories"].items())
        }
        spec["out"] = f"{HERE}out/{job.out.name}"
    else:
        folder = Path(spec["source"]).parent
        spec["config"] = _config(spec["config"], folder, packer)
        spec["source"] = f"{HERE}config/{Path(spec['source']).name}"
        if spec.get("weights"):
            spec["weights"] = packer.take(Path(spec["weights"]), "weights")
    parcel = Bundle({**job.as_dict(), "spec": spec, "out": f"{HERE}out/{job.out.name}"}, packer.files)
    return parcel, packer.sources


class _Packer:
    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self.sources: dict[str, Path] = {}

    def take(self, file: Path, folder: str, name: str = "") -> str:
        """Put a file into the parcel; how the job shall name it."""
        digest = file_digest(file)
        inside = f"{folder}/{name or file.name}"
        self.files[inside], self.sources[digest] = digest, file
        return HERE + inside


def _config(config: Mapping[str, Any], folder: Path, packer: _Packer) -> dict[str, Any]:
    """The config with the files it names in the parcel: as they are named, if that leads nowhere else."""
    out = {}
    for section, values in config.items():
        if isinstance(values, Mapping):
            values = dict(values)
            for key in FILE_KEYS:
                named = values.get(key)
                if isinstance(named, str):
                    file = find_file(named, folder)
                    path = PurePath(named)
                    if path.is_absolute() or ".." in path.parts:
                        values[key] = packer.take(file, f"files/{section}")
                    else:
                        packer.take(file, "config", path.as_posix())
        out[section] = values
    return out


def unpack(parcel: Bundle, folder: Path, contents: Callable[[str], bytes]) -> Job:
    """Put the files into `folder`, each checked by its hash (`contents` gives them by it); the job to be done there."""
    for inside, digest in parcel.files.items():
        data, path = contents(digest), folder / inside
        if hashlib.sha256(data).hexdigest() != digest:
            raise DiffrenderError(f"{inside} was damaged on its way to the machine that was to read it.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (folder / "out").mkdir(exist_ok=True)
    job = _placed(parcel.job, folder)
    return Job(job["kind"], job["name"], Path(job["out"]), job["key"], job["spec"])


def _placed(value: Any, folder: Path) -> Any:
    if isinstance(value, str) and value.startswith(HERE):
        return str(folder / value.removeprefix(HERE))
    if isinstance(value, Mapping):
        return {k: _placed(v, folder) for k, v in value.items()}
    return [_placed(v, folder) for v in value] if isinstance(value, list) else value


def collect(folder: Path) -> dict[str, tuple[bytes, str]]:
    """Every file that a job left in its `out`: name → (bytes, SHA-256)."""
    found = {}
    for file in sorted((folder / "out").iterdir()):
        if file.is_file() and not file.name.startswith("."):
            data = file.read_bytes()
            found[file.name] = data, hashlib.sha256(data).hexdigest()
    return found


def deliver(job: Job, files: Mapping[str, tuple[bytes, str]]) -> None:
    """Put a job's files where they belong, its own output last; DiffrenderError if one was damaged or is not there."""
    for wanted in (job.out, *job.also):
        if wanted.name not in files:
            raise DiffrenderError(f"{job.name}: {wanted.name} did not come back from the machine that made it.")
    for name, (data, digest) in sorted(files.items(), key=lambda pair: pair[0] == job.out.name):
        if PurePath(name).name != name or hashlib.sha256(data).hexdigest() != digest:
            raise DiffrenderError(f"{job.name}: {name} was damaged on its way back.")
        with replacing(job.out.with_name(name)) as file:
            file.write(data)
