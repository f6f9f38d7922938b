"""The posterior p(x_0 | x_t) that was recorded of the followed point: its points as a fan, its mean, its ellipse."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from manim import Dot, VGroup, VMobject

from diffrender.animation.layout.plane import Plane
from diffrender.animation.mobjects.furniture.panels import cut
from diffrender.animation.theme import HAIR, LINE, RING, Theme
from diffrender.trajectory.reader import Trajectory

RAYS = 40  # of the fan: draws of the posterior
POINT, MEAN = 0.032, 0.11  # radii
SHOWN = 0.95  # opacity of the likeliest point; that of others falls as the root of how likely they are
VERTICES = 64  # of an ellipse


class Fan(VGroup):
    """Points of p(x_0 | x_t), the likelier the clearer, and rays to draws of it from x_t; it moves with recorded time.

    mobjects: points, then rays. spread: (T,) root mean square distance of the posterior from its mean.
    """

    def __init__(self, view: Plane, run: Trajectory, *, theme: Theme) -> None:
        run.require("posterior", "posterior_weight", "posterior_mean")
        self.rays = VMobject(stroke_color=theme.data, stroke_width=100 * HAIR, stroke_opacity=0.55)
        super().__init__(self.rays)
        self.view, self.run, self.chain = view, run, int(run.meta["followed"])
        self.spread = np.sqrt(np.trace(np.asarray(run["posterior_cov"], float), axis1=1, axis2=2))
        first = np.asarray(run["posterior"][0])
        self.cloud = view.cloud(first, color=theme.data, radius=POINT, alpha=np.zeros(len(first)))
        self.rays.set_z_index(self.cloud.z_index)
        self.mobjects: list[Any] = [self.cloud, self.rays]
        self.step, self.reach, self.gathered = 0, 1.0, 0.0
        view.attached.append(self)
        self.show_step(0)

    def show_step(self, step: float) -> None:
        """Show the posterior at a recorded step; after the last move that of the last."""
        self.step = min(int(step), self.run.steps - 1)
        weight = np.asarray(self.run["posterior_weight"][self.step], float)
        self.cloud.set_xy(np.asarray(self.run["posterior"][self.step]))
        self.cloud.alpha = SHOWN * np.sqrt(weight / weight.max())
        self.open(self.reach, self.gathered)

    def open(self, reach: float, gathered: float = 0.0) -> None:
        """Let the rays go so far, 0 to 1, on their way from x_t to x_0, and their ends so far to the mean of all."""
        self.reach, self.gathered = reach, gathered
        here = self.view.to_scene(np.asarray(self.run.states[self.step][self.chain], float))
        ends, mean = self.draws(), np.asarray(self.run["posterior_mean"][self.step], float)
        ends = here + reach * (self.view.to_scene(ends + gathered * (mean - ends)) - here)
        a, b = np.broadcast_to(here, ends.shape), here + cut(here, ends, self.view.rect)[:, None] * (ends - here)
        lines = np.stack([a, a + (b - a) / 3, a + (b - a) * 2 / 3, b], 1).reshape(-1, 2)
        self.rays.points = np.pad(lines, ((0, 0), (0, 1)))

    def draws(self) -> np.ndarray:
        """(RAYS, D) draws of the posterior, evenly through its weights: the same each time."""
        weight = np.cumsum(np.asarray(self.run["posterior_weight"][self.step], float))
        chosen = np.searchsorted(weight, (np.arange(RAYS) + 0.5) / RAYS * weight[-1])
        return np.asarray(self.run["posterior"][self.step], float)[chosen]

    def show_view(self, view: Plane) -> None:
        """Follow the view where it moves to."""
        self.open(self.reach, self.gathered)


class Mark(VGroup):
    """A ringed dot at a recorded place that moves with the view: x̂0, or where theory says. places: (T, D)."""

    def __init__(self, view: Plane, places: Any, *, color: str, ring: str, radius: float = MEAN) -> None:
        self.dot = Dot(radius=radius, color=color).set_stroke(ring, 100 * RING).set_z_index(8)
        super().__init__(self.dot)
        self.view, self.places, self.step = view, places, 0
        self.mobjects: list[Any] = [self.dot]
        view.attached.append(self)
        self.show_step(0)

    def show_step(self, step: float) -> None:
        """Stand at its place of a recorded step."""
        self.step = min(int(step), len(self.places) - 1)
        self.show_view(self.view)

    def show_view(self, view: Plane) -> None:
        """Follow the view where it moves to."""
        self.dot.move_to([*view.to_scene(np.asarray(self.places[self.step], float)), 0.0])


class Ellipse(VGroup):
    """The one-deviation ellipse of a covariance about its mean, in the plane. means: (T, 2), covs: (T, 2, 2)."""

    def __init__(
        self, view: Plane, means: Any, covs: Any, *, color: str, casing: str, width: float = 1.8 * LINE
    ) -> None:
        self.line = VMobject(stroke_color=color, stroke_width=100 * width).set_z_index(7)
        self.under = VMobject(stroke_color=casing, stroke_width=260 * width).set_z_index(7)
        super().__init__(self.under, self.line)
        self.view, self.means, self.step = view, means, 0
        value, axes = np.linalg.eigh((np.asarray(covs, float) + np.asarray(covs, float).swapaxes(1, 2)) / 2)
        self.roots = axes * np.sqrt(np.maximum(value, 0.0))[:, None]  # (T, 2, 2): columns are half axes
        self.mobjects: list[Any] = [self.under, self.line]
        view.attached.append(self)
        self.show_step(0)

    def show_step(self, step: float) -> None:
        """Lie as at a recorded step."""
        self.step = min(int(step), len(self.roots) - 1)
        self.show_view(self.view)

    def outline(self) -> np.ndarray:
        """(VERTICES, 2) data coordinates of the ellipse now, the last vertex the first again."""
        angle = np.linspace(0, 2 * math.pi, VERTICES)
        circle = np.stack([np.cos(angle), np.sin(angle)])
        return np.asarray(self.means[self.step], float) + (self.roots[self.step] @ circle).T

    def show_view(self, view: Plane) -> None:
        """Follow the view where it moves to."""
        for mob in self.mobjects:
            mob.set_points_smoothly(np.pad(view.to_scene(self.outline()), ((0, 0), (0, 1))))
