"""Recorded states in a frame, whether they lie in the plane or in space: scenes draw both with the same words.

A `Plane` lays data on a rectangle; a `Space` shows them through an orbiting camera, inside a box that says which way is
up. Both make clouds, trails and arrows, and both keep what they made in `made`, in the order of drawing.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from manim import Animation, Mobject, rate_functions

from diffrender.animation.mobjects.furniture.panels import Rect
from diffrender.animation.mobjects.plane.cloud import PointCloud
from diffrender.animation.mobjects.plane.field import VectorField
from diffrender.animation.mobjects.plane.trails import Trails
from diffrender.animation.mobjects.space.cloud import PointCloud3D, VectorField3D
from diffrender.animation.mobjects.space.lines import Cage, Trails3D
from diffrender.animation.mobjects.space.orbit import Orbit, Turn
from diffrender.animation.theme import Theme
from diffrender.core.errors import RenderError

PHI, THETA = 1.08, -1.05  # radians: from where the orbit begins
DISTANCE = 4.5  # of the eye, in radii of the data
WIDE = 2.7  # deviations of noise that must find room: one point in a hundred lies farther out
ROOM = 0.06  # of the box's sides, between data and box


class Plane:
    """Data space `box` on the rectangle `rect`."""

    dims = 2

    def __init__(self, box: Rect, rect: Rect) -> None:
        self.box, self.rect = box, rect
        self.made: list[Any] = []

    def keep(self, mob: Any) -> Any:
        """Note what was made; each lies over the last."""
        self.made.append(mob.set_z_index(len(self.made) + 1))
        return mob

    def cloud(self, xy: np.ndarray, color: Any, radius: float, alpha: Any = 1.0, **more: Any) -> PointCloud:
        """Points (N, D), or a recording of them (T+1, N, D) which `show_step` goes through."""
        return self._bound(xy, lambda first: PointCloud(self.box, self.rect, first, color, radius, alpha, **more))

    def trails(self, x: np.ndarray, color: str, width: float, alpha: float, length: int, **more: Any) -> Any:
        """Tails of a recording (T+1, N, D), `length` steps long."""
        return self.keep(Trails(self.box, self.rect, x, color, width, alpha, length=length, **more).show_step(0))

    def arrows(
        self, places: np.ndarray, v: np.ndarray, table: np.ndarray, vmax: float, length: float, power: float
    ) -> Any:
        """A field (…, D) at its places (…, D); `length` of the longest arrow in steps of a regular grid."""
        return self.keep(VectorField(self.box, self.rect, places, v, table, vmax, length * self._cell(places), power))

    def turning(self, seconds: float, degrees: float) -> list[Animation]:
        """What moves the camera meanwhile: nothing in the plane."""
        return []

    def coming_to_rest(self, seconds: float, speed: float) -> list[Animation]:
        """What lets the camera turn on, from `speed` degrees a second to none: nothing in the plane."""
        return []

    def _bound(self, x: np.ndarray, make: Any) -> Any:
        recorded = x.ndim == 3
        cloud = make(x[0] if recorded else x)
        return self.keep(cloud.follow(x) if recorded else cloud)

    def _cell(self, places: np.ndarray) -> float:
        """Scene units from one place of a regular grid to the next."""
        x = places[..., 0].reshape(-1)
        return float(x[1] - x[0]) * (self.rect[1] - self.rect[0]) / (self.box[1] - self.box[0])


class Space(Plane):
    """Data seen through `orbit`; box: of the plane on which it projects; a cage from `low` to `high` lies behind."""

    dims = 3

    def __init__(self, orbit: Orbit, box: Rect, rect: Rect, low: Any, high: Any, theme: Theme, haze: str) -> None:
        super().__init__(box, rect)
        self.orbit, self.haze = orbit, haze
        self.keep(Cage(orbit, box, rect, low, high, theme.border, theme.grid))

    def cloud(self, xy: np.ndarray, color: Any, radius: float, alpha: Any = 1.0, **more: Any) -> PointCloud:
        def make(first: np.ndarray) -> PointCloud3D:
            return PointCloud3D(self.orbit, self.box, self.rect, first, color, radius, self.haze, alpha, **more)

        return self._bound(xy, make)

    def trails(self, x: np.ndarray, color: str, width: float, alpha: float, length: int, **more: Any) -> Any:
        more.pop("casing", None)  # lines in space need none: the haze sets them off
        return self.keep(Trails3D(self.orbit, self.box, self.rect, x, color, self.haze, width, alpha, length, **more))

    def arrows(
        self, places: np.ndarray, v: np.ndarray, table: np.ndarray, vmax: float, length: float, power: float
    ) -> Any:
        size = length * self._cell(places)
        return self.keep(VectorField3D(self.orbit, self.box, self.rect, places, v, table, vmax, size, self.haze, power))

    def turning(self, seconds: float, degrees: float) -> list[Animation]:
        goal = self.orbit.theta + math.radians(degrees)
        return [Turn(self.orbit, *self._seen, theta=goal, run_time=seconds, rate_func=rate_functions.linear)]

    def coming_to_rest(self, seconds: float, speed: float) -> list[Animation]:
        goal = self.orbit.theta + math.radians(speed) * seconds * 2 / math.pi  # where a sine that starts so fast ends
        return [Turn(self.orbit, *self._seen, theta=goal, run_time=seconds, rate_func=rate_functions.ease_out_sine)]

    @property
    def _seen(self) -> list[Mobject]:
        return self.made


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
    orbit = Orbit(PHI, THETA, perspective=1 / (DISTANCE * radius), center=tuple(middle))
    corners = np.stack(np.meshgrid(*np.stack([low, high], 1)), -1).reshape(-1, 3)
    extent = np.zeros(2)
    for theta in np.linspace(0, 2 * math.pi, 48):
        orbit.theta = float(theta)
        extent = np.maximum(extent, np.abs(orbit.project(corners)[0]).max(0))
    orbit.theta = THETA
    unit = min(reach[0] / float(extent[0]), reach[1] / float(extent[1]))
    return Space(orbit, _box(rect, center, unit), rect, low, high, theme, haze or theme.bg)


def _box(rect: Rect, center: tuple[float, float], unit: float) -> Rect:
    """What of data space `rect` shows, with the origin at `center` and `unit` scene units to a data unit."""
    (a, b, c, d), (x, y) = rect, center
    return (a - x) / unit, (b - x) / unit, (c - y) / unit, (d - y) / unit
