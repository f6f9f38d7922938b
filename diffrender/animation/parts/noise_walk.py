"""A walk between two noises, on a great circle and on a straight line, and the images that a sampler makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from manim import VMobject

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.furniture.panels import frame, put_dashes
from diffrender.animation.mobjects.images.grid import ImageGrid
from diffrender.animation.parts.axes import Axes
from diffrender.animation.parts.class_strips import ClassStrips
from diffrender.animation.parts.pictures import contrast, image_grid, image_values
from diffrender.animation.parts.sentence import sentence
from diffrender.animation.parts.shell import Shell, two_lines
from diffrender.animation.theme import HAIR
from diffrender.core.errors import RenderError
from diffrender.trajectory.reader import Trajectory

AXIS = 0.7  # at the left of a chart, for its numbers
APART = 0.8  # at most, between tiles of a strip
CONTRAST = "contrast; dashed: straight from $a$ to $b$|contrast; dashed: $a$ to $b$|contrast of $x_0$|contrast"
SHELL = (
    "in $d =$ {:,} dimensions\nnearly every noise has length $approx sqrt(d)$\nand two are nearly perpendicular:"
    "\n$norm(a)\\/sqrt(d) =$ {:.2f}, $norm(b)\\/sqrt(d) =$ {:.2f},\n$theta =$ {:.0f}°"
)
NEAR = 0.1, 10.0  # of that length, and degrees of a right angle, within which noises must be for that to be said
MARK = 0.035  # width of the frame round the present tile
WAYS = ("great circle", "straight line")
APART_MOST = 1.0  # scene units between the large images of a narrow frame, that their names have room
CIRCLE = "sin((1 - u) theta) thin a + sin(u theta) thin b"
EQUATIONS = f"x_T = ({CIRCLE})\\/sin theta", "x_T = (1 - u) thin a + u thin b"
TALL = f"x_T prop {CIRCLE}", EQUATIONS[1]  # there is no room for the divisor
HUES = ("samples", "reject")  # of either way
TILES = 5  # of each way
SHARES = {"wide": (0.52, 0.48), "classic": (0.5, 0.5), "square": (0.55, 0.45), "tall": (0.46, 0.54)}  # large, strips


class NoiseWalk:
    """Runs whose chains start on the way between two noises: those of each class in their order, all of the way.

    runs: on the circle, on the line. Of the class whose ends differ most `put` draws in a box one image of either way
    large, where x_T lies and which contrast x_0 has everywhere, and some images as two strips, at the places `at` on
    `tiles`. grids: what follows recorded time, to be bound to a clock, as the walk itself, for the contrast of what is
    shown large. `show(u)` goes to a place 0..1. label: of the class; ways: chains of each.
    running, made: names of the large images while noise goes, and of what came.
    late: what is said of images, and so belongs to the time when there are some. reason: what is said before, of noise.
    middles: how long noise is in the middle of either way.
    """

    def __init__(self, runs: Sequence[Trajectory]) -> None:
        self.runs, first = runs, runs[0]
        self.ways = ways = by_class(first)
        self.places = len(ways[0])
        if self.places < 3 or len({(run.steps, run.chains) for run in runs}) > 1:
            raise RenderError("A walk needs runs of equally many steps and chains, three chains or more of a class.")
        self.values = [image_values(run) for run in runs]
        ends = self.values[0][first.steps]
        self.way = max(ways, key=lambda way: float(np.square(ends[way[-1]] - ends[way[0]]).sum()))
        self.label = int(np.asarray(first["label"])[self.way[0]]) if "label" in first else len(ways)

    def equations(self, page: Page) -> list[Any]:
        """Where either way begins, as equations under each other, in the place of the header's."""
        return two_lines(page, WAYS, HUES, TALL if page.shape == "tall" else EQUATIONS)

    def put(self, page: Page, box: Box) -> None:
        """Draw all of it in a box; the walk stands in its middle."""
        self.page = page
        upper, lower = box.rows(*SHARES[page.shape], gap=0.3)
        if page.shape == "tall":
            large, (lower, charts) = upper, lower.columns(0.44, 0.56, gap=0.3)
        else:
            large, charts = upper.columns(*((0.32, 0.68) if page.shape == "wide" else (0.56, 0.44)), gap=0.6)
        self.lengths, self.shown = self.lengths_of(self.way), self.contrasts(self.way)
        self.standing: list[Any] = [*self._large(large), *self._strips(lower), *self._charts(charts)]
        self.mark(0.5)

    @property
    def mobjects(self) -> list[Any]:
        """What moves on the walk."""
        return [*self.images, *self.figures, *self.markers, *self.curves, self.told]

    def chain(self, u: float) -> int:
        """The chain that is nearest to a place."""
        return int(self.way[self.place(u)])

    def place(self, u: float) -> int:
        """The index of the recorded place that is nearest to u."""
        return round(u * (self.places - 1))

    def lengths_of(self, chains: np.ndarray) -> list[np.ndarray]:
        """(chains,) how long their noises are, of either way."""
        return [_lengths(run, chains) for run in self.runs]

    def show(self, u: float) -> None:
        """The recorded chains nearest to a place, and where that is."""
        for grid, values in zip(self.images, self.values, strict=True):
            grid.set_images(values[len(values) - 1][[self.chain(u)]])
        self._tell([found[self.place(u)] for found in self.shown])
        self.mark(u)

    def even(self, count: int) -> np.ndarray:
        """(count,) recorded places 0..1, as even as they are; all of them if there are no more."""
        return np.unique(np.rint(np.linspace(0, self.places - 1, count))) / (self.places - 1)

    def show_step(self, step: float) -> None:
        """Say which contrast the states of the middle have at a recorded step, as they are shown."""
        middle = self.way[[self.place(0.5)]]
        self._tell([contrast(values[int(step)][middle])[0] for values in self.values])

    def contrasts(self, chains: np.ndarray) -> list[np.ndarray]:
        """(chains,) the contrast of their images, of either way."""
        return [contrast(values[run.steps][chains]) for values, run in zip(self.values, self.runs, strict=True)]

    def _tell(self, found: Sequence[float]) -> None:
        for figure, value in zip(self.figures, found, strict=True):
            figure.set_values(float(value))

    def mark(self, u: float) -> None:
        """A dot on every curve at u; the nearest recorded place, which is told; and a frame round the tile that is
        nearest, the fainter the farther it is."""
        at = self.place(u)
        self.told.set_values(at / (self.places - 1))
        for curve in self.curves:
            curve.show_step(u * (self.places - 1))
        away = np.abs(self.at - at / (self.places - 1))
        nearest = int(away.round(6).argmin())  # half way between two the lower one, always
        light = max(0.0, 1 - float(away[nearest]) * 2 * (len(self.at) - 1))  # all of it on the tile's own place
        for marker, boxes in zip(self.markers, self.tiles, strict=True):
            marker.move_to([*boxes[nearest].center, 0]).set_stroke(opacity=light)

    def angle(self) -> float:
        """Between the two noises, in degrees, as recorded."""
        a, b = (self.values[0].recorded[0][self.way[k]].astype(float).ravel() for k in (0, -1))
        return float(np.degrees(np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))))

    @property
    def grids(self) -> list[ImageGrid]:
        """What follows recorded time: the large images of the middle, and both strips."""
        return [*self.images, *self.strips]

    def _large(self, box: Box) -> list[Any]:
        """One image of either way, its name over it and its contrast under it."""
        page, label = self.page, self.page.em("label")
        most = box.height - 1.45 * label - 1.3 * page.em("legend")
        gap = min(max(box.width - 2 * most, 0.35), 0.35 if page.shape == "wide" else APART_MOST)
        size = min((box.width - gap) / 2, most)
        left = box.left if page.shape == "wide" else box.center[0] - size - gap / 2
        top = box.top - 1.45 * label
        places = [Box(x, x + size, top - size, top) for x in (left, left + size + gap)]
        self.images = [
            image_grid(values, place, theme=page.theme, rows=1, cols=1, chains=[self.chain(0.5)])
            for values, place in zip(self.values, places, strict=True)
        ]
        self.running, self.made = (self._names(state, places) for state in ("$x_t$", "$x_0$"))
        self.figures = [
            page.running("contrast {:.2f}", 1.0, size="legend").at(p.left, p.bottom - page.em("legend")) for p in places
        ]
        frames = [frame(p, page.theme.border, radius=0).set_z_index(3) for p in places]
        return [*self.images, *self.made, *self.figures, *frames]

    def _names(self, state: str, places: Sequence[Box]) -> list[Any]:
        """Over the large images, what they are and of which way: as much of it as there is room for."""
        page, made = self.page, list[Any]()
        room = 0.5 * (places[1].left - places[0].right)
        for way, place, hue in zip(WAYS, places, HUES, strict=True):
            short = way.split()[-1]
            said = page.fitting(f"{state}, {way}|{state}, {short}|{short}", place.width + room, "label")
            made.append(page.label(said, place.left, place.top + 0.47 * page.em("label"), color=hue))
        return made

    def _strips(self, box: Box) -> list[Any]:
        """The images at even places of either way."""
        page = self.page
        self.at = self.even(TILES)
        strips = ClassStrips(page, box, len(WAYS), [f"{u:.2g}" for u in self.at], spread=APART)
        self.strips = [strips.grid(k, values, [self.chain(u) for u in self.at]) for k, values in enumerate(self.values)]
        self.tiles = [strips.tiles(k) for k in range(len(WAYS))]
        inks = [page.theme.color(hue) for hue in HUES]
        self.markers = [
            frame(boxes[0], ink, MARK, radius=0).set_z_index(9) for boxes, ink in zip(self.tiles, inks, strict=True)
        ]
        names = [
            strips.name(k, f"{way}|{way.split()[-1]}", hue) for k, (way, hue) in enumerate(zip(WAYS, HUES, strict=True))
        ]
        return [*self.strips, *strips.headings("$u$"), *names, *self.markers]

    def _charts(self, box: Box) -> list[Any]:
        """Where x_T lies on either way, and where there is room which contrast x_0 has at every place; before, why."""
        page, theme, both = self.page, self.page.theme, self.page.shape in ("wide", "tall")
        places = (
            box.columns(0.92, 1.08, gap=0.5) if page.shape == "wide" else box.rows(*(1.25, 1.0)[: 1 + both], gap=0.3)
        )
        shell = Shell(page, places[0], self._angles(), self.lengths, HUES)
        self.told, self.middles = shell.told, shell.middles
        made, self.curves, self.late = [*shell.standing, self.told], list(shell.curves), list[Any]()
        self.reason: list[Any] = []
        for place in places[1:]:
            said = page.fitting(CONTRAST, place.width - AXIS, "legend")
            most = np.ceil(20 * float(np.max(self.shown))) / 20
            axes = Axes(
                page, place, x=(0, 1), y=(0, most), y_name=said, x_name="place $u$", x_ticks=(0, 1), y_ticks=(0, most)
            )
            straight = VMobject(stroke_color=theme.muted, stroke_width=HAIR * 170)
            put_dashes(straight, axes.at(0, float(self.shown[0][0])), axes.at(1, float(self.shown[0][-1])))
            at = np.linspace(0, 1, self.places)
            self.late += [*axes.mobjects, *[straight] * ("dashed" in said)]
            for found, hue in zip(self.shown, HUES, strict=True):
                curve = axes.curve(at, found, color=theme.color(hue), future=theme.grid, ring=theme.bg)
                self.curves.append(curve)
                self.late.append(curve)
            self.reason = self._reason(place)
        return [*made, *shell.curves, *self.late]

    def _reason(self, box: Box) -> list[Any]:
        """How long noises are in so many dimensions and how they lie, with both of the walk as measured; nothing if
        these are not so, or where there is no room."""
        ends, angle = [float(self.lengths[0][k]) for k in (0, -1)], self.angle()
        if self.page.shape != "wide" or max(abs(end - 1) for end in ends) > NEAR[0] or abs(angle - 90) > NEAR[1]:
            return []
        return sentence(self.page, box, SHELL.format(int(np.prod(self.runs[0].event)), *ends, angle))

    def _angles(self) -> list[np.ndarray]:
        """(places,) of x_T on either way: its angle from a towards b, in their plane, in radians."""
        found = []
        for run in self.runs:
            x = np.asarray(run["x"][0][self.way], float).reshape(self.places, -1)
            a = x[0] / np.linalg.norm(x[0])
            across = x[-1] - (x[-1] @ a) * a
            found.append(np.arctan2(x @ across / np.linalg.norm(across), x @ a))
        return found


def _lengths(run: Trajectory, way: np.ndarray) -> np.ndarray:
    """(places,) the root mean square of the noises of a way, in the data's deviations."""
    x = np.asarray(run["x"][0][way], float) / run.scale[0]
    return np.sqrt(np.square(x).mean((1, 2, 3)))


def by_class(run: Trajectory) -> list[np.ndarray]:
    """The chains of each class in their order along the way; all chains where there are no classes."""
    if "label" not in run:
        return [np.arange(run.chains)]
    label = np.asarray(run["label"])
    return [np.flatnonzero(label == k) for k in np.unique(label)]
