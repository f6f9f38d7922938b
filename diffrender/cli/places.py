"""Folders and files that flags name, refused before any work if nothing can be read or written there."""

from __future__ import annotations

import os
from pathlib import Path

from diffrender.cli.messages import fail
from diffrender.core.errors import DiffrenderError, UsageError
from diffrender.core.files import expanded, file_to_write


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


def use_data_folder(folder: Path | None) -> Path | None:
    """Read data sets from `folder`, in this process and in those that it starts."""
    if folder is not None:
        from diffrender.config.datasets import DATA_DIR

        folder = Path(folder).expanduser() if str(folder).startswith("~/") else folder
        if not folder.is_dir():
            fail(UsageError(f"--data-dir {folder}: no such folder."), UsageError.exit_code)
        os.environ[DATA_DIR] = str(folder.resolve())
    return folder
