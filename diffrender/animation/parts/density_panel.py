"""The recorded density on a panel, and further maps of it in the same colours."""

from __future__ import annotations

from collections.abc import Sequence

from manim import Mobject, VGroup

from diffrender.animation.layout.page import Page, fitted
from diffrender.animation.mobjects.furniture.panels import Rect, frame, panel
from diffrender.animation.mobjects.plane.heat import Heatmap
from diffrender.trajectory.reader import Trajectory

POWER = 0.7  # colour follows p to this power, so that tails are seen; the colour key says so


class DensityPanel:
    """A panel that shows the density of a recording.

    extent: what was recorded, box: the part of it that the panel shows, each (x0, x1, y0, y1) in data units.
    high: the density that has the last colour. mobjects: panel, map, hairline.
    """

    def __init__(self, page: Page, run: Trajectory, rect: Rect) -> None:
        run.require("density", "density_x", "density_y")
        (x0, x1), (y0, y1) = run["density_x"][[0, -1]], run["density_y"][[0, -1]]
        self.page, self.values, self.rect = page, run["density"][0], rect
        self.extent: Rect = (float(x0), float(x1), float(y0), float(y1))
        self.box, self.high = fitted(self.extent, rect), float(run["density"][0].max())
        self.map = self.heat(rect).set_z_index(1)
        self.border = frame(rect, page.theme.border).set_z_index(4)
        self.mobjects: list[Mobject] = [panel(rect, page.theme), self.map, self.border]

    def color_key(self, rect: Rect) -> VGroup:
        """What its colours mean, under a panel."""
        table = self.page.theme.table("density")
        return self.page.color_key(table, f"≥ {self.high:.2g}", f"(colour as $p^{POWER}$)", rect)

    def heat(self, rect: Rect, levels: Sequence[float] = ()) -> Heatmap:
        """The same density on another panel, with isolines at `levels` of the colour value."""
        table, ink = self.page.theme.table("density"), self.page.theme.fg
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
