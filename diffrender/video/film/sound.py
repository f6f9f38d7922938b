"""The sound of a film: narrations laid on one track, silence between them. Loudness is left alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np

from diffrender.core.errors import RenderError

SAMPLE_RATE = 48_000
BIT_RATE = 160_000
PACKET_SAMPLES = 1024  # samples in a packet of AAC


@dataclass(frozen=True)
class Cue:
    """A sound file (or a video with sound) that starts at `start` seconds and is cut at `end`."""

    file: Path
    start: float
    end: float


def has_sound(file: Path) -> bool:
    """Whether there is an audio stream in it."""
    with av.open(str(file)) as container:
        return bool(container.streams.audio)


def length(file: Path) -> float:
    """Seconds of sound in a file, counted sample by sample. RenderError if there is none."""
    return sum(block.shape[1] for block in _decoded(file)) / SAMPLE_RATE


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
        for block in _decoded(cue.file):
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


def _decoded(file: Path) -> Iterator[np.ndarray]:
    """Blocks (2, n) float32 at `SAMPLE_RATE`. One channel goes to both sides as it is; mixing makes it 3 dB softer."""
    try:
        with av.open(str(file)) as container:
            if not container.streams.audio:
                raise RenderError(f"{file} holds no sound.")
            source = container.streams.audio[0]
            layout = "mono" if source.codec_context.layout.nb_channels == 1 else "stereo"
            resampler = av.AudioResampler("fltp", layout, SAMPLE_RATE)
            for frame in _and_flush(container.decode(source)):
                for resampled in resampler.resample(frame):
                    yield np.broadcast_to(resampled.to_ndarray(), (2, resampled.samples))
    except (av.FFmpegError, OSError) as error:
        raise RenderError(f"{file} is not a sound file that can be read: {error}.") from None


def _and_flush(frames: Iterator[Any]) -> Iterator[Any]:
    """The frames, then None, which empties a resampler."""
    for frame in frames:
        frame.pts = None  # a gap in a file's clock is no silence
        yield frame
    yield None
