"""The schedule on screen: the equation of the forward process, its terms now, and its curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from manim import VMobject

from diffrender.animation.colors import blend
from diffrender.animation.layout.box import Box
from diffrender.animation.mobjects.furniture.panels import line, put_dashes
from diffrender.animation.parts.axes import Axes
from diffrender.animation.parts.clock import Clock
from diffrender.animation.theme import HAIR, LINE
from diffrender.core.errors import RenderError
from diffrender.trajectory.reader import Trajectory

LINEAR_TOP = 2.0  # a σ that passes this is drawn on a logarithmic axis,
LEAST = 1e-2  # from here
STEPS = 1000  # of the schedules by formula
AHEAD = 0.55  # how far what is to come goes towards the background
LEADERS, CLEAR = 0.42, 0.09  # height in which lines lead from the axis to tiles; so far over a tile's name they end
ADDS = "each step adds noise"
TERM_GAP = 0.12  # between terms of the equation in numbers
VARIANCE_KEPT = 1e-4  # α² + σ² is 1 within this,
KEPT, OTHER = ("sqrt(macron(alpha)_t)", "sqrt(1 - macron(alpha)_t)"), ("alpha_t", "sigma_t")  # then α, σ; and else


def variance_kept(alpha: np.ndarray, sigma: np.ndarray) -> bool:
    """Whether α² + σ² = 1 throughout, so that α may be written √ᾱ and σ √(1 − ᾱ)."""
    return bool(np.allclose(alpha**2 + sigma**2, 1, atol=VARIANCE_KEPT))


def log_snr_of(run: Trajectory) -> np.ndarray:
    """(T+1,) 2 log(α / σ) of a recording; infinite where there is no noise, or nothing else."""
    with np.errstate(divide="ignore"):
        return 2 * (np.log(np.asarray(run["alpha"], float)) - np.log(np.asarray(run["sigma"], float)))


def log_ratio(run: Trajectory) -> str:
    """What log-SNR is, in the letters of `forward_equation`."""
    kept = variance_kept(np.asarray(run["alpha"]), np.asarray(run["sigma"]))
    return "log macron(alpha)_t\\/(1 - macron(alpha)_t)" if kept else "log alpha_t^2\\/sigma_t^2"


def forward_equation(run: Trajectory) -> str:
    """What x_t is, given x_0: with ᾱ where the variance is kept."""
    kept = variance_kept(np.asarray(run["alpha"]), np.asarray(run["sigma"]))
    data, noise = KEPT if kept else OTHER
    return f"x_t = {{{{{data} thin x_0 : data}}}} + {{{{{noise} thin epsilon : noise}}}}"


def alpha_bar(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Time 0..1 and ᾱ, each (1001,), of a schedule by its published formula.

    linear: Ho et al. 2020, β from 1e-4 to 0.02; scaled_linear: Rombach et al. 2022, √β even from √0.00085 to √0.012;
    cosine: Nichol & Dhariwal 2021, eq. 17.
    """
    time = np.arange(STEPS + 1) / STEPS
    if name == "cosine":
        f = np.cos((time + 0.008) / 1.008 * np.pi / 2) ** 2
        return time, f / f[0]
    betas = {
        "linear": np.linspace(1e-4, 0.02, STEPS),
        "scaled_linear": np.linspace(0.00085**0.5, 0.012**0.5, STEPS) ** 2,
    }
    if name not in betas:
        raise RenderError(f"There is no formula for the schedule '{name}'.", f"Known: cosine, {', '.join(betas)}.")
    return time, np.concatenate([[1.0], np.cumprod(1 - betas[name])])


