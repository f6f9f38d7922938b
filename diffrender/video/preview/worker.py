"""The process that previews, and the children that it forks.

Loading Manim takes longer than drawing a frame, so it is loaded once, in a process that runs nothing of the user's: the
nursery. For each version of a scene it forks a child that draws the frame looked at, by jumping there, and one that
plays the whole scene and leaves copies of itself on the way, each asleep at a frame: a marker. Any frame is drawn by a
copy of the marker before it, a few frames away. A version's processes are one process group each, and end at once when
it is dropped.

Commands and answers are lines of JSON; `v` is the version's number. Pictures are files in the folder WORK/v.

    {"do": "glance", "v", "spec", "first", "last"}   → frames, by jumping; then {"over": "glance"}
    {"do": "play", "v", "spec", "spacing"}           → the frame before each marker, then {"total", "acts",
                                                     "markers": [k, …]}, after an error as far as it came; it stays
    {"do": "drop"}                                   the version's processes end
    {"do": "halt"}                                   they stand still, and end when the next version plays: to end takes
                                                     time, which the picture that is waited for shall have
    {"do": "warm", "file"}                           takes over what a version's process had to load (`warm.py`)

A marker reads `[first, last]` from the pipe WORK/v/at-K, for itself alone; then come frames and {"over": "first-last"}.
A frame is {"at": k, "repeat": n, "file": name, "jumped": whether by jumping}: n frames from k on look like it. What
fails is {"error": …, "in": job}; what ends without a word is {"lost": job, "of": version, "reason"}.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import gc
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from diffrender.core.child_process import Answers
from diffrender.video import frames
from diffrender.video.acts import Acts
from diffrender.video.drawing.worker import describe, make_scene
from diffrender.video.film import sound
from diffrender.video.preview import warm
from diffrender.video.preview.version import TEXT
from diffrender.video.spec import RenderSpec

MAX_MARKERS = 16  # of a version; each keeps a few dozen megabytes of its own
QUALITY = 92  # of the JPEG pictures, whose colours are not subsampled
MAX_WORDS = 400  # characters of an error's problem and remedy: a pipe takes 4 kB whole, whoever else writes to it
PR_SET_CHILD_SUBREAPER = 36  # of Linux
Job = str  # what a process does: "glance", "play", "marker", or the window "first-last" that it draws


class Nursery:
    """The process that has everything loaded and forks. It draws nothing, so it is always there to listen.

    In a forked copy the same object says what that one does: `version` and `job`.
    """

    def __init__(self, work: Path) -> None:
        self.work, self.answers = work, Answers()
        self.version, self.job = 0, Job()
        self.children: dict[int, tuple[int, Job]] = {}  # process → its version (0: nobody asks for it now) and job
        self.groups: set[int] = set()
        self.halted: set[int] = set()

    def serve(self) -> None:
        """Do as stdin says, to its end."""
        adopt_orphans()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: self.reap())
        try:
            for line in sys.stdin:
                command = json.loads(line)
                match command["do"]:
                    case "glance" | "play":
                        self._start(command)
                    case "drop":
                        self._drop()
                    case "halt":
                        self._halt()
                    case "warm":
                        warm.load(Path(command["file"]))
                        gc.freeze()  # of what is there no copy needs to look for garbage
        finally:
            self._drop()

    def send(self, **message: Any) -> None:
        """One answer, written whole."""
        os.write(self.answers.file.fileno(), json.dumps({"v": self.version, **message}).encode() + b"\n")

    def fork(self, job: Job, version: int) -> int:
        """Go on as two processes; 0 in the copy, which is to do `job`."""
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        child = os.fork()
        if child:
            self.children[child] = version, job
        else:
            self.children, self.version, self.job = {}, version, job
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        return child

    def _start(self, command: dict[str, Any]) -> None:
        """Begin a version, or go on with it, in a process that leads a group of its own."""
        if command["do"] == "play":
            end(self.halted)
        if child := self.fork(command["do"], command["v"]):
            self.groups.add(child)
            with contextlib.suppress(OSError):
                os.setpgid(child, child)
            return
        spec = RenderSpec.model_validate(command["spec"])
        try:
            os.setpgid(0, 0)
            Performance(self, spec).do(command)
        except BaseException as error:  # whatever the user's code raises, SystemExit too
            self.fail(error, spec.scene)
        finally:
            os._exit(0)

    def fail(self, error: BaseException, scene: Path) -> None:
        """Tell an error, as much of it as a pipe takes whole; the traceback goes to the log."""
        sys.excepthook(type(error), error, error.__traceback__)
        found = {**describe(error, scene), "trace": ""}
        found |= {key: found[key][:MAX_WORDS] for key in ("problem", "remedy")}
        self.send(error=found, **{"in": self.job})

    def reap(self) -> None:
        """Say of children that ended otherwise than by their own will."""
        for child in [-1] if not self.version else list(self.children):
            with contextlib.suppress(ChildProcessError):
                while (ended := os.waitpid(child, os.WNOHANG))[0]:
                    version, job = self.children.pop(ended[0], (0, Job()))
                    if version and ended[1]:
                        self.send(lost=job, of=version, reason=exit_reason(ended[1]))

    def _drop(self) -> None:
        """End all processes of all versions."""
        self.children = dict.fromkeys(self.children, (0, Job()))
        end(self.groups)
        end(self.halted)

    def _halt(self) -> None:
        """Let all processes of all versions stand still, until they are ended."""
        self.children = dict.fromkeys(self.children, (0, Job()))
        end(self.halted)
        for group in self.groups:
            with contextlib.suppress(OSError):
                os.killpg(group, signal.SIGSTOP)
        self.halted, self.groups = self.groups, set()


def end(groups: set[int]) -> None:
    """End all processes of these groups, and forget them."""
    while groups:
        with contextlib.suppress(OSError):
            os.killpg(groups.pop(), signal.SIGKILL)


def adopt_orphans() -> None:
    """Let this process be the one that reaps what its children leave behind, where the system offers that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def exit_reason(status: int) -> str:
    """How a process ended, by the status that `wait` gives."""
    if os.WIFSIGNALED(status):
        return f"killed by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"exit code {os.waitstatus_to_exitcode(status)}"


