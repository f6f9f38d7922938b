"""A slide is an entry of a lecture with the frames at which it waits: the ends of its acts.

It waits on the first frame of the act that comes: a motion's own last frame is short of its end, and that end is what
stands where the next motion begins.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from diffrender.core import provenance
from diffrender.lecture.file import Clip, Defaults, Lecture
from diffrender.lecture.plan import Item, Plan
from diffrender.video.encode.container import probe


@dataclass(frozen=True)
class Slide:
    """An entry as it is presented.

    poster: a picture of it, if there is one. key: of its video. size: (width, height) in pixels. stops: of each act
    how many frames have been shown when it is over; the last is the number of frames. acts: their names, as many.
    equations: as Typst source. command: what makes the clip; empty for what is no clip.
    """

    name: str
    title: str
    caption: str
    notes: str
    video: Path
    poster: Path | None
    key: str
    size: tuple[int, int]
    fps: Fraction
    stops: tuple[int, ...]
    acts: tuple[str, ...]
    equations: tuple[str, ...] = ()
    command: str = ""


def slides_of(plan: Plan) -> list[Slide]:
    """The slides of a lecture whose clips are made, in the order of its film."""
    return [_slide(plan, item) for item in plan.items]


def _slide(plan: Plan, item: Item) -> Slide:
    video, about, entry = probe(item.video), provenance.read(item.video) or {}, item.entry
    acts = _acts(about.get("acts"), video.frames)
    poster = plan.poster(item)
    return Slide(
        name=item.name,
        title=entry.chapter,
        caption=entry.caption,
        notes=entry.notes,
        video=item.video,
        poster=poster if poster.is_file() else None,
        key=item.key,
        size=(video.width, video.height),
        fps=video.fps,
        stops=tuple([first + 1 for first, _ in acts[1:]] + [video.frames]),
        acts=tuple(name for _, name in acts),
        equations=tuple(str(source) for source in about.get("equations", ())),
        command=command(plan.lecture, entry) if isinstance(entry, Clip) else "",
    )


def _acts(told: Any, frames: int) -> list[tuple[int, str]]:
    """(first frame, name) of each act; of a video that says nothing of acts, one."""
    try:
        found = [(int(first), str(name)) for first, name in told or ()]
    except (TypeError, ValueError):
        found = []
    inside = [(first, name) for first, name in found if 0 < first < frames - 1]
    return [(0, found[0][1] if found and found[0][0] == 0 else ""), *inside]


# ---- the command that makes a clip -----------------------------------------------------------------------------------
FLAGS = ("quality", "aspect", "fps", "resolution", "encode")  # of `defaults`, as flags of `diffrender render`


def command(lecture: Lecture, entry: Clip) -> str:
    """The line for a shell that makes the same clip alone."""
    words = ["diffrender", "render", entry.scene, *(["--config", entry.config] if entry.config else [])]
    seed = {} if lecture.defaults.seed is None else {"sampler.seed": lecture.defaults.seed}
    words += _pairs("--set", {**seed, **entry.overrides}) + _pairs("-O", entry.options)
    usual = Defaults()
    for name in FLAGS:
        if (value := getattr(lecture.defaults, name)) != getattr(usual, name):
            words += [f"--{name}", str(value)]
    theme = lecture.defaults.theme
    if theme != usual.theme:
        words += ["--theme", theme if isinstance(theme, str) else f"{theme.name}.yaml"]
    return shlex.join(words)


def _pairs(flag: str, values: dict[str, Any]) -> list[str]:
    """`flag key=value` for each value, written so that YAML reads it as it is."""
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
    return [word for key, text in texts.items() for word in (flag, f"{key}={text}")]
