"""A histogram that fills: first every state as a dot, then few wide bins, then more and finer ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from manim import Mobject, VGroup

from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.furniture.panels import Rect
from diffrender.animation.mobjects.plane.cloud import PointCloud
from diffrender.animation.mobjects.plane.histogram import Histogram2D
from diffrender.animation.theme import Theme

STAGES = (200, 2_000, 20_000)  # states after which dots become bins, and bins divide into four
BLEND = 0.25  # one becomes the other while the number of states grows by this part
DOT = 0.026  # radius of a dot
MOMENTS = 240  # numbers of states at which a distance is measured
LEAST = 1e-12  # mass of a bin that counts
FINE = 6  # points of the density to a bin's side, when its mass is found


class FillingHistogram:
    """All states of a chain up to a recorded step, in bins that become finer as their number grows.

    The last colour is always that of the fullest bin now, `high`. mobjects: three histograms, and the dots over them.
    Nothing is smoothed: a stage's bins hold exactly the states visited.
    """

    def __init__(
        self, box: Rect, rect: Rect, x: np.ndarray, *, bins: tuple[int, int], theme: Theme, power: float
    ) -> None:
        self.x, self.box, self.power = x, box, power
        shares = (4, 2, 1)
        self.bins = [(max(2, round(bins[0] / share)), max(2, round(bins[1] / share))) for share in shares]
        more: dict[str, Any] = {"table": theme.table("density"), "high": 1.0, "power": power}
        self.levels = [Histogram2D(box, rect, b, **more).follow(x, start=1).set_z_index(1) for b in self.bins]
        self.dots = PointCloud(
            box, rect, x[:1, 0], color=theme.fg, radius=DOT, alpha=0.9, ring=theme.panel
        ).set_z_index(2)
        self.mobjects: list[Mobject] = [*self.levels, self.dots]
        self.level, self.high = 0, 1.0
        self.keys: list[ColorKey] = []

    def show_step(self, step: float) -> None:
        """Show the states of recorded steps 1 to `step`."""
        count = int(step)
        shares = [float(np.clip((count - first) / (BLEND * first), 0, 1)) for first in STAGES]
        self.dots.set_xy(self.x[1 : min(count, int(STAGES[0] * (1 + BLEND))) + 1, 0])
        self.dots.set_fill(opacity=1 - shares[0])
        self.level = sum(share > 0.5 for share in shares[1:])
        for k, cells in enumerate(self.levels):
            later = shares[k + 1] if k < 2 else 0.0
            cells.show_step(step).set_fill(opacity=shares[k] if later < 1 else 0.0)
            if (shares[k] > 0 or k == 0) and later < 1:
                cells.high = max(float(cells.density().max()), 1e-9)
        self.high = self.levels[self.level].high
        for key in self.keys:
            key.set_values(self.high)

    def color_key(self, page: Page, rect: Rect) -> ColorKey:
        """What the colours mean, under the panel; its highest value runs."""
        key = ColorKey(page, rect, self.power)
        key.set_values(self.high)
        self.keys.append(key)
        self.mobjects.append(key)
        return key

    @property
    def shown(self) -> Histogram2D:
        """The bins that are shown now."""
        return self.levels[self.level]


def bin_masses(density: np.ndarray, extent: Rect, box: Rect, bins: tuple[int, int]) -> np.ndarray:
    """(rows, columns) mass of each bin of `box`, of a density (Gy, Gx) on `extent`, which is bilinear between nodes."""
    (x0, x1, y0, y1), (ex0, ex1, ey0, ey1) = box, extent
    sides = []
    for low, high, first, last, count, nodes in (
        (x0, x1, ex0, ex1, bins[0], density.shape[1]),
        (y0, y1, ey0, ey1, bins[1], density.shape[0]),
    ):
        at = low + (np.arange(count * FINE) + 0.5) * (high - low) / (count * FINE)
        place = np.clip((at - first) / (last - first) * (nodes - 1), 0, nodes - 1)
        knot = np.minimum(place.astype(int), nodes - 2)
        sides.append((knot, place - knot))
    (i, u), (j, v) = sides
    along = density[:, i] * (1 - u) + density[:, i + 1] * u
    values = along[j] * (1 - v)[:, None] + along[j + 1] * v[:, None]
    area = (x1 - x0) * (y1 - y0) / (bins[0] * bins[1] * FINE**2)
    return values.reshape(bins[1], FINE, bins[0], FINE).sum((1, 3)) * area


def total_variation(cells: Histogram2D, masses: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """(K,) total variation distance between the shares of visited states and the masses of bins, at each of `steps`.

    ½ Σ |share − mass|, what lies outside the box counted as one more bin.
    """
    found = []
    for step in steps:
        counts, total = cells.show_step(step).counts()
        share = counts / max(total, 1)
        found.append(0.5 * (np.abs(share - masses).sum() + abs(share.sum() - masses.sum())))
    return np.array(found)


def expected_variation(masses: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(K,) expected total variation distance of so many independent draws (K,) to the masses of bins they are drawn by.

    What lies outside the bins is one more. Each bin's E|X − np| is de Moivre's, of a binomial X, for k = ⌊np⌋:
    2 (k + 1) C(n, k + 1) p^(k+1) (1 − p)^(n−k).
    """
    from scipy.special import gammaln

    inside = np.asarray(masses, float).ravel()
    p = np.append(inside, max(1.0 - inside.sum(), 0.0))
    p = np.clip(p[p > LEAST], None, 1 - LEAST)
    n = np.asarray(counts, float)[:, None]
    k = np.floor(n * p)
    ways = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k)
    away = 2 * np.exp(ways + (k + 1) * np.log(p) + (n - k) * np.log1p(-p))
    return 0.5 * (away / n).sum(1)


def moments(last: int, first: int = 10) -> np.ndarray:
    """At most `MOMENTS` recorded steps, evenly spaced in their logarithm."""
    return np.unique(np.rint(np.geomspace(min(first, last), last, MOMENTS)).astype(int))


class ColorKey(VGroup):
    """0, a bar, and the density that has the last colour now."""

    def __init__(self, page: Page, rect: Rect, power: float) -> None:
        key = page.color_key(page.theme.table("density"), "8.88", f"(colour as $p^{power}$)", rect)
        low, bar, top, said = key
        self.high = page.number(".2f", 8.88, "legend").set_z_index(8)
        self.high.flush_left = True
        self.high.at(top.get_left()[0], top.baseline)
        super().__init__(low, bar, said, self.high)

    def set_values(self, high: float) -> None:
        """Show the density of the fullest bin."""
        self.high.set_value(high)
