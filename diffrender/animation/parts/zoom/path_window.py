"""The zoom window on a chain whose steps are paths: velocities as arrows, and the way that is gone."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from manim import VGroup, VMobject

from diffrender.animation.animations import OpacityScale
from diffrender.animation.mobjects.furniture.arrow import StepArrow
from diffrender.animation.mobjects.furniture.panels import Rect, cut
from diffrender.animation.mobjects.plane.cloud import PointCloud
from diffrender.animation.mobjects.plane.heat import Heatmap
from diffrender.animation.parts.zoom.pacing import STAGES
from diffrender.animation.parts.zoom.step_window import ChainWindow
from diffrender.animation.theme import LINE, Theme

Ends = dict[str, tuple[np.ndarray, np.ndarray]]  # of arrows, in data units


class PathView(ChainWindow):
    """A window in which a step is a path, and its velocities are arrows.

    path: (T, L, 2) states of the way inside each step, momentum: (T, 2), as recorded. time: an arrow ends where its
    velocity alone would lead in it. arrows: by name. going: the stages in which the path is gone. others: what else
    shows a step, under the arrows.
    """

    def __init__(
        self,
        rect: Rect,
        size: tuple[float, float],
        heat: Heatmap,
        *,
        path: np.ndarray,
        momentum: np.ndarray,
        time: float,
        arrows: Mapping[str, StepArrow],
        going: tuple[str, ...],
        others: Sequence[VGroup] = (),
        theme: Theme,
        **window: Any,
    ) -> None:
        self.path, self.momentum, self.time = path, momentum, time
        self.arrows, self.going = dict(arrows), going
        self.casing = VMobject(stroke_color=theme.panel, stroke_width=260 * LINE)
        self.way = VMobject(stroke_color=theme.sum, stroke_width=150 * LINE)
        self.stops = PointCloud(heat.box, rect, path[0], color=theme.sum, radius=0.065, ring=theme.panel)
        drawn = [self.casing, self.way, *others, *self.arrows.values(), self.stops]
        super().__init__(rect, size, heat, theme=theme, drawn=drawn, **window)
        self.opacity = OpacityScale(*drawn)

    def look_at(self, centre: np.ndarray) -> Rect:
        """Move the window over the plane; returns the part it shows."""
        self.stops.box = super().look_at(centre)
        return self.stops.box

    @abstractmethod
    def ends(self, step: int) -> Ends:
        """Where each arrow of a step begins and ends."""

    def drawn_points(self, step: int) -> np.ndarray:
        """(M, 2) all that a step draws, first where the chain is before it."""
        ends = [point for pair in self.ends(step).values() for point in pair]
        return np.stack([self.x[step], *self.path[step], *ends])

    def passing_points(self, step: int) -> np.ndarray:
        """The same of a step that goes by too fast to be taken apart: no more than `drawn_points`."""
        return self.drawn_points(step)

    def draw_step(self, step: int, done: Mapping[str, float]) -> None:
        """Draw the arrows as far as they have grown, and the path as far as it has been gone."""
        grown = self.grown(done)
        for name, (start, end) in self.ends(step).items():
            (a,), (b,) = self.inside(start[None], end[None])
            self.arrows[name].put(a, b, grown[name] * bool(self.holds(start)))
        self.draw_way(step, grown["end"])
        self.opacity.set(1 - done["move"])

    def draw_way(self, step: int, part: float) -> None:
        """Draw `part` 0..1 of a step's path, and its states so far."""
        gone = part * (len(self.path[step]) - 1)
        points = self._until_edge(self.heat.to_scene(self._until(step, gone))[:, :2])
        for mob in (self.casing, self.way):
            mob.set_points_as_corners(np.pad(points, ((0, 0), (0, 1))))
        stops = np.minimum(np.arange(len(self.path[step])), int(gone + 1e-9))
        self.stops.set_xy(self.path[step][stops])

    def holds(self, place: np.ndarray) -> np.ndarray:
        """Whether places (…, 2), in data units, lie in the window."""
        x0, x1, y0, y1 = self.heat.box
        return np.all((place >= (x0, y0)) & (place <= (x1, y1)), axis=-1)

    def inside(self, starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ends of lines of data units, (K, 2) and (K, 2), in the scene: no line goes over the window's edge."""
        a, b = (self.heat.to_scene(p)[:, :2] for p in (starts, ends))
        return a, a + cut(a, b, self.rect)[:, None] * (b - a)

    def _until_edge(self, points: np.ndarray) -> np.ndarray:
        """(K, 2) points of the scene up to where their line first leaves the window."""
        x0, x1, y0, y1 = self.rect
        out = np.flatnonzero(~np.all((points >= (x0, y0)) & (points <= (x1, y1)), axis=-1))
        if not len(out):
            return points
        last, beyond = points[max(out[0] - 1, 0)], points[out[0]]
        return np.concatenate([points[: out[0]], [last + cut(last, beyond[None], self.rect) * (beyond - last)]])

    def tips(self, step: int) -> dict[str, np.ndarray]:
        """Where the arrows end, and the path."""
        ends = {name: self.heat.to_scene(end) for name, (_, end) in self.ends(step).items()}
        return ends | {"end": self.heat.to_scene(self.path[step][-1])}

    def tails(self, step: int) -> dict[str, np.ndarray]:
        """Where the arrows begin."""
        return {name: self.heat.to_scene(start) for name, (start, _) in self.ends(step).items()}

    def uncovered(self, step: int) -> np.ndarray:
        """The path too."""
        stops = self.heat.to_scene(self.path[step])[:, :2]
        way = [np.linspace(a, b, 12) for a, b in pairwise(stops)]
        return np.concatenate([*way, super().uncovered(step)])

    def gone(self, done: Mapping[str, float]) -> float:
        """The part of the path that has been gone."""
        whole = sum(STAGES[name] for name in self.going)
        return min(1.0, sum(STAGES[name] * done[name] for name in self.going) / whole)

    def now(self, step: int, part: float) -> np.ndarray:
        """(2,) where the chain is: on its path, or where it stays."""
        if np.array_equal(self.x[step], self.x[step + 1]):
            return self.x[step]
        return self._until(step, part * (len(self.path[step]) - 1))[-1]

    def _until(self, step: int, gone: float) -> np.ndarray:
        """(K, 2) the path's states up to the one with a number, which may lie between two."""
        path, k = np.asarray(self.path[step], float), int(gone)
        after = path[min(k + 1, len(path) - 1)]
        return np.concatenate([path[: k + 1], (path[k] + (gone - k) * (after - path[k]))[None]])


def after(part: float, begin: float, end: float) -> float:
    """How much of `begin`..`end` has passed when `part` has, 0 to 1."""
    return float(np.clip((part - begin) / (end - begin), 0, 1))
