"""The base of every scene: an ordinary Manim scene that receives recordings, options and a theme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from manim import Mobject, RendererType, VGroup, config

from diffrender.animation import theme as look
from diffrender.animation.layout.arrangements import arrange
from diffrender.animation.layout.box import Boxes
from diffrender.animation.layout.page import Page
from diffrender.animation.layout.plane import Plane
from diffrender.animation.layout.space import Space
from diffrender.animation.layout.views import around
from diffrender.animation.mobjects.camera import BulkCamera
from diffrender.animation.mobjects.furniture.panels import Key, Rect, legend
from diffrender.animation.moving_scene import MovingScene
from diffrender.animation.parts.clock import Clock
from diffrender.animation.recordings import as_shown, check_shown, made_for
from diffrender.animation.text import captions
from diffrender.animation.text.language import Language, own, speak
from diffrender.animation.text.numbers import Running
from diffrender.animation.text.typst import Typeset, escaped
from diffrender.animation.timeline import Timeline, paced
from diffrender.config.declarations import (
    Codes,
    Need,
    Recording,
    Training,
    for_options,
    needed,
    with_words,
)
from diffrender.config.scene_options import SceneOptions
from diffrender.core.errors import RenderError
from diffrender.core.validation import validate
from diffrender.trajectory.reader import Trajectory

# lent to scene files by `diffrender.animation`, whose face takes names from modules of this room alone
__all__ = [
    "Codes",
    "Recording",
    "RenderError",
    "SceneOptions",
    "Training",
    "Trajectory",
    "TrajectoryScene",
    "captions",
]


class TrajectoryScene(MovingScene):
    """A scene that shows recordings.

    A scene's class declares, in values that can be read without running it: `default_config`, a config's name; `needs`,
    recording's name → `Recording(…)`, `Training(…)` or `Codes(…)`; `shows`, of `line`, `plane`, `space` and `images`
    the states that it can draw, if not all; `words`, what stands on screen; `Options`, its options; and
    `unused_options`, of those that every scene has, what does nothing in this one. In `construct` it finds

    - `self.trajectories`: name → Trajectory, one for each of `needs`; `self.run`: the first of them;
    - `self.options`: a checked `Options`, in which each of `words` is an option too;
    - `self.words`: the words, as the options say them;
    - `self.theme`, `self.page`: colours, and where things go in this frame.

    It reads from top to bottom like a storyboard: `arrange` gives boxes, `view` lays data on one, `clock` is what moves
    with recorded time, `header` and `caption` say what it is; `intro`, `play_run` and `outro` play it.

    Mobjects are kept in the order of their `z_index`, so what stands still must not lie above what moves unless its
    z_index says so: 0 ground and text, then data, then marks.
    """

    default_config: ClassVar[str] = ""
    needs: Mapping[str, Need] = {}
    shows: ClassVar[Sequence[str]] = ()
    words: Mapping[str, str] = {}
    unused_options: ClassVar[Sequence[str]] = ()

    class Options(SceneOptions):
        """No options of its own."""

    def __init__(
        self,
        renderer: Any = None,
        *,
        trajectories: Mapping[str, Trajectory] | None = None,
        options: Mapping[str, Any] | SceneOptions | None = None,
        theme: str | look.Theme = "dark",
        language: Language | None = None,
        marked: bool = False,
        **manim_kwargs: Any,
    ) -> None:
        if config.renderer == RendererType.OPENGL:
            raise RenderError("Scenes of diffrender need Manim's cairo renderer.", "Leave --renderer=opengl out.")
        given = options.model_dump(exclude_unset=True) if isinstance(options, SceneOptions) else options or {}
        for name in {*given} & {*self.unused_options}:
            raise RenderError(f"options of {type(self).__name__}: '{name}' does nothing in this scene.")
        self.options: Any = validate(with_words(self.Options, self.words), given, f"options of {type(self).__name__}")
        speak(language or Language())
        said = {name: getattr(self.options, name) for name in self.words}
        mine = {*given} - {*SceneOptions.model_fields}  # those of every scene are marked where they are set
        self.words = {name: own(text) if name in mine else text for name, text in said.items()}
        there = for_options(self.needs, self.options)
        self.needs = {name: need for name, need in there.items() if needed(need) or name in (trajectories or {})}
        # Manim keeps 14.22 × 8 units when only the pixels change, and stretches what it draws
        frame = look.Frame.of(config.pixel_width, config.pixel_height, getattr(self.options, "font_scale", 1.0), marked)
        config.frame_width, config.frame_height = frame.width, frame.height
        config.disable_caching = True
        manim_kwargs.setdefault("camera_class", BulkCamera)
        super().__init__(renderer, **manim_kwargs)
        self.theme = look.theme(theme) if isinstance(theme, str) else theme
        if getattr(self.options, "color", None):
            self.theme = replace(self.theme, noise=self.options.color)
        self.page = Page(frame, self.theme)
        # what shows through must be nothing: colours are premultiplied, so a background of alpha 0 has no colour
        self.camera.background_color = self.theme.bg if self.camera.background_opacity else "#000000"
        self.clocks: list[Clock] = []
        self.named = False  # whether the header names the projection of points
        self.trajectories: dict[str, Trajectory] = dict(made_for(type(self)) if trajectories is None else trajectories)
        if missing := sorted(set(self.needs) - set(self.trajectories)):
            raise RenderError(f"{type(self).__name__} needs a recording called '{missing[0]}'.")
        for name, need in self.needs.items():
            run = self.trajectories[name] = as_shown(self.trajectories[name], self.shows, self.options.project)
            check_shown(run, need, type(self).__name__, self.shows)

    @property
    def run(self) -> Trajectory:
        """The first recording that the scene needs."""
        return self.trajectories[next(iter(self.needs))]

    def add(self, *mobjects: Mobject) -> TrajectoryScene:
        """As Manim does, and then in the order of z_index: only so may it draw once what stands still."""
        super().add(*mobjects)
        self.mobjects.sort(key=lambda mob: mob.z_index)
        return self

    # ---- what every scene is made of ---------------------------------------------------------------------------------
    def arrange(self, name: str, **options: Any) -> Boxes:
        """The boxes of a named arrangement in this frame: see `layout/arrangements.py`."""
        return arrange(name, self.page.frame, **options)

    def view(
        self, data: np.ndarray, box: Rect, *, reach: float = 0.92, noise: float = 0.0, haze: str = ""
    ) -> Plane | Space:
        """The view in which data (M, 2 | 3) fill `reach` of a box, about its middle, in the plane or in space.

        noise: standard deviation of a cloud that must find room in it too.
        """
        if not noise and not np.ptp(data, axis=0).any():
            raise RenderError("All points are the same, from noise to data: there is nothing to show.")
        self.page.check_room("A picture", box)
        a, b, c, d = box
        half = (reach * (b - a) / 2, reach * (d - c) / 2)
        view = around(data, box, ((a + b) / 2, (c + d) / 2), half, self.theme, haze, noise)
        self.views.append(view)
        return view

    def clock(self, run: Trajectory | None = None, *clouds: Any, timeline: Timeline | None = None) -> Clock:
        """A clock for a recording, paced by how much its states change, and `clouds` bound to the same steps."""
        run = run or self.run
        made = Clock(self.page, run, timeline or paced(run.states, *clouds, interpolate=self.options.interpolate))
        self.clocks.append(made)
        return made

    def header(self, title: str, equation: str | Typeset | None = None) -> list[Mobject]:
        """Title, subtitle and equation, as the options want them; a projection is named where no subtitle is.

        The title comes first, empty where none is wanted.
        """
        options, page = self.options, self.page
        if "title" in options.model_fields_set and options.title is not None:
            title = own(escaped(options.title)) if options.title else ""
        made: list[Mobject] = [page.title(title) if title else VGroup()]
        points = (run for run in self.trajectories.values() if len(run.event) == 1)
        projection = next((run.meta["projection"] for run in points if "projection" in run.meta), "")
        self.named = not options.subtitle
        if subtitle := options.subtitle or projection:
            y = page.frame.title_y
            said = own(escaped(subtitle)) if options.subtitle else escaped(subtitle)
            beside = page.words(said, "label", "muted")
            x = made[0].get_right()[0] + 0.4 if title else -page.frame.x
            if page.shape != "wide" and title:
                shift = (beside.width + 0.4) / 2
                made[0].shift([-shift, 0, 0])
                x -= shift
            made.append(beside.at(x, y))
        if equation is not None:
            shown = page.equation(equation) if isinstance(equation, str) else equation
            right = max((mob.get_right()[0] for mob in made if len(mob.submobjects)), default=-page.frame.x)
            room = page.frame.x - float(right) - 0.4
            if page.shape == "wide" and shown.width > room:  # beside a title that is long in this language
                shown.scale(room / shown.width).at(page.frame.x, page.frame.equation_y, 1)
            made.append(shown)
            self.shown_equation = shown
        return made

    def caption(
        self, *items: str | Typeset | Running, run: Trajectory | None = None, clock: Clock | None = None
    ) -> VGroup:
        """The caption. Items are names (`sampler`, `step`, `points`, `scaling`, `seed`, `model`), or texts of your own.

        What does not apply to a recording is left out; `step` runs with the clock, the scene's last if none is given.
        """
        if self.options.caption is not None:
            return self.page.caption(own(escaped(self.options.caption))) if self.options.caption else VGroup()
        run = run or (clock.run if clock else self.clocks[-1].run if self.clocks else self.run)
        texts: list[Any] = []
        for item in items:
            if item == "step":
                texts.append((clock or self.clocks[-1]).counter())
                texts += ["interpolated between steps"] if self.options.interpolate else []
            elif item == "points" and self.options.points and self.options.points < run.chains:
                texts.append(f"{self.options.points:,} of {captions.points(run)}")
            elif isinstance(item, str) and item in captions.ITEMS:
                texts.append(captions.ITEMS[item](run))
            else:
                texts.append(item)
        if len(run.event) == 3 or not self.named:
            texts.append(escaped(run.meta.get("projection", "")))
        return self.page.caption(*(text for text in texts if not isinstance(text, str) or text))

    def sampler_equation(self, run: Trajectory | None = None) -> str:
        """The update of the sampler that ran, as the recording writes it."""
        return captions.equation(run or self.run)

    def legend(self, items: Sequence[tuple[Key, float, str]], box: Rect) -> VGroup:
        """The legend in a box: in a column one item a line at its foot; else centred lines, as few as hold it."""
        theme, size, (a, b, c, d) = self.theme, self.page.em("legend"), box
        step, y = 1.6 * size, c + 0.3 * size
        if d - c > 5 * size:
            return VGroup(*(legend([item], a, y + step * k, size, theme) for k, item in enumerate(reversed(items))))
        for lines in range(1, len(items) + 1):
            each = -(-len(items) // lines)
            parts = [items[k : k + each] for k in range(0, len(items), each)]
            rows = [
                legend(part, (a + b) / 2, y + step * k, size, theme, align=0, gap=0.5)
                for k, part in enumerate(reversed(parts))
            ]
            widest = max(row.width for row in rows)
            if b - a < widest <= (b - a) * self.page.frame.font_scale:  # text is large where there is room for it
                return VGroup(*(row.scale((b - a) / widest) for row in rows))
            if widest <= b - a:
                break
        return VGroup(*rows)
