"""A data set of your own, for a config: `target: {kind: ./my_dataset.py:rose}`."""

import numpy as np


def rose(n, rng, *, petals: int = 5, blur: float = 0.02):
    """A rose with so many petals.

    Returns n points, (n, 2) or (n, 3), or images (n, C, H, W) in [−1, 1]; or points and their classes, (n,) integers.
    Coordinates are whatever is simplest to write: they are centred and scaled.
    """
    angle = rng.random(n) * 2 * np.pi
    reach = np.cos(petals * angle / 2) ** 2
    petal = np.floor(angle * petals / (2 * np.pi)).astype(int) % petals
    points = np.stack([reach * np.cos(angle), reach * np.sin(angle)], 1)
    return points + rng.normal(0, blur, points.shape), petal
