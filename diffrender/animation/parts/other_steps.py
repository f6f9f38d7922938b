"""The same step by this sampler and by others, as recorded: from one point to one level, each its own way."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.animation.layout.page import Page
from diffrender.animation.layout.plane import Plane
from diffrender.animation.mobjects.furniture.arrow import StepArrow
from diffrender.animation.mobjects.furniture.panels import Key, key_arrow
from diffrender.animation.parts.step_terms import SCALE, StepTerms, vector
from diffrender.trajectory.reader import Trajectory


class OtherSteps:
    """Arrows of `move_*` beside the sum of a step's terms.

    arrows: of the others, grown by `show`, the longest first. keys: of a legend. told: where each ends; where there is
    no room for that, the evaluations that each takes, which else stand in the legend.
    """

    def __init__(self, page: Page, view: Plane, run: Trajectory, terms: StepTerms) -> None:
        theme, k, chain = page.theme, terms.step, int(run.meta["followed"])
        start, beside = terms.ends["sum"][0], page.column_align < 0
        steps = [("DDPM", 1, theme.fg, terms.values["sum"])]
        for color, (name, told) in zip((theme.accept, theme.reject), run.meta["moves"].items(), strict=True):
            end = terms.values["x"] + np.asarray(run[f"move_{name}"][k, chain], float)
            steps.append((told["title"], told["nfe"], color, end))
        calls = [f": {nfe} evaluation{'s' * (nfe > 1)}" * beside for _, nfe, *_ in steps]
        self.keys: list[tuple[Key, float, str]] = [
            (key_arrow(color), 0.5, f"{title}{more}") for (title, _, color, _), more in zip(steps, calls, strict=True)
        ]
        self.told = [page.words(f"{title} ${vector(end)}$", "label", color) for title, _, color, end in steps]
        if not beside:
            self.told = [page.words(f"NFE {', '.join(str(nfe) for _, nfe, *_ in steps)}", "label")]
        self.ways = []
        for _, nfe, color, end in steps[1:]:
            # one of more than one evaluation is dashed: one that goes the same way lies on it
            arrow = StepArrow(color, scale=SCALE, casing=theme.bg, dashed=nfe > 1).set_z_index(8)
            self.ways.append((arrow, view.to_scene(start), view.to_scene(end / run.scale[k + 1])))
        self.ways.sort(key=lambda way: -float(np.linalg.norm(way[2] - way[1])))
        self.arrows: list[Any] = [arrow for arrow, *_ in self.ways]

    def show(self, u: float) -> None:
        """Let the arrows be grown to the part u of their length."""
        for arrow, start, end in self.ways:
            arrow.put(start, end, u)
