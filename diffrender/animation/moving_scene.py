"""The motions of every scene: acts, run, rewind, restart, and the holds between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from manim import Animation, Mobject, Scene, Wait

from diffrender.animation.animations import FadeInFast, FadeOutFast, OpacityScale, UpdateFromAlpha
from diffrender.animation.layout.page import Page
from diffrender.animation.layout.plane import Plane
from diffrender.animation.mobjects.furniture.panels import Rect
from diffrender.animation.mobjects.images.grid import ImageGrid
from diffrender.animation.parts.clock import Clock
from diffrender.animation.text.numbers import same_text

RESULT = "what comes out"  # of the first picture, which is the last one too
REWOUND, CHANGING = "back to the start", 0.1  # said while time runs back; part of it in which the words change
SWAY_SECONDS = 4.5  # in which a shape in space turns to one side and the other
DISSOLVE = 0.5  # seconds in which a clip begins anew
OPENING = 0.3  # seconds in which it goes that a picture is said to be the result


class MovingScene(Scene):
    """A scene whose motions begin acts, move recorded time and cameras together, and change what stands in a place."""

    options: Any
    page: Page
    fills_early: ClassVar[bool] = False  # whether a place in which nothing stands is filled while others are emptied

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.shown_equation: Mobject | None = None
        self.places: dict[str, list[Mobject]] = {}  # what `set_places` has put where
        self.views: list[Plane] = []
        self.coming_act = ""  # the act that begins with the next motion
        self.opening: list[Mobject] = []  # what says of the first picture that it is the result

    # ---- acts --------------------------------------------------------------------------------------------------------
    def next_act(self, name: str) -> None:
        """From the next motion on another act plays, a section in Manim's words: slides stop before it.

        `intro` begins the act "run", and the end of `play_run` that of the "result"; others may be given names here.
        """
        self.coming_act = name

    def play(self, *args: Any, **kwargs: Any) -> None:
        """As Manim does; what moves begins the act that was announced, what merely stands belongs to the one before.

        But an act in which something is said begins when it is announced.
        """
        said = self.coming_act in getattr(getattr(self.renderer, "acts", None), "spoken", ())
        if self.coming_act and (said or not all(isinstance(arg, Wait) for arg in args)):
            self.next_section(self.coming_act)
            self.coming_act = ""
        super().play(*args, **kwargs)

    # ---- motions every scene shares ----------------------------------------------------------------------------------
    def seconds(self, seconds: float) -> float:
        """So many seconds, at the speed that the options ask for."""
        return seconds / self.options.speed

    def intro(
        self,
        *header: Mobject,
        ground: Sequence[Mobject] = (),
        pause: float | None = None,
        result: Rect | None = None,
    ) -> None:
        """Show everything at once, so that the first frame is a whole picture, and let it stand for a while.

        result: where a clip that opens on its result says so, if it has room, until time runs back or begins anew.
        """
        said = [] if result is None else [(self.page.tag(RESULT, result), result)]
        self.opening = [tag for tag, (left, right, *_) in said if tag.width <= right - left]
        self.add(*header, *ground, *self.opening)
        self.stand(self.options.pause if pause is None else pause)
        self.next_act("run")

    def play_run(
        self, clock: Clock, seconds: float | None = None, *also: Animation, start: float = 0.0, end: float = 1.0
    ) -> None:
        """Let recorded time pass from `start` to `end` of its way, and the camera turn: both come to rest together.

        seconds: `options.duration` if not given. also: what plays meanwhile.
        """
        seconds, degrees = self.seconds(seconds or self.options.duration), self.options.orbit
        turning = [a for v in self.views for a in v.turn(seconds, degrees=degrees, start=start, end=end)]
        self.play(clock.play(seconds, start=start, end=end), *turning, *also)
        if end >= 1:
            self.next_act("result")

    def crossfade(
        self, out: Sequence[Mobject] = (), into: Sequence[Mobject] = (), *also: Animation, early: Sequence[Mobject] = ()
    ) -> None:
        """Change an act in 0.8 s: what goes fades before what comes; `also` runs with what comes.

        early: what comes while `out` goes.
        """
        if out:
            self.play(FadeOutFast(*out, run_time=0.3), *([FadeInFast(*early, run_time=0.3)] if early else []))
        else:
            into = [*into, *early]
        if into or also:
            self.play(*([FadeInFast(*into, run_time=0.5)] if into else []), *also)

    def set_places(self, *, at_once: Sequence[str] = (), **places: Sequence[Mobject]) -> None:
        """Change an act by naming what shall stand in each place from now on: `set_places(right=[window])`.

        What stood there and is not named again fades, what is new appears; places that are not named stay as they are.
        A text that is set again as it was, where it was, does not blink. at_once: places in which what is new comes
        while what stood there goes, so that they are never bare.
        """
        out, into, early = [], [], []
        for name, mobjects in places.items():
            before = self.places.get(name, ())
            bare = self.fills_early and not any(mob in self.mobjects for mob in before)
            out += [mob for mob in before if mob not in mobjects]
            if bare or name in at_once:
                early += [mob for mob in mobjects if mob not in self.mobjects]
                self.places[name] = list(mobjects)
                continue
            into += [mob for mob in mobjects if mob not in self.mobjects]
            self.places[name] = list(mobjects)
        for new in list(into):
            old = next((mob for mob in out if same_text(mob, new)), None)
            if old is not None:
                out.remove(old)
                into.remove(new)
                self.remove(old)
                self.add(new)
        self.crossfade([mob for mob in out if mob in self.mobjects], into, early=early)

    def rewind(self, clock: Clock, seconds: float, *also: Animation) -> None:
        """Run recorded time back from its end to its start, the camera too; `also` plays meanwhile.

        The equation tells how time goes forward: words stand in its place until it does.
        """
        seconds, degrees = self.seconds(seconds), self.options.orbit
        turning = [a for v in self.views for a in v.turn(seconds, degrees=degrees, start=1.0, end=0.0)]
        if self.shown_equation is not None:
            turning.append(self._replaced(self.shown_equation, REWOUND, seconds))
        if self.opening:
            turning.append(FadeOutFast(*self.opening, run_time=min(OPENING, seconds)))
            self.opening = []  # said once
        self.play(clock.play(seconds, start=1.0, end=0.0), *turning, *also)

    def _replaced(self, equation: Mobject, markup: str, seconds: float) -> Animation:
        """For so many seconds these words stand where an equation does."""
        page, wide = self.page, self.page.shape == "wide"
        said = page.words(markup, "label", "muted")
        said.at(page.frame.x if wide else 0.0, page.frame.equation_y, 1 if wide else 0)
        before, instead = OpacityScale(equation), OpacityScale(said)

        def show(u: float) -> None:
            away = float(np.clip(min(u, 1 - u) / CHANGING, 0, 2))  # the one goes, then the other comes
            before.set(max(1 - away, 0.0))
            instead.set(max(away - 1, 0.0))

        return UpdateFromAlpha(show, said, equation, run_time=seconds)

    def restart(self, clock: Clock, *changing: Mobject, also: Sequence[Mobject] = ()) -> None:
        """From a poster of the end to the start of recorded time: what changes fades out, and in again as it was then.

        Nothing runs backwards: that would look as if the model added noise. Images dissolve into those of the start, so
        that the frame is never empty. also: what comes with it.
        """
        grids = [mob for mob in changing if isinstance(mob, ImageGrid) and mob.recorded is not None]
        others = [mob for mob in changing if mob not in grids]
        fading, seconds, self.opening = [*others, *self.opening], DISSOLVE, []  # said once
        if fading:
            self.play(FadeOutFast(*fading, run_time=OPENING))
        else:
            seconds += OPENING
        ends = [grid.step for grid in grids]
        clock.show(0)

        def dissolve(share: float) -> None:
            for grid, end in zip(grids, ends, strict=True):
                grid.dissolve(end, share)

        into = [FadeInFast(*others, *also, run_time=seconds)] if others or also else []
        dissolve(0)
        self.play(*into, *([UpdateFromAlpha(dissolve, *grids, run_time=seconds)] if grids else []))

    def look(self, course: float) -> None:
        """Put all cameras where they are when `course` 0..1 of their way has passed."""
        for view in self.views:
            view.look(course, degrees=self.options.orbit)

    def outro(self, hold: float | None = None) -> None:
        """Hold the last state: a clip ends on it, so that a slide or a film may go on showing it.

        A shape in space sways meanwhile, once to each side, and so stands for `SWAY_SECONDS` at least.
        """
        seconds = self.options.hold if hold is None else hold
        longer = max(seconds, self.seconds(SWAY_SECONDS))
        if seconds and (swaying := [a for view in self.views for a in view.sway(longer)]):
            self.play(*swaying)
        else:
            self.stand(seconds)

    def stand(self, seconds: float) -> None:
        """Let everything stand for so many seconds, if for any."""
        if seconds:
            self.wait(seconds)
