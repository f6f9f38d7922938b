"""The acts of a clip as videos of their own, cut at the frame, with what is heard: for programs without acts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from diffrender.core import provenance
from diffrender.core.files import digest, publish
from diffrender.lecture.slides.slide import Slide
from diffrender.video.encode import container
from diffrender.video.encode.av_errors import av_errors
from diffrender.video.encode.settings import choose, open_stream
from diffrender.video.film import sound

CRF = "12"  # what was encoded once and is encoded again needs more bits to lose nothing that is seen


def pieces_of(slide: Slide, folder: Path, encode: str) -> list[Path]:
    """A file for each act, in `folder`; a slide of one act is its video itself. What is up to date is not cut again."""
    if len(slide.stops) == 1:
        return [slide.video]
    key = digest([slide.key, slide.begins, slide.stops, encode, CRF])
    files = [folder / f"{slide.name}-{k + 1}.mp4" for k in range(len(slide.stops))]
    if not all(provenance.key(file) == key for file in files):
        folder.mkdir(parents=True, exist_ok=True)
        _cut(slide, files, encode, provenance.comment({"key": key, "kind": "act", "clip": slide.key}))
    return files


def _cut(slide: Slide, files: list[Path], encode: str, comment: str) -> None:
    """Write the frames between two stops into each file, as they are decoded."""
    usual = choose("mp4", encode=encode)
    encoding = replace(usual, options={**usual.options, "crf": CRF})
    with av_errors(slide.video), av.open(str(slide.video)) as source:
        source.streams.video[0].thread_type = "AUTO"
        frames = source.decode(video=0)
        heard, at = sound.has_sound(slide.video), 0
        for file, first, stop in zip(files, slide.begins, slide.stops, strict=True):
            for _ in range(first - at):  # a rest between two acts
                next(frames)
            at = stop
            with ExitStack() as stack:
                pictures, track, whole = (_beside(file, name, stack) for name in ("pictures", "sound", "whole"))
                with av.open(str(pictures), "w", format="mp4") as out:
                    stream = open_stream(out, encoding, *slide.size, round(slide.fps))
                    for packet in _encoded(stream, frames, stop - first, slide.fps, encoding.pixel_format):
                        out.mux(packet)
                if heard:
                    seconds = float((stop - first) / slide.fps)
                    sound.write([sound.Cue(slide.video, 0, seconds, float(first / slide.fps))], seconds, track)
                container.join(
                    [pictures], whole, slide.fps, metadata={"comment": comment}, sound=track if heard else None
                )
                publish(whole, file)


def _beside(file: Path, name: str, stack: ExitStack) -> Path:
    """A file that is gone when the stack is left."""
    made = file.with_name(f".{file.stem}.{name}.mp4")
    stack.callback(made.unlink, missing_ok=True)
    return made


def _encoded(stream: Any, frames: Iterator[Any], count: int, fps: Fraction, pixel_format: str) -> Iterator[Any]:
    """Packets of the next `count` frames."""
    for k in range(count):
        frame = next(frames)
        if frame.format.name != pixel_format:
            frame = frame.reformat(format=pixel_format)
        frame.pict_type = av.video.frame.PictureType.NONE
        frame.pts, frame.time_base = k, 1 / fps
        yield stream.encode(frame)
    yield stream.encode(None)
