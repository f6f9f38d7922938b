"""Recorded images as they are shown: values of [−1, 1] from the coordinates that models work in."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.animation.layout.arrangements import Box
from diffrender.animation.mobjects.images.grid import ImageGrid
from diffrender.animation.theme import Theme
from diffrender.trajectory.reader import Trajectory

GAP = 0.05  # between images of a grid
NOISE_REACH = 3.0  # deviations of the noise at which a picture of it has its full colour


class ImageValues:
    """Recorded images (T+1, N, C, H, W) as x · scale + offset; only the states that are asked for are read.

    scale: one number, or one for each state. offset: one, or one a channel.
    """

    def __init__(self, recorded: Any, scale: Any = 1.0, offset: Any = 0.0) -> None:
        self.recorded, self.shape, self.ndim = recorded, recorded.shape, recorded.ndim
        self.scale = np.broadcast_to(np.asarray(scale, np.float32), (len(recorded),))
        self.offset = np.asarray(offset, np.float32).reshape(-1, 1, 1)

    def __len__(self) -> int:
        return len(self.recorded)

    def __getitem__(self, step: int) -> np.ndarray:
        """(N, C, H, W) float32 of one recorded state."""
        return np.asarray(self.recorded[step], np.float32) * self.scale[step] + self.offset


def image_values(run: Trajectory, member: str = "x") -> ImageValues:
    """A member of a recording of images in values of [−1, 1], in which the data lie; noise may lie outside.

    States are brought to the deviation of the data first, where their schedule lets them grow. A recording that does
    not say how its images were scaled has them in [−1, 1] already.
    """
    said = run.meta.get("target") or {}
    scale, offset = float(said.get("scale", 1.0)), said.get("offset") or [0.0]
    if member == "x":
        return ImageValues(run["x"], scale / run.scale, offset)
    values = run[member]  # (T, …) of a run; (K, …) of the snapshots of a training
    return ImageValues(values[None] if member in ("nearest", "target") else values, scale, offset)


def image_grid(
    values: Any, box: Box, *, theme: Theme, rows: int, cols: int, chains: Any = None, **more: Any
) -> ImageGrid:
    """Images in rows and columns, as large as fit in the middle of a box, their pixels square; it follows `values`.

    values: (T+1, N, C, H, W), indexed by step. `more` as of `ImageGrid`.
    """
    height, width = values.shape[-2:]
    shape = (cols * width) / (rows * height)
    across = min(box.width, box.height * shape)
    (x, y), down = box.center, across / shape
    rect = Box(x - across / 2, x + across / 2, y - down / 2, y + down / 2)
    table = None if values.shape[-3] == 3 else theme.table("image")
    first = values[0] if chains is None else values[0][chains]
    grid = ImageGrid(rect, first, rows=rows, cols=cols, **({"table": table, "gap": GAP} | more))
    return grid.follow(values, chains)


def noise_grid(values: Any, box: Box, *, theme: Theme, rows: int, cols: int, chains: Any = None) -> ImageGrid:
    """The same of noise: its two signs in the theme's two hues, colour images about a middle grey."""
    table = None if values.shape[-3] == 3 else theme.table("signed")
    return image_grid(
        values, box, theme=theme, rows=rows, cols=cols, chains=chains, table=table, lo=-NOISE_REACH, hi=NOISE_REACH
    )  # fmt: skip
