"""Maps of p_t as the acts of `ribbon` show them: one between its ends, one a row beside a histogram, one a family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from diffrender.animation.layout.box import Boxes
from diffrender.animation.layout.page import Page
from diffrender.animation.parts.clock import Clock
from diffrender.animation.parts.ribbon import DensityOverTime, DensitySlice, even_chains, gaps
from diffrender.animation.text import captions
from diffrender.trajectory.reader import Trajectory

PATHS = 14  # of chains, on each map


class MapBetweenEnds:
    """One large map between the density of the data and that of the noise. map: it; standing: all that stands."""

    def __init__(self, page: Page, run: Trajectory, boxes: Boxes) -> None:
        theme = page.theme
        self.map = density = DensityOverTime(page, run, boxes.stage)
        ends = [
            *DensitySlice(page, run, boxes.first, density.span, theme.data, left=True).filled(run.steps, theme.data),
            *DensitySlice(page, run, boxes.last, density.span, theme.samples).filled(0, theme.samples),
        ]
        names = [
            page.panel_label(page.words("data"), boxes.first, align=1),
            page.panel_label(page.words("noise"), boxes.last),
        ]
        self.standing: list[Any] = [*names, *ends, *density.mobjects, *density.axis()]


class MapRows:
    """A map with paths for each run, and beside it the histogram of all chains over p_t, now, and the gap of the two.

    named: forms of a name, and the run; over a learned one's paths lie those of the clock's run. standing, moving.
    """

    def __init__(self, page: Page, clock: Clock, named: Sequence[tuple[str, Trajectory]], boxes: Boxes) -> None:
        theme, first = page.theme, clock.run
        self.standing: list[Any] = []
        self.moving: list[Any] = []
        chains = even_chains(first, PATHS, step=0)
        for (name, run), cell, side, label in zip(named, boxes.cells, boxes.sides, boxes.labels, strict=True):
            density = DensityOverTime(page, run, cell)
            noisy = bool(run.meta["config"]["sampler"].get("eta"))
            color = theme.samples if noisy else theme.accept if captions.learned(run) else theme.fg
            paths = [*(density.paths(first, chains, theme.fg) * (color == theme.accept))]
            paths += density.paths(run, chains, color)
            beside = DensitySlice(page, run, side, density.span, theme.samples)
            clock.bind(*paths, beside)
            y = label.bottom + 0.35 * page.em("legend")
            gap = clock.number("gap {:.3f}", gaps(run), size="legend")
            gap.at(min(side.left, page.frame.x - gap.room), y)
            text = page.label(page.fitting(name, cell.width, "legend"), cell.left, y, -1, "legend")
            self.standing += [*density.mobjects, text, gap]
            self.moving += [*paths, *beside.mobjects]


class FamilyMaps:
    """A map for each run, each with its own range of x, and the paths of the same chains. standing, moving."""

    def __init__(self, page: Page, clock: Clock, named: Sequence[tuple[str, Trajectory]], boxes: Boxes) -> None:
        self.standing: list[Any] = []
        self.moving: list[Any] = []
        chains = even_chains(clock.run, PATHS)
        for (name, run), cell in zip(named, boxes.cells, strict=True):
            density = DensityOverTime(page, run, cell)
            self.moving += clock.bind(*density.paths(run, chains, page.theme.fg))
            said = page.fitting(f"{name}, $x$ to ± {density.span[1]:.1f}|{name}", cell.width, "legend")
            self.standing += [*density.mobjects, page.panel_label(page.words(said, "legend"), cell)]
            if page.shape != "tall" or cell is boxes.cells[-1]:  # under each other they share the axis of the last
                self.standing += density.axis()
