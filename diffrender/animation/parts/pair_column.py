"""What stands beside one pair of a training: a sentence for each of its moments, what its marks mean, and its miss."""

from __future__ import annotations

from typing import Any

import numpy as np
from manim import VGroup

from diffrender.animation.layout.box import Box, Boxes
from diffrender.animation.layout.page import Page, narrowed
from diffrender.animation.mobjects.furniture.panels import KEY_GAP, Key, key_dot, key_line, legend
from diffrender.animation.parts.axes import Axes, decades
from diffrender.animation.parts.clock import Clock
from diffrender.animation.parts.learned_pair import LearnedPair, diamond
from diffrender.animation.text.language import own, spoken
from diffrender.animation.theme import HAIR, LINE

SAID = {
    "noise": "Training, for one pair: a point of the data,\nand noise on it",
    "guess": "From that the network guesses the point:\nuntrained, it misses",
    "learn": "Training lowers the mean square of\nall such misses, weighted by the noise",
    "best": "They cannot all vanish: the best guess is the\nmean of all points that it could have been",
}
KEY, LINES = 0.4, 2  # width of a key; lines of a sentence
LEAST = 1.8  # height in which a chart can be read
BEST_GUESS = "best guess misses by {0:.2f}|best guess {0:.2f}|best {0:.2f}"
CHART = "its miss, and in grey the mean of {0:,} pairs|its miss, grey: mean of {0:,}|grey: mean of {0:,}"


class PairColumn:
    """Texts and a chart in what `boxes` of a training leave beside the panel, bound to a clock of snapshots.

    rows: of the key, by the moment in which each comes. chart: what comes with the run. of_edm: whether the network
    answers with D_θ, as the equation over the picture writes it.
    """

    def __init__(self, page: Page, clock: Clock, pair: LearnedPair, boxes: Boxes, *, of_edm: bool) -> None:
        self.page, self.clock, self.pair, self.of_edm = page, clock, pair, of_edm
        left, right = boxes.side.left, boxes.side.right
        low = min(box.bottom for box in boxes.tile_names)
        em, label = page.em("legend"), 1.5 * page.em("label")
        if page.shape == "square":  # sentences stand under the panel too, over the whole width
            self.head, body = Box(boxes.panel.left, right, low, boxes.panel.bottom - 0.3), boxes.side
        else:
            whole = Box(left, right, low, boxes.side.top)
            self.head = whole._replace(bottom=whole.top - LINES * label)
            body = whole._replace(top=self.head.bottom - 0.3 * em)
        if page.shape == "tall":
            keys, plot = body.columns(0.42, 0.58, gap=0.3)
        else:
            keys = body._replace(bottom=body.top - 5 * 1.5 * em)
            plot = body._replace(top=keys.bottom - 0.6 * em)
        self.rows = self._keys(keys)
        self.chart = self._chart(plot) if plot.height > LEAST else self._figures(plot)

    def say(self, moment: str) -> list[Any]:
        """The sentence of a moment."""
        page = self.page
        parts = [own(part) for part in spoken().line(SAID[moment]).splitlines()]
        lines = [narrowed(page.words(part), self.head.width) for part in parts]
        return list(page.stack(self.head, *lines, gap=0.45, align=page.column_align))

    def _keys(self, box: Box) -> dict[str, VGroup]:
        """A line for each mark."""
        page, theme, em = self.page, self.page.theme, self.page.em("legend")
        noised, guess = ("$x_sigma$", "$D_theta$") if self.of_edm else ("$x_t$", "$hat(x)_0$")
        items: dict[str, tuple[Key, str]] = {
            "data": (key_dot(theme.data, radius=0.1, ring=theme.fg), "the data point $x_0$|data $x_0$"),
            "noise": (key_dot(theme.panel, radius=0.1, ring=theme.fg), f"with noise: {noised}|noised {noised}"),
            "guess": (key_dot(theme.samples, radius=0.1), f"the network's guess {guess}|guess {guess}"),
            "miss": (key_line(theme.fg, width=2 * LINE), ""),
            "best": (_diamond(theme.fg), "mean of what it could be|the mean"),
        }
        rows, y = {}, box.top
        for name, (key, forms) in items.items():
            y -= 1.5 * em
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
        least = page.fitting(BEST_GUESS, box.width, "legend", pair.least).format(pair.least)
        mean = f"mean of {pair.count:,} pairs: {{:.2f}}"
        lines: list[Any] = [
            page.words(least, "legend"),
            clock.number(mean, pair.mean, size="legend", between=True),
            clock.number("training step {:,}", np.asarray(clock.run["snapshot_step"]), size="legend", between=True),
        ]
        shown = lines[max(len(lines) - max(int(box.height / (1.4 * em)), 0), 0) :]
        clock.release(*(text for text in lines if text not in shown))
        return [text.at(box.left, box.top - (k + 1) * 1.4 * em) for k, text in enumerate(shown)]

    def _chart(self, box: Box) -> list[Any]:
        """The pair's miss and the mean of all over the training step, with the miss of the best guess."""
        page, theme, clock, pair, em = self.page, self.page.theme, self.clock, self.pair, self.page.em("legend")
        steps = np.asarray(clock.run["snapshot_step"])
        total, shown = len(clock.run["loss"]), np.maximum(steps, 1)
        ticks = decades(1, total)[:: 1 if page.shape == "wide" else 2]
        top = float(max(pair.miss.max(), pair.mean.max()))
        box = box._replace(bottom=box.bottom + 1.25 * em)
        name = page.fitting(CHART, box.width - 2 * em, "legend", pair.count).format(pair.count)
        axes = Axes(page, box, x=(1, total), y=(0.0, top), log_x=True, x_ticks=ticks, y_name=name)
        mean = axes.curve(shown, pair.mean, color=theme.muted, width=1.5 * HAIR)
        miss = axes.curve(shown, pair.miss, color=theme.fg, ring=theme.bg)
        clock.bind(mean, miss)
        named = page.fitting(BEST_GUESS, 0.7 * axes.rect.width, "floor", pair.least).format(pair.least)
        told = "training step {:,}, log axis" if page.shape == "wide" else "training step {:,}"
        step = clock.number(told, steps, size="legend", between=True)
        step.at(box.right, box.bottom - 1.05 * em, 1)
        least = axes.floor(pair.least)
        x, y = axes.rect.left + 0.4 * page.em("floor"), axes.at(1, pair.least)[1] - 1.05 * page.em("floor")
        return [*axes.mobjects, least, page.label(named, x, y, -1, "floor", "muted"), mean, miss, step]


def _diamond(color: str) -> Key:
    """Legend sample: what `LearnedPair` marks the mean with."""
    return lambda x0, x1, y: diamond(color).move_to([(x0 + x1) / 2, y, 0])
