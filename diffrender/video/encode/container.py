"""Encoded clips: joining them by packets, with chapters and sound, and telling what a file holds.

No picture is encoded here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from diffrender.core.errors import RenderError
from diffrender.video.encode.av_errors import av_errors


@dataclass(frozen=True)
class VideoInfo:
    """What a video file is. `seconds` is its length on screen, frames / fps for a file of ours."""

    path: Path
    codec: str
    pixel_format: str
    width: int
    height: int
    fps: Fraction
    frames: int
    seconds: float
    metadata: Mapping[str, str]

    @property
    def format(self) -> tuple[Any, ...]:
        """What must be equal for two clips to be joined by packets."""
        return self.codec, self.pixel_format, self.width, self.height, self.fps


@dataclass(frozen=True)
class Chapter:
    """A named part of a video, from `start` to `end` seconds."""

    title: str
    start: float
    end: float


def probe(path: Path) -> VideoInfo:
    """What a video file holds, by PyAV (no ffprobe); counts its packets. RenderError if it is not a video."""
    with av_errors(path), av.open(str(path)) as container:
        if not container.streams.video:
            raise RenderError(f"{path} holds no video.")
        stream = container.streams.video[0]
        frames = sum(1 for packet in container.demux(stream) if packet.size)
        fps = stream.average_rate or Fraction(0)
        context = stream.codec_context
        pixel_format = context.pix_fmt or ""
        if "1" in (stream.metadata.get("alpha_mode"), stream.metadata.get("ALPHA_MODE")):
            # webm keeps alpha beside the pictures
            pixel_format = pixel_format.replace("yuv4", "yuva4")
        return VideoInfo(
            path=path,
            codec=context.codec.canonical_name,
            pixel_format=pixel_format,
            width=context.width,
            height=context.height,
            fps=fps,
            frames=frames,
            seconds=float(frames / fps) if fps else 0.0,
            metadata={k.lower(): v for k, v in container.metadata.items()},
        )


# ---- joining ---------------------------------------------------------------------------------------------------------
def join(
    parts: Sequence[Path],
    out: Path,
    fps: int | Fraction,
    *,
    metadata: Mapping[str, str] | None = None,
    chapters: Sequence[Chapter] = (),
    sound: Path | None = None,
) -> int:
    """Put clips of one format behind each other without touching a picture; returns the number of frames.

    `sound` is a file whose audio goes along with them, packet by packet too.
    Each part starts with a key frame. Timestamps are made anew, frame k at exactly k/fps. The index of an mp4 or mov
    comes first, so that it plays while it loads. Raises RenderError if a part has another format than the first.
    """
    delay = max(_reordering(part) for part in parts)
    tick = 1 / Fraction(fps)
    options = {"movflags": "+faststart"} if out.suffix in (".mp4", ".mov") else {}
    frame = 0
    with av.open(str(out), "w", options={**options, "fflags": "+bitexact"}) as target:
        target.metadata.update(metadata or {})
        if chapters:
            target.set_chapters([_chapter(i, chapter) for i, chapter in enumerate(chapters)])
        stream = None
        for part in parts:
            with av.open(str(part)) as source:
                first = source.streams.video[0]
                if stream is None:
                    stream = target.add_stream_from_template(first, opaque=True)  # needs no encoder of that name
                    stream.time_base = tick
                    if "alpha_mode" in first.metadata:  # without it browsers ignore a webm's transparency
                        stream.metadata["alpha_mode"] = first.metadata["alpha_mode"]
                    form = _form(first)
                    track = _Track(target, sound) if sound else None
                elif _form(first) != form:
                    raise RenderError(f"{part} and {parts[0]} have different formats, so they cannot be joined.")
                order = _shown_order(part)
                for i, packet in enumerate(p for p in source.demux(first) if p.size):
                    packet.stream = stream
                    packet.time_base = tick
                    packet.pts, packet.dts, packet.duration = frame + order[i], frame + i - delay, 1
                    target.mux(packet)
                    if track:
                        track.catch_up((frame + i) * tick)
                frame += len(order)
        if track:
            track.catch_up(math.inf)
    return frame


class _Track:
    """The sound beside joined clips: its packets go in as the pictures do, so that neither has to be looked for."""

    def __init__(self, target: Any, file: Path) -> None:
        self.target, self.source = target, av.open(str(file))
        audio = self.source.streams.audio[0]
        self.stream = target.add_stream_from_template(audio, opaque=True)
        self.packets = (packet for packet in self.source.demux(audio) if packet.size)
        self.next = next(self.packets, None)

    def catch_up(self, seconds: float | Fraction) -> None:
        """Put in all that starts before `seconds`; everything, and close the file, if that is infinite."""
        while self.next is not None and self.next.pts * self.next.time_base <= seconds:
            self.next.stream = self.stream
            self.target.mux(self.next)
            self.next = next(self.packets, None)
        if seconds == math.inf:
            self.source.close()


def form(path: Path) -> tuple[Any, ...]:
    """What must be equal, to the encoder's own header, for two clips to be joined by packets."""
    with av_errors(path), av.open(str(path)) as source:
        return _form(source.streams.video[0])


def _form(stream: Any) -> tuple[Any, ...]:
    context = stream.codec_context
    return context.codec.canonical_name, context.pix_fmt, context.width, context.height, context.extradata


def _shown_order(part: Path) -> list[int]:
    """For each packet, in the order stored, the number of the frame it shows."""
    with av_errors(part), av.open(str(part)) as source:
        times = [packet.pts for packet in source.demux(video=0) if packet.size]
    rank = {time: i for i, time in enumerate(sorted(times))}
    if len(rank) != len(times):
        raise RenderError(f"{part}: two frames at the same time, so it cannot be joined.")
    return [rank[time] for time in times]


def _reordering(part: Path) -> int:
    """By how many frames decoding must run ahead of showing (B-frames refer to frames shown later)."""
    return max(i - shown for i, shown in enumerate(_shown_order(part)))


def _chapter(number: int, chapter: Chapter) -> Any:
    milliseconds = Fraction(1, 1000)
    start, end = round(chapter.start * 1000), round(chapter.end * 1000)
    return {"id": number, "start": start, "end": end, "time_base": milliseconds, "metadata": {"title": chapter.title}}
