"""The folder beside a clip in which it is made, segment by segment.

The folder of `clip.mp4` is `.clip.mp4.diffrender`. A segment has its own name there only when it is whole. A render
that was interrupted, by Ctrl-C or by the power, goes on from them when the same thing is asked for again; anything else
asked for throws them away.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diffrender.config.scene_modules import scene_modules
from diffrender.core.errors import RenderError
from diffrender.core.files import digest, locked
from diffrender.video.encode import container
from diffrender.video.spec import RenderSpec

INFO = "render.json"
PARTIAL = "partial-"  # begins the names of what is not finished
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
    return path.with_name(f"{PARTIAL}{path.name}")


def segments_key(spec: RenderSpec) -> str:
    """A digest of all that decides a segment's bytes: the spec, the code that draws, size and time of what it reads."""
    settings = spec.model_dump(
        mode="json", exclude={"out", "workers", "metadata", "gif_width", "gif_fps", "max_mb", "loop"}
    )
    sources = [
        *sorted(PACKAGE.glob("animation/**/*.py")),
        *sorted(PACKAGE.glob("video/**/*.py")),
        *scene_modules(spec.scene),
    ]
    code = {str(path): path.read_text("utf-8", "replace") for path in sources}
    read = [
        path for path in (*spec.trajectories.values(), *spec.sounds.values(), spec.logo_file) if path and path.exists()
    ]
    return digest([settings, code, {str(path): [path.stat().st_size, path.stat().st_mtime_ns] for path in read}])


@contextmanager
def work_folder(spec: RenderSpec) -> Iterator[Path]:
    """The folder beside the output for what is not finished.

    It holds what an earlier render of the same thing finished, and nothing else. Leaving it normally removes it;
    leaving it by an exception removes half-written files, and the folder too if no segment is whole.
    """
    folder = spec.out.parent / f".{spec.out.name}.diffrender"
    busy = RenderError(f"{spec.out} is being rendered by another process.", "Wait for it to end.")
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(folder / "lock", busy))
            _prepare(folder, segments_key(spec))
        except OSError as error:
            raise RenderError(
                f"{spec.out.parent}: cannot be written to ({error.strerror}).", "Choose another place with --out."
            ) from None
        try:
            yield folder
        except BaseException:
            remove_partial(folder)
            if not any(folder.glob("[0-9]*.*")):
                shutil.rmtree(folder, ignore_errors=True)
            raise
        shutil.rmtree(folder, ignore_errors=True)


def _prepare(folder: Path, key: str) -> None:
    """Keep what an earlier render of the same thing finished, and nothing else."""
    if read_info(folder).get("key") != key:
        _empty(folder)
    (folder / INFO).write_text(json.dumps({**read_info(folder), "key": key}), "utf-8")
    remove_partial(folder)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != "lock":
            path.unlink()


def read_info(folder: Path) -> dict[str, Any]:
    """What the folder says of itself (key, frames, …); nothing if it cannot be read."""
    try:
        found = json.loads((folder / INFO).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def remove_partial(folder: Path) -> None:
    """Remove what a render that was interrupted had begun and not finished."""
    for path in folder.glob(f"{PARTIAL}*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()
