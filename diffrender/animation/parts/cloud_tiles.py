"""A strip of tiles: a cloud of points at some recorded steps, and a frame that goes from one to the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.layout.views import around
from diffrender.animation.mobjects.furniture.panels import frame
from diffrender.animation.parts.tile_names import tile_names
from diffrender.animation.theme import point_radius

POINTS = 500  # points in a tile, at most
MARK = 0.035  # width of the frame round the present tile
HERO = 0.05  # radius of a chain that is marked
AHEAD = 0.3  # opacity of tiles that the clock has not come to


class CloudTiles:
    """States (T+1, N, 2 | 3) at each of `steps`, in a view of their own; those to come are faint. Bind it to a clock.

    colors: (T+1,) of the points. reach: the part of a tile that the first state fills; noise: as of `around`. names:
    a text for each, `prefix` before the first. hero: one chain, marked.
    """

    def __init__(
        self,
        page: Page,
        states: Any,
        steps: Sequence[int],
        boxes: Sequence[Box],
        name_boxes: Sequence[Box],
        *,
        colors: Sequence[str],
        names: Sequence[str],
        prefix: str,
        reach: float,
        noise: float,
        hero: int | None = None,
    ) -> None:
        self.steps, theme = np.asarray(steps), page.theme
        few = slice(None, None, -(-states.shape[1] // POINTS))
        half = reach * boxes[0].width / 2
        size = point_radius(len(np.asarray(states[0])[few]), 0.5 * boxes[0].width ** 2)
        self.tiles = []
        for step, box in zip(self.steps, boxes, strict=False):
            view = around(np.asarray(states[0]), box, box.center, (half, half), theme, theme.panel, noise)
            view.look(1, degrees=0)
            view.cloud(np.asarray(states[int(step)])[few], color=colors[int(step)], radius=size, alpha=0.9)
            if hero is not None:
                view.cloud(np.asarray(states[int(step)])[[hero]], color=theme.fg, radius=HERO, ring=theme.bg)
            self.tiles.append(view.made)
        self.places = [np.array([*box.center, 0.0]) for box in boxes]
        self.marker = frame(boxes[0], theme.fg, MARK).set_z_index(9)
        self.names = tile_names(page, boxes, name_boxes, names, prefix)
        self.grounds = [frame(box, theme.border, fill=theme.panel) for box in boxes[: len(self.steps)]]

    @property
    def mobjects(self) -> list[Any]:
        """What moves: the tiles and the frame."""
        return [*(mob for made in self.tiles for mob in made), self.marker]

    def show_step(self, step: float) -> None:
        """Show the tiles up to a recorded step, and the frame round the last of them."""
        now = max(int(np.searchsorted(self.steps, step, side="right")) - 1, 0)
        for k, made in enumerate(self.tiles):
            for mob in made:
                mob.set_fill(opacity=1.0 if k <= now else AHEAD)
        self.marker.move_to(self.places[now])


def even_steps(values: np.ndarray, count: int) -> list[int]:
    """`count` different steps 0 … T at which `values` (T+1,), which rise or fall, are about evenly spaced.

    The first and the last are the ends; fewer if there are not so many steps.
    """
    last = len(values) - 1
    if last < count:
        return list(range(last + 1))
    wanted = np.linspace(values[0], values[-1], count)
    steps = [int(np.abs(values - value).argmin()) for value in wanted]
    steps[0], steps[-1] = 0, last
    for k in range(1, count):
        steps[k] = max(steps[k], steps[k - 1] + 1)
    steps[-1] = last
    for k in reversed(range(count - 1)):
        steps[k] = min(steps[k], steps[k + 1] - 1)
    return steps
