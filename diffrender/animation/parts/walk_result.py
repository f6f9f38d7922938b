"""The result of a walk between two noises: images at even places of either way, large, each with its length."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.parts.class_strips import NAME_WIDTH, ClassStrips
from diffrender.animation.parts.noise_walk import HUES, WAYS, NoiseWalk, data_lengths

FOUND = (
    "the straight line leaves the shell of noise: its images turn grey|the straight line leaves the shell: grey images"
    "|the line leaves the shell: grey images|off the shell: grey"
)
SHORTER = 0.9  # so much shorter than on the circle noise and images must be for that to be said
TOLD = "{} → {}"
COUNT, SPREAD = 5, 0.6  # of each way; and between two, so that their lengths have room
OF_EACH = "length of its noise, of the image", "length: noise, image"
OF_DATA = (*(f"{said}, and of the data {{:.2f}}–{{:.2f}}" for said in OF_EACH), "data {:.2f}–{:.2f}")
MEAN = (*(f"{said}; data have 1 in the mean" for said in OF_EACH), "lengths (data: 1)")


def walk_result(page: Page, box: Box, walk: NoiseWalk) -> list[Any]:
    """A row of images of either way, in a tall frame a column, with u and lengths; at the foot what that shows."""
    em, tall = page.em("legend"), page.shape == "tall"
    at = np.linspace(0, 1, COUNT)
    found = _leaves_the_shell(walk)
    room = 0.0 if tall else (box.width - NAME_WIDTH[page.frame.shape]) / COUNT
    two = page.words(TOLD.format("0.00", "0.00"), "legend").width + 0.1 > room  # lines of lengths
    size = "label" if page.shape == "wide" else "legend"
    up = 1.5 * page.em(size) * found
    foot = 1.8 if tall else 2.9 + 1.15 * two
    body = box._replace(bottom=box.bottom + foot * em + up, right=box.right - 2.3 * em * tall)
    names, between = [f"{u:.2g}" for u in at], (2.6 if tall else 2.9 if two else 1.4) * em
    strips = ClassStrips(page, body, len(WAYS), names, between=between, spread=0.0 if two else SPREAD)
    made: list[Any] = [*strips.headings("$u$"), page.label(_reference(page, walk, box), *page.foot(box), "legend")]
    if found:
        x, y, align = page.foot(box)
        made.append(page.label(page.fitting(FOUND, box.width, size), x, y + up, align, size, HUES[1]))
    for k, (way, hue) in enumerate(zip(WAYS, HUES, strict=True)):
        grid = strips.grid(k, walk.values[k], [walk.chain(u) for u in at])
        made += [grid.show_step(walk.runs[k].steps), strips.name(k, f"{way}|{way.split()[-1]}", hue)]
        for u, tile in zip(at, strips.tiles(k), strict=True):
            x, y, align = (tile.right + 0.3 * em, tile.center[1], -1) if tall else (tile.center[0], tile.bottom - em, 0)
            noise, image = (f"{lengths[k][walk.place(u)]:.2f}" for lengths in walk.lengths)
            said = [noise, image] if two else [TOLD.format(noise, image)]
            made += [page.label(text, x, y - 1.15 * row * em, align, "legend") for row, text in enumerate(said)]
    return made


def _leaves_the_shell(walk: NoiseWalk) -> bool:
    """Whether noise and images are shorter in the middle of the straight line than in that of the circle."""
    middle = walk.place(0.5)
    return all(line[middle] < SHORTER * circle[middle] for circle, line in walk.lengths)


def _reference(page: Page, walk: NoiseWalk, box: Box) -> str:
    """What lengths of pictures are to be compared with: those of the recorded data, or what they are in the mean."""
    found = data_lengths(walk.runs[0])
    return page.fitting("|".join(OF_DATA if found else MEAN), box.width, "legend", *found).format(*found)
