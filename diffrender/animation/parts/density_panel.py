"""The recorded density on a panel, and further maps of it in the same colours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from manim import Mobject, VGroup

from diffrender.animation.colors import blend, ramp
from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page, containing, fitted
from diffrender.animation.layout.plane import Plane
from diffrender.animation.mobjects.furniture.panels import Rect, frame, panel
from diffrender.animation.mobjects.plane.heat import Heatmap
from diffrender.animation.mobjects.space.landscape import Landscape
from diffrender.animation.parts.axes import scale_bar
from diffrender.trajectory.reader import Trajectory

SEEN, ROOM = 0.02, 0.06  # part of the highest density that must not be cut off, and the room round it, of its sides
POWER = 0.7  # colour follows p to this power, so that tails are seen; the colour key says so


class DensityPanel:
    """A panel that shows the density of a recording.

    extent: what was recorded, box: the part of it that the panel shows, each (x0, x1, y0, y1) in data units.
    high: the density that has the last colour. mobjects: panel, map, hairline.
    """

    def __init__(self, page: Page, run: Trajectory, rect: Rect) -> None:
        run.require("density", "density_x", "density_y")
        (x0, x1), (y0, y1) = run["density_x"][[0, -1]], run["density_y"][[0, -1]]
        self.page, self.values, self.rect = page, run["density"][-1], rect  # of levels of noise, the last
        self.extent: Rect = (float(x0), float(x1), float(y0), float(y1))
        self.box, self.high = most(self.extent, self.values, rect), float(self.values.max())
        self.map = self.heat(rect).set_z_index(1)
        self.border = frame(rect, page.theme.border).set_z_index(4)
        self.scale = scale_bar(Plane(self.box, rect), page, Box(*rect)).set_z_index(4)
        self.mobjects: list[Mobject] = [panel(rect, page.theme), self.map, self.border, self.scale]

    def color_key(self, rect: Rect) -> VGroup:
        """What its colours mean, under a panel."""
        table = self.page.theme.table("density")
        return self.page.color_key(table, f"≥ {self.high:.2g}", f"(colour as $p^{POWER}$)", rect)

    def landscape(self, at: Rect, stage: Rect, *, turned: bool = False) -> Landscape:
        """The same density on a stage, flat while the panel stands `at`, ready to be tilted up, or turned over."""
        unit = (self.box[1] - self.box[0]) / (at[1] - at[0])
        x0, y0 = self.box[0] - unit * at[0], self.box[2] - unit * at[2]
        box = (x0 + unit * stage[0], x0 + unit * stage[1], y0 + unit * stage[2], y0 + unit * stage[3])
        values, theme = self.values, self.page.theme
        land = Landscape(
            box, stage, values, high=self.high, power=POWER, theme=theme, extent=self.extent, shown=self.box,
            turned=turned,
        )  # fmt: skip
        return land.set_z_index(1)

    def heat(self, rect: Rect, levels: Sequence[float] = (), *, faint: float = 0.0) -> Heatmap:
        """The same density on another panel, with isolines at `levels` of the colour value.

        faint: how far its colours are moved towards the panel's, so that coloured points can be read on it.
        """
        theme = self.page.theme
        table, ink = theme.table("density"), theme.fg
        if faint:
            table = ramp(tuple(blend(color, theme.panel, faint) for color in theme.density))
        return Heatmap(
            self.box,
            rect,
            self.values,
            table=table,
            levels=levels,
            ink=ink,
            high=self.high,
            power=POWER,
            extent=self.extent,
        )


def most(extent: Rect, values: np.ndarray, rect: Rect) -> Rect:
    """The part of `extent`, of the shape of `rect`, on which a density (Gy, Gx) is shown: as large as it fits into it,
    or larger where this would cut off what can be seen of the density.
    """
    box, (x0, x1, y0, y1) = fitted(extent, rect), extent
    rows, columns = np.nonzero(values >= SEEN * values.max())
    x, y = np.linspace(x0, x1, values.shape[1])[columns], np.linspace(y0, y1, values.shape[0])[rows]
    if box[0] <= x.min() and x.max() <= box[1] and box[2] <= y.min() and y.max() <= box[3]:
        return box
    w, h = ROOM * np.ptp(x), ROOM * np.ptp(y)
    return containing((float(x.min() - w), float(x.max() + w), float(y.min() - h), float(y.max() + h)), rect)
