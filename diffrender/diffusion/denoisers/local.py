"""The ideal denoiser that sees only a patch around each pixel: it recombines what the data hold into new images.

Kamb & Ganguli 2025, An analytic theory of creativity in convolutional diffusion models. For each pixel, and for each
image of the data, the patches around that pixel in x_t and in the image are compared, and the pixel's x̂0 is the mean of
the images' values there, weighted by exp(−|difference|² / 2σ²). Whole images for patches give the ideal denoiser, which
can only remember; patches of a pixel give a mosaic.

The squares are never written out: |x − α x_n|² over a patch is, but for what all n share, a box sum of
α² |x_n|²/2 − α x·x_n. Box sums are two products with banded matrices, so the cost does not depend on the patch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import torch

from diffrender.core.errors import ConfigError
from diffrender.diffusion.denoisers.base import Prediction
from diffrender.diffusion.denoisers.by_class import ByClass
from diffrender.diffusion.levels import Level

Border = Literal["reflect", "cut"]
# Patch sides that denoise held-out images best, in images of about 32 pixels whose values lie in [−1, 1]
TABLE_SIGMA = (0.1, 0.35, 1.0, 1.7, 3.0, 6.0, 12.0, 25.0)
TABLE_SIDE = (1.4, 3.0, 5.0, 7.0, 11.0, 17.0, 21.0, 25.0)
TABLE_PIXELS = (24, 40)  # sides of images for which the table is taken as it stands
CHUNK_IMAGES = 256  # looked at together: what is worked out of them stays in the cache
LEAST_LOG_WEIGHT = -60.0  # below it a weight is nothing in float32, and a denormal number costs a hundred times as much
AVERAGED = 3  # pixels across which weights are averaged


def patch_side(sigma: float, locality: float, pixels: int, least: int) -> int:
    """Side of the patch at noise `sigma` (of values in [−1, 1]), odd: `locality` times the side that denoises best.

    pixels: side of the images; of other sizes than the table's, patches grow with it. least: the smallest patch.
    """
    side = math.exp(np.interp(math.log(max(sigma, 1e-9)), np.log(TABLE_SIGMA), np.log(TABLE_SIDE)))
    if not TABLE_PIXELS[0] <= pixels <= TABLE_PIXELS[1]:
        side *= pixels / 32
    return max(least | 1, 2 * round((locality * side - 1) / 2) + 1)


def whole_image(shape: tuple[int, ...]) -> int:
    """Side of the smallest patch that holds the whole image wherever it is centred, for images (C, H, W)."""
    return 2 * max(shape[-2:]) - 1


class LocalDenoiser:
    """E[x_0 | the patch of x_t around each pixel], of M images (C, H, W), each as likely.

    points: (M, C, H, W). labels: (M,) int or None: chains bound to a class see only its images. side: the patch side at
    a noise level, from sigma / alpha in the units of x. border: beyond the edge images are mirrored, or patches cut.
    average: weights of 3 × 3 neighbouring pixels are averaged, which takes away coloured speckle.
    """

    def __init__(
        self,
        points: Any,
        labels: Any = None,
        *,
        side: Callable[[float], int],
        border: Border = "reflect",
        average: bool = True,
        device: torch.device | str = "cpu",
    ) -> None:
        self.by_class = ByClass(points, labels, device=device)
        if self.by_class.points.ndim != 4:
            event = tuple(self.by_class.points.shape[1:])
            raise ConfigError(
                f"model: 'local' needs images, and this target has states of shape {event}.",
                "Take model: exact, or a target of images such as digits.",
            )
        self.side, self.border, self.average = side, border, average
        self.chunks: dict[int, list[torch.Tensor]] = {}
        self.bands: dict[tuple[int, int], torch.Tensor] = {}

    @torch.no_grad()
    def __call__(self, x: torch.Tensor, level: Level, label: torch.Tensor | None = None) -> Prediction:
        """x (N, C, H, W); label (N,) int64, below 0 for any class."""
        if level.sigma == 0:
            return Prediction(x, level, x0=x / level.alpha)
        side, out = self.side(level.ratio), torch.empty_like(x)
        for rows, k in self.by_class.groups(label, len(x)):
            out[rows] = _Patches(self, self._chunks(k), side, level)(x[rows])
        return Prediction(x, level, x0=out)

    def _chunks(self, k: int) -> list[torch.Tensor]:
        """Images of a class, each chunk (C + 1, H, W, n): the last plane is |x_n|²/2 at each pixel."""
        if k not in self.chunks:
            parts = self.by_class.points[self.by_class.spans[k]].split(CHUNK_IMAGES)
            moved = [part.permute(1, 2, 3, 0) for part in parts]
            self.chunks[k] = [torch.cat([part, part.square().sum(0, keepdim=True) / 2]).contiguous() for part in moved]
        return self.chunks[k]

    def band(self, length: int, side: int, like: torch.Tensor) -> torch.Tensor:
        """The matrix (length, length) whose product sums `side` neighbours along an axis."""
        if (length, side) not in self.bands:
            self.bands[length, side] = torch.from_numpy(band(length, side, self.border))
        return self.bands[length, side].to(like)


def band(length: int, side: int, border: Border) -> np.ndarray:
    """(length, length) float64: row i holds how often each place is within a box of odd width `side` around i."""
    out, rows = np.zeros((length, length)), np.arange(length)
    period = max(1, 2 * (length - 1))
    for offset in range(-(side // 2), side // 2 + 1):
        place = rows + offset
        inside = np.abs((place + length - 1) % period - (length - 1)) if border == "reflect" else place
        kept = (inside >= 0) & (inside < length)
        np.add.at(out, (rows[kept], inside[kept]), 1.0)
    return out


class _Patches:
    """One patch size at one level: chains one after another, so that all there is of one stays near the processor."""

    def __init__(self, denoiser: LocalDenoiser, chunks: list[torch.Tensor], side: int, level: Level) -> None:
        self.chunks, self.level = chunks, level
        first = chunks[0]
        self.channels, (_, self.height, self.width, most) = len(first) - 1, first.shape
        self.whole = side >= whole_image(first.shape[1:3])
        self.boxes = [] if side == 1 or self.whole else [denoiser.band(n, side, first) for n in first.shape[1:3]]
        self.means: list[torch.Tensor] = []
        if denoiser.average and not self.whole:
            near = [denoiser.band(n, AVERAGED, first) for n in first.shape[1:3]]
            self.means = [m / m.sum(1, keepdim=True) for m in near]
        self.one, self.two = (first.new_empty(self.height, self.width, most) for _ in range(2))
        self.log_w = [first.new_empty(self.height, self.width, chunk.shape[-1]) for chunk in chunks]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """x̂0 of chains (N, C, H, W)."""
        return torch.stack([self._of_one(chain.to(self.one.dtype)) for chain in x]).to(x.dtype)

    def _of_one(self, x: torch.Tensor) -> torch.Tensor:
        """x̂0 of one chain (C, H, W): log weights, then weights, then their mean of the images."""
        highest = self._log_weights(x)
        total = torch.zeros_like(highest)
        for log_w in self.log_w:
            weights = log_w.sub_(highest[..., None]).clamp_(min=LEAST_LOG_WEIGHT).exp_()
            total += weights.sum(-1)
        scale, out = (1 / total)[..., None], torch.zeros_like(x)
        for chunk, weights in zip(self.chunks, self.log_w, strict=True):
            one, two = self._buffers(chunk)
            torch.mul(weights, scale, out=one)
            if self.means:
                self._boxed(self.means, one, two, out=one)
            for c in range(self.channels):
                out[c] += torch.mul(chunk[c], one, out=two).sum(-1)
        return out

    def _log_weights(self, x: torch.Tensor) -> torch.Tensor:
        """Fill `log_w`, (H, W, n) a chunk, and return the largest at each pixel, (H, W)."""
        level = self.level
        signal = x * (level.alpha / level.sigma**2)
        highest = x.new_full((self.height, self.width), -math.inf)
        for chunk, log_w in zip(self.chunks, self.log_w, strict=True):
            one, two = self._buffers(chunk)
            torch.mul(chunk[0], signal[0][..., None], out=one)
            for c in range(1, self.channels):
                one.addcmul_(chunk[c], signal[c][..., None])
            one.sub_(chunk[-1], alpha=(level.alpha / level.sigma) ** 2)
            if self.boxes:
                self._boxed(self.boxes, one, two, out=log_w)
            else:
                log_w.copy_(one.sum((0, 1)).expand_as(log_w) if self.whole else one)
            highest = torch.maximum(highest, log_w.amax(-1))
        return highest

    def _buffers(self, chunk: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Room for two (H, W, n), as large as the chunk needs."""
        size = chunk[0].numel()
        return self.one.view(-1)[:size].view(chunk.shape[1:]), self.two.view(-1)[:size].view(chunk.shape[1:])

    def _boxed(self, bands: list[torch.Tensor], values: torch.Tensor, room: torch.Tensor, out: torch.Tensor) -> None:
        """Box sums of (H, W, n), down and then across."""
        down, across = bands
        torch.mm(down, values.view(self.height, -1), out=room.view(self.height, -1))
        torch.matmul(across, room, out=out)
