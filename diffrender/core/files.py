"""Files: atomic writes, locks between processes, digests.

A file written here is there whole or not at all, whatever happens meanwhile: it is written under another name, forced
to the disk, and renamed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from diffrender.core.errors import DiffrenderError, UsageError

MAX_NAME = 1000  # characters of a path: beside the longest folder it is one that every system takes


# ---- names -----------------------------------------------------------------------------------------------------------
def expanded(name: str | Path) -> Path:
    """The path that a user named, `~` opened; UsageError for what cannot be a path on this system."""
    if len(str(name)) > MAX_NAME:
        raise UsageError(f"{str(name)[:60]}…: too long for the name of a file (more than {MAX_NAME:,} characters).")
    try:
        if "\0" in str(name):
            raise ValueError
        path = Path(name).expanduser()
        path.exists()  # names too long, or of an unknown user, are found out here
        return path
    except (RuntimeError, ValueError, OSError) as error:
        reason = getattr(error, "strerror", None) or "there is no such user, or no such place"
        raise UsageError(f"{str(name)[:60]}: cannot be the name of a file ({reason}).") from None


def file_to_write(name: str | Path) -> Path:
    """The path of a file that a user wants written: `~` opened, a link followed; UsageError for what is no file."""
    if not str(name).strip() or str(name) in (".", "-"):
        problem = "nothing is written to stdout" if str(name) == "-" else "no name"
        raise UsageError(f"--out '{'' if str(name) == '.' else name}': {problem}.", "Give the name of a file.")
    path = expanded(name)
    if path.is_dir():
        raise UsageError(f"--out {name}: is a folder.", f"Name a file in it, such as {Path(name) / 'NAME'}.")
    return path.resolve() if path.is_symlink() else path


# ---- atomic writes ---------------------------------------------------------------------------------------------------
@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write that takes the place of `path` when complete; on failure it is gone and `path` untouched."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            if sys.platform == "win32":
                yield file
            else:  # held until it has its name, so that nobody takes it for a leftover
                with contextlib.suppress(OSError):  # of a file system without locks
                    _lock(file.fileno())
                yield file
                file.flush()
                publish(part, path)
        if sys.platform == "win32":
            publish(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all."""
    with replacing(path) as file:
        file.write(text.encode())


def publish(finished: Path, path: Path) -> None:
    """Let a finished file take the place of `path`, on the same file system, in one step."""
    with finished.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(finished, path)


def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes left unfinished in a folder and below: files and folders called `.NAME.part`."""
    remove_unfinished(folder, "**/")
    for path in folder.glob("**/.*.part*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)


def remove_unfinished(folder: Path, below: str = "") -> None:
    """Remove the files that killed processes left unfinished in a folder; those that somebody writes now stay."""
    for path in folder.glob(f"{below}.*.part*"):
        if path.is_symlink() or (path.is_file() and not _is_held(path)):
            path.unlink(missing_ok=True)


def _is_held(path: Path) -> bool:
    if sys.platform == "win32":  # where what is open cannot be removed
        return False
    try:
        with path.open("rb") as file:
            _lock(file.fileno())
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


# ---- locks -----------------------------------------------------------------------------------------------------------
@contextlib.contextmanager
def locked(path: Path, busy: DiffrenderError) -> Iterator[None]:
    """Hold a lock file, made if need be; `busy` is raised if another process holds it.

    The system lets go of it however this process ends. The file itself stays, or goes with its folder.
    """
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            try:
                _lock(file.fileno())
            except OSError:
                raise busy from None
            if not _is_at(file.fileno(), path):  # the former holder removed it after we opened it
                continue
            yield
            return


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


# ---- digests ---------------------------------------------------------------------------------------------------------
def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def path_digest(path: Path) -> str:
    """SHA-256 of a file's bytes; of a folder's, the names and bytes of all in it that is not hidden."""
    if not path.is_dir():
        return file_digest(path)
    return digest({inside: file_digest(path / inside) for inside in files_in(path)})


def files_in(folder: Path) -> list[str]:
    """Every file in a folder and below, as paths from it, in order; hidden ones are left out."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in found if not any(part.startswith(".") for part in path.parts))


def digest(data: Any) -> str:
    """SHA-256 of data as canonical JSON, hexadecimal."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
