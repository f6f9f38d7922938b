"""The job of a spoken text: sentences that a speaker says, into a sound file named by what is said and how."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diffrender.config.find import find_file
from diffrender.config.scene_modules import scene_modules
from diffrender.core.files import digest
from diffrender.core.user_code import file_of, is_code
from diffrender.jobs.job import Job
from diffrender.video.voice.speakers import check_speaker, letters_of
from diffrender.video.voice.speech import sentences
from diffrender.video.voice.spelling import spelled


def speech(
    text: str,
    kind: str,
    parameters: Mapping[str, Any],
    *,
    language: str,
    spell: Mapping[str, str],
    source: Path,
    folder: Path,
) -> Job:
    """The job that speaks a text; the same text in the same voice is the same job.

    kind: a speaker's name, or `file.py:function` beside `source`, the file that asks for it. parameters: the speaker's
    keys. spell: symbol → words, over the table of the language. Raises UsageError for what cannot be spoken, and
    MissingToolError if the speaker is not installed.
    """
    version, written = check_speaker(kind, language), sentences(text)
    spoken = [spelled(sentence, language, spell, letters_of(kind)) for sentence in written]
    settings: dict[str, Any] = {
        "kind": kind,
        "parameters": dict(parameters),
        "language": language,
        "written": written,
        "spoken": spoken,
        "version": version,
        "code": {},
        "source": str(source),
    }
    inputs: dict[str, Path] = {}
    if is_code(kind):
        file = find_file(file_of(kind), source.parent)
        modules = scene_modules(file)
        inputs = {f"code/0/{m.relative_to(file.parent).with_suffix('').as_posix()}": m for m in modules}
        settings["code"] = {file_of(kind): f"code/0/{file.stem}"}
    named = digest([kind, settings["parameters"], language, written, spoken, version])[:12]
    short = written[0] if len(written[0]) <= 40 else f"{written[0][:39]}…"
    return Job("speak", f"speak “{short}”", folder / f"{named}.flac", settings, inputs)
