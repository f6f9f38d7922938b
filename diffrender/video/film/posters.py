"""Posters of finished videos, all of them on one sheet, and their GIFs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from diffrender.core.errors import RenderError, reading
from diffrender.core.files import publish, replacing
from diffrender.video.contact_sheet import contact_sheet
from diffrender.video.convert import gif_of
from diffrender.video.encode.av_errors import av_errors
from diffrender.video.encode.container import probe
from diffrender.video.film.spec import GifSpec, PostersSpec
from diffrender.video.film.upright import upright_image

POSTER_TIME = 0.7  # of a clip: what it is about has come, and nothing has faded yet
COLUMNS = 4
TILE_PIXELS = 480  # along a tile's longer side
GAP = 12  # pixels between tiles


def pictures(spec: PostersSpec, progress: Callable[[dict[str, Any]], None]) -> None:
    """Write a poster of each video, then the sheet; each appears whole or not at all."""
    tiles = []
    for i, file in enumerate(spec.videos):
        progress({"stage": "posters", "done": i, "total": len(spec.videos)})
        with reading(file):
            picture = poster(file)
        if spec.posters:
            _save(picture, spec.posters[i], spec.comment)
        picture.thumbnail((TILE_PIXELS, TILE_PIXELS), Image.Resampling.LANCZOS)
        tiles.append(picture)
    if spec.sheet:
        _save(contact_sheet(tiles, columns=min(COLUMNS, len(tiles)), gap=GAP), spec.sheet, spec.comment)


def poster(file: Path, at: float = POSTER_TIME) -> Image.Image:
    """The picture at part `at` of a video, as it is to be shown, decoded from the key frame before it.

    Of a video that ends sooner than it says, the last one there is; RenderError if there is none.
    """
    frame = None
    for seeks in (True, False):  # some streams have no place to jump to
        with av_errors(file), av.open(str(file)) as source:
            stream = source.streams.video[0]
            stream.thread_type = "AUTO"
            length = stream.duration or int((source.duration or 0) / av.time_base / (stream.time_base or 1))
            time = (stream.start_time or 0) + int(length * at)
            if seeks:
                source.seek(time, stream=stream)
            for frame in source.decode(stream):
                if frame.pts is None or frame.pts >= time:
                    break
            if frame is not None:
                return upright_image(frame, stream, file)
    raise RenderError(f"{file}: not one frame of it can be decoded.", "Save or download it again.")


def _save(picture: Image.Image, out: Path, comment: str) -> None:
    text = PngInfo()
    text.add_text("comment", comment)
    with replacing(out) as file:
        picture.save(file, "PNG", pnginfo=text)


def gif(spec: GifSpec, progress: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Write the GIF of a video; returns the width and rate it got."""
    part = spec.out.with_name(f".{spec.out.stem}.part.gif")
    try:
        with reading(spec.file):
            width, fps, _ = gif_of(
                probe(spec.file),
                part,
                progress,
                width=spec.width,
                fps=spec.fps,
                max_mb=spec.max_mb,
                loop=spec.loop,
                comment=spec.comment,
            )
        publish(part, spec.out)
    finally:
        part.unlink(missing_ok=True)
    return {"width": width, "fps": fps}
