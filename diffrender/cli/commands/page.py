"""`diffrender page`: one HTML file that plays a recording."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from diffrender.cli.flags import Json
from diffrender.cli.messages import command, print_output
from diffrender.cli.places import writable


@command
def page(
    recording: Annotated[Path, typer.Argument(metavar="RECORDING.npz", help="What is shown.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The file to write.", show_default="RECORDING.html")
    ] = None,
    preview: Annotated[bool, typer.Option("--preview", "-p", help="Open what was made.")] = False,
    as_json: Json = False,
) -> None:
    """Make a page that plays a recording.

    One HTML file with a slider and a play button, opened from disk; it needs no server, no network and no Manim.

    Example:  diffrender page outputs/spiral/ddpm.npz --out spiral.html
    """
    from diffrender.config.find import no_such_file, use_of
    from diffrender.core.errors import UsageError
    from diffrender.core.files import file_to_write
    from diffrender.notebook.page import write_page
    from diffrender.trajectory.reader import Trajectory

    file = file_to_write(out) if out else recording.with_suffix(".html")
    if file.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--out {file}: a page is an HTML file.", "Name it .html.")
    if not recording.is_file():
        raise no_such_file(str(recording))
    if recording.suffix.lower() != ".npz":
        raise UsageError(f"{recording}: not a recording (.npz).", use_of(str(recording)))
    run = Trajectory.open(recording)
    writable(file.parent)
    write_page(run, file)
    print_output(file, as_json)
    if preview:
        typer.launch(str(file))
