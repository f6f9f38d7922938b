"""Encoder settings of each format, and whether this machine has the encoder.

Settings, threads included, are fixed, so that the same frames give the same bytes whatever the machine or the number of
workers.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

from diffrender.core.errors import RenderError, UsageError, suggest
from diffrender.video.spec import RenderSpec

ENCODER_THREADS = 4  # of each encoder session; part of what decides the bytes, so never taken from the machine
X264 = {  # without sliced threads, which waste bits and cores
    "draft": {"preset": "ultrafast", "crf": "25", "x264-params": "sliced-threads=0"},
    "fast": {"preset": "superfast", "crf": "20", "x264-params": "sliced-threads=0"},
    "small": {"preset": "medium", "crf": "23", "x264-params": "sliced-threads=0"},
}
VP9 = {
    "draft": {"deadline": "realtime", "cpu-used": "8", "crf": "36", "b": "0"},
    "fast": {"deadline": "realtime", "cpu-used": "6", "crf": "30", "b": "0"},
    "small": {"deadline": "good", "cpu-used": "3", "crf": "33", "b": "0"},
}
PRORES = {"profile": "4444", "vendor": "apl0", "alpha_bits": "16"}
# what machines may have, to be named when the encoder asked for is not there
CANDIDATES = (
    *("libx264", "libx265", "libsvtav1", "libvpx-vp9", "mpeg4", "h264_nvenc", "hevc_nvenc", "av1_nvenc", "h264_qsv"),
    *("h264_amf", "h264_mf", "h264_videotoolbox", "hevc_videotoolbox", "prores_ks", "prores_videotoolbox", "qtrle"),
)

FAILURES = (av.FFmpegError, OSError, ValueError, RuntimeError)


@dataclass(frozen=True)
class Encoding:
    """An encoder session: container, codec, pixel format and the codec's own options."""

    container: str
    codec: str
    pixel_format: str
    options: dict[str, str] = field(default_factory=dict)

    @property
    def even(self) -> bool:
        """Whether width and height must be even (chroma is stored at half of both)."""
        return "420" in self.pixel_format or self.pixel_format == "nv12"


def for_spec(spec: RenderSpec) -> Encoding:
    """The encoding that a render's segments get."""
    return choose(spec.format, transparent=spec.transparent, encode=spec.encode, codec=spec.codec)


def choose(container: str, *, transparent: bool = False, encode: str = "fast", codec: str | None = None) -> Encoding:
    """The encoding of a format (mp4, webm, mov, or gif for the lossless clip that a GIF is made from).

    `codec` replaces the format's own encoder. Raises UsageError when PyAV does not know it.
    """
    if codec:
        return _by_name(container, codec, transparent, encode)
    if container == "gif":
        # the palette is chosen from the finished clip, which therefore must be exact
        if transparent:
            return Encoding("mov", "qtrle", "argb")
        return Encoding("mp4", "libx264rgb", "rgb24", {"preset": "ultrafast", "qp": "0"})
    if container == "webm":
        return Encoding("webm", "libvpx-vp9", "yuva420p" if transparent else "yuv420p", VP9[encode])
    if transparent:
        # exact, and on drawings smaller and eight times faster than ProRes 4444, which is there as --codec prores_ks
        return Encoding("mov", "qtrle", "argb")
    return Encoding(container, "libx264", "yuv420p", X264[encode])


def _by_name(container: str, codec: str, transparent: bool, encode: str) -> Encoding:
    try:
        formats = [f.name for f in av.codec.Codec(codec, "w").video_formats or ()]
    except ValueError:
        raise UsageError(f"--codec {codec}: this PyAV has no such encoder.", suggest(codec, known())) from None
    if transparent:
        formats = [f for f in formats if any(c.is_alpha for c in av.VideoFormat(f).components)]
        if not formats:
            raise UsageError(
                f"--codec {codec} cannot store transparency.", "Leave --codec out, or use qtrle in a .mov."
            )
    usual = ("yuva420p", "argb", "yuva444p10le") if transparent else ("yuv420p", "nv12", "rgb24")
    pixel_format = next((f for f in usual if f in formats), formats[0] if formats else "yuv420p")
    options = {"libx264": X264[encode], "libvpx-vp9": VP9[encode], "prores_ks": PRORES}.get(codec, {})
    return Encoding(container, codec, pixel_format, options)


def known() -> list[str]:
    """The encoders among the usual ones that this PyAV was built with."""
    return [codec for codec in CANDIDATES if codec in av.codecs_available]


def opens(container: str) -> list[str]:
    """Encoders that really open on this machine for a container, drivers and all."""
    found = []
    for codec in known():
        try:
            _encode_nothing(_by_name(container, codec, False, "fast"), 320, 180, 30)
        except FAILURES:
            continue
        found.append(codec)
    return found


def check(encoding: Encoding, width: int, height: int, fps: int) -> None:
    """RenderError naming what would open if the encoder does not, found out by encoding a few empty frames."""
    try:
        _encode_nothing(encoding, width, height, fps)
    except FAILURES as error:
        raise RenderError(
            f"The encoder {encoding.codec} does not open here for .{encoding.container}: {error}.",
            f"These do: {', '.join(opens(encoding.container))}.",
        ) from None


def _encode_nothing(encoding: Encoding, width: int, height: int, fps: int) -> None:
    with av.open(io.BytesIO(), "w", format=encoding.container) as out:
        stream = open_stream(out, encoding, width, height, fps)
        frame = av.VideoFrame(width, height, encoding.pixel_format)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        for k in range(8):  # libx265 now and then makes up the time of a lone frame
            frame.pts, frame.time_base = k, Fraction(1, fps)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def open_stream(out: Any, encoding: Encoding, width: int, height: int, fps: int) -> Any:
    """A video stream of `out` with everything set that decides its bytes and its colours."""
    stream = out.add_stream(encoding.codec, rate=fps, options=dict(encoding.options))
    context = stream.codec_context
    context.width, context.height, context.pix_fmt = width, height, encoding.pixel_format
    context.time_base = Fraction(1, fps)
    context.thread_count = ENCODER_THREADS
    if "yuv" in encoding.pixel_format or encoding.pixel_format == "nv12":
        context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
    context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
    return stream
