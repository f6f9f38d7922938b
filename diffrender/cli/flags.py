"""The flags that mean the same in every command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from diffrender.cli.completion import complete_configs, complete_samplers
from diffrender.cli.places import output_folder, use_data_folder

Trust = Annotated[
    bool,
    typer.Option("--trust", help="Run the Python files that a config names; asked for once, and when they change."),
]
Set = Annotated[
    list[str],
    typer.Option("--set", metavar="KEY=VALUE", help="Override a config key, e.g. training.steps=2000. Repeatable."),
]
Outputs = Annotated[Path, typer.Option("--outputs", help="Folder of all outputs.", callback=output_folder)]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Seed of all randomness.")]
Classes = Annotated[
    list[str],
    typer.Option("--class", metavar="NAME", help="Class of the chains, e.g. horse or 7. Repeatable: they take turns."),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Folder of data sets (mnist/, cifar-10-batches-py/, …); else DIFFRENDER_DATA, else they are downloaded.",
        callback=use_data_folder,
    ),
]
Sampler = Annotated[
    str | None,
    typer.Option("--sampler", "-S", help="A name from 'diffrender list samplers'.", autocompletion=complete_samplers),
]
Steps = Annotated[int | None, typer.Option("--steps", "-k", help="Sampling steps.")]
Chains = Annotated[int | None, typer.Option("--chains", "-n", help="How many chains (points).")]
ClipConfig = Annotated[
    str,
    typer.Option(
        "--config",
        "-c",
        help="A config's name, a YAML file, or a drawing.",
        show_default="the scene's own",
        autocompletion=complete_configs,
    ),
]
Aspect = Annotated[str, typer.Option("--aspect", "-a", metavar="16:9|4:3|1:1|9:16", help="Shape of the frame.")]
Theme = Annotated[
    str, typer.Option("--theme", metavar="dark|light|FILE", help="A name, or a YAML file of colours by meaning.")
]
Lang = Annotated[
    str,
    typer.Option("--lang", metavar="en|de|ja|FILE", help="Language on screen, or a catalogue of your own (YAML)."),
]
Force = Annotated[bool, typer.Option("--force", "-f", help="Make it again even if it is up to date.")]
Parents = Annotated[bool, typer.Option("--parents", help="Make the folder of --out, if it is not there.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check all and say what would be made; make nothing.")]
Json = Annotated[bool, typer.Option("--json", help="Print what was made as JSON.")]
ConfigName = Annotated[
    str,
    typer.Argument(
        metavar="CONFIG",
        help="A name from 'diffrender list configs', a YAML file, or a drawing (.svg, .png, .csv, …).",
        autocompletion=complete_configs,
    ),
]
