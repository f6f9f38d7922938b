"""The falling noise level of annealed Langevin: many chains over p_t as it sharpens, and the scale of levels."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.animation.colors import blend, ramp
from diffrender.animation.layout.box import Box
from diffrender.animation.mobjects.plane.heat import Heatmap
from diffrender.animation.parts.crowd import Crowd
from diffrender.animation.parts.density_panel import POWER, DensityPanel
from diffrender.animation.parts.level_scale import BAR, LevelScale
from diffrender.trajectory.reader import Trajectory

FAINT = 0.6  # how far the density's colours go towards the panel's under coloured chains
SCALE = 0.16  # width of the scale of levels, in that of the box, at least
CLEAN = 0.06  # room under the scale, in the height of the box


class Annealing:
    """Chains over the density of the level at which they are, each level in colours up to its own highest value.

    run: with the density of each level, as `record.density` has it. beside: where the scale
    stands, at its left edge; `free` is the rest of it. mobjects: what moves; standing: the scale.
    """

    def __init__(self, density: DensityPanel, run: Trajectory, crowd: Crowd, beside: Box) -> None:
        run.require("density", "density_time", "sigma")
        theme, page = density.page.theme, density.page
        maps = np.asarray(run["density"], float)
        table = ramp(tuple(blend(color, theme.panel, FAINT) for color in theme.density))
        known, time = np.asarray(run["density_time"], float), np.asarray(run["time"], float)
        self.index = np.abs(time[:, None] - known).argmin(1)
        look: dict[str, Any] = {"table": table, "high": 1.0, "power": POWER, "extent": density.extent}
        heat = Heatmap(density.box, density.rect, maps[-1] / maps[-1].max(), **look)
        self.heat = heat.follow(maps / maps.max((1, 2), keepdims=True), self.index).set_z_index(1)
        self.crowd = crowd
        share = max(SCALE, (BAR + 0.25 + 1.7 * page.em("legend")) / beside.width)
        scale, self.free = beside.columns(share, 1 - share, gap=0.3)
        scale = scale._replace(bottom=scale.bottom + CLEAN * scale.height, top=scale.top - 0.1)
        self.scale = LevelScale(page, scale, run["sigma"], upright=True)
        self.mobjects: list[Any] = [self.heat, crowd.points, self.scale.mark]  # tails of hot chains would hide it all
        self.standing = self.scale.standing

    def show_step(self, step: float) -> None:
        """Show density, chains and level of a recorded step."""
        self.heat.show_step(int(step))
        self.crowd.show_step(step)
        self.scale.show_step(step)
