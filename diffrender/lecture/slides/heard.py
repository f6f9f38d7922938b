"""The video of an entry with what is heard with it, for slides: its last picture stands until the sound ends."""

from __future__ import annotations

from pathlib import Path

from diffrender.core import provenance
from diffrender.core.files import digest, file_digest
from diffrender.lecture.plan import Item, Plan
from diffrender.video.film.join import join_film
from diffrender.video.film.spec import FilmEntry, FilmSpec


def with_sound(plan: Plan, item: Item) -> tuple[Path, str]:
    """The video that is shown of an entry, and its key: the clip itself, or one with its narration in `acts/`."""
    narration = item.sounds.narration
    if narration is None:
        return item.video, item.key
    defaults = plan.lecture.defaults
    width, height, fps = defaults.settings().size()
    key = digest([item.key, file_digest(narration), width, height, fps, defaults.encode])
    out = plan.folder / "acts" / f"{item.name}-{key[:6]}.mp4"
    if provenance.key(out) != key:
        out.parent.mkdir(parents=True, exist_ok=True)
        spec = FilmSpec(
            out=out,
            pieces=[FilmEntry(file=item.video, narration=narration)],
            width=width,
            height=height,
            fps=fps,
            encode=defaults.encode,
            chapters=False,
            subtitles=False,
            metadata={"comment": provenance.comment({"key": key, "kind": "act", "clip": item.key})},
        )
        join_film(spec, lambda event: None)
    return out, key
