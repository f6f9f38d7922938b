"""Lecture files: their keys, and how they are read. `diffrender batch --schema` prints the schema for editors.

What becomes of one (clips, film, pictures) stands in `plan.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator
from pydantic.json_schema import SkipJsonSchema

from diffrender.config.find import find_file, shipped, use_of
from diffrender.config.overrides import flattened
from diffrender.config.sections import Kind, Section
from diffrender.config.theme_file import is_theme_file
from diffrender.config.yaml_file import read_yaml
from diffrender.core.errors import ConfigError, UsageError, suggest
from diffrender.core.files import expanded
from diffrender.core.validation import validate
from diffrender.video.settings import ClipSettings, RenderSettings

PAUSE_SECONDS, MAX_PAUSE = 1.5, 60.0  # between two acts


class Defaults(ClipSettings):
    """How every clip is drawn."""

    seed: int | None = Field(None, ge=0, lt=2**32, description="of every sampler, if a clip does not set its own")

    def settings(self) -> RenderSettings:
        """The same for one clip."""
        return RenderSettings.of(**self.model_dump())


class Gif(Section):
    """A GIF of every clip."""

    max_mb: float = Field(8.0, gt=0, description="each is made smaller until it has at most so many megabytes")
    width: int = Field(720, ge=16, le=4096, description="widest a GIF gets")
    fps: int = Field(15, ge=1, le=50, description="frames a second")
    loop: bool = Field(False, description="its end dissolves into its first frame, so that it repeats without a jump")


class Outputs(Section):
    """What is made beside the clips, which are always made and kept."""

    film: bool = Field(True, description="all entries joined into one video")
    crossfade: float = Field(0.0, ge=0, le=5, description="seconds over which one entry dissolves into the next")
    chapters: bool = Field(True, description="chapters of the film, named by entry")
    subtitles: bool = Field(True, description="captions as .srt and .vtt beside the film")
    posters: bool = Field(True, description="a picture of each entry")
    contact_sheet: bool = Field(True, description="all of them on one picture")
    gif: Gif | None = Field(None, description="a GIF of each clip, of limited size")
    index: bool = Field(True, description="index.html, which shows and plays everything from disk")


class Voice(Kind):
    """Who speaks what entries say; its other keys are the speaker's own."""

    kind: str = Field("hibari", description="hibari, or a function of your own, ./mine.py:speak")
    lang: str = Field("", description="language of what is said, if not that of the screen: en, de, ja, …")
    spell: dict[str, str] = Field(default_factory=dict, description="symbols and words as they are read aloud")


Spoken = str | dict[str, str]


class Entry(Section):
    """What every entry may say."""

    title: str = Field("", description="name of its chapter")
    caption: str = Field("", description="subtitle that stands under it until the scene has one of its own")
    hold: float = Field(0.0, ge=0, le=600, description="seconds for which the last frame stays in the film")
    notes: str = Field("", description="the lecturer's own, beside the slide")
    narration: Spoken = Field(
        "", description="a sound file that plays with it, or one for each act; the picture stands until it ends"
    )
    say: Spoken = Field("", description="what the voice says while it plays, or what in each act")

    @property
    def chapter(self) -> str:
        """The name of its chapter."""
        return self.title or self.default_title

    @property
    def default_title(self) -> str:
        """What it is called if it has no title."""
        return ""


class Clip(Entry):
    """A scene with a config."""

    scene: str = Field(description="a name from 'diffrender list scenes', or my.py:MyScene")
    config: str = Field("", description="a config's name, a YAML file or a drawing; the scene's own if not given")
    set: dict[str, Any] = Field(default_factory=dict, description="config keys, e.g. {training.steps: 2000}")
    options: dict[str, Any] = Field(default_factory=dict, description="options of the scene")
    pause: float | bool = Field(False, description="seconds that stand still between two of its acts; true: 1.5")

    @field_validator("pause")
    @classmethod
    def _not_endless(cls, pause: float | bool) -> float | bool:
        if not 0 <= pause <= MAX_PAUSE:
            raise ValueError(f"must be a switch, or 0 to {MAX_PAUSE:g} seconds")
        return pause

    @property
    def act_pause(self) -> float:
        """Seconds between two acts."""
        return PAUSE_SECONDS if self.pause is True else float(self.pause)

    @property
    def default_title(self) -> str:
        """Scene and config, as in `langevin · dino`."""
        subject = Path(self.config).stem
        return f"{self.scene} · {subject}" if subject else self.scene

    @property
    def overrides(self) -> dict[str, Any]:
        """`set` with dotted keys; nested mappings are opened."""
        return flattened(self.set)


