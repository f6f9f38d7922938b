"""From what a user asks of a clip (a scene, a config, a quality) to the job that makes it.

The command line, lecture files and the Python interface all come through `clip`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from diffrender.config.declarations import Training
from diffrender.config.overrides import Overrides
from diffrender.config.scene_card import SceneCard, check_options, find_scene
from diffrender.core import provenance
from diffrender.core.errors import UsageError, suggest
from diffrender.core.files import digest, file_digest
from diffrender.jobs.job import Job
from diffrender.jobs.plan.subject import OUTPUTS, Subject
from diffrender.video.spec import FORMATS, QUALITIES, THEMES, RenderSpec

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
    card = find_scene(scene)
    if theme not in THEMES:
        raise UsageError(f"Unknown theme '{theme}'.", suggest(theme, THEMES))
    check_options(card, options or {})
    picture = still is not None or contact_sheet
    format = _format(out, format, transparent, picture)
    width, height, rate = frame(quality, resolution, aspect, fps)
    given = named_files(list(trajectories), card)
    wanted = {name for name in card.needs if name not in given}
    needs = recordings(card, config, sets, only=wanted, outputs=outputs, device=device)
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
    return render_job(card, spec, needs)


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


def recordings(
    card: SceneCard,
    config: str = "",
    sets: Overrides | None = None,
    *,
    only: set[str] | None = None,
    outputs: Path = OUTPUTS,
    device: str = "auto",
) -> dict[str, Job]:
    """The jobs that make what a scene needs (or `only` some of it), by the names the scene gives them."""
    found: dict[str, Job] = {}
    for name, need in card.needs.items():
        if only is not None and name not in only:
            continue
        chosen = need.config or config or card.default_config
        if not chosen:
            raise UsageError(
                f"{card.file}: {card.class_name} needs the recording '{name}' but names no default_config.",
                "Give one with --config.",
            )
        defaults, fixed = (
            [(key.split("."), value) for key, value in some.items()] for some in (need.overrides, need.fixed)
        )
        subject = Subject.of(chosen, sets, outputs).for_scene(defaults, fixed)
        training = isinstance(need, Training)
        found[name] = subject.train(device=device) if training else subject.sample(device=device, kind=need.kind)
    return found


def recorded_file(job: Job) -> Path:
    """The recording that a job leaves: of a training run, the one beside the weights."""
    return job.also[0] if job.kind == "train" else job.out


def render_job(card: SceneCard, spec: RenderSpec, needs: Mapping[str, Job], *, title: str = "") -> Job:
    """The job that draws a clip from recordings.

    needs: jobs by recording's name; recordings already in `spec.trajectories` (made elsewhere) are keyed by their
    bytes.
    """
    paths = {name: recorded_file(job) for name, job in needs.items()}
    spec = spec.model_copy(update={"trajectories": {**paths, **spec.trajectories}})
    settings = spec.model_dump(mode="json", exclude={"scene", "trajectories", "out", "workers", "metadata"})
    key = digest(
        {
            "scene": file_digest(card.file),
            "class": card.class_name,
            "settings": settings,
            "metadata": dict(spec.metadata),
            "upstream": {name: job.key for name, job in needs.items()},
            "files": {name: file_digest(path) for name, path in spec.trajectories.items() if name not in needs},
            "versions": provenance.versions("manim"),
        }
    )
    origin = {
        "key": key,
        "kind": "video",
        "scene": f"{card.name}:{card.class_name}",
        "seed": spec.seed,
        "settings": settings,
        "upstream": {n: j.key for n, j in needs.items()},
        "versions": provenance.versions("manim"),
    }
    metadata = {
        **spec.metadata,
        "title": spec.metadata.get("title", title or card.name),
        "comment": provenance.comment(origin),
    }
    spec = spec.model_copy(update={"metadata": metadata})
    unique = tuple({job.out: job for job in needs.values()}.values())
    return Job("render", f"render {card.name}", spec.out, key, spec.model_dump(mode="json"), unique)


def named_files(texts: list[str], card: SceneCard) -> dict[str, Path]:
    """`name=file` pairs; a lone `file` goes to the scene's first recording."""
    found: dict[str, Path] = {}
    for text in texts:
        name, equals, file = text.partition("=")
        if not equals or Path(text).is_file():
            name, file = next(iter(card.needs), "main"), text
        if card.needs and name not in card.needs:
            raise UsageError(
                f"--trajectory {text}: {card.class_name} has no recording called '{name}'.",
                f"It needs: {', '.join(card.needs)}.",
            )
        path = Path(file).expanduser()
        if not path.is_file():
            raise UsageError(
                f"--trajectory {file}: no such file.",
                "Record one with 'diffrender sample', or see docs/trajectory-format.md.",
            )
        found[name] = path.resolve()
    return found
