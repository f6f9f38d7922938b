"""The process that draws: ``python -m diffrender.video.drawing SPEC WORK MEDIA``. Each has a Manim of its own.

Commands come as lines of JSON on stdin, answers go as lines of JSON to stdout; what libraries print goes to stderr.

    {"do": "count"}                               → {"total": frames, "captions": [[from, to, text], …], "about": {…},
                                                     "said": {act in which something is said: its first frame}}
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
from shutil import which
from typing import Any

import numpy as np

from diffrender.animation.layout.page import Page
from diffrender.animation.own_theme import theme_of
from diffrender.animation.theme import LARGE, Frame
from diffrender.config.scene_acts import FIRST_ACT
from diffrender.core.child_process import Answers, error_as_message, lack
from diffrender.core.errors import DiffrenderError, RenderError, file_being_read, reading, suggest, words_of
from diffrender.video import frames
from diffrender.video.acts import Acts
from diffrender.video.drawing.work_folder import partial, segment_file
from diffrender.video.encode import settings as encoding
from diffrender.video.film import sound
from diffrender.video.logo import rasterized
from diffrender.video.spec import RenderSpec

REPORT_SECONDS = 0.1  # between two reports of progress


class DrawingWorker:
    """Draws what it is told of one scene."""

    def __init__(self, spec: RenderSpec, work: Path, media: Path) -> None:
        self.spec, self.work = spec, work
        self.answers = Answers()
        self.commands: queue.Queue[dict[str, Any]] = queue.Queue()
        self.settings = frames.manim_config(
            spec.width, spec.height, spec.fps, transparent=spec.transparent, media=media, seed=spec.seed
        )
        self.spoken = {act: sound.length(file) for act, file in spec.sounds.items()}

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
                    acts = self._acts()
                    total = frames.count(self._make, self.settings, captions, acts)
                    self._check_said(acts)
                    self.answers.send(total=total, captions=captions, about=self._about(acts), said=acts.said)
                case "pictures":
                    windows = [(k, k + 1) for k in command["frames"]]
                    self.answers.send(pictures=self._pictures(windows))
                case "finished":
                    self.answers.send(pictures=self._pictures([(frames.NEVER, frames.NEVER)], finished_state=True))
                case "segment":
                    command = self._segments(command)
                    continue
            command = self.commands.get()

    def _make(self, renderer: frames.FrameRenderer) -> Any:
        self.made = make_scene(self.spec, self.scene, renderer)
        return self.made

    def _acts(self) -> Acts:
        """How long the acts have to last."""
        return Acts(self.spoken, self.spec.act_pause)

    def _check_said(self, acts: Acts) -> None:
        """RenderError if something is said in an act that the scene does not play."""
        if missing := [name for name in self.spoken if name not in acts.said]:
            known = [name or FIRST_ACT for _, name in acts.begun]
            raise RenderError(f"{self.spec.scene_class} plays no act '{missing[0]}'.", suggest(missing[0], known))

    def _about(self, acts: Acts) -> dict[str, Any]:
        """What a clip says of itself beside its provenance; nothing that is empty."""
        page = getattr(self.made, "page", None)
        found = {
            "shown": getattr(self.made, "shown", []),  # how recorded time was shown, and if smoothed
            "acts": acts.begun if len(acts.begun) > 1 else [],
            "rests": acts.rests,
            "equations": page.equations if page else [],
        }
        return {name: value for name, value in found.items() if value}

    def _check_encoder(self) -> None:
        spec = self.spec
        if spec.codec and not spec.picture:
            encoding.check(encoding.for_spec(self.spec), spec.width, spec.height, spec.fps)

    # ---- segments ----------------------------------------------------------------------------------------------------
    def _segments(self, command: dict[str, Any]) -> dict[str, Any]:
        """One pass through the scene, for all the segments asked for that lie ahead; returns the next command."""
        from diffrender.video.encode.encoder import Encoder

        spec, how = self.spec, encoding.for_spec(self.spec)
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
                self.answers.send(frames=drawn)
                self.answers.send(done=command["index"], cpu=time.process_time())
                ahead = command["last"]
                command = self.commands.get()

        def sink(pixels: np.ndarray, repeat: int) -> None:
            nonlocal drawn, reported
            assert encoder is not None
            encoder.write(pixels, repeat)
            drawn += repeat
            if time.monotonic() - reported > REPORT_SECONDS:
                reported = time.monotonic()
                self.answers.send(frames=drawn)

        wanted = windows()
        went = frames.draw(self._make, self.settings, wanted, sink, acts=self._acts())
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

        frames.draw(self._make, self.settings, windows, sink, finished_state=finished_state, acts=self._acts())
        return made


def make_scene(spec: RenderSpec, scene: type[Any], renderer: frames.FrameRenderer) -> Any:
    """A fresh scene of the class on a renderer; one that shows recordings gets them. Its corner has the clip's mark."""
    from diffrender.animation.scene import TrajectoryScene
    from diffrender.animation.text.language import Language
    from diffrender.trajectory.reader import Trajectory

    theme = theme_of(spec.theme)
    if not issubclass(scene, TrajectoryScene):
        made: Any = scene(renderer=renderer)
        _put_mark(spec, made, Page(Frame.of(spec.width, spec.height), theme))
        return made
    recordings = {}
    for name, path in spec.trajectories.items():
        with reading(path):
            recordings[name] = Trajectory.open(path)
    options = {"font_scale": LARGE, **spec.options} if spec.font_size == "large" else spec.options
    more = {"marked": True} if _marked(spec) else {}
    language = Language.of(spec.catalogue)
    made = scene(trajectories=recordings, options=options, theme=theme, language=language, renderer=renderer, **more)
    _put_mark(spec, made, made.page)
    return made


