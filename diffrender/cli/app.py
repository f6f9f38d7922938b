"""The command line: parse, call, exit. One file a command; nothing heavy is imported until a command runs."""

from __future__ import annotations

import os
import signal
import sys
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from diffrender import __version__
from diffrender.cli.commands import (
    batch,
    clean,
    doctor,
    draw,
    inspect,
    list_,
    new,
    page,
    record,
    render,
    sample,
    slides,
    train,
    watch,
)


class Commands(TyperGroup):
    """The commands; what is wrong with a flag's value is said in the words that are used for keys of configs."""

    def invoke(self, ctx: Any) -> Any:
        """Parse and run the command that is named."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            from pydantic import ValidationError

            if isinstance(error.__cause__, ValidationError):
                from diffrender.core.validation import explained

                error.message = explained(error.__cause__.errors(include_url=False)[0])[0]
            raise


app = typer.Typer(
    name="diffrender",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with:  diffrender render langevin ",
)


def _version(requested: bool) -> None:
    if requested:
        print(f"diffrender {__version__}")
        raise typer.Exit


@app.callback()
def top(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks; may stand anywhere on the line.")] = False,
) -> None:
    """Turn diffusion models and Langevin dynamics into lecture videos."""


app.command("train")(train.train)
app.command("sample")(sample.sample)
app.command("render")(render.render)
app.command("page")(page.page)
app.command("record")(record.record)
app.command("batch")(batch.batch)
app.command("slides")(slides.slides)
app.command("list")(list_.list_)
app.command("inspect")(inspect.inspect)
app.command("watch")(watch.watch)
app.command("draw")(draw.draw)
app.command("new")(new.new)
app.command("clean")(clean.clean)
app.command("doctor")(doctor.doctor)


def main() -> None:
    """Entry point of the `diffrender` program; exits 0 done, 1 failed, 2 used wrongly, else by SIGINT or SIGTERM."""
    debug = "--debug" in sys.argv
    if debug:
        os.environ["DIFFRENDER_DEBUG"] = "1"
        sys.argv = [sys.argv[0], *(a for a in sys.argv[1:] if a != "--debug")]
    by = signal.SIGINT

    def terminate(number: int, frame: Any) -> None:  # `kill`, `timeout`, a queue whose time is up: as Ctrl-C
        nonlocal by
        by = signal.SIGTERM
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, terminate)
    try:
        app()
    except KeyboardInterrupt:  # before the command itself had begun
        _end(130, by)
    except SystemExit as ended:
        _end(ended.code, by)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # how it ended is settled: Ctrl-C again must not change it


def _end(code: object, by: signal.Signals) -> NoReturn:
    """Exit; what was interrupted dies of the signal `by`, so that a shell's loop around it ends too."""
    if code != 130 or sys.platform == "win32":
        raise SystemExit(code)
    sys.stdout.flush()
    signal.signal(by, signal.SIG_DFL)
    os.kill(os.getpid(), by)
    raise SystemExit(130)


if __name__ == "__main__":
    main()
