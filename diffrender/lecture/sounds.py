"""The sounds of an entry: files, and what the voice says, over all of it or act by act."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from diffrender.core.errors import DiffrenderError, UsageError
from diffrender.jobs.job import Job
from diffrender.jobs.plan.speech import speech
from diffrender.lecture.file import Clip, Entry, Lecture

ENGLISH = "en"


@dataclass(frozen=True)
class Sounds:
    """Files, or jobs that speak them: `whole` is heard with the entry, each of `acts` from where its act begins."""

    whole: Path | Job | None = None
    acts: Mapping[str, Path | Job] = field(default_factory=dict)

    @property
    def files(self) -> Iterator[Path]:
        """The sound files that the lecture brings along."""
        yield from (sound for sound in (self.whole, *self.acts.values()) if isinstance(sound, Path))

    @property
    def job(self) -> Job | None:
        """The job that speaks what is heard with the whole entry."""
        return self.whole if isinstance(self.whole, Job) else None

    @property
    def narration(self) -> Path | None:
        """The file of what is heard with the whole entry."""
        return self.whole.out if isinstance(self.whole, Job) else self.whole


def sounds_of(lecture: Lecture, entry: Entry, folder: Path) -> Sounds:
    """What is heard in an entry; what is spoken comes into `folder`. Errors name the key and the act."""
    narration, say = entry.narration, entry.say
    for key in ("narration", "say"):
        if isinstance(getattr(entry, key), dict) and not isinstance(entry, Clip):
            raise UsageError(f"{key}: this entry has no acts.", f"Give {key} as one text.")
    if narration and say:
        both = {*narration} & {*say} if isinstance(narration, dict) and isinstance(say, dict) else {"all of it"}
        if both:
            raise UsageError(
                f"say and narration for {', '.join(sorted(both))}: one of them is heard.", "Leave one out."
            )
    if isinstance(narration, str) and isinstance(say, str):
        return Sounds(lecture.file(narration) if narration else _spoken(lecture, say, "say", folder) if say else None)
    files = {act: lecture.file(name) for act, name in narration.items()} if isinstance(narration, dict) else {}
    texts = say if isinstance(say, dict) else {}
    return Sounds(None, {**files, **{act: _spoken(lecture, texts[act], f"say: {act}", folder) for act in texts}})


def _spoken(lecture: Lecture, text: str, where: str, folder: Path) -> Job:
    """The job that speaks a text."""
    voice = lecture.voice
    language = voice.lang or Path(lecture.defaults.lang).stem or ENGLISH
    try:
        return speech(
            text,
            voice.kind,
            voice.params,
            language=language,
            spell=voice.spell,
            source=lecture.source,
            folder=folder,
        )
    except DiffrenderError as error:
        raise type(error)(f"{where}: {error.problem}", error.remedy) from None
