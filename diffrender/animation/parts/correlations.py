"""The correlation of chains with themselves, and what it says they are worth: gradients to an independent draw."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.plane.curve import Curve
from diffrender.animation.parts.axes import Axes
from diffrender.animation.parts.mixing import Mixing, rounded

REACH = 3.0  # of the longest time to a draw, that the axis goes
KEYS = 0.62  # of the axes' width for what a curve says, at its right, where curves are low
LINE = 1.3  # em from one line of the key to the next


class Correlated(NamedTuple):
    """A chain on the chart: its name, how it mixes, how many gradients one of its steps takes, and its colour."""

    name: str
    mixing: Mixing
    gradients: float
    color: str

    @property
    def per_draw(self) -> tuple[int, int]:
        """Gradients that tell as much of a mean as one independent draw, and the standard error of that figure."""
        return rounded(self.gradients * self.mixing.steps), rounded(self.gradients * self.mixing.error, 1)


class Correlations:
    """Correlation of the states of chains with those so many gradients later, a curve for each.

    Twice the area under a curve is what stands in the key, in its colour: the fields are the chain's name, figure and
    error. unit: of work, as the field of `name` and of `x_name`. mobjects: axes, key, curves; `show` lets these grow.
    """

    def __init__(
        self, page: Page, box: Box, chains: list[Correlated], *, name: str, unit: str, x_name: str, key: str
    ) -> None:
        self.chains = chains
        reach = REACH * max(max(chain.gradients * chain.mixing.steps for chain in chains), 1.0)
        drawn = [chain.mixing.correlation[: 2 + int(reach / chain.gradients)] for chain in chains]
        self.axes = axes = Axes(
            page, box, x=(0.0, reach), y=(min(0.0, *(float(values.min()) for values in drawn)), 1.0),
            y_ticks=(0, 0.5, 1), x_name=x_name.format(unit),
            y_name=page.fitting(name, box.width - 0.8, "legend", unit).format(unit),
        )  # fmt: skip
        self.curves: list[Curve] = []
        self.mobjects: list[Any] = [*axes.mobjects]
        em, rect = page.em("legend"), axes.rect
        forms = [page.fitting(key, KEYS * rect.width, "legend", chain.name, *chain.per_draw) for chain in chains]
        form = min(forms, key=len)  # one for all
        for k, (chain, values) in enumerate(zip(chains, drawn, strict=True)):
            later = chain.gradients * np.arange(len(values))
            at = np.minimum(later, reach)
            color, heights = page.theme.color(chain.color), np.interp(at, later, values)
            curve = axes.curve(at, heights, color=color, ring=page.theme.bg)
            self.curves.append(curve.set_z_index(3 + k))
            y = rect.top - (0.85 + LINE * k) * em
            text = form.format(chain.name, *chain.per_draw)
            self.mobjects.append(page.label(text, rect.right, y, 1, "legend", chain.color))
        self.mobjects += self.curves

    def show(self, part: float) -> None:
        """Draw `part` 0..1 of the axis."""
        for curve in self.curves:
            curve.show_step(part * (len(curve.x) - 1))
