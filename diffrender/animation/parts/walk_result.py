"""The result of walks between two noises: images of either way, large, each with its contrast; and of classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.images.grid import ImageGrid
from diffrender.animation.parts.class_strips import ClassStrips
from diffrender.animation.parts.noise_walk import HUES, WAYS, NoiseWalk

FOUND = (
    "the straight line leaves the shell of noise: its images lose contrast"
    "|the straight line leaves the shell: less contrast"
    "|the line leaves the shell: less contrast|off the shell: less contrast"
)
CLASSES = (
    "the same noise in every class, half way: in {} of {} classes less contrast on the straight line"
    "|the same noise, half way: in {} of {} classes less contrast on the line"
    "|half way: in {} of {} classes less contrast on the line|less contrast in {} of {} classes"
)
LOSS = 0.9  # of the circle's: so short noise must be, and so little contrast images have, for that to be said
COUNT, BEST, SPREAD = 5, 10, 0.6  # of each way, and of classes; between two, so that their contrast has room
CONTRAST = (
    "under each image its contrast: standard deviation over pixels, black to white is 1"
    "|contrast: standard deviation over pixels, black to white is 1|contrast: deviation over pixels|contrast"
)
OF_MOST = (
    "shown: the {} of most contrast on the circle; under each its contrast, the standard deviation over pixels"
    "|the {} of most contrast on the circle; contrast: deviation over pixels|the {} of most contrast; contrast"
    "|most contrast"
)
OF_NOISE = "its noise: length {0:.2f}|noise: length {0:.2f}|noise {0:.2f}"


class WalkResult:
    """Images of either way in a row, in a tall frame a column, each with its contrast.

    said: forms of a sentence, with `values`, over the `foot`. noise: whether noises are one and the same, whose length
    is said once. grids: the images of either way, on `tiles`. mobjects: them and all that is said.
    """

    def __init__(
        self,
        page: Page,
        box: Box,
        walk: NoiseWalk,
        chains: np.ndarray,
        names: list[str],
        said: str,
        foot: str,
        *values: int,
    ) -> None:
        em, tall, noise = page.em("legend"), page.shape == "tall", bool(values)
        size = "label" if page.shape == "wide" else "legend"
        up = 1.5 * page.em(size) * bool(said)
        under = 1.8 if tall else 2.9
        body = box._replace(bottom=box.bottom + under * em + up, right=box.right - 2.3 * em * tall)
        between = (2.6 if tall else 1.4) * em
        strips = ClassStrips(page, body, len(WAYS), names, between=between, spread=SPREAD)
        self.chains, self.tiles = chains, [strips.tiles(k) for k in range(len(WAYS))]
        self.grids: list[ImageGrid] = []
        self.mobjects: list[Any] = strips.headings("" if noise else "$u$")
        x, y, align = page.foot(box)
        shown = page.fitting(foot, box.width, "legend", len(chains)).format(len(chains))
        self.mobjects.append(page.label(shown, x, y, align, "legend"))
        if said:
            text = page.fitting(said, box.width, size, *values).format(*values)
            self.mobjects.append(page.label(text, x, y + up, align, size, HUES[1]))
        lengths = walk.lengths_of(chains)
        for k, (way, hue, contrasts) in enumerate(zip(WAYS, HUES, walk.contrasts(chains), strict=True)):
            self.grids.append(strips.grid(k, walk.values[k], chains.tolist()).show_step(walk.runs[k].steps))
            self.mobjects += [self.grids[k], strips.name(k, f"{way}|{way.split()[-1]}", hue)]
            if noise and not tall:  # where there is room
                self.mobjects.append(strips.figure(k, OF_NOISE.format(lengths[k][0])))
            self.mobjects += [_under(page, tile, f"{c:.2f}") for tile, c in zip(self.tiles[k], contrasts, strict=True)]


def _under(page: Page, tile: Box, text: str) -> Any:
    """A text under an image, in a tall frame beside it."""
    em = page.em("legend")
    if page.shape == "tall":
        return page.label(text, tile.right + 0.3 * em, tile.center[1] - 0.3 * em, -1, "legend")
    return page.label(text, tile.center[0], tile.bottom - em, 0, "legend")


def of_places(page: Page, box: Box, walk: NoiseWalk) -> WalkResult:
    """Images at places of the walk that its strips show, as even as they are."""
    at = walk.at[np.unique(np.rint(np.linspace(0, len(walk.at) - 1, COUNT)).astype(int))]
    chains = np.array([walk.chain(u) for u in at])
    said = FOUND if _loses_contrast(walk) else ""
    return WalkResult(page, box, walk, chains, [f"{u:.2g}" for u in at], said, CONTRAST)


def of_classes(page: Page, box: Box, walk: NoiseWalk, names: list[str]) -> WalkResult | None:
    """Images half way, of the classes of most contrast on the circle, and of how many of all it is less on the line;
    nothing of one class, or of noises that are not the same."""
    chains = np.array([way[walk.place(0.5)] for way in walk.ways])
    noises = (run["x"][0][chains] for run in walk.runs)
    if len(chains) < 2 or not all(np.array_equal(x, np.broadcast_to(x[:1], x.shape)) for x in noises):
        return None
    circle, line = walk.contrasts(chains)
    best = np.sort(np.argsort(-circle, kind="stable")[:BEST])
    shown = [names[k] if k < len(names) else str(k) for k in best]
    foot = OF_MOST if len(best) < len(chains) else CONTRAST
    return WalkResult(page, box, walk, chains[best], shown, CLASSES, foot, int((line < circle).sum()), len(chains))


def _loses_contrast(walk: NoiseWalk) -> bool:
    """Whether noise is shorter, and images have less contrast, in the middle of the line than in that of the circle."""
    middle = walk.place(0.5)
    (noise, noise_line), (circle, line) = walk.lengths, walk.contrasts(walk.way[[middle]])
    return bool(noise_line[middle] < LOSS * noise[middle] and line[0] < LOSS * circle[0])
