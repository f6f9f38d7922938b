"""Shared by the commands: how errors end one, and the flags that mean the same everywhere."""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import click
import typer

from diffrender.core.child_process import error_as_message, error_from_message
from diffrender.core.errors import DiffrenderError, UnexpectedError, UsageError
from diffrender.core.files import expanded, file_to_write
from diffrender.core.terminal import printable

REGISTERED = re.compile(r'@SAMPLERS\.register\(\s*"(\w+)"')
KEPT = "What was finished is kept; the same command goes on from there."


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


FLAGS = {"kind": "--sampler", "steps": "--steps", "chains": "--chains", "classes": "--class", "seed": "--seed"}


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


def output_folder(folder: Path) -> Path:
    """The folder that --outputs names, `~` opened, which is not there yet or is one."""
    try:
        opened = expanded(folder)
    except UsageError as error:
        fail(error, error.exit_code)
    if opened.exists() and not opened.is_dir():
        fail(UsageError(f"--outputs {folder}: is a file, not a folder.", "Name another."), UsageError.exit_code)
    return opened


def file_for(out: Path | None, parents: bool) -> Path | None:
    """The file that --out names, as `file_to_write` has it; in a folder that is there, unless it is to be made."""
    if out is None:
        return None
    file = file_to_write(out)
    if file.parent.exists() and not file.parent.is_dir():
        raise UsageError(f"--out {out}: {out.parent} is a file, not a folder.", "Choose another place.")
    if not parents and not file.parent.is_dir():
        raise UsageError(
            f"--out {out}: there is no folder {file.parent}.", "Add --parents to make it, or choose another place."
        )
    return file


def writable(folder: Path) -> None:
    """Refuse now what would fail after a minute of work: a folder that cannot be made or written, a full disk."""
    import shutil
    import tempfile

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise DiffrenderError(
            f"{folder}: cannot be written ({error.strerror}).", "Choose another place with --out or --outputs."
        ) from None
    if shutil.disk_usage(folder).free < 5_000_000:
        raise DiffrenderError(
            f"{folder}: the disk is full.", "Make room, or choose another place with --out or --outputs."
        )


def overrides_from_flags(
    sets: list[str], *, seed: int | None = None, seed_key: str = "sampler.seed", **sampler: Any
) -> dict[str, Any]:
    """`--set` overrides, with the flags that stand for one (`--steps 50` is `--set sampler.steps=50`).

    The sampler's kind comes first, so that what is set of it stays.
    """
    from diffrender.config.overrides import combined, parse_sets

    kind = sampler.pop("kind", None)
    flags = {**{f"sampler.{key}": value for key, value in sampler.items()}, seed_key: seed}
    given = {key: value for key, value in flags.items() if value is not None}
    return combined({} if kind is None else {"sampler.kind": kind}, parse_sets(sets), given)


def as_sampled(scene: str, config: str, options: dict[str, Any], outputs: Path, device: str) -> dict[str, Any]:
    """The overrides of what `sample` last made, if the scene draws that where nothing else is asked for; and say so."""
    from diffrender.jobs.plan.last_sample import last_sample

    found = last_sample(scene, config, options, outputs=outputs, device=device)
    if found is None:
        return {}
    say(f"Drawn as last sampled: {found.recording}. Any setting of the run (--sampler, --steps, --set) draws another.")
    return dict(found.overrides)


def parse_option(text: str) -> tuple[str, Any]:
    """An option of a scene as it is typed, `name=value`."""
    from diffrender.config.overrides import parse_set

    name, value = parse_set(text, "--option", "duration=20")
    if "." in name:
        raise UsageError(f"--option {text}: not of the form name=value.", "Config keys are set with --set.")
    return name, value


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def use_data_folder(folder: Path | None) -> Path | None:
    """Read data sets from `folder`, in this process and in those that it starts."""
    if folder is not None:
        from diffrender.config.datasets import DATA_DIR

        folder = Path(folder).expanduser() if str(folder).startswith("~/") else folder
        if not folder.is_dir():
            fail(UsageError(f"--data-dir {folder}: no such folder."), UsageError.exit_code)
        os.environ[DATA_DIR] = str(folder.resolve())
    return folder


def check_device(device: str, here: bool = True) -> str:
    """auto, cpu, cuda or mps (or cuda:1); one that is asked for must be there, if the work is done `here`."""
    if device.split(":")[0] not in ("auto", "cpu", "cuda", "mps"):
        raise UsageError(
            f"--device {device}: no such kind of device.", "Known: auto, cpu, cuda, mps (cuda:1 for the second card)."
        )
    if here and device not in ("auto", "cpu"):
        from diffrender.diffusion.recording.run import pick_device  # loads torch

        pick_device(device)
    return device


def complete_configs(incomplete: str) -> list[str]:
    """Shell completion of config names."""
    from diffrender.config.find import configs

    return [name for name in configs() if name.startswith(incomplete)]


def complete_samplers(incomplete: str) -> list[str]:
    """Shell completion of samplers' names, which are read from their files: no key of the keyboard loads torch."""
    files = (Path(__file__).parents[1] / "diffusion" / "samplers").rglob("*.py")
    names = {name for file in files for name in REGISTERED.findall(file.read_text(encoding="utf-8"))}
    return sorted(name for name in names - {"forward"} if name.startswith(incomplete))


def complete_scenes(incomplete: str) -> list[str]:
    """Shell completion of scene names."""
    from diffrender.config.find import scenes

    return [name for name in scenes() if name.startswith(incomplete)]


def complete_options(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Shell completion of the options of the scene that was typed before, each with its default and what it is."""
    from diffrender.config.scene_card import find_scene, option_rows

    try:
        card = find_scene(next(iter(context.args), ""))
    except DiffrenderError:
        return []
    plain = [(row, row["default"] if row["default"].replace(".", "").isalnum() else "") for row in option_rows(card)]
    typed = [(f"{row['name']}={default}", row["what"]) for row, default in plain]
    return [each for each in typed if each[0].startswith(incomplete)]


def trusting(trust: bool) -> None:
    """Trust the code that configs name, in this command and the processes that it starts."""
    if trust:
        os.environ["DIFFRENDER_TRUST"] = "1"


Trust = Annotated[
    bool,
    typer.Option("--trust", help="Run the Python files that a config names; asked for once, and when they change."),
]
Set = Annotated[
    list[str],
    typer.Option("--set", metavar="KEY=VALUE", help="Override a config key, e.g. training.steps=2000. Repeatable."),
]
Outputs = Annotated[
    Path, typer.Option("--outputs", help="Folder of all outputs.", callback=lambda folder: output_folder(folder))
]
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
        callback=lambda folder: use_data_folder(folder),
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
