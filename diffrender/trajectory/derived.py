"""Members that a recording need not hold, for they follow from others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from diffrender.trajectory.noise_level import ESTIMATED, estimated_noise

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


class EstimatedNoise:
    """`noise_estimate` (T+1, E) float32 of states that are images, worked out for those that are asked for."""

    dtype, ndim = np.dtype(np.float32), 2

    def __init__(self, x: np.ndarray) -> None:
        self.x, self.shape = x, (len(x), min(ESTIMATED, x.shape[1]))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> Any:
        asked = np.arange(np.prod(self.shape)).reshape(self.shape)[index]
        pairs = np.unravel_index(np.ravel(asked), self.shape)
        images = np.stack([self.x[step, chain] for step, chain in zip(*pairs, strict=True)])
        # a picture without any detail has none
        return np.nan_to_num(estimated_noise(images)).astype(np.float32).reshape(np.shape(asked))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)


def derived(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """What follows from the members of a recording of images.

    `eps`, where x0 was kept and every move starts in noise, and `noise_estimate`. Of points eps is recorded if it was
    asked for, and is left out if not.
    """
    if "x" not in arrays or "sigma" not in arrays or "alpha" not in arrays or arrays["x"].ndim != IMAGES:
        return {}
    x, alpha, sigma = (arrays[key] for key in ("x", "alpha", "sigma"))
    found: dict[str, Any] = {}
    if "eps" not in arrays and "x0" in arrays and np.all(sigma[: len(arrays["x0"])] > 0):
        found["eps"] = PredictedNoise(x, arrays["x0"], alpha, sigma)
    if "noise_estimate" not in arrays:
        found["noise_estimate"] = EstimatedNoise(x)
    return found
