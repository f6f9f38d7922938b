"""Pictures as ink on paper: how much of each pixel is ink, and the outlines of it."""

from __future__ import annotations

import numpy as np

from diffrender.core.errors import DiffrenderError

CONTRAST = 32  # of 255: a colour nearer to the paper is paper
ALIKE = 24  # of 255: colours nearer to each other are one
MIN_SHARE = 0.01  # of the ink, below which a colour is a blend at an edge
MAX_COLOURS = 10  # classes; with more it is a picture, not a drawing in colours
NAMES = {  # of the CSS colours that people know by name
    "black": (0, 0, 0),
    "grey": (128, 128, 128),
    "white": (255, 255, 255),
    "red": (230, 0, 0),
    "orange": (255, 140, 0),
    "yellow": (255, 230, 0),
    "green": (0, 140, 0),
    "light green": (90, 220, 90),
    "cyan": (0, 200, 220),
    "light blue": (110, 180, 240),
    "blue": (0, 40, 220),
    "purple": (130, 0, 160),
    "pink": (255, 120, 190),
    "brown": (130, 70, 20),
}


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


# ---- classes ---------------------------------------------------------------------------------------------------------
def colours(rgba: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Which colour each pixel of ink has: numbers (H, W) uint8, and the colours' names, the most frequent first.

    What a pixel at an edge blends is no colour of its own: it takes that of the nearest pixel that has one.
    """
    from scipy.ndimage import distance_transform_edt

    rgb = rgba[..., :3].astype(np.int16)
    solid = (weights == weights.max()) & _flat(rgb)
    found = _frequent(rgb[solid])
    if len(found) < 2:
        return np.zeros(weights.shape, np.uint8), _named(found)
    number, nearest = np.zeros(weights.shape, np.uint8), np.full(weights.shape, np.int16(256))
    for k, colour in enumerate(found):
        far = np.abs(rgb - colour).max(-1)
        number[far < nearest] = k
        np.minimum(nearest, far, out=nearest)
    known = solid & (nearest <= ALIKE)
    rows, columns = distance_transform_edt(~known, return_distances=False, return_indices=True)
    return number[rows, columns], _named(found)


def _flat(rgb: np.ndarray) -> np.ndarray:
    """Whether a pixel has the colour of its neighbours to the left, right, top and bottom, (H, W)."""
    same = np.ones(rgb.shape[:2], bool)
    down, across = ((np.diff(rgb, axis=axis) == 0).all(-1) for axis in (0, 1))
    same[:-1] &= down
    same[1:] &= down
    same[:, :-1] &= across
    same[:, 1:] &= across
    return same


def _frequent(rgb: np.ndarray) -> np.ndarray:
    """The colours (K, 3) that a share of the pixels (n, 3) have, those alike taken as one."""
    values, counts = np.unique(rgb.reshape(-1, 3), axis=0, return_counts=True)
    kept: list[np.ndarray] = []
    for value, count in sorted(zip(values, counts, strict=True), key=lambda pair: -pair[1]):
        if count >= MIN_SHARE * len(rgb) and all(np.abs(value - one).max() > ALIKE for one in kept):
            kept.append(value)
    return np.array(kept, np.int16).reshape(-1, 3)


def _named(found: np.ndarray) -> list[str]:
    """A name for each colour (K, 3): the nearest that people know, with a number where two share it."""
    names: list[str] = []
    for colour in found:
        near = min(NAMES, key=lambda name: float(np.square(colour - np.array(NAMES[name])).sum()))
        taken = sum(name.split(" (")[0] == near for name in names)
        names.append(f"{near} ({taken + 1})" if taken else near)
    return names


def classes_of(rgba: np.ndarray, weights: np.ndarray, name: str, asked: bool) -> tuple[np.ndarray | None, list[str]]:
    """The classes of a drawing by its colours; none if it has one alone, which is refused where they were asked for."""
    number, names = colours(rgba, weights)
    if len(names) > MAX_COLOURS:
        raise DiffrenderError(
            f"{name}: {len(names)} colours; classes can be told apart by {MAX_COLOURS} at most.",
            "Draw each class in a plain colour, or leave out target.label.",
        )
    if len(names) > 1:
        return number, names
    if asked:
        raise DiffrenderError(
            f"{name}: its ink has one colour, so there are no classes to tell.",
            "Draw each class in a plain colour of its own, or leave out target.label.",
        )
    return None, []