class Performance:
    """A version of a scene in a process of its own."""

    def __init__(self, nursery: Nursery, spec: RenderSpec) -> None:
        self.nursery, self.spec = nursery, spec
        self.folder = nursery.work / str(nursery.version)
        self.settings = frames.manim_config(
            spec.width, spec.height, spec.fps, transparent=False, media=nursery.work / "media", seed=spec.seed
        )
        self.acts = Acts()
        self.markers: dict[int, int] = {}  # frame → process
        self.window: frames.Window | None = None  # what a copy of a marker draws
        self.at = 0

    def do(self, command: dict[str, Any]) -> None:
        """`glance` or `play`."""
        if command["do"] == "glance":
            self._glance(command["first"], command["last"])
        else:
            self._play(command["spacing"])

    def _glance(self, first: int, last: int) -> None:
        """Draw frames [first, last), by jumping to the first."""
        self.at = first
        gc.disable()  # it ends soon
        self._draw(iter([(first, last)]), jump=True)
        self.nursery.send(over="glance")

    def _play(self, spacing: int) -> None:
        """Play all, leaving markers; then stay, since they are this process's children."""
        known = set(sys.modules)
        try:
            total = self._draw(self._walk(spacing))
        except BaseException as error:
            if self.window:
                raise
            self.nursery.fail(error, self.spec.scene)
            total = max(self.markers, default=0)
        if self.window:
            self.nursery.send(over=self.nursery.job)
            return
        warm.collect(self.folder / "warm", known)
        self.nursery.send(total=total, acts=self.acts.begun, markers=sorted(self.markers))
        while True:
            time.sleep(60)

    def _draw(self, windows: Iterator[frames.Window], *, jump: bool = False) -> int:
        spec = self.spec
        scene = frames.load_scene(spec.scene, spec.scene_class, self._text())
        spoken = {act: sound.length(file) for act, file in spec.sounds.items()}
        self.acts = Acts(spoken, spec.act_pause)
        make = functools.partial(make_scene, spec, scene)
        return frames.draw(make, self.settings, windows, self._keep, acts=self.acts, jump=jump)

    def _text(self) -> bytes | None:
        """The scene's file as it was when the version began: all of a version's pictures are of one text."""
        file = self.folder / TEXT
        return file.read_bytes() if file.is_file() else None

    def _keep(self, pixels: np.ndarray, repeat: int) -> None:
        """Write a drawn frame."""
        name = f"{self.at}-{os.getpid()}.jpg"
        partial = self.folder / f"{name}.partial"
        Image.fromarray(pixels[..., :3]).save(partial, "JPEG", quality=QUALITY, subsampling=0)
        os.replace(partial, self.folder / name)
        self.nursery.send(at=self.at, repeat=repeat, file=name, jumped=self.nursery.job == "glance")
        self.at += repeat

    # ---- markers -----------------------------------------------------------------------------------------------------
    def _walk(self, spacing: int) -> Iterator[frames.Window]:
        """Single frames, after each of which a marker stays behind; in a copy of one, the frames that it shall draw.

        Drawing loads what draws, and fills the cache of frames: a marker's copies need not.
        """
        while True:
            yield self.at, self.at + 1
            self._leave_marker(self.at)
            if self.window:
                self.at = self.window[0]
                yield self.window
                return
            if len(self.markers) >= MAX_MARKERS:
                spacing *= 2
                self._thin_out()
            self.at += spacing - 1

    def _thin_out(self) -> None:
        """End every second marker."""
        for at in sorted(self.markers)[1::2]:
            child = self.markers.pop(at)
            self.nursery.children[child] = 0, Job()
            os.kill(child, signal.SIGKILL)

    def _leave_marker(self, at: int) -> None:
        """Leave a copy of this process here, which makes copies of itself that have a window to draw."""
        pipe = self.folder / f"at-{at}"
        os.mkfifo(pipe, 0o600)
        if child := self.nursery.fork("marker", self.nursery.version):
            self.markers[at] = child
            return
        with open(os.open(pipe, os.O_RDWR), encoding="utf-8") as orders:  # also to write, so that it never ends
            for line in orders:
                first, last = json.loads(line)
                if not self.nursery.fork(f"{first}-{last}", self.nursery.version):
                    self.window = first, last
                    return


def main() -> None:
    """Serve in the folder named on the command line; modules of the user's are never taken from an old compilation."""
    sys.dont_write_bytecode = True
    Nursery(Path(sys.argv[1])).serve()
