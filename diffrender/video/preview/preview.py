"""Previewing a scene while it is written: the frame under a cursor as soon as it can be, then those around it.

This is the parent's end; it loads no Manim. What is said between the two: see `worker.py`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from diffrender.core.child_process import MODULE, ChildProcess, error_from_message
from diffrender.core.errors import RenderError, UsageError
from diffrender.video.preview.version import TEXT, Version
from diffrender.video.spec import RenderSpec

SPACING = 40  # frames between two markers, until the length of the scene is known
MARKERS = 12  # about so many, once it is
GLANCE = 6  # frames from the cursor on that are drawn first
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS")
END_SECONDS = 2.0  # in which the process ends by itself


class Preview:
    """Draws versions of a scene, one after the other, on at most `workers` processes; a context manager.

    changed: called, from a thread of its own, whenever something is new; it must be quick.
    """

    def __init__(self, workers: int, changed: Callable[[], None]) -> None:
        if not hasattr(os, "fork"):
            raise UsageError(
                "A scene can be watched only where processes can be forked: on Linux and macOS.",
                "On Windows use WSL, or render drafts: diffrender render SCENE -q l --preview",
            )
        self.workers, self.changed = workers, changed
        self.cursor = 0
        self.current: Version | None = None  # what is drawn
        self.shown: Version | None = None  # what can be looked at: the last that has a picture
        self.number = 0
        self.warmed = False
        self.news = threading.Condition(threading.RLock())
        self.folder = Path(tempfile.mkdtemp(prefix="diffrender-watch-"))
        self._start()

    def __enter__(self) -> Preview:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all processes; the pictures are removed."""
        with self.news:
            self.closed, self.current = True, None
        assert self.process.process.stdin is not None
        self.process.process.stdin.close()  # it ends what it forked, then itself
        self.listener.join(END_SECONDS)
        self.process.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- what is asked for -------------------------------------------------------------------------------------------
    def show(self, spec: RenderSpec) -> None:
        """A new version: what was under way for the one before is dropped; its pictures stay until this has one."""
        with self.news:
            self.stop("halt")
            if self.ended:
                self._start()
            self.number += 1
            self.current = version = Version(self.number, spec, time.monotonic())
            (self.folder / str(version.number)).mkdir()
            with contextlib.suppress(OSError):  # that it is gone is said where it is loaded
                shutil.copyfile(spec.scene, self.folder / str(version.number) / TEXT)
            self._go_on()
        self.changed()

    def stop(self, do: str = "drop") -> None:
        """Drop what is under way, or `halt` it until the next version plays; what is drawn stays."""
        with self.news:
            if self.current:
                self.process.send({"do": do})
                self.current.busy.clear()
                if self.current is not self.shown:
                    self._forget(self.current)
                self.current = None

    @property
    def failed(self) -> bool:
        """Whether something of the version that is drawn went wrong."""
        with self.news:
            return bool(self.current and self.current.error)

    def look(self, frame: int) -> None:
        """The frame that is looked at: what is drawn next lies around it."""
        with self.news:
            self.cursor = frame
            self._go_on()

    def picture(self, number: int, frame: int, seconds: float) -> bytes | None:
        """The picture (JPEG) of a frame of a version, waiting for it so long; None if there is none by then."""
        end = time.monotonic() + seconds
        with self.news:
            while True:
                version = next((v for v in (self.shown, self.current) if v and v.number == number), None)
                if version is None or time.monotonic() > end:
                    return None
                if frame in version.pictures:
                    file = version.pictures[frame].file
                    break
                self.news.wait(max(end - time.monotonic(), 0.01))
            return file.read_bytes()

    # ---- the process -------------------------------------------------------------------------------------------------
    def _start(self) -> None:
        self.closed = self.ended = False
        threads = dict.fromkeys(ONE_THREAD, "1")
        environment = {**os.environ, **threads}
        self.log = self.folder / "log"
        with self.log.open("ab") as log:
            command = [*MODULE, "diffrender.video.preview", str(self.folder)]
            self.process = ChildProcess(command, log, environment)
        self.listener = threading.Thread(target=self._listen, args=(self.process,), daemon=True)
        self.listener.start()

    def _listen(self, process: ChildProcess) -> None:
        for message in process.answers():
            with self.news:
                if self.current and message.get("of", message["v"]) == self.current.number:
                    self._hear(self.current, message)
                    self._go_on()
                self.news.notify_all()
            self.changed()
        with self.news:
            if not self.closed and process is self.process:
                self._fail_all(process)
        self.changed()

    def _fail_all(self, process: ChildProcess) -> None:
        """The process has gone: say so; the next version has another."""
        reason = process.exit_reason()
        if self.current:
            self.current.error = RenderError(f"The process that draws ended ({reason}).", self._last_words())
            self.current.busy.clear()
            self.current.markers.clear()
        self.warmed, self.ended = False, True

    def _last_words(self) -> str:
        lines = self.log.read_text("utf-8", "replace").strip().splitlines()
        return f"It last said: {lines[-1]}." if lines else "It may have run out of memory."

    # ---- what comes back ---------------------------------------------------------------------------------------------
    def _hear(self, version: Version, message: dict[str, Any]) -> None:
        if "at" in message:
            version.keep(message, self.folder / str(version.number))
            self._has_picture(version)
        elif "over" in message:
            version.busy.discard(message["over"])
        elif "total" in message:
            version.total, version.acts, version.markers = message["total"], message["acts"], message["markers"]
            version.busy.discard("play")
            if not version.error:
                self.cursor = min(self.cursor, version.total - 1)
            self._warm(version)
        elif "error" in message:
            version.busy.discard(message["in"])
            version.error = version.error or error_from_message(message["error"])
        elif "lost" in message:
            version.busy.discard(message["lost"])
            reason = f"The process that draws ended ({message['reason']})."
            version.error = version.error or RenderError(reason, "It may have run out of memory.")
            if message["lost"] == "play":
                version.total = version.total or 0

    def _has_picture(self, version: Version) -> None:
        if version.seconds is None:
            version.seconds = time.monotonic() - version.begun
        if self.shown is not version:
            before, self.shown = self.shown, version
            if before:
                self._forget(before)

    def _forget(self, version: Version) -> None:
        shutil.rmtree(self.folder / str(version.number), ignore_errors=True)

    def _warm(self, version: Version) -> None:
        """Let the process take over what this version had to load, while nobody waits for it."""
        if not self.warmed:
            self.process.send({"do": "warm", "file": str(self.folder / str(version.number) / "warm")})
            self.warmed = True

    # ---- what comes next ---------------------------------------------------------------------------------------------
    def _go_on(self) -> None:
        """Hand out work, as long as there are processes for it."""
        version = self.current
        while version and len(version.busy) < self.workers and self._hand_out(version):
            pass

    def _hand_out(self, version: Version) -> bool:
        """Begin the next piece of work; False if there is none now."""
        spec = {"v": version.number, "spec": json.loads(version.spec.model_dump_json())}
        if not version.played and version.glanced is not None:
            if "glance" in version.busy and not version.pictures:
                return False  # the picture that is waited for has the machine to itself
            length = self.shown.total if self.shown and self.shown.total else SPACING * MARKERS
            version.played = True
            version.busy.add("play")
            self.process.send({"do": "play", **spec, "spacing": max(8, -(-length // MARKERS))})
        elif version.total is None and version.glanced != self.cursor and not version.error:
            if "glance" in version.busy or self.cursor in version.pictures:
                return False
            version.glanced = self.cursor
            version.busy.add("glance")
            self.process.send({"do": "glance", **spec, "first": self.cursor, "last": self.cursor + GLANCE})
        elif version.error and self.shown is not version:
            return False  # the last good picture stays
        elif chunk := version.next_chunk(self.cursor):
            marker, first, last = chunk
            version.busy.add(f"{first}-{last}")
            order = f"[{first}, {last}]\n".encode()
            pipe = os.open(self.folder / str(version.number) / f"at-{marker}", os.O_RDWR | os.O_NONBLOCK)
            try:
                os.write(pipe, order)
            finally:
                os.close(pipe)
        else:
            return False
        return True
