"""p_t(x) of states on a line as a heat map over time, paths of chains on it, and slices of it beside histograms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from manim import VMobject

from diffrender.animation.colors import blend, ramp
from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.furniture.arrow import set_polygons
from diffrender.animation.mobjects.furniture.panels import frame, line
from diffrender.animation.mobjects.plane.cloud import PointCloud
from diffrender.animation.mobjects.plane.heat import Heatmap
from diffrender.animation.mobjects.plane.trails import Trails
from diffrender.animation.parts.tally import readable
from diffrender.animation.theme import LINE
from diffrender.trajectory.reader import Trajectory

POWER = 0.5  # colour follows p to this power, so that what is wide and low is seen beside narrow peaks
COLUMNS = 241  # of the heat map along time
SEEN = 3.3  # deviations of the noise that are shown; one point in a thousand lies farther out
FAINT = 0.25  # how far the colours of the map go towards the panel's, so that lines on it can be read
HEAD, PATH = 0.055, 1.3 * LINE
BINS, BAR = 44, 0.75  # of a histogram, and the opacity of its bars
TOP = 1.04  # of the highest density, that a slice has room for


class DensityOverTime:
    """The recorded densities of a run on a line, time across from data (left) to noise, x upwards.

    rect: where the map lies. span: the part of x that is shown. ground: the deepest colour of the map at half of all
    times, on which paths are to be read. mobjects: map and hairline.
    """

    def __init__(self, page: Page, run: Trajectory, rect: Box, *, span: tuple[float, float] | None = None) -> None:
        run.require("density", "density_x", "density_time")
        self.page, self.run, self.rect = page, run, rect
        x, theme = np.asarray(run["density_x"], float), page.theme
        reach = SEEN * float(np.hypot(run["alpha"], run["sigma"])[run["sigma"] > 0].max())
        data = 1.08 * np.abs(run.target).max() if len(run.target) else reach
        self.span = span or (-max(reach, data), max(reach, data))
        self.values = over_time(run)
        self.box = (0.0, 1.0, *self.span)
        table = ramp(tuple(blend(color, theme.panel, FAINT) for color in theme.density))
        shade = int(255 * float(np.quantile(self.values.max(0) / self.values.max(), 0.5)) ** POWER)
        self.ground = "#{:02X}{:02X}{:02X}".format(*table[shade])
        extent = (0.0, 1.0, float(x[0]), float(x[-1]))
        look: dict[str, Any] = {"table": table, "high": None, "power": POWER, "extent": extent}
        self.map = Heatmap(self.box, rect, self.values, **look).set_z_index(1)
        self.mobjects: list[Any] = [self.map, frame(rect, theme.border).set_z_index(8)]

    def paths(self, run: Trajectory, chains: Sequence[int], color: str, *, back: bool = False) -> list[Any]:
        """Paths of some chains of a run, and the points where they are; back: through the run's time from its end."""
        color = readable(color, self.page.theme, ground=self.ground)
        order = slice(None, None, -1 if back else 1)
        time, x = np.asarray(run["time"], float)[order], np.asarray(run["x"])[order, chains, 0]
        walks = np.stack([np.broadcast_to(time[:, None], x.shape), x], -1)
        tail = Trails(self.box, self.rect, walks, color=color, width=PATH, power=0.0, casing=self.page.theme.bg)
        look: dict[str, Any] = {"color": color, "radius": HEAD, "ring": self.page.theme.bg, "clip": False}
        heads = PointCloud(self.box, self.rect, walks[0], **look).follow(walks)
        return [tail.set_z_index(4), heads.set_z_index(6)]

    def axis(self) -> list[Any]:
        """Under the map: which way time goes."""
        page, (left, right, bottom, _) = self.page, self.rect
        y = bottom - 1.15 * page.em("legend")
        middle = page.label("time $t$", (left + right) / 2, y, 0, "legend", "muted")
        ends = page.label("0", left, y, 0, "legend", "muted"), page.label("1", right, y, 0, "legend", "muted")
        return [*ends, middle]


