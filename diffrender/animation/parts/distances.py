"""Distances that fall as recorded time passes, each with the line by which it is to be judged."""

from __future__ import annotations

from typing import Any

import numpy as np
from manim import Mobject

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.furniture.panels import Rect, line
from diffrender.animation.mobjects.plane.curve import Curve
from diffrender.animation.mobjects.plane.histogram import Histogram2D
from diffrender.animation.parts.axes import BAND, Axes
from diffrender.animation.parts.basins import draws
from diffrender.animation.parts.beside import METRIC
from diffrender.animation.parts.density_panel import DensityPanel
from diffrender.animation.parts.filling import (
    FillingHistogram,
    bin_masses,
    expected_variation,
    moments,
    total_variation,
)
from diffrender.animation.theme import HAIR
from diffrender.core.remembered import remembered
from diffrender.trajectory.distance import USUAL, directions, sliced_wasserstein
from diffrender.trajectory.reader import Trajectory

COLUMNS = 16  # of the bins in which states are compared with the density
HEAD = 3.0  # em that the running value needs at the right end
FLOOR_ROOM = 0.6  # of the axes' width for the name of the band, at most: beyond it the curve comes down to it
PAIRS = 20  # of true samples, whose distances say what it usually is


class Distance:
    """A curve with its axes and a running value at its head. mobjects: all of it; `show_step` moves it.

    steps, values: (K,) recorded steps at which it was measured; `shift`: what is added to them along the axis.
    """

    def __init__(
        self,
        axes: Axes,
        curve: Curve,
        steps: np.ndarray,
        values: np.ndarray,
        *also: Mobject,
        shift: int = 0,
    ) -> None:
        self.axes, self.steps, self.values, self.shift = axes, steps, values, shift
        self.places = np.array([axes.at(n + shift, value) for n, value in zip(steps, values, strict=True)])
        self.curve = curve.set_z_index(3)
        self.text = axes.page.number(".3f", float(values.max()), "legend")
        self.mobjects: list[Mobject] = [*axes.mobjects, *also, self.curve, self.text]

    def value(self, step: float) -> float:
        """The figure at a recorded step: between two measured ones as high as the curve is there."""
        at, places = self._across(step)
        return float(self.axes.unscaled(np.interp(at, places, self.axes.scaled(self.values, 1)), 1))

    def show_step(self, step: float) -> None:
        """Let the curve and its value come to a recorded step."""
        at, places = self._across(step)
        gone = float(np.interp(at, places, np.arange(len(self.steps))))
        self.curve.show_step(gone)
        self.text.set_value(self.value(step))
        x, y = self.curve.here()[:2]
        end, top = self.axes.rect.right, self.axes.rect.top - 0.6 * self.axes.page.em("legend")  # under the name
        if x + 0.2 + self.text.room < end:
            self.text.at(x + 0.16, min(y + 0.02, top), -1)
        else:  # over all of the curve that it would lie on
            over = self.height_over(end - self.text.room - 0.1, step)
            self.text.at(end, min(max(y + 0.3, over + 0.14), top), 1)

    def _across(self, step: float) -> tuple[Any, Any]:
        """A recorded step, and those that were measured, as they lie on the axis."""
        at = self.axes.scaled(np.clip(step, self.steps[0], self.steps[-1]) + self.shift, 0)
        return at, self.axes.scaled(self.steps + self.shift, 0)

    def height_over(self, left: float, step: float) -> float:
        """How high up in the scene the curve lies from a place on, as far as it is drawn at a recorded step."""
        x, y = self.places[: max(int(np.searchsorted(self.steps, step, "right")), 1)].T
        return float(y[max(int(np.searchsorted(x, left)) - 1, 0) :].max())


def total_variation_curve(
    page: Page,
    box: Box,
    cells: FillingHistogram,
    density: DensityPanel,
    *,
    name: str,
    x_name: str,
    floor: str,
) -> Distance:
    """Total variation distance of the visited states to the density over their number, over that of as many draws.

    Both are counted in the same bins, about `COLUMNS` across all that was recorded of the density, whatever the frame.
    The lower line, named `floor`, is what is expected of independent draws of the density. The fields of `x_name` are
    the numbers of bins across and up.
    """
    x0, x1, y0, y1 = density.extent
    bins = (COLUMNS, max(2, round(COLUMNS * (y1 - y0) / (x1 - x0))))
    room = box[1] - box[0] - 0.8
    steps = moments(len(cells.x) - 1)
    counted, usual = _variations(cells.x, density.values, density.extent, bins, steps)
    low = max(0.8 * float(min(counted.min(), usual.min())), 1e-4)
    roomy = box[1] - box[0] > 5
    axes = Axes(
        page,
        box,
        x=(float(steps[0]), float(steps[-1])),
        x_ticks=[t for t in ((10, 100, 1000, 10_000) if roomy else (100, 10_000)) if steps[0] <= t <= steps[-1]],
        y=(low, 1.0),
        log_x=True,
        log_y=True,
        y_name=page.fitting(name, room, "legend"),
        x_name=page.fitting(x_name, box[1] - box[0], "legend", *bins).format(*bins),
        y_ticks=[t for t in (0.01, 0.1, 1) if t >= low],
    )
    curve = axes.curve(steps, counted, color=page.theme.fg, ring=page.theme.bg)
    places = [axes.at(n, value) for n, value in zip(steps, usual, strict=True)]
    em = page.em("legend")
    left, foot = axes.rect.left, axes.rect.bottom + 0.4 * em  # the line comes down to its name's height at its right
    free = min((x for x, y in places if y < foot + 1.2 * em), default=axes.rect.right) - left - 2.2 * em
    key = line([(left + 0.3 * em, foot + 0.3 * em), (left + 1.3 * em, foot + 0.3 * em)], page.theme.muted, 1.7 * HAIR)
    text = page.label(page.fitting(floor, free, "legend"), left + 1.7 * em, foot, -1, "legend", "muted")
    lower = line(places, page.theme.muted, 1.7 * HAIR)
    return Distance(axes, curve, steps, counted, lower, key, text)


