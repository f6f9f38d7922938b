"""Specs of films, posters and GIFs: plain objects for the functions that make them."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from diffrender.config.sections import Section
from diffrender.video.settings import Encode


class FilmEntry(Section):
    """One entry of a film: a video, and what goes with it."""

    file: Path
    chapter: str = ""
    caption: str = Field("", description="subtitle until the clip has one of its own")
    hold: float = Field(0.0, description="seconds for which the last frame stays")
    narration: Path | None = Field(None, description="sound that starts with it; the last frame stays until it ends")


class FilmSpec(Section):
    """Pieces in order, joined into `out`; beside it lie the subtitles."""

    out: Path
    pieces: list[FilmEntry]
    width: int
    height: int
    fps: int
    encode: Encode = "fast"
    crossfade: float = Field(0.0, description="seconds of dissolve between two pieces")
    chapters: bool = True
    subtitles: bool = True
    metadata: dict[str, str] = Field(default_factory=dict)


class PostersSpec(Section):
    """A poster of each video (as PNG, in the same order, or none), and all of them on one sheet."""

    videos: list[Path]
    posters: list[Path] = Field(default_factory=list)
    sheet: Path | None = None
    comment: str = ""


class GifSpec(Section):
    """A GIF of a finished video, made smaller until it has at most `max_mb` megabytes."""

    file: Path
    out: Path
    width: int
    fps: int
    max_mb: float
    loop: bool = False
    comment: str = ""
