"""`diffrender render`: a scene as a video or picture, with what it needs."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Annotated

import typer

from diffrender.cli.completion import complete_options, complete_scenes
from diffrender.cli.flags import (
    Aspect,
    Chains,
    Classes,
    ClipConfig,
    DataDir,
    Device,
    DryRun,
    Force,
    Json,
    Lang,
    Outputs,
    Parents,
    Sampler,
    Seed,
    Set,
    Steps,
    Theme,
    Trust,
)
from diffrender.cli.messages import command, print_output, say
from diffrender.cli.places import file_for, writable
from diffrender.cli.settings import as_sampled, check_device, cores, overrides_from_flags, parse_option, trusting


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
    recordings: Annotated[
        list[str],
        typer.Argument(
            metavar="[RECORDING.npz]...",
            help="Draw this recording instead of making one; of a scene that shows several, these.",
            show_default=False,
        ),
    ] = [],  # noqa: B006
    config: ClipConfig = "",
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
    aspect: Aspect = "16:9",
    fps: Annotated[int | None, typer.Option("--fps", "--frame_rate", min=1, max=240, help="Frames a second.")] = None,
    format_: Annotated[
        str, typer.Option("--format", metavar="mp4|gif|webm|mov|png", help="What to write, if --out does not say.")
    ] = "",
    transparent: Annotated[
        bool, typer.Option("--transparent", "-t", help="No background (mov, webm, gif, png).")
    ] = False,
    theme: Theme = "dark",
    lang: Lang = "en",
    font_size: Annotated[
        str, typer.Option("--font-size", metavar="normal|large", help="Larger text in every scene.")
    ] = "normal",
    author: Annotated[str, typer.Option("--author", metavar="NAME", help="A name in the corner.")] = "",
    logo: Annotated[
        str, typer.Option("--logo", metavar="FILE", help="A picture in the corner (SVG, PNG).", show_default="none")
    ] = "",
    preview: Annotated[bool, typer.Option("--preview", "-p", help="Open what was made.")] = False,
    last_frame: Annotated[
        bool,
        typer.Option(
            "--save_last_frame",
            "--save-last-frame",
            "-s",
            help="Write the finished picture, the last state, as PNG.",
        ),
    ] = False,
    still: Annotated[
        float | None,
        typer.Option("--still", min=0, max=1, metavar="0…1", help="Write the frame at this part of the clip as PNG."),
    ] = None,
    contact_sheet: Annotated[bool, typer.Option("--contact-sheet", help="Write twelve frames on one PNG.")] = False,
    seed: Seed = None,
    sampler: Sampler = None,
    steps: Steps = None,
    chains: Chains = None,
    classes: Classes = [],  # noqa: B006
    sets: Set = [],  # noqa: B006
    options: Annotated[
        list[str],
        typer.Option(
            "--option",
            "-O",
            metavar="NAME=VALUE",
            help="An option of the scene ('diffrender list scenes SCENE' names them). Repeatable.",
            autocompletion=complete_options,
        ),
    ] = [],  # noqa: B006
    trajectory: Annotated[
        list[str],
        typer.Option("--trajectory", "-T", metavar="[NAME=]FILE", help="The same, of a scene that shows several."),
    ] = [],  # noqa: B006
    encode: Annotated[
        str, typer.Option("--encode", metavar="draft|fast|small", help="Soon, good and soon, or the smallest file.")
    ] = "fast",
    codec: Annotated[str | None, typer.Option("--codec", help="An encoder by name, e.g. h264_nvenc.")] = None,
    workers: Annotated[
        int,
        typer.Option(
            "--workers",
            "-w",
            min=1,
            max=256,
            help="Processes that draw; the file is the same for any number.",
            show_default="half the cores: the encoder has the others",
        ),
    ] = max(1, cores() // 2),
    gif_width: Annotated[
        int | None, typer.Option("--gif-width", help="Widest a GIF gets.", show_default="720, or as -r says")
    ] = None,
    gif_fps: Annotated[
        int | None, typer.Option("--gif-fps", help="Frames a second of a GIF.", show_default="15")
    ] = None,
    loop: Annotated[
        bool, typer.Option("--loop", help="Let the end of a GIF dissolve into its first frame: no jump.")
    ] = False,
    max_mb: Annotated[
        float | None, typer.Option("--max-mb", help="Make a GIF smaller until it has at most so many megabytes.")
    ] = None,
    device: Device = "auto",
    trust: Trust = False,
    data_dir: DataDir = None,
    parents: Parents = False,
    dry_run: DryRun = False,
    force: Force = False,
    outputs: Outputs = Path("outputs"),
    as_json: Json = False,
) -> None:
    """Make a video.

    Trains and samples what it needs, and reuses what is up to date.

    Examples:  diffrender render langevin --out video.mp4   ·   diffrender render denoise mine.npz -q l -p   ·
    diffrender render compare one.npz other.npz
    """
    from diffrender.core.errors import UsageError
    from diffrender.jobs.make import bring_up_to_date, dry_run_table
    from diffrender.jobs.plan.clip import clip, clip_spec
    from diffrender.jobs.plan.reuse import of_another_format
    from diffrender.video.settings import RenderSettings

    trusting(trust)
    out = file_for(out, parents)
    if odd := next((file for file in recordings if not file.endswith(".npz")), ""):
        raise UsageError(f"{odd}: not a recording (.npz).", f"A config is named with --config {odd}.")
    if last_frame and (still is not None or contact_sheet or format_ not in ("", "png")):
        raise UsageError("--save_last_frame writes one PNG.", "Leave out --still, --contact-sheet and --format.")
    if last_frame and out is not None and out.suffix.lower() != ".png":
        raise UsageError(f"--save_last_frame writes one PNG, and --out {out} is none.", "Name it .png.")
    settings = RenderSettings.of(
        quality=quality,
        resolution=resolution,
        aspect=aspect,
        fps=fps,
        format=format_ or ("png" if last_frame and out is None else None),
        transparent=transparent,
        theme=theme,
        lang=lang,
        font_size=font_size,
        author=author,
        logo=logo,
        still=still,
        contact_sheet=contact_sheet,
        seed=seed,
        encode=encode,
        codec=codec,
        workers=workers,
        gif_width=gif_width,
        gif_fps=gif_fps,
        max_mb=max_mb,
        loop=loop,
    )
    settings.check_used(out)
    given, device = [*recordings, *trajectory], check_device(device)
    chosen = dict(parse_option(text) for text in options)
    overrides = overrides_from_flags(sets, seed=seed, kind=sampler, steps=steps, chains=chains, classes=classes or None)
    if not given and not overrides:
        overrides = as_sampled(scene, config, chosen, outputs, device)
    job = clip(scene, config, overrides, chosen, settings, out, trajectories=given, outputs=outputs, device=device)
    spec = clip_spec(job)
    job = job if force else of_another_format(job)
    if dry_run:
        print(dry_run_table(job, force, outputs))
        return
    writable(job.out.parent)
    for file in spec.trajectories.values():
        if reason := _cut_off(Path(file)):
            say(f"{Path(file).name} is incomplete: its run was cut off ({reason}).", "yellow")
    if codec and not job.up_to_date():
        from diffrender.video.render import check_encoder  # before anything is trained for it

        check_encoder(spec)
    report = bring_up_to_date(job, force, outputs)
    shown = out or Path(os.path.relpath(job.out))
    if report["reused"]:
        say(f"{shown} is up to date; --force renders again.")
    print_output(shown, as_json, **report)
    if preview:
        typer.launch(str(shown))


def _cut_off(file: Path) -> str:
    """Why the run of a recording ended early; empty if it did not, or if there is no such file to read yet."""
    import numpy as np

    try:
        with np.load(file, allow_pickle=False) as archive:
            return str(json.loads(str(archive["meta"])).get("incomplete", ""))
    except (OSError, ValueError, KeyError, AttributeError, zipfile.BadZipFile):
        return ""  # what is wrong with it is said where it is read
