"""Plans of lectures: the jobs of all clips with what they need, and of the film, pictures and GIFs made from them."""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from diffrender.config.overrides import combined
from diffrender.config.scene_card import find_scene
from diffrender.core.errors import DiffrenderError, UsageError
from diffrender.core.files import digest, file_digest
from diffrender.core.glyphs import check_words
from diffrender.jobs.job import SUBTITLES, Job
from diffrender.jobs.plan.clip import clip
from diffrender.jobs.plan.subject import OUTPUTS
from diffrender.lecture.file import Card, Clip, Entry, Lecture, Part, Video
from diffrender.lecture.inputs import check_sound, check_video
from diffrender.lecture.sounds import Sounds, sounds_of
from diffrender.video.film.subtitles import file_beside

COUNT = "parts"  # the option of cards that says how many parts there are: names of clips do not depend on it


@dataclass(frozen=True)
class Item:
    """An entry with its video: the clip that `job` makes, or a file that is there already; and what is heard in it."""

    entry: Entry
    name: str
    video: Path
    key: str
    job: Job | None = None
    sounds: Sounds = field(default_factory=Sounds)


@dataclass
class Plan:
    """Everything a lecture becomes. `folder` holds it all: the film, and clips/, posters/, gifs/, logs/."""

    lecture: Lecture
    folder: Path
    items: list[Item]
    film: Job | None = None
    pictures: Job | None = None
    gifs: list[Job] = field(default_factory=list)

    @property
    def clips(self) -> list[Job]:
        """The render jobs, each once."""
        return list({item.job.out: item.job for item in self.items if item.job}.values())

    @property
    def wanted(self) -> list[Job]:
        """The outputs asked for; what they need comes with them."""
        return [*self.clips, *self.gifs, *(job for job in (self.pictures, self.film) if job)]

    def poster(self, item: Item) -> Path:
        """Where the picture of an entry is."""
        return self.folder / "posters" / f"{item.name}.png"


def plan(lecture: Lecture, outputs: Path = OUTPUTS, *, device: str = "auto", suffix: str = "") -> Plan:
    """The jobs of a lecture. `suffix` tells a draft's folder from the real one's."""
    folder = (outputs / "lectures" / f"{lecture.name}{suffix}").absolute()
    whole = Plan(lecture, folder, list(_items(lecture, folder / "clips", outputs, device)))
    if lecture.outputs.gif:
        whole.gifs = [_gif(whole, item) for item in _each(whole) if isinstance(item.entry, Clip)]
    if lecture.outputs.posters or lecture.outputs.contact_sheet:
        whole.pictures = _pictures(whole)
    if lecture.outputs.film:
        whole.film = _film(whole)
    _check_inputs(whole)
    return whole


def _check_inputs(whole: Plan) -> None:
    """Refuse what the lecture brings along and cannot be used; what is up to date is not looked at again."""
    checked: set[Path] = set()
    if whole.film is not None and whole.film.up_to_date():
        return
    for number, item in enumerate(whole.items, 1):
        entry = item.entry
        try:
            for key in ("title", "caption"):
                check_words(getattr(entry, key), key)
            if isinstance(entry, (Card, Part)):
                key, words = ("card", entry.card) if isinstance(entry, Card) else ("part", entry.part)
                check_words(words, key)
                check_words(entry.text, "text")
            if isinstance(entry, Video) and item.video not in checked:
                check_video(item.video, stands=bool(entry.hold or item.sounds.whole))
            for sound in item.sounds.files:
                if sound not in checked:
                    check_sound(sound)
        except DiffrenderError as error:
            where = f"{whole.lecture.source.name}, entry {number}"
            raise UsageError(f"{where}: {error.problem}", error.remedy) from None
        checked |= {item.video, *item.sounds.files}


