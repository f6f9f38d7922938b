"""Subtitles as .srt and .vtt: a scene's captions, and those of a film's entries in the gaps between them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path

import srt

MIN_GAP_SECONDS = 0.5  # a gap between two captions that is shorter stays empty
MAX_BYTES = 10_000_000
TAG = re.compile(r"</?[a-zA-Z][^<>]*>|\{\\[^{}]*\}")  # HTML's, and those of Advanced SubStation
TIMES = re.compile(r"^.*-->.*$", re.M)
SPACED = re.compile(r"(?<=\d) *([:,.]) *(?=\d)")  # 00:00:01, 000, as translators leave it
FRAMES = re.compile(r"\d:\d+:\d+:\d")  # frames in place of milliseconds
UNSEPARATED = re.compile(r"(?<=[^\n])\n(?=\d+ *\n[\d:,.]+ *-->)")  # a cue right under another
CUE_NAME = re.compile(r"(?:(?<=\n\n)|\A)[^\n]+\n(?=[\d:.]+ *-->)")  # which WebVTT allows over its times
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
UNREAD = (".ass", ".ssa", ".sub", ".sbv", ".lrc", ".ttml", ".smi")  # captions of other kinds
UNSAID = ("STYLE", "NOTE", "REGION")  # blocks of WebVTT that are no cues
CLOCK = re.compile(r"(?<![\d:.,])(?:(\d+):)?(\d+):(\d+)[,.](\d{1,3})(?!\d)")  # [hours:]minutes:seconds,fraction
KEPT_TAGS = re.compile(r"</?[biu]>")  # what WebVTT knows of them

Cue = tuple[float, float, str]  # seconds from, seconds to, text


def file_beside(video: Path) -> Path | None:
    """The file of a video's captions: the .srt that lies beside it, else the .vtt; None if there is neither."""
    return next((file for suffix in (".srt", ".vtt") if (file := video.with_suffix(suffix)).is_file()), None)


def beside(video: Path) -> tuple[list[Cue], list[str]]:
    """The captions of a video, from the file that lies beside it, and what could not be read of them, in words."""
    file = file_beside(video)
    if file is None:
        others = [other.name for suffix in UNREAD if (other := video.with_suffix(suffix)).is_file()]
        return [], [f"{name}: left out, as captions of that kind are not read; save them as .srt." for name in others]
    if file.stat().st_size > MAX_BYTES:
        return [], [f"{file.name}: larger than subtitles are; left out."]
    text, notes = _decoded(file)
    cues, bad = [], []
    for block in _blocks(text):
        try:
            cue = next(iter(srt.parse(block)))
            if cue.end < cue.start or FRAMES.search(block.partition("-->")[0]):
                raise ValueError
        except (srt.SRTParseError, StopIteration, ValueError, OverflowError):
            bad.append(" ".join(block.split())[:50])
        else:
            if words := CONTROLS.sub("", cue.content):
                cues.append((cue.start.total_seconds(), cue.end.total_seconds(), words))
    if not cues and not bad:
        notes.append(f"{file.name}: no captions in it.")
    elif not cues:
        said = CONTROLS.sub("", bad[0])
        notes.append(f"{file.name}: no captions that can be read, it begins '{said}'; save them as .srt (SubRip).")
    elif bad:
        which = f"{len(bad)} cue{'s' * (len(bad) > 1)} that cannot be read {'are' if len(bad) > 1 else 'is'} left out"
        notes.append(f"{file.name}: {which}: '{bad[0]}'{' …' if len(bad) > 1 else ''}.")
    return cues, notes


def _decoded(file: Path) -> tuple[str, list[str]]:
    """The text of a subtitle file in whatever encoding it is, and a word if that had to be guessed."""
    data = file.read_bytes()
    if data[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff"):
        return data.decode("utf-32", "replace"), []
    if b"\0" in data[:2] and b"\xff\xfe" != data[:2] != b"\xfe\xff":  # without a mark of its order
        return data.decode("utf-16-be" if data[0] == 0 else "utf-16-le", "replace"), []
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace"), []
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
        return text, [f"{file.name}: not UTF-8; read as Windows-1252. If letters are wrong, save it as UTF-8."]


def _blocks(text: str) -> list[str]:
    """The cues of a subtitle file as they stand; what follows a blank line inside a cue belongs to it."""
    blocks: list[str] = []
    lines = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if lines.startswith("WEBVTT"):
        lines = CUE_NAME.sub("", lines.partition("\n\n")[2])
    lines = UNSEPARATED.sub("\n\n", TIMES.sub(lambda line: CLOCK.sub(_in_full, SPACED.sub(r"\1", line[0])), lines))
    for part in re.split(r"\n\s*\n", lines):
        if part.split(None, 1)[:1] and part.split(None, 1)[0] in UNSAID and "-->" not in part:
            continue
        starts = re.match(r"\s*(\d+\s*\n)?\s*-?\d+:\d+", part) or re.match(r"\s*\d+\s*(\n|$)", part) or "->" in part
        if blocks and not starts:
            blocks[-1] += "\n" + part
        elif part.strip():
            blocks.append(part)
    return blocks


def _in_full(time: re.Match[str]) -> str:
    """A time with hours and milliseconds, which some programs leave out: 01:02.5 is 00:01:02,500."""
    hours, minutes, seconds, fraction = time.groups()
    return f"{hours or '00'}:{minutes}:{seconds},{fraction:<03}"


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
        words = "\n".join(line for line in _vtt_words(text).splitlines() if line.strip())
        lines += [f"{_clock(start)} --> {_clock(end)}", words, ""]
    return "\n".join(lines)


def _vtt_words(text: str) -> str:
    """Words with the tags that WebVTT knows; others are taken out, and everything else is escaped."""
    out, at = [], 0
    for tag in TAG.finditer(text):
        out.append(html.escape(text[at : tag.start()], quote=False))
        out.append(tag[0].lower() if KEPT_TAGS.fullmatch(tag[0].lower()) else "")
        at = tag.end()
    return "".join([*out, html.escape(text[at:], quote=False)])


def _clock(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
