"""The end of a run: what came out beside what should have, of one size and in one scale, and how near they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from manim import Mobject

from diffrender.animation.animations import FadeInFast, FadeOutFast
from diffrender.animation.layout.box import Box, Boxes
from diffrender.animation.layout.page import Page, narrowed
from diffrender.animation.layout.plane import Plane
from diffrender.animation.mobjects.furniture.panels import Rect
from diffrender.animation.parts.axes import scale_bar
from diffrender.animation.parts.judged_table import JudgedTable
from diffrender.animation.theme import point_radius
from diffrender.trajectory.distance import Judged, judged_distance
from diffrender.trajectory.reader import Trajectory

MOVE_SECONDS, SOON = 1.3, 0.2  # the samples move to their panel, what goes is gone after this part of it
NAMED_SECONDS = 0.5  # in which names and figures come if the samples are there
LATE = 0.8  # after which their name and their figures come, across whose places they may move
LEFT = 0.5  # part of its way after which a view has left its place
READ_SECONDS = 1.5  # in which the figures are read, beside the hold of the last picture
DATA = {2: 0.75, 3: 0.9}  # opacity: in space what is far fades besides
ROOM, STRAYS = 1.1, 1.3  # round what is on a panel; samples that lie farther out than so many times the data need none
RIM, TRIES = 0.16, 4  # of a panel, in which no ring may lie; times that its view goes back for those that do
METRIC = "metric_sliced_wasserstein"
FAR = (  # so in every picture
    "sliced Wasserstein distance to the data {:.3f}|sliced Wasserstein to the data {:.3f}|sliced Wasserstein {:.3f}"
    "|sliced $W_2$ {:.3f}"
)
NEAREST = "mean distance to the nearest data {:.3f}|to the nearest data {:.3f}|nearest data {:.3f}"
COUNT = "{0}: {1:,} points"
OUTSIDE = (
    f"{COUNT}, {{2:,}} outside the frame|{{0}}: {{1:,}}, {{2:,}} outside the frame|{{0}}: {{1:,}}, {{2:,}} outside"
    "|{0}: {2:,} outside"
)
FLOOR = (  # by which it is judged
    "two true samples of {0:,}: {1} (90 %)|two true samples: {1} (90 %)|true samples: {1} (90 %)|true samples: {1}"
)


class Beside:
    """What a run's end is shown beside: its samples, as they stood among all else, move to the panel on the right.

    where: the box and the place there, as `view.move(*where, …)`. named: what comes last, as the texts over
    them. mobjects: all but them.
    """

    where: tuple[Any, Any]
    named: list[Any]
    mobjects: list[Mobject]
    arrived = False

    def move_first(self, scene: Any, view: Plane, seconds: float) -> None:
        """The samples' view moves to its panel; in its place, once it is left, what they are compared with comes."""
        into, self.arrived = [mob for mob in self.mobjects if mob not in self.named], True
        scene.play(view.move(*self.where, seconds), FadeInFast(*into, run_time=seconds, after=LEFT))

    def play(self, scene: Any, view: Plane, gone: Sequence[Mobject], *also: Mobject) -> None:
        """What is `gone` fades; their view moves to its panel, and the rest comes, with all that `also` does.

        A box in space, for which a panel has no room, goes too.
        """
        seconds = scene.seconds(NAMED_SECONDS if self.arrived else MOVE_SECONDS)
        gone = [*gone, *(mob for mob in view.cage if mob in scene.mobjects and mob not in gone)]
        out = [FadeOutFast(*gone, run_time=SOON * seconds)] if gone else []
        soon = [mob for mob in self.mobjects if mob not in self.named and mob not in scene.mobjects]
        into = FadeInFast(*soon, *also, run_time=seconds, after=SOON if gone else 0.0)
        named = FadeInFast(*self.named, run_time=seconds, after=0.0 if self.arrived else LATE)
        scene.play(*out, view.move(*self.where, seconds), into, named)