class Card(Entry):
    """A title card."""

    card: str = Field(min_length=1, description="the words in the middle")
    text: str = Field("", description="a smaller line under them")
    seconds: float = Field(4.0, ge=1, le=600)

    @property
    def default_title(self) -> str:
        """The card's own text."""
        return self.card


class Part(Entry):
    """A part heading; parts are numbered as they come."""

    part: str = Field(min_length=1, description="the heading")
    text: str = Field("", description="a smaller line under it")
    seconds: float = Field(3.0, ge=1, le=600)

    @property
    def default_title(self) -> str:
        """The heading."""
        return self.part


class Video(Entry):
    """A video or picture that exists already; brought to the film's size and frame rate if it has another."""

    video: str = Field(min_length=1, description="a file, beside the lecture file or in the working directory")

    @property
    def default_title(self) -> str:
        """The file's name without its ending."""
        return Path(self.video).stem


ENTRIES: dict[str, type[Entry]] = {"scene": Clip, "card": Card, "part": Part, "video": Video}


class Lecture(Section):
    """A whole lecture file. `source` is the file it came from, beside which it names others."""

    title: str = Field(min_length=1, description="of the lecture: in the film's metadata and on its page")
    defaults: Defaults = Defaults()
    voice: Voice = Voice()
    outputs: Outputs = Outputs()
    entries: list[Clip | Card | Part | Video] = Field(min_length=1, description="in the order of the film")
    source: SkipJsonSchema[Path] = Field(Path("lecture.yaml"), exclude=True, repr=False)

    @property
    def name(self) -> str:
        """What its outputs are called."""
        return self.source.stem

    def settings(self) -> RenderSettings:
        """How every clip is drawn; a catalogue and a logo are looked for beside the lecture."""
        return self.defaults.settings().model_copy(
            update={name: self.beside(getattr(self.defaults, name)) for name in ("lang", "logo")}
        )

    def beside(self, name: str) -> str:
        """A file named in the lecture, if it lies beside it; else the name as it stands."""
        path, colon, rest = name.partition(":")
        here = self.source.parent / path
        return f"{here}{colon}{rest}" if here.is_file() else name

    def file(self, name: str) -> Path:
        """A file named in the lecture that must be there: beside it, or in the working directory."""
        return find_file(name, self.source.parent, "lectures")


def find(name: str) -> Path:
    """The lecture called `name`: a path, or a name in lectures/ or configs/lectures/, here or shipped."""
    path = expanded(name)
    if path.is_file() and path.suffix not in (".yaml", ".yml"):
        raise UsageError(f"{name}: not a lecture file (.yaml).", use_of(name))
    if path.suffix in (".yaml", ".yml"):
        if not path.is_file():
            raise UsageError(f"{name}: no such lecture file.", f"Shipped ones: {', '.join(known())}.")
        return path
    if name not in known():
        raise UsageError(f"Unknown lecture '{name}'.", use_of(name) or suggest(name, known()))
    return known()[name]


def known() -> dict[str, Path]:
    """Every lecture that can be named: name → file. Your own stand before those that diffrender ships."""
    folders = (shipped("configs") / "lectures", Path.cwd() / "configs" / "lectures", Path.cwd() / "lectures")
    return {file.stem: file for folder in folders for file in sorted(folder.glob("*.yaml"))}


def load(path: Path, defaults: Mapping[str, Any] | None = None) -> Lecture:
    """The lecture in a YAML file; `defaults` go over its own. ConfigError names file, entry and key."""
    data = read_yaml(path)
    if "source" in data:
        raise ConfigError(f"{path}: unknown key 'source'.", suggest("source", ENTRIES))
    entries = data.get("entries")
    if isinstance(entries, list):
        data["entries"] = [_entry(raw, f"{path}, entry {i}") for i, raw in enumerate(entries, 1)]
    look = data.get("defaults")
    if isinstance(look, dict) and is_theme_file(look.get("theme")):
        look["theme"] = str(find_file(look["theme"], path.resolve().parent, "lectures"))
    lecture: Lecture = validate(Lecture, {**data, "source": path.resolve()}, str(path))
    if defaults:
        merged = {**lecture.defaults.model_dump(), **defaults}
        lecture = lecture.model_copy(update={"defaults": validate(Defaults, merged, str(path))})
    return lecture


def _entry(raw: Any, where: str) -> Entry:
    kinds = [name for name in ENTRIES if isinstance(raw, Mapping) and name in raw]
    if len(kinds) != 1:
        raise ConfigError(f"{where}: an entry has exactly one of the keys {', '.join(ENTRIES)}.")
    return validate(ENTRIES[kinds[0]], raw, f"{where} ({raw[kinds[0]]})")


def schema() -> dict[str, Any]:
    """The JSON schema of a lecture file."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Lecture.model_json_schema()}