class SchedulePlot:
    """α in the data's colour and σ in the noise's, as in the equation, over recorded time: where they cross, SNR is 1.

    compare: a schedule whose √ᾱ is drawn dashed. tiles: times, and boxes under the plot to which lines lead from them,
    in place of numbers on the axis.
    mobjects: curves and cursor, bound to the clock; standing: everything else.
    """

    def __init__(
        self,
        clock: Clock,
        box: Box,
        *,
        compare: str | None = None,
        tiles: tuple[Sequence[float], Sequence[Box]] | None = None,
    ) -> None:
        page, run = clock.page, clock.run
        theme, em = page.theme, page.em("legend")
        self.time, alpha, sigma = (np.asarray(run[key], float) for key in ("time", "alpha", "sigma"))
        log = float(sigma.max()) > LINEAR_TOP
        low, top = (LEAST if log else 0.0), max(1.0, float(sigma.max()))
        ends = float(self.time[0]), float(self.time[-1])
        ticks = () if tiles else (ends[0], (ends[0] + ends[1]) / 2, ends[1])
        box = box._replace(bottom=box.bottom + LEADERS) if tiles else box
        self.axes = Axes(
            page, box._replace(top=box.top - 1.35 * em), x=ends, y=(low, top), log_y=log,
            x_ticks=ticks, y_ticks=None if log else (0, 0.5, 1),
        )  # fmt: skip
        rect = self.axes.rect
        names = [f"${name}$" for name in (KEPT if variance_kept(alpha, sigma) else OTHER)]
        above = rect.top + 0.4 * em
        third = self.axes.at(ends[0] + 0.75 * (ends[1] - ends[0]), low)[0]
        hues = ("data", "samples")
        said = [
            page.words(f"{n} {word}", "legend", h) for n, word, h in zip(names, ("data", "noise"), hues, strict=True)
        ]
        if sum(text.width for text in said) + 2 * em > rect.width:
            said = [page.words(name, "legend", hue) for name, hue in zip(names, hues, strict=True)]
        self.names = [said[0].at(rect.left, above), said[1].at(rect.right, above, 1)]
        self.standing: list[Any] = [
            *self.axes.mobjects,
            *self.names,
        ]
        if tiles:
            self.standing += [self.leader(*each) for each in zip(*tiles, strict=False)]
        else:
            self.standing.append(page.label("$t$", third, rect.bottom - 0.09 - em, 0, "legend", "muted"))
        if compare:
            self.compare(*alpha_bar(compare), compare, ends)
        self.cross(np.log(np.maximum(alpha, 1e-12)) - np.log(np.maximum(sigma, 1e-12)))
        self.curves = [
            self.axes.curve(
                self.time, y, color=theme.color(hue), ring=theme.bg, future=blend(theme.color(hue), theme.bg, AHEAD)
            ).set_z_index(3)
            for y, hue in ((alpha, "data"), (np.maximum(sigma, low), "samples"))
        ]
        self.cursor = line([(rect.left, rect.bottom), (rect.left, rect.top)], theme.fg, HAIR * 1.4).set_z_index(2)
        self.mobjects = [*self.curves, self.cursor]
        clock.bind(self)

    def leader(self, time: float, box: Box) -> Any:
        """A line from a time on the axis to the middle of a box under it."""
        x, y = self.axes.at(time, 1)[0], self.axes.rect.bottom
        return line([(x, y), (x, y - 0.08), (box.center[0], box.top + CLEAR)], self.axes.page.theme.border, HAIR * 1.4)

    def cross(self, ratio: np.ndarray) -> None:
        """Mark where log(α/σ) passes 0: there is as much noise as data."""
        after = int(np.argmax(ratio <= 0))
        if after == 0:
            return
        page, rect = self.axes.page, self.axes.rect
        share = ratio[after - 1] / (ratio[after - 1] - ratio[after])
        self.even = float(self.time[after - 1] + share * (self.time[after] - self.time[after - 1]))
        x = self.axes.at(self.even, 1)[0]
        dashes = VMobject(stroke_color=page.theme.muted, stroke_width=HAIR * 130)
        # over the plot, where the cursor does not come, if there is room between the names of the curves
        said, apart = (
            page.words("SNR = 1", "legend" if page.shape == "wide" else "floor", "muted"),
            0.9 * page.em("floor"),
        )
        reach = said.width / 2
        first = float(self.names[0].get_right()[0]) + apart + reach  # where its middle can be
        last = float(self.names[1].get_left()[0]) - apart - reach
        middle = min(max(x, first), last)
        if first <= last and abs(middle - x) < reach:
            said.at(middle, rect.top + 0.4 * page.em("legend"), 0)
            foot = rect.bottom
        else:  # under the dashes: there both curves are far away
            said.at(x, rect.bottom + 0.3 * page.em("floor"), 0)
            foot = float(said.get_top()[1]) + 0.3 * page.em("floor")
        self.standing += [put_dashes(dashes, (x, foot), (x, rect.top)), said]

    def compare(self, time: np.ndarray, values: np.ndarray, name: str, ends: tuple[float, float]) -> None:
        """The √ᾱ of another schedule, (K,) ᾱ at times 0..1, dashed."""
        page = self.axes.page
        x = ends[0] + time * (ends[1] - ends[0])
        low = LEAST if self.axes.log[1] else 0.0
        points = [self.axes.at(*p) for p in zip(x, np.maximum(np.sqrt(values), low), strict=True)]
        dashes = VMobject(stroke_color=page.theme.data, stroke_width=LINE * 110).set_z_index(2)
        along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
        marks = np.arange(0, along[-1], 0.2)
        ends_of = [[np.interp(a, along, np.array(points)[:, k]) for k in (0, 1)] for m in marks for a in (m, m + 0.1)]
        for a, b in zip(ends_of[::2], ends_of[1::2], strict=True):
            dashes.start_new_path(np.array([*a, 0.0])).add_line_to(np.array([*b, 0.0]))
        self.compared = dashes
        self.standing.append(dashes)

    def show_step(self, step: float) -> None:
        """Put curves and cursor at a recorded step."""
        for curve in self.curves:
            curve.show_step(step)
        x = self.axes.at(float(np.interp(step, np.arange(len(self.time)), self.time)), 1)[0]
        self.cursor.shift([x - self.cursor.points[0, 0], 0, 0])


