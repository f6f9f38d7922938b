"""`diffrender train`: the network of a config."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from diffrender.cli.flags import ConfigName, DataDir, Device, DryRun, Force, Json, Outputs, Seed, Set, Trust
from diffrender.cli.messages import command, print_output, say
from diffrender.cli.places import writable
from diffrender.cli.settings import check_device, overrides_from_flags, trusting


@command
def train(
    config: ConfigName,
    sets: Set = [],  # noqa: B006
    seed: Seed = None,
    device: Device = "auto",
    trust: Trust = False,
    data_dir: DataDir = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where an interrupted run stopped: the default; --force starts anew.")
    ] = False,
    dry_run: DryRun = False,
    force: Force = False,
    outputs: Outputs = Path("outputs"),
    as_json: Json = False,
) -> None:
    """Train a model.

    Writes outputs/CONFIG/model.safetensors, and the recording of the training beside it; of latents, the autoencoder
    comes first.

    Ctrl-C keeps what was learned so far, and the same command goes on from there.
    """
    from diffrender.jobs.make import bring_up_to_date, dry_run_table
    from diffrender.jobs.plan.subject import Subject

    trusting(trust)
    subject = Subject.of(config, overrides_from_flags(sets, seed=seed, seed_key="seed"), outputs)
    job = subject.train(device=check_device(device), resume=resume or not force, anew=True)
    if dry_run:
        print(dry_run_table(job, force, outputs))
        return
    writable(job.out.parent)
    report = bring_up_to_date(job, force, outputs)
    if report["reused"]:
        say(f"{job.out} is up to date; --force trains again.")
    print_output(job.out, as_json, **report)
