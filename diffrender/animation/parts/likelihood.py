"""log p along recorded paths of the flow, against the closed form; and the cell of the plane that a path carries."""

from __future__ import annotations

from typing import Any

import numpy as np
from manim import VGroup, VMobject

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.layout.plane import Plane
from diffrender.animation.mobjects.furniture.panels import line
from diffrender.animation.mobjects.plane.cloud import PointCloud
from diffrender.animation.mobjects.plane.curve import CURVE
from diffrender.animation.parts.axes import Axes, evenly
from diffrender.animation.parts.hero import HERO
from diffrender.animation.theme import LINE, Theme, point_radius
from diffrender.trajectory.reader import Trajectory

FIRST = -6.0  # log-SNR under which p_t is as good as normal: not drawn
LEAST = 1e-7  # of errors on a logarithmic axis
LIMIT = 1e-3  # of an error: the dotted line
TICKS = [1e-6, LIMIT]


class LikelihoodChart:
    """log p_t(x_t) of one chain against log-SNR, by the flow and in closed form; under it, if there is room, the error.

    ode, truth: (T,) of the chain. error: (T,) how far they are apart. ratio: (T,) |det ∂x_t/∂x_T|, the area of what it
    carries over that at the start. curves grow with the clock; mobjects: axes, curves, the dotted line at `LIMIT`.
    """

    def __init__(self, page: Page, run: Trajectory, chain: int, box: Box) -> None:
        run.require("log_p", "log_p_exact", "flow_jacobian")
        theme = page.theme
        self.ode, self.truth = (np.asarray(run[key], float)[:, chain] for key in ("log_p", "log_p_exact"))
        self.error = np.abs(self.ode - self.truth)
        self.ratio = np.abs(np.linalg.det(np.asarray(run["flow_jacobian"], float)[:, chain]))
        count = len(self.ode)
        snr = 2 * np.log(np.asarray(run["alpha"], float)[:count] / np.asarray(run["sigma"], float)[:count])
        x = np.maximum(snr, FIRST)
        both = np.concatenate([self.ode, self.truth])
        room = 0.06 * float(np.ptp(both)) + 0.1
        ends, tall = (float(x[0]), float(x[-1])), page.shape == "tall"
        top, foot = (box, box) if tall else box.rows(0.9 if page.shape == "square" else 1.15, 1.0, gap=0.25)
        span, name = (both.min() - room, both.max() + room), "$log p_t (x_t)$"
        under: dict[str, Any] = {"x_name": "log SNR", "x_ticks": evenly(*ends, 4)}
        error: dict[str, Any] = {"x": ends, "y": (LEAST, max(10 * LIMIT, float(self.error.max()))), "log_y": True}
        error |= {"y_name": "error, dotted: 0.001", "y_ticks": TICKS, **under}
        room = 0.0 if tall else Axes(page, foot, **error).room  # so that both charts begin at one edge
        upper = Axes(page, top, x=ends, y=span, y_name=name, room=room, **(under if tall else {"x_ticks": []}))
        self.curves = [
            upper.curve(x, self.truth, color=theme.data, width=2.6 * CURVE),
            upper.curve(x, self.ode, color=theme.fg, ring=theme.bg),
        ]
        self.mobjects: list[Any] = [*upper.mobjects]
        if not tall:
            lower = Axes(page, foot, room=upper.room, **error)
            self.curves.append(lower.curve(x, np.maximum(self.error, LEAST), color=theme.fg, ring=theme.bg))
            self.mobjects += [*lower.mobjects, lower.floor(LIMIT)]
        self.mobjects += [curve.set_z_index(5 + k) for k, curve in enumerate(self.curves)]


class CarriedCell(VGroup):
    """A small square about the start of a path, as the flow carries it: its Jacobian's image, in its true size.

    side: of the square at the start, in data units. show_step moves it; it follows the view.
    """

    def __init__(self, view: Plane, run: Trajectory, chain: int, *, side: float, theme: Theme) -> None:
        self.face = VMobject(fill_color=theme.samples, fill_opacity=0.35, stroke_color=theme.samples)
        self.under = VMobject(stroke_color=theme.bg, stroke_width=420 * LINE)
        super().__init__(self.under, self.face.set_stroke(width=200 * LINE))
        self.set_z_index(6)
        for mob in self.submobjects:
            mob.set_z_index(6)
        self.view, self.run, self.chain, self.side, self.step = view, run, chain, side, 0
        view.attached.append(self)
        self.show_step(0)

    def corners(self) -> np.ndarray:
        """(4, 2) its corners in data units as shown."""
        run, step = self.run, self.step
        square = self.side / 2 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
        turned = square @ np.asarray(run["flow_jacobian"][step, self.chain], float).T / run.scale[step]
        return turned * run.scale[0] + np.asarray(run.states[step][self.chain], float)

    def show_step(self, step: float) -> None:
        """Lie as at a recorded step; after the last with noise as there."""
        self.step = min(int(step), len(self.run["flow_jacobian"]) - 1)
        self.show_view(self.view)

    def show_view(self, view: Plane) -> None:
        """Follow the view where it moves to."""
        corners = np.pad(view.to_scene(self.corners()), ((0, 0), (0, 1)))
        for mob in self.submobjects:
            mob.set_points_as_corners([*corners, corners[0]])


class LikelihoodScatter:
    """log p of all watched chains at the last level with noise, by the flow against the closed form, and the diagonal.

    worst: the largest error among them. mobjects: axes, diagonal, points, the followed chain's larger.
    """

    def __init__(self, page: Page, run: Trajectory, box: Box) -> None:
        theme = page.theme
        ode, truth = (np.asarray(run[key][-1], float) for key in ("log_p", "log_p_exact"))
        self.worst = float(np.abs(ode - truth).max())
        ends = (float(np.quantile(truth, 0.01)), float(truth.max()))
        ends = (ends[0] - 0.08 * (ends[1] - ends[0]), ends[1] + 0.08 * (ends[1] - ends[0]))
        axes = Axes(page, box, x=ends, y=ends, x_name="$log p$ in closed form", y_name="$log p$ by the flow", pad=0.0)
        diagonal = line([axes.at(end, end) for end in ends], theme.data, 2 * LINE)
        xy, chain = np.stack([truth, ode], 1), int(run.meta["followed"])
        look: dict[str, Any] = {"color": theme.fg, "ring": theme.bg}
        self.points = PointCloud(axes.box, axes.rect, xy, radius=1.1 * point_radius(len(ode), 24), **look)
        hero = PointCloud(axes.box, axes.rect, xy[[chain]], radius=HERO, **look)
        self.mobjects: list[Any] = [*axes.mobjects, diagonal.set_z_index(5)]
        self.mobjects += [mob.set_z_index(6) for mob in (self.points, hero)]
