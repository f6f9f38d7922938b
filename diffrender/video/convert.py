"""A finished clip in another format: its pictures are decoded, not drawn again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from pydantic import Field

from diffrender.core.files import publish, replacing
from diffrender.video.encode import container
from diffrender.video.encode.av_errors import av_errors
from diffrender.video.encode.encoder import converted
from diffrender.video.encode.gif import make_gif
from diffrender.video.encode.settings import choose, open_stream
from diffrender.video.encode.settled import settled
from diffrender.video.settings import Encode, Format, Settings

Progress = Callable[[dict[str, Any]], None]


class Conversion(Settings):
    """An opaque H.264 clip of ours, and what it becomes: MP4 and MOV by the same packets, WebM and GIF encoded anew."""

    file: Path
    out: Path
    format: Format
    encode: Encode = "fast"
    gif_width: int = 720
    gif_fps: int = 15
    max_mb: float | None = None
    loop: bool = False
    metadata: dict[str, str] = Field(default_factory=dict)


def convert(wish: Conversion, progress: Progress) -> dict[str, Any]:
    """Write `wish.out`, whole or not at all, with the subtitles beside it; returns what is to be said of it.

    Raises RenderError if the file cannot be read, or the GIF does not get as small as asked for.
    """
    source = container.probe(wish.file)
    part = wish.out.with_name(f".{wish.out.stem}.part.{wish.format}")
    try:
        if wish.format == "gif":
            about = _gif(wish, source, part, progress)
        elif wish.format == "webm":
            about = _encoded(wish, source, part, progress)
        else:
            frames = container.join([source.path], part, source.fps, metadata=wish.metadata)
            about = {"frames": frames, "fps": source.fps}
        publish(part, wish.out)
    finally:
        part.unlink(missing_ok=True)
    subtitles, beside = source.path.with_suffix(".srt"), wish.out.with_suffix(".srt")
    if wish.format != "gif" and subtitles.is_file() and subtitles != beside:
        with subtitles.open("rb") as found, replacing(beside) as file:
            shutil.copyfileobj(found, file)
    return {"frames": about["frames"], "film_seconds": float(about["frames"] / about["fps"])}


def _gif(wish: Conversion, source: container.VideoInfo, part: Path, progress: Progress) -> dict[str, Any]:
    _, fps, frames = gif_of(
        source,
        part,
        progress,
        width=wish.gif_width,
        fps=wish.gif_fps,
        max_mb=wish.max_mb,
        loop=wish.loop,
        comment=wish.metadata.get("comment", ""),
    )
    return {"fps": fps, "frames": frames}


def gif_of(
    source: container.VideoInfo,
    out: Path,
    progress: Progress,
    *,
    width: int,
    fps: int,
    max_mb: float | None = None,
    loop: bool = False,
    comment: str = "",
) -> tuple[int, int, int]:
    """The GIF of a finished clip: (width, frames a second, frames before it was made slower for `max_mb`)."""
    small = out.with_suffix(".settled.mp4")
    try:
        settled(
            source, small, width, fps, lambda done, total: progress({"stage": "decode", "done": done, "total": total})
        )
        progress({"stage": "palette", "done": 0, "total": 1})
        made, rate = make_gif(small, out, max_mb=max_mb, comment=comment, loop=loop)
        return made, rate, container.probe(small).frames
    finally:
        small.unlink(missing_ok=True)


def _encoded(wish: Conversion, source: container.VideoInfo, part: Path, progress: Progress) -> dict[str, Any]:
    """Every picture decoded and encoded, in one session."""
    how, tick = choose(wish.format, encode=wish.encode), 1 / Fraction(source.fps)
    with (
        av_errors(source.path),
        av.open(str(source.path)) as opened,
        av.open(str(part), "w", format=how.container) as out,
    ):
        out.metadata.update(wish.metadata)
        opened.streams.video[0].thread_type = "AUTO"
        stream = open_stream(out, how, source.width, source.height, int(source.fps))
        k = 0
        for k, frame in enumerate(opened.decode(video=0), 1):
            picture = converted(frame, how.pixel_format)
            picture.pts, picture.time_base, picture.pict_type = k - 1, tick, 0
            out.mux(stream.encode(picture))
            progress({"stage": "encode", "done": k, "total": source.frames})
        out.mux(stream.encode(None))
    return {"frames": k, "fps": source.fps}
