"""The result of walks between two noises: images of either way, large, each with its length; and of other classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.images.grid import ImageGrid
from diffrender.animation.parts.class_strips import NAME_WIDTH, ClassStrips
from diffrender.animation.parts.noise_walk import HUES, WAYS, NoiseWalk, data_lengths

FOUND = (
    "the straight line leaves the shell of noise: its images lose contrast"
    "|the straight line leaves the shell: less contrast"
    "|the line leaves the shell: less contrast|off the shell: less contrast"
)
CLASSES = (
    "the same noise in every class, half way: on the straight line {} of {} images have less contrast"
    "|the same noise, half way: {} of {} images have less contrast on the line|half way: {} of {} have less contrast"
    "|less contrast: {} of {}"
)
SHORTER = 0.9  # so much shorter than on the circle noise and images must be for that to be said
TOLD = "{} → {}"
COUNT, SPREAD = 5, 0.6  # of each way; and between two, so that their lengths have room
MOST = 10  # classes
OF_EACH = "under each image: how long its noise is, then the image", "length of noise, then of image"
OWN = "under each image: how long it is", "length of image"
OF_NOISE = "its noise: length {0:.2f}|noise: length {0:.2f}|noise {0:.2f}"
NINE, MEAN = "{}; nine in ten data: {{:.2f}}–{{:.2f}}", "{}; data: 1 in root mean square"
LEAST = "data {:.2f}–{:.2f}", "lengths (data: 1)"


class WalkResult:
    """Images of either way in a row, in a tall frame a column, each with the lengths of its noise and its own.

    values: of what is `said` of classes, whose noise is one and the same: its length is beside them. grids: the images
    of either way. mobjects: them and all that is said, at the foot what they show.
    """

    def __init__(
        self,
        page: Page,
        box: Box,
        walk: NoiseWalk,
        chains: np.ndarray,
        names: list[str],
        said: str,
        *values: int,
    ) -> None:
        em, tall = page.em("legend"), page.shape == "tall"
        lengths = walk.lengths_of(chains)
        room = 0.0 if tall else (box.width - NAME_WIDTH[page.frame.shape]) / len(names)
        wider = float(page.words(TOLD.format("0.00", "0.00"), "legend").width) + 0.1 > room
        own = bool(values) or (wider and not tall)  # lengths of images alone
        size = "label" if page.shape == "wide" else "legend"
        up = 1.5 * page.em(size) * bool(said)
        foot = 1.8 if tall else 2.9
        body = box._replace(bottom=box.bottom + foot * em + up, right=box.right - 2.3 * em * tall)
        between = (2.6 if tall else 1.4) * em
        strips = ClassStrips(page, body, len(WAYS), names, between=between, spread=SPREAD)
        self.grids: list[ImageGrid] = []
        self.mobjects: list[Any] = strips.headings("" if values else "$u$")
        self.mobjects.append(
            page.label(_reference(page, walk, box, OWN if own else OF_EACH), *page.foot(box), "legend")
        )
        if said:
            x, y, align = page.foot(box)
            text = page.fitting(said, box.width, size, *values).format(*values)
            self.mobjects.append(page.label(text, x, y + up, align, size, HUES[1]))
        for k, (way, hue) in enumerate(zip(WAYS, HUES, strict=True)):
            self.grids.append(strips.grid(k, walk.values[k], chains.tolist()).show_step(walk.runs[k].steps))
            self.mobjects += [self.grids[k], strips.name(k, f"{way}|{way.split()[-1]}", hue)]
            if values and not tall:  # where there is room
                self.mobjects.append(strips.figure(k, OF_NOISE.format(lengths[0][k][0])))
            for tile, *pair in zip(strips.tiles(k), lengths[0][k], lengths[1][k], strict=True):
                told = [f"{length:.2f}" for length in pair[own:]]
                self._tell(page, tile, told if own or tall else [TOLD.format(*told)])

    def _tell(self, page: Page, tile: Box, lines: list[str]) -> None:
        """Lines under an image, in a tall frame beside it."""
        em, (x, y), align = page.em("legend"), (tile.center[0], tile.bottom - page.em("legend")), 0
        if page.shape == "tall":
            x, y, align = tile.right + 0.3 * em, tile.center[1] - 0.3 * em * (len(lines) == 1), -1
        for row, text in enumerate(lines):
            self.mobjects.append(page.label(text, x, y - 1.15 * row * em, align, "legend"))


def of_places(page: Page, box: Box, walk: NoiseWalk) -> WalkResult:
    """Images at even places of the walk."""
    at = walk.even(COUNT)
    chains = np.array([walk.chain(u) for u in at])
    said = FOUND if _leaves_the_shell(walk) else ""
    return WalkResult(page, box, walk, chains, [f"{u:.2g}" for u in at], said)


def of_classes(page: Page, box: Box, walk: NoiseWalk, names: list[str]) -> WalkResult | None:
    """Images half way of every class, of many even ones; nothing of one, or of noises that are not the same."""
    even = np.unique(np.rint(np.linspace(0, len(walk.ways) - 1, min(MOST, len(walk.ways)))).astype(int))
    chains = np.array([walk.ways[k][walk.place(0.5)] for k in even])
    noises = (run["x"][0][chains] for run in walk.runs)
    if len(even) < 2 or not all(np.array_equal(x, np.broadcast_to(x[:1], x.shape)) for x in noises):
        return None
    circle, line = walk.lengths_of(chains)[1]
    shown = [names[k] if k < len(names) else str(k) for k in even]
    return WalkResult(page, box, walk, chains, shown, CLASSES, int((line < circle).sum()), len(even))


def _leaves_the_shell(walk: NoiseWalk) -> bool:
    """Whether noise and images are shorter in the middle of the straight line than in that of the circle."""
    middle = walk.place(0.5)
    return all(line[middle] < SHORTER * circle[middle] for circle, line in walk.lengths)


def _reference(page: Page, walk: NoiseWalk, box: Box, said: Sequence[str]) -> str:
    """What lengths are said, and to be compared with: those of the recorded data, or what they are all together."""
    found = data_lengths(walk.runs[0])
    forms = [*((NINE if found else MEAN).format(form) for form in said), LEAST[not found]]
    return page.fitting("|".join(forms), box.width, "legend", *found).format(*found)