def _marked(spec: RenderSpec) -> bool:
    """Whether there is a logo or a name in the clip's corner."""
    return bool(spec.author or spec.logo_file)


def _put_mark(spec: RenderSpec, made: Any, page: Page) -> None:
    """Put logo and name on the ground of the scene that was made."""
    if not _marked(spec):
        return
    from diffrender.animation.parts.corner_mark import corner_mark, logo_height

    logo, file = None, spec.logo_file
    if file:
        height = round(logo_height(page) * spec.height / page.frame.height)
        logo = rasterized(file.read_bytes(), str(file), height)
    made.camera.put_mark(corner_mark(page, spec.author, logo))


def describe(error: BaseException, scene: Path) -> dict[str, str]:
    """An error as an answer: one of ours or of the machine as it is, any other with the line of the scene's file."""
    lines = [
        f.lineno for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).resolve() == scene.resolve()
    ]
    line = lines[-1] if lines else None
    if isinstance(error, DiffrenderError) or file_being_read(error) or lack(error):
        return error_as_message(error, str(scene))
    trace = "".join(traceback.format_exception(error))
    if isinstance(error, SyntaxError) and Path(error.filename or "").is_file():
        problem = f"{error.filename}, line {error.lineno}: not Python ({error.msg})."
        return {"family": "RenderError", "problem": problem, "remedy": "", "trace": trace}
    text = words_of(error) if str(error) else ""
    problem = f"{scene}{f', line {line}' if line else ''}: {type(error).__name__}{f': {text}' if text else ''}."
    remedy = "--debug shows where it comes from."
    if without_latex(error):
        problem = f"{scene}{f', line {line}' if line else ''}: MathTex and Tex need LaTeX, and there is none here."
        remedy = 'Write it for Typst, which is bundled: MathTypst("nabla log p"). Or install LaTeX and dvisvgm.'
    return {"family": "RenderError", "problem": problem, "remedy": remedy, "trace": trace}


def without_latex(error: BaseException) -> bool:
    """Whether an error came of setting text in TeX where a program for that is missing."""
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    return any(file.endswith("tex_file_writing.py") for file in files) and not (which("latex") and which("dvisvgm"))


def main() -> None:
    """Read the spec named on the command line and serve."""
    spec = RenderSpec.model_validate_json(Path(sys.argv[1]).read_text("utf-8"))
    worker = DrawingWorker(spec, Path(sys.argv[2]), Path(sys.argv[3]))
    try:
        worker.run()
    except Exception as error:
        worker.answers.send(error=describe(error, spec.scene))