class BesideData(Beside):
    """Data on the left panel of `boxes`, and on the right the place to which the samples' own view can move.

    boxes: as of `BesideData.boxes`. left, right: views of the data on the two panels. points: samples that are
    shown, if not all, by this `name`; as many data are, in points of one size. meant: what a caption must say of the
    judgement under them.
    """

    boxes = staticmethod(JudgedTable.boxes)

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
        data, last = run.target[:count], np.asarray(run.states[-1][:count])
        for view in (left, right):
            view.lay(fit_both(view, data, last), view.rect)
        left.cloud(data, color=page.theme.data, radius=point_radius(count, 24), alpha=DATA[left.dims])
        self.where = right.box, right.rect
        said = ("Data", len(data), 0, boxes.left), (name.capitalize(), count, _outside(last, right), boxes.right)
        texts: list[Any] = [
            page.panel_label(narrowed(page.words(_counted(page, *each)), each[-1].width), each[-1]) for each in said
        ]
        self.named = texts[-1:]
        table = JudgedTable(page, run, np.asarray(run.states[-1]), right, boxes, points=count, name=name)
        texts += table.mobjects
        self.named += table.mobjects  # over which samples move
        self.rings, self.meant = table.rings, table.meant
        bars = [
            scale_bar(view, page, box, under=page.theme.bg) for view, box in ((left, boxes.left), (right, boxes.right))
        ]
        texts += bars
        self.named += bars[1:]  # samples move across it too
        self.mobjects: list[Mobject] = [*(mob for mob in left.made if mob not in left.cage), *texts]

    def play(self, scene: Any, view: Plane, gone: Sequence[Mobject], *also: Mobject) -> None:
        """As of `Beside`; and then points that stray are ringed."""
        super().play(scene, view, gone, *also)
        self.ring(scene)

    def ring(self, scene: Any) -> None:
        """Ring the points that stray, which stand in their place now; and time to read what is said of them."""
        if len(self.rings):
            scene.play(FadeInFast(self.rings, run_time=0.4))
        scene.stand(scene.seconds(READ_SECONDS))


def feet(page: Page, boxes: Boxes, *said: tuple[str, Sequence[Any]], row: int = 0, rows: int = 1) -> list[Any]:
    """Under each of two panels the longest that there is room for of a text's forms, with its values; in a tall frame
    two lines. `row` of `rows` of them, the first on top."""
    under, size = [boxes.left_key, boxes.right_key], "label" if page.shape == "wide" else "legend"
    up = 1.4 * page.em(size)
    if page.shape == "tall":  # under each other, over the whole width
        both, lines = boxes.left_key._replace(right=boxes.right_key.right), 2 * (rows - 1 - row)
        under = [_up(both, lines * up), _up(both, (lines + 1) * up)]
    else:
        under = [_up(box, (rows - 1 - row) * up) for box in under]
    return [
        page.label(page.fitting(forms, box.width, size, *values).format(*values), *page.foot(box), size)
        for box, (forms, values) in zip(under, said, strict=True)
    ]


def _counted(page: Page, what: str, count: int, outside: int, box: Box) -> str:
    """How many points there are of something, and how many of them lie outside, in a line as wide as a box."""
    values = what, count, outside
    return page.fitting(OUTSIDE if outside else COUNT, box.width, "label", *values).format(*values)


def _outside(points: np.ndarray, view: Plane) -> int:
    """How many of points (N, D) lie outside the rectangle of a view."""
    (x, y), (a, b, c, d) = view.to_scene(points).T, view.rect
    return int(((x < a) | (x > b) | (y < c) | (y > d)).sum())


def _up(box: Box, by: float) -> Box:
    return box._replace(bottom=box.bottom + by, top=box.top + by)


def fit_both(view: Plane, data: np.ndarray, samples: np.ndarray) -> Rect:
    """The part of data space on which a view shows data (M, D) and those of samples (N, D) that lie among them or not
    far outside; no sample that is seen, nor a ring round it, is cut at an edge."""
    low, high = data.min(0), data.max(0)
    near = (np.abs(samples - (low + high) / 2) <= STRAYS * (high - low) / 2).all(1)
    now, (a, b, c, d) = view.box, view.rect
    for _ in range(TRIES):
        box = view.fit(np.concatenate([data, samples[near]]), ROOM, every=True)
        view.lay(box, view.rect)
        x, y = view.to_scene(samples).T
        inside = np.minimum(np.minimum(x - a, b - x), np.minimum(y - c, d - y))
        cut = (np.abs(inside) < RIM) & ~near
        if not cut.any():
            break
        near |= cut
    view.lay(now, view.rect)
    return box


def distances(run: Trajectory) -> Judged | None:
    """How far the last states are from the data, and two draws of the data of one another; None if not known."""
    return judged_distance(run, np.asarray(run.states[-1]))
