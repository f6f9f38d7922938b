"""A magnifier on one chain: a small frame on a panel, a beam, and a window where each step is taken apart."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from manim import Mobject, VGroup

from diffrender.animation.layout.arrangements import Box
from diffrender.animation.layout.views import Plane
from diffrender.animation.mobjects.furniture.panels import Rect, ZoomBeam, frame, pill
from diffrender.animation.parts.axes import scale_bar
from diffrender.animation.parts.density_panel import DensityPanel
from diffrender.animation.parts.one_chain import OneChain
from diffrender.animation.parts.zoom.gauge import Gauge
from diffrender.animation.parts.zoom.pacing import SlowThenFaster, window_centres
from diffrender.animation.parts.zoom.spotlight import Spotlight
from diffrender.animation.parts.zoom.step_window import WHOLE, StepView, stages
from diffrender.animation.text.typst import Typeset
from diffrender.animation.timeline import Timeline
from diffrender.trajectory.reader import Trajectory

PACE = 6.0  # steps a second once they go by one by one: no more can be read
ISOLINES = np.arange(0.06, 1, 0.08)  # values of the colour at which they run
_WIDTH = {
    "wide": 5.0,
    "classic": 3.9,
    "square": 3.9,
    "tall": 5.5,
}  # of the window, in √(2τ), the spread of one step's noise
FAST_SECONDS = 2.5  # for which steps go by at that pace
_SHORTEST = 0.35  # a step shorter than so many seconds is not taken apart: its arrows stand there at once
TERMS = {"sum": "sum", "state": "fg", "score": "score", "noise": "noise"}
TAGS = {"sum": "x_(t+1)", "score": "tau nabla log p(x_t)", "noise": "sqrt(2 tau) thin epsilon", "state": "x_t"}


class Magnifier:
    """Shows consecutive recorded steps of a chain, slowly and then faster, and lights the equation's terms in step.

    Parameters
    ----------
    density: the panel that is looked at, where it will stand. window: rectangle of the window, in scene units.
    below: the row under it. run: a recording with `drift` and `noise`, of whose chains the first is shown.
    first: the step with which it begins. slow: so many steps are taken apart with tags; then they speed up.
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
        first: int,
        slow: int,
        equation: Typeset,
        one: OneChain,
        seconds: float | None = None,
    ) -> None:
        page, theme = density.page, density.page.theme
        self.first, self.slow, self.map, self.one = first, slow, density.map, one
        speed = self.planned(slow) / seconds if seconds else 1.0
        self.pace = SlowThenFaster.plan(slow, 1 / PACE, FAST_SECONDS, speed)
        steps = slice(first, min(first + len(self.pace.starts), run.steps))
        x, drift, noise = run["x"][:, 0], run["drift"][:, 0], run["noise"][:, 0]
        width = _WIDTH[page.shape] * float(np.sqrt((noise[steps] ** 2).mean()))
        size = (width, width * (window[3] - window[2]) / (window[1] - window[0]))
        longest = float(np.hypot(*np.concatenate([drift[steps], noise[steps]]).T).max())
        self.gauge = Gauge(page, window, below, longest).set_z_index(7)
        # what is looked at stays above the strip in which the gauge lies
        strip = self.gauge.strip * width / (window[1] - window[0])
        free = (size[0], size[1] - strip)
        self.centres = window_centres(x[steps], drift[steps], noise[steps], free) - (0.0, strip / 2)
        tags = {name: page.maths(source, "label", TERMS[name]) for name, source in TAGS.items()}
        scale = 0.95 if page.shape in ("classic", "square") else 1.25
        zoomed = density.heat(window, levels=ISOLINES.tolist())
        self.view = StepView(
            window, size, zoomed, x=x, drift=drift, noise=noise, theme=theme, tags=tags, scale=scale
        ).set_z_index(6)
        self.view.tag_rect = (window[0], window[1], window[2] + self.gauge.strip, window[3])
        bar = scale_bar(Plane((0.0, size[0], 0.0, size[1]), window), page, Box(*window))
        self.scale = VGroup(pill(bar, theme), bar).set_z_index(7)
        self.beam = ZoomBeam(density.rect, window, theme).set_z_index(5)
        (a, c, _), (b, d, _) = self.map.to_scene(np.array([[0, 0], size]))
        self.small = frame((a, b, c, d), theme.fg, 0.026, radius=0.03).set_z_index(5)
        self.spotlight = Spotlight(equation, {name: theme.color(token) for name, token in TERMS.items()}, theme)
        self.mobjects: list[Mobject] = [self.beam, self.small, self.view, self.scale, self.gauge]

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
        done = stages(part) if apart else WHOLE
        way = self.centres[min(i + 1, len(self.centres) - 1)] - self.centres[i]
        box = self.view.look_at(self.centres[i] + way * (done["glide"] if apart else part))
        self.view.show(self.first + i, done, tagged=i < self.slow)
        self._follow(box)
        self.gauge.show(self.view.drift[self.first + i], self.view.noise[self.first + i], done)
        self.spotlight.light(_lit(part, done) if i < self.slow else dict.fromkeys(TERMS, 1.0))
        self.one.show_step(self.first + i + done["move"])

    def _follow(self, box: Rect) -> None:
        corners = self.map.to_scene(np.array([[box[0], box[2]], [box[1], box[3]]]))
        self.beam.put((corners[0, 0], corners[1, 0], corners[0, 1], corners[1, 1]))
        self.small.move_to(corners.mean(0))


def _lit(part: float, done: Mapping[str, float]) -> dict[str, float]:
    """How bright each term is when `part` of a slow step has gone: it lights up as its arrow grows."""
    fading = max(0.0, 1 - part / 0.05)
    return {"state": 1.0, **{name: max(done[name], fading) for name in ("score", "noise", "sum")}}
