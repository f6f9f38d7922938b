"""Pictures as ink on paper: how much of each pixel is ink, and the outlines of it."""

from __future__ import annotations

import numpy as np

CONTRAST = 32  # of 255: a colour nearer to the paper is paper


def contrast(rgba: np.ndarray, paper: np.ndarray) -> np.ndarray:
    """How far each pixel is from the paper, (H, W) uint8: the largest difference of three colours, times opacity."""
    far = np.zeros(rgba.shape[:2], np.uint8)
    for channel in range(3):
        level = np.arange(256)
        distance = np.abs(level - int(paper[channel])).astype(np.uint8)
        np.maximum(far, distance[rgba[..., channel]], out=far)
    opacity = rgba[..., 3]
    return far if opacity.min() == 255 else (far.astype(np.uint16) * opacity // 255).astype(np.uint8)


def coverage(rgba: np.ndarray, paper: np.ndarray | None) -> np.ndarray:
    """How much of each pixel of a smooth drawing is ink, (H, W) uint8 of 0 … 255.

    paper: its colour, (3,), or None if every opaque pixel is ink. Ink of any colour counts fully; a pixel at its edge
    counts by its contrast relative to the strongest around it.
    """
    if paper is None:
        return np.ascontiguousarray(rgba[..., 3])
    far = contrast(rgba, paper)
    strongest = _largest_around(far)
    weights = (far.astype(np.uint16) * 255 // np.maximum(strongest, 1)).astype(np.uint8)
    return np.where(strongest >= CONTRAST, weights, np.uint8(0))


def _largest_around(values: np.ndarray) -> np.ndarray:
    """The largest of each pixel and its eight neighbours."""
    out = values.copy()
    np.maximum(out[1:], values[:-1], out=out[1:])
    np.maximum(out[:-1], values[1:], out=out[:-1])
    rows = out.copy()
    np.maximum(out[:, 1:], rows[:, :-1], out=out[:, 1:])
    np.maximum(out[:, :-1], rows[:, 1:], out=out[:, :-1])
    return out


def outline(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The borders of the ink where half of a pixel is covered: segments start, end (S, 2), in pixels, y upwards.

    weights: (H, W) uint8 of 0 … 255.
    """
    from skimage.measure import find_contours

    lines = find_contours(np.pad(weights.astype(np.float32), 1), 127.5)
    pairs = [(line[:-1], line[1:]) for line in lines]
    start, end = (np.concatenate([pair[k] for pair in pairs] or [np.zeros((0, 2))]) for k in (0, 1))
    return tuple(np.stack([p[:, 1] - 0.5, 0.5 - p[:, 0]], 1) for p in (start, end))  # type: ignore[return-value]
