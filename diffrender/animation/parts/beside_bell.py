"""The end of a forward run: what the data have become, and beside it draws of the normal distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from manim import Mobject

from diffrender.animation.animations import FadeInFast, FadeOutFast
from diffrender.animation.layout.box import Boxes
from diffrender.animation.layout.page import Page
from diffrender.animation.layout.plane import Plane
from diffrender.animation.mobjects.furniture.panels import frame, panel
from diffrender.animation.parts.axes import scale_bar
from diffrender.animation.parts.beside import Beside, feet
from diffrender.animation.parts.marginals import distance_to_noise, marginals
from diffrender.animation.theme import point_radius

NOTHING = 1e-3  # share of the variance that is next to nothing
ROOM = 0.95  # of a panel's width, for its name
FAR_FROM_BELL = "sliced Wasserstein to {1}: {0:.3f}|distance to {1}: {0:.3f}|to {1}: {0:.3f}"
BELL_FLOOR = "90 % of normal samples: {0}|normal samples: {0}|normal: {0}"
BOTH = (  # in one line, where there is room for it
    "sliced Wasserstein distance to {1}: {0:.3f}; 90 % of normal samples: {2}"
    "|sliced Wasserstein to {1}: {0:.3f}; 90 % of samples: {2}|sliced Wasserstein {0:.3f}; 90 % of samples {2}"
)
ONLY_BELL = (  # and so said where nothing of the data is left
    "The shape is gone: {0:.3f} $x_0$ is left, and as near to the bell as normal samples"
    "|The shape is gone: as near to the bell as normal samples|The shape is gone|gone"
)
AS_NEAR = "As near to the bell as normal samples are|as near as normal samples"
FARTHER = "Farther from the bell than normal samples are|farther than normal samples"
MOVE_SECONDS, SOON = 0.6, 0.2  # the states move to their panel, what goes is gone after this part of it
UNIT = 0.01  # off 1, within which a deviation is written as 1
SIZE, CLOUD = 16, 0.75  # of points, as `point_radius` takes it, and their opacity


class BesideBell(Beside):
    """States on the left of two panels, where they came to be, and as many draws of N(0, deviation²) on the right.

    last: (N, D) states at the end. views: of what `beside_marginals` leaves of the left and of the right of `boxes`.
    time, share, left: of the last state, that of the data in its variance, and by how much they are multiplied in it:
    if that is next to nothing, and the distance to the bell as that of such draws, a sentence says so. mobjects: all
    but the states, with the distance to the bell of the states and that between which such draws lie.
    """

    def __init__(
        self,
        page: Page,
        last: np.ndarray,
        views: Sequence[Plane],
        boxes: Boxes,
        deviation: float,
        *,
        time: float = 1.0,
        share: float = 1.0,
        left: float = 1.0,
    ) -> None:
        theme, count = page.theme, len(last)
        drawn = np.random.default_rng(0).standard_normal(last.shape) * deviation
        distance, (low, high) = distance_to_noise(last[None], deviation)
        self.far, usual = float(distance[0]), f"{low:.3f}–{high:.3f}"
        drawings = (f"$x_t$ at $t =$ {time:.2f}", last, theme.samples), ("Normal samples", drawn, theme.fg)
        self.mobjects: list[Mobject] = []
        for view, box, (name, points, color) in zip(views, (boxes.left, boxes.right), drawings, strict=True):
            stage = box._replace(right=view.rect[1], top=view.rect[3])
            if points is drawn:
                self.draw(view, points, color)
            for edge in marginals(view, points[None], stage, deviation=deviation, colors=[color], theme=theme):
                edge.show_step(0)
                self.mobjects += edge.mobjects
            self.mobjects += [panel(stage, theme), *view.made, frame(stage, theme.border).set_z_index(8)]
            self.mobjects += [scale_bar(view, page, stage).set_z_index(9)] if view.dims == 2 else []
            called = page.fitting(f"{name}: {count:,} points|{name}", ROOM * box.width, "label")
            self.named = [page.panel_label(page.words(called), box)]
            self.mobjects += self.named
        law = "$cal(N)(0, I)$" if abs(deviation - 1) < UNIT else "$cal(N)(0, sigma_T^2 I)$"
        whole = boxes.left_key._replace(right=boxes.right_key.right)
        if page.shape == "tall":
            self.mobjects += feet(page, boxes, (BELL_FLOOR, (usual,)), (FAR_FROM_BELL, (self.far, law)), rows=2)
        else:
            values, high_up = (self.far, law, usual), page.foot(whole)[1] + 1.4 * page.em("label")
            both = page.fitting(BOTH, whole.width, "legend", *values).format(*values)
            self.mobjects.append(page.label(both, whole.center[0], high_up, 0, "legend"))
        forms = FARTHER if self.far > high else "" if self.far < low else ONLY_BELL if share < NOTHING else AS_NEAR
        if forms:
            said_of_both = page.fitting(forms, whole.width, "label", left).format(left)
            self.mobjects.append(page.label(said_of_both, whole.center[0], page.foot(whole)[1], 0, "label"))
        self.where = views[0].box, views[0].rect

    def play(
        self, scene: Any, view: Plane, gone: Sequence[Mobject], *also: Mobject, frame: Sequence[Mobject] = ()
    ) -> None:
        """As of `Beside`, but sooner, and names come with the rest: until then there is little to see.

        frame: what of it all is gone only when the states have their panel.
        """
        seconds = scene.seconds(MOVE_SECONDS)
        out = FadeOutFast(*(mob for mob in gone if mob not in frame), run_time=SOON * seconds)
        last = [FadeOutFast(*frame, run_time=seconds)] if frame else []
        into = FadeInFast(*self.mobjects, *also, run_time=seconds, after=SOON)
        scene.play(out, *last, view.move(*self.where, seconds), into)

    def draw(self, view: Plane, points: np.ndarray, color: str) -> None:
        """Draws or states as a cloud on a view, in points of one size."""
        view.cloud(points, color=color, radius=point_radius(len(points), SIZE), alpha=CLOUD)
