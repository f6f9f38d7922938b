"""`diffrender watch`: a scene or lecture on a page beside the editor, drawn anew whenever a file is saved."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from diffrender.cli.completion import complete_options, complete_scenes
from diffrender.cli.flags import (
    Aspect,
    Chains,
    Classes,
    ClipConfig,
    DataDir,
    Device,
    Lang,
    Outputs,
    Sampler,
    Seed,
    Set,
    Steps,
    Theme,
    Trust,
)
from diffrender.cli.messages import command
from diffrender.cli.places import writable
from diffrender.cli.settings import as_sampled, check_device, cores, overrides_from_flags, parse_option, trusting

DRAFT = {"quality": "m", "fps": 15}


@command
def watch(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="SCENE|LECTURE.yaml",
            help="A name from 'diffrender list scenes', my.py:MyScene, or a lecture file.",
            autocompletion=complete_scenes,
        ),
    ],
    recordings: Annotated[
        list[str],
        typer.Argument(metavar="[RECORDING.npz]...", help="Draw this recording.", show_default=False),
    ] = [],  # noqa: B006
    config: ClipConfig = "",
    quality: Annotated[str, typer.Option("--quality", "-q", metavar="l|m|h|p|k", help="Size of the picture.")] = "",
    resolution: Annotated[
        str,
        typer.Option("--resolution", "-r", metavar="W,H", help="The same in pixels.", show_default="1280,720"),
    ] = "",
    aspect: Aspect = "",
    fps: Annotated[
        int | None, typer.Option("--fps", "--frame_rate", min=1, max=240, help="Frames a second.", show_default="15")
    ] = None,
    theme: Theme = "",
    lang: Lang = "",
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
            help="An option of the scene to begin with. Repeatable.",
            autocompletion=complete_options,
        ),
    ] = [],  # noqa: B006
    workers: Annotated[
        int,
        typer.Option("--workers", "-w", "-j", min=1, max=256, help="Processes at a time.", show_default="the cores"),
    ] = cores(),
    device: Device = "auto",
    trust: Trust = False,
    data_dir: DataDir = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page, or only print its address.")
    ] = True,
    outputs: Outputs = Path("outputs"),
) -> None:
    """Watch a scene or lecture while you write it, in the browser.

    Whenever the scene, its config or the lecture file is saved, the frame that you look at is drawn anew, then those
    around it. What must be recorded is recorded in the background; the last good picture stays. The options are sliders
    and fields: nothing is written until you copy the command that renders what you see. Closing the page ends it.

    Examples:  diffrender watch denoise   ·   diffrender watch my.py:MyScene -c mine.yaml   ·
    diffrender watch lecture.yaml
    """
    from diffrender.cli.loopback.serve import serve_until_closed
    from diffrender.cli.watch_page.server import Server
    from diffrender.cli.watch_page.session import Session
    from diffrender.cli.watch_page.subject import LectureSubject, SceneSubject, Subject
    from diffrender.core.errors import UsageError
    from diffrender.lecture.file import known
    from diffrender.video.settings import RenderSettings

    trusting(trust)
    size: dict[str, Any] = {"quality": quality, "resolution": resolution, "fps": fps}
    look: dict[str, Any] = {"aspect": aspect, "theme": theme, "lang": lang}
    given = {**DRAFT, **{key: value for key, value in {**size, **look}.items() if value}}
    overrides = overrides_from_flags(sets, seed=seed, kind=sampler, steps=steps, chains=chains, classes=classes or None)
    chosen = dict(parse_option(text) for text in options)
    watched: Subject
    if subject.endswith((".yaml", ".yml")) or subject in known():
        if config or recordings or overrides or chosen:
            raise UsageError(
                f"{subject} is a lecture: its entries say what is drawn.",
                "Leave out configs, recordings, --set and --option, or watch a scene.",
            )
        watched = LectureSubject(subject, given, outputs, check_device(device))
    else:
        if not recordings and not overrides:
            overrides = as_sampled(subject, config, chosen, outputs, check_device(device))
        flags = [word for key, value in look.items() if value for word in (f"--{key}", shlex.quote(str(value)))]
        watched = SceneSubject(
            subject,
            config,
            tuple(recordings),
            overrides,
            chosen,
            RenderSettings.of(**given),
            tuple(flags),
            outputs,
            check_device(device),
        )
        watched.clip(0, {})  # what is wrong with what was typed is said here
    writable(outputs)
    with Session(watched, workers, outputs) as session, Server(session) as server:
        serve_until_closed(server, "Watch", open_browser=browser)
