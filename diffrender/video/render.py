"""Rendering: a RenderSpec becomes a finished clip, still or contact sheet.

Scenes are drawn in processes of their own (`drawing/worker.py`), so this imports no Manim.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diffrender.core.files import publish
from diffrender.video.contact_sheet import GROUND, contact_sheet
from diffrender.video.drawing import segments
from diffrender.video.drawing.pool import drawing_pool
from diffrender.video.drawing.segments import Progress, count
from diffrender.video.drawing.work_folder import partial, read_info, work_folder
from diffrender.video.encode import container, settings as encoding
from diffrender.video.encode.gif import make_gif
from diffrender.video.film import sound, subtitles
from diffrender.video.spec import RenderSpec
from diffrender.video.voice.speech import cues_of

SHEET = (4, 3)  # columns and rows of a contact sheet
SHEET_GAP = 1 / 96  # of its width, round every picture


@dataclass(frozen=True)
class RenderResult:
    """What was made.

    width, height in pixels; fps as in the file; frames drawn for it; resumed: segments found finished from before.
    notes: what was done differently from what was asked, one sentence each. cpu_seconds: of each drawing process.
    """

    path: Path
    frames: int
    fps: int
    width: int
    height: int
    seconds: float
    notes: tuple[str, ...] = ()
    resumed: int = 0
    cpu_seconds: tuple[float, ...] = ()


def render(spec: RenderSpec, progress: Progress | None = None) -> RenderResult:
    """Make the clip, still or contact sheet that `spec` describes; `spec.out` changes only once it is complete.

    progress: called with {stage, done, total}; stages are count, draw (frames), then join, palette or picture.
    Raises RenderError (or another DiffrenderError that the scene raised) and leaves an earlier output as it was. On
    KeyboardInterrupt half-written files are removed; finished segments stay and are used by the same render again.
    """
    started = time.monotonic()
    report = progress or (lambda event: None)
    drawn_as, notes = as_drawn(spec)
    with work_folder(drawn_as) as work:
        make = _picture if spec.picture else _gif if spec.format == "gif" else _clip
        result = make(spec, drawn_as, work, report)
    result = {"fps": drawn_as.fps, "width": drawn_as.width, "height": drawn_as.height, **result}
    notes += result.pop("notes", ())
    return RenderResult(path=spec.out, seconds=time.monotonic() - started, notes=notes, **result)


def as_drawn(spec: RenderSpec) -> tuple[RenderSpec, tuple[str, ...]]:
    """The spec with the size and rate at which frames are really drawn, and what must be said about it."""
    width, height, fps = spec.width, spec.height, spec.fps
    if spec.picture:
        return spec, ()
    if spec.format == "gif":
        fps = min(fps, spec.gif_fps)
        if width > spec.gif_width:
            width, height = spec.gif_width, max(2, round(height * spec.gif_width / width))
    if encoding.for_spec(spec).even:
        width, height = width - width % 2, height - height % 2
    notes: tuple[str, ...] = ()
    if spec.format != "gif" and (width, height) != (spec.width, spec.height):
        notes = (f"{spec.width}×{spec.height} was rounded to {width}×{height}: {spec.format} wants even numbers.",)
    return spec.model_copy(update={"width": width, "height": height, "fps": fps}), notes


def check_encoder(spec: RenderSpec) -> None:
    """RenderError that names what would open, if the encoder that `spec` asks for does not open on this machine."""
    drawn, _ = as_drawn(spec)
    if not drawn.picture:
        encoding.check(encoding.for_spec(drawn), drawn.width, drawn.height, drawn.fps)


def _clip(spec: RenderSpec, drawn_as: RenderSpec, work: Path, progress: Progress) -> dict[str, Any]:
    drawn = segments.draw(drawn_as, work, progress)
    whole = partial(work / f"whole.{spec.format}")
    seconds, info = drawn.frames / drawn_as.fps, read_info(work)
    starts = {act: first / drawn_as.fps for act, first in info.get("said", {}).items()}
    heard = _sound(spec, starts, seconds, work) if starts else None
    _join(drawn.parts, whole, drawn_as.fps, progress, metadata(spec, work), heard)
    if captions := _captions(spec, starts, info.get("captions", [])):
        beside = partial(work / "whole.srt")
        beside.write_text(subtitles.as_srt(captions), "utf-8")
        publish(beside, spec.out.with_suffix(".srt"))
    publish(whole, spec.out)
    return {"frames": drawn.frames, "resumed": drawn.resumed, "cpu_seconds": tuple(drawn.cpu_seconds)}


def _sound(spec: RenderSpec, starts: dict[str, float], seconds: float, work: Path) -> Path:
    """The sound of a clip of so many seconds: what is heard in its acts, from when they begin."""
    order = sorted(starts, key=lambda act: starts[act])
    ends = [*(starts[act] for act in order[1:]), seconds]
    cues = [sound.Cue(spec.sounds[act], starts[act], end) for act, end in zip(order, ends, strict=True)]
    out = partial(work / "sound.mp4")
    sound.write(cues, seconds, out)
    return out


def _captions(spec: RenderSpec, starts: dict[str, float], own: list[subtitles.Cue]) -> list[subtitles.Cue]:
    """What is said in its acts, and the scene's own captions where nothing is said."""
    said = [(starts[act] + a, starts[act] + b, text) for act in starts for a, b, text in cues_of(spec.sounds[act])]
    return sorted([*said, *(cue for cue in own if not any(cue[0] < b and a < cue[1] for a, b, _ in said))])


