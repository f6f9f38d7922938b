"""Files that a lecture brings along, looked at before any work begins: its videos, sounds and words."""

from __future__ import annotations

from pathlib import Path

from diffrender.core import limited_process
from diffrender.core.errors import RenderError
from diffrender.core.notes import note


def check_video(file: Path, *, stands: bool = True) -> None:
    """Refuse a video that cannot be read to its end, or a single picture that nothing lets stand; say what is odd."""
    found, _ = limited_process.call("diffrender.video.film.sources:inspect_video", str(file), path=str(file))
    if found["picture"] and not stands:
        raise RenderError(f"{file}: a single picture, no video, and it says not how long it stands.", "Add: hold: 5")
    for line in found["notes"]:
        note(line)


def check_sound(file: Path) -> None:
    """Refuse a sound file that cannot be read."""
    limited_process.call("diffrender.video.film.sources:inspect_sound", str(file), path=str(file))
