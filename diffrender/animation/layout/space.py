"""Recorded states in space: seen through an orbiting camera, inside a box that says which way is up."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from manim import Animation, Mobject

from diffrender.animation.animations import UpdateFromAlpha
from diffrender.animation.layout.page import containing
from diffrender.animation.layout.plane import Plane
from diffrender.animation.mobjects.furniture.panels import Rect
from diffrender.animation.mobjects.plane.cloud import PointCloud
from diffrender.animation.mobjects.space.cloud import PointCloud3D, VectorField3D
from diffrender.animation.mobjects.space.lines import Cage, Trails3D
from diffrender.animation.mobjects.space.orbit import Orbit
from diffrender.animation.theme import Theme

PHI, THETA = 1.08, -1.05  # radians: from where the orbit begins
SWAY = 0.3  # radians to each side by which a shape turns while it stands, so that its depth is seen
EASE = 0.45  # part of the camera's way in which it comes to rest
ROUND_BOX, SWEEP = 1.04, 0.6  # room round the box in space, and radians by which it is yet turned when it is near


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
