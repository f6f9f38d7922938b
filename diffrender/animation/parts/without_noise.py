"""Two runs from the same noise side by side: with their noise they become the data, without it one point."""

from __future__ import annotations

from typing import Any

import numpy as np
from manim import Animation, Circle, VGroup

from diffrender.animation.layout.box import Boxes
from diffrender.animation.layout.page import Page, narrowed
from diffrender.animation.layout.plane import Plane
from diffrender.animation.mobjects.furniture.panels import frame
from diffrender.animation.parts.beside import distances
from diffrender.animation.parts.posterior import Mark
from diffrender.animation.theme import LINE, point_radius
from diffrender.trajectory.reader import Trajectory

FAR = (
    "sliced Wasserstein distance {0:.3f}, true samples {1}|sliced Wasserstein {0:.3f}, true samples {1}"
    "|sliced $W_2$ {0:.3f}, true samples {1}|sliced $W_2$ {0:.3f} ({1})"
)
THEORY = "all end within {:.3f} of where theory says|within {:.3f} of theory|{:.3f} off theory"
DATA, SAMPLES = 0.75, 0.8  # opacity
RING, POINT = 0.24, 0.1  # radii of the mark where theory says that all points go, and of them all


class Gathered(Mark):
    """All points of a run as one dot, which is seen from where they lie within it on."""

    def __init__(self, view: Plane, run: Trajectory, *, color: str, ring: str) -> None:
        states = [np.asarray(run.states[k], float) for k in range(run.steps + 1)]
        self.spread = [float(np.sqrt(x.var(0).sum())) for x in states]
        super().__init__(view, [x.mean(0) for x in states], color=color, ring=ring, radius=POINT)

    def show_step(self, step: float) -> None:
        """Stand in their middle at a recorded step."""
        super().show_step(step)
        unit = (self.view.rect[1] - self.view.rect[0]) / (self.view.box[1] - self.view.box[0])
        self.dot.set_opacity(float(2 * self.spread[self.step] * unit < POINT))


class WithoutNoise:
    """`noisy` on the left panel and `still` on the right, over the data; a ring where theory says that `still` ends.

    moving: both clouds, and `still` as one point, to be bound to a clock. mobjects: all that stands from the start.
    away: of the mean of the last states of `still` from the ring.
    """

    def __init__(
        self, page: Page, noisy: Trajectory, still: Trajectory, views: tuple[Plane, Plane], boxes: Boxes, words: Any
    ) -> None:
        theme, runs, self.noisy, self.views = page.theme, (noisy, still), noisy, views
        size = point_radius(noisy.chains, 24)
        data = [v.cloud(noisy.target, color=theme.data, radius=size, alpha=DATA) for v in views if len(noisy.target)]
        clouds = [
            v.cloud(run.states, color=theme.samples, radius=size, alpha=SAMPLES)
            for v, run in zip(views, runs, strict=True)
        ]
        names = [
            page.panel_label(page.words(page.fitting(words[key], box.width, "label")), box)
            for key, box in (("kept", boxes.left), ("left_out", boxes.right))
        ]
        point = Gathered(views[1], still, color=theme.samples, ring=theme.bg)
        self.moving: list[Any] = [*clouds, point]
        frames = [frame(box, theme.border) for box in (boxes.left, boxes.right)]
        self.mobjects: list[Any] = [*frames, *data, *clouds, *point.mobjects, *names]
        self.theory = np.asarray(still["collapse"], float)
        self.away = float(np.linalg.norm(point.places[-1] - self.theory))
        casing = Circle(radius=RING).set_stroke(theme.bg, 400 * LINE)
        self.ring = VGroup(casing, Circle(radius=RING).set_stroke(theme.fg, 200 * LINE)).set_z_index(9)
        below, over = boxes.right_key, boxes.left_key
        if page.shape == "tall":  # under each other, over the whole width
            below = below._replace(left=over.left)
            over = below._replace(bottom=below.bottom + 1.4 * page.em("legend"))
        said: dict[Any, tuple[Any, ...]] = {below: (THEORY, self.away + 2 * point.spread[-1])}
        if far := distances(noisy):
            said[over] = (FAR, far.far, far.usual)
        self.numbers = []
        for box, (forms, *values) in said.items():
            form = page.fitting(forms, box.width, "legend", *values)
            number = narrowed(page.words(form.format(*values), "legend"), box.width - 0.2)
            self.numbers.append(number.at(*page.foot(box)))

    def mark(self) -> list[Any]:
        """The ring where it belongs as the view is now; and the numbers."""
        self.ring.move_to([*self.views[1].to_scene(self.theory), 0.0])
        return [self.ring, *self.numbers]

    def closing_in(self, seconds: float) -> list[Animation]:
        """Let both views come as near as the data let them."""
        data = self.noisy.target if len(self.noisy.target) else self.noisy.states[-1]
        return [view.move(view.fit(data, 1.25), view.rect, seconds) for view in self.views]
