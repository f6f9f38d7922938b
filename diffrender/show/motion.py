"""Animations that build nothing and copy nothing: fades of any mobject, and a function of time.

A frame that nobody draws must cost next to nothing, and bulk mobjects hold large arrays; so nothing is rebuilt here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from manim import Animation, Group, Mobject, Scene, VMobject, linear, smooth

TICKS = 12  # running numbers change at most so many times a second


class Strength:
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
    """Scale the opacities of mobjects, and of all that they hold, between nothing and what they are."""

    first, last = 0.0, 1.0

    def __init__(self, *mobjects: Mobject, run_time: float = 0.5, **kwargs: Any) -> None:
        self.faded = mobjects
        super().__init__(Group(*mobjects), run_time=run_time, rate_func=smooth, introducer=True, **kwargs)

    def _setup_scene(self, scene: Scene) -> None:
        scene.add(*self.faded)

    def begin(self) -> None:
        """Remember the opacities as they are."""
        self.strength = Strength(*self.faded)
        self.interpolate(0)

    def interpolate(self, alpha: float) -> None:
        """Show what is there at `alpha` of the animation."""
        self.strength.set(self.first + (self.last - self.first) * float(self.rate_func(alpha)))

    def finish(self) -> None:
        """The last frame."""
        self.interpolate(1)


class Appear(_Fade):
    """Fade mobjects in."""


class Vanish(_Fade):
    """Fade mobjects out and take them from the scene, their opacities as they were."""

    first, last = 1.0, 0.0

    def clean_up_from_scene(self, scene: Scene) -> None:
        """Remove what is no longer seen."""
        scene.remove(*self.faded)
        self.strength.set(1.0)


class Drive(Animation):
    """Call `show(u)` for each frame, u from 0 to 1; it moves points of `mobjects`, which are in the scene or are added.

    >>> scene.play(Drive(lambda u: cloud.show_step(1000 * u), cloud, run_time=5))
    """

    def __init__(
        self,
        show: Callable[[float], object],
        *mobjects: Mobject,
        run_time: float = 1.0,
        rate_func: Callable[[float], float] = linear,
    ) -> None:
        self.show, self.driven = show, mobjects
        super().__init__(Group(*mobjects), run_time=run_time, rate_func=rate_func, introducer=True)

    def _setup_scene(self, scene: Scene) -> None:
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