# ---- entries ----------------------------------------------------------------------------------------------------
def _items(lecture: Lecture, folder: Path, outputs: Path, device: str) -> Iterator[Item]:
    parts = 0
    for number, entry in enumerate(lecture.entries, 1):
        parts += isinstance(entry, Part)
        try:
            item = _item(lecture, entry, parts, folder, outputs, device)
            if isinstance(entry, Part):
                ground = _first_recording(lecture, lecture.entries[number:], folder, outputs, device)
                item = _item(lecture, entry, parts, folder, outputs, device, ground) if ground else item
            yield item
        except DiffrenderError as error:
            raise type(error)(f"{lecture.source.name}, entry {number}: {error.problem}", error.remedy) from None


def _first_recording(
    lecture: Lecture, entries: Sequence[Entry], folder: Path, outputs: Path, device: str
) -> Job | None:
    """The job of the first recording that a part's first clip needs, which its heading shows behind the words.

    None if the part begins with something else; what is wrong with that clip is said when its turn comes.
    """
    first = entries[0] if entries else None
    if not isinstance(first, Clip):
        return None
    with contextlib.suppress(DiffrenderError):
        item = _item(lecture, first, 0, folder, outputs, device)
        return next((job for job in item.job.needs if job.kind == "sample"), None) if item.job else None
    return None


def entry_job(
    lecture: Lecture, number: int, options: Mapping[str, Any], outputs: Path = OUTPUTS, *, device: str = "auto"
) -> tuple[Job, ClipRequest]:
    """The render job of one entry, counted from 0, with these options over its own, and what was asked for.

    A heading is drawn without what it shows of its part. Raises UsageError for a video, which is there already.
    """
    entry = lecture.entries[number]
    if isinstance(entry, Video):
        raise UsageError(f"{lecture.source.name}, entry {number + 1}: a video is not drawn.", "Choose another entry.")
    if isinstance(entry, Clip):
        entry = entry.model_copy(update={"options": {**entry.options, **options}})
    parts = sum(isinstance(each, Part) for each in lecture.entries[: number + 1])
    try:
        item = _item(lecture, entry, parts, (outputs / "lectures" / lecture.name / "clips").absolute(), outputs, device)
    except DiffrenderError as error:
        raise type(error)(f"{lecture.source.name}, entry {number + 1}: {error.problem}", error.remedy) from None
    assert item.job is not None
    return item.job, _request(lecture, entry, parts)


def _item(
    lecture: Lecture,
    entry: Entry,
    parts: int,
    folder: Path,
    outputs: Path,
    device: str,
    ground: Job | None = None,
) -> Item:
    sounds = sounds_of(lecture, entry, folder.parent / "voice")
    if isinstance(entry, Video):
        file = lecture.file(entry.video)
        return Item(entry, f"video-{slug(file.stem)}", file, file_digest(file), sounds=sounds)
    request = _request(lecture, entry, parts)
    seed = {} if lecture.defaults.seed is None else {"sampler.seed": lecture.defaults.seed}
    name = _name(entry, request.options)
    job = clip(
        request.scene,
        request.config,
        combined(seed, request.overrides),
        request.options,
        lecture.settings(),
        folder / f"{name}.mp4",
        also={"ground": ground} if ground else None,
        outputs=outputs,
        device=device,
        name=f"render {name}",
        keys=request.keys,
        sounds=sounds.acts,
        act_pause=entry.act_pause if isinstance(entry, Clip) else 0.0,
    )
    return Item(entry, name, job.out, job.key, job, sounds)


@dataclass(frozen=True)
class ClipRequest:
    """The clip that an entry asks for; cards and headings are a scene like any other."""

    scene: str
    config: str = ""
    overrides: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)  # option → the entry's key that it was given by


def _request(lecture: Lecture, entry: Entry, parts: int) -> ClipRequest:
    if isinstance(entry, Clip):
        config = lecture.beside(entry.config) if entry.config else ""
        keys = {name: f"options.{name}" for name in entry.options}
        return ClipRequest(lecture.beside(entry.scene), config, entry.overrides, entry.options, keys)
    if isinstance(entry, Part):
        options = {"title": entry.part, "text": entry.text, "part": parts, "seconds": entry.seconds}
        if COUNT in find_scene("card").options.model_fields:  # not every card of a user's own asks for it
            options[COUNT] = sum(isinstance(each, Part) for each in lecture.entries)
    else:
        assert isinstance(entry, Card)
        options = {"title": entry.card, "text": entry.text, "seconds": entry.seconds}
    keys = {"title": "part" if isinstance(entry, Part) else "card", "text": "text"}
    return ClipRequest("card", options=options, keys=keys)


