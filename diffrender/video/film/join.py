"""Films: many videos joined into one by packets.

What has the film's format already is never encoded again. Encoded are only: the dissolve between two entries, which
goes from the last frame of one to the first of the next and covers neither; the last frame where an entry is held; and
videos from elsewhere that have another size, rate or codec.
"""

from __future__ import annotations

import itertools
import math
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from diffrender.core.errors import reading
from diffrender.core.files import publish
from diffrender.video.encode import container
from diffrender.video.encode.av_errors import av_errors
from diffrender.video.encode.container import Chapter
from diffrender.video.encode.settings import Encoding, choose, open_stream
from diffrender.video.film import sound, subtitles
from diffrender.video.film.spec import FilmEntry, FilmSpec
from diffrender.video.film.upright import square_pixels, turns
from diffrender.video.voice.speech import cues_of

MAX_TAIL_SECONDS = 0.1  # by which sound may begin or end apart from the picture: encoders pad it

Progress = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class PlacedEntry:
    """A video in its place. files: what is joined, in order; first: its first frame in the film; frames: how many."""

    video: FilmEntry
    files: tuple[Path, ...]
    first: int
    frames: int


def join_film(spec: FilmSpec, progress: Progress) -> dict[str, Any]:
    """Write the film and its subtitles; `spec.out` changes only when all of it is there.

    Returns figures: length, entries, and `notes`, a sentence for each video that had to be fitted to the film.
    """
    with _work(spec.out) as work:
        builder = _FilmBuilder(spec, work)
        placed: list[PlacedEntry] = []
        for i, video in enumerate(spec.pieces):
            progress({"stage": "fit", "done": i, "total": len(spec.pieces) + 1})
            with reading(video.file):
                placed.append(builder.place(video, placed[-1] if placed else None))
        total = placed[-1].first + placed[-1].frames
        starts = [entry.first / spec.fps for entry in placed] + [total / spec.fps]
        whole = work / "whole.mp4"
        container.join(
            [file for entry in placed for file in entry.files],
            whole,
            spec.fps,
            metadata=spec.metadata,
            chapters=_chapters(spec, starts) if spec.chapters else (),
            sound=builder.sound(placed, total / spec.fps),
        )
        if spec.subtitles:
            builder.notes += _write_subtitles(spec, placed, starts, work)
        publish(whole, spec.out)
    progress({"stage": "fit", "done": len(spec.pieces) + 1, "total": len(spec.pieces) + 1})
    notes = {"notes": builder.notes} if builder.notes else {}
    return {"length": f"{total / spec.fps:.1f} s", "entries": len(placed), **notes}


