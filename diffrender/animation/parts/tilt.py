"""Fields that guidance adds up, as its scale sweeps; and clouds over the density that it claims to sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from manim import VGroup

from diffrender.animation.colors import blend, ramp
from diffrender.animation.layout.box import Boxes
from diffrender.animation.layout.page import MOVING_TEXT, Page
from diffrender.animation.layout.plane import Plane
from diffrender.animation.mobjects.furniture.panels import frame, panel, pill
from diffrender.animation.mobjects.plane.cloud import PointCloud
from diffrender.animation.mobjects.plane.heat import Heatmap
from diffrender.animation.parts.class_labels import class_names, class_rgb
from diffrender.animation.text.typst import escaped
from diffrender.animation.theme import point_radius
from diffrender.trajectory.reader import Trajectory

NEAR = 0.8  # σ/α of the level whose fields are shown: the modes are still in sight of each other
SCALES = 61  # between 0 and the largest
LONG, ROOT = 0.95, 0.5  # of the longest arrow, in cells of the grid; lengths go by this power
FULL = 0.9  # quantile of the lengths in a panel that has full length
POWER, FAINT = 0.5, 0.35  # of the claim's colours
DATA = 0.35  # opacity of data under arrows


class GuidedFields:
    """Scores of a level without class, of one class, their difference, and guided by growing scales, over the data.

    label: the class. ratio: σ/α. scales: (SCALES,) of the steps of its clock, strength: (SCALES,) of a guided arrow of
    full length. guided: what moves. standing, mobjects.
    """

    def __init__(self, page: Page, run: Trajectory, views: Sequence[Plane], *, top: float) -> None:
        run.require("field_score", "field_class_score", "label")
        theme = page.theme
        ratios = np.asarray(run["sigma"], float) / np.asarray(run["alpha"], float)
        at = int(np.abs(np.log(np.maximum(ratios[: len(run["field_time"])], 1e-9) / NEAR)).argmin())
        self.ratio, self.label = float(ratios[at]), int(run["label"][0])
        places = np.stack(np.meshgrid(run["grid_x"], run["grid_y"]), -1)
        free, given = (np.asarray(run[key][at], float) for key in ("field_score", "field_class_score"))
        self.scales = np.linspace(0.0, top, SCALES)
        guided = free + self.scales[:, None, None, None] * (given - free)
        look: dict[str, Any] = {"table": theme.table("magnitude"), "length": LONG, "power": ROOT}
        terms = [v / np.quantile(np.linalg.norm(v, axis=-1), FULL) for v in (free, given, given - free)]
        # each by its own scale, so that w = 0 and 1 look just like the two fields that they are
        self.strength = np.quantile(np.linalg.norm(guided, axis=-1).reshape(len(guided), -1), FULL, axis=1)
        guided /= self.strength[:, None, None, None]
        terms.append(guided[0])
        fields = [view.arrows(places, v, vmax=1.0, **look) for view, v in zip(views, terms, strict=True)]
        self.guided = fields[3].follow(guided)
        self.standing: list[Any] = []
        for view in views:
            radius = point_radius(len(run.target), 9.0)
            hues = class_rgb(theme, run["target_label"], len(class_names(run)))
            data = PointCloud(view.box, view.rect, np.asarray(run.target), color=hues, radius=radius, alpha=DATA)
            self.standing += [
                panel(view.rect, theme),
                data.set_z_index(1),
                frame(view.rect, theme.border).set_z_index(8),
            ]
        self.mobjects: list[Any] = [field.set_z_index(4) for field in fields]

    def show_step(self, step: float) -> None:
        """Show the guided field of a scale."""
        self.guided.show_step(round(step))


class ClaimPanels:
    """Recorded chains of several runs, coloured by class, each over the density that its guidance claims.

    mobjects: clouds; standing: what they are on.
    """

    def __init__(
        self, page: Page, runs: Sequence[Trajectory], views: Sequence[Plane], *, points: int | None = None
    ) -> None:
        self.runs, theme = runs, page.theme
        table = ramp(tuple(blend(color, theme.panel, FAINT) for color in theme.density))
        self.mobjects: list[Any] = []
        self.standing: list[Any] = []
        for run, view in zip(runs, views, strict=True):
            run.require("tilted", "tilted_x", "tilted_y", "label")
            x, y = np.asarray(run["tilted_x"], float), np.asarray(run["tilted_y"], float)
            extent = (float(x[0]), float(x[-1]), float(y[0]), float(y[-1]))
            claim = np.asarray(run["tilted"], float).mean(0)
            heat = Heatmap(view.box, view.rect, claim, table=table, high=None, power=POWER, extent=extent)
            self.standing += [
                panel(view.rect, theme),
                heat.set_z_index(1),
                frame(view.rect, theme.border).set_z_index(8),
            ]
            few = min(points or run.chains, run.chains)
            hues = class_rgb(theme, run["label"][:few], len(class_names(run)))
            radius = point_radius(few, 6.0)
            cloud = PointCloud(
                view.box, view.rect, np.asarray(run.states[0][:few]), color=hues, radius=radius, alpha=0.8
            )
            self.mobjects.append(cloud.follow(run.states, slice(0, few)).set_z_index(4))

    def show_step(self, step: float) -> None:
        """Show all chains at a recorded step."""
        for cloud in self.mobjects:
            cloud.show_step(step)

    def distances(self, page: Page, forms: str, boxes: Boxes, *, room: float) -> list[Any]:
        """How far samples are from the claim: beside names that leave `room` for it, else inside all panels."""
        made: list[Any] = []
        values = [(run.meta["tilted"]["distance"], run.meta["tilted"]["floor"]) for run in self.runs]
        shortest = forms.rpartition("|")[2]
        beside = max(page.words(shortest.format(*each), "legend").width for each in values) <= room - 0.3
        for each, cell, label in zip(values, boxes.cells, boxes.labels, strict=True):
            said = page.fitting(forms, room - 0.3 if beside else 0.8 * cell.width, "legend", *each).format(*each)
            if beside:
                made.append(page.label(said, cell.right, label.bottom + 0.35 * page.em("legend"), 1, "legend"))
                continue
            inside = page.label(said, cell.right - 0.2, cell.bottom + 0.2, 1, "legend")
            made.append(VGroup(pill(inside, page.theme), inside).set_z_index(MOVING_TEXT))
        return made


def guided_where(runs: Sequence[Trajectory]) -> list[str]:
    """Where guidance acts, if not at all levels; how densities are smoothed; what is worse of a worse network."""
    sampler, smoothed = runs[-1].meta["config"]["sampler"], float(runs[0].meta["tilted"]["smoothed"])
    found = [f"densities smoothed by {smoothed:g}"] if smoothed else []
    if interval := sampler.get("guidance_interval"):
        found.append("guided at $sigma\\/alpha$ {:g} to {:g}".format(*interval))
    for section in (sampler.get("autoguidance") or {}).values():
        found += [f"worse: {escaped(key)} = {escaped(str(value))}" for key, value in section.items()]
    return found
