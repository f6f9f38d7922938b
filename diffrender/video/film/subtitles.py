"""Subtitles as .srt and .vtt: a scene's captions, and those of a film's entries in the gaps between them."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path

import srt

MIN_GAP_SECONDS = 0.5  # a gap between two captions that is shorter stays empty

Cue = tuple[float, float, str]  # seconds from, seconds to, text


def beside(video: Path) -> list[Cue]:
    """The captions of a video, from the .srt that lies beside it; none if there is none or it cannot be read."""
    file = video.with_suffix(".srt")
    try:
        found = list(srt.parse(file.read_text("utf-8-sig"))) if file.is_file() else []
    except (OSError, UnicodeDecodeError, srt.SRTParseError):
        return []
    return [(cue.start.total_seconds(), cue.end.total_seconds(), cue.content) for cue in found]


def placed(own: Iterable[Cue], caption: str, start: float, end: float) -> list[Cue]:
    """Captions of one entry that stands from `start` to `end`: its own, and `caption` wherever there is none."""
    cues = sorted((start + a, min(start + b, end), text) for a, b, text in own if start + a < end)
    if not caption:
        return cues
    edges = [start, *(t for a, b, _ in cues for t in (a, b)), end]
    gaps = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= MIN_GAP_SECONDS]
    return sorted(cues + [(a, b, caption) for a, b in gaps])


def as_srt(cues: Sequence[Cue]) -> str:
    """The text of an .srt file."""
    found = [srt.Subtitle(i, timedelta(seconds=a), timedelta(seconds=b), t) for i, (a, b, t) in enumerate(cues, 1)]
    return srt.compose(found)


def as_vtt(cues: Sequence[Cue]) -> str:
    """The text of a .vtt file, for browsers."""
    lines = ["WEBVTT", ""]
    for start, end, text in cues:
        words = "\n".join(line for line in text.splitlines() if line.strip())
        lines += [f"{_clock(start)} --> {_clock(end)}", html.escape(words, quote=False), ""]
    return "\n".join(lines)


def _clock(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
