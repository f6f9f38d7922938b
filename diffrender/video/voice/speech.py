"""A spoken text as a sound file, sentence by sentence, in which stands when each is said.

The file is FLAC, so nothing is lost before a film is encoded; the same sentences by the same speaker give the same
bytes. Its comment holds `cues`, the subtitles: (seconds from, seconds to, words as they were written).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from diffrender.core import provenance
from diffrender.core.errors import RenderError, words_of
from diffrender.core.files import publish

BETWEEN_SECONDS = 0.25  # from one sentence to the next
EDGE_SECONDS = 0.02  # of quiet that is left before and after what is heard
QUIET = 0.003  # of full scale: softer is silence
CUE_LETTERS = 84  # of a subtitle, which is two lines
END = re.compile(r"[.!?…][\"'”’)]*(?=\s+[^a-z\s])|[。！？]")
NO_END = re.compile(r"(?:\b[A-Za-z]|\b(?:Dr|Mr|Mrs|Prof|Fig|Eq|No|St|vs|cf|etc|bzw|Abb|Nr))\.$")

Speaker = Callable[..., tuple[Any, int]]
Cue = tuple[float, float, str]


def sentences(text: str) -> list[str]:
    """The sentences of a text, none of them empty; abbreviations end none."""
    text = " ".join(text.split())
    ends = [found.end() for found in END.finditer(text) if not NO_END.search(text[: found.end()])]
    parts = [text[a:b].strip() for a, b in zip([0, *ends], [*ends, len(text)], strict=True)]
    return [part for part in parts if part]


def speak(
    written: Sequence[str],
    spelled: Sequence[str],
    speaker: Speaker,
    parameters: Mapping[str, Any],
    out: Path,
    origin: Mapping[str, Any],
) -> float:
    """Let a speaker say sentences and write the file; returns its seconds.

    written: the sentences as subtitles show them; spelled: the same as the speaker takes them. parameters: of the
    speaker. origin: provenance, to which the cues are added. RenderError names the sentence of which nothing is heard.
    """
    pieces: list[np.ndarray] = []
    cues: list[Cue] = []
    rate, at = 0, 0
    for shown, words in zip(written, spelled, strict=True):
        samples, its_rate = _said(speaker, words, parameters)
        if rate and its_rate != rate:
            raise RenderError(f"The voice gave {rate} samples a second, then {its_rate}.", "Give them all at one rate.")
        rate = its_rate
        if pieces:
            pieces.append(np.zeros(round(BETWEEN_SECONDS * rate), np.float32))
            at += len(pieces[-1])
        cues += in_lines(shown, at / rate, (at + len(samples)) / rate)
        pieces.append(samples)
        at += len(samples)
    comment = provenance.comment({**origin, "cues": [[round(a, 3), round(b, 3), text] for a, b, text in cues]})
    _write(np.concatenate(pieces), rate, comment, out)
    return at / rate


def _said(speaker: Speaker, words: str, parameters: Mapping[str, Any]) -> tuple[np.ndarray, int]:
    """(n,) float32 samples of a sentence without the silence round it, and their rate."""
    try:
        samples, rate = speaker(words, **parameters)
        heard, rate = np.asarray(samples, np.float32), int(rate)
    except Exception as error:
        raise RenderError(f"The voice failed at '{words}' ({type(error).__name__}: {words_of(error)}).") from error
    if heard.ndim != 1 or not 8_000 <= rate <= 192_000 or not np.isfinite(heard).all():
        raise RenderError(
            f"The voice gave an array of shape {heard.shape} at {rate} samples a second for '{words}'.",
            "It gives finite samples of shape (n,) in -1 … 1, and their rate: 8,000 to 192,000 a second.",
        )
    loud = np.flatnonzero(np.abs(heard) > QUIET)
    if not len(loud):
        raise RenderError(f"The voice made no sound of '{words}'.", "Write it in other words, or see voice: {spell: …}")
    edge = round(EDGE_SECONDS * rate)
    return heard[max(0, loud[0] - edge) : loud[-1] + 1 + edge], rate


def in_lines(text: str, start: float, end: float) -> list[Cue]:
    """Subtitles of a sentence that is said from `start` to `end`: a long one is cut between words, evenly."""
    parts = -(-len(text) // CUE_LETTERS)
    words, lines = text.split(" "), [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + len(word) / 2 > len(text) / parts and len(lines) < parts:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    ends = np.cumsum([len(line) for line in lines]) / sum(len(line) for line in lines)
    times = [start, *(start + (end - start) * float(share) for share in ends)]
    return [(a, b, line) for a, b, line in zip(times, times[1:], lines, strict=False)]


def _write(samples: np.ndarray, rate: int, comment: str, out: Path) -> None:
    """(n,) samples as a FLAC file of 16 bits and one channel."""
    import av

    part = out.with_name(f".{out.name}.part")
    whole = np.rint(np.clip(samples, -1, 1) * 32767).astype(np.int16)
    try:
        with av.open(str(part), "w", format="flac", options={"fflags": "+bitexact"}) as target:
            target.metadata["comment"] = comment
            stream = target.add_stream("flac", rate=rate, layout="mono")
            stream.codec_context.format = "s16"
            frame = av.AudioFrame.from_ndarray(whole[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts = rate, 0
            target.mux(stream.encode(frame))
            target.mux(stream.encode(None))
        publish(part, out)
    finally:
        part.unlink(missing_ok=True)


def cues_of(file: Path) -> list[Cue]:
    """The subtitles of a spoken file; none of another sound."""
    told = (provenance.read(file) or {}).get("cues", [])
    return [(float(a), float(b), str(text)) for a, b, text in told]
