"""`diffrender doctor`: what is missing on this machine, and what to do."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from diffrender.cli.messages import command
from diffrender.cli.settings import cores

DISTRIBUTION = "diffrender-video"  # what Python's packaging calls this program


class Finding(NamedTuple):
    """One thing looked at: state is ok, note or bad; remedy says what to do."""

    what: str
    state: str
    found: str
    remedy: str = ""


@command
def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False) -> None:
    """Check this machine, and say what to do.

    Looks at Python, packages, torch, device, Manim, fonts, ffmpeg, encoders, disk and cores.
    """
    findings = [
        finding
        for check in (_python, _packages, _torch, _manim, _ffmpeg, _encoders, _disk, _cores)
        for finding in check()
    ]
    if as_json:
        import json

        print(json.dumps([f._asdict() for f in findings], ensure_ascii=False))
    else:
        mark = {"ok": ("✓", "green"), "note": ("·", "yellow"), "bad": ("✗", "red")}
        for f in findings:
            sign, color = mark[f.state]
            typer.secho(f"{sign} ", fg=color, nl=False)
            typer.echo(f"{f.what:<12} {f.found}" + (f"\n{'':<15}{f.remedy}" if f.remedy else ""))
    if any(f.state == "bad" for f in findings):
        raise typer.Exit(1)


def _python() -> Iterator[Finding]:
    good = sys.version_info >= (3, 11)
    yield Finding(
        "Python",
        "ok" if good else "bad",
        f"{platform.python_version()} ({sys.executable})",
        "" if good else "Install Python 3.11 or newer.",
    )


def _packages() -> Iterator[Finding]:
    import importlib.metadata

    from packaging.requirements import Requirement

    try:
        requirements = [Requirement(r) for r in importlib.metadata.requires(DISTRIBUTION) or []]
    except importlib.metadata.PackageNotFoundError:
        yield Finding("diffrender", "bad", "not installed in this Python", "pip install -e .  in its folder")
        return
    wrong = []
    for requirement in requirements:
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement.name} {version} is not {requirement.specifier}")
    yield Finding(
        "packages",
        "bad" if wrong else "ok",
        "; ".join(wrong) or f"{len(requirements)} requirements fit",
        "make setup, in the checkout; or pip install -e ." if wrong else "",
    )


def _ask(code: str) -> tuple[bool, list[str]]:
    """Run Python elsewhere, so that a library that crashes when loaded is only reported: (worked, lines it printed)."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    return done.returncode == 0, lines or [f"exit code {done.returncode}"]


def _torch() -> Iterator[Finding]:
    works, lines = _ask(
        "import torch; print(torch.__version__, torch.get_num_threads(), sep=', threads: ');"
        "print(torch.cuda.get_device_name(0) if torch.cuda.is_available() else '');"
        "print('Apple' if torch.backends.mps.is_available() else '')"
    )
    if not works:
        yield Finding("torch", "bad", f"cannot be loaded: {lines[-1]}", "pip install torch")
        return
    version, cuda, apple = (*lines, "", "")[:3]
    yield Finding("torch", "ok", version)
    if cuda or apple:
        yield Finding("device", "ok", f"cuda: {cuda}" if cuda else f"mps: {apple}")
    else:
        yield Finding("device", "note", "cpu only: right for 2-D and 3-D data; images train slowly")


def _manim() -> Iterator[Finding]:
    works, lines = _ask("import manim; print(manim.__version__)")
    remedy = (
        "Debian: apt install pkg-config libcairo2-dev libpango1.0-dev; macOS: brew install pkg-config cairo pango; "
        "then pip install 'manim[typst]==0.22.*'"
    )
    if works:
        yield Finding("Manim", "ok", lines[-1])
    else:
        yield Finding("Manim", "bad", f"cannot be loaded: {lines[-1]}", remedy)
    works, lines = _ask(
        "import typst; typst.compile(b'#set text(font: \"New Computer Modern\")\\n$nabla log p$', format='svg')"
    )
    found = "Typst with New Computer Modern (bundled)" if works else f"Typst cannot set text: {lines[-1]}"
    yield Finding("fonts", "ok" if works else "bad", found, "" if works else "pip install 'manim[typst]==0.22.*'")


def _ffmpeg() -> Iterator[Finding]:
    from diffrender.video.encode.gif import ffmpeg_program

    try:
        yield Finding("ffmpeg", "ok", ffmpeg_program())
    except Exception as error:
        problem, _, remedy = str(error).partition("\n")
        yield Finding("ffmpeg", "bad", problem, remedy)


def _encoders() -> Iterator[Finding]:
    import av

    missing = [name for name in ("libx264", "libvpx-vp9") if name not in av.codecs_available]
    yield Finding(
        "encoders",
        "bad" if missing else "ok",
        f"PyAV {av.__version__} lacks {', '.join(missing)}" if missing else f"PyAV {av.__version__}: h264, vp9",
        "pip install --force-reinstall av  (the wheel brings them)" if missing else "",
    )


def _disk() -> Iterator[Finding]:
    folder = Path("outputs") if Path("outputs").is_dir() else Path.cwd()
    free = shutil.disk_usage(folder).free / 1e9
    writable = os.access(folder, os.W_OK)
    if not writable:
        yield Finding(
            "disk", "bad", f"{folder.resolve()} cannot be written", "Run in a folder of your own, or give --outputs."
        )
    else:
        yield Finding(
            "disk",
            "ok" if free > 2 else "note",
            f"{free:.1f} GB free in {folder.resolve()}",
            "" if free > 2 else "A lecture at 1080p needs one or two GB while it is made.",
        )


def _cores() -> Iterator[Finding]:
    count = cores()
    yield Finding("cores", "ok", f"{count}: 'diffrender render --workers {max(1, count // 2)}' is the default")
