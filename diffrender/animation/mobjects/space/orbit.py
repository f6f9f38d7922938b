"""A camera that orbits three-dimensional data inside an ordinary, flat scene.

Titles, panels and sliders stay where they are: only what is given an `Orbit` turns with it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from manim import Animation, Group, Mobject, smooth

from diffrender.animation.mobjects import kernels
from diffrender.core.errors import RenderError

NEAREST = 0.9  # of the distance to the eye: what comes nearer is not drawn


class Orbit:
    """From where three-dimensional data are seen. Angles in radians.

    phi: from the z axis down to the eye; theta: of the eye round the z axis, from the x axis. Data lie round `center`.
    reach: how far data go from the centre, over which fog thickens; 0 for as far as the picture shows.
    zoom: scales the picture. perspective: 1 / (distance of the eye in data units); 0 for parallel rays.
    """

    def __init__(
        self,
        phi: float = 1.2,
        theta: float = -0.8,
        zoom: float = 1.0,
        perspective: float = 0.0,
        center: tuple[float, float, float] = (0.0, 0.0, 0.0),
        reach: float = 0.0,
    ) -> None:
        if not (math.isfinite(phi + theta) and zoom > 0 and perspective >= 0):
            raise RenderError(f"Orbit: phi {phi}, theta {theta}, zoom {zoom}, perspective {perspective} cannot be.")
        self.phi, self.theta, self.zoom, self.perspective = phi, theta, zoom, perspective
        self.center, self.reach = np.asarray(center, float), reach

    def state(self) -> tuple:
        """All that decides how data are seen through it."""
        return self.phi, self.theta, self.zoom, self.perspective, self.reach, *self.center.tolist()

    @property
    def axes(self) -> np.ndarray:
        """(3, 3): the directions right, up and towards the eye, in data space."""
        (cp, sp), (ct, st) = (math.cos(self.phi), math.sin(self.phi)), (math.cos(self.theta), math.sin(self.theta))
        return np.array([[-st, ct, 0], [-cp * ct, -cp * st, sp], [sp * ct, sp * st, cp]])

    def project(self, xyz: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(N, 3) data → (N, 2) float32 on the plane through the centre, (N,) scale there, (N,) depth towards the eye.

        What is behind the eye or too near it becomes NaN.
        """
        xyz = np.ascontiguousarray(xyz, np.float32)
        return kernels.project(xyz, self.axes, self.center, self.zoom, self.perspective, NEAREST)


class Turn(Animation):
    """Move an orbit to new angles or zoom; `seen` are the mobjects that are seen through it."""

    def __init__(
        self,
        orbit: Orbit,
        *seen: Mobject,
        phi: float | None = None,
        theta: float | None = None,
        zoom: float | None = None,
        run_time: float = 5.0,
        rate_func: Callable[[float], float] = smooth,
        **kwargs: Any,
    ) -> None:
        self.orbit = orbit
        self.goal = {k: v for k, v in {"phi": phi, "theta": theta, "zoom": zoom}.items() if v is not None}
        super().__init__(
            Group(*seen),
            run_time=run_time,
            rate_func=rate_func,
            introducer=True,
            suspend_mobject_updating=False,
            **kwargs,
        )

    def _setup_scene(self, scene: Any) -> None:
        present = set(scene.get_mobject_family_members())
        scene.add(*(m for m in self.mobject.submobjects if m not in present))

    def begin(self) -> None:
        """Note where the orbit is."""
        self.origin = {name: getattr(self.orbit, name) for name in self.goal}
        self.interpolate(0)

    def get_all_mobjects_to_update(self) -> list[Mobject]:
        """None: nothing is copied."""
        return []

    def interpolate_mobject(self, alpha: float) -> None:
        """Put the orbit on its way."""
        share = self.rate_func(alpha)
        for name, end in self.goal.items():
            setattr(self.orbit, name, self.origin[name] + share * (end - self.origin[name]))
