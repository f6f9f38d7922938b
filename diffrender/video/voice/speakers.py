"""Speakers: functions from text to sound. One of your own is named by its file: `voice: {kind: ./mine.py:speak}`.

    def speak(text: str, *, speed: float = 1.0) -> tuple[np.ndarray, int]

takes a sentence, spelled in words, and gives samples in −1 … 1, shape (n,), and how many of them are a second. Its
keyword-only parameters are keys of `voice`; one that is called `lang` is told the language.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from diffrender.core.errors import MissingToolError, UsageError
from diffrender.core.registry import Registry
from diffrender.core.user_code import is_code
from diffrender.video.voice.speech import Speaker

SPEAKERS = Registry("voice", (("text",),))
LATIN = (
    "àáâãäåæçèéêëìíîïñòóôõöøùúûüýßÀÁÂÄÅÆÇÉÊÌÍÎÏÑÒÓÔÖØÚÜāăćčđēěīłńňōőœřśşšťūůźżžČŁŌŒŘŚŠŻŽ"  # that hibari has sounds for
)


@SPEAKERS.register("hibari", languages=("en",), letters=LATIN, module="hibari", package="hibari-tts")
def hibari(text: str, *, speed: Annotated[float, Field(ge=0.5, le=2)] = 1.0) -> tuple[np.ndarray, int]:
    """English, by a small network on one core: the same samples for the same text (github.com/MMWilliams/hibari)."""
    tts = _hibari()
    return tts(text, speed=speed, seed=0), tts.sample_rate


@cache
def _hibari() -> Any:
    from hibari import Hibari

    return Hibari(threads=1)


def check_speaker(kind: str, language: str) -> str:
    """The version of what a shipped speaker needs, empty for one of the user's own.

    MissingToolError if it is not installed, UsageError if it does not speak the language.
    """
    info = _info(kind)
    languages = info.get("languages", ())
    if languages and language not in languages:
        raise UsageError(
            f"voice: {kind} speaks {' and '.join(languages)}, not '{language}'.",
            "Give a voice of your own (voice: {kind: ./mine.py:speak}), a sound file (narration), or"
            f" voice: {{lang: {languages[0]}}} if that is the language of what is said.",
        )
    if (module := info.get("module")) and find_spec(module) is None:
        raise MissingToolError(
            f"The voice '{kind}' needs {info['package']}.",
            "In the checkout: pip install -e '.[voice]'. A sound file needs nothing (narration).",
        )
    return version(info["package"]) if "package" in info else ""


def letters_of(kind: str) -> str:
    """The letters beyond A to Z that a speaker has sounds for; empty if that is not known."""
    return str(_info(kind).get("letters", ""))


def check_parameters(kind: str, parameters: Mapping[str, Any], language: str) -> tuple[Speaker, dict[str, Any]]:
    """The function of a speaker, and its parameters, checked; ConfigError names the key of `voice`."""
    entry = SPEAKERS[kind]
    told = {"lang": language} if "lang" in entry.parameters() and "lang" not in parameters else {}
    return entry.make, entry.check({**parameters, **told}, "voice")


def _info(kind: str) -> Mapping[str, Any]:
    """What a shipped speaker says of itself."""
    return {} if is_code(kind) else SPEAKERS[kind].info
