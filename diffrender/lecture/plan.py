"""From a lecture to jobs: clips with what they need, then the film, pictures and GIFs made from them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from diffrender.core import provenance
from diffrender.core.errors import DiffrenderError
from diffrender.core.files import digest, file_digest
from diffrender.jobs.job import Job
from diffrender.jobs.plan.clip import clip, frame
from diffrender.jobs.plan.subject import OUTPUTS
from diffrender.lecture.file import Card, Clip, Entry, Lecture, Part, Video
from diffrender.video.film.spec import FilmEntry, FilmSpec, GifSpec, PostersSpec


@dataclass(frozen=True)
class Item:
    """An entry with its video: the clip that `job` makes, or a file that is there already."""

    entry: Entry
    name: str
    video: Path
    key: str
    job: Job | None = None
    narration: Path | None = None


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
    made = Plan(lecture, folder, list(_items(lecture, folder / "clips", outputs, device)))
    width, height, fps = frame(lecture.defaults.quality, "", lecture.defaults.aspect, lecture.defaults.fps)
    if lecture.outputs.gif:
        made.gifs = [_gif(made, item) for item in _each(made) if isinstance(item.entry, Clip)]
    if lecture.outputs.posters or lecture.outputs.contact_sheet:
        made.pictures = _pictures(made)
    if lecture.outputs.film:
        made.film = _film(made, width, height, fps)
    return made


# ---- entries ----------------------------------------------------------------------------------------------------
def _items(lecture: Lecture, folder: Path, outputs: Path, device: str) -> Iterator[Item]:
    parts = 0
    for number, entry in enumerate(lecture.entries, 1):
        parts += isinstance(entry, Part)
        try:
            yield _item(lecture, entry, parts, folder, outputs, device)
        except DiffrenderError as error:
            raise type(error)(f"{lecture.source.name}, entry {number}: {error.problem}", error.remedy) from None


def _item(lecture: Lecture, entry: Entry, parts: int, folder: Path, outputs: Path, device: str) -> Item:
    narration = lecture.file(entry.narration) if entry.narration else None
    if isinstance(entry, Video):
        file = lecture.file(entry.video)
        return Item(entry, f"video-{slug(file.stem)}", file, file_digest(file), narration=narration)
    asked = _asked(lecture, entry, parts)
    defaults = lecture.defaults
    sets = list(asked.pop("sets", ()))
    if defaults.seed is not None:
        sets.insert(0, (["sampler", "seed"], defaults.seed))
    name = _name(entry, asked.get("options", {}))
    job = clip(
        asked.pop("scene"),
        sets=sets,
        out=folder / f"{name}.mp4",
        quality=defaults.quality,
        aspect=defaults.aspect,
        fps=defaults.fps,
        theme=defaults.theme,
        seed=defaults.seed,
        encode=defaults.encode,
        outputs=outputs,
        device=device,
        **asked,
    )
    job = replace(job, name=f"render {name}")
    return Item(entry, name, job.out, job.key, job, narration)


def _asked(lecture: Lecture, entry: Entry, parts: int) -> dict[str, Any]:
    """What `clips.clip` is asked for an entry; cards and headings are a scene like any other."""
    if isinstance(entry, Clip):
        config = lecture.beside(entry.config) if entry.config else ""
        return {
            "scene": lecture.beside(entry.scene),
            "config": config,
            "sets": entry.sets,
            "options": entry.options,
        }
    if isinstance(entry, Part):
        options = {"title": entry.part, "text": entry.text, "part": parts, "seconds": entry.seconds}
    else:
        assert isinstance(entry, Card)
        options = {"title": entry.card, "text": entry.text, "seconds": entry.seconds}
    return {"scene": "card", "options": options}


def _name(entry: Entry, options: dict[str, Any]) -> str:
    """What an entry's files are called: it does not change when others come or go, and tells settings apart."""
    if isinstance(entry, Clip):
        parts = [Path(entry.scene.partition(":")[0]).stem, Path(entry.config).stem]
        settings: Any = [entry.scene, entry.set, entry.options] if entry.set or entry.options else None
    else:
        words, settings = options["title"], options
        parts = ["part" if isinstance(entry, Part) else "card", words]
    parts += [digest(settings)[:6]] if settings else []
    return "-".join(filter(None, (slug(part) for part in parts)))


def slug(text: str) -> str:
    """Text as part of a file name: ASCII letters, digits and hyphens, at most 30."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-").lower()[:30].rstrip("-")


# ---- what is made from the clips --------------------------------------------------------------------------------
def _each(made: Plan) -> list[Item]:
    """Every video once."""
    return list({item.video: item for item in made.items}.values())


def _film(made: Plan, width: int, height: int, fps: int) -> Job:
    lecture, outputs = made.lecture, made.lecture.outputs
    out = made.folder / f"{lecture.name}.mp4"
    pieces = [
        FilmEntry(
            file=item.video,
            chapter=item.entry.chapter,
            caption=item.entry.caption,
            hold=item.entry.hold,
            narration=item.narration,
        )
        for item in made.items
    ]
    spec = FilmSpec(
        out=out,
        pieces=pieces,
        width=width,
        height=height,
        fps=fps,
        encode=lecture.defaults.encode,
        crossfade=outputs.crossfade,
        chapters=outputs.chapters,
        subtitles=outputs.subtitles,
    )
    settings = spec.model_dump(mode="json", exclude={"pieces": {"__all__": {"file", "narration"}}, "out": True})
    versions = provenance.versions("manim", "av")
    content = [(item.key, file_digest(item.narration) if item.narration else "") for item in made.items]
    key = digest({"film": settings, "title": lecture.title, "content": content, "versions": versions})
    origin = {"key": key, "kind": "film", "lecture": lecture.title, "clips": [i.key for i in made.items]}
    comment = provenance.comment({**origin, "versions": versions})
    spec = spec.model_copy(update={"metadata": {"title": lecture.title, "comment": comment}})
    also = tuple(out.with_suffix(suffix) for suffix in (".srt", ".vtt") if outputs.subtitles)
    return Job("join", f"join {lecture.name}", out, key, spec.model_dump(mode="json"), tuple(made.clips), also)


def _pictures(made: Plan) -> Job:
    outputs = made.lecture.outputs
    items = _each(made)
    posters = [made.poster(item) for item in items] if outputs.posters else []
    sheet = made.folder / "contact-sheet.png" if outputs.contact_sheet else None
    key = digest({"pictures": [(item.name, item.key) for item in items], "sheet": outputs.contact_sheet})
    videos = [item.video for item in items]
    comment = provenance.comment({"key": key, "kind": "pictures", "versions": provenance.versions("av")})
    spec = PostersSpec(videos=videos, posters=posters, sheet=sheet, comment=comment)
    first, *rest = [*([sheet] if sheet else []), *posters]
    name = f"pictures of {made.lecture.name}"
    return Job("pictures", name, first, key, spec.model_dump(mode="json"), tuple(made.clips), tuple(rest))


def _gif(made: Plan, item: Item) -> Job:
    wish = made.lecture.outputs.gif
    assert wish is not None
    out = made.folder / "gifs" / f"{item.name}.gif"
    key = digest({"gif": wish.model_dump(), "video": item.key, "versions": provenance.versions("imageio-ffmpeg")})
    comment = provenance.comment({"key": key, "kind": "gif", "video": item.key})
    spec = GifSpec(file=item.video, out=out, comment=comment, **wish.model_dump())
    needs = (item.job,) if item.job else ()
    return Job("gif", f"gif {item.name}", out, key, spec.model_dump(mode="json"), needs)
