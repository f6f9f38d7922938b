"""The end of a run: what came out beside what should have, of one size and in one scale, with distance and floor."""

from __future__ import annotations

from typing import Any

import numpy as np
from manim import Mobject

from diffrender.animation.layout.arrangements import Boxes
from diffrender.animation.layout.page import Page
from diffrender.animation.layout.views import Plane
from diffrender.animation.parts.axes import scale_bar
from diffrender.animation.theme import point_radius
from diffrender.trajectory.distance import compared_points, distance_and_floor
from diffrender.trajectory.reader import Trajectory

METRIC = "metric_sliced_wasserstein"


class BesideData:
    """Data on the left panel of `boxes`, and on the right the place to which the samples' own view can move.

    left, right: views of the data on the two panels. points: samples that are shown, if not all, by this `name`; as
    many data are, in points of one size. mobjects: the data and all texts; `where`: what the samples' view moves to, as
    `view.move(*where, …)`.
    """

    def __init__(
        self,
        page: Page,
        run: Trajectory,
        left: Plane,
        right: Plane,
        boxes: Boxes,
        *,
        points: int | None = None,
        name: str = "samples",
    ) -> None:
        count = min(points or run.chains, run.chains)
        data = run.target[:count]
        for view in (left, right):
            view.lay(view.fit(data), view.rect)
        cased = {"casing": page.theme.bg} if left.dims == 3 else {}  # so that what is nearer is seen to be
        left.cloud(data, color=page.theme.data, radius=point_radius(count, 24), alpha=0.75, **cased)
        self.where = right.box, right.rect
        texts: list[Any] = [
            page.panel_label(page.words(f"{what}: {shown:,} points"), box)
            for what, shown, box in (("Data", len(data), boxes.left), (name.capitalize(), count, boxes.right))
        ]
        if figures := distances(run):
            size = compared_points(run, run.states[-1])
            names = (f"two draws of {size:,} points: {{:.3f}} apart", "samples and data: {:.3f} apart")
            names = names if page.shape == "wide" else ("two draws {:.3f}", "distance {:.3f}")
            for box, name, value in zip((boxes.left_key, boxes.right_key), names, figures[::-1], strict=True):
                texts.append(page.label(name.format(value), *page.foot(box), "label"))
        if left.dims == 2:
            texts += [scale_bar(left, page, boxes.left), scale_bar(right, page, boxes.right)]
        self.mobjects: list[Mobject] = [*left.made, *texts]


def distances(run: Trajectory) -> tuple[float, float] | None:
    """How far the last states are from the data, as recorded if it was, and the floor of that; None if not known."""
    figures = distance_and_floor(run, np.asarray(run.states[-1]))
    if figures and METRIC in run:
        return float(run[METRIC][-1]), figures[1]
    return figures
