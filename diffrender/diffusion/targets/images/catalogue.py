"""Image data sets by name: scikit-learn's digits and photographs, MNIST, Fashion-MNIST, CIFAR-10, folders of images."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from diffrender.config.datasets import DataFile
from diffrender.config.find import find_file, find_folder
from diffrender.core.errors import DiffrenderError
from diffrender.core.registry import Registry
from diffrender.diffusion.targets.images import cifar, download
from diffrender.diffusion.targets.images.folder import read_folder
from diffrender.diffusion.targets.images.idx import read_idx
from diffrender.diffusion.targets.images.photographs import photograph_squares
from diffrender.diffusion.targets.images.sets import ImageSet, ImageTarget, image_target

IMAGES = Registry("target")
Split = Literal["train", "test"]
Classes = tuple[int | str, ...] | None
Limit = Annotated[int, Field(ge=1)] | None
TEN = tuple("0123456789")
GARMENTS = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
THINGS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


@IMAGES.register("digits", images=1797, event=(1, 8, 8))
def digits(folder: Path, *, classes: Classes = None, limit: Limit = None, mirror: bool = False) -> ImageTarget:
    """Handwritten digits of 8 × 8 pixels, part of scikit-learn: nothing is downloaded."""

    def load() -> ImageSet:
        from sklearn.datasets import load_digits

        found = load_digits()
        return ImageSet(found.images.astype(np.uint8)[:, None], found.target.astype(np.int64), white=16)

    mean, scale = -0.3894794, 0.7520984
    return image_target(
        "digits", (1, 8, 8), [mean], scale, TEN, load, classes=classes, limit=limit, mirror=mirror
    )  # fmt: skip


@IMAGES.register("mnist", images=60_000, event=(1, 28, 28))
def mnist(
    folder: Path, *, split: Split = "train", classes: Classes = None, limit: Limit = None, mirror: bool = False
) -> ImageTarget:
    """Handwritten digits of 28 × 28 pixels (LeCun, Cortes & Burges)."""
    return image_target(
        "mnist", (1, 28, 28), [-0.7386790], 0.6162156, TEN, lambda: _idx_set("mnist", split),
        classes=classes, limit=limit, mirror=mirror,
    )  # fmt: skip


@IMAGES.register("fashion_mnist", images=60_000, event=(1, 28, 28))
def fashion_mnist(
    folder: Path, *, split: Split = "train", classes: Classes = None, limit: Limit = None, mirror: bool = False
) -> ImageTarget:
    """Pieces of clothing of 28 × 28 pixels (Xiao, Rasul & Vollgraf 2017)."""
    return image_target(
        "fashion_mnist", (1, 28, 28), [-0.4279188], 0.7060477, GARMENTS, lambda: _idx_set("fashion_mnist", split),
        classes=classes, limit=limit, mirror=mirror,
    )  # fmt: skip


@IMAGES.register("cifar10", images=50_000, event=(3, 32, 32))
def cifar10(
    folder: Path,
    *,
    split: Split = "train",
    classes: Classes = None,
    limit: Limit = None,
    mirror: bool = False,
    file: str | None = None,
) -> ImageTarget:
    """Colour photographs of 32 × 32 pixels in ten classes (Krizhevsky 2009); `file`: another archive or batch."""

    def load() -> ImageSet:
        names = [f"data_batch_{k}" for k in range(1, 6)] if split == "train" else ["test_batch"]
        if file is not None:
            paths = [find_file(file, folder)]
        else:
            paths = [_checked(entry, path) for entry, path in download.files("cifar10", split).items()]
        parts = [part for path in paths for part in cifar.read_file(path, names)]
        pixels, label = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        return ImageSet(pixels, label)

    mean = (-0.0172006, -0.0356832, -0.1069382)
    return image_target(
        "cifar10", cifar.EVENT, mean, 0.5016481, THINGS, load, classes=classes, limit=limit, mirror=mirror
    )  # fmt: skip


@IMAGES.register("photographs", images=60, event=(3, 64, 64))
def photographs(folder: Path, *, classes: Classes = None, limit: Limit = None, mirror: bool = False) -> ImageTarget:
    """Squares of 64 × 64 pixels cut out of the two photographs that are part of scikit-learn: nothing is downloaded."""
    pixels, label = photograph_squares()
    mean, scale = _moments(pixels)
    return image_target(
        "photographs", (3, 64, 64), mean, scale, ("temple", "flower"), lambda: ImageSet(pixels, label),
        classes=classes, limit=limit, mirror=mirror,
    )  # fmt: skip


@IMAGES.register("image_folder", event=("C", "H", "W"))
def image_folder(
    folder: Path,
    *,
    path: str,
    resize: Annotated[int, Field(ge=4, le=512)] | None = None,
    grey: bool = False,
    classes: Classes = None,
    limit: Limit = None,
    mirror: bool = False,
) -> ImageTarget:
    """Your own images: the folder `path`, whose sub-folders are classes; `resize` brings them to one size."""
    place = find_folder(path, folder)
    pixels, label, names = read_folder(place, resize=resize, grey=grey)
    mean, scale = _moments(pixels)
    if scale == 0:
        raise DiffrenderError(f"{place}: all its images are the same plain colour.")
    return image_target(
        "image_folder", pixels.shape[1:], mean, scale, names, lambda: ImageSet(pixels, label),
        classes=classes, limit=limit, mirror=mirror,
    )  # fmt: skip


def _idx_set(kind: str, split: str) -> ImageSet:
    """MNIST or what is published in its format."""
    images, labels = (_checked(entry, path) for entry, path in download.files(kind, split).items())
    pixels, label = read_idx(images, 3), read_idx(labels, 1)
    if len(pixels) != len(label):
        raise DiffrenderError(f"{labels}: {len(label):,} labels for {len(pixels):,} images.")
    return ImageSet(pixels[:, None], label.astype(np.int64))


def _checked(file: DataFile, path: Path) -> Path:
    """`path`, if its bytes are those that were published."""
    with path.open("rb") as opened:
        found = hashlib.file_digest(opened, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if found != file.md5:
        raise DiffrenderError(
            f"{path}: cut short, or changed: its checksum is {found}, that of the published file {file.md5}.",
            "Delete it, and it is downloaded again, or copy it again.",
        )
    return path


def _moments(pixels: np.ndarray) -> tuple[list[float], float]:
    """Mean of each channel and root mean square about it, of (N, C, H, W) uint8 in [−1, 1]; exact sums, in one pass."""
    counts = [np.bincount(pixels[:, c].ravel(), minlength=256) for c in range(pixels.shape[1])]
    values = np.arange(256) / 127.5 - 1
    means = [float(count @ values / count.sum()) for count in counts]
    variances = [count @ (values - mean) ** 2 / count.sum() for count, mean in zip(counts, means, strict=True)]
    return means, float(np.mean(variances)) ** 0.5
