"""The sound of a film: narrations laid on one track, silence between them. Loudness is left alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np

from diffrender.core.errors import RenderError
from diffrender.video.encode.av_errors import av_errors

SAMPLE_RATE = 48_000
MIN_LATE_SECONDS = 0.03  # by which an encoder shifts a sound without meaning it
BIT_RATE = 160_000
PACKET_SAMPLES = 1024  # samples in a packet of AAC


@dataclass(frozen=True)
class Cue:
    """A sound file (or a video with sound) that starts at `start` seconds and is cut at `end`.

    begins: the second of the file's own clock that is its start; None for its first sample.
    """

    file: Path
    start: float
    end: float
    begins: float | None = None


def has_sound(file: Path) -> bool:
    """Whether there is an audio stream in it."""
    with av_errors(file), av.open(str(file)) as container:
        return bool(container.streams.audio)


def length(file: Path, begins: float | None = None) -> float:
    """Seconds until a file's sound ends, from `begins` on (as in `Cue`), counted sample by sample."""
    return sum(block.shape[1] for block in _decoded(file, begins)) / SAMPLE_RATE


def write(cues: Sequence[Cue], seconds: float, out: Path) -> None:
    """One AAC track of `seconds` with every cue at its place, in time order and none over another."""
    with av.open(str(out), "w", format="mp4") as target:
        stream = target.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
        stream.bit_rate = BIT_RATE
        at = 0
        for block in _framed(_laid(cues, round(seconds * SAMPLE_RATE))):
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout="stereo")
            frame.sample_rate, frame.pts = SAMPLE_RATE, at
            at += block.shape[1]
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))


def _laid(cues: Sequence[Cue], total: int) -> Iterator[np.ndarray]:
    """Blocks (2, n) float32 that follow each other, `total` samples in all."""
    at = 0
    for cue in cues:
        first, last = round(cue.start * SAMPLE_RATE), min(round(cue.end * SAMPLE_RATE), total)
        yield from _silence(first - at)
        at = first
        for block in _decoded(cue.file, cue.begins):
            block = block[:, : max(0, last - at)]
            at += block.shape[1]
            yield block
    yield from _silence(total - at)


def _silence(samples: int) -> Iterator[np.ndarray]:
    for first in range(0, samples, SAMPLE_RATE):
        yield np.zeros((2, min(SAMPLE_RATE, samples - first)), np.float32)


def _framed(blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """The same samples in blocks of the size that AAC takes; only the last is shorter."""
    rest = np.zeros((2, 0), np.float32)
    for block in blocks:
        rest = np.concatenate([rest, block], axis=1)
        whole = rest.shape[1] // PACKET_SAMPLES * PACKET_SAMPLES
        yield from np.split(rest[:, :whole], whole // PACKET_SAMPLES, axis=1) if whole else ()
        rest = rest[:, whole:]
    if rest.shape[1]:
        yield rest


def _decoded(file: Path, begins: float | None = None) -> Iterator[np.ndarray]:
    """Blocks (2, n) float32 at `SAMPLE_RATE`. One channel goes to both sides as it is; mixing makes it 3 dB softer."""
    with av_errors(file, "sound file"), av.open(str(file)) as container:
        if not container.streams.audio:
            raise RenderError(f"{file} holds no sound.")
        source = container.streams.audio[0]
        layout = "mono" if source.codec_context.layout.nb_channels == 1 else "stereo"
        resampler = av.AudioResampler("fltp", layout, SAMPLE_RATE)
        late = 0 if begins is None else _samples_after(source, begins)
        yield from _silence(late)
        early = max(0, -late)  # samples before the file begins
        for frame in _and_flush(container.decode(source)):
            for resampled in resampler.resample(frame):
                block = np.broadcast_to(resampled.to_ndarray(), (2, resampled.samples))
                yield block[:, early:]
                early = max(0, early - block.shape[1])


def _samples_after(stream: Any, begins: float) -> int:
    """By how many samples a sound begins after (or before, negative) a second of its file's clock."""
    late = float((stream.start_time or 0) * stream.time_base) - begins
    return round(late * SAMPLE_RATE) if abs(late) > MIN_LATE_SECONDS else 0


def _and_flush(frames: Iterator[Any]) -> Iterator[Any]:
    """The frames, then None, which empties a resampler."""
    for frame in frames:
        frame.pts = None  # a gap in a file's clock is no silence
        yield frame
    yield None
