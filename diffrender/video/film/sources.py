"""Videos and sounds from elsewhere, looked at before any work begins.

Called in a process with limits on time and memory, so that a file made to crash a decoder loses nothing.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np

from diffrender.core.disguises import HEAD_BYTES, known_start
from diffrender.core.errors import RenderError
from diffrender.video.encode.av_errors import av_errors
from diffrender.video.film.whole_files import missing_bytes

DECODE_SECONDS = 4.0  # of computing, for which frames are decoded to find damage; the rest is taken on trust
MISSING_FRAMES, MISSING_SECONDS = 2, 0.15  # by which a video may be shorter than its head says
MISSING_SOUND = 0.5  # seconds
MISSING_TAIL, MISSING_SHARE = 2.0, 0.1  # seconds and share, where the head says only how long all of it is
MAX_TORN = 0.5  # share of damaged pictures, above which nothing can be made of a video
MAX_SIDE = 16_384  # pixels
STILLS = ("_pipe", "image2")  # formats of single pictures end so
STILL_RATE = 25  # frames a second that FFmpeg gives a single picture
HDR = (16, 18)  # transfer functions: PQ (SMPTE 2084), HLG (ARIB STD-B67)
OTHERS = {  # what cannot be read as video or sound → what it is, what to do
    re.compile(rb"RIFF....WEBP", re.DOTALL): ("an animated WebP picture", "Save it as GIF or MP4."),
    re.compile(rb"%PDF-"): ("a PDF", "Save its page as PNG; hold says how many seconds it stands."),
    re.compile(rb"PK\x03\x04"): ("an archive or an Office file", "Unpack it, or export a video."),
    re.compile(rb"\xd0\xcf\x11\xe0"): ("an Office file", "Export a video."),
}


def inspect_video(_: bytes, *, path: str) -> tuple[dict[str, Any], list[np.ndarray]]:
    """{frames, seconds, picture, notes} of a video whose packets are all there and decode; RenderError otherwise.

    picture: whether it is a single picture, which says no length. notes: what of it is not shown as one may expect.
    """
    with named_for_what_it_is(path), av_errors(Path(path)), av.open(path) as container:
        _check_whole(path)
        stream = _picture_stream(container, path)
        if stream.codec_context is None:
            raise RenderError(f"{path}: in a format that cannot be decoded.", "Save it again as MP4 (H.264).")
        if max(stream.codec_context.width, stream.codec_context.height) > MAX_SIDE:
            raise RenderError(f"{path}: more than {MAX_SIDE:,} pixels across.")
        begun, frames, seen, torn, ends, all_end = time.process_time(), 0, 0, 0, 0.0, 0.0
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
            torn += sum(frame.is_corrupt for frame in decoded)
        if torn > MAX_TORN * seen:
            problem = f"{path}: damaged: {torn:,} of its first {seen:,} pictures cannot be decoded whole."
            raise RenderError(problem, "Save or download it again.")
        if not seen:
            raise RenderError(f"{path}: not one frame in it.", "Is it complete? Save or download it again.")
        says = _end_of(stream) if stream.duration else 0.0
        if stream.frames - frames > MISSING_FRAMES and says - ends > MISSING_SECONDS:
            problem = f"{path}: cut off, only {frames:,} of its {stream.frames:,} frames are there."
            raise RenderError(problem, "Save or download it again.")
        says = ((container.start_time or 0) + (container.duration or 0)) / av.time_base
        tail = MISSING_SOUND if container.format.name == "flv" else max(MISSING_TAIL, MISSING_SHARE * says)
        if not stream.duration and says - all_end > tail:
            raise RenderError(f"{path}: cut off after {all_end:.1f} of {says:.1f} s.", "Save or download it again.")
        picture = frames == 1 and (container.format.name == "gif" or container.format.name.endswith(STILLS))
        if not stream.average_rate and not picture:
            raise RenderError(f"{path}: says no frame rate.", "Save it again, as MP4.")
        rate = float(stream.average_rate or STILL_RATE)
        notes = _remarks(container, Path(path).name, torn)
    with av_errors(Path(path)), av.open(path) as container:
        if next(iter(container.decode(video=0)), None) is None:
            raise RenderError(f"{path}: not one frame of it can be decoded.", "Save or download it again.")
    if _has_sound(path):
        inspect_sound(b"", path=path)
    return {"frames": frames, "seconds": frames / rate, "picture": picture, "notes": notes}, []


def _picture_stream(container: Any, path: str) -> Any:
    """The stream that is shown, the first; RenderError if the file holds sound alone."""
    videos = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
    if not videos:
        what = "sound and a picture of its cover" if container.streams.video else "sound alone"
        if not container.streams.audio:
            raise RenderError(f"{path} holds no video.", "Is it complete? Play it, or save it again.")
        raise RenderError(f"{path} holds {what}, no video.", "Sound is named under narration, of a card, say.")
    if videos[0] != container.streams.video[0]:
        raise RenderError(f"{path}: a picture of its cover comes before its video.", "Save it again without a cover.")
    return videos[0]


def _remarks(container: Any, name: str, torn: int) -> list[str]:
    """What of a video is not shown or heard as one may expect, a sentence each."""
    said = []
    stream, videos = container.streams.video[0], container.streams.video
    films = [s for s in videos if not s.disposition & av.stream.Disposition.attached_pic]
    for several, what, done in ((films, "videos", "shown"), (container.streams.audio, "sound tracks", "heard")):
        if len(several) > 1:
            said.append(f"{name} holds {len(several)} {what}; the first is {done}.")
    if torn:
        said.append(f"{name}: {torn} of its pictures {'are' if torn > 1 else 'is'} damaged: is it cut or torn?")
    if stream.codec_context.color_trc in HDR:
        said.append(f"{name} is in high dynamic range, and shown as it stands: pale. Save it again in SDR (BT.709).")
    pixels = stream.codec_context.format
    if (pixels and container.format.name != "gif" and any(part.is_alpha for part in pixels.components)) or "1" in (
        stream.metadata.get("alpha_mode"),
        stream.metadata.get("ALPHA_MODE"),
    ):
        said.append(f"{name} may be transparent in places: what lies under that is shown.")
    return said


@contextlib.contextmanager
def named_for_what_it_is(path: str) -> Iterator[None]:
    """While inside, a file that cannot be read is called what it is by its first bytes, if they are known."""
    try:
        yield
    except RenderError:
        with contextlib.suppress(OSError), Path(path).open("rb") as file:
            head = file.read(HEAD_BYTES)
            found = known_start(head) or next((words for start, words in OTHERS.items() if start.match(head)), None)
            if found:
                raise RenderError(f"{path}: {found[0]}, whatever its name says.", found[1]) from None
        raise


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
    with named_for_what_it_is(path), av_errors(Path(path), "sound file"), av.open(path) as container:
        if not container.streams.audio:
            raise RenderError(f"{path} holds no sound.", "Name a sound file, or leave narration out.")
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
