"""Folders of images, each sub-folder a class."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from diffrender.config.datasets import IMAGE_SUFFIXES, image_files
from diffrender.core.errors import DiffrenderError, words_of

MAX_PIXELS = 50_000_000  # of one image file
MAX_BYTES = 4_000_000_000  # of all images as they are kept in memory


def read_folder(
    folder: Path, *, resize: int | None = None, grey: bool = False
) -> tuple[np.ndarray, np.ndarray | None, tuple[str, ...] | None]:
    """All images of a folder: (N, C, H, W) uint8, classes (N,) int64 and their names, or None twice.

    Sub-folders are the classes, in the order of their names; images beside sub-folders are refused. C is 1 if all
    images are grey, or `grey` is set, else 3. resize: pixels a side that the middle square of an image is brought to.
    Raises DiffrenderError naming the file that cannot be read, or whose size differs from the first one's.
    """
    paths = image_files(folder)
    if not paths:
        raise DiffrenderError(
            f"{folder}: no images in it.", f"Images end in {', '.join(IMAGE_SUFFIXES)}; sub-folders are classes."
        )
    parents = [path.relative_to(folder).parts[0] if path.parent != folder else "" for path in paths]
    names = sorted(set(parents))
    if "" in names and len(names) > 1:
        loose = paths[parents.index("")]
        raise DiffrenderError(
            f"{loose}: lies beside sub-folders, so it is of no class.", "Move it into one, or keep all in one folder."
        )
    images: list[np.ndarray] = []
    for path in paths:
        image = _read(path, resize, grey)
        if images and image.shape[1:] != images[0].shape[1:]:
            (height, width), (first_height, first_width) = image.shape[1:], images[0].shape[1:]
            raise DiffrenderError(
                f"{path}: is {width} × {height}, but {paths[0].name} is {first_width} × {first_height}.",
                "Give a common size with target.resize, e.g. resize: 32.",
            )
        images.append(image)
        if len(images) == 1 and image.nbytes * len(paths) > MAX_BYTES:
            raise DiffrenderError(
                f"{folder}: {len(paths):,} images of {image.nbytes:,} bytes do not fit in memory.",
                "Make them smaller with target.resize.",
            )
    channels = max(len(image) for image in images)
    pixels = np.stack([np.broadcast_to(image, (channels, *image.shape[1:])) for image in images])
    if names == [""]:
        return pixels, None, None
    return pixels, np.array([names.index(parent) for parent in parents], np.int64), tuple(names)


def _read(path: Path, resize: int | None, grey: bool) -> np.ndarray:
    """One image, (1 or 3, H, W) uint8, upright, on white where it is transparent."""
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise DiffrenderError(f"{path}: {opened.width} × {opened.height} pixels are too many.")
            image = ImageOps.exif_transpose(opened)
            if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
                image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
            image = image.convert("L" if grey or opened.mode in ("1", "L", "LA", "I;16") else "RGB")
    except DiffrenderError:
        raise
    except Exception as error:  # Pillow's readers raise whatever a broken file makes them stumble over
        raise DiffrenderError(
            f"{path}: not an image that can be read ({words_of(error)}).",
            "Take it out of the folder, or save it again.",
        ) from None
    if resize:
        image = ImageOps.fit(image, (resize, resize), Image.Resampling.LANCZOS)
    pixels = np.asarray(image, np.uint8)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
