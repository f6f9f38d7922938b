"""`diffrender batch`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from diffrender.cli.common import Device, Json, Outputs, check_device, command, say, writable

if TYPE_CHECKING:
    from diffrender.jobs.run.local import Outcome
    from diffrender.lecture.batch import Batch


def complete_lectures(incomplete: str) -> list[str]:
    """Shell completion of lecture names."""
    from diffrender.lecture.file import known

    return [name for name in known() if name.startswith(incomplete)]


@command
def batch(
    lecture: Annotated[
        str,
        typer.Argument(
            metavar="LECTURE", help="A lecture file, or the name of a shipped one.", autocompletion=complete_lectures
        ),
    ] = "",
    quality: Annotated[
        str,
        typer.Option(
            "--quality", "-q", metavar="l|m|h|p|k", help="Another quality than the file's, in a folder apart."
        ),
    ] = "",
    workers: Annotated[
        int, typer.Option("--workers", "-w", min=1, max=256, help="Processes at a time.", show_default="the cores")
    ] = os.cpu_count() or 1,
    scheduler: Annotated[
        str, typer.Option("--scheduler", metavar="tcp://HOST:8786", help="Do the jobs on a Dask cluster.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Say what would be made, and make nothing.")] = False,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first clip that fails.")] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON schema of lecture files, for editors.")
    ] = False,
    device: Device = "auto",
    outputs: Outputs = Path("outputs"),
    as_json: Json = False,
) -> None:
    """Make a whole lecture: clips, and one film of them.

    Clips are made in parallel. What has not changed is not made again.

    Examples:  diffrender batch diffusion-101 -q l   ·   diffrender batch lecture.yaml --dry-run
    """
    import json

    from diffrender.core.errors import UsageError
    from diffrender.lecture import file as lectures
    from diffrender.lecture.batch import Batch
    from diffrender.lecture.plan import plan

    if schema:
        print(json.dumps(lectures.schema(), indent=2))
        return
    if not lecture:
        raise UsageError("Which lecture?", f"Give a YAML file, or one of: {', '.join(lectures.known())}.")
    read = lectures.load(lectures.find(lecture), {"quality": quality} if quality else None)
    todo = Batch.of(plan(read, outputs, device=check_device(device), suffix=f"-{quality}" if quality else ""), outputs)
    if todo.todo or dry_run:
        say(_announcement(todo, workers))
    if dry_run:
        print(json.dumps(_planned(todo, workers)) if as_json else _list(todo))
        return
    writable(todo.plan.folder)
    outcomes = _run(todo, workers, fail_fast, scheduler)
    say(f"{_summary(todo, outcomes)}\nIn {todo.plan.folder}")
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    for outcome in failed:
        where = f"\nIts log: {outcome.log}" if outcome.log else ""
        say(f"{outcome.job.name} failed: {outcome.error}{where}", "red")
    made = todo.plan.film.out if todo.plan.film else todo.plan.folder
    print(json.dumps(_report(todo, outcomes, made)) if as_json else made)
    if failed:
        raise typer.Exit(1)


def _run(todo: Batch, workers: int, fail_fast: bool, scheduler: str) -> list[Outcome]:
    import contextlib

    from diffrender.cli.batch_screen import Screen

    expected = {out: seconds for out, (seconds, _) in todo.estimates.items()}
    with contextlib.ExitStack() as stack:
        screen = Screen(expected, workers)
        stack.enter_context(screen)
        cluster = None
        if scheduler and todo.todo:
            from diffrender.jobs.cluster.dask import DaskCluster

            cluster = stack.enter_context(DaskCluster(scheduler, screen.notice))
        return todo.run(workers=workers, on_event=screen, fail_fast=fail_fast, cluster=cluster)


# ---- what is said --------------------------------------------------------------------------------------------------
def _announcement(todo: Batch, workers: int) -> str:
    from diffrender.jobs.run.progress import duration

    kinds = ("train", "sample", "render", "gif", "pictures", "join")
    counts = {kind: sum(job.kind == kind for job in todo.todo) for kind in kinds}
    parts = ", ".join(f"{count} to {kind}" if kind != "pictures" else kind for kind, count in counts.items() if count)
    if not parts:
        return f"{todo.plan.lecture.title}: everything is up to date."
    guessed = sum(not measured for _, measured in todo.estimates.values())
    source = (
        "" if not guessed else " (a guess)" if guessed == len(todo.todo) else f" ({guessed} of the times are guesses)"
    )
    return f"{todo.plan.lecture.title}: {parts}; about {duration(todo.seconds(workers))}{source}."


def _rows(todo: Batch) -> list[tuple[str, Any, Path]]:
    """(what, job or None, file) in the order in which things are made."""
    made = todo.plan
    rows: list[tuple[str, Any, Path]] = [(job.name, job, job.out) for job in todo.upstream()]
    rows += [(item.entry.chapter, item.job, item.video) for item in {i.video: i for i in made.items}.values()]
    rows += [(f"GIF of {job.out.stem}", job, job.out) for job in made.gifs]
    rows += [(what, job, job.out) for what, job in (("pictures", made.pictures), ("film", made.film)) if job]
    return rows


def _list(todo: Batch) -> str:
    from diffrender.cli.batch_screen import table
    from diffrender.jobs.run.progress import duration

    lines = [("what", "to do", "time", "file")]
    for what, job, file in _rows(todo):
        estimate = todo.estimates.get(file)
        about = "" if estimate is None else f"{'' if estimate[1] else '~'}{duration(estimate[0])}"
        to_do = "as it is" if job is None else job.kind if estimate else "up to date"
        lines.append((what, to_do, about, _shown(todo, file)))
    return table(lines)


def _summary(todo: Batch, outcomes: list[Outcome]) -> str:
    from diffrender.cli.batch_screen import status, table

    by_file = {outcome.job.out: outcome for outcome in outcomes}
    lines = [("what", "", "time", "MB", "file")]
    for what, job, file in _rows(todo):
        word, took = ("as it is", "") if job is None else status(job, todo.estimates, by_file)
        size = f"{file.stat().st_size / 1e6:.1f}" if file.is_file() else ""
        lines.append((what, word, took, size, _shown(todo, file)))
    return table(lines)


def _planned(todo: Batch, workers: int) -> dict[str, Any]:
    jobs = [
        {"what": what, "kind": job.kind if job else None, "path": str(file), "to_do": file in todo.estimates,
         "seconds": todo.estimates.get(file, (0.0, True))[0]}
        for what, job, file in _rows(todo)
    ]  # fmt: skip
    return {"lecture": todo.plan.lecture.title, "seconds": round(todo.seconds(workers), 1), "jobs": jobs}


def _report(todo: Batch, outcomes: list[Outcome], made: Path) -> dict[str, Any]:
    from diffrender.cli.batch_screen import status

    by_file = {outcome.job.out: outcome for outcome in outcomes}
    jobs = []
    for what, job, file in _rows(todo):
        outcome = by_file.get(file)
        said: dict[str, Any] = {
            "what": what,
            "path": str(file),
            "status": status(job, todo.estimates, by_file)[0].lower() if job else "as it is",
        }
        if outcome:
            said |= {"seconds": round(outcome.seconds, 2), "figures": outcome.figures}
        if outcome and outcome.error:
            said |= {"error": str(outcome.error), "log": str(outcome.log)}
        jobs.append(said)
    return {"path": str(made), "folder": str(todo.plan.folder), "lecture": todo.plan.lecture.title, "jobs": jobs}


def _shown(todo: Batch, file: Path) -> str:
    """A path as short as it can be said: seen from the lecture's folder, or from here."""
    for folder in (todo.plan.folder, Path.cwd()):
        if file.is_relative_to(folder):
            return str(file.relative_to(folder))
    return str(file)
