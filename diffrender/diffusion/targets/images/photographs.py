"""Squares of two photographs: what natural images are like, where digits are too small to show it."""

from __future__ import annotations

import numpy as np

SIDE = 64  # pixels of a square, of a photograph at half its size
STEP = 32  # pixels from one square to the next: they overlap
KEPT = 30  # squares of each photograph: those in which most is to be seen, and not the sky


def photograph_squares() -> tuple[np.ndarray, np.ndarray]:
    """Squares (60, 3, 64, 64) uint8 of scikit-learn's two sample photographs, and which one each is of, (60,) int64."""
    from PIL import Image
    from sklearn.datasets import load_sample_images

    squares: list[np.ndarray] = []
    label: list[int] = []
    for number, photograph in enumerate(load_sample_images().images):
        half = np.asarray(Image.fromarray(photograph).reduce(2)).transpose(2, 0, 1)
        corners = [
            (top, left)
            for top in range(0, half.shape[1] - SIDE + 1, STEP)
            for left in range(0, half.shape[2] - SIDE + 1, STEP)
        ]
        found = [half[:, top : top + SIDE, left : left + SIDE] for top, left in corners]
        varied = np.argsort([-square.mean(0).std() for square in found], kind="stable")[:KEPT]
        squares += [found[k] for k in sorted(varied)]
        label += [number] * KEPT
    return np.stack(squares), np.array(label, np.int64)
