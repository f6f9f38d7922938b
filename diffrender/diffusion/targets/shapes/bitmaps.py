"""PNG and JPEG pictures taken as ink: what is ink and what is paper is found by itself.

Called in a process with limits on time and memory.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from diffrender.core.errors import DiffrenderError
from diffrender.diffusion.targets.shapes.ink import CONTRAST, classes_of, contrast, outline

MAX_PIXELS = 64_000_000
MAX_KEPT = 16_000_000  # pixels: a larger picture is made smaller, by whole numbers
MOST_INK = 0.8  # share of a picture; of more it is remarked
CUT = 0.4  # of the strongest contrast: above it a pixel is ink


def read_bitmap(
    _: bytes, *, path: str, by: str = "area", invert: bool = False, label: str = ""
) -> tuple[dict[str, Any], list[np.ndarray]]:
    """The ink of a picture: by area {unit} and [mask (H, W) uint8]; by length {} and [starts, ends] (S, 2), y upwards.

    unit: how many of the picture's pixels one of the mask's is across. label: "colour": as `svg.read_svg`.
    """
    rgba, unit = _pixels(Path(path))
    mask = _ink(rgba, invert, path)
    notes = []
    if not invert and (share := float(mask.mean())) > MOST_INK:
        notes = [
            f"{Path(path).name}: {share:.0%} of it differs from its border, and is taken as ink: no drawing on paper?"
        ]
    if by == "length":
        start, end = outline(_smoothed(mask))
        if not len(start):
            raise DiffrenderError(f"{path}: nothing in it is large enough to have an outline.", "Use by: area.")
        return {"notes": notes}, [start * unit, end * unit]
    number, names = classes_of(rgba, mask, path, asked=True) if label else (None, [])
    return {"unit": unit, "classes": names, "notes": notes}, [mask, *([] if number is None else [number])]


def _pixels(path: Path) -> tuple[np.ndarray, int]:
    """The pixels of a PNG or JPEG, (H, W, 4) uint8 RGBA, and by how much they were made fewer each way."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    kind = "PNG" if path.suffix.lower() == ".png" else "JPEG"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large pictures; the limit here is our own
            with Image.open(path, formats=[kind]) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise DiffrenderError(
                        f"{path}: {image.width} × {image.height} pixels; a drawing may have {MAX_PIXELS:,} in all.",
                        "Make it smaller; 1000 pixels across are plenty.",
                    )
                turned: Image.Image = ImageOps.exif_transpose(image)
                unit = 1
                while turned.width * turned.height // unit**2 > MAX_KEPT:
                    unit += 1
                if turned.mode.startswith("I"):  # 16 bits a pixel, which Pillow would clip
                    turned = Image.fromarray((np.asarray(turned) >> 8).astype(np.uint8))
                if not turned.has_transparency_data:
                    turned = turned.convert("RGB")  # from CMYK, say, there is no other way
                if unit > 1:
                    turned = turned.convert("RGBA" if turned.has_transparency_data else "RGB").reduce(unit)
                return np.asarray(turned.convert("RGBA")), unit
    except UnidentifiedImageError:
        raise DiffrenderError(f"{path}: not a {kind} file, whatever its name says.", "Save it again as PNG.") from None
    except Image.DecompressionBombError:
        raise DiffrenderError(f"{path}: far too many pixels for a drawing.", "Make it smaller.") from None
    except (DiffrenderError, MemoryError, FileNotFoundError, PermissionError):
        raise
    except Exception as error:  # Pillow's readers raise whatever their parsing trips over
        raise DiffrenderError(f"{path}: a damaged {kind} file ({str(error)[:100]}).", "Save it again as PNG.") from None


def _ink(rgba: np.ndarray, invert: bool, name: str) -> np.ndarray:
    """Which pixels are ink, (H, W) uint8 of 0 and 1, for a picture (H, W, 4); `name` is what errors call it.

    Paper is what most of the border is, if that is opaque; else it is white, or black if nothing would show on white.
    Ink is whatever differs enough from the paper; with `invert` it is the paper.
    """
    edge = np.concatenate([rgba[0], rgba[-1], rgba[:, 0], rgba[:, -1]])
    if np.median(edge[:, 3]) >= 128:
        found = contrast(rgba, np.median(edge[edge[:, 3] >= 128, :3], axis=0))
    else:
        found = contrast(rgba, np.full(3, 255))
        if found.max() < CONTRAST:
            found = contrast(rgba, np.zeros(3))
    most = int(found.max())
    if most < CONTRAST:
        raise DiffrenderError(
            f"{name}: all of it is one colour, so there is nothing to draw points from.",
            "Draw dark on light, light on dark, or on a transparent ground.",
        )
    mask = ((found > CUT * most) != invert).astype(np.uint8)
    if not mask.any():
        raise DiffrenderError(f"{name}: none of it is paper, so 'invert' leaves nothing.", "Leave target.invert out.")
    return mask


def _smoothed(mask: np.ndarray) -> np.ndarray:
    """The ink's coverage, (H, W) uint8, smoothed by a pixel: outlines are round, not stairs."""
    from scipy.ndimage import gaussian_filter

    return (gaussian_filter(mask.astype(np.float32), 1.0, mode="constant") * 255).astype(np.uint8)
