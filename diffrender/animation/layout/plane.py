"""Recorded states in the plane: data space on a rectangle of the scene, and what is drawn of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from manim import Animation, rate_functions

from diffrender.animation.animations import UpdateFromAlpha
from diffrender.animation.layout.page import containing
from diffrender.animation.mobjects.furniture.panels import Rect
from diffrender.animation.mobjects.plane.cloud import PointCloud
from diffrender.animation.mobjects.plane.field import VectorField
from diffrender.animation.mobjects.plane.tail import Tail
from diffrender.animation.mobjects.plane.trails import Trails

OUTERMOST = 0.001, 0.999  # quantiles, in each coordinate, beyond which points are


class Plane:
    """Data space `box` on the rectangle `rect`.

    leaves: whether the camera goes from where it tells most to where it else begins, for what is a shape at first.
    held: whether it stands where it tells most while recorded time passes, so that all that moves are the points.
    """

    dims = 2
    leaves = held = False

    def __init__(self, box: Rect, rect: Rect) -> None:
        self.box, self.rect = box, rect
        self.made: list[Any] = []
        self.attached: list[Any] = []  # what has a `show_view(view)` and is told when the view moves
        self.cage: list[Any] = []  # of what was made, the box in space

    def keep(self, mob: Any) -> Any:
        """Note what was made; each lies over the last."""
        self.made.append(mob.set_z_index(len(self.made) + 1))
        return mob

    def cloud(self, xy: Any, *, color: Any, radius: float, alpha: Any = 1.0, **more: Any) -> PointCloud:
        """Points (N, D), or a recording of them (T+1, N, D) which `show_step` goes through."""
        more |= {"color": color, "radius": radius, "alpha": alpha}
        return self._bound(xy, lambda first: PointCloud(self.box, self.rect, first, **more))

    def trails(self, x: Any, *, color: Any, width: float, alpha: float, length: int, **more: Any) -> Any:
        """Tails of a recording (T+1, N, D), `length` steps long."""
        more |= {"color": color, "width": width, "alpha": alpha, "length": length}
        return self.keep(Trails(self.box, self.rect, x, **more).show_step(0))

    def tail(self, x: Any, *, length: int, **more: Any) -> Any:
        """The tails of a few points of a recording (T+1, N, D), `length` steps long, cheap where the view zooms."""
        return self.keep(Tail(self.box, self.rect, x, length=length, **more))

    def arrows(self, places: np.ndarray, v: np.ndarray, *, length: float, **more: Any) -> Any:
        """A field (…, D) at its places (…, D); `length` of the longest arrow in steps of a regular grid."""
        return self.keep(VectorField(self.box, self.rect, places, v, length=length * self._cell(places), **more))

    def flat(self, x: np.ndarray) -> np.ndarray:
        """(…, D) data coordinates → (…, 2) on the plane of which `box` is a part."""
        return np.asarray(x, float)

    def to_scene(self, x: np.ndarray) -> np.ndarray:
        """(…, D) data coordinates → (…, 2) scene coordinates."""
        (x0, x1, y0, y1), (a, b, c, d) = self.box, self.rect
        u = (self.flat(x) - (x0, y0)) / (x1 - x0, y1 - y0)
        return u * (b - a, d - c) + (a, c)

    def move(
        self, box: Rect, rect: Rect, seconds: float, rate_func: Callable[[float], float] = rate_functions.smooth
    ) -> Animation:
        """Let all that was made glide to another rectangle, and to another part of data space on it: a zoom.

        Marks keep their size.
        """
        old = np.array([*self.box, *self.rect])
        new = np.array([*box, *rect])

        def show(u: float) -> None:
            ends = (old + u * (new - old)).tolist()
            self.lay(tuple(ends[:4]), tuple(ends[4:]))

        return UpdateFromAlpha(show, *self.made, *self.attached, run_time=seconds, rate_func=rate_func, adds=False)

    def lay(self, box: Rect, rect: Rect) -> None:
        """Show the part `box` of data space on the rectangle `rect` from now on."""
        self.box, self.rect = box, rect
        for mob in self.made:
            lay(mob, box, rect)
        for thing in self.attached:
            thing.show_view(self)

    def fit(self, points: np.ndarray, room: float = 1.1, *, every: bool = False) -> Rect:
        """The smallest part of data space, of the shape of the rectangle, that holds points (M, D) with some room: all
        of them if `every`, else but for the outermost."""
        low, high = np.quantile(self.flat(points), (0.0, 1.0) if every else OUTERMOST, axis=0)
        (x, y), (w, h) = (low + high) / 2, room * (high - low) / 2
        if not (w or h):  # all on one point
            w = h = (self.box[1] - self.box[0]) / 20 or 1.0
        return containing((x - w, x + w, y - h, y + h), self.rect)

    def in_the_end(self, x: np.ndarray) -> np.ndarray:
        """(…, D) data coordinates → (…, 2) as `flat` has them when the camera has come to rest."""
        return self.flat(x)

    def close_up(self, points: np.ndarray) -> Rect:
        """What a view of points closes in on."""
        return self.fit(points)

    def turn(self, seconds: float, *, degrees: float, start: float = 0.0, end: float = 1.0) -> list[Animation]:
        """What moves the camera meanwhile: nothing in the plane."""
        return []

    def sway(self, seconds: float) -> list[Animation]:
        """What turns a shape that stands: nothing in the plane."""
        return []

    def go_round(self, seconds: float, points: np.ndarray, *, degrees: float) -> list[Animation]:
        """What shows a shape that stands from so far aside, and comes back: nothing in the plane."""
        return []

    def look(self, course: float, *, degrees: float) -> None:
        """Put the camera where it is when `course` 0..1 of its way has passed."""
        for animation in self.turn(1.0, degrees=degrees, start=course, end=course):
            animation.interpolate(0)

    def _bound(self, x: np.ndarray, make: Any) -> Any:
        recorded = x.ndim == 3
        cloud = make(x[0] if recorded else x)
        return self.keep(cloud.follow(x) if recorded else cloud)

    def _cell(self, places: np.ndarray) -> float:
        """Scene units from one place of a regular grid to the next."""
        x = places[..., 0].reshape(-1)
        return float(x[1] - x[0]) * (self.rect[1] - self.rect[0]) / (self.box[1] - self.box[0])


def lay(mob: Any, box: Rect, rect: Rect) -> None:
    """Lay a bulk mobject's part `box` of data space on the rectangle `rect` of the scene; its marks keep their size."""
    a, b, c, d = rect
    mob.points = np.array([[a, c, 0], [b, c, 0], [a, d, 0], [b, d, 0]], float)
    mob.box, mob.natural_area = box, (b - a) * (d - c)
