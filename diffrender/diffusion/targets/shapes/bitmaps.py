"""PNG and JPEG: what of a picture is ink and what is paper, found by itself."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from diffrender.core.errors import DiffrenderError

MAX_PIXELS = 64_000_000
CONTRAST = 32  # of 255: below it nothing stands out from the paper
CUT = 0.4  # of the strongest contrast: above it a pixel is ink


def read_picture(path: Path) -> np.ndarray:
    """The pixels of a PNG or JPEG, (H, W, 4) uint8 RGBA."""
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
                if turned.mode.startswith("I"):  # 16 bits a pixel, which Pillow would clip
                    turned = Image.fromarray((np.asarray(turned) >> 8).astype(np.uint8))
                if not turned.has_transparency_data:
                    turned = turned.convert("RGB")  # from CMYK, say, there is no other way
                return np.asarray(turned.convert("RGBA"))
    except UnidentifiedImageError:
        raise DiffrenderError(f"{path}: not a {kind} file, whatever its name says.", "Save it again as PNG.") from None
    except Image.DecompressionBombError:
        raise DiffrenderError(f"{path}: far too many pixels for a drawing.", "Make it smaller.") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise DiffrenderError(f"{path}: a damaged {kind} file ({error}).", "Save it again as PNG.") from None


def ink(rgba: np.ndarray, invert: bool, name: str) -> np.ndarray:
    """Which pixels are ink, (H, W) uint8 of 0 and 1, for a picture (H, W, 4); `name` is what errors call it.

    Paper is what most of the border is, if that is opaque; else it is white, or black if nothing would show on white.
    Ink is whatever differs enough from the paper; with `invert` it is the paper.
    """
    edge = np.concatenate([rgba[0], rgba[-1], rgba[:, 0], rgba[:, -1]])
    if np.median(edge[:, 3]) >= 128:
        contrast = _contrast(rgba, np.median(edge[edge[:, 3] >= 128, :3], axis=0))
    else:
        contrast = _contrast(rgba, np.full(3, 255))
        if contrast.max() < CONTRAST:
            contrast = _contrast(rgba, np.zeros(3))
    most = int(contrast.max())
    if most < CONTRAST:
        raise DiffrenderError(
            f"{name}: all of it is one colour, so there is nothing to draw points from.",
            "Draw dark on light, light on dark, or on a transparent ground.",
        )
    return ((contrast > CUT * most) != invert).astype(np.uint8)


def _contrast(rgba: np.ndarray, paper: np.ndarray) -> np.ndarray:
    """How far each pixel is from the paper, (H, W) uint8: the largest difference of three colours, times opacity."""
    far = np.zeros(rgba.shape[:2], np.uint8)
    for channel in range(3):
        level = np.arange(256)
        distance = np.abs(level - int(paper[channel])).astype(np.uint8)
        np.maximum(far, distance[rgba[..., channel]], out=far)
    opacity = rgba[..., 3]
    return far if opacity.min() == 255 else (far.astype(np.uint16) * opacity // 255).astype(np.uint8)


def outline(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The border of the ink as segments start, end (S, 2), y up: marching squares on the mask, smoothed by a pixel."""
    from scipy.ndimage import gaussian_filter

    v = gaussian_filter(np.pad(mask.astype(np.float32), 2), 1.0) - 0.5
    corner = [v[:-1, :-1], v[:-1, 1:], v[1:, 1:], v[1:, :-1]]  # clockwise from the top left
    place = [(0, 0), (0, 1), (1, 1), (1, 0)]
    starts, ends = [], []
    for code in range(1, 15):
        inside = [bool(code >> k & 1) for k in range(4)]
        row, column = np.nonzero(np.logical_and.reduce([(corner[k] > 0) == inside[k] for k in range(4)]))
        crossed = [k for k in range(4) if inside[k] != inside[(k + 1) % 4]]
        points = []
        for k in crossed:
            (r0, c0), (r1, c1) = place[k], place[(k + 1) % 4]
            a, b = corner[k][row, column], corner[(k + 1) % 4][row, column]
            part = a / (a - b)
            points.append(np.stack([column + c0 + part * (c1 - c0), -(row + r0 + part * (r1 - r0))], 1))
        for start, end in zip(points[::2], points[1::2], strict=True):
            starts.append(start)
            ends.append(end)
    shift = np.array([-1.5, 1.5])  # from padded indices to pixel centres
    return np.concatenate(starts) + shift, np.concatenate(ends) + shift