@contextmanager
def _work(out: Path) -> Iterator[Path]:
    """A folder beside the output, empty at first and gone at the end."""
    folder = out.with_name(f".{out.name}.part")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _FilmBuilder:
    """Makes the files that a film is joined of, all in one format."""

    def __init__(self, spec: FilmSpec, work: Path) -> None:
        self.spec, self.work = spec, work
        self.encoding: Encoding = choose("mp4", encode=spec.encode)
        self.fitted: dict[Path, Path] = {}
        self.notes: list[str] = []
        self.made = 0
        black = av.VideoFrame(spec.width, spec.height, "rgb24").reformat(format=self.encoding.pixel_format)
        self.form = container.form(self._encode([(black, 1)]))

    def place(self, video: FilmEntry, before: PlacedEntry | None) -> PlacedEntry:
        """A video with the dissolve that leads to it and the last frame as long as it is held."""
        file = self._fit(video.file)
        frames = container.probe(file).frames
        heard = math.ceil(sound.length(video.narration) * self.spec.fps) if video.narration else 0
        if not heard and sound.has_sound(video.file):
            longer = sound.length(video.file, self.begins(video.file)) - frames / self.spec.fps
            if longer > MAX_TAIL_SECONDS:
                heard = frames + math.ceil(longer * self.spec.fps)
                self.notes.append(
                    f"{video.file.name}: its sound is {longer:.1f} s longer than its picture; the last frame is held."
                )
        held = max(round(video.hold * self.spec.fps), heard - frames)
        files = [file]
        if held > 0:
            files.append(self._encode([(last_frame(file), held)]))
        first, fade = (before.first + before.frames if before else 0), round(self.spec.crossfade * self.spec.fps)
        if before and fade:
            files.insert(0, self._dissolve(last_frame(before.files[-1]), first_frame(file), fade))
            first += fade
        return PlacedEntry(video, tuple(files), first, frames + max(0, held))

    def sound(self, placed: list[PlacedEntry], seconds: float) -> Path | None:
        """The film's sound, or None if nothing in it is heard. A narration takes the place of a video's own sound."""
        cues = []
        for entry in placed:
            source = entry.video.narration or (entry.video.file if sound.has_sound(entry.video.file) else None)
            if source:
                start = entry.first / self.spec.fps
                begins = None if entry.video.narration else self.begins(entry.video.file)
                cues.append(sound.Cue(source, start, start + entry.frames / self.spec.fps, begins))
        if not cues:
            return None
        out = self.work / "sound.mp4"
        sound.write(cues, seconds, out)
        return out

    def _fit(self, file: Path) -> Path:
        """The video itself if it has the film's format, else a copy that has."""
        if file not in self.fitted:
            is_ours = container.form(file) == self.form and container.probe(file).fps == self.spec.fps
            is_ours = is_ours and _is_upright(file) and self.begins(file) == _start_times(file)[0]
            self.fitted[file] = file if is_ours else self._normalised(file)
        return self.fitted[file]

    def begins(self, file: Path) -> float:
        """The second of a video's own clock at which it begins in the film: with its picture or its sound."""
        picture, heard = _start_times(file)
        return min(picture, heard) if picture - heard > MAX_TAIL_SECONDS else picture

    def _normalised(self, file: Path) -> Path:
        spec, was = self.spec, container.probe(file)
        self.notes.append(
            f"{file.name} ({was.width}×{was.height}, {float(was.fps):.4g} frames/s, {was.codec}) was encoded anew "
            f"to fit the film ({spec.width}×{spec.height}, {spec.fps} frames/s)."
        )
        with av_errors(file), av.open(str(file)) as source:
            rounding = "up" if was.seconds * spec.fps < 1 else "near"  # of a single picture one frame is left
            frames = _filtered(source, spec, self.encoding.pixel_format, self.begins(file), rounding)
            return self._encode((frame, 1) for frame in frames)

    def _dissolve(self, a: av.VideoFrame, b: av.VideoFrame, frames: int) -> Path:
        """`frames` pictures on the way from one to the other, neither of them included."""
        ya, yb = a.to_ndarray(), b.to_ndarray()

        def mixed(i: int) -> av.VideoFrame:
            share = (i + 1) / (frames + 1)
            share = share * share * (3 - 2 * share)  # eased at both ends
            picture = (ya * (1 - share) + yb * share + 0.5).astype(np.uint8)
            return av.VideoFrame.from_ndarray(picture, format=a.format.name)

        return self._encode((mixed(i), 1) for i in range(frames))

    def _encode(self, pictures: Any) -> Path:
        """A video of (frame, how often) pairs, encoded as every clip is."""
        self.made += 1
        out, spec, at = self.work / f"{self.made:04d}.mp4", self.spec, 0
        with av.open(str(out), "w") as target:
            stream = open_stream(target, self.encoding, spec.width, spec.height, spec.fps)
            for frame, times in pictures:
                frame.pict_type = av.video.frame.PictureType.NONE
                for _ in range(times):
                    frame.pts, frame.time_base = at, Fraction(1, spec.fps)
                    target.mux(stream.encode(frame))
                    at += 1
            target.mux(stream.encode(None))
        return out


