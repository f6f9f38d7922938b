"""What is not finished lies in a work folder beside its output, and comes into its place in one step.

The folder of `clip.mp4` is `.clip.mp4.diffrender`. A segment has its own name there only when it is whole. A render
that was interrupted, by Ctrl-C or by the power, goes on from them when the same thing is asked for again; anything else
asked for throws them away.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diffrender.core.errors import RenderError
from diffrender.core.files import digest
from diffrender.video.encode import container
from diffrender.video.spec import RenderSpec

INFO = "render.json"
PACKAGE = Path(__file__).resolve().parents[2]


@dataclass
class Segment:
    """Frames [first, last) of a clip, and where they are or will be."""

    index: int
    first: int
    last: int
    path: Path
    attempts: int = 0

    def whole(self) -> bool:
        """Whether it has been finished, by this render or one before."""
        if not self.path.is_file():
            return False
        try:
            return container.probe(self.path).frames == self.last - self.first
        except RenderError:
            return False


def segment_file(work: Path, index: int, suffix: str) -> Path:
    """Where a finished segment lies."""
    return work / f"{index:05d}.{suffix}"


def partial(path: Path) -> Path:
    """Where a file lies while it is being written: never under its own name."""
    return path.with_name(f"partial-{path.name}")


def content_key(spec: RenderSpec) -> str:
    """A digest of all that decides a segment's bytes: the spec, the code that draws, the recordings' size and time."""
    settings = spec.model_dump(mode="json", exclude={"out", "workers", "metadata", "gif_width", "gif_fps", "max_mb"})
    sources = [
        *sorted(PACKAGE.glob("animation/**/*.py")),
        *sorted(PACKAGE.glob("video/**/*.py")),
        *sorted(spec.scene.resolve().parent.glob("*.py")),
    ]
    code = {str(path): path.read_text("utf-8", "replace") for path in sources}
    recordings = {str(p): [p.stat().st_size, p.stat().st_mtime_ns] for p in spec.trajectories.values() if p.exists()}
    return digest([settings, code, recordings])


def _lock(folder: Path) -> Any:
    """Keep other processes out of a work folder until the file returned is closed; RenderError if one is in it."""
    file = (folder / "lock").open("w")
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:  # Windows: two renders of one file at a time are the user's to avoid
        pass
    except OSError:
        file.close()
        name = folder.name.removeprefix(".").removesuffix(".diffrender")
        raise RenderError(
            f"{folder.parent / name} is being rendered by another process.", "Wait for it to end."
        ) from None
    return file


@contextmanager
def work_folder(spec: RenderSpec) -> Iterator[Path]:
    """The folder beside the output for what is not finished.

    It holds what an earlier render of the same thing finished, and nothing else. Leaving it normally removes it;
    leaving it by an exception removes half-written files, and the folder too if no segment is whole.
    """
    folder = spec.out.parent / f".{spec.out.name}.diffrender"
    info = {"key": content_key(spec)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = _lock(folder)
        if read_info(folder).get("key") != info["key"]:
            _empty(folder)
        (folder / INFO).write_text(json.dumps({**read_info(folder), **info}), "utf-8")
    except OSError as error:
        raise RenderError(
            f"{spec.out.parent}: cannot be written to ({error.strerror}).", "Choose another place with --out."
        ) from None
    remove_partial(folder)
    try:
        yield folder
    except BaseException:
        remove_partial(folder)
        if not any(folder.glob("[0-9]*.*")):
            shutil.rmtree(folder, ignore_errors=True)
        raise
    else:
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        lock.close()


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name != "lock":
            path.unlink()


def read_info(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / INFO).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def remove_partial(folder: Path) -> None:
    for path in folder.glob("partial-*"):
        with suppress(OSError):
            path.unlink()


def publish(path: Path, out: Path) -> None:
    """Put a finished file in its place: all of it or nothing, whatever happens meanwhile."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(path, out)
