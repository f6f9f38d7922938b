"""A reader of images: a small convolutional network that tells their class, to judge what is decoded.

What is decoded is blurred, as no image is that a reader usually learns from. Readers that agree on 99 % of clean digits
may differ by 5 % over blurred ones, which tells of the readers and not of what they read; those that learned from
blurred images as well agree within a percent. So half of what is learned from is blurred here.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

BATCH, RATE, SMOOTHING = 128, 6e-3, 0.02
LARGE = 16  # pixels of a side from which on the first layer halves it
BLURRED, BRIGHTER = 0.06, 2.0  # at most: the blur's deviation, by the side of an image, and what it is brightened by
SAID_EVERY = 20
HELD_OUT = 10  # one in so many images is kept from the training, to be read afterwards


class ImageReader(nn.Module):
    """Images (N, *event) in [−1, 1] → logits (N, classes)."""

    def __init__(self, event: tuple[int, ...], classes: int, widths: tuple[int, int, int] = (24, 48, 64)) -> None:
        super().__init__()
        channels, *sides = event
        stride = 2 if min(sides) >= LARGE else 1
        first = nn.Conv2d(channels, widths[0], 4 if stride == 2 else 3, stride, padding=1, bias=False)
        left = [max(1, side // (4 * stride)) for side in sides]
        self.layers = nn.Sequential(
            *(first, nn.BatchNorm2d(widths[0]), nn.ReLU()),
            *_pooled(widths[0], widths[1]),
            *_pooled(widths[1], widths[2]),
            nn.Flatten(),
            nn.Linear(widths[2] * math.prod(left), classes),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits of the classes, (N, classes), of images (N, C, H, W)."""
        return self.layers(images)

    @torch.no_grad()
    def read(self, images: torch.Tensor) -> torch.Tensor:
        """The class of each image, (N,) int64."""
        self.eval()
        return torch.cat([self(part).argmax(1) for part in images.split(512)])


def _pooled(before: int, after: int) -> list[nn.Module]:
    return [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]


def blurred(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Images (N, C, H, W) in [−1, 1], in half of the calls blurred by a normal kernel and brightened, by chance."""
    size, gain, whether = torch.rand(3, generator=generator).tolist()
    if whether < 0.5:
        return images
    deviation = max(size * BLURRED * min(images.shape[-2:]), 0.1)
    reach = min(math.ceil(2 * deviation), min(images.shape[-2:]) - 1)
    kernel = torch.exp(-torch.arange(-reach, reach + 1.0).square() / (2 * deviation**2))
    kernel = (kernel / kernel.sum()).to(images)
    channels, taps = images.shape[1], len(kernel)
    found = functional.pad(images + 1, (reach,) * 4)  # beyond the edge it is black
    for shape in ((1, 1, taps, 1), (1, 1, 1, taps)):
        found = functional.conv2d(found, kernel.view(shape).expand(channels, -1, -1, -1), groups=channels)
    return (found * (1 + gain * (BRIGHTER - 1))).clamp(0, 2) - 1


def train_reader(
    reader: ImageReader,
    images: torch.Tensor,
    label: torch.Tensor,
    steps: int,
    seed: int,
    progress: Callable[[int], None] = lambda step: None,
) -> float:
    """Train a reader on images (N, *event) in [−1, 1] with classes (N,); its accuracy on those held out, unblurred.

    progress: called after every `SAID_EVERY` steps, with their number.
    """
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    held, known = order[: len(order) // HELD_OUT], order[len(order) // HELD_OUT :]
    optimiser = torch.optim.AdamW(reader.parameters(), RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    generator = torch.Generator().manual_seed(seed + 1)
    reader.train()
    for step in range(steps):
        if step % SAID_EVERY == 0:
            progress(step)
        rows = known[torch.randint(len(known), (BATCH,), generator=generator)]
        given = blurred(images[rows], generator)
        loss = functional.cross_entropy(reader(given), label[rows], label_smoothing=SMOOTHING)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return float((reader.read(images[held]) == label[held]).float().mean())
