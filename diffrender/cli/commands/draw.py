"""`diffrender draw`: a page to draw on, whose drawing is trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from diffrender.cli.flags import Parents
from diffrender.cli.messages import command, print_output, say
from diffrender.cli.places import file_for


@command
def draw(
    out: Annotated[Path, typer.Option("--out", "-o", help="The .svg to write.")] = Path("drawing.svg"),
    parents: Parents = False,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page, or only print its address.")
    ] = True,
    lan: Annotated[
        bool,
        typer.Option(
            "--lan", help="Let phones in this network draw too, one drawing each, by a QR code that is shown."
        ),
    ] = False,
) -> None:
    """Draw a shape by hand, in the browser.

    Closing the page ends the command; then train on the drawing. What is drawn in two colours is in two classes. One
    that is there already is opened, to go on with it.
    """
    from diffrender.cli.draw_page.serve import serve
    from diffrender.cli.draw_page.session import as_argument
    from diffrender.core.errors import DiffrenderError, UsageError

    out = file_for(out, parents) or out
    if out.suffix.lower() != ".svg":
        raise UsageError(f"--out {out}: a drawing is saved as .svg.", f"Use --out {out.with_suffix('.svg')}")
    saved = serve(out, open_browser=browser, lan=lan)
    if not saved:
        raise DiffrenderError(
            "The page was closed without saving: nothing was written.", "Press Save before closing it."
        )
    drawing = as_argument(saved[0])
    say(f"Next:  diffrender train {drawing}\n       diffrender render denoise --config {drawing}")
    for file in saved:
        print_output(file)
