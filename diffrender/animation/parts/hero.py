"""The hero: one point of many that can be followed, with the way it has come."""

from __future__ import annotations

from typing import Any

import numpy as np
from manim import Mobject

from diffrender.animation.layout.plane import Plane
from diffrender.animation.theme import LINE, Theme
from diffrender.trajectory.follow import FARTHEST, pick_hero

__all__ = ["Hero", "pick_hero"]  # the latter lent to scene files by `diffrender.animation`

TAIL = 24  # steps of its path that are drawn
HERO = 0.085  # radius of the point that is followed


def ends_seen(view: Plane, states: Any) -> np.ndarray:
    """(2, N, 2) the first and the last of states (T+1, N, D) as they are seen in the end, a long way from its side."""
    ends = (np.asarray(states[k], float) for k in (0, len(states) - 1))
    return np.stack([view.in_the_end(each) for each in ends])


class Hero:
    """One followed point and the last `length` steps of its path, drawn over everything in the view.

    states: (T+1, N, D) as shown. length: 0 for no path. even: the path does not fade with its age. way, prefer: as of
    `pick_hero`. radius: of the point. mobjects: path, if there is one, then point; bind it to a clock. `chain` is
    the one that is followed.
    """

    def __init__(
        self,
        view: Plane,
        states: Any,
        *,
        theme: Theme,
        chain: int | None = None,
        color: str = "",
        length: int = TAIL,
        even: bool = False,
        way: float = FARTHEST,
        prefer: np.ndarray | None = None,
        radius: float = HERO,
    ) -> None:
        self.chain = pick_hero(ends_seen(view, states), way, prefer) if chain is None else chain
        self.states = np.stack([np.asarray(states[k][self.chain]) for k in range(len(states))])[:, None]
        self.color = color or theme.fg
        tail: dict[str, Any] = {"width": 1.2 * LINE, "alpha": 0.9, "casing": theme.bg}
        tail["length"] = min(max(length, 1), max(len(self.states) - 1, 1))
        tail |= {"power": 0.0} if even else {}
        self.path = view.tail(self.states, color=self.color, **tail).set_fill(opacity=float(length > 0))
        self.point = view.cloud(self.states, color=self.color, radius=radius, alpha=1.0, ring=theme.bg)
        if view.dims == 3:
            self.point.haze = self.color  # far or near, it is the one that is followed
        self.mobjects = [self.path, self.point] if length else [self.point]
        self.view, self.casing = view, theme.bg

    def thread(self) -> Mobject:
        """Its whole way as one even line, from the first state to the last."""
        steps = max(len(self.states) - 1, 1)
        look: dict[str, Any] = {"width": LINE, "alpha": 0.85, "power": 0.0, "casing": self.casing}
        line = self.view.tail(self.states, color=self.color, length=steps + 1, **look)
        return line.show_step(steps).set_z_index(self.path.z_index)

    def begin(self, step: int) -> None:
        """Forget the path up to a recorded step: from here on it is followed."""
        since = self.states.copy()
        since[:step] = since[step]
        self.path.recorded = since

    def show_step(self, step: float) -> None:
        """Show the point at a recorded step, and its path up to there."""
        for mob in self.mobjects:
            mob.show_step(step)
