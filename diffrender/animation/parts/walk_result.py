"""The result of a walk between two noises: images at even places of either way, large, each with its length."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.parts.class_strips import ClassStrips
from diffrender.animation.parts.noise_walk import HUES, LENGTH, WAYS, NoiseWalk
from diffrender.trajectory.reader import Trajectory

FOUND = (
    "the straight line leaves the shell of noise: its images turn grey|the straight line leaves the shell: grey images"
    "|the line leaves the shell: grey images|off the shell: grey"
)
SHORTER = 0.9  # so much shorter than on the circle noise and images must be for that to be said
COUNT = 5  # of each way
OF_DATA = f"length {LENGTH} of each, and of the data", "length of each, and of the data", "data"
SPREAD = 0.05, 0.95  # quantiles of the lengths of the data


def walk_result(page: Page, box: Box, walk: NoiseWalk) -> list[Any]:
    """A row of images of either way, in a tall frame a column, with u and lengths; at the foot what that shows."""
    em, tall = page.em("legend"), page.shape == "tall"
    at = np.linspace(0, 1, COUNT)
    found = _leaves_the_shell(walk)
    size = "label" if page.shape == "wide" else "legend"
    up = 1.5 * page.em(size) * found
    body = box._replace(bottom=box.bottom + (1.8 if tall else 2.9) * em + up, right=box.right - 2.3 * em * tall)
    strips = ClassStrips(page, body, len(WAYS), [f"{u:.2g}" for u in at], between=(2.6 if tall else 1.4) * em)
    made: list[Any] = [*strips.headings("$u$"), page.label(_reference(page, walk, box), *page.foot(box), "legend")]
    if found:
        x, y, align = page.foot(box)
        made.append(page.label(page.fitting(FOUND, box.width, size), x, y + up, align, size, HUES[1]))
    for k, (way, hue) in enumerate(zip(WAYS, HUES, strict=True)):
        grid = strips.grid(k, walk.values[k], [walk.chain(u) for u in at])
        made += [grid.show_step(walk.runs[k].steps), strips.name(k, f"{way}|{way.split()[-1]}", hue)]
        for u, tile in zip(at, strips.tiles(k), strict=True):
            x, y, align = (tile.right + 0.3 * em, tile.center[1], -1) if tall else (tile.center[0], tile.bottom - em, 0)
            made.append(page.label(f"{walk.lengths[1][k][walk.place(u)]:.2f}", x, y, align, "legend"))
    return made


def _leaves_the_shell(walk: NoiseWalk) -> bool:
    """Whether noise and images are shorter in the middle of the straight line than in that of the circle."""
    middle = walk.place(0.5)
    return all(line[middle] < SHORTER * circle[middle] for circle, line in walk.lengths)


def _reference(page: Page, walk: NoiseWalk, box: Box) -> str:
    """What lengths of pictures are to be compared with: those of the recorded data, or what they are in the mean."""
    if found := _data_lengths(walk.runs[0]):
        form = page.fitting(
            "|".join(f"{form} {{:.2f}}–{{:.2f}}" for form in OF_DATA),
            box.width,
            "legend",
            *found,
        )
        return form.format(*found)
    return page.fitting(
        f"length {LENGTH} of each; data have 1 in the mean|length of each; data have 1 in the mean|length (data: 1)",
        box.width,
        "legend",
    )


def _data_lengths(run: Trajectory) -> tuple[float, ...]:
    """Between which lengths nine in ten of the recorded data lie; none if too few were recorded."""
    data = np.asarray(run.target, float)
    if len(data) < 20:
        return ()
    low, high = np.quantile(np.sqrt(np.square(data.reshape(len(data), -1)).mean(1)), SPREAD)
    return float(low), float(high)
