"""One way along a Markov chain of images: tiles of recorded states, and an arrow from each to the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffrender.animation.layout.box import Box
from diffrender.animation.mobjects.furniture.arrow import StepArrow
from diffrender.animation.mobjects.images.grid import ImageGrid
from diffrender.animation.parts.pictures import image_grid, image_values
from diffrender.animation.theme import Theme
from diffrender.animation.timeline import Timeline
from diffrender.trajectory.reader import Trajectory

MARGIN = 0.12  # from an arrow to the tiles


class MarkovRow:
    """Each tile goes on from the state of the one before to its own, with an arrow that grows as it does.

    places: of the tiles, in the order in which the run comes to them; stations: the recorded step of each. Nothing is
    shown but recorded states: a tile holds the state of the present step until its own is reached.
    """

    def __init__(
        self, theme: Theme, run: Trajectory, places: Sequence[Box], stations: Sequence[int], *, chain: int, color: str
    ) -> None:
        self.places, self.stations = list(places), np.asarray(stations)
        values = image_values(run)
        self.tiles: list[ImageGrid] = [
            image_grid(values, box, theme=theme, rows=1, cols=1, chains=[chain]).set_z_index(1) for box in places
        ]
        self.arrows = [StepArrow(color, scale=1.0).set_z_index(2) for _ in places[1:]]
        self.show_step(0)

    @property
    def mobjects(self) -> list[Any]:
        """What moves."""
        return [*self.tiles, *self.arrows]

    @property
    def timeline(self) -> Timeline:
        """From station to station, each way in the same time."""
        stops = np.linspace(0, 1, len(self.stations))
        return Timeline("stations", int(self.stations[-1]), lambda u: float(np.interp(u, stops, self.stations)))

    def show_step(self, step: float) -> None:
        """Show the chain as far as a recorded step."""
        for k, tile in enumerate(self.tiles):
            before, own = self.stations[max(k - 1, 0)], self.stations[k]
            tile.show_step(float(np.clip(step, before, own)))
            tile.set_fill(opacity=1.0 if step > before or k == 0 else 0.0)
            if k:
                share = float(np.clip((step - before) / max(own - before, 1), 0, 1))
                start, end = self.ends(self.places[k - 1], self.places[k])
                self.arrows[k - 1].put(start, end, min(1.0, 2 * share))

    def ends(self, a: Box, b: Box) -> tuple[np.ndarray, np.ndarray]:
        """Where an arrow from one tile to the next begins and ends."""
        one, other = np.array(a.center), np.array(b.center)
        way = (other - one) / np.linalg.norm(other - one)
        return one + way * (a.width / 2 + MARGIN), other - way * (b.width / 2 + MARGIN)


def two_rows(
    box: Box, count: int, *, upright: bool, gap: float, head: float, between: float
) -> tuple[list[Box], list[Box]]:
    """The squares of two rows of `count` tiles in a box, left to right; upright: two columns, from top to bottom.

    gap: from tile to tile. head: room over the first row and under the second; upright, over both. between: from row
    to row.
    """
    x, y = box.center
    if upright:
        size = min((box.height - head - gap * (count - 1)) / count, (box.width - between) / 2)
        top = y + (size * count + gap * (count - 1) - head) / 2
        tops = [top - k * (size + gap) for k in range(count)]
        first, second = (
            [Box(a, a + size, b - size, b) for b in tops] for a in (x - between / 2 - size, x + between / 2)
        )
        return first, second
    size = min((box.width - gap * (count - 1)) / count, (box.height - 2 * head - between) / 2)
    lefts = [box.left + k * (box.width - size) / (count - 1) for k in range(count)]
    first, second = ([Box(a, a + size, b, b + size) for a in lefts] for b in (y + between / 2, y - between / 2 - size))
    return first, second
