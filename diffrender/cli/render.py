"""`diffrender render`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .common import (
    Device,
    Force,
    Json,
    Outputs,
    Seed,
    Set,
    check_device,
    command,
    complete_configs,
    complete_scenes,
    made,
    say,
    seeded,
    writable,
)

ASPECTS = ("16:9", "9:16", "1:1")


@command
def render(
    scene: Annotated[
        str,
        typer.Argument(
            metavar="SCENE",
            help="A name from 'diffrender list scenes', or my.py:MyScene.",
            autocompletion=complete_scenes,
        ),
    ],
    config: Annotated[
        str,
        typer.Option(
            "--config",
            "-c",
            help="A config's name, a YAML file, or a drawing.",
            show_default="the scene's own",
            autocompletion=complete_configs,
        ),
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="The file to write (.mp4, .gif, .webm, .mov, .png).",
            show_default="outputs/CONFIG/SCENE.mp4",
        ),
    ] = None,
    quality: Annotated[
        str, typer.Option("--quality", "-q", metavar="l|m|h|p|k", help="480p15, 720p30, 1080p60, 1440p60, 2160p60.")
    ] = "h",
    resolution: Annotated[
        str, typer.Option("--resolution", "-r", metavar="W,H", help="Width and height in pixels.")
    ] = "",
    aspect: Annotated[
        str, typer.Option("--aspect", "-a", metavar="|".join(ASPECTS), help="Shape of the frame.")
    ] = "16:9",
    fps: Annotated[int | None, typer.Option("--fps", "--frame_rate", min=1, max=240, help="Frames a second.")] = None,
    format_: Annotated[
        str, typer.Option("--format", metavar="mp4|gif|webm|mov|png", help="What to write, if --out does not say.")
    ] = "",
    transparent: Annotated[
        bool, typer.Option("--transparent", "-t", help="No background (mov, webm, gif, png).")
    ] = False,
    theme: Annotated[str, typer.Option("--theme", help="A name from 'diffrender list themes'.")] = "dark",
    preview: Annotated[bool, typer.Option("--preview", "-p", help="Open what was made.")] = False,
    last_frame: Annotated[
        bool, typer.Option("--save_last_frame", "--save-last-frame", "-s", help="Write the last frame as PNG.")
    ] = False,
    still: Annotated[
        float | None,
        typer.Option("--still", min=0, max=1, metavar="0…1", help="Write the frame at this part of the clip as PNG."),
    ] = None,
    contact_sheet: Annotated[bool, typer.Option("--contact-sheet", help="Write twelve frames on one PNG.")] = False,
    seed: Seed = None,
    sampler: Annotated[str | None, typer.Option("--sampler", "-S", help="Another sampler than the config's.")] = None,
    steps: Annotated[int | None, typer.Option("--steps", "-k", help="Sampling steps.")] = None,
    chains: Annotated[int | None, typer.Option("--chains", "-n", help="How many chains.")] = None,
    sets: Set = [],  # noqa: B006
    options: Annotated[
        list[str],
        typer.Option(
            "--option",
            "-O",
            metavar="NAME=VALUE",
            help="An option of the scene ('diffrender list scenes' names them). Repeatable.",
        ),
    ] = [],  # noqa: B006
    trajectory: Annotated[
        list[str],
        typer.Option("--trajectory", "-T", metavar="[NAME=]FILE", help="Draw this recording instead of making one."),
    ] = [],  # noqa: B006
    encode: Annotated[
        str, typer.Option("--encode", metavar="draft|fast|small", help="Soon, good and soon, or the smallest file.")
    ] = "fast",
    codec: Annotated[str | None, typer.Option("--codec", help="An encoder by name, e.g. h264_nvenc.")] = None,
    workers: Annotated[
        int,
        typer.Option(
            "--workers", "-w", min=1, max=256, help="Processes that draw; the file is the same for any number."
        ),
    ] = 1,
    gif_width: Annotated[int | None, typer.Option("--gif-width", help="Widest a GIF gets.", show_default="720")] = None,
    gif_fps: Annotated[
        int | None, typer.Option("--gif-fps", help="Frames a second of a GIF.", show_default="15")
    ] = None,
    max_mb: Annotated[
        float | None, typer.Option("--max-mb", help="Make a GIF smaller until it has at most so many megabytes.")
    ] = None,
    device: Device = "auto",
    force: Force = False,
    outputs: Outputs = Path("outputs"),
    as_json: Json = False,
) -> None:
    """Make a video; trains and samples what it needs, and reuses what is up to date.

    Examples:  diffrender render langevin --out video.mp4   ·   diffrender render denoise --config dino -q l -p
    """
    from .. import jobs, library
    from ..spec import RenderSpec

    card = library.find_scene(scene)
    format_ = _format(out, format_, transparent, picture=last_frame or still is not None or contact_sheet)
    width, height, rate = size(quality, resolution, aspect, fps)
    given = jobs.named_files(trajectory, card)
    pairs = seeded(sets, seed=seed, kind=sampler, steps=steps, chains=chains)
    wanted = {name: need for name, need in card.needs.items() if name not in given}
    needs = jobs.recordings(card, config, pairs, only=set(wanted), outputs=outputs, device=check_device(device))
    folder = next(iter(needs.values())).out.parent if needs else outputs / card.name
    suffix = {True: "-sheet"}.get(contact_sheet, "")
    out = out or folder / f"{card.name}{suffix}.{format_}"
    spec = RenderSpec.of(
        scene=card.file,
        scene_class=card.class_name,
        trajectories=given,
        options=dict(_option(text) for text in options),
        out=out.absolute(),
        format=format_,
        width=width,
        height=height,
        fps=rate,
        theme=_theme(theme),
        transparent=transparent,
        encode=encode,
        codec=codec,
        workers=workers,
        still=1.0 if last_frame else still,
        contact_sheet=contact_sheet,
        **{
            k: v
            for k, v in {"gif_width": gif_width, "gif_fps": gif_fps, "max_mb": max_mb, "seed": seed}.items()
            if v is not None
        },
    )
    job = jobs.render(card, spec, needs)
    writable(job.out.parent)
    from .progress import bring_up_to_date

    told = bring_up_to_date(job, force)
    if told["reused"]:
        say(f"{out} is up to date; --force renders again.")
    made(out, as_json, **told)
    if preview:
        typer.launch(str(out))


def size(quality: str, resolution: str, aspect: str, fps: int | None) -> tuple[int, int, int]:
    """(width, height, fps) from Manim's flags; the aspect turns or crops the quality's 16:9."""
    from ..errors import UsageError, suggest
    from ..spec import QUALITIES

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


def _format(out: Path | None, format_: str, transparent: bool, *, picture: bool) -> str:
    from ..errors import UsageError, suggest
    from ..spec import FORMATS

    if out is not None and not format_:
        format_ = out.suffix.lower().removeprefix(".")
        if format_ not in FORMATS:
            raise UsageError(
                f"--out {out}: '{out.suffix}' is not a format that diffrender writes.", suggest(format_, FORMATS)
            )
    if format_ and format_ not in FORMATS:
        raise UsageError(f"--format {format_}: no such format.", suggest(format_, FORMATS))
    return format_ or ("png" if picture else "mov" if transparent else "mp4")


def _theme(name: str) -> str:
    from ..errors import UsageError, suggest
    from ..spec import THEMES

    if name not in THEMES:
        raise UsageError(f"Unknown theme '{name}'.", suggest(name, THEMES))
    return name


def _option(text: str) -> tuple[str, Any]:
    from ..config import parse_set
    from ..errors import UsageError

    path, value = parse_set(text)
    if len(path) != 1:
        raise UsageError(f"--option {text}: not of the form name=value.", "Config keys are set with --set.")
    return path[0], value
