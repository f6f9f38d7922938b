"""A clip that is there in another format: what is made of it need not be drawn again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from diffrender.core import provenance
from diffrender.jobs.job import Job, content_key
from diffrender.video.spec import RenderSpec

SOURCES: dict[str, tuple[str, ...]] = {  # format → those of which it can be made; all hold H.264 that is rather good
    "gif": ("mp4", "mov"),
    "webm": ("mp4", "mov"),
    "mov": ("mp4",),
    "mp4": ("mov",),
}
MAX_LOOKED_AT = 50  # files of a folder
FORMAT_ALONE = ("gif_width", "gif_fps", "max_mb", "loop")  # settings that change no frame of a video


def of_another_format(job: Job) -> Job:
    """The job that makes the output of the render job `job` from a clip that shows the same, frame by frame.

    `job` itself if it is up to date, or if there is no such clip beside its output: one whose key says that it was made
    with the same settings but the format. Transparent clips and those of an encoder of the user's own are drawn.
    """
    settings = job.settings
    drawn = settings["transparent"] or settings["codec"] or settings["still"] is not None or settings["contact_sheet"]
    if drawn or job.up_to_date():
        return job
    for ending in SOURCES.get(settings["format"], ()):
        twin = _as_video(settings, ending)
        key = content_key("render", twin, job.contents)
        for file in _beside(job.out, ending):
            if provenance.key(file) == key:
                return Job("convert", f"{job.name} from {file.name}", job.out, {**settings}, {"video": file})
    return job


def _as_video(settings: Any, ending: str) -> dict[str, Any]:
    """The settings of the same clip as a video: what is asked of a GIF alone is as if it had not been."""
    usual = {name: RenderSpec.model_fields[name].default for name in FORMAT_ALONE}
    return {**settings, **usual, "format": ending}


def _beside(out: Path, ending: str) -> Iterator[Path]:
    """Files in the folder of `out`, the one of the same name first, then the newest."""
    first = out.with_suffix(f".{ending}")
    others = sorted(set(out.parent.glob(f"*.{ending}")) - {first}, key=lambda file: file.stat().st_mtime, reverse=True)
    yield from [first, *others[:MAX_LOOKED_AT]]
