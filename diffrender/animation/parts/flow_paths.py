"""Conditional and marginal paths of a flow side by side, and from one point lines to the data that it may come from."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.animation.layout.box import Boxes
from diffrender.animation.layout.page import Page
from diffrender.animation.layout.plane import Plane
from diffrender.animation.mobjects.furniture.panels import frame, panel
from diffrender.animation.mobjects.plane.spokes import Spokes
from diffrender.animation.parts.clock import Clock
from diffrender.animation.parts.hero import Hero
from diffrender.animation.parts.straightness import on_straight_clock
from diffrender.animation.theme import LINE, point_radius

WATCHED, PATHS, SPOKES = 300, 70, 1000  # points that move, those that leave a path, lines to the data
DATA, PATH, POINT, SPOKE = 0.75, 0.8, 0.95, 0.8  # opacities


class FlowPaths:
    """On the left noise goes straight to data that it is paired with, on the right the same noise goes with the flow.

    Both in y = x/(α + σ), where y = (1 − t) x_0 + t ε is a straight line. The pairs are the first states and the
    first data: any with any. From the point `meta.followed` lines go to the points of p(x_0 | x_t), as opaque as
    these are likely. views: of the data on both panels. mobjects: all of it.
    """

    def __init__(self, page: Page, clock: Clock, views: tuple[Plane, Plane], boxes: Boxes) -> None:
        run, theme = clock.run, page.theme
        run.require("posterior", "posterior_weight", "target")
        (left, right), panels = views, (boxes.left, boxes.right)
        y, t = on_straight_clock(run)
        count, along = min(WATCHED, len(run.target), run.chains), t[:, None, None]
        straight = (1 - along) * run.target[:count] + along * y[0][:count]
        for view, states in ((left, straight), (right, y[:, :count])):
            states = states.astype(np.float32)
            view.cloud(run.target, color=theme.data, radius=0.016, alpha=DATA)
            trail: dict[str, Any] = {"width": LINE, "alpha": PATH, "length": run.steps, "power": 0}
            clock.bind(view.trails(states[:, :PATHS], color=theme.samples, **trail))
            clock.bind(view.cloud(states, color=theme.samples, radius=point_radius(WATCHED, 12), alpha=POINT))
        hero = Hero(right, y, theme=theme, chain=int(run.meta["followed"]), length=run.steps)
        every = -(-run["posterior"].shape[1] // SPOKES)
        ends, weights = (np.asarray(run[key][:, ::every]) for key in ("posterior", "posterior_weight"))
        spokes = Spokes(right.box, right.rect, hero.states[:-1, 0], ends, weights, color=theme.data, alpha=SPOKE)
        clock.bind(right.keep(spokes), hero)
        self.mobjects: list[Any] = [panel(box, theme) for box in panels] + [mob for view in views for mob in view.made]
        self.mobjects += [frame(box, theme.border).set_z_index(30) for box in panels]
