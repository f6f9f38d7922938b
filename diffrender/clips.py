"""From what a user asks of a clip (a scene, a config, a quality) to the job that makes it.

The command line, lecture files and the Python interface all come through `clip`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import jobs, library
from .errors import UsageError, suggest
from .jobs import OUTPUTS, Job
from .library import Overrides
from .spec import FORMATS, QUALITIES, THEMES, RenderSpec

ASPECTS = ("16:9", "9:16", "1:1")


def clip(
    scene: str,
    *,
    config: str = "",
    sets: Overrides | None = None,
    options: Mapping[str, Any] | None = None,
    trajectories: Sequence[str] = (),
    out: Path | None = None,
    quality: str = "h",
    resolution: str = "",
    aspect: str = "16:9",
    fps: int | None = None,
    format: str = "",
    transparent: bool = False,
    theme: str = "dark",
    still: float | None = None,
    contact_sheet: bool = False,
    outputs: Path = OUTPUTS,
    device: str = "auto",
    **more: Any,
) -> Job:
    """The render job of one clip, with the training and sampling it needs.

    scene: a name, `file.py` or `file.py:Class`. config: a name, file or drawing; the scene's own if empty.
    sets: config overrides. options: the scene's. trajectories: `[name=]file.npz` made elsewhere.
    quality, resolution ("W,H"), aspect, fps: as on the command line.
    more: further fields of RenderSpec (encode, codec, workers, gif_width, seed, metadata …).
    Raises UsageError or ConfigError that names what is wrong.
    """
    card = library.find_scene(scene)
    if theme not in THEMES:
        raise UsageError(f"Unknown theme '{theme}'.", suggest(theme, THEMES))
    library.check_options(card, options or {})
    picture = still is not None or contact_sheet
    format = _format(out, format, transparent, picture)
    width, height, rate = frame(quality, resolution, aspect, fps)
    given = jobs.named_files(list(trajectories), card)
    wanted = {name for name in card.needs if name not in given}
    needs = jobs.recordings(card, config, sets, only=wanted, outputs=outputs, device=device)
    folder = next(iter(needs.values())).out.parent if needs else outputs / card.name
    variant = [aspect.replace(":", "x")] * (aspect != "16:9") + [theme] * (theme != "dark")
    variant += ["sheet"] * contact_sheet + ([f"{still:g}"] if still is not None else [])
    out = out or folder / f"{'-'.join([card.name, *variant])}.{format}"
    spec = RenderSpec.of(
        scene=card.file,
        scene_class=card.class_name,
        trajectories=given,
        options=dict(options or {}),
        out=out.absolute(),
        format=format,
        width=width,
        height=height,
        fps=rate,
        theme=theme,
        transparent=transparent,
        still=still,
        contact_sheet=contact_sheet,
        **{key: value for key, value in more.items() if value is not None},
    )
    return jobs.render(card, spec, needs)


def frame(quality: str, resolution: str, aspect: str, fps: int | None) -> tuple[int, int, int]:
    """(width, height, fps): the quality's, turned or cropped to the aspect; an explicit resolution goes over both."""
    if quality not in QUALITIES:
        raise UsageError(f"--quality {quality}: no such quality.", suggest(quality, QUALITIES))
    if aspect not in ASPECTS:
        raise UsageError(f"--aspect {aspect}: no such shape.", suggest(aspect, ASPECTS))
    long, short, rate = QUALITIES[quality]
    width, height = {"16:9": (long, short), "9:16": (short, long), "1:1": (short, short)}[aspect]
    if resolution:
        try:
            width, height = (int(part) for part in resolution.lower().replace("x", ",").split(","))
        except ValueError:
            raise UsageError(f"--resolution {resolution}: not of the form W,H.", "Example: -r 1280,720") from None
    return width, height, fps or rate


def _format(out: Path | None, format: str, transparent: bool, picture: bool) -> str:
    if out is not None and not format:
        format = out.suffix.lower().removeprefix(".")
        if format not in FORMATS:
            raise UsageError(
                f"--out {out}: '{out.suffix}' is not a format that diffrender writes.", suggest(format, FORMATS)
            )
    if format and format not in FORMATS:
        raise UsageError(f"--format {format}: no such format.", suggest(format, FORMATS))
    return format or ("png" if picture else "mov" if transparent else "mp4")
