"""The subject that is watched, a scene or the entries of a lecture, and the clip that it is now."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from diffrender.config.scene_card import SceneCard, find_scene, with_options
from diffrender.core.errors import UsageError
from diffrender.jobs.job import Job, ordered
from diffrender.jobs.plan.clip import clip
from diffrender.lecture import file as lectures
from diffrender.lecture.plan import entry_job
from diffrender.video.settings import RenderSettings

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Watched:
    """The clip as the files and options say it now. given: the options that it has; files: what it is made from."""

    job: Job
    card: SceneCard
    given: Values
    files: frozenset[Path]


class Subject(Protocol):
    """What is watched."""

    @property
    def name(self) -> str:
        """What it is called on the page."""

    def entries(self) -> list[dict[str, Any]]:
        """What can be chosen: {title, shown: whether it is drawn}, in order; none if there is but one thing."""

    def start(self) -> int:
        """The entry that is shown at first."""

    def files(self) -> frozenset[Path]:
        """Files that are watched even while it cannot be read."""

    def clip(self, entry: int, values: Values) -> Watched:
        """The clip of an entry with these options over its own; DiffrenderError says what is wrong."""

    def command(self, entry: int, values: Values) -> dict[str, str]:
        """What makes the same for good: name of the button → text to be copied."""


@dataclass(frozen=True)
class SceneSubject:
    """A scene with a config, as `diffrender render` takes them. flags: of the look, as they were typed."""

    scene: str
    config: str = ""
    recordings: tuple[str, ...] = ()
    overrides: Values = field(default_factory=dict)
    options: Values = field(default_factory=dict)
    settings: RenderSettings = field(default_factory=RenderSettings)
    flags: tuple[str, ...] = ()
    outputs: Path = Path("outputs")
    device: str = "auto"

    @property
    def name(self) -> str:
        """Scene and config."""
        return " · ".join(filter(None, (self.scene, self.config)))

    def entries(self) -> list[dict[str, Any]]:
        """None."""
        return []

    def start(self) -> int:
        """The only one."""
        return 0

    def files(self) -> frozenset[Path]:
        """The scene and the config, if they are files of the user's."""
        named = [Path(self.scene.partition(".py")[0] + ".py"), Path(self.config)]
        return frozenset(file.absolute() for file in named if file.is_file())

    def clip(self, entry: int, values: Values) -> Watched:
        """The clip."""
        given = {**self.options, **values}
        job = clip(
            self.scene,
            self.config,
            self.overrides,
            given,
            self.settings,
            trajectories=self.recordings,
            outputs=self.outputs,
            device=self.device,
        )
        return Watched(job, with_options(find_scene(self.scene), given), given, files_of(job))

    def command(self, entry: int, values: Values) -> dict[str, str]:
        """The command that renders it."""
        config = ["--config", self.config] if self.config else []
        given = {**self.options, **values}
        return {
            "Copy command": render_command(self.scene, [*self.recordings, *config], self.overrides, given, self.flags)
        }


@dataclass(frozen=True)
class LectureSubject:
    """A lecture file, whose entries are chosen on the page. look: settings in place of the file's."""

    lecture: str
    look: Values = field(default_factory=dict)
    outputs: Path = Path("outputs")
    device: str = "auto"

    @property
    def file(self) -> Path:
        """The lecture's file."""
        return lectures.find(self.lecture)

    @property
    def name(self) -> str:
        """The file's name."""
        return self.file.name

    def _read(self) -> lectures.Lecture:
        return lectures.load(self.file, self.look)

    def entries(self) -> list[dict[str, Any]]:
        """All entries; videos are there already, and are not drawn."""
        entries = self._read().entries
        return [{"title": entry.chapter, "shown": not isinstance(entry, lectures.Video)} for entry in entries]

    def start(self) -> int:
        """The first clip of a scene."""
        entries = self._read().entries
        return next((i for i, entry in enumerate(entries) if isinstance(entry, lectures.Clip)), 0)

    def files(self) -> frozenset[Path]:
        """The lecture file."""
        return frozenset([self.file.absolute()])

    def clip(self, entry: int, values: Values) -> Watched:
        """The clip of an entry."""
        lecture = self._read()
        if not 0 <= entry < len(lecture.entries):
            raise UsageError(f"{self.file}: has {len(lecture.entries)} entries.")
        job, request = entry_job(lecture, entry, values, self.outputs, device=self.device)
        card = with_options(find_scene(request.scene), request.options)
        return Watched(job, card, request.options, files_of(job) | self.files())

    def command(self, entry: int, values: Values) -> dict[str, str]:
        """The options as the lecture file has them, and the command that renders the entry alone."""
        lecture = self._read()
        _, request = entry_job(lecture, entry, values, self.outputs, device=self.device)
        config = ["--config", request.config] if request.config else []
        line = ", ".join(f"{name}: {_yaml(value)}" for name, value in request.options.items())
        return {
            "Copy options": f"options: {{{line}}}",
            "Copy command": render_command(request.scene, config, request.overrides, request.options, ()),
        }


def render_command(scene: str, args: list[str], overrides: Values, options: Values, flags: tuple[str, ...]) -> str:
    """The command line that renders this."""
    words = ["diffrender", "render", scene, *args]
    for name, value in overrides.items():
        words += ["--set", f"{name}={_yaml(value)}"]
    for name, value in options.items():
        words += ["-O", f"{name}={_typed(value)}"]
    return shlex.join([*words, *flags])


def _typed(value: Any) -> str:
    """An option as it is typed: lists with commas."""
    return ",".join(map(_typed, value)) if isinstance(value, (list, tuple)) else _yaml(value)


def _yaml(value: Any) -> str:
    """A value as YAML on one line."""
    import yaml

    return yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True).split("\n")[0]


def files_of(job: Job) -> frozenset[Path]:
    """All files that a clip is made from, but what jobs make."""
    return frozenset(_files(job))


def _files(job: Job) -> Iterator[Path]:
    jobs = ordered([job])
    made = {path for one in jobs for path in one.outputs}
    for one in jobs:
        yield from (path.absolute() for path in one.inputs.values() if path not in made)
        if "source" in one.settings:
            yield Path(one.settings["source"])
