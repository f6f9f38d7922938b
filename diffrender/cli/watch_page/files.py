"""Noticing that files were saved."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from watchfiles import Change, watch

STEP_MS, DEBOUNCE_MS = 15, 60  # an editor writes a file in several steps; what comes within these is one change
CODE = (".py", ".yaml", ".yml")


class FileWatch:
    """Calls `changed` when a file that counts was saved, from a thread of its own.

    Folders are watched, not files: editors save by putting a new file in the old one's place. What counts are the files
    given, and any code or YAML beside them, which may be what is missing.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self.changed = changed
        self.files: frozenset[Path] = frozenset()
        self.folders: frozenset[Path] = frozenset()
        self.stop = threading.Event()

    def follow(self, files: Iterable[Path]) -> None:
        """Watch these files from now on."""
        self.files = frozenset(files)
        folders = frozenset(folder for folder in {file.parent for file in self.files} if folder.is_dir())
        if folders != self.folders:
            self.close()
            self.folders, self.stop = folders, threading.Event()
            threading.Thread(target=self._watch, args=(folders, self.stop), daemon=True).start()

    def close(self) -> None:
        """Watch nothing more."""
        self.stop.set()

    def _watch(self, folders: frozenset[Path], stop: threading.Event) -> None:
        for _ in watch(
            *folders,
            watch_filter=self._counts,
            debounce=DEBOUNCE_MS,
            step=STEP_MS,
            rust_timeout=500,
            stop_event=stop,
            recursive=False,
            raise_interrupt=False,
        ):
            if stop.is_set():
                return
            self.changed()

    def _counts(self, change: Change, path: str) -> bool:
        file = Path(path)
        return file in self.files or (file.suffix in CODE and not file.name.startswith("."))
