"""A strip of tiles: recorded images at some steps, each shown once recorded time has come to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.furniture.panels import frame
from diffrender.animation.parts.pictures import image_grid

MARK = 0.035  # width of the frame round the present tile


class ImageTiles:
    """One chain's image at each of `steps`, with its name under it, and a frame round the last that was passed.

    values: (T+1, N, C, H, W) as of `image_values`. boxes, name_boxes: of the tiles, at least as many as steps. names:
    a text for each. Bind it to a clock.
    """

    def __init__(
        self,
        page: Page,
        values: Any,
        steps: Sequence[int],
        boxes: Sequence[Box],
        *,
        chain: int = 0,
        names: Sequence[str] = (),
        name_boxes: Sequence[Box] = (),
    ) -> None:
        self.steps = np.asarray(steps)
        theme, em = page.theme, page.em("floor")
        self.tiles = []
        for step, box in zip(self.steps, boxes, strict=False):
            tile = image_grid(values, box, theme=theme, rows=1, cols=1, chains=[chain])
            self.tiles.append(tile.set_images(values[int(step)][[chain]]).set_z_index(1))
        self.places = [np.array([*box.center, 0.0]) for box in boxes]
        self.marker = frame(boxes[0], theme.samples, MARK).set_z_index(9)
        self.names = [
            page.label(name, box.center[0], box.bottom + 0.25 * em, 0, "floor", "muted")
            for name, box in zip(names, name_boxes, strict=False)
        ]
        self.grounds = [frame(box, theme.border, fill=theme.panel) for box in boxes[: len(self.steps)]]

    @property
    def mobjects(self) -> list[Any]:
        """What moves: the tiles and the frame."""
        return [*self.tiles, self.marker]

    def show_step(self, step: float) -> None:
        """Show the tiles up to a recorded step."""
        now = max(int(np.searchsorted(self.steps, step, side="right")) - 1, 0)
        for k, tile in enumerate(self.tiles):
            tile.set_fill(opacity=1.0 if k <= now else 0.0)
        self.marker.move_to(self.places[now])


def tile_steps(timeline: Any, count: int) -> list[int]:
    """The steps that a timeline comes to at `count` even moments, each once."""
    return sorted({int(timeline.step(u)) for u in np.linspace(0, 1, count)})


def even_changes(images: np.ndarray, count: int) -> list[int]:
    """Of images (T+1, …) the steps, each once, at which `count` even shares of all change between them have passed."""
    flat = images.reshape(len(images), -1)
    passed = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(flat, axis=0), axis=1))])
    return sorted({int(np.abs(passed - share).argmin()) for share in np.linspace(0, passed[-1], count)})
