"""Distances that fall as recorded time passes, each with the line by which it is to be judged."""

from __future__ import annotations

import numpy as np
from manim import Mobject, VMobject

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.furniture.panels import put_dashes
from diffrender.animation.mobjects.plane.curve import Curve
from diffrender.animation.mobjects.plane.histogram import Histogram2D
from diffrender.animation.parts.axes import Axes
from diffrender.animation.parts.basins import draws
from diffrender.animation.parts.beside import METRIC
from diffrender.animation.parts.density_panel import DensityPanel
from diffrender.animation.parts.filling import FillingHistogram, bin_masses, moments, total_variation
from diffrender.animation.theme import HAIR
from diffrender.core.remembered import remembered
from diffrender.trajectory.distance import USUAL, directions, sliced_wasserstein
from diffrender.trajectory.reader import Trajectory

COLUMNS = 16  # of the bins in which states are compared with the density
GUIDE_FROM = 300  # states from which on the guide goes along with the curve
FLOOR_ROOM = 0.6  # of the axes' width for the name of the band: beyond it the curve comes down to it
PAIRS = 20  # of true samples, whose distances say what it usually is


class Distance:
    """A curve with its axes and a running value at its head. mobjects: all of it; `show_step` moves it.

    steps, values: (K,) recorded steps at which it was measured; `shift`: what is added to them along the axis.
    """

    def __init__(
        self, axes: Axes, curve: Curve, steps: np.ndarray, values: np.ndarray, *also: Mobject, shift: int = 0
    ) -> None:
        self.axes, self.steps, self.values, self.shift = axes, steps, values, shift
        self.curve = curve.set_z_index(3)
        self.text = axes.page.number(".3f", float(values.max()), "legend")
        self.mobjects: list[Mobject] = [*axes.mobjects, *also, self.curve, self.text]

    def value(self, step: float) -> float:
        """The figure that is shown at a recorded step: the last that was measured."""
        return float(self.values[max(int(np.searchsorted(self.steps, int(step), "right")) - 1, 0)])

    def show_step(self, step: float) -> None:
        """Let the curve and its value come to a recorded step."""
        # places between two measured steps as they are on the axis
        at = self.axes.scaled(np.clip(step, self.steps[0], self.steps[-1]) + self.shift, 0)
        places = self.axes.scaled(self.steps + self.shift, 0)
        self.curve.show_step(float(np.interp(at, places, np.arange(len(self.steps)))))
        self.text.set_value(self.value(step))
        x, y = self.curve.here()[:2]
        right = x + 0.2 + self.text.room < self.axes.rect.right
        self.text.at(x + 0.16 if right else self.axes.rect.right, y + (0.02 if right else 0.3), -1 if right else 1)


def total_variation_curve(
    page: Page, box: Box, cells: FillingHistogram, density: DensityPanel, *, name: str, guide: str
) -> Distance:
    """Total variation distance of the visited states to the density over their number, and 1/√n beside it.

    Both are counted in the same bins, about `COLUMNS` across all that was recorded of the density, whatever the frame.
    The guide is dotted, and goes through the middle of d·√n of the states from `GUIDE_FROM` on.
    """
    x0, x1, y0, y1 = density.extent
    bins = (COLUMNS, max(2, round(COLUMNS * (y1 - y0) / (x1 - x0))))
    counter = Histogram2D(density.extent, box, bins, table=page.theme.table("density"), high=1.0)
    form = page.fitting(name, box[1] - box[0] - 0.6, "legend", *bins)
    steps = moments(len(cells.x) - 1)
    masses = bin_masses(density.values, density.extent, density.extent, bins)
    counted = total_variation(counter.follow(cells.x, start=1), masses, steps)
    low = max(float(counted.min()) * 0.6, 1e-4)
    roomy = box[1] - box[0] > 5
    axes = Axes(
        page,
        box,
        x=(float(steps[0]), float(steps[-1])),
        x_ticks=[t for t in ((10, 100, 1000, 10_000) if roomy else (100, 10_000)) if steps[0] <= t <= steps[-1]],
        y=(low, 1.0),
        log_x=True,
        log_y=True,
        y_name=form.format(*bins),
        y_ticks=[t for t in (0.01, 0.1, 1) if t >= low],
    )
    curve = axes.curve(steps, counted, color=page.theme.fg, ring=page.theme.bg)
    later = steps >= min(GUIDE_FROM, steps[-1])
    scale = float(np.median(counted[later] * np.sqrt(steps[later])))
    # through the middle of the curve it would hide it: it lies a little under it
    ends = [axes.at(n, 0.6 * scale / np.sqrt(n)) for n in (max((0.6 * scale) ** 2, steps[0]), (0.6 * scale / low) ** 2)]
    dots = put_dashes(
        VMobject(stroke_color=page.theme.muted, stroke_width=HAIR * 170), np.array(ends[0]), np.array(ends[1])
    )
    (xa, ya), (xb, yb) = ends
    text = page.label(guide, xa + 0.42 * (xb - xa) - 0.1, ya + 0.42 * (yb - ya) - 0.28, 1, "legend", "muted")
    return Distance(axes, curve, steps, counted, dots, text)


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
    ticks = [t for t in (1, 10, 100, 1000, 10_000) if t <= run.steps + 1]
    axes = Axes(
        page,
        box,
        x=(1.0, run.steps + 1.0),
        y=(0.0, 1.12 * float(values.max())),
        log_x=True,
        y_name=page.fitting(name, box[1] - box[0] - 0.6, "legend"),
        x_name=x_name,
        x_ticks=ticks,
    )
    curve = axes.curve(steps + 1, values, color=page.theme.fg, ring=page.theme.bg)
    middle, em = axes.at(1.0, (low + high) / 2)[1], page.em("floor")
    figures = run.chains, f"{low:.3f}–{high:.3f}"  # in the band, at its left, where the curve is yet high
    said = page.fitting(floor, FLOOR_ROOM * (box[1] - box[0]), "floor", *figures).format(*figures)
    text = page.label(said, axes.rect.left + 0.4 * em, middle - 0.3 * em, -1, "floor", "muted")
    return Distance(axes, curve, steps, values, axes.band(low, high), text, shift=1)


@remembered
def _usual_distance(density: np.ndarray, extent: tuple[float, float, float, float], count: int) -> tuple[float, float]:
    """Between which values the sliced Wasserstein-2 distance of two samples of a density (Gy, Gx) usually lies."""
    true = [draws(density, extent, count, seed) for seed in range(2 * PAIRS)]
    along = directions(2)
    apart = [sliced_wasserstein(a, b, along) for a, b in zip(true[::2], true[1::2], strict=True)]
    low, high = np.quantile(apart, USUAL).tolist()
    return low, high
