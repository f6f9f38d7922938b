"""GIFs of finished clips, made by the ffmpeg program: all use of ffmpeg-python is here."""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ffmpeg

from diffrender.core.errors import MissingToolError, RenderError
from diffrender.video.encode.container import VideoInfo, probe

MIN_WIDTH = 160  # pixels; below that nothing in a clip can be read
MAX_ATTEMPTS = 7  # at becoming small enough
MAX_COMMENT_BYTES = 60_000
PALETTE_FRAMES = 300  # evenly chosen, of which a palette is made: those of 20 s, and their colours are the clip's
LOOP_SECONDS = 0.8  # of dissolving into the first frame, and no more than
LOOP_PART = 0.25  # of a clip


# ---- the ffmpeg program ----------------------------------------------------------------------------------------------
@functools.cache
def ffmpeg_program() -> str:
    """The ffmpeg on PATH, else the one that imageio-ffmpeg brings."""
    found = shutil.which("ffmpeg")
    if found:
        return found
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        raise MissingToolError(
            "No ffmpeg: GIFs and what is done to finished videos need it.", "Run: pip install imageio-ffmpeg"
        ) from None


def _run(graph: Any) -> None:
    """Run a graph of ffmpeg-python's to its end; the program does not outlive an interruption."""
    process = graph.overwrite_output().run_async(cmd=ffmpeg_program(), pipe_stderr=True)
    try:
        _, errors = process.communicate()
    except BaseException:
        process.kill()
        process.wait()
        raise
    if process.returncode:
        last = errors.decode(errors="replace").strip().splitlines()[-1:]
        raise RenderError(f"ffmpeg failed: {' '.join(last) or 'no message'}.")


# ---- GIF -------------------------------------------------------------------------------------------------------------
def make_gif(
    clip: Path,
    out: Path,
    *,
    max_mb: float | None = None,
    transparent: bool = False,
    comment: str = "",
    loop: bool = False,
) -> tuple[int, int]:
    """A GIF of a lossless clip that repeats; returns the width and rate it got, those of the clip if it may.

    loop: its end dissolves into its first frame, so that it repeats without a jump; it is no longer for that.
    Two passes, a palette made for the clip and then the pictures, each holding one frame at a time. With `max_mb` it is
    made narrower, then slower, until it is at most that large; RenderError if it cannot be.
    """
    source = probe(clip)
    palette = out.with_suffix(".palette.png")
    try:
        for tried in _smaller_and_smaller((source.width, round(source.fps)), out, max_mb):
            _two_passes(source, palette, out, *tried, transparent, loop)
            if comment:
                _add_comment(out, comment)
            if max_mb is None or out.stat().st_size <= max_mb * 1e6:
                return tried
    finally:
        palette.unlink(missing_ok=True)
    size = out.stat().st_size / 1e6
    out.unlink()
    raise RenderError(
        f"The GIF takes {size:.1f} MB at the smallest, not {max_mb:g}.", "Make the clip shorter, or render an mp4."
    )


def _smaller_and_smaller(most: tuple[int, int], out: Path, max_mb: float | None) -> Iterator[tuple[int, int]]:
    """(width, fps) to try, from `most` on, each guessed from how large `out` became at the one before."""
    width, fps = most
    yield width, fps
    for _ in range(MAX_ATTEMPTS):
        too_large = out.stat().st_size / (max_mb or 1) / 1e6
        if width > MIN_WIDTH:
            # the size goes with the area, a little slower
            width = max(MIN_WIDTH, int(width * min(0.95, too_large**-0.55)) // 2 * 2)
        elif fps > 5:
            fps = max(5, int(fps / min(too_large, 2)))
        else:
            return
        yield width, fps


def _two_passes(
    source: VideoInfo, palette: Path, out: Path, width: int, fps: int, transparent: bool, loop: bool
) -> None:
    """loop: whether the clip's end dissolves into its first frame."""

    def scaled() -> Any:
        pictures = ffmpeg.input(str(source.path)).filter("fps", fps=fps).filter("scale", width, -1, flags="area")
        return _looped(pictures, source.seconds, fps) if loop else pictures

    chosen = scaled().filter("framestep", max(1, int(source.seconds * fps) // PALETTE_FRAMES))
    _run(chosen.filter("palettegen", stats_mode="full", reserve_transparent=int(transparent)).output(str(palette)))
    pictures = ffmpeg.filter(
        [scaled(), ffmpeg.input(str(palette))],
        "paletteuse",
        dither="bayer",
        bayer_scale=4,
        diff_mode="rectangle",
        alpha_threshold=128,
    )
    _run(pictures.output(str(out), loop=0))


def _looped(pictures: Any, seconds: float, fps: int) -> Any:
    """The pictures with their end dissolving into the first of them, which is the last one too."""
    total = int(seconds * fps)
    frames = min(total - 1, max(2, round(min(LOOP_SECONDS, LOOP_PART * seconds) * fps)))
    both = pictures.filter_multi_output("split")
    first = both[1].filter("trim", end_frame=1).filter("loop", loop=frames, size=1).filter("setpts", f"N/{fps}/TB")
    offset, duration = (total - frames) / fps, (frames - 1) / fps
    joined = ffmpeg.filter([both[0], first], "xfade", transition="fade", duration=duration, offset=offset)
    return joined.filter("trim", end_frame=total)


def _add_comment(path: Path, text: str) -> None:
    """Put a comment extension behind a GIF's header and global colour table (GIF89a, section 24)."""
    data = text.encode("ascii", "replace")
    if len(data) > MAX_COMMENT_BYTES:
        raise RenderError(f"{path}: a comment of {len(data):,} bytes is too long for a GIF.")
    blocks = b"".join(bytes([len(part)]) + part for part in (data[i : i + 255] for i in range(0, len(data), 255)))
    whole = path.with_suffix(".commented")
    with path.open("rb") as source, whole.open("wb") as target:
        head = source.read(13)
        table = 3 * 2 ** ((head[10] & 7) + 1) if head[10] & 0x80 else 0
        target.write(head + source.read(table) + b"\x21\xfe" + blocks + b"\x00")
        shutil.copyfileobj(source, target)
    os.replace(whole, path)
