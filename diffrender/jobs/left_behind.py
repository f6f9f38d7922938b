"""The files in a folder of outputs: what each is, how large and how old, and those that nothing refers to any more.

Known as ours is only what says so itself: a content key inside the file, or the name of what an interrupted job left.
A film names its clips by their keys, a clip its recordings and what is said in it, an act that was cut that clip;
weights and films are referred to by whoever made them, so they always stay.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from diffrender.core import provenance
from diffrender.core.errors import DiffrenderError
from diffrender.core.files import locked, path_digest
from diffrender.jobs.job import SUBTITLES

NEW_SECONDS = 3600.0  # what is younger may be in use by a command that still runs, and stays
NO_CLIP = "its clip is there no more"
KEY = re.compile(r"[0-9a-f]{64}")
UNFINISHED_FILE = re.compile(r"\..+\.[0-9a-f]{8}\.part")  # as `core.files.replacing` names what it writes
UNFINISHED_CLIP = re.compile(r"\..+\.diffrender")  # as `video.drawing.work_folder` does


@dataclass(frozen=True)
class Output:
    """One file (or folder of an unfinished clip) that diffrender made.

    what: "film", "clip", "recording", …. size: bytes. modified: seconds since the epoch. unused: why it may go, empty
    if it stays. about: what the file says of itself.
    """

    path: Path
    what: str
    size: int
    modified: float
    about: dict[str, Any]
    unused: str = ""

    @property
    def key(self) -> str:
        """Its content key; empty where it has none."""
        return str(self.about.get("key", ""))


@dataclass(frozen=True)
class Survey:
    """Everything of ours in a folder, and the files that are not: how many, and their bytes."""

    outputs: list[Output]
    foreign: int
    foreign_size: int

    @property
    def unused(self) -> list[Output]:
        """What nothing refers to any more."""
        return [output for output in self.outputs if output.unused]


def survey(folder: Path, now: float | None = None) -> Survey:
    """Look at a folder of outputs and all below it; links are not followed, nothing is changed."""
    now = time.time() if now is None else now
    found, foreign = [], []
    for path in _walk(folder):
        output = _recognised(path)
        if output is None:
            foreign.append(path.lstat().st_size)
        else:
            found.append(output)
    return Survey([_judged(output, found, now) for output in found], len(foreign), sum(foreign))


def remove(folder: Path, outputs: list[Output]) -> list[Output]:
    """Delete `outputs`; those that went. What has changed since it was looked at stays.

    Raises DiffrenderError, before anything is deleted, if another process makes something in the folder.
    """
    removed = []
    with contextlib.ExitStack() as stack:
        busy = DiffrenderError(f"{folder}: something is being made there.", "Wait for it to end, then clean again.")
        for lock in (*folder.rglob(".lock"), *folder.rglob(".*.diffrender/lock")):
            stack.enter_context(locked(lock, busy))
        for output in outputs:
            if _stat(output.path) != (output.size, output.modified):
                continue
            if output.path.is_dir():
                shutil.rmtree(output.path)
            else:
                output.path.unlink()
            removed.append(output)
            if output.path.parent != folder:
                with contextlib.suppress(OSError):  # there is something else in it
                    output.path.parent.rmdir()
    return removed


# ---- what is ours ----------------------------------------------------------------------------------------------------
def _walk(folder: Path) -> Iterator[Path]:
    """Files, and folders of unfinished clips as one; neither links nor what links lead to."""
    for here, names, files in os.walk(folder):
        names.sort()
        for name in [name for name in names if UNFINISHED_CLIP.fullmatch(name)]:
            names.remove(name)
            yield Path(here) / name
        yield from (path for name in sorted(files) if not (path := Path(here) / name).is_symlink())


def _recognised(path: Path) -> Output | None:
    """The output at a path; None if nothing says that diffrender made it."""
    about: dict[str, Any] = {}
    if UNFINISHED_CLIP.fullmatch(path.name):
        what = "unfinished" if path.is_dir() and (path / "render.json").is_file() else ""
    elif UNFINISHED_FILE.fullmatch(path.name):
        what = "unfinished"
    elif path.suffix in SUBTITLES:
        videos = (path.with_suffix(f".{ending}") for ending in ("mp4", "webm", "mov"))
        what = "subtitles" if any(_about(video) for video in videos) else ""
    else:
        about = _about(path)
        kind = provenance.FILE_KINDS.get(path.suffix.lower(), "")
        what = "film" if about.get("kind") == "film" else {"video": "clip"}.get(kind, kind) if about else ""
    return Output(path, what, *_stat(path), about) if what else None


def _about(path: Path) -> dict[str, Any]:
    """What a file says of itself, if it carries a content key."""
    about = provenance.read(path) or {}
    return about if KEY.fullmatch(str(about.get("key"))) else {}


def _stat(path: Path) -> tuple[int, float]:
    """(bytes, when it was last written) of a file, or of all in a folder; nothing of what is gone."""
    files = [path, *path.rglob("*")] if path.is_dir() else [path]
    with contextlib.suppress(FileNotFoundError):
        stats = [file.stat() for file in files]
        return sum(s.st_size for f, s in zip(files, stats, strict=True) if f.is_file()), max(s.st_mtime for s in stats)
    return 0, 0.0


# ---- what refers to it -----------------------------------------------------------------------------------------------
def _judged(output: Output, found: list[Output], now: float) -> Output:
    """The same with the reason why it may go."""
    if now - output.modified < NEW_SECONDS:
        return output
    if output.what == "unfinished":
        return replace(output, unused="left by a command that was interrupted")
    if output.what == "recording":
        return replace(output, unused="" if _is_drawn(output, found) else "no clip shows it")
    if output.what == "speech":
        heard = any(output.key in o.about.get("spoken", ()) for o in found)
        return output if heard else replace(output, unused="no clip and no film says it")
    if output.about.get("kind") == "act":  # of a clip, cut for slides
        return output if any(o.key == output.about.get("clip") for o in found) else replace(output, unused=NO_CLIP)
    film = _film_of(output, found)
    if film is None or output.modified >= film.modified or _is_in(output, film, found):
        return output
    return replace(output, unused=f"not in {film.path.name} any more")


def _is_drawn(recording: Output, found: list[Output]) -> bool:
    """Whether a clip shows it, by key or by its bytes, or it belongs to weights, with which it was made."""
    shown = {key for clip in found for key in (clip.about.get("upstream") or {}).values()}
    weights = {output.key for output in found if output.what == "weights"}
    return recording.key in shown | weights or path_digest(recording.path) in shown


def _film_of(output: Output, found: list[Output]) -> Output | None:
    """The film of the lecture whose clip, poster or GIF this is; None if there is no film, or it is something else."""
    places = {"clips": ("clip", "subtitles"), "gifs": ("picture",), "posters": ("picture",)}
    if output.what not in places.get(output.path.parent.name, ()):
        return None
    return next((o for o in found if o.what == "film" and o.path.parent == output.path.parent.parent), None)


def _is_in(output: Output, film: Output, found: list[Output]) -> bool:
    """Whether a film holds the clip that this is, or that this was made of; a poster without a clip is a video's."""
    clips = film.path.parent / "clips"
    made_of = next((o for o in found if o.path.parent == clips and o.path.stem == output.path.stem and o.key), None)
    return made_of is None or made_of.key in film.about.get("clips", ())
