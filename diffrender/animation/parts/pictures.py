"""Recorded images as they are shown: values of [−1, 1] from the coordinates that models work in."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.animation.layout.box import Box
from diffrender.animation.mobjects.images.grid import ImageGrid
from diffrender.animation.theme import Theme
from diffrender.animation.timeline import EVEN, Timeline, path_length
from diffrender.trajectory.reader import Trajectory

WATCHED = 16  # chains whose predictions set the pace
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


def contrast(images: np.ndarray) -> np.ndarray:
    """(N,) the standard deviation over the pixels of images (N, C, H, W) as they are shown: black to white, −1 to 1, is
    taken as 1, and nothing lies outside. Of the channels the root mean square; how light an image is has no part in it.
    """
    return np.sqrt((np.clip(np.asarray(images, float), -1, 1) / 2).var((2, 3)).mean(1))


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


class PredictedImages:
    """The image that the model sees in each state of a recording, and at the end the last state itself.

    Indexed by step, as `image_values`: (N, C, H, W) float32 in values of [−1, 1].
    """

    def __init__(self, run: Trajectory) -> None:
        self.predicted, self.states = image_values(run, "x0"), image_values(run)
        self.shape, self.ndim = self.states.shape, self.states.ndim

    def __len__(self) -> int:
        return len(self.states)

    def __getitem__(self, step: int) -> np.ndarray:
        return self.predicted[step] if step < len(self.predicted) else self.states[step]


class PredictedNoise:
    """The noise that the model sees in each state of a recording, as strong as it is there: σ_t ε̂ = x_t − α_t x̂0.

    Indexed by step: (N, C, H, W) float32, scaled as the state is shown. At the end, where there is none, nothing.
    """

    def __init__(self, run: Trajectory) -> None:
        sigma = np.asarray(run["sigma"], np.float32)
        self.eps, self.strength = run["eps"], sigma / np.asarray(run.scale, np.float32)
        self.shape, self.ndim = (len(sigma), *self.eps.shape[1:]), self.eps.ndim

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, step: int) -> np.ndarray:
        return np.asarray(self.eps[min(step, len(self.eps) - 1)], np.float32) * self.strength[step]


def paced_by_prediction(run: Trajectory, chains: Any = None, *, even: float = EVEN) -> Timeline:
    """Constant speed of the image that the model sees: slow where what it shows is decided, whatever the noise does.

    chains: those that are looked at; the first `WATCHED` if not given.
    """
    chosen = slice(WATCHED) if chains is None else chains
    predicted = np.asarray(run["x0"])[:, chosen]
    return path_length(np.concatenate([predicted, np.asarray(run.states[run.steps])[None, chosen]]), even=even)


def image_grid(
    values: Any, box: Box, *, theme: Theme, rows: int, cols: int, chains: Any = None, **more: Any
) -> ImageGrid:
    """Images in rows and columns, as large as fit in the middle of a box, their pixels square; it follows `values`.

    values: (T+1, N, C, H, W), indexed by step. `more` as of `ImageGrid`.
    """
    height, width = values.shape[-2:]
    gap = more.get("gap", GAP)
    gaps = gap * (cols - 1), gap * (rows - 1)
    unit = min((box.width - gaps[0]) / (cols * width), (box.height - gaps[1]) / (rows * height))  # of a pixel
    (x, y), across, down = box.center, unit * cols * width + gaps[0], unit * rows * height + gaps[1]
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


def alike(label: np.ndarray | None, known: np.ndarray | None, count: int, available: int) -> list[int]:
    """For `count` samples of classes `label` as many images of the data, of the same classes `known`, none twice.

    Where classes are not known, or have run out, any image stands.
    """
    left, chosen = list(range(available)), list[int]()
    for k in range(count):
        same = [i for i in left if label is not None and known is not None and known[i] == label[k]]
        chosen.append(same[0] if same else left[0] if left else k % available)
        left = [i for i in left if i != chosen[-1]]
    return chosen
