"""Messages of a command: lines for people and for pipes, and errors in one or two lines with their exit code."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import typer

from diffrender.core.child_process import error_as_message, error_from_message
from diffrender.core.errors import DiffrenderError, UnexpectedError
from diffrender.core.terminal import printable

KEPT = "What was finished is kept; the same command goes on from there."
FLAGS = {"kind": "--sampler", "steps": "--steps", "chains": "--chains", "classes": "--class", "seed": "--seed"}


def command(run: Callable[..., None]) -> Callable[..., None]:
    """End a command with one or two lines on stderr and the right exit code; a traceback only with --debug."""

    @functools.wraps(run)
    def _guarded(*args: Any, **kwargs: Any) -> None:
        try:
            run(*args, **kwargs)
        except DiffrenderError as error:
            fail(error, error.exit_code)
        except KeyboardInterrupt as interrupted:
            say(f"Interrupted. {interrupted}" if interrupted.args else f"Interrupted. {KEPT}")
            raise typer.Exit(130) from None
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(1) from None
        except (typer.Exit, typer.Abort, click.ClickException):
            raise
        except Exception as error:
            fail(_foreseen(error) or error_from_message(error_as_message(error, f"diffrender {run.__name__}")), 1)

    return _guarded


def _foreseen(error: Exception) -> DiffrenderError | None:
    """An error of the system that names the file it is about, as ours."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return DiffrenderError(f"{error.filename}: {error.strerror}.")
    return None


def fail(error: DiffrenderError, code: int) -> None:
    """Print an error and exit."""
    say(f"Error: {_as_typed(str(error), sys.argv)}", "red")
    if isinstance(error, UnexpectedError):
        say("For the traceback, run the command again with --debug.")
    if os.environ.get("DIFFRENDER_DEBUG"):
        raise error
    raise typer.Exit(code) from None


def _as_typed(text: str, arguments: Sequence[str]) -> str:
    """A message that names keys with the flags that stood for them: `--steps 0`, unless --set itself was typed."""
    for name, flag in FLAGS.items():
        for key in (f"sampler.{name}", name):
            if not any(argument.removeprefix("--set=").startswith(f"{key}=") for argument in arguments):
                text = text.replace(f"--set {key}=", f"{flag} ")
    return text


def say(text: str, color: str | None = None) -> None:
    """A line for people, on stderr."""
    head, _, rest = printable(text).partition("\n")
    typer.secho(head, fg=color, err=True)
    if rest:
        typer.echo(rest, err=True)


def size_text(size: float) -> str:
    """Bytes as people say them: `812 bytes`, `3.4 MB`."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return ""


def print_output(path: Path, as_json: bool = False, **more: Any) -> None:
    """Print what was made on stdout: the path alone so that commands can be piped, or JSON."""
    if as_json:
        import json

        print(json.dumps({"path": str(path), **more}, default=str))
    else:
        print(path)
