"""Recorded states in a frame, whether they lie in the plane or in space: scenes draw both with the same words.

A `Plane` lays data on a rectangle; a `Space` shows them through an orbiting camera, inside a box that says which way is
up. Both make clouds, trails and arrows, and both keep what they made in `made`, in the order of drawing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from manim import Animation, Mobject, rate_functions

from diffrender.animation.animations import UpdateFromAlpha
from diffrender.animation.layout.page import containing
from diffrender.animation.layout.telling_angle import telling_angle
from diffrender.animation.mobjects.furniture.panels import Rect
from diffrender.animation.mobjects.plane.cloud import PointCloud
from diffrender.animation.mobjects.plane.field import VectorField
from diffrender.animation.mobjects.plane.tail import Tail
from diffrender.animation.mobjects.plane.trails import Trails
from diffrender.animation.mobjects.space.cloud import PointCloud3D, VectorField3D
from diffrender.animation.mobjects.space.lines import Cage, Trails3D
from diffrender.animation.mobjects.space.orbit import Orbit
from diffrender.animation.theme import Theme
from diffrender.core.errors import RenderError

PHI, THETA = 1.08, -1.05  # radians: from where the orbit begins
SWAY = 0.3  # radians to each side by which a shape turns while it stands, so that its depth is seen
DISTANCE = 3.6  # of the eye, in radii of the data
WIDE = 2.45  # deviations of noise that must find room: one point in twenty lies farther out
EASE = 0.45  # part of the camera's way in which it comes to rest
ROUND_BOX, SWEEP = 1.04, 0.6  # room round the box in space, and radians by which it is yet turned when it is near
ROOM = 0.03  # of the box's sides, between data and box
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


class Space(Plane):
    """Data seen through `orbit`; box: of the plane on which it projects; a cage from `low` to `high` lies behind."""

    dims = 3

    def __init__(
        self,
        orbit: Orbit,
        box: Rect,
        rect: Rect,
        low: Any,
        high: Any,
        *,
        theme: Theme,
        haze: str,
        telling: tuple[float, float],
    ) -> None:
        super().__init__(box, rect)
        self.orbit, self.haze, self.telling = orbit, haze, telling
        self.corners = np.stack(np.meshgrid(*np.stack([low, high], 1)), -1).reshape(-1, 3)
        self.cage = [self.keep(Cage(orbit, box, rect, low, high, color=theme.border, grid=theme.grid))]

    def cloud(self, xy: Any, *, color: Any, radius: float, alpha: Any = 1.0, **more: Any) -> PointCloud:
        """As in the plane, of points (N, 3) or a recording (T+1, N, 3); what is far fades."""
        more |= {"color": color, "radius": radius, "alpha": alpha, "haze": self.haze}
        return self._bound(xy, lambda first: PointCloud3D(self.orbit, self.box, self.rect, first, **more))

    def trails(self, x: Any, *, color: Any, width: float, alpha: float, length: int, **more: Any) -> Any:
        """Tails of a recording (T+1, N, 3), `length` steps long."""
        more.pop("casing", None)  # lines in space need none: the haze sets them off
        more |= {"color": color, "width": width, "alpha": alpha, "length": length, "haze": self.haze}
        return self.keep(Trails3D(self.orbit, self.box, self.rect, x, **more))

    def tail(self, x: Any, *, length: int, **more: Any) -> Any:
        """The tails of a few points: in space they are drawn as all are."""
        return self.trails(x, length=length, **more)

    def arrows(self, places: np.ndarray, v: np.ndarray, *, length: float, **more: Any) -> Any:
        """A field (…, 3) at its places (…, 3); `length` as in the plane."""
        more |= {"length": length * self._cell(places), "haze": self.haze}
        return self.keep(VectorField3D(self.orbit, self.box, self.rect, places, v, **more))

    def flat(self, x: np.ndarray) -> np.ndarray:
        """(…, 3) data coordinates → (…, 2) on the plane on which the camera sees them now."""
        flat = self.orbit.project(np.asarray(x, np.float32).reshape(-1, 3))[0]
        return flat.reshape(*np.shape(x)[:-1], 2).astype(float)

    def fit(self, points: np.ndarray, room: float = 1.1, *, every: bool = False) -> Rect:
        """As in the plane, of points as they are seen in the end, when the camera has come to rest and sways."""
        seen = [super(Space, self).fit(points, room, every=every) for _ in self._turned(-SWAY, SWAY)]
        return containing(_around(seen), self.rect)

    def close_up(self, points: np.ndarray) -> Rect:
        """The smallest part of the plane that holds the whole box, as it is seen in the end and, if the camera does not
        stand, shortly before."""
        return self._round_box(0.0 if self.held else -SWEEP)

    def _round_box(self, turned: float) -> Rect:
        """The smallest part of the plane that holds the whole box until it is `turned`, in radians."""
        seen = np.concatenate([self.flat(self.corners) for _ in self._turned(0.0, turned)])
        (x0, y0), (x1, y1) = seen.min(0), seen.max(0)
        x, y, w, h = (x0 + x1) / 2, (y0 + y1) / 2, ROUND_BOX * (x1 - x0) / 2, ROUND_BOX * (y1 - y0) / 2
        return containing((x - w, x + w, y - h, y + h), self.rect)

    def _turned(self, first: float, last: float) -> Iterator[float]:
        """Angles from `first` to `last`: meanwhile the camera stands there aside from where it comes to rest."""
        for aside in np.linspace(first, last, 5).tolist():
            with self._at_rest():
                self.orbit.theta += aside
                yield aside

    def in_the_end(self, x: np.ndarray) -> np.ndarray:
        """As in the plane."""
        with self._at_rest():
            return self.flat(x)

    @contextmanager
    def _at_rest(self) -> Iterator[None]:
        now = self.orbit.phi, self.orbit.theta
        self.orbit.phi, self.orbit.theta = self.telling
        yield
        self.orbit.phi, self.orbit.theta = now

    def turn(self, seconds: float, *, degrees: float, start: float = 0.0, end: float = 1.0) -> list[Animation]:
        """The part `start` to `end` of the camera's way: from `degrees` aside to the `telling` angle, or back.

        It goes evenly, and over the last `EASE` of the way comes to rest.
        """
        (phi, theta), (from_phi, _) = self.telling, (PHI, THETA)
        if self.held:
            start = end = 0.0 if self.leaves else 1.0

        def show(u: float) -> None:
            gone = _eased(start + u * (end - start))
            left = gone if self.leaves else 1 - gone
            self.orbit.theta = theta - math.radians(degrees) * left
            self.orbit.phi = phi + (from_phi - phi) * left

        return [UpdateFromAlpha(show, *self._seen, run_time=seconds, adds=False)]

    def sway(self, seconds: float) -> list[Animation]:
        """A gentle turn to both sides of where the camera is, and back: depth is seen while a shape stands."""
        rest = self.orbit.theta

        def show(u: float) -> None:
            self.orbit.theta = rest + SWAY * math.sin(2 * math.pi * u) * math.sin(math.pi * u)

        return [UpdateFromAlpha(show, *self._seen, run_time=seconds, adds=False)]

    def go_round(self, seconds: float, points: np.ndarray, *, degrees: float) -> list[Animation]:
        """The camera goes so far aside and back, and so far away meanwhile that the whole box is seen."""
        near, rest, aside = np.array(self.box), self.orbit.theta, -math.radians(degrees)
        far = np.array(self._round_box(aside))

        def show(u: float) -> None:
            away = math.sin(math.pi * u) ** 2
            self.orbit.theta = rest + aside * away
            self.lay(tuple((near + min(2 * away, 1.0) * (far - near)).tolist()), self.rect)

        return [UpdateFromAlpha(show, *self._seen, *self.attached, run_time=seconds, adds=False)]

    @property
    def _seen(self) -> list[Mobject]:
        return self.made


def _around(boxes: list[Rect]) -> Rect:
    """The smallest rectangle that holds all of some."""
    x0, x1, y0, y1 = np.array(boxes).T
    return float(x0.min()), float(x1.max()), float(y0.min()), float(y1.max())


def _eased(u: float) -> float:
    """0..1 → 0..1 at one speed, which falls evenly to nothing over the last `EASE`."""
    speed, bend = 1 / (1 - EASE / 2), 1 - EASE
    return speed * u if u <= bend else speed * (u - (u - bend) ** 2 / (2 * EASE))


def around(
    data: np.ndarray,
    rect: Rect,
    center: tuple[float, float],
    reach: tuple[float, float],
    theme: Theme,
    haze: str = "",
    noise: float = 0.0,
) -> Plane | Space:
    """The view in which data (M, 2 | 3) lie round `center` of the scene and extend no farther from it than `reach`.

    rect: what of the scene may be drawn on. haze: colour towards which far points go, if not the background's.
    In the plane the data's origin lies at `center`, in space the middle of their box, however it is turned.
    noise: standard deviation of a cloud of noise that must not be seen to be cut off by `rect`.
    """
    if data.ndim != 2 or data.shape[1] not in (2, 3):
        raise RenderError(f"States of shape {data.shape[1:]} cannot be shown here: they are no points in 2-D or 3-D.")
    if data.shape[1] == 2:
        extent = np.maximum(np.quantile(np.abs(data), 0.999, axis=0), 1e-6)
        unit = min(reach[0] / extent[0], reach[1] / extent[1])
        if noise > 0:
            (a, b, c, d), (x, y) = rect, center
            unit = min(unit, min(x - a, b - x, y - c, d - y) / (WIDE * noise))
        return Plane(_box(rect, center, unit), rect)
    low, high = np.quantile(data, (0.001, 0.999), axis=0)
    low, high = low - ROOM * np.max(high - low), high + ROOM * np.max(high - low)
    middle, radius = (low + high) / 2, float(np.linalg.norm(high - low)) / 2
    orbit = Orbit(PHI, THETA, perspective=1 / (DISTANCE * radius), center=tuple(middle), reach=0.7 * radius)
    corners = np.stack(np.meshgrid(*np.stack([low, high], 1)), -1).reshape(-1, 3)
    extent = np.zeros(2)
    telling = telling_angle(orbit, data, first=THETA)
    for orbit.phi in (PHI, telling[0]):
        for orbit.theta in np.linspace(0, 2 * math.pi, 48).tolist():
            extent = np.maximum(extent, np.abs(orbit.project(corners)[0]).max(0))
    orbit.phi, orbit.theta = PHI, THETA
    unit = min(reach[0] / float(extent[0]), reach[1] / float(extent[1]))
    return Space(orbit, _box(rect, center, unit), rect, low, high, theme=theme, haze=haze or theme.bg, telling=telling)


def _box(rect: Rect, center: tuple[float, float], unit: float) -> Rect:
    """What of data space `rect` shows, with the origin at `center` and `unit` scene units to a data unit."""
    (a, b, c, d), (x, y) = rect, center
    return (a - x) / unit, (b - x) / unit, (c - y) / unit, (d - y) / unit
