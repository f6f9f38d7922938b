"""What a flow shows: the data, its field, one particle and many that it carries, and the paths of all."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.animation.layout.plane import Plane
from diffrender.animation.parts.clock import Clock
from diffrender.animation.parts.deformed_grid import directions
from diffrender.animation.parts.flow_field import FlowField
from diffrender.animation.parts.hero import Hero
from diffrender.animation.theme import LINE, Theme, point_radius

DATA, POINT, ALL = 0.75, 0.95, 0.9  # opacity: of the data, of what is carried, of all while one is followed
TAIL = {"width": 1.2 * LINE, "alpha": 0.9, "power": 1.0}
FAR = 0.97  # the one particle goes farther than so much of the others
LESS = 0.55  # of the lines' opacity when many particles ride among them
HUES = 17  # of directions in which particles start


class FlowMarks:
    """All that a view shows of a flow, in the order in which it lies over each other.

    options: of a scene, with `points`, `particles`, `trail_steps` and `style`. share: of its opacity that the field has
    besides that of its trust. all: samples of what the density is now. paths: of all, and last their ends, in the hues
    of the directions in which they start, as they are seen. ends: of all, in the colour of samples.
    """

    def __init__(self, flow: FlowField, view: Plane, options: Any, *, theme: Theme) -> None:
        self.flow, self.view, self.theme, self.share, run = flow, view, theme, 1.0, flow.run
        self.step = 0.0
        self.paths, states = self._paths(), run["x"][:, : options.points or options.particles]
        self.data = [view.cloud(run.target, color=theme.data, radius=0.016, alpha=DATA)] if len(run.target) else []
        self.all = [view.cloud(run["x"], color=theme.samples, radius=0.012, alpha=ALL)]
        self.field = flow.drawn(view, options.style, theme=theme)
        tail: dict[str, Any] = TAIL | {"length": options.trail_steps, "casing": theme.panel}
        self.many = [view.trails(states, color=theme.samples, **tail)]
        self.many.append(view.cloud(states, color=theme.samples, radius=0.046, alpha=POINT, ring=theme.panel))
        small = point_radius(run.chains, 24)
        self.ends = view.cloud(np.asarray(run["x"][-1]), color=theme.samples, radius=small, alpha=DATA)
        self.ends.set_z_index(self.paths[0].z_index - 0.5)  # under their own hues, until they stand beside the data
        self.hero = Hero(view, run["x"], theme=theme, length=run.steps, even=True, way=FAR, radius=0.075)

    def _paths(self) -> list[Any]:
        x, view = self.flow.run["x"], self.view
        starts = view.flat(np.asarray(x[0], float))
        hues = directions(starts - starts.mean(0), self.theme, HUES)
        ends = point_radius(len(hues), 24)
        return [*self.flow.paths(view, hues), view.cloud(x, color=hues, radius=ends, alpha=1.0)]

    def bind(self, clock: Clock) -> None:
        """Let all that moves show the clock's time."""
        clock.bind(self.field, *self.all, *self.paths[-1 if self.view.dims == 3 else 0 :], *self.many, self.hero)
        clock.bind(self.show_field, moves=[self.field])

    def show_field(self, step: float) -> None:
        """Show the field as opaque as it is to be trusted."""
        self.step = step
        self.field.set_fill(opacity=self.share * self.flow.trusted[int(step)])

    def dim(self, u: float) -> None:
        """Take back lines of the field, 0..1 of the way, for the particles that ride among them."""
        self.share = 1 - (1 - LESS) * u
        self.show_field(self.step)
