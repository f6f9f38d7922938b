"""The column beside one pair of a training: a sentence for each of its moments, what its marks mean, and its miss."""

from __future__ import annotations

from typing import Any

import numpy as np
from manim import Dot, VGroup, VMobject

from diffrender.animation.layout.box import Box, Boxes
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.furniture.panels import KEY_GAP, Key, key_dot, key_line, legend, put_dashes
from diffrender.animation.parts.axes import Axes, decades
from diffrender.animation.parts.clock import Clock
from diffrender.animation.parts.learned_pair import LARGEST, LearnedPair, diamond
from diffrender.animation.parts.learning_curves import UNDER_NAME
from diffrender.animation.parts.sentence import beside_panel, sentence
from diffrender.animation.theme import HAIR, LINE

SAID = {
    "noise": "Training, for one pair: a point of the data,\nand normal noise $epsilon$ on it",
    "guess": "From the noised point the network guesses\nthe clean one: untrained, it misses",
    "learn": "Training lowers the mean $EE$ of all squared\nmisses, weighted by their noise level",
    "best": "They cannot all vanish: best on average is\nthe mean of all points it could have been",
    "generate": "To generate: from noise in {0:,} denoising steps,\neach with the network's guess",
}
SAID_OF_EDM = {
    "learn": "Training lowers the mean $EE$ of all squared\nmisses, at each $sigma$ weighted by $lambda_sigma$"
}
KEY, ROWS, ROW = 0.4, 6, 1.22  # width of a key; its lines, so many em each
INSET, INSET_GAP = 0.4, 0.2  # of the width for all of the data, at most, and beside it
LOWEST = 0.9  # where the chart's axis begins, of the least that it shows
LEAST = 1.6  # height in which a chart can be read
BEST = "best guesses: {0:.2f}|best: {0:.2f}"
RMS = "RMS miss of {0:,} pairs: {1}|RMS of {0:,}: {1}|RMS: {1}"
CHART = (
    "unweighted RMS miss of {0:,} pairs; thin: this pair|RMS miss of {0:,} pairs; thin: this pair"
    "|RMS miss of {0:,} pairs|RMS of {0:,}"
)


