"""`diffrender record`: run somebody's program, and record what it samples with."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from diffrender.cli.flags import Outputs
from diffrender.cli.messages import command, say
from diffrender.cli.places import writable

HOOK = Path(__file__).parents[2] / "diffusion/recording/process/hook"  # its sitecustomize is run when a Python starts


@command
def record(
    program: Annotated[list[str], typer.Argument(metavar="-- PROGRAM [ARGS]…", help="What to run, after two dashes.")],
    every: Annotated[int, typer.Option("--every", min=1, help="Keep one state in so many.")] = 1,
    chains: Annotated[int, typer.Option("--chains", "-n", min=0, help="Keep the first so many chains; 0: all.")] = 0,
    only: Annotated[
        str, typer.Option("--only", metavar="NAME", help="Record samplers whose name holds this, and no others.")
    ] = "",
    outputs: Outputs = Path("outputs"),
) -> None:
    """Run a program and record what it samples with.

    Schedulers of diffusers, samplers of k-diffusion and of azula are recorded, a file a run, in OUTPUTS/PROGRAM; the
    program is not changed: what it prints, how it ends and what it makes stay as they are.

    Example:  diffrender record --chains 16 -- python their_script.py --steps 50
    """
    words = [sys.executable, *program] if program[0].endswith(".py") else program
    if shutil.which(words[0]) is None:
        from diffrender.core.errors import UsageError

        raise UsageError(f"{words[0]}: no such program.", "Example: diffrender record -- python their_script.py")
    folder = (outputs / _name(program)).absolute()
    writable(folder)
    with tempfile.TemporaryDirectory() as scratch:
        notes = Path(scratch) / "notes"
        settings = {"folder": str(folder), "notes": str(notes), "every": every, "chains": chains, "only": only}
        before = os.environ.get("PYTHONPATH")
        place = str(HOOK) + (os.pathsep + before if before else "")
        environment = {**os.environ, "PYTHONPATH": place, "DIFFRENDER_RECORD": json.dumps(settings)}
        code = _run(words, environment)
        runs = [json.loads(line) for line in notes.read_text("utf-8").splitlines()] if notes.exists() else []
    runs += _recovered(folder, code)
    for run in runs:
        _tell(run)
    if not any("file" in run for run in runs):
        say(
            "Nothing was recorded: no scheduler of diffusers and no sampler of k-diffusion or azula made a step.\n"
            "A loop of its own is recorded by two lines in it, diffrender.Recorder and recorder.state: see"
            " docs/your-model.md.",
            "yellow",
        )
    raise typer.Exit(code)


def _name(program: list[str]) -> str:
    """What a program is called: its script or module, else itself."""
    script = next((word for word in program if word.endswith(".py")), "")
    module = program[program.index("-m") + 1] if "-m" in program[:-1] else ""
    return Path(script or module or program[0]).stem


def _run(words: list[str], environment: dict[str, str]) -> int:
    """Run a program with this one's own streams; its exit code, 128 + the signal that ended it."""
    process = subprocess.Popen(words, env=environment)
    passed = {signal.SIGTERM, signal.SIGHUP} if hasattr(signal, "SIGHUP") else {signal.SIGTERM}
    before: dict[Any, Any] = {number: signal.signal(number, lambda n, _: process.send_signal(n)) for number in passed}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal has sent it to both
    try:
        code = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code


def _recovered(folder: Path, code: int) -> list[dict[str, Any]]:
    """The runs that were under way when a process was killed."""
    from diffrender.trajectory.reader import Trajectory
    from diffrender.trajectory.writer import recover

    found = []
    reason = f"the program ended in the middle of it, with code {code}"
    for parts in sorted(folder.glob(".*.parts")):
        path = recover(parts, reason)
        if path is not None:
            run = Trajectory.open(path)
            sampler = (run.meta.get("sampler") or {}).get("name", "")
            facts = {"sampler": sampler, "steps": run.steps, "chains": run.chains, "event": run.event}
            found.append({"file": str(path), "problem": reason, **facts})
    return found


def _tell(run: dict[str, Any]) -> None:
    """A line about a run that was recorded, or a sampler that is not."""
    if "refused" in run:
        say(f"not recorded: {run['refused']}", "yellow")
        return
    file = os.path.relpath(run["file"])
    shape = " × ".join(map(str, run["event"]))
    what = f"{run['sampler']}, {run['steps']} steps of {run['chains']} × ({shape})"
    if run["problem"]:
        say(f"recorded {what}: {file}\n  incomplete: {run['problem']}", "yellow")
    else:
        say(f"recorded {what}: {file}")
