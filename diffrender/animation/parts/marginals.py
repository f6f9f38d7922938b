"""The distribution of one coordinate beside a cloud, as a histogram, under the bell that noise alone would give."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
from manim import VMobject

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.plane import Plane
from diffrender.animation.mobjects.furniture.arrow import set_polygons
from diffrender.animation.mobjects.furniture.panels import line
from diffrender.animation.theme import HAIR, LINE, Theme
from diffrender.animation.timeline import Timeline, evenly_in
from diffrender.trajectory.distance import USUAL, directions

BINS = 40
WATCHED = 24  # steps at which the highest bar is looked for
STRIP, GAP = 0.17, 0.1  # of a panel's height for the histograms, and units between them and the cloud
SPAN = 3.3  # deviations to each side that a histogram in space shows
DRAWS = 100  # of the normal distribution, which say what its distance usually is
SLICES = 16  # directions along which a distance to it is measured


class Marginal:
    """Coordinate `axis` of recorded states (T+1, N, D) as a histogram on an edge of a box, under N(0, deviation²).

    span: what of the coordinate the box shows, at its foot; upright: the coordinate runs upwards, from the box's left
    edge. Bars and bell are densities in one scale. colors: (T+1,) of the bars. mobjects: bars, then bell and foot.
    """

    def __init__(
        self,
        states: Any,
        axis: int,
        *,
        span: tuple[float, float],
        box: Box,
        deviation: float,
        colors: list[str],
        theme: Theme,
        upright: bool = False,
    ) -> None:
        self.states, self.axis, self.box, self.upright, self.colors = states, axis, box, upright, colors
        self.edges, self.deviation = np.linspace(*span, BINS + 1), deviation
        watched = np.unique(np.linspace(0, len(states) - 1, WATCHED).astype(int))
        bell = NormalDist(0, deviation)
        self.highest = max(bell.pdf(0), *(float(self.heights(int(k)).max()) for k in watched))
        self.bars = VMobject(stroke_width=0, fill_opacity=0.8).set_z_index(2)
        self.bell = VMobject(stroke_color=theme.fg, stroke_width=LINE * 100).set_z_index(3)
        self.set_top(self.highest)
        self.foot = line(self.place(np.array(span), np.zeros(2)), theme.border, HAIR).set_z_index(3)
        self.mobjects = [self.bars, self.bell, self.foot]

    def set_top(self, highest: float) -> None:
        """Let the box be so high, in units of the density, instead of as high as the highest bar."""
        self.highest = highest
        x = np.linspace(self.edges[0], self.edges[-1], 160)
        bell = self.place(x, np.array([NormalDist(0, self.deviation).pdf(v) for v in x]))
        self.bell.set_points_as_corners([[*at, 0.0] for at in bell])

    def heights(self, step: int) -> np.ndarray:
        """(BINS,) density of the coordinate at a recorded step; what lies outside the span counts as mass, unseen."""
        x = np.asarray(self.states[step])[:, self.axis]
        return np.histogram(x, self.edges)[0] / (len(x) * np.diff(self.edges))

    def place(self, x: np.ndarray, density: np.ndarray) -> np.ndarray:
        """(K, 2) scene points of values and densities."""
        box, (low, high) = self.box, self.edges[[0, -1]]
        along, up = (x - low) / (high - low), np.minimum(density / self.highest, 1)
        if self.upright:
            return np.stack([box.left + up * box.width, box.bottom + along * box.height], axis=1)
        return np.stack([box.left + along * box.width, box.bottom + up * box.height], axis=1)

    def show_step(self, step: float) -> None:
        """Show the histogram of a recorded step."""
        now = int(step)
        x, up = np.repeat(self.edges, 2), np.concatenate([[0.0], np.repeat(self.heights(now), 2), [0.0]])
        flat = self.place(x, up)
        set_polygons(self.bars, [np.column_stack([flat, np.zeros(len(flat))])])
        self.bars.set_fill(self.colors[now])


def beside_marginals(box: Box, dims: int) -> Box:
    """What of a box is left for a cloud when its marginals stand along the edges, or in space over it."""
    strip = STRIP * box.height + GAP
    return box._replace(top=box.top - strip, right=box.right - strip * (dims == 2))


def marginals(view: Plane, states: Any, stage: Box, **more: Any) -> list[Marginal]:
    """Each coordinate's marginal: along the stage's edges, in the view's own scale; in space in a row over it.

    All have one scale of densities: a unit of area is a unit of probability in each.

    states: as of `Marginal`, which `more` goes to. stage: as `beside_marginals` left it.
    """
    strip, low = STRIP / (1 - STRIP) * (stage.height + GAP), stage.top + GAP
    top = Box(stage.left, stage.right, low, low + strip)
    if view.dims == 3:
        span = (-SPAN * more["deviation"], SPAN * more["deviation"])
        made = [Marginal(states, k, span=span, box=box, **more) for k, box in enumerate(top.columns(1, 1, 1))]
    else:
        right = Box(stage.right + GAP, stage.right + GAP + strip, stage.bottom, stage.top)
        made = [
            Marginal(states, 0, span=view.box[:2], box=top, **more),
            Marginal(states, 1, span=view.box[2:], box=right, upright=True, **more),
        ]
    for one in made:
        one.set_top(max(each.highest for each in made))
    return made


def distance_to_noise(states: Any, deviation: float) -> tuple[np.ndarray, tuple[float, float]]:
    """(T+1,) the sliced Wasserstein-2 distance to N(0, deviation² I), and how far as many draws of it usually are.

    Of sorted values along some directions to the normal quantiles, root mean square over directions.
    """
    count, dims = states.shape[1:]
    bell, along = NormalDist(0, deviation), directions(dims, SLICES)
    quantiles = np.array([bell.inv_cdf((k + 0.5) / count) for k in range(count)])[:, None]

    def far(x: np.ndarray) -> float:
        return float(np.sqrt(np.square(np.sort(np.asarray(x, np.float32) @ along, axis=0) - quantiles).mean()))

    draws = np.random.default_rng(0).standard_normal((DRAWS, count, dims)) * deviation
    low, high = np.quantile([far(x) for x in draws], USUAL).tolist()
    return np.array([far(states[k]) for k in range(len(states))]), (low, high)


def towards_the_bell(states: Any, deviation: float, log_snr: np.ndarray, *, interpolate: bool = False) -> Timeline:
    """A third of the time as states come nearer to N(0, deviation²) than ever, a third even in `log_snr` (T+1,),
    finite, a third in steps.

    So what looks like noise already, in which points go on moving and nothing changes, does not last long, and yet is
    not rushed through.
    """
    far, (_, usual) = distance_to_noise(states, deviation)
    nearest = np.minimum.accumulate(np.maximum(far, usual))
    return evenly_in(nearest, log_snr, np.arange(len(far)), name="towards the bell", interpolate=interpolate)
