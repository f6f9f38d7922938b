"""Sets of images as targets: values in [−1, 1], centred by one number a channel and scaled by one for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from diffrender.core.errors import ConfigError, DiffrenderError
from diffrender.diffusion.targets.base import Target
from diffrender.diffusion.targets.subsets import class_numbers, first_of_each

MAX_NUMBERS = 1 << 20  # of one image
IMAGES_AT_ONCE = 4096


@dataclass(frozen=True)
class ImageSet:
    """Images in memory: pixels (N, C, H, W) uint8 from 0 to `white`, and their classes, (N,) int64, or None."""

    pixels: np.ndarray
    label: np.ndarray | None
    white: int = 255

    def values(self, offset: np.ndarray, scale: float, index: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Some of the images, (v − offset) / scale for values v in [−1, 1]; (n, C, H, W) float32. offset: (C, 1, 1)."""
        pixels = self.pixels[index]
        out = np.empty(pixels.shape, np.float32)
        for c, middle in enumerate(offset.ravel()):  # a pixel has few values: each is worked out once
            table = (np.arange(self.white + 1) * (2 / self.white) - 1 - middle) / scale
            np.take(table.astype(np.float32), pixels[:, c], out=out[:, c], mode="clip")
        return out

    def subset(self, index: np.ndarray) -> ImageSet:
        """Only the images at `index`."""
        return ImageSet(self.pixels[index], None if self.label is None else self.label[index], self.white)


Load = Callable[[], ImageSet]


@dataclass(frozen=True)
class ImageTarget(Target):
    """A finite set of images. It is read when the first image is asked for: scale, event and classes are known before.

    load: reads the set. mirror: every image counts a second time, left and right exchanged.
    """

    load: Load | None = None
    mirror: bool = False

    @cached_property
    def images(self) -> ImageSet:
        """All images, each once."""
        assert self.load is not None
        found = self.load()
        if found.pixels.shape[1:] != self.event:
            raise DiffrenderError(
                f"target '{self.name}': its images have shape {found.pixels.shape[1:]}, not {self.event}."
            )
        return found

    def states(self, limit: int | None = None) -> tuple[np.ndarray, np.ndarray | None]:
        """All images as models see them, (N, C, H, W) float32, mirrored ones last, and their classes.

        limit: only so many images, the first of each class; of a mirrored set, each of them both ways.
        """
        images = self.images
        if limit is not None and limit < len(images.pixels):
            images = images.subset(first_of_each(images.label, len(images.pixels), limit))
        x, label = images.values(self.offset, self.scale), images.label
        if not self.mirror:
            return x, label
        return np.concatenate([x, x[..., ::-1]]), None if label is None else np.concatenate([label, label])

    def parts(self) -> Iterator[np.ndarray]:
        """All images, (n, C, H, W) float32, n up to IMAGES_AT_ONCE; of a mirrored set, then all of them mirrored."""
        for turned in (False, True)[: 1 + self.mirror]:
            for first in range(0, len(self.images.pixels), IMAGES_AT_ONCE):
                x = self.images.values(self.offset, self.scale, slice(first, first + IMAGES_AT_ONCE))
                yield x[..., ::-1] if turned else x

    def draw_labelled(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray | None]:
        """n images, each picked independently, (n, C, H, W) float32, and their classes."""
        index = rng.integers(len(self.images.pixels), size=n)
        x, label = self.images.values(self.offset, self.scale, index), self.images.label
        if self.mirror:
            turned = rng.random(n) < 0.5
            x[turned] = x[turned, ..., ::-1]
        return x, None if label is None else label[index]


def image_target(
    name: str,
    event: tuple[int, int, int],
    mean: Sequence[float],
    scale: float,
    names: Sequence[str] | None,
    load: Load,
    *,
    classes: Sequence[int | str] | None = None,
    limit: int | None = None,
    mirror: bool = False,
) -> ImageTarget:
    """The target of a set of images.

    mean: of each channel, in [−1, 1]. scale: root mean square about it. names: of the classes. classes: those to keep,
    by name or number, renumbered in that order. limit: how many images to keep, the first of each class.
    """
    if np.prod(event) > MAX_NUMBERS:
        raise DiffrenderError(
            f"target '{name}': images of {' × '.join(map(str, event))} numbers are too large.",
            "Make them smaller with target.resize.",
        )
    kept = None if classes is None else class_numbers(classes, names, "target.classes")
    if kept is not None and len(set(kept)) < len(kept):
        raise ConfigError("target.classes: a class stands there twice.", "Name each class once.")
    labels = None if names is None else tuple(names) if kept is None else tuple(names[k] for k in kept)

    def chosen() -> ImageSet:
        images = load()
        if kept is not None and images.label is not None:
            place = np.full(len(names or ()), -1)
            place[kept] = np.arange(len(kept))
            images = images.subset(np.flatnonzero(place[images.label] >= 0))
            images = ImageSet(images.pixels, place[images.label], images.white)
        if limit is not None:
            images = images.subset(first_of_each(images.label, len(images.pixels), limit))
        if not len(images.pixels):
            raise DiffrenderError(f"target '{name}': no image of these classes is in the files.")
        return images

    offset = np.asarray(mean, float).reshape(-1, 1, 1)
    return ImageTarget(name, event, scale, offset, (), labels=labels, load=chosen, mirror=mirror)
