"""Points in the plane by formula: `make(n, rng, **params) -> (n, 2)`, or with classes (n,) beside them.

Coordinates are whatever is simplest to write; `build` centres and scales them.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from diffrender.core.registry import Registry
from diffrender.diffusion.targets.points.regions import Segments

Count = Annotated[int, Field(ge=1, le=1000)]
Spread = Annotated[float, Field(ge=0, le=10)]
Rng = np.random.Generator

POINTS = Registry("target")


def blurred(x: np.ndarray, rng: Rng, noise: float) -> np.ndarray:
    """x with Gaussian noise of that standard deviation on every coordinate."""
    return x + rng.normal(0, noise, x.shape) if noise else x


def picked(x: np.ndarray, label: np.ndarray, n: int, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """n independent picks from evenly spaced points: scikit-learn spaces them evenly, which no sampler could match."""
    index = rng.integers(len(x), size=n)
    return x[index], label[index]


def polar(radius: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Points (n, 2) from radii and angles."""
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)


def along(line: np.ndarray, n: int, rng: Rng) -> np.ndarray:
    """n points spread evenly over the length of a polyline (M, D)."""
    return Segments(line[:-1], line[1:])(n, rng)


@POINTS.register("spiral")
def spiral(n: int, rng: Rng, *, turns: Annotated[float, Field(gt=0, le=20)] = 1.75, noise: Spread = 0.02) -> np.ndarray:
    """One arm winding outwards, evenly filled along its length."""
    reach = turns * 2 * np.pi + 0.6
    angle = np.sqrt(rng.random(n)) * turns * 2 * np.pi + 0.6
    return blurred(polar(angle / reach, angle + 0.4), rng, noise)


@POINTS.register("swissroll")
def swissroll(n: int, rng: Rng, *, noise: Spread = 0.3) -> np.ndarray:
    """scikit-learn's Swiss roll, seen from its end."""
    from sklearn.datasets import make_swiss_roll

    x, _ = make_swiss_roll(n, noise=noise, random_state=int(rng.integers(2**31)))
    return x[:, [0, 2]]


@POINTS.register("circle")
def circle(n: int, rng: Rng, *, noise: Spread = 0.03) -> np.ndarray:
    """One circle."""
    return blurred(polar(np.ones(n), rng.uniform(0, 2 * np.pi, n)), rng, noise)


@POINTS.register("circles")
def circles(
    n: int, rng: Rng, *, factor: Annotated[float, Field(gt=0, lt=1)] = 0.5, noise: Spread = 0.03
) -> tuple[np.ndarray, np.ndarray]:
    """Two concentric circles, each a class; `factor` is inner radius over outer."""
    from sklearn.datasets import make_circles

    x, label = make_circles(20_000, factor=factor, shuffle=False)
    x, label = picked(x, label, n, rng)
    return blurred(x, rng, noise), label


@POINTS.register("moons")
def moons(n: int, rng: Rng, *, noise: Spread = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """Two interleaved half circles, each a class."""
    from sklearn.datasets import make_moons

    x, label = make_moons(20_000, shuffle=False)
    x, label = picked(x, label, n, rng)
    return blurred(x, rng, noise), label


@POINTS.register("pinwheel")
def pinwheel(
    n: int, rng: Rng, *, arms: Count = 5, twist: float = 0.25, noise: Spread = 0.05
) -> tuple[np.ndarray, np.ndarray]:
    """Bent arms around a centre, each a class (Johnson et al. 2016)."""
    arm = rng.integers(arms, size=n)
    along, across = 1 + 0.3 * rng.standard_normal(n), noise * rng.standard_normal(n)
    turn = arm * 2 * np.pi / arms + twist * np.exp(along)
    x = np.stack([along * np.cos(turn) - across * np.sin(turn), along * np.sin(turn) + across * np.cos(turn)], 1)
    return x, arm


@POINTS.register("gaussians")
def gaussians(n: int, rng: Rng, *, modes: Count = 8, noise: Spread = 0.08) -> tuple[np.ndarray, np.ndarray]:
    """Gaussians on a ring, each a class."""
    mode = rng.integers(modes, size=n)
    return blurred(polar(np.ones(n), mode * 2 * np.pi / modes), rng, noise), mode


@POINTS.register("checkerboard")
def checkerboard(n: int, rng: Rng, *, cells: Annotated[int, Field(ge=2, le=64)] = 4) -> np.ndarray:
    """The dark squares of a `cells` × `cells` board, filled evenly."""
    dark = np.argwhere(np.indices((cells, cells)).sum(0) % 2 == 0)
    return dark[rng.integers(len(dark), size=n)] + rng.random((n, 2))


@POINTS.register("polygon")
def polygon(n: int, rng: Rng, *, sides: Annotated[int, Field(ge=3, le=1000)] = 6, noise: Spread = 0.02) -> np.ndarray:
    """The edges of a regular polygon, standing on a side."""
    angle = (np.arange(sides + 1) + 0.5) * 2 * np.pi / sides - np.pi / 2
    return blurred(along(polar(np.ones(sides + 1), angle), n, rng), rng, noise)


@POINTS.register("star_outline")
def star_outline(
    n: int,
    rng: Rng,
    *,
    points: Annotated[int, Field(ge=2, le=200)] = 5,
    factor: Annotated[float, Field(gt=0, le=1)] = 0.4,
    noise: Spread = 0.02,
) -> np.ndarray:
    """The outline of a star; `factor` is the radius of its notches over that of its points."""
    angle = np.arange(2 * points + 1) * np.pi / points + np.pi / 2
    radius = np.where(np.arange(2 * points + 1) % 2, factor, 1.0)
    return blurred(along(polar(radius, angle), n, rng), rng, noise)


@POINTS.register("heart")
def heart(n: int, rng: Rng, *, noise: Spread = 0.02) -> np.ndarray:
    """The outline of a heart, evenly filled along its length."""
    t = np.linspace(0, 2 * np.pi, 2001)
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return blurred(along(np.stack([np.sin(t) ** 3, y / 16], 1), n, rng), rng, noise)


@POINTS.register("lissajous")
def lissajous(
    n: int,
    rng: Rng,
    *,
    a: Annotated[int, Field(ge=1, le=50)] = 3,
    b: Annotated[int, Field(ge=1, le=50)] = 2,
    phase: float = np.pi / 2,
    noise: Spread = 0.02,
) -> np.ndarray:
    """x = sin(a t + phase), y = sin(b t), evenly filled along its length."""
    t = np.linspace(0, 2 * np.pi, 4001)
    return blurred(along(np.stack([np.sin(a * t + phase), np.sin(b * t)], 1), n, rng), rng, noise)
