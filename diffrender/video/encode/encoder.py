"""Frames into packets: a thread that encodes one frame while the next is drawn.

PyAV releases the interpreter lock while it encodes, as do the conversions here.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numba as nb
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation

from diffrender.core.errors import RenderError
from diffrender.video.encode.settings import Encoding, open_stream

U32, I32 = np.uint32, np.int32
BYTE, PAIR, MIDDLE = np.uint32(0xFF), np.uint32(0x00FF00FF), np.int32((128 << 18) + (1 << 17))
MAX_FRAMES_IN_FLIGHT = 3  # frames between drawing and encoding; 3 MB each at 1080p


class Encoder:
    """One encoder session that writes `path`; a context manager. Leaving it by an exception removes the file.

    Errors of the encoding thread (a full disk, …) come out of the next `write`, or on leaving, as RenderError.
    """

    def __init__(self, path: Path, encoding: Encoding, width: int, height: int, fps: int) -> None:
        self.path, self.encoding, self.size, self.fps = path, encoding, (width, height), fps
        self.frames = 0
        self._error: BaseException | None = None
        self._queue: queue.Queue[tuple[Any, int] | None] = queue.Queue(MAX_FRAMES_IN_FLIGHT)
        self._abort = False
        self._thread = threading.Thread(target=self._run, name=f"encode {path.name}", daemon=True)
        self._thread.start()

    def write(self, pixels: np.ndarray, repeat: int = 1) -> None:
        """Take one picture, (height, width, 4) uint8 premultiplied RGBA, for `repeat` frames. It is not kept."""
        if self._error is not None:
            self._fail()
        self._queue.put((to_frame(pixels, self.encoding.pixel_format), repeat))
        self.frames += repeat

    def __enter__(self) -> Encoder:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._abort = kind is not None
        self._queue.put(None)
        self._thread.join()
        if kind is not None or self._error is not None:
            self.path.unlink(missing_ok=True)
        if kind is None and self._error is not None:
            self._fail()

    def _fail(self) -> None:
        raise RenderError(f"{self.path}: encoding with {self.encoding.codec} failed: {self._error}.") from self._error

    def _run(self) -> None:
        """The encoding thread: everything from the queue into the file; after an error, everything into nothing."""
        pictures = iter(self._queue.get, None)
        try:
            with av.open(str(self.path), "w", format=self.encoding.container) as out:
                stream = open_stream(out, self.encoding, *self.size, self.fps)
                self._encode(out, stream, pictures)
        except BaseException as error:
            self._error = error
            for _ in pictures:
                pass

    def _encode(self, out: Any, stream: Any, pictures: Iterator[tuple[Any, int]]) -> None:
        pts = 0
        for picture, repeat in pictures:
            frame = converted(picture, self.encoding.pixel_format)
            for _ in range(repeat):
                if self._abort:
                    break
                frame.pts, frame.time_base = pts, Fraction(1, self.fps)
                out.mux(stream.encode(frame))
                pts += 1
        if not self._abort:
            out.mux(stream.encode(None))


# ---- pixels ----------------------------------------------------------------------------------------------------------
def to_frame(pixels: np.ndarray, pixel_format: str) -> Any:
    """A frame of its own from the camera's buffer: yuv420p at once, else straight RGBA for swscale to convert."""
    height, width = pixels.shape[:2]
    if pixel_format == "yuv420p":
        frame = av.VideoFrame(width, height, "yuv420p")
        _yuv420p(pixels.view(np.uint32)[..., 0], *map(_plane, frame.planes))
        return frame
    frame = av.VideoFrame(width, height, "rgba")
    _straight(pixels, _plane(frame.planes[0]).reshape(height, -1, 4))
    return frame


def straight(pixels: np.ndarray) -> np.ndarray:
    """A copy of the camera's buffer, (height, width, 4) uint8, with the alpha divided out."""
    out = np.empty_like(pixels)
    _straight(pixels, out)
    return out


def converted(frame: Any, pixel_format: str) -> Any:
    """The frame in the encoder's pixel format, as BT.709 with the limited range that players expect."""
    if frame.format.name != pixel_format:
        exact = Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
        yuv = "yuv" in pixel_format or pixel_format == "nv12"
        frame = frame.reformat(
            format=pixel_format,
            interpolation=exact,
            threads=1,
            dst_colorspace=Colorspace.ITU709 if yuv else None,
            dst_color_range=ColorRange.MPEG if yuv else None,
        )
    if "yuv" in pixel_format:
        frame.colorspace, frame.color_range = Colorspace.ITU709, ColorRange.MPEG
    return frame


def _plane(plane: Any) -> np.ndarray:
    return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _yuv420p(rgba, y, u, v):
    """RGBA as (H, W) little-endian uint32 into the planes of yuv420p, BT.709 limited range, 16-bit fixed point.

    A tenth of the time swscale needs. Even sizes only; chroma is the mean of each 2 × 2 block. Two rows at a time, and
    32 bits throughout (numba would widen them), so that twice as many pixels go through the processor at once.
    """
    height, width = rgba.shape
    for j in range(height // 2):
        for k in (2 * j, 2 * j + 1):
            row, out = rgba[k], y[k]
            for i in range(width):
                c = row[i]
                r, g, b = I32(c & BYTE), I32((c >> U32(8)) & BYTE), I32((c >> U32(16)) & BYTE)
                light = I32(I32(11966) * r + I32(40254) * g) + I32(I32(4064) * b + I32((16 << 16) + (1 << 15)))
                out[i] = np.uint8(I32(light) >> I32(16))
        upper, lower, blue, red = rgba[2 * j], rgba[2 * j + 1], u[j], v[j]
        for i in range(width // 2):
            p, q, s, t = upper[2 * i], upper[2 * i + 1], lower[2 * i], lower[2 * i + 1]
            rb = U32((p & PAIR) + (q & PAIR) + (s & PAIR) + (t & PAIR))
            ga = ((p >> U32(8)) & PAIR) + ((q >> U32(8)) & PAIR) + ((s >> U32(8)) & PAIR) + ((t >> U32(8)) & PAIR)
            r, g, b = I32(rb & U32(0xFFFF)), I32(U32(ga) & U32(0xFFFF)), I32(rb >> U32(16))
            to_blue = I32(I32(-6596) * r - I32(22188) * g) + I32(I32(28784) * b + MIDDLE)
            to_red = I32(I32(28784) * r - I32(26145) * g) - I32(I32(2639) * b - MIDDLE)
            blue[i], red[i] = np.uint8(I32(to_blue) >> I32(18)), np.uint8(I32(to_red) >> I32(18))


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _straight(premultiplied, out):
    """Divide the alpha out of (H, W, 4) RGBA: half-transparent white is white, not grey; no dark fringes."""
    height, width, _ = premultiplied.shape
    for j in range(height):
        for i in range(width):
            a = nb.int32(premultiplied[j, i, 3])
            for k in range(3):
                c = nb.int32(premultiplied[j, i, k])
                if 0 < a < 255:
                    c = min((c * 255 + a // 2) // a, 255)
                out[j, i, k] = np.uint8(c)
            out[j, i, 3] = np.uint8(a)
