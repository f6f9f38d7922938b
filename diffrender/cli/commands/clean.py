"""`diffrender clean`: what lies in the outputs, and what nothing refers to any more."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from diffrender.cli.flags import Outputs
from diffrender.cli.messages import command, say, size_text

if TYPE_CHECKING:
    from diffrender.jobs.left_behind import Output, Survey

AGES = ((86_400, "day"), (3600, "hour"), (60, "minute"))  # seconds, and what they are called


@command
def clean(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete what nothing refers to any more.")] = False,
    outputs: Outputs = Path("outputs"),
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Say what lies in the outputs, and what may go.

    What may go: recordings that no clip shows, clips, posters and GIFs that their film holds no longer, and what
    interrupted commands left. Never weights or films, nor what is younger than an hour or not made by diffrender.

    Examples:  diffrender clean   ·   diffrender clean --yes
    """
    from diffrender.core.errors import UsageError
    from diffrender.jobs.left_behind import remove, survey
    from diffrender.lecture.report import table

    if not outputs.is_dir():
        raise UsageError(f"{outputs}: no such folder.", "Name the folder of outputs with --outputs.")
    found = survey(outputs)
    gone = remove(outputs, found.unused) if yes else []
    if as_json:
        print(json.dumps(_data(found, gone)))
        return
    print(table(_kinds(found)))
    if found.unused:
        print(f"\n{table(_unused(found, outputs))}")
    if not found.unused:
        say("All of it is referred to, or new: nothing may go.")
    elif yes:
        say(f"Deleted {len(gone)}: {size_text(sum(output.size for output in gone))}.")
    else:
        size = size_text(sum(output.size for output in found.unused))
        say(f"{len(found.unused)} may go, {size} in all: 'diffrender clean --yes' deletes them.")


def _kinds(found: Survey) -> list[tuple[str, ...]]:
    """How many of each kind there are, how large together, and how old the newest is."""
    lines: list[tuple[str, ...]] = [("what", "files", "size", "newest")]
    for what in sorted({output.what for output in found.outputs}):
        of_it = [output for output in found.outputs if output.what == what]
        newest = _age(max(output.modified for output in of_it))
        lines.append((what, str(len(of_it)), size_text(sum(output.size for output in of_it)), newest))
    if found.foreign:
        lines.append(("other files, which stay", str(found.foreign), size_text(found.foreign_size), ""))
    return lines


def _unused(found: Survey, outputs: Path) -> list[tuple[str, ...]]:
    """A line for each that may go, the largest first."""
    by_size = sorted(found.unused, key=lambda output: -output.size)
    rows = [(str(o.path.relative_to(outputs)), size_text(o.size), _age(o.modified), o.unused) for o in by_size]
    return [("may go", "size", "age", "because"), *rows]


def _age(modified: float) -> str:
    """`3 days`, `1 hour`, `20 minutes` since then."""
    seconds = max(0.0, time.time() - modified)
    for unit, name in AGES:
        if (number := int(seconds // unit)) or name == AGES[-1][1]:
            return f"{number} {name}{'' if number == 1 else 's'}"
    raise AssertionError


def _data(found: Survey, gone: list[Output]) -> dict[str, Any]:
    files = [
        {"path": str(o.path), "what": o.what, "bytes": o.size, "modified": o.modified, "unused": o.unused}
        for o in found.outputs
    ]
    return {"files": files, "other": found.foreign, "deleted": [str(output.path) for output in gone]}