def apart_by_chance(density: DensityPanel, count: int) -> tuple[float, float]:
    """Between which sliced Wasserstein-2 distances two true samples of `count` points, of the density, usually lie."""
    return _usual_distance(density.values, density.extent, count)


def wasserstein_curve(
    page: Page, box: Box, run: Trajectory, density: DensityPanel, *, name: str, floor: str, x_name: str
) -> Distance | None:
    """The recorded sliced Wasserstein-2 distance of many chains over the band in which that of two true samples lies.

    True samples are drawn from the recorded density. `floor` names the band: its fields are their size and its ends.
    None if no distance was recorded.
    """
    if METRIC not in run:
        return None
    values, steps = np.asarray(run[METRIC]), np.arange(run.steps + 1)
    low, high = apart_by_chance(density, run.chains)
    ticks = [t for t in (0, 10, 100, 1000, 10_000) if t <= run.steps]
    axes = Axes(
        page,
        box,
        x=(1.0, run.steps + 1.0),
        y=(0.0, 1.12 * float(values.max())),
        log_x=True,
        y_name=page.fitting(name, box[1] - box[0] - 0.6, "legend"),
        x_name=x_name,
        x_ticks=[t + 1 for t in ticks],
        x_shift=1,
    )
    curve = axes.curve(steps + 1, values, color=page.theme.fg, ring=page.theme.bg)
    figures = run.chains, f"{low:.3f}–{high:.3f}"
    made = [
        axes.band(low, high),
        *_band_name(axes, box, floor, figures, (low, high), np.stack([steps + 1, values], 1), x_name),
    ]
    return Distance(axes, curve, steps, values, *made, shift=1)


def _band_name(
    axes: Axes,
    box: Box,
    floor: str,
    figures: tuple[int, str],
    ends: tuple[float, float],
    drawn: np.ndarray,
    beside: str,
) -> list[Mobject]:
    """The name of a band: in it at its left, where the curve is yet high; if it needs more room, under the axes with a
    key, in the line in which `beside` stands at the right.

    drawn: (K, 2) what the curve goes through.
    """
    page, rect = axes.page, axes.rect
    middle = axes.at(1.0, sum(ends) / 2)[1]
    met = [axes.at(float(x), float(y)) for x, y in drawn]
    *named, shortest = floor.split("|")
    for size in ("legend", "floor"):
        em = page.em(size)
        near = min((x for x, y in met if y < middle + 0.9 * em), default=rect.right)
        room = min(FLOOR_ROOM * rect.width, near - rect.left - em)
        if form := page.fitting("|".join([*named, ""]), room, size, *figures):
            return [page.label(form.format(*figures), rect.left + 0.4 * em, middle - 0.3 * em, -1, size, "muted")]
        left, y = rect.left + 1.4 * em, box.bottom + 0.2 * page.em("legend")
        end = rect.right - page.words(beside, "legend").width
        form = page.fitting(floor, end - left - em, size, *figures)
        key = line([(rect.left, y + 0.3 * em), (left - 0.4 * em, y + 0.3 * em)], page.theme.muted, 0.5 * em, BAND)
        text = page.label(form.format(*figures), left, y, -1, size, "muted")
        if form != shortest and text.get_right()[0] < end:
            return [key, text]
    said = shortest.format(*figures)  # in a square frame
    return [page.label(said, rect.left + 0.4 * em, middle - 0.3 * em, -1, "floor", "muted")]


@remembered
def _variations(
    x: np.ndarray, density: np.ndarray, extent: Rect, bins: tuple[int, int], steps: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(K,) total variation distances of the states x (T+1, N, 2) up to `steps` to a density (Gy, Gx), counted in bins
    of its extent; and (K,) those that are expected of as many independent draws."""
    masses = bin_masses(density, extent, extent, bins)
    counter = Histogram2D(extent, extent, bins, table=np.zeros((2, 3), np.uint8), high=1.0)  # never drawn
    return total_variation(counter.follow(x, start=1), masses, steps), expected_variation(masses, steps)


@remembered
def _usual_distance(density: np.ndarray, extent: Rect, count: int) -> tuple[float, float]:
    """Between which values the sliced Wasserstein-2 distance of two samples of a density (Gy, Gx) usually lies."""
    true = [draws(density, extent, count, seed) for seed in range(2 * PAIRS)]
    along = directions(2)
    apart = [sliced_wasserstein(a, b, along) for a, b in zip(true[::2], true[1::2], strict=True)]
    low, high = np.quantile(apart, USUAL).tolist()
    return low, high
