"""Samples, the images of the data that they are nearest to, and how far they are: who copies is seen at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.parts.pictures import PredictedImages, image_grid, image_values
from diffrender.animation.text.typst import Typeset
from diffrender.trajectory.reader import Trajectory

COPY = 0.1  # root mean square difference, of values in [−1, 1], under which a sample is called a copy
APART = 0.16  # between two images side by side
SHRINK = 0.85  # so much smaller may images become that another one fits beside them


class NearestPairs:
    """Some samples of a recording, and under them (in a tall frame beside them) what becomes of their noise.

    cell: flush left in it stand, under two lines for texts, as many of `chains` as stay large. samples: what the model
    sees, following recorded time. states: the grid of x_t under them with its name, which at the end gives its place to
    `told`: the nearest images with their distances.
    """

    def __init__(self, page: Page, run: Trajectory, cell: Box, chains: Sequence[int]) -> None:
        em, label, beside = page.em("legend"), page.em("label"), page.shape == "tall"
        figures = page.shape == "wide"  # under each of the nearest images
        head, middle = (1.5 * label, 0.4) if beside else (1.4 * label + 1.45 * em, 1.65 * em)
        width = (cell.width - middle) / 2 if beside else cell.width
        height = cell.height - head if beside else (cell.height - head - middle - 1.35 * em * figures) / 2
        sizes = {k: min(height, (width - APART * (k - 1)) / k) for k in range(1, len(chains) + 1)}
        count = max(k for k, size in sizes.items() if size >= SHRINK * sizes[1])
        self.chains, self.size, self.width, self.page = list(chains[:count]), sizes[count], width, page
        across, top = count * (self.size + APART) - APART, cell.top - head
        self.upper = Box(cell.left, cell.left + across, top - self.size, top)
        x, top = (cell.left + width + middle, top) if beside else (cell.left, top - self.size - middle)
        self.lower = Box(x, x + across, top - self.size, top)
        self.name_y = cell.top - 1.05 * label
        square: dict[str, Any] = {"theme": page.theme, "rows": 1, "cols": count, "chains": self.chains, "gap": APART}
        self.samples = image_grid(PredictedImages(run), self.upper, **square).set_z_index(1)
        states = image_grid(image_values(run), self.lower, **square).set_z_index(1)
        nearest = image_grid(image_values(run, "nearest"), self.lower, **square).set_z_index(1)
        self.states = [states, self.over("$x_t$, from the same noise|$x_t$, same start|$x_t$", "samples")]
        far = np.asarray(run["nearest_distance"], float)
        copies = int((far < COPY).sum())
        self.told: list[Any] = [nearest]
        if 2 * copies > len(far):
            forms = "nearest in the data: {} of {} copied|{} of {} are copies|{} of {} copied|{}/{} copied"
            self.told.append(self.over(forms, "data", copies, len(far)))
        else:
            forms = "nearest in the data, median {:.2f}|nearest, median {:.2f}|median {:.2f}|{:.2f}"
            self.told.append(self.over(forms, "data", float(np.median(far))))
        for k, chain in enumerate(self.chains if figures else []):
            x = self.lower.left + k * (self.size + APART) + self.size / 2
            self.told.append(page.label(f"{far[chain]:.2f}", x, self.lower.bottom - 1.05 * em, 0, "legend", "muted"))

    def over(self, forms: str, color: str, *values: object) -> Typeset:
        """A text over the lower images: the longest of forms that fits."""
        page, size = self.page, "legend"
        said = page.fitting(forms, self.width, size, *values).format(*values)
        y = self.name_y if page.shape == "tall" else self.lower.top + 0.45 * page.em(size)
        return page.label(said, self.lower.left, y, -1, size, color)

    def names(self, name: str, does: str, knows: str) -> list[Typeset]:
        """The texts over the samples: what they are, and what is to be said of it, as there is room."""
        page, x, y = self.page, self.upper.left, self.name_y
        if page.shape == "tall":
            text = page.words(f"{name}: {does}" if does else name)
            return [page.roomy(text, self.lower.left - x - 0.2, 0.85).at(x, y)]
        roomy = page.shape == "wide" or not does
        first = page.label(f"{name}: {does}" if does and roomy else name, x, y)
        said = knows if roomy else does
        return [first, self.under(page.words(said, "legend", "muted"))] if said else [first]

    def under(self, text: Any) -> Any:
        """A text under the name; a tall frame has no room for it."""
        return text.at(self.upper.left, self.upper.top + 0.45 * self.page.em("legend"))

    def tile(self, k: int) -> Box:
        """The place of the k-th sample."""
        return self.upper._replace(
            left=self.upper.left + k * (self.size + APART), right=self.upper.left + k * (self.size + APART) + self.size
        )


def cells(box: Box, count: int, *, tall: bool) -> list[Box]:
    """The places of `count` denoisers: beside each other, in a tall frame under each other."""
    return box.rows(*[1] * count, gap=0.3) if tall else box.columns(*[1] * count, gap=0.35)