class DensitySlice:
    """A histogram of all chains at a recorded step over p_t there, upright beside a ribbon: one scale for all time.

    truth: p_t at every kept step. mobjects: bars, curve, foot.
    """

    def __init__(
        self, page: Page, run: Trajectory, box: Box, span: tuple[float, float], color: str, *, left: bool = False
    ) -> None:
        self.run, self.box, self.span, self.left = run, box, span, left
        self.x, self.truth = np.asarray(run["density_x"], float), at_steps(run)
        self.edges = np.linspace(*span, BINS + 1)
        self.highest = TOP * float(self.truth.max())
        theme = page.theme
        self.bars = VMobject(stroke_width=0, fill_color=color, fill_opacity=BAR).set_z_index(2)
        self.curve = VMobject(stroke_color=theme.data, stroke_width=160 * LINE).set_z_index(3)
        side = box.right if left else box.left
        foot = line([(side, box.bottom), (side, box.top)], theme.border).set_z_index(3)
        self.mobjects: list[Any] = [self.bars, self.curve, foot]
        self.show_step(0)

    def place(self, x: np.ndarray, density: np.ndarray) -> np.ndarray:
        """(K, 3) scene points of values and densities."""
        up, out = (x - self.span[0]) / (self.span[1] - self.span[0]), np.minimum(density / self.highest, 1.0)
        across = self.box.right - out * self.box.width if self.left else self.box.left + out * self.box.width
        return np.stack([across, self.box.bottom + up * self.box.height, np.zeros(len(x))], 1)

    def filled(self, step: int, color: str) -> list[Any]:
        """The density of a step alone, as a shape; and the foot."""
        shape = VMobject(stroke_width=0, fill_color=color, fill_opacity=BAR).set_z_index(2)
        set_polygons(shape, [self.outline(step)])
        return [shape, self.mobjects[-1]]

    def outline(self, step: int) -> np.ndarray:
        """(K, 3) scene points of p_t at a recorded step, along what is shown of x."""
        seen = (self.x >= self.span[0]) & (self.x <= self.span[1])
        return self.place(self.x[seen], self.truth[step][seen])

    def heights(self, step: int) -> np.ndarray:
        """(BINS,) density of the chains at a step; what lies outside the span counts as mass, unseen."""
        x = np.asarray(self.run["x"][step])[:, 0]
        return np.histogram(x, self.edges)[0] / (len(x) * np.diff(self.edges))

    def show_step(self, step: float) -> None:
        """Show histogram and p_t of a recorded step."""
        now = int(step)
        up = np.concatenate([[0.0], np.repeat(self.heights(now), 2), [0.0]])
        set_polygons(self.bars, [self.place(np.repeat(self.edges, 2), up)])
        self.curve.set_points_as_corners(self.outline(now))


def at_steps(run: Trajectory) -> np.ndarray:
    """(T+1, G) the density at every kept step: of a step that none was recorded for, that of the time next to it."""
    known, density = np.asarray(run["density_time"], float), np.asarray(run["density"], float)
    nearest = np.abs(np.asarray(run["time"], float)[:, None] - known).argmin(1)
    return density[nearest]


def over_time(run: Trajectory) -> np.ndarray:
    """(G, COLUMNS) the density at even times from 0 to 1, between two recorded ones on a straight line."""
    known, density = np.asarray(run["density_time"], float), np.asarray(run["density"], float)
    order = np.argsort(known)
    known, density = known[order], density[order]
    at = np.interp(np.linspace(0, 1, COLUMNS), known, np.arange(len(known)))
    low = np.minimum(at.astype(int), len(known) - 2)
    part = (at - low)[:, None]
    return ((1 - part) * density[low] + part * density[low + 1]).T


def gaps(run: Trajectory) -> np.ndarray:
    """(T+1,) the Kolmogorov–Smirnov distance of all chains from the recorded p_t: the largest gap between the
    distribution functions."""
    x, truth = np.asarray(run["density_x"], float), at_steps(run)
    cell = np.diff(x)
    found = []
    for states, density in zip(run["x"], truth, strict=True):
        cumulated = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2 * cell)])
        ordered = np.sort(np.asarray(states, float)[:, 0])
        exact, count = np.interp(ordered, x, cumulated), len(ordered)
        steps = np.arange(count + 1) / count
        found.append(max(float((steps[1:] - exact).max()), float((exact - steps[:-1]).max())))
    return np.array(found)


def chance(count: int) -> float:
    """The gap that 19 of 20 samples of so many exact draws stay under (Kolmogorov's law, 1.358 / √n)."""
    return 1.358 / float(np.sqrt(count))


def even_chains(run: Trajectory, count: int, *, step: int = -1) -> list[int]:
    """Chains at even places in the order of their states at a step."""
    order = np.argsort(np.asarray(run["x"][step])[:, 0], kind="stable")
    return [int(order[int((k + 0.5) / count * len(order))]) for k in range(min(count, len(order)))]
