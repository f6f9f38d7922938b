"""Animations bound to recorded time, fades of any mobject, and an animation that calls a function of time.

Manim's own copy the mobjects they move; bulk mobjects hold large arrays, and a frame that nobody draws must cost next
to nothing, so nothing is copied or rebuilt here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from manim import Animation, Group, Mobject, Scene, VMobject, linear, smooth
from manim.utils.rate_functions import squish_rate_func

from diffrender.animation.timeline import Timeline

TICKS = 12  # running numbers change at most so many times a second


class Bound(Protocol):
    """Anything that can show a recorded step: a cloud, trails, a field, a slider, a running number."""

    def show_step(self, step: float) -> Any:
        """Show what was recorded at a step, or between two."""


class PlayTrajectory(Animation):
    """Show recorded time in everything that is bound to it.

    What a frame shows depends on its place in the clip alone. Nothing is copied, and no data are read until they are
    drawn, so a frame that is skipped costs microseconds. What is bound stays where it is in the scene's order; what is
    not in the scene yet is added, unless `adds` is False.

    Parameters
    ----------
    bound: mobjects, or other things with a `show_step(step)` and, as `mobjects`, what that moves.
    timeline: which step is shown when.
    start, end: the part 0..1 of the timeline that is played.
    run_time, rate_func: as for any animation; the rate function bends the course before the timeline does.
    """

    def __init__(
        self,
        *bound: Bound,
        timeline: Timeline,
        run_time: float = 5.0,
        start: float = 0.0,
        end: float = 1.0,
        rate_func: Callable[[float], float] = linear,
        adds: bool = True,
        **kwargs: Any,
    ) -> None:
        self.adds = adds
        self.bound, self.timeline, self.start, self.end = bound, timeline, start, end
        # introducer: Manim would re-add the group and with it put its members on top of everything else
        super().__init__(
            Group(*(m for b in bound for m in ([b] if isinstance(b, Mobject) else getattr(b, "mobjects", ())))),
            run_time=run_time,
            rate_func=rate_func,
            introducer=True,
            suspend_mobject_updating=False,
            **kwargs,
        )

    def _setup_scene(self, scene: Scene) -> None:
        if self.adds:
            present = set(scene.get_mobject_family_members())
            scene.add(*(m for m in self.mobject.submobjects if m not in present))
        scene.shown = [*getattr(scene, "shown", []), self.timeline.describe()]  # goes into the video's metadata

    def begin(self) -> None:
        """Show the first step."""
        self.interpolate(0)

    def get_all_mobjects_to_update(self) -> list[Mobject]:
        """None: there is no copy of the start."""
        return []

    def interpolate_mobject(self, alpha: float) -> None:
        """Show the step at `alpha` of the animation."""
        course = self.rate_func(alpha)
        step = self.timeline.step(self.start + (self.end - self.start) * course)
        for thing in self.bound:
            thing.show_step(step)


class OpacityScale:
    """The opacities of mobjects and of all that they hold, scaled together: `set(0)` is nothing, `set(1)` as they were.

    Remembered once, so setting it costs no copy; colours may be changed meanwhile.
    """

    def __init__(self, *mobjects: Mobject) -> None:
        family = {id(m): m for mob in mobjects for m in mob.get_family() if isinstance(m, VMobject)}
        arrays = [a for m in family.values() for a in (m.fill_rgbas, m.stroke_rgbas, m.background_stroke_rgbas)]
        self.alphas = [(array, array[:, 3].copy()) for array in arrays]

    def set(self, part: float) -> None:
        """Show `part`, 0 to 1, of the opacities."""
        for array, values in self.alphas:
            array[:, 3] = values * part


class _Fade(Animation):
    """Scale the opacities of mobjects, and of all that they hold, between nothing and what they are.

    after: part of the time that passes before they begin to change.
    """

    first, last = 0.0, 1.0

    def __init__(self, *mobjects: Mobject, run_time: float = 0.5, after: float = 0.0, **kwargs: Any) -> None:
        self.faded = mobjects
        rate = squish_rate_func(smooth, after, 1.0) if after else smooth
        super().__init__(Group(*mobjects), run_time=run_time, rate_func=rate, introducer=True, **kwargs)

    def _setup_scene(self, scene: Scene) -> None:
        scene.add(*self.faded)

    def begin(self) -> None:
        """Remember the opacities as they are."""
        self.strength = OpacityScale(*self.faded)
        self.interpolate(0)

    def interpolate(self, alpha: float) -> None:
        """Show what is there at `alpha` of the animation."""
        self.strength.set(self.first + (self.last - self.first) * float(self.rate_func(alpha)))

    def finish(self) -> None:
        """The last frame."""
        self.interpolate(1)


class FadeInFast(_Fade):
    """Fade mobjects in."""


class FadeOutFast(_Fade):
    """Fade mobjects out and take them from the scene, their opacities as they were."""

    first, last = 1.0, 0.0

    def clean_up_from_scene(self, scene: Scene) -> None:
        """Remove what is no longer seen."""
        scene.remove(*self.faded)
        self.strength.set(1.0)


class UpdateFromAlpha(Animation):
    """Call `show(u)` for each frame, u from 0 to 1; it moves `mobjects`, and `adds` those not in the scene.

    >>> scene.play(UpdateFromAlpha(lambda u: cloud.show_step(1000 * u), cloud, run_time=5))
    """

    def __init__(
        self,
        show: Callable[[float], object],
        *mobjects: Mobject,
        run_time: float = 1.0,
        rate_func: Callable[[float], float] = linear,
        adds: bool = True,
    ) -> None:
        self.show, self.driven, self.adds = show, mobjects, adds
        super().__init__(Group(*mobjects), run_time=run_time, rate_func=rate_func, introducer=True)

    def _setup_scene(self, scene: Scene) -> None:
        if self.adds:
            scene.add(*(m for m in self.driven if m not in scene.get_mobject_family_members()))

    def begin(self) -> None:
        """The first frame."""
        self.interpolate(0)

    def interpolate(self, alpha: float) -> None:
        """Show what is there at `alpha` of the animation."""
        self.show(float(self.rate_func(alpha)))

    def finish(self) -> None:
        """The last frame."""
        self.interpolate(1)


def ticked(u: float, run_time: float) -> float:
    """The last moment, as a part u of an animation, at which a running number may change; the end is one."""
    return u if u >= 1 else float(np.floor(u * run_time * TICKS + 1e-9) / (run_time * TICKS))
