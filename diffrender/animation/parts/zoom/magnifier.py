"""A magnifier on one chain: a small frame on a panel, a beam, and a window where each step is taken apart."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from manim import Mobject, VGroup

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.plane import Plane
from diffrender.animation.mobjects.furniture.panels import Rect, ZoomBeam, frame, pill
from diffrender.animation.parts.axes import scale_bar
from diffrender.animation.parts.density_panel import DensityPanel
from diffrender.animation.parts.one_chain import OneChain
from diffrender.animation.parts.zoom.pacing import SlowThenFaster
from diffrender.animation.parts.zoom.spotlight import Spotlight
from diffrender.animation.parts.zoom.windows import TERMS, window_on
from diffrender.animation.text.typst import Typeset
from diffrender.animation.timeline import Timeline
from diffrender.trajectory.reader import Trajectory

PACE = 3.0  # steps a second once they go by one by one: no more can be read
LEAD = 2.15  # times as long as the others the first of steps is taken apart that have many parts
DECIDED = 2.0  # of these, whole paths that are accepted or rejected
FAST_SECONDS = 2.0  # for which steps go by at that pace
_SHORTEST = 0.35  # a step shorter than so many seconds is not taken apart: its arrows stand there at once


class Magnifier:
    """Shows consecutive recorded steps of a chain, slowly and then faster, and lights the equation's terms in step.

    Parameters
    ----------
    density: the panel that is looked at, where it will stand. window: rectangle of the window, in scene units.
    below: the row under it. run: a recording as `check_moves` wants it, of whose chains the first is shown.
    words: what is said of a proposal, `taken` or `refused`. first: the step with
    which it begins. slow: so many steps are taken apart with tags; then they speed up.
    equation: with the terms `sum`, `state`, `score` and `noise`. seconds: that it takes, if not as planned.
    one: the chain on the panel, which goes along.
    """

    def __init__(
        self,
        density: DensityPanel,
        window: Rect,
        run: Trajectory,
        *,
        below: Rect,
        words: Mapping[str, str],
        first: int,
        slow: int,
        equation: Typeset,
        one: OneChain,
        seconds: float | None = None,
    ) -> None:
        page, theme = density.page, density.page.theme
        self.first, self.slow, self.map, self.one = first, slow, density.map, one
        speed = self.planned(slow) / seconds if seconds else 1.0
        pace = DECIDED if "path" in run and "accepted" in run else PACE
        lead = min(LEAD, slow / 2) if "path" in run and "accepted" not in run else 1.0
        self.pace = SlowThenFaster.plan(slow, 1 / pace, FAST_SECONDS, speed, lead)
        steps = slice(first, min(first + len(self.pace.starts), run.steps))
        looked = window_on(density, window, run, steps, slow, below, words)
        self.view, self.centres, self.beside = looked.view, looked.centres, looked.beside
        self.view.set_z_index(6)
        window = self.view.rect
        bar = scale_bar(Plane((0.0, self.view.size[0], 0.0, self.view.size[1]), window), page, Box(*window))
        self.scale = VGroup(pill(bar, theme), bar).set_z_index(7)
        self.beam = ZoomBeam(density.rect, window, theme).set_z_index(5)
        (a, c, _), (b, d, _) = self.map.to_scene(np.array([[0, 0], self.view.size]))
        self.small = frame((a, b, c, d), theme.fg, 0.026, radius=0.03).set_z_index(5)
        self.lit = {name: theme.color(token) for name, token in TERMS.items() if name in equation.terms}
        self.spotlight = Spotlight(equation, self.lit, theme)
        self.on_panel: list[Mobject] = [self.beam, self.small]
        self.in_window: list[Mobject] = [self.view, self.scale, *self.beside]
        self.mobjects = [*self.on_panel, *self.in_window]

    @staticmethod
    def planned(slow: int) -> float:
        """Seconds that it takes if nobody asks for others."""
        return SlowThenFaster.plan(slow, 1 / PACE, FAST_SECONDS).seconds

    @property
    def seconds(self) -> float:
        """How long it takes."""
        return self.pace.seconds

    @property
    def last(self) -> int:
        """The last step that is shown."""
        return self.first + len(self.centres) - 1

    @property
    def timeline(self) -> Timeline:
        """Recorded steps in the course of it; the part of one says how far it has been taken apart."""

        def warp(u: float) -> float:
            """The step at part u 0..1 of the clip, and behind its point how far it has been taken apart."""
            i, part = self.pace.at(u * self.seconds)
            return min(self.first + i + part, self.last + 0.999)

        return Timeline("step by step", self.last + 1, warp, interpolate=True)

    def show_step(self, step: float) -> None:
        """Draw a recorded step, as far as it has been taken apart; the chain is at it, or on its way to the next."""
        i = min(max(int(step) - self.first, 0), len(self.centres) - 1)
        part = min(max(step - self.first - i, 0.0), 1.0)
        apart = self.pace.durations[i] >= _SHORTEST
        done = self.view.stages(part) if apart else self.view.passing(part)
        way = self.centres[min(i + 1, len(self.centres) - 1)] - self.centres[i]
        box = self.view.look_at(self.centres[i] + way * done["glide"])
        self.view.show(self.first + i, done, tagged=i < self.slow)
        self._follow(box)
        for part_read in self.beside:
            part_read.show(self.first + i, done)
        shown = _lit(part, self.view.grown(done)) if i < self.slow else {}
        self.spotlight.light({name: shown.get(name, 1.0) for name in self.lit})
        self.one.show_step(self.first + i + done["move"])

    def _follow(self, box: Rect) -> None:
        corners = self.map.to_scene(np.array([[box[0], box[2]], [box[1], box[3]]]))
        self.beam.put((corners[0, 0], corners[1, 0], corners[0, 1], corners[1, 1]))
        self.small.move_to(corners.mean(0))


def _lit(part: float, grown: Mapping[str, float]) -> dict[str, float]:
    """How bright each term is when `part` of a slow step has gone: it lights up as what it means grows."""
    fading = max(0.0, 1 - part / 0.05)
    terms = (name for name in TERMS if name != "state" and name in grown)
    return {"state": 1.0, **{name: max(grown[name], fading) for name in terms}}
