"""`diffrender batch`: clips, cards and videos as one film."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diffrender.cli.flags import Device, Json, Outputs, Trust
from diffrender.cli.messages import command, say
from diffrender.cli.places import writable
from diffrender.cli.settings import check_device, trusting

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
        str,
        typer.Option(
            "--scheduler",
            metavar="tcp://HOST:8786|tls://…|slurm:PARTITION",
            help="Do the jobs on a cluster of Dask or Slurm.",
        ),
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Show what would be made, make nothing.")] = False,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first clip that fails.")] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON schema of lecture files, for editors.")
    ] = False,
    device: Device = "auto",
    trust: Trust = False,
    outputs: Outputs = Path("outputs"),
    as_json: Json = False,
) -> None:
    """Make a whole lecture: clips, and one film of them.

    Clips are made in parallel. What has not changed is not made again.

    Examples:  diffrender batch diffusion-101 -q l   ·   diffrender batch lecture.yaml --dry-run
    """
    import json

    from diffrender.core.errors import UsageError
    from diffrender.jobs.run.check import check_before_start
    from diffrender.lecture import file as lectures, report
    from diffrender.lecture.batch import Batch
    from diffrender.lecture.plan import plan

    trusting(trust)
    if schema:
        print(json.dumps(lectures.schema(), indent=2))
        return
    if not lecture:
        raise UsageError("Which lecture?", f"Give a YAML file, or one of: {', '.join(lectures.known())}.")
    read = lectures.load(lectures.find(lecture), {"quality": quality} if quality else None)
    suffix = f"-{quality}" if quality else ""
    whole = Batch.of(plan(read, outputs, device=check_device(device, here=not scheduler), suffix=suffix), outputs)
    if whole.todo or dry_run:
        say(report.announcement(whole, workers))
    if dry_run:
        check_before_start(whole.todo)
        print(json.dumps(report.planned_data(whole, workers)) if as_json else report.planned_table(whole))
        return
    writable(whole.plan.folder)
    outcomes = make(whole, workers, fail_fast, scheduler)
    failed = any(outcome.status == "failed" for outcome in outcomes)
    if as_json:
        print(json.dumps(report.made_data(whole, outcomes)))
    elif not failed:  # stdout never names a film that is not there
        print(report.main_output(whole))
    if failed:
        raise typer.Exit(1)


def make(whole: Batch, workers: int, fail_fast: bool = False, scheduler: str = "") -> list[Outcome]:
    """Make a batch with progress, and say what became of everything; how each job ended."""
    from diffrender.lecture import report

    outcomes = _run(whole, workers, fail_fast, scheduler)
    say(f"{report.made_table(whole, outcomes)}\nIn {whole.plan.folder}")
    for outcome in outcomes:
        if outcome.status == "failed":
            where = f"\nIts log: {outcome.log}" if outcome.log else ""
            say(f"{outcome.job.name} failed: {outcome.error}{where}", "red")
    return outcomes


def _run(whole: Batch, workers: int, fail_fast: bool, scheduler: str) -> list[Outcome]:
    import contextlib

    from diffrender.jobs.run.progress import Progress

    expected = {out: seconds for out, (seconds, _) in whole.estimates.items()}
    with contextlib.ExitStack() as stack:
        progress = stack.enter_context(Progress(expected, workers))
        cluster = None
        if scheduler and whole.todo:
            from diffrender.jobs.cluster.at import cluster_at

            cluster = stack.enter_context(cluster_at(scheduler, progress.notice, whole.plan.folder))
        return whole.run(workers=workers, on_event=progress, fail_fast=fail_fast, cluster=cluster)