def _gif(spec: RenderSpec, drawn_as: RenderSpec, work: Path, progress: Progress) -> dict[str, Any]:
    drawn = segments.draw(drawn_as, work, progress)
    whole, out = (partial(work / f"whole{suffix}") for suffix in (drawn.parts[0].suffix, ".gif"))
    _join(drawn.parts, whole, drawn_as.fps, progress)
    progress({"stage": "palette", "done": 0, "total": 1})
    comment = metadata(spec, work).get("comment", "")
    width, fps = make_gif(whole, out, max_mb=spec.max_mb, transparent=spec.transparent, comment=comment, loop=spec.loop)
    progress({"stage": "palette", "done": 1, "total": 1})
    publish(out, spec.out)
    notes: tuple[str, ...] = ()
    if (width, fps) != (drawn_as.width, drawn_as.fps):
        notes = (f"Made {width} pixels wide at {fps} frames a second to stay under {spec.max_mb:g} MB.",)
    height = round(drawn_as.height * width / drawn_as.width)
    return {
        "frames": drawn.frames,
        "fps": fps,
        "width": width,
        "height": height,
        "resumed": drawn.resumed,
        "notes": notes,
    }


def metadata(spec: RenderSpec, work: Path) -> dict[str, str]:
    """The spec's metadata; a comment that is a JSON object says too what the scene told when its frames were counted.

    That is how recorded time was `shown`, the `acts` as (first frame, name), the `rests` between them, and the
    `equations` as Typst source.
    """
    told = read_info(work).get("about")
    try:
        about = json.loads(spec.metadata.get("comment", "{}"))
    except ValueError:
        return spec.metadata
    if not told or not isinstance(about, dict):
        return spec.metadata
    return {**spec.metadata, "comment": json.dumps({**about, **told}, sort_keys=True, separators=(",", ":"))}


def _join(
    parts: list[Path],
    out: Path,
    fps: int,
    progress: Progress,
    tags: dict[str, str] | None = None,
    heard: Path | None = None,
) -> None:
    progress({"stage": "join", "done": 0, "total": 1})
    container.join(parts, out, fps, metadata=tags, sound=heard)
    progress({"stage": "join", "done": 1, "total": 1})


# ---- pictures --------------------------------------------------------------------------------------------------------
def _picture(spec: RenderSpec, drawn_as: RenderSpec, work: Path, progress: Progress) -> dict[str, Any]:
    """A still, the finished state, or a contact sheet, as PNG."""
    with drawing_pool(spec, work) as pool:
        if spec.still is None and not spec.contact_sheet:
            wanted = [0]
            pool.request(do="finished")
        else:
            total = count(pool, progress)
            wanted = sheet_frames(total) if spec.contact_sheet else [min(int(spec.still * total), total - 1)]  # type: ignore[operator]
            progress({"stage": "picture", "done": 0, "total": 1})
            pool.request(do="pictures", frames=wanted)
        files = [work / f"{i}.png" for i in range(len(wanted))]
        out = partial(work / "whole.png")
        width, height = _save(files, out, spec)
        progress({"stage": "picture", "done": 1, "total": 1})
    publish(out, spec.out)
    return {"frames": len(files), "width": width, "height": height}


def sheet_frames(total: int) -> list[int]:
    """The frames of a contact sheet: the middles of twelve equal parts (each frame once, if there are fewer)."""
    n = SHEET[0] * SHEET[1]
    return sorted({math.floor((i + 0.5) * total / n) for i in range(n)})


def _save(files: list[Path], out: Path, spec: RenderSpec) -> tuple[int, int]:
    """One PNG out of drawn ones, with the metadata as text; returns its size."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    text = PngInfo()
    for key, value in spec.metadata.items():
        text.add_text(key, value)
    pictures = [Image.open(file) for file in files]
    if spec.contact_sheet:
        image = _sheet(pictures, spec)
    else:
        image = pictures[0] if spec.transparent else pictures[0].convert("RGB")
    image.save(out, pnginfo=text)
    return image.size


def _sheet(pictures: list[Any], spec: RenderSpec) -> Any:
    """Pictures in rows, the whole about as wide as one of them."""
    from PIL import Image

    columns = SHEET[0] if spec.width >= spec.height else SHEET[0] + SHEET[1] - 1
    gap = max(2, round(spec.width * SHEET_GAP))
    width = max(16, (max(spec.width, spec.height) - gap) // columns - gap)
    height = max(1, round(width * spec.height / spec.width))
    mode, ground = ("RGBA", f"{GROUND}3f") if spec.transparent else ("RGB", GROUND)
    small = [picture.convert(mode).resize((width, height), Image.Resampling.LANCZOS) for picture in pictures]
    return contact_sheet(small, columns=columns, gap=gap, mode=mode, ground=ground)