def _filtered(source: Any, spec: FilmSpec, pixel_format: str, begins: float, rounding: str) -> Iterator[av.VideoFrame]:
    """Every frame of a video at the film's rate and size, upright, with bars where its shape is another.

    begins: the second of its clock at which it begins; the first picture stands from there on. rounding: of its times.
    """
    stream = source.streams.video[0]
    stream.thread_type = "AUTO"
    frames = source.decode(stream)
    first = next(frames)
    size = f"{spec.width}:{spec.height}"
    steps = [
        *square_pixels(stream.sample_aspect_ratio),
        *turns(first, Path(source.name)),
        ("fps", f"{spec.fps}:start_time={begins:.6f}:round={rounding}"),
        ("scale", f"{size}:force_original_aspect_ratio=decrease:out_color_matrix=bt709:out_range=tv"),
        ("pad", f"{size}:-1:-1"),
        ("setsar", "1"),
        ("format", pixel_format),
        ("buffersink", ""),
    ]
    graph = av.filter.Graph()
    chain = [graph.add_buffer(template=stream), *(graph.add(name, arguments) for name, arguments in steps)]
    graph.link_nodes(*chain).configure()
    for frame in itertools.chain([first], frames, [None]):
        graph.push(frame)
        while True:
            try:
                yield graph.pull()
            except (av.BlockingIOError, av.EOFError):
                break


def _is_upright(file: Path) -> bool:
    """Whether a video is shown as it is stored: not turned, not mirrored, with square pixels."""
    frame = first_frame(file)
    with av_errors(file), av.open(str(file)) as source:
        square = source.streams.video[0].sample_aspect_ratio in (None, 0, 1)
    return square and not turns(frame, file)


def _start_times(file: Path) -> tuple[float, float]:
    """The seconds of a video's clock at which its picture and its sound begin; the same if it has no sound."""
    with av_errors(file), av.open(str(file)) as source:
        found = [
            float((s.start_time or 0) * s.time_base) for s in (*source.streams.video[:1], *source.streams.audio[:1])
        ]
    return found[0], found[-1]


def first_frame(file: Path) -> av.VideoFrame:
    """The first picture of a video."""
    with av_errors(file), av.open(str(file)) as source:
        return next(iter(source.decode(video=0)))


def last_frame(file: Path) -> av.VideoFrame:
    """The last picture of a video; decodes from the key frame before it."""
    with av_errors(file), av.open(str(file)) as source:
        stream = source.streams.video[0]
        if stream.duration:
            source.seek((stream.start_time or 0) + stream.duration - 1, stream=stream)
        *_, last = source.decode(stream)
        return last


# ---- chapters and subtitles ------------------------------------------------------------------------------------------
def _chapters(spec: FilmSpec, starts: list[float]) -> list[Chapter]:
    ends = starts[1:]
    return [Chapter(video.chapter, a, b) for video, a, b in zip(spec.pieces, starts, ends, strict=False)]


def _write_subtitles(spec: FilmSpec, placed: list[PlacedEntry], starts: list[float], work: Path) -> list[str]:
    """Write the film's subtitles; returns what could not be read of those of its videos, in words."""
    cues, notes = [], []
    for entry, start in zip(placed, starts, strict=False):
        end = start + entry.frames / spec.fps
        own, said = subtitles.beside(entry.video.file)
        if late := [text for a, _, text in own if a >= end - start]:
            file, cues_late = subtitles.file_beside(entry.video.file), f"{len(late)} cue{'s' * (len(late) > 1)}"
            said.append(f"{file and file.name}: {cues_late} after its end left out: '{late[0][:40]}'.")
        own = (cues_of(entry.video.narration) if entry.video.narration else []) or own
        cues += subtitles.placed(own, entry.video.caption, start, end)
        notes += said
    for suffix, text in ((".srt", subtitles.as_srt(cues)), (".vtt", subtitles.as_vtt(cues))):
        file = work / f"whole{suffix}"
        file.write_text(text, "utf-8")
        publish(file, spec.out.with_suffix(suffix))
    return list(dict.fromkeys(notes))
