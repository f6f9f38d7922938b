"""Points in space by formula: `make(n, rng, **params) -> (n, 3)`.

Surfaces are filled evenly by area, curves by length.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Annotated

import numpy as np
from pydantic import Field

from diffrender.diffusion.targets.points.plane import POINTS, Rng, Spread, along, blurred


@POINTS.register("torus")
def torus(n: int, rng: Rng, *, thickness: Annotated[float, Field(gt=0, le=1)] = 0.4, noise: Spread = 0.0) -> np.ndarray:
    """The surface of a donut of radius 1 and tube radius `thickness`."""
    # the area at tube angle v is in proportion to 1 + thickness·cos v
    u, v = _even(n, rng, np.pi, lambda u, v: (1 + thickness * np.cos(v)) / (1 + thickness))
    ring = 1 + thickness * np.cos(v)
    return blurred(np.stack([ring * np.cos(u), ring * np.sin(u), thickness * np.sin(v)], 1), rng, noise)


@POINTS.register("sphere")
def sphere(n: int, rng: Rng, *, noise: Spread = 0.0) -> np.ndarray:
    """The surface of a ball."""
    x = rng.standard_normal((n, 3))
    return blurred(x / np.linalg.norm(x, axis=1, keepdims=True), rng, noise)


@POINTS.register("mobius")
def mobius(n: int, rng: Rng, *, width: Annotated[float, Field(gt=0, le=2)] = 0.7, noise: Spread = 0.0) -> np.ndarray:
    """A band of radius 1 with half a twist."""
    # the area at (u, v) is |∂x/∂u × ∂x/∂v| = √((1 + v cos(u/2))² + (v/2)²)
    most = np.hypot(1 + width / 2, width / 4)
    u, v = _even(n, rng, width / 2, lambda u, v: np.hypot(1 + v * np.cos(u / 2), v / 2) / most)
    ring = 1 + v * np.cos(u / 2)
    return blurred(np.stack([ring * np.cos(u), ring * np.sin(u), v * np.sin(u / 2)], 1), rng, noise)


@POINTS.register("spring")
def spring(
    n: int,
    rng: Rng,
    *,
    turns: Annotated[float, Field(gt=0, le=50)] = 4.0,
    pitch: Annotated[float, Field(gt=0, le=10)] = 0.6,
    noise: Spread = 0.04,
) -> np.ndarray:
    """A helix of radius 1 rising by `pitch` a turn."""
    turn = rng.uniform(-turns / 2, turns / 2, n)
    angle = 2 * np.pi * turn
    return blurred(np.stack([np.cos(angle), np.sin(angle), pitch * turn], 1), rng, noise)


@POINTS.register("trefoil")
def trefoil(n: int, rng: Rng, *, noise: Spread = 0.06) -> np.ndarray:
    """The simplest knot."""
    t = np.linspace(0, 2 * np.pi, 3001)
    line = np.stack([np.sin(t) + 2 * np.sin(2 * t), np.cos(t) - 2 * np.cos(2 * t), -np.sin(3 * t)], 1)
    return blurred(along(line, n, rng), rng, noise)


@POINTS.register("swissroll3d")
def swissroll3d(n: int, rng: Rng, *, noise: Spread = 0.2) -> np.ndarray:
    """scikit-learn's Swiss roll, lying on its side."""
    from sklearn.datasets import make_swiss_roll

    x, _ = make_swiss_roll(n, noise=noise, random_state=int(rng.integers(2**31)))
    return x


@POINTS.register("s_curve")
def s_curve(n: int, rng: Rng, *, noise: Spread = 0.03) -> np.ndarray:
    """scikit-learn's bent sheet."""
    from sklearn.datasets import make_s_curve

    x, _ = make_s_curve(n, noise=noise, random_state=int(rng.integers(2**31)))
    return x


@POINTS.register("lorenz")
def lorenz(n: int, rng: Rng, *, noise: Spread = 0.3) -> np.ndarray:
    """The butterfly of Lorenz (1963): σ = 10, ρ = 28, β = 8/3, evenly filled in time."""
    path = _lorenz_path()
    return blurred(path[rng.integers(len(path), size=n)], rng, noise)


def _even(
    n: int, rng: Rng, half: float, area: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """n pairs u in [0, 2π), v in [−half, half), kept in proportion to area(u, v) ≤ 1 (rejection sampling)."""
    kept = np.empty((2, 0))
    while kept.shape[1] < n:
        u, v = rng.uniform(0, 2 * np.pi, 2 * n), rng.uniform(-half, half, 2 * n)
        kept = np.concatenate([kept, np.stack([u, v])[:, rng.random(2 * n) < area(u, v)]], axis=1)
    return kept[0, :n], kept[1, :n]


@lru_cache(maxsize=1)
def _lorenz_path(chains: int = 64, steps: int = 2000, dt: float = 0.01) -> np.ndarray:
    """States (chains·steps, 3) of chains on the attractor, by the classical Runge–Kutta method."""

    def rate(x: np.ndarray) -> np.ndarray:
        return np.stack([10 * (x[1] - x[0]), x[0] * (28 - x[2]) - x[1], x[0] * x[1] - 8 / 3 * x[2]])

    x = np.random.default_rng(0).normal([[1.0], [1.0], [25.0]], 1, (3, chains))
    states = []
    for step in range(500 + steps):  # the first 500 bring the chains onto the attractor
        k1 = rate(x)
        k2 = rate(x + dt / 2 * k1)
        k3 = rate(x + dt / 2 * k2)
        k4 = rate(x + dt * k3)
        x = x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        if step >= 500:
            states.append(x.T)
    return np.concatenate(states)
