"""Videos and sounds from elsewhere, looked at before any work begins.

Called in a process with limits on time and memory, so that a file made to crash a decoder loses nothing.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import av
import numpy as np

from diffrender.core.errors import RenderError
from diffrender.video.encode.av_errors import av_errors
from diffrender.video.film.whole_files import missing_bytes

DECODE_SECONDS = 4.0  # of computing, for which frames are decoded to find damage; the rest is taken on trust
MISSING_FRAMES, MISSING_SECONDS = 2, 0.15  # by which a video may be shorter than its head says
MISSING_SOUND = 0.5  # seconds
MISSING_TAIL, MISSING_SHARE = 2.0, 0.1  # seconds and share, where the head says only how long all of it is
MAX_SIDE = 16_384  # pixels


def inspect_video(_: bytes, *, path: str) -> tuple[dict[str, Any], list[np.ndarray]]:
    """{frames, seconds} of a video whose packets are all there and decode; RenderError if they do not."""
    with av_errors(Path(path)), av.open(path) as container:
        _check_whole(path)
        if not container.streams.video:
            raise RenderError(f"{path} holds no video.")
        stream = container.streams.video[0]
        if stream.codec_context is None:
            raise RenderError(f"{path}: in a format that cannot be decoded.", "Save it again as MP4 (H.264).")
        if max(stream.codec_context.width, stream.codec_context.height) > MAX_SIDE:
            raise RenderError(f"{path}: more than {MAX_SIDE:,} pixels across.")
        begun, frames, seen, ends, all_end = time.process_time(), 0, 0, 0.0, 0.0
        for packet in container.demux():
            all_end = max(all_end, _end_of(packet))
            if packet.stream != stream:
                continue
            decoded = packet.decode() if time.process_time() - begun < DECODE_SECONDS else []
            if any(max(frame.width, frame.height) > MAX_SIDE for frame in decoded):
                raise RenderError(f"{path}: more than {MAX_SIDE:,} pixels across.")
            frames += 1 if packet.size else 0
            ends = max(ends, _end_of(packet))
            seen += len(decoded)
        if not seen:
            raise RenderError(f"{path}: not one frame in it.", "Is it complete? Save or download it again.")
        says = _end_of(stream) if stream.duration else 0.0
        if stream.frames - frames > MISSING_FRAMES and says - ends > MISSING_SECONDS:
            problem = f"{path}: cut off, only {frames:,} of its {stream.frames:,} frames are there."
            raise RenderError(problem, "Save or download it again.")
        says = ((container.start_time or 0) + (container.duration or 0)) / av.time_base
        if not stream.duration and says - all_end > max(MISSING_TAIL, MISSING_SHARE * says):
            raise RenderError(f"{path}: cut off after {all_end:.1f} of {says:.1f} s.", "Save or download it again.")
        if not stream.average_rate:
            raise RenderError(f"{path}: says no frame rate.", "Save it again, as MP4.")
        rate = float(stream.average_rate)
    with av_errors(Path(path)), av.open(path) as container:
        if next(iter(container.decode(video=0)), None) is None:
            raise RenderError(f"{path}: not one frame of it can be decoded.", "Save or download it again.")
    if _has_sound(path):
        inspect_sound(b"", path=path)
    return {"frames": frames, "seconds": frames / rate}, []


def _check_whole(path: str) -> None:
    """Refuse a file that ends before its own head says that it does."""
    if missing := missing_bytes(Path(path)):
        raise RenderError(
            f"{path}: cut off: {missing:,} bytes that it announces are not there.", "Save or download it again."
        )


def _end_of(part: Any) -> float:
    """The second of the file's clock at which a packet or a stream ends; 0 if it does not say."""
    start = part.pts if isinstance(part, av.Packet) else part.start_time
    if part.time_base is None or (start is None and not part.duration):
        return 0.0
    return float(((start or 0) + (part.duration or 0)) * part.time_base)


def inspect_sound(_: bytes, *, path: str) -> tuple[dict[str, Any], list[np.ndarray]]:
    """{} for a file whose sound decodes; RenderError if it has none, or is damaged."""
    with av_errors(Path(path), "sound file"), av.open(path) as container:
        if not container.streams.audio:
            raise RenderError(f"{path} holds no sound.")
        _check_whole(path)
        stream = container.streams.audio[0]
        begun, samples, ends = time.process_time(), 0, 0.0
        for packet in container.demux(stream):
            ends = max(ends, _end_of(packet))
            if time.process_time() - begun < DECODE_SECONDS:
                samples += sum(frame.samples for frame in packet.decode())
        if not samples:
            raise RenderError(f"{path}: its sound is empty.")
        says = _end_of(stream) if stream.duration else 0.0
        if says - ends > max(MISSING_SOUND, MISSING_SHARE * says / 2):
            raise RenderError(f"{path}: cut off after {ends:.1f} of {says:.1f} s.", "Save or download it again.")
    return {}, []


def _has_sound(path: str) -> bool:
    with av_errors(Path(path)), av.open(path) as container:
        return bool(container.streams.audio)
