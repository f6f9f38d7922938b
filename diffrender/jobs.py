"""What must be made, in which order, and what is already up to date.

A job makes one output from a plain description. Its content key is a digest over bytes: the resolved config, the
files it names, the scene file, the keys of what it is made from, and the versions of diffrender, Manim or torch. It is
computed without importing scenes, Manim or torch. An output that carries the same key is not made again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from . import library, provenance
from .config import TRAINING_SECTIONS, Config, digest, load_config
from .errors import UsageError
from .library import Overrides, SceneCard
from .spec import RenderSpec

OUTPUTS = Path("outputs")
SUBTITLES = (".srt", ".vtt")
FILE_KEYS = ("file", "weights")  # config keys whose value may be a file


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


# ---- a subject: a config, and where its outputs go -----------------------------------------------------------------
@dataclass(frozen=True)
class Subject:
    """A config by its name, with overrides, and the folder of its outputs.

    Overrides that change what is learned get a folder of their own (`spiral-1a2b3c`), those that change the sampling
    only a recording of their own (`ddim-4d5e6f.npz`): nothing made with other settings is lost.
    """

    name: str
    file: Path
    sets: tuple[tuple[tuple[str, ...], Any], ...] = ()
    outputs: Path = OUTPUTS

    @classmethod
    def of(cls, name: str, sets: Overrides | None = None, outputs: Path = OUTPUTS) -> Subject:
        """The subject called `name` (a config's name, its path, or a drawing)."""
        file = library.find_config(name)
        return cls(file.stem, file, tuple((tuple(path), value) for path, value in sets or []), outputs)

    def for_scene(self, defaults: Overrides, fixed: Overrides) -> Subject:
        """The same as a scene needs it: what the user set goes over its `defaults`, its `fixed` keys go over both."""
        before, after = (tuple((tuple(path), value) for path, value in some) for some in (defaults, fixed))
        return Subject(self.name, self.file, before + self.sets + after, self.outputs)

    @cached_property
    def config(self) -> Config:
        """The resolved config."""
        return load_config(self.file, [(list(path), value) for path, value in self.sets])

    @cached_property
    def plain(self) -> Config:
        """The config as it stands in its file."""
        return load_config(self.file)

    @cached_property
    def folder(self) -> Path:
        """Where outputs of this subject go."""
        mine, file = (c.part(*TRAINING_SECTIONS) for c in (self.config, self.plain))
        return self.outputs / (self.name if mine == file else f"{self.name}-{digest(mine)[:6]}")

    @cached_property
    def recording(self) -> Path:
        """The file of its recording."""
        mine = self.config.part("sampler", "record")
        kind = self.config.sampler.kind
        usual = load_config(self.file, [(["sampler", "kind"], kind)]).part("sampler", "record")
        safe = "".join(c if c.isalnum() or c in "-_" else "-" for c in kind)
        return self.folder / (f"{safe}.npz" if mine == usual else f"{safe}-{digest(mine)[:6]}.npz")

    def _content(self, sections: tuple[str, ...]) -> dict[str, Any]:
        """Sections for a content key, with files replaced by the digests of their bytes."""
        data = self.config.part(*sections)
        for section in data.values():
            for name in FILE_KEYS:
                if isinstance(section, dict) and isinstance(section.get(name), str):
                    section[name] = file_digest(library.find_file(section[name], self.config.folder))
        return data

    def train(self, *, device: str = "auto", resume: bool = False, kind: str = "") -> Job:
        """The job that trains its network; `kind`: of the run that it is trained for, checked before."""
        if not self.config.model.learned:
            named = library.configs().get(self.name) == self.file
            raise UsageError(
                f"{self.file}: 'model: {self.config.model.kind}' has nothing to train.",
                f"Sample it at once: diffrender sample {self.name if named else self.file}",
            )
        key = digest({"train": self._content(TRAINING_SECTIONS), "versions": provenance.versions("torch")})
        return Job(
            "train",
            f"train {self.name}",
            self.folder / "model.safetensors",
            key,
            {
                "config": self.config.as_dict(),
                "source": str(self.file.resolve()),
                "device": device,
                "resume": resume,
                "kind": kind,
            },
            also=(self.folder / "training.npz",),
        )

    def sample(self, *, device: str = "auto", out: Path | None = None, kind: str = "") -> Job:
        """The job that records a run of its sampler; needs the training if the model is learned.

        kind: what kind of run it must be (reverse, langevin, …), checked before anything is trained.
        """
        learned = self.config.model.learned and self.config.sampler.asks_model
        needs = (self.train(device=device, resume=True, kind=kind),) if learned else ()
        key = digest(
            {
                "sample": self._content((*TRAINING_SECTIONS, "sampler", "record"))
                if not needs
                else self._content(("sampler", "record")),
                "upstream": [job.key for job in needs],
                "versions": provenance.versions("torch"),
            }
        )
        return Job(
            "sample",
            f"sample {self.name} ({(out or self.recording).stem})",
            out or self.recording,
            key,
            {
                "config": self.config.as_dict(),
                "source": str(self.file.resolve()),
                "device": device,
                "weights": str(needs[0].out) if needs else None,
                "kind": kind,
            },
            needs,
        )


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# ---- clips ---------------------------------------------------------------------------------------------------------
def recordings(
    card: SceneCard,
    config: str = "",
    sets: Overrides | None = None,
    *,
    only: set[str] | None = None,
    outputs: Path = OUTPUTS,
    device: str = "auto",
) -> dict[str, Job]:
    """The jobs that make what a scene needs (or `only` some of it), by the names the scene gives them."""
    found: dict[str, Job] = {}
    for name, need in card.needs.items():
        if only is not None and name not in only:
            continue
        chosen = str(need.get("config", "")) or config or card.default_config
        if not chosen:
            raise UsageError(
                f"{card.file}: {card.class_name} needs the recording '{name}' but names no default_config.",
                "Give one with --config.",
            )
        subject = Subject.of(chosen, sets, outputs).for_scene(*library.overrides(need))
        kind = card.kinds.get(name, "")
        found[name] = subject.train(device=device) if need.get("training") else subject.sample(device=device, kind=kind)
    return found


def recorded_file(job: Job) -> Path:
    """The recording that a job leaves: of a training run, the one beside the weights."""
    return job.also[0] if job.kind == "train" else job.out


def render(card: SceneCard, spec: RenderSpec, needs: Mapping[str, Job], *, title: str = "") -> Job:
    """The job that draws a clip from recordings.

    needs: jobs by recording's name; recordings already in `spec.trajectories` (made elsewhere) are keyed by their
    bytes.
    """
    paths = {name: recorded_file(job) for name, job in needs.items()}
    spec = spec.model_copy(update={"trajectories": {**paths, **spec.trajectories}})
    settings = spec.model_dump(mode="json", exclude={"scene", "trajectories", "out", "workers", "metadata"})
    key = digest(
        {
            "scene": file_digest(card.file),
            "class": card.class_name,
            "settings": settings,
            "metadata": dict(spec.metadata),
            "upstream": {name: job.key for name, job in needs.items()},
            "files": {name: file_digest(path) for name, path in spec.trajectories.items() if name not in needs},
            "versions": provenance.versions("manim"),
        }
    )
    origin = {
        "key": key,
        "kind": "video",
        "scene": f"{card.name}:{card.class_name}",
        "seed": spec.seed,
        "settings": settings,
        "upstream": {n: j.key for n, j in needs.items()},
        "versions": provenance.versions("manim"),
    }
    metadata = {
        **spec.metadata,
        "title": spec.metadata.get("title", title or card.name),
        "comment": provenance.comment(origin),
    }
    spec = spec.model_copy(update={"metadata": metadata})
    unique = tuple({job.out: job for job in needs.values()}.values())
    return Job("render", f"render {card.name}", spec.out, key, spec.model_dump(mode="json"), unique)


def find_recordings(scene_file: Path, class_name: str) -> dict[str, Path]:
    """The recordings of a scene run by Manim itself (`manim render scenes/langevin.py`).

    From DIFFRENDER_TRAJECTORY (`file.npz`, or `name=file.npz` several times with the system's path separator), else
    from outputs/, making in processes of their own what is not up to date there.
    """
    card = library.read_scene(scene_file, class_name)
    given = os.environ.get("DIFFRENDER_TRAJECTORY", "")
    if given:
        return named_files([part for part in given.split(os.pathsep) if part], card)
    from .executors import run

    needs = recordings(card)
    run(pending(needs.values()))
    return {name: recorded_file(job) for name, job in needs.items()}


def named_files(texts: list[str], card: SceneCard) -> dict[str, Path]:
    """`name=file` pairs; a lone `file` goes to the scene's first recording."""
    found: dict[str, Path] = {}
    for text in texts:
        name, equals, file = text.partition("=")
        if not equals or Path(text).is_file():
            name, file = next(iter(card.needs), "main"), text
        if card.needs and name not in card.needs:
            raise UsageError(
                f"--trajectory {text}: {card.class_name} has no recording called '{name}'.",
                f"It needs: {', '.join(card.needs)}.",
            )
        path = Path(file).expanduser()
        if not path.is_file():
            raise UsageError(
                f"--trajectory {file}: no such file.",
                "Record one with 'diffrender sample', or see docs/trajectory-format.md.",
            )
        found[name] = path.resolve()
    return found
