"""Members that a recording need not hold, for they follow from others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

IMAGES = 5  # axes of a recording of images: T+1, N, C, H, W


class PredictedNoise:
    """ε̂ = (x − α x̂0) / σ of each kept state but the last, (T, N, *event) float32; only what is asked for is worked out.

    It is read like an array: by step, or (steps, chains, …).
    """

    dtype = np.dtype(np.float32)

    def __init__(self, x: np.ndarray, x0: np.ndarray, alpha: np.ndarray, sigma: np.ndarray) -> None:
        self.x, self.x0, self.shape, self.ndim = x, x0, x0.shape, x0.ndim
        self.alpha, self.sigma = (np.asarray(values[: len(x0)], np.float32) for values in (alpha, sigma))

    def __len__(self) -> int:
        return len(self.x0)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[step] for step in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        steps, *rest = index if isinstance(index, tuple) else (index,)
        steps = np.arange(len(self))[steps]  # x has one state more
        x, x0 = (np.asarray(values[(steps, *rest)], np.float32) for values in (self.x, self.x0))
        alpha, sigma = (
            np.reshape(v[steps], np.shape(steps) + (1,) * (x.ndim - np.ndim(steps))) for v in (self.alpha, self.sigma)
        )
        return (x - alpha * x0) / sigma

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)


def derived(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """What follows from the members of a recording of images: `eps`, where x0 was kept and every move starts in noise.

    Of points it is recorded if it was asked for, and is left out if not.
    """
    needed = ("x", "x0", "alpha", "sigma")
    if "eps" in arrays or any(key not in arrays for key in needed):
        return {}
    x, x0, alpha, sigma = (arrays[key] for key in needed)
    images = x.ndim == IMAGES
    return {"eps": PredictedNoise(x, x0, alpha, sigma)} if images and np.all(sigma[: len(x0)] > 0) else {}
