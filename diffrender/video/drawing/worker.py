"""The process that draws: ``python -m diffrender.video.drawing SPEC WORK MEDIA``. Each has a Manim of its own.

Commands come as lines of JSON on stdin, answers go as lines of JSON to stdout; what libraries print goes to stderr.

    {"do": "count"}                               → {"total": frames, "captions": [[from, to, text], …], "shown": […]}
    {"do": "segment", "index", "first", "last"}   → {"frames": drawn so far} …, {"done": index}
    {"do": "pictures", "frames": [k, …]}          → {"pictures": n}; WORK/0.png, 1.png, …
    {"do": "finished"}                            → {"pictures": 1}; the state after the last animation

Segments are asked for in ascending order, so one pass through the scene serves them all. Any failure is answered by
{"error": …}. The process ends when its stdin closes, that is also when its parent dies.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np

from diffrender.core.errors import DiffrenderError, RenderError
from diffrender.video import frames
from diffrender.video.drawing.work_folder import partial, segment_file
from diffrender.video.encode import settings as encoding
from diffrender.video.spec import RenderSpec

PROGRESS = 0.1  # seconds between two reports


class DrawingWorker:
    """Draws what it is told of one scene."""

    def __init__(self, spec: RenderSpec, work: Path, media: Path) -> None:
        self.spec, self.work = spec, work
        self.out = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
        os.dup2(2, 1)  # what a scene prints must not look like an answer
        self.commands: queue.Queue[dict[str, Any]] = queue.Queue()
        self.settings = frames.manim_config(
            spec.width, spec.height, spec.fps, transparent=spec.transparent, media=media, seed=spec.seed
        )

    def say(self, **answer: Any) -> None:
        """One answer."""
        self.out.write(json.dumps(answer) + "\n")

    def listen(self) -> None:
        """Put commands in the queue as they come (a thread's work); end the process when there can be no more."""
        for line in sys.stdin:
            self.commands.put(json.loads(line))
        os._exit(0)

    def run(self) -> None:
        """Answer commands for ever."""
        threading.Thread(target=self.listen, daemon=True).start()
        self.scene = frames.load_scene(self.spec.scene, self.spec.scene_class)
        command = self.commands.get()
        while True:
            match command["do"]:
                case "count":
                    self._check_encoder()
                    captions: list[tuple[float, float, str]] = []
                    total = frames.count(self._make, self.settings, captions)
                    self.say(total=total, captions=captions, shown=getattr(self.made, "shown", []))
                case "pictures":
                    windows = [(k, k + 1) for k in command["frames"]]
                    self.say(pictures=self._pictures(windows))
                case "finished":
                    self.say(pictures=self._pictures([(frames.NEVER, frames.NEVER)], finished_state=True))
                case "segment":
                    command = self._segments(command)
                    continue
            command = self.commands.get()

    def _make(self, renderer: frames.FrameRenderer) -> Any:
        """A fresh scene on a renderer; one that shows recordings gets them."""
        from diffrender.animation.scene import TrajectoryScene

        if not issubclass(self.scene, TrajectoryScene):
            self.made = self.scene(renderer=renderer)
            return self.made
        from diffrender.trajectory.reader import Trajectory

        recordings = {name: Trajectory.open(path) for name, path in self.spec.trajectories.items()}
        spec = self.spec
        self.made = self.scene(trajectories=recordings, options=spec.options, theme=spec.theme, renderer=renderer)
        return self.made

    def _check_encoder(self) -> None:
        spec = self.spec
        if spec.codec and not spec.picture:
            encoding.check(encoding.of(self.spec), spec.width, spec.height, spec.fps)

    # ---- segments ----------------------------------------------------------------------------------------------------
    def _segments(self, command: dict[str, Any]) -> dict[str, Any]:
        """One pass through the scene, for all the segments asked for that lie ahead; returns the next command."""
        from diffrender.video.encode.encoder import Encoder

        spec, how = self.spec, encoding.of(self.spec)
        encoder: Encoder | None = None
        drawn, reported, open_window = 0, 0.0, False

        def windows() -> Generator[frames.Window, None, None]:
            nonlocal command, encoder, open_window
            ahead = 0
            while command["do"] == "segment" and command["first"] >= ahead:
                path = segment_file(self.work, command["index"], how.container)
                with Encoder(partial(path), how, spec.width, spec.height, spec.fps) as encoder:
                    open_window = True
                    yield command["first"], command["last"]
                    open_window = False
                os.replace(partial(path), path)
                self.say(frames=drawn)
                self.say(done=command["index"], cpu=time.process_time())
                ahead = command["last"]
                command = self.commands.get()

        def sink(pixels: np.ndarray, repeat: int) -> None:
            nonlocal drawn, reported
            assert encoder is not None
            encoder.write(pixels, repeat)
            drawn += repeat
            if time.monotonic() - reported > PROGRESS:
                reported = time.monotonic()
                self.say(frames=drawn)

        wanted = windows()
        went = frames.draw(self._make, self.settings, wanted, sink)
        wanted.close()  # a segment that was not filled is removed
        if open_window:
            raise RenderError(
                f"{spec.scene}: {spec.scene_class} ended after {went} frames, and was longer when they were counted.",
                "Let the scene depend on nothing but its recordings, options and seed.",
            )
        return command

    # ---- pictures ----------------------------------------------------------------------------------------------------
    def _pictures(self, windows: list[frames.Window], *, finished_state: bool = False) -> int:
        from PIL import Image

        from diffrender.video.encode.encoder import straight

        made = 0

        def sink(pixels: np.ndarray, repeat: int) -> None:
            nonlocal made
            Image.fromarray(straight(pixels)).save(self.work / f"{made}.png", compress_level=4)
            made += 1

        frames.draw(self._make, self.settings, windows, sink, finished_state=finished_state)
        return made


def describe(error: Exception, scene: Path) -> dict[str, str]:
    """An error as an answer: of ours its text, of others where in the scene's file it came up."""
    trace = "".join(traceback.format_exception(error))
    if isinstance(error, DiffrenderError):
        family = next(c.__name__ for c in type(error).__mro__ if c.__module__ == DiffrenderError.__module__)
        return {"family": family, "problem": error.problem, "remedy": error.remedy, "trace": trace}
    lines = [
        f.lineno for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).resolve() == scene.resolve()
    ]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
    text = (str(error).splitlines() or [""])[0]
    problem = f"{scene}{f', line {line}' if line else ''}: {type(error).__name__}{f': {text}' if text else ''}."
    return {"family": "RenderError", "problem": problem, "remedy": "--debug shows where it comes from.", "trace": trace}


def main() -> None:
    """Read the spec named on the command line and serve."""
    spec = RenderSpec.model_validate_json(Path(sys.argv[1]).read_text("utf-8"))
    drawer = DrawingWorker(spec, Path(sys.argv[2]), Path(sys.argv[3]))
    try:
        drawer.run()
    except Exception as error:
        drawer.say(error=describe(error, spec.scene))
