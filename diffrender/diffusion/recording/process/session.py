"""The recordings of one process: a file a run, finished when the run is, and whatever happens in the end."""

from __future__ import annotations

import atexit
import itertools
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from diffrender.core.errors import TrajectoryError
from diffrender.diffusion.recording.keep import Keep
from diffrender.diffusion.recording.recorder import Recorder


class Session:
    """Opens a recorder for each run that is met.

    folder: where recordings go, `01-DDIMScheduler.npz` and so on; an older one is never written over. every, chains:
    keep one state in `every`, of the first so many chains. only: part of a sampler's name; others are left alone.
    notes: a file to which a line of JSON is added for each run, for the program that started this one to tell.
    """

    def __init__(self, folder: str, notes: str, every: int = 1, chains: int = 0, only: str = "") -> None:
        self.folder, self.notes = Path(folder), Path(notes)
        self.every, self.chains, self.only = every, chains, only.lower()
        self.refused: set[str] = set()
        self.open: dict[Recorder, Callable[[], None]] = {}
        self.process = os.getpid()
        atexit.register(self.close)

    def wanted(self, sampler: str) -> bool:
        """Whether runs of this sampler are recorded; not in a fork, whose parent has its files open."""
        return self.only in sampler.lower() and os.getpid() == self.process

    def begin(self, sampler: str, finish: Callable[[], None] = lambda: None) -> Recorder:
        """A recorder for a run; finish: called before it is closed."""
        path, parts = self._place(sampler)
        recorder = Recorder(path, keep=Keep(every=self.every), parts=parts, sampler={"name": sampler})
        self.open[recorder] = finish
        return recorder

    def end(self, recorder: Recorder, problem: str = "") -> None:
        """Close a run's recorder, and note what was recorded; problem: why it is not complete."""
        finish = self.open.pop(recorder, None)
        if finish is None:
            return
        try:
            finish()
            if problem:
                recorder.meta.setdefault("incomplete", problem[:500])
            if len(recorder.levels) < 2:
                recorder.writer.__exit__(TrajectoryError)  # not one move: no file
                return
            recorder.__exit__(None, None, None)
            problem = str(recorder.meta.get("incomplete", ""))
        except Exception as error:
            problem = f"not written: {error}"
        self.note(recorder, problem)

    def close(self) -> None:
        """End every run: the process ends."""
        if os.getpid() != self.process:
            return
        error = getattr(sys, "last_value", None)
        for recorder in list(self.open):
            self.end(recorder, f"{type(error).__name__}: {error}" if error is not None else "")

    def note(self, recorder: Recorder, problem: str) -> None:
        """Add a line about a run to the notes."""
        shape = recorder.writer.spools["x"].row if "x" in recorder.writer.spools else (0,)
        line = {
            "file": str(recorder.writer.path),
            "sampler": (recorder.meta.get("sampler") or {}).get("name", ""),
            "steps": len(recorder.levels) - 1,
            "chains": shape[0],
            "event": shape[1:],
            "problem": problem,
        }
        self._write(line)

    def refuse(self, sampler: str, reason: str) -> None:
        """Note, once, that a sampler was met and is not recorded."""
        if sampler not in self.refused:
            self.refused.add(sampler)
            self._write({"sampler": sampler, "refused": reason})

    # ---- in detail ---------------------------------------------------------------------------------------------------
    def _write(self, line: dict[str, Any]) -> None:
        with self.notes.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def _place(self, sampler: str) -> tuple[Path, Path]:
        """The file of the next run, and the folder of its parts, which makes its number this process's own."""
        for number in itertools.count(1):
            path = self.folder / f"{number:02}-{sampler}.npz"
            parts = self.folder / f".{number:02}.parts"
            if not list(self.folder.glob(f"{number:02}-*.npz")):
                try:
                    parts.mkdir(parents=True)
                    return path, parts
                except FileExistsError:
                    continue
        raise AssertionError("numbers do not end")