class ScheduleColumn:
    """The terms of the forward equation as they are now, log-SNR, and under them (in a tall frame beside) the plot.

    `more` as of `SchedulePlot`. mobjects: what moves; standing: everything else, running numbers too.
    """

    def __init__(self, clock: Clock, box: Box, **more: Any) -> None:
        run, page = clock.run, clock.page
        size = "label" if page.shape == "wide" else "legend"
        terms = [
            clock.number("{:.3f} $x_0$", run["alpha"], size=size, color="data"),
            clock.number("$+$ {:.3f} $epsilon$", run["sigma"], size=size, color="samples"),
        ]
        told = f"log-SNR $= {log_ratio(run)} =$ {{:+.1f}}" if page.shape == "wide" else "log-SNR {:+.1f}"
        snr = clock.number(told, log_snr_of(run), size=size)
        rows: list[Any] = [*terms, snr]
        beside = page.shape in ("wide", "classic")
        if beside:
            rows = [[terms[0], clock.number("$t =$ {:.2f}", run["time"], size=size)], snr]
        if page.shape == "tall":
            rows += [page.words("each step", size), page.words("adds noise", size)]
        elif page.shape != "wide":  # where the key has no room to say so
            room = box.width - (snr.room + 0.2 if beside else 0.0)
            new = page.words(ADDS, size, "muted")
            if new.width <= room:
                rows[-1:] = [[snr, new]] if beside else [snr, new]
        texts, plot = box.columns(0.39, 0.61, gap=0.25) if page.shape == "tall" else (box, box)
        made = page.stack(texts, *rows, gap=0.45)
        if beside:
            made.append(terms[1].at(box.left + terms[0].room + TERM_GAP, terms[0].line.baseline))
        if page.shape != "tall":
            plot = plot._replace(top=min(float(text.get_bottom()[1]) for text in made) - 0.15)
        self.plot = SchedulePlot(clock, plot, **more)
        self.standing, self.mobjects = [*made, *self.plot.standing], self.plot.mobjects
