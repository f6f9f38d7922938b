"""`diffrender sample`: a recording of a sampler's run."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from diffrender.cli.flags import (
    Chains,
    Classes,
    ConfigName,
    DataDir,
    Device,
    DryRun,
    Force,
    Json,
    Outputs,
    Parents,
    Sampler,
    Seed,
    Set,
    Steps,
    Trust,
)
from diffrender.cli.messages import command, print_output, say
from diffrender.cli.places import file_for, writable
from diffrender.cli.settings import check_device, overrides_from_flags, trusting


@command
def sample(
    config: ConfigName,
    sampler: Sampler = None,
    steps: Steps = None,
    chains: Chains = None,
    classes: Classes = [],  # noqa: B006
    sets: Set = [],  # noqa: B006
    seed: Seed = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The .npz to write.", show_default="outputs/CONFIG/SAMPLER.npz")
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
    """Record what a sampler does.

    Trains the model first if that is not done. Writes outputs/CONFIG/SAMPLER.npz.
    """
    from diffrender.core.errors import UsageError
    from diffrender.jobs.make import bring_up_to_date, dry_run_table
    from diffrender.jobs.plan.last_sample import remember
    from diffrender.jobs.plan.subject import Subject

    trusting(trust)
    out = file_for(out, parents)
    subject = Subject.of(
        config,
        overrides_from_flags(sets, seed=seed, kind=sampler, steps=steps, chains=chains, classes=classes or None),
        outputs,
    )
    if out is not None and out.suffix.lower() != ".npz":
        raise UsageError(
            f"--out {out}: a recording ends in .npz.",
            f"For a video: diffrender render denoise --config {config} --out {out}",
        )
    job = subject.sample(device=check_device(device), out=out)
    if dry_run:
        print(dry_run_table(job, force, outputs))
        return
    writable(job.out.parent)
    try:
        report = bring_up_to_date(job, force, outputs)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("A training goes on where it stopped; a recording begins anew.") from None
    if out is None:
        remember(subject)
    if report["reused"]:
        say(f"{job.out} is up to date; --force records again.")
    print_output(job.out, as_json, **report)
    if scene := _drawn_by(job.out):
        say(f"Draw it:  diffrender render {scene} {shlex.quote(str(job.out))}")


def _drawn_by(recording: Path) -> str:
    """The scene that shows one recording whole, or '' where a scene wants more than one."""
    from diffrender.trajectory.reader import Trajectory

    run = Trajectory.open(recording)
    if run.meta["kind"] != "reverse":
        return ""
    return "images" if run.x.ndim == 5 else "denoise"
