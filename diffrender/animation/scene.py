"""The base of every scene: an ordinary Manim scene that receives recordings, options and a theme."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from manim import Animation, Mobject, RendererType, Scene, VMobject, Write, config

from diffrender.animation import theme as look
from diffrender.animation.animations import FadeInFast, FadeOutFast
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.camera import BulkCamera
from diffrender.animation.text.numbers import same_text
from diffrender.core.errors import RenderError
from diffrender.core.validation import NamedOptions, validate
from diffrender.trajectory.reader import Trajectory


class SceneOptions(NamedOptions):
    """Options of a scene; each scene adds its own. Unknown ones are refused."""


class TrajectoryScene(Scene):
    """A scene that shows recordings.

    A scene file declares, as literals that can be read without importing it: `default_config`, a config's name, and
    `needs`, recording's name → config overrides; and `Options`, its options. In `construct` it finds

    - `self.trajectories`: name → Trajectory, one for each of `needs`;
    - `self.options`: a checked `Options`;
    - `self.theme`, `self.page`: colours, and where things go in this frame.

    `kinds`, recording's name → `reverse`, `forward` or `langevin`, refuses runs that cannot be shown.

    Mobjects are kept in the order of their `z_index`, so what stands still must not lie above what moves unless its
    z_index says so: 0 ground and text, then data, then marks.
    """

    default_config: ClassVar[str] = ""
    needs: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    kinds: ClassVar[Mapping[str, str]] = {}

    class Options(SceneOptions):
        """No options."""

    def __init__(
        self,
        renderer: Any = None,
        *,
        trajectories: Mapping[str, Trajectory] | None = None,
        options: Mapping[str, Any] | SceneOptions | None = None,
        theme: str | look.Theme = "dark",
        **manim_kwargs: Any,
    ) -> None:
        if config.renderer == RendererType.OPENGL:
            raise RenderError("Scenes of diffrender need Manim's cairo renderer.", "Leave --renderer=opengl out.")
        # Manim keeps 14.22 × 8 units when only the pixels change, and stretches what it draws
        frame = look.Frame.of(config.pixel_width, config.pixel_height)
        config.frame_width, config.frame_height = frame.width, frame.height
        config.disable_caching = True
        manim_kwargs.setdefault("camera_class", BulkCamera)
        super().__init__(renderer, **manim_kwargs)
        self.theme = look.theme(theme) if isinstance(theme, str) else theme
        self.page = Page(frame, self.theme)
        # what shows through must be nothing: colours are premultiplied, so a background of alpha 0 has no colour
        self.camera.background_color = self.theme.bg if self.camera.background_opacity else "#000000"
        given = options.model_dump() if isinstance(options, SceneOptions) else options or {}
        self.options: Any = validate(self.Options, given, f"options of {type(self).__name__}")
        self.places: dict[str, list[Mobject]] = {}  # what `turn` has put where
        self.trajectories: dict[str, Trajectory] = dict(self._found() if trajectories is None else trajectories)
        if missing := sorted(set(self.needs) - set(self.trajectories)):
            raise RenderError(f"{type(self).__name__} needs a recording called '{missing[0]}'.")
        for name, kind in self.kinds.items():
            run = self.trajectories[name]
            if run.kind != kind or run.steps < 1:
                what = f"a {run.kind} run" if run.kind != kind else "a single state"
                raise RenderError(f"{run.path}: holds {what}, and {type(self).__name__} shows {kind} runs.")

    def _found(self) -> dict[str, Trajectory]:
        """Recordings for `manim render`, made in a process of their own if need be: see `diffrender.jobs.make`."""
        command = [sys.executable, "-m", "diffrender.jobs.make", inspect.getfile(type(self)), type(self).__name__]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            raise RenderError(f"The recordings of {type(self).__name__} could not be made.", done.stdout) from None
        if done.returncode:
            raise RenderError(answer["problem"], answer["remedy"])
        return {name: Trajectory.open(Path(path)) for name, path in answer.items()}

    def add(self, *mobjects: Mobject) -> TrajectoryScene:
        """As Manim does, and then in the order of z_index: only so may it draw once what stands still."""
        super().add(*mobjects)
        self.mobjects.sort(key=lambda mob: mob.z_index)
        return self

    # ---- motions every scene shares ----------------------------------------------------------------------------------
    def open(self, *header: VMobject, ground: Sequence[Mobject] = (), hold: float = 1.0) -> None:
        """Write title and equation, term by term; then panels and caption fade up; then nothing moves for a while."""
        if header:
            self.play(*(Write(text, run_time=0.8) for text in header))
        if ground:
            self.play(FadeInFast(*ground, run_time=0.5))
        self.wait(hold)

    def change(self, out: Sequence[Mobject] = (), into: Sequence[Mobject] = (), *also: Animation) -> None:
        """Change an act in 0.8 s: what goes fades before what comes; `also` runs with what comes."""
        if out:
            self.play(FadeOutFast(*out, run_time=0.3))
        if into or also:
            self.play(*([FadeInFast(*into, run_time=0.5)] if into else []), *also)

    def turn(self, **places: Sequence[Mobject]) -> None:
        """Change an act by naming what shall stand in each place from now on: `turn(right=[window], footer=[caption])`.

        What stood there and is not named again fades, what is new appears; places that are not named stay as they are.
        A text that is set again as it was, where it was, does not blink.
        """
        out, into = [], []
        for name, mobjects in places.items():
            before = self.places.get(name, ())
            out += [mob for mob in before if mob not in mobjects]
            into += [mob for mob in mobjects if mob not in self.mobjects]
            self.places[name] = list(mobjects)
        for new in list(into):
            old = next((mob for mob in out if same_text(mob, new)), None)
            if old is not None:
                out.remove(old)
                into.remove(new)
                self.remove(old)
                self.add(new)
        self.change([mob for mob in out if mob in self.mobjects], into)

    def close(self, hold: float = 2.0) -> None:
        """Hold the last state: a clip ends on it, so that a slide or a film may go on showing it."""
        self.wait(hold)
