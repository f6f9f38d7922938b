"""Animations that are bound to recorded time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from manim import Animation, Group, Mobject, Scene
from manim import linear as constant_speed

from .timeline import Timeline


class Bound(Protocol):
    """Anything that can show a recorded step: a cloud, trails, a field, a slider, a running number."""

    def show_step(self, step: float) -> Any: ...


class PlayTrajectory(Animation):
    """Show recorded time in everything that is bound to it.

    What a frame shows depends on its place in the clip alone. Nothing is copied, and no data are read until they are
    drawn, so a frame that is skipped costs microseconds. What is bound stays where it is in the scene's order; what is
    not in the scene yet is added.

    Parameters
    ----------
    bound: mobjects, or other things with a `show_step(step)`.
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
        rate_func: Callable[[float], float] = constant_speed,
        **kwargs: Any,
    ) -> None:
        self.bound, self.timeline, self.start, self.end = bound, timeline, start, end
        # introducer: Manim would re-add the group and with it put its members on top of everything else
        super().__init__(
            Group(*(b for b in bound if isinstance(b, Mobject))),
            run_time=run_time,
            rate_func=rate_func,
            introducer=True,
            suspend_mobject_updating=False,
            **kwargs,
        )

    def _setup_scene(self, scene: Scene) -> None:
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
