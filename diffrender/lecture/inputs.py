"""Files that a lecture brings along, looked at before any work begins: its videos, sounds and words."""

from __future__ import annotations

from pathlib import Path

from diffrender.core import limited_process


def check_video(file: Path) -> None:
    """Refuse a video that cannot be read to its end."""
    limited_process.call("diffrender.video.film.sources:inspect_video", str(file), path=str(file))


def check_sound(file: Path) -> None:
    """Refuse a sound file that cannot be read."""
    limited_process.call("diffrender.video.film.sources:inspect_sound", str(file), path=str(file))