class PairColumn:
    """Texts and a chart in what `boxes` of a training leave beside the panel, bound to a clock of snapshots.

    rows: of the key, by the moment in which each comes. chart: what comes with the run. inset: what is left beside the
    key for all of the data, None if nothing is. of_edm: whether the network answers with D_θ, as the equation over the
    picture writes it.
    """

    def __init__(self, page: Page, clock: Clock, pair: LearnedPair, boxes: Boxes, *, of_edm: bool) -> None:
        self.page, self.clock, self.pair, self.of_edm = page, clock, pair, of_edm
        self.said = SAID | (SAID_OF_EDM if of_edm else {})
        self.inset: Box | None = None
        right, em = boxes.side.right, page.em("legend")
        self.head, body = beside_panel(page, boxes)
        if page.shape == "tall":
            keys, plot = body.columns(0.42, 0.58, gap=0.3)
        else:
            keys = body._replace(bottom=body.top - ROWS * ROW * em)
            plot = body._replace(top=keys.bottom - 0.3 * em)
        if page.shape in ("wide", "classic"):
            size = min(keys.height - 0.4 * em, INSET * body.width)
            self.inset = Box(right - size, right, keys.top - size, keys.top)
            keys = keys._replace(right=self.inset.left - INSET_GAP)
        self.rows = self._keys(keys)
        self.chart = self._chart(plot) if plot.height > LEAST else self._figures(plot)

    def say(self, moment: str, *values: object) -> list[Any]:
        """The sentence of a moment, with its values."""
        return sentence(self.page, self.head, self.said[moment].format(*values))

    def _keys(self, box: Box) -> dict[str, VGroup]:
        """A line for each mark."""
        page, theme, em = self.page, self.page.theme, self.page.em("legend")
        noised, guess = ("x_sigma", "$D_theta$") if self.of_edm else ("x_t", "$hat(x)_0$")
        summed = f"{noised} = x_0 + sigma epsilon" if self.of_edm else f"{noised} = alpha_t x_0 + sigma_t epsilon"
        at = self.clock.run.meta["pair_level"]
        level, sigma = "sigma" if self.of_edm else "sigma_t", f"{at['sigma'] / (at['alpha'] if self.of_edm else 1):.2f}"
        items: dict[str, tuple[Key, str]] = {
            "data": (key_dot(theme.data, radius=0.1, ring=theme.fg), "the data point $x_0$|data $x_0$"),
            "noise": (
                _noised(theme),
                f"${summed}$, ${level} =$ {sigma}|${summed}$|noised ${noised}$",
            ),
            "guess": (key_dot(theme.samples, radius=0.1), f"the network's guess {guess}|guess {guess}"),
            "miss": (key_line(theme.fg, width=2 * LINE), ""),
            "likely": (
                _grown(theme.data),
                "what it could be, large: likely|large: a likely $x_0$|large: likely|likely",
            ),
            "best": (_diamond(theme.fg), "their mean, best on average|their mean|mean"),
        }
        rows, y = {}, box.top
        for name, (key, forms) in items.items():
            y -= ROW * em
            if forms:
                text = page.fitting(forms, box.width - KEY - KEY_GAP, "legend")
                rows[name] = legend([(key, KEY, text)], box.left, y + 0.3 * em, em, theme)
                continue
            miss = self.clock.number("miss {:.2f}", self.pair.miss, size="legend", between=True)
            miss.at(box.left + KEY + KEY_GAP, y + 0.3 * em)
            rows[name] = VGroup(key(box.left, box.left + KEY, y + 0.54 * em), miss)
        return rows

    def _figures(self, box: Box) -> list[Any]:
        """What the chart would show, in numbers, where it has no room: as many lines as there is room for."""
        page, clock, pair, em = self.page, self.clock, self.pair, self.page.em("legend")
        best = page.fitting(BEST, box.width, "legend", pair.best_rms).format(pair.best_rms)
        rms = page.fitting(RMS, box.width, "legend", pair.count, "0.00").format(pair.count, "{:.2f}")
        lines: list[Any] = [
            page.words(best, "legend"),
            clock.number(rms, pair.rms, size="legend", between=True),
            clock.number("training step {:,}", np.asarray(clock.run["snapshot_step"]), size="legend", between=True),
        ]
        shown = lines[max(len(lines) - max(int(box.height / (1.4 * em)), 0), 0) :]
        clock.release(*(text for text in lines if text not in shown))
        return [text.at(box.left, box.top - (k + 1) * 1.4 * em) for k, text in enumerate(shown)]

    def _chart(self, box: Box) -> list[Any]:
        """The root mean square miss of all pairs over the training step, that of best guesses, and the pair's own."""
        page, theme, clock, pair, em = self.page, self.page.theme, self.clock, self.pair, self.page.em("legend")
        steps = np.asarray(clock.run["snapshot_step"])
        total, shown = len(clock.run["loss"]), np.maximum(steps, 1)
        ticks = decades(1, total)[:: 1 if page.shape == "wide" else 2]
        shown_misses = np.concatenate([pair.miss, pair.rms, [pair.best_rms]])
        low, top = LOWEST * float(shown_misses.min()), float(shown_misses.max())
        box = box._replace(bottom=box.bottom + 1.25 * em)
        name = page.fitting(CHART, box.width - 2 * em, "legend", pair.count).format(pair.count)
        axes = Axes(page, box, x=(1, total), y=(low, top), log_x=True, x_ticks=ticks, y_name=name,
                    pad=UNDER_NAME)  # fmt: skip
        miss = axes.curve(shown, pair.miss, color=theme.muted, width=2 * HAIR)
        rms = axes.curve(shown, pair.rms, color=theme.fg, ring=theme.bg)
        clock.bind(miss, rms)
        size = "legend" if page.shape == "wide" else "floor"
        named = page.fitting(BEST, 0.7 * axes.rect.width, size, pair.best_rms).format(pair.best_rms)
        told = "training step {:,}, log axis" if page.shape == "wide" else "training step {:,}"
        step = clock.number(told, steps, size="legend", between=True)
        step.at(box.right, box.bottom - 1.05 * em, 1)
        best = axes.floor(pair.best_rms)
        x, y = axes.rect.left + 0.4 * em, axes.at(1, pair.best_rms)[1] - 1.05 * page.em(size)
        return [*axes.mobjects, best, page.label(named, x, y, -1, size, "muted"), miss, rms, step]


def _noised(theme: Any) -> Key:
    """Legend sample: the dotted way of the noise, and the point at its end."""

    def draw(x0: float, x1: float, y: float) -> VGroup:
        dots = put_dashes(VMobject(stroke_color=theme.noise, stroke_width=220 * HAIR), (x0, y), (x1 - 0.2, y))
        return VGroup(dots, key_dot(theme.panel, radius=0.1, ring=theme.fg)(x1 - 0.2, x1, y))

    return draw


def _grown(color: str) -> Key:
    """Legend sample: what is likely is drawn large."""
    return lambda x0, x1, y: VGroup(
        *(Dot([x0 + share * (x1 - x0), y, 0], radius=r, color=color) for share, r in ((0.15, 0.03), (0.7, LARGEST)))
    )


def _diamond(color: str) -> Key:
    """Legend sample: what `LearnedPair` marks the mean with."""
    return lambda x0, x1, y: diamond(color).move_to([(x0 + x1) / 2, y, 0])
