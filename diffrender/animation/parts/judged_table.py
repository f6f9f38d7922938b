"""Judgement of what a network generates: a table beside two true samples, and a sentence on points that stray."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from manim import Circle, VGroup

from diffrender.animation.layout.box import Boxes
from diffrender.animation.layout.page import Page, narrowed
from diffrender.animation.layout.views import Plane
from diffrender.animation.parts.beside import distances
from diffrender.animation.theme import LINE
from diffrender.trajectory.distance import compared_points, strays
from diffrender.trajectory.reader import Trajectory

QUANTITIES = (  # forms of the names of rows and of the last column, the longest first
    ("mean distance to the nearest data", "sliced Wasserstein distance", "two true samples of {:,}"),
    ("to the nearest data", "sliced Wasserstein", "two true samples"),
    ("nearest data", "distance", "true samples"),
)
LANDS = "Most land on the data; {:,} of {:,} stray (ringed)|{:,} of {:,} stray (ringed)"
NOT_RINGED = "Most land on the data; {:,} of {:,} stray|{:,} of {:,} stray"
MEANT = "stray: farther from the data than any of these from its nearest"  # for a caption
STRAY, ALL = "{:,} of {:,} stray from the data|{:,} of {:,} stray", "All {1:,} land on the data|All {1:,} on the data"
MANY = 0.1  # share of points that stray, from which on it is not said that they land on the data
GAP = 1.6  # em, between columns
RING = 0.12  # radius of the rings round points that stray


class JudgedTable:
    """Under both of two panels: mean distance to the nearest data and sliced Wasserstein distance of what was generated
    and of two true samples, and how many points shown stray.

    A point strays if it is farther from the data shown than any of these is from its nearest. right: the view of what
    was generated; in the plane those that stray and are seen have rings. points: shown of the data and generated, each.
    mobjects: the texts. meant: what a caption must say of them. rings: to be shown when the points are in place. lines:
    of legends under `two panels` that it needs.
    """

    lines: ClassVar[dict[str, int]] = {"wide": 4, "classic": 4, "square": 4, "tall": 2}

    def __init__(self, page: Page, run: Trajectory, right: Plane, boxes: Boxes, points: int) -> None:
        self.page = page
        self.box = boxes.left_key._replace(right=boxes.right_key.right)
        last, data = np.asarray(run.states[-1][:points], float), np.asarray(run.target[:points], float)
        far = strays(last, data)
        self.stray = int(far.sum())
        at = right.to_scene(last[far]) if right.dims == 2 and self.stray else np.zeros((0, 2))
        (a, b, c, d), color = right.rect, page.theme.fg
        seen = at[(at[:, 0] > a) & (at[:, 0] < b) & (at[:, 1] > c) & (at[:, 1] < d)]
        drawn = [Circle(radius=RING).set_stroke(color, 100 * LINE).move_to([*p, 0.0]) for p in seen]
        self.rings = VGroup(*drawn).set_z_index(9)
        forms = ALL if not self.stray else LANDS if len(seen) else NOT_RINGED
        said = self._line(STRAY if self.stray > MANY * len(last) else forms, self.stray, len(last))
        self.meant = MEANT if self.stray and page.shape == "wide" else ""
        self.mobjects: list[Any] = [*self._table(run), said]

    def _line(self, forms: str, *values: int) -> Any:
        page, size = self.page, "label" if self.page.shape == "wide" else "legend"
        text = page.fitting(forms, self.box.width, size, *values).format(*values)
        return page.label(text, self.box.center[0], page.foot(self.box)[1], 0, size)

    def _table(self, run: Trajectory) -> list[Any]:
        """Its words, the longest that there is room for, in the middle; nothing if too few data were recorded."""
        known = [figures for nearest in (True, False) if (figures := distances(run, nearest=nearest))]
        if not known:
            return []
        page, size, em = self.page, compared_points(run, run.states[-1]), self.page.em("legend")
        for *names, true in QUANTITIES:
            columns = [
                [page.words(name, "legend", "muted") for name in names],
                [page.words("generated", "legend", "samples")]
                + [page.words(f"{figures.far:.3f}", "legend") for figures in known],
                [page.words(true.format(size or 0), "legend", "data")]
                + [page.words(figures.usual, "legend") for figures in known],
            ]
            widths = [max(text.width for text in column) for column in columns]
            if (whole := sum(widths) + 2 * GAP * em) <= self.box.width:
                break
        left, line = self.box.center[0] - whole / 2, 1.35 * em
        foot = page.foot(self.box)[1] + 1.15 * line
        for column, width in zip(columns, widths, strict=True):
            for k, text in enumerate(reversed(column)):
                text.at(left, foot + k * line)
            left += width + GAP * em
        return [narrowed(VGroup(*(text for column in columns for text in column)), self.box.width)]
