"""A slide is an entry of a lecture with the frames at which it waits: the ends of its acts.

It waits on the first frame of the act that comes: a motion's own last frame is short of its end, and that end is what
stands where the next motion begins. Where there is a rest between two acts, it waits there and goes on with the act
that follows. What is heard with an entry is in its video.
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
from diffrender.lecture.slides.heard import with_sound
from diffrender.video.encode.container import probe


@dataclass(frozen=True)
class Slide:
    """An entry as it is presented.

    poster: a picture of it, if there is one. key: of its video. size: (width, height) in pixels. begins: of each act
    its first frame; stops: how many frames have been shown when it is over, the last of them the number of frames.
    acts: their names, as many.
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
    begins: tuple[int, ...]
    stops: tuple[int, ...]
    acts: tuple[str, ...]
    equations: tuple[str, ...] = ()
    command: str = ""


def slides_of(plan: Plan) -> list[Slide]:
    """The slides of a lecture whose clips are made, in the order of its film."""
    return [_slide(plan, item) for item in plan.items]


def _slide(plan: Plan, item: Item) -> Slide:
    file, key = with_sound(plan, item)
    video, about, entry = probe(file), provenance.read(item.video) or {}, item.entry
    acts = _acts(about.get("acts"), about.get("rests"), probe(item.video).frames)
    poster = plan.poster(item)
    return Slide(
        name=item.name,
        title=entry.chapter,
        caption=entry.caption,
        notes=entry.notes,
        video=file,
        poster=poster if poster.is_file() else None,
        key=key,
        size=(video.width, video.height),
        fps=video.fps,
        begins=tuple(act.begin for act in acts),
        stops=tuple([act.waits_at + 1 for act in acts[1:]] + [video.frames]),
        acts=tuple(act.name for act in acts),
        equations=tuple(str(source) for source in about.get("equations", ())),
        command=command(plan.lecture, entry) if isinstance(entry, Clip) else "",
    )


@dataclass(frozen=True)
class _Act:
    """An act: its name, the frame that stands before it, and that with which it begins."""

    name: str
    waits_at: int
    begin: int


def _acts(told: Any, rests: Any, frames: int) -> list[_Act]:
    """The acts of a video of so many frames, as it tells them; of one that says nothing of acts, one."""
    try:
        found = [(int(first), str(name)) for first, name in told or ()]
        stands = [int(frame) for frame in rests or ()]
    except (TypeError, ValueError):
        found, stands = [], []
    known = len(stands) == len(found) - 1
    acts = [
        _Act(name, stands[k - 1], first) if known and 0 < stands[k - 1] < first else _Act(name, first, first + 1)
        for k, (first, name) in enumerate(found)
        if 0 < first < frames - 1
    ]
    return [_Act(found[0][1] if found and found[0][0] == 0 else "", 0, 0), *acts]


# ---- the command that makes a clip -----------------------------------------------------------------------------------
FLAGS = (
    "quality",
    "aspect",
    "fps",
    "resolution",
    "encode",
    "author",
    "logo",
    "font_size",
)  # of `defaults`, as flags of `diffrender render`


def command(lecture: Lecture, entry: Clip) -> str:
    """The line for a shell that makes the same clip alone."""
    words = ["diffrender", "render", entry.scene, *(["--config", entry.config] if entry.config else [])]
    seed = {} if lecture.defaults.seed is None else {"sampler.seed": lecture.defaults.seed}
    words += _pairs("--set", {**seed, **entry.overrides}) + _pairs("-O", entry.options)
    usual = Defaults()
    for name in FLAGS:
        if (value := getattr(lecture.defaults, name)) != getattr(usual, name):
            words += [f"--{name.replace('_', '-')}", str(value)]
    theme = lecture.defaults.theme
    if theme != usual.theme:
        words += ["--theme", theme if isinstance(theme, str) else f"{theme.name}.yaml"]
    return shlex.join(words)


def _pairs(flag: str, values: dict[str, Any]) -> list[str]:
    """`flag key=value` for each value, written so that YAML reads it as it is."""
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
    return [word for key, text in texts.items() for word in (flag, f"{key}={text}")]