def _name(entry: Entry, options: Mapping[str, Any]) -> str:
    """What an entry's files are called: it does not change when others come or go, and tells settings apart."""
    if isinstance(entry, Clip):
        parts = [Path(entry.scene.partition(":")[0]).stem, Path(entry.config).stem]
        acts: list[Any] = [heard for heard in (entry.say, entry.narration) if isinstance(heard, dict)]
        acts += [entry.pause] if entry.pause else []
        settings: Any = [entry.scene, entry.set, entry.options] if entry.set or entry.options or acts else None
        settings = [*settings, *acts] if settings else None
    else:
        words, settings = options["title"], {name: value for name, value in options.items() if name != COUNT}
        parts = ["part" if isinstance(entry, Part) else "card", words]
    parts += [digest(settings)[:6]] if settings else []
    return "-".join(filter(None, (slug(part) for part in parts)))


def slug(text: str) -> str:
    """Text as part of a file name: ASCII letters, digits and hyphens, at most 30."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-").lower()[:30].rstrip("-")


# ---- made from the clips ----------------------------------------------------------------------------------------
def _each(whole: Plan) -> list[Item]:
    """Every video once."""
    return list({item.video: item for item in whole.items}.values())


def _film(whole: Plan) -> Job:
    lecture, outputs = whole.lecture, whole.lecture.outputs
    out = whole.folder / f"{lecture.name}.mp4"
    width, height, fps = lecture.defaults.settings().size()
    entries: dict[str, Any] = {}
    inputs: dict[str, Path] = {}
    for i, item in enumerate(whole.items):
        number, entry = f"{i:04d}", item.entry
        entries[number] = {"chapter": entry.chapter, "caption": entry.caption, "hold": entry.hold}
        inputs[f"videos/{number}"] = item.video
        if item.sounds.narration:
            inputs[f"narrations/{number}"] = item.sounds.narration
        if item.job is None and (subtitles := file_beside(item.video)):
            inputs[f"subtitles/{number}"] = subtitles
    settings = {
        "title": lecture.title,
        "entries": entries,
        "width": width,
        "height": height,
        "fps": fps,
        "encode": lecture.defaults.encode,
        "crossfade": outputs.crossfade,
        "chapters": outputs.chapters,
        "subtitles": outputs.subtitles,
    }
    extra = tuple(out.with_suffix(suffix) for suffix in SUBTITLES if outputs.subtitles)
    spoken = tuple({item.sounds.job.out: item.sounds.job for item in whole.items if item.sounds.job}.values())
    return Job("join", f"join {lecture.name}", out, settings, inputs, (*whole.clips, *spoken), extra)


def _pictures(whole: Plan) -> Job:
    outputs = whole.lecture.outputs
    items = _each(whole)
    posters = [whole.poster(item) for item in items] if outputs.posters else []
    sheet = [whole.folder / "contact-sheet.png"] if outputs.contact_sheet else []
    first, *rest = [*sheet, *posters]
    inputs = {f"videos/{i:04d}": item.video for i, item in enumerate(items)}
    settings = {"sheet": outputs.contact_sheet}
    return Job(
        "pictures", f"pictures of {whole.lecture.name}", first, settings, inputs, tuple(whole.clips), tuple(rest)
    )


def _gif(whole: Plan, item: Item) -> Job:
    wish = whole.lecture.outputs.gif
    assert wish is not None
    out = whole.folder / "gifs" / f"{item.name}.gif"
    return Job(
        "gif", f"gif {item.name}", out, wish.model_dump(), {"video": item.video}, (item.job,) if item.job else ()
    )
