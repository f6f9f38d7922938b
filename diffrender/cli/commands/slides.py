"""`diffrender slides`: a lecture as slides."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from diffrender.cli.commands.batch import complete_lectures, make
from diffrender.cli.flags import Device, Json, Outputs, Trust
from diffrender.cli.messages import command, print_output, say
from diffrender.cli.places import writable
from diffrender.cli.settings import check_device, trusting

KINDS = ("html", "pptx", "pdf", "manim-slides")


@command
def slides(
    lecture: Annotated[
        str,
        typer.Argument(
            metavar="LECTURE", help="A lecture file, or the name of a shipped one.", autocompletion=complete_lectures
        ),
    ],
    to: Annotated[
        str,
        typer.Option("--to", metavar="html,pptx,pdf,manim-slides", help="What is made; 'all' for all of them."),
    ] = "html,pdf",
    quality: Annotated[
        str,
        typer.Option(
            "--quality", "-q", metavar="l|m|h|p|k", help="Another quality than the file's, in a folder apart."
        ),
    ] = "",
    embed: Annotated[
        bool, typer.Option("--embed", help="Put the videos into the page: one file to carry along.")
    ] = False,
    preview: Annotated[bool, typer.Option("--preview", "-p", help="Open what was made.")] = False,
    workers: Annotated[
        int, typer.Option("--workers", "-w", min=1, max=256, help="Processes at a time.", show_default="the cores")
    ] = os.cpu_count() or 1,
    device: Device = "auto",
    trust: Trust = False,
    outputs: Outputs = Path("outputs"),
    as_json: Json = False,
) -> None:
    """Make slides of a lecture.

    Makes what 'diffrender batch' makes, then slides.html, a page that presents it from disk: each act of a clip plays,
    waits for a key, and goes on. P opens the presenter's window. And handout.pdf, a page an entry; if asked for, a
    PowerPoint file, or what manim-slides plays.

    Examples:  diffrender slides lecture.yaml -p   ·   diffrender slides lecture.yaml --to pptx -q m
    """
    from diffrender.core.errors import UsageError, suggest
    from diffrender.lecture import file as lectures
    from diffrender.lecture.batch import Batch
    from diffrender.lecture.plan import plan
    from diffrender.lecture.slides.write import check, write

    trusting(trust)
    kinds = list(KINDS) if to == "all" else [kind.strip() for kind in to.split(",")]
    if wrong := next((kind for kind in kinds if kind not in KINDS), None):
        raise UsageError(f"--to {wrong}: no such kind of slides.", suggest(wrong, KINDS))
    check(kinds)
    read = lectures.load(lectures.find(lecture), {"quality": quality} if quality else None)
    suffix = f"-{quality}" if quality else ""
    whole = Batch.of(plan(read, outputs, device=check_device(device), suffix=suffix), outputs)
    writable(whole.plan.folder)
    if whole.todo and any(outcome.status == "failed" for outcome in make(whole, workers)):
        raise typer.Exit(1)
    made = write(whole.plan, kinds, embed=embed, notice=say)
    for file in made:
        if not as_json:
            print(file)
    if as_json:
        print_output(made[0], True, files=made)
    if preview:
        typer.launch(str(made[0]))
