"""Watching: from a saved file or a moved slider to what the page shows."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from diffrender.cli.loopback.presence import Presence
from diffrender.cli.watch_page.files import FileWatch
from diffrender.cli.watch_page.form import fields
from diffrender.cli.watch_page.recording import Recording
from diffrender.cli.watch_page.subject import Subject, Watched
from diffrender.core.child_process import error_as_message, error_from_message
from diffrender.core.errors import DiffrenderError
from diffrender.jobs.job import Job, pending
from diffrender.jobs.plan.clip import clip_spec
from diffrender.jobs.run.children import Children
from diffrender.video.preview.preview import Preview

LINES_AROUND = 2  # of the line that an error names
PLACE = re.compile(r"(?P<file>[^\s:]+\.(?:py|ya?ml)), line (?P<line>\d+)")


class Session:
    """What is watched, the options chosen on the page, and what is drawn of it; a context manager.

    Files, the page and the drawing tell it of news from threads of their own; one thread of its own plans.
    """

    def __init__(self, subject: Subject, workers: int, outputs: Path = Path("outputs")) -> None:
        self.subject, self.outputs = subject, outputs
        self.presence = Presence()
        self.news = threading.Condition()
        self.changes, self.clip_changes = 0, 0  # counted: of all, and of what is said of the clip
        self.entry = subject.start()
        self.values: dict[int, dict[str, Any]] = {}
        self.watched: Watched | None = None
        self.error: DiffrenderError | None = None
        self.recording: Recording | None = None
        self.failure: tuple[list[str], DiffrenderError] | None = None  # jobs that are not tried again as they are
        self.key = ""
        self.dirty, self.closed = threading.Event(), False
        self.children = Children(workers)
        self.preview = Preview(workers, self._changed)
        self.files = FileWatch(self.look_again)
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Session:
        self.files.follow(self.subject.files())
        self.look_again()
        self.thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.closed = True
        self.files.close()
        self.dirty.set()
        self.thread.join(10)
        if self.recording:
            self.recording.cancel()
        self.children.end_idle()
        self.preview.close()

    # ---- what the page asks for --------------------------------------------------------------------------------------
    def look_again(self, *, anew: bool = False) -> None:
        """Something may have changed. anew: draw it again even if nothing has."""
        if anew:
            self.key, self.failure = "", None
        self.dirty.set()

    def choose(self, entry: int) -> None:
        """Another entry of the lecture."""
        self.entry = entry
        self.preview.look(0)
        self._clip_changed()
        self.look_again()

    def set_options(self, values: Mapping[str, Any]) -> None:
        """Options of the scene, in place of those set on the page before."""
        self.values[self.entry] = dict(values)
        self._clip_changed()
        self.look_again()

    def commands(self) -> dict[str, str]:
        """What makes the same for good; DiffrenderError if it cannot be read now."""
        return self.subject.command(self.entry, self.values.get(self.entry, {}))

    # ---- what the page is told ---------------------------------------------------------------------------------------
    def wait(self, seen: int, seconds: float) -> int:
        """How many changes there were; returns as soon as there are more than `seen`, or after so many seconds."""
        with self.news:
            self.news.wait_for(lambda: self.changes > seen, seconds)
            return self.changes

    def clip_state(self) -> dict[str, Any]:
        """What seldom changes: the entries, and the options with their values."""
        watched = self.watched
        try:
            entries = self.subject.entries()
        except DiffrenderError:  # said by the plan
            entries = []
        return {
            "name": self.subject.name,
            "entries": entries,
            "entry": self.entry,
            "fields": fields(watched.card) if watched else [],
            "given": {name: _plain(value) for name, value in watched.given.items()} if watched else {},
            "set": self.values.get(self.entry, {}),
        }

    def state(self) -> dict[str, Any]:
        """What changes all the time: the version that is shown, what is drawn of it, what goes on, what is wrong."""
        recording = self.recording
        with self.preview.news:
            shown, current = self.preview.shown, self.preview.current
            error = self.error or (current.error if current else None)
            state: dict[str, Any] = {
                "cursor": self.preview.cursor,
                "version": shown.number if shown else 0,
                "drawing": bool(current and current.busy),
                "waiting": bool(current and current is not shown and not error),
            }
            if shown:
                spec = shown.spec
                state |= {"width": spec.width, "height": spec.height, "fps": spec.fps, "total": shown.total}
                state |= {"acts": shown.acts, "drawn": shown.drawn(), "seconds": shown.seconds}
        state["recording"] = recording.told() if recording else None
        state["error"] = _told(error) if error else None
        return state

    def _changed(self) -> None:
        with self.news:
            self.changes += 1
            self.news.notify_all()

    def _clip_changed(self) -> None:
        with self.news:
            self.clip_changes += 1
        self._changed()

    # ---- planning ----------------------------------------------------------------------------------------------------
    def _run(self) -> None:
        while self.dirty.wait() and not self.closed:
            self.dirty.clear()
            try:
                self._plan()
                self.error = None
            except DiffrenderError as error:
                self.error = error
            except Exception as error:
                self.error = error_from_message(error_as_message(error, "diffrender watch"))
            self._changed()

    def _plan(self) -> None:
        """Read all anew; draw it, or first record what it needs."""
        watched = self.subject.clip(self.entry, self.values.get(self.entry, {}))
        if self.watched is None or watched.card != self.watched.card or watched.given != self.watched.given:
            self.watched = watched
            self._clip_changed()
        self.watched = watched
        self.files.follow(watched.files | self.subject.files())
        todo = pending(watched.job.needs)
        if todo:
            self._record(todo)
            return
        self._end_recording()
        if watched.job.key != self.key or self.preview.failed:
            self.key = watched.job.key
            self.preview.show(clip_spec(watched.job))

    def _record(self, todo: list[Job]) -> None:
        """See to it that these jobs are being done, and no others; raises what went wrong when they were."""
        keys = [job.key for job in todo]
        if self.recording and self.recording.error:
            self.failure = self.recording.keys, self.recording.error
            self.recording = None
        if self.failure and self.failure[0][-len(keys) :] == keys:
            raise self.failure[1]
        if self.recording and (self.recording.done or self.recording.keys[-len(keys) :] != keys):
            self._end_recording()
        if self.recording is None:
            self.preview.stop()
            self.key, self.failure = "", None
            self.recording = Recording(todo, self.children, self.outputs, self._recorded)

    def _recorded(self) -> None:
        if self.recording is None or self.recording.done:
            self.look_again()
        self._changed()

    def _end_recording(self) -> None:
        if self.recording:
            self.recording.cancel()
            self.recording = None


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _told(error: DiffrenderError) -> dict[str, Any]:
    """An error as the page shows it: its words, and the lines of the file that it names."""
    remedy = "" if "--debug" in error.remedy else error.remedy  # the page has no command line
    told: dict[str, Any] = {"problem": error.problem, "remedy": remedy}
    if place := PLACE.search(error.problem):
        file, line = Path(place["file"]), int(place["line"])
        told |= {"file": file.name, "line": line, "lines": _lines(file, line)}
    return told


def _lines(file: Path, line: int) -> list[tuple[int, str]]:
    """The lines around one, with their numbers."""
    try:
        text = file.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    return [(n, text[n - 1][:200]) for n in range(line - LINES_AROUND, line + LINES_AROUND + 1) if 1 <= n <= len(text)]
