"""Words made of particles: noise that becomes the title, by the exact reverse process of the title's own shape.

The data distribution is the ink of the letters, uniform on the pixels of a raster. With noise of standard deviation σ
added it is that raster blurred, so the posterior mean of the clean point, E[x₀ | x, σ] = blur(ink · place) / blur(ink),
is known at every x, and DDIM's update x ← x̂₀ + σ'/σ (x − x̂₀) is followed from noise to data. Nothing is learned.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cairo
import numpy as np
from manim import VMobject

from diffrender.animation.mobjects.furniture.panels import Rect

STEPS = 48  # of the reverse process
HIGHEST, LOWEST = 1.6, 0.012  # noise levels, in units of the scene
PIXEL = 0.02  # of the raster, in the same units
WIDEST = 8.0  # pixels: a wider blur is made on a coarser raster
MARGIN = 3.0  # units round the letters in which the process is known
POINTS = 6000
COARSE, SMOOTHEST = 0.1, 0.45  # of the map of the density: its grid, and its least noise level


def raster(letters: Sequence[VMobject]) -> tuple[np.ndarray, tuple[float, float]]:
    """(rows, columns) coverage 0..1 of filled outlines, lowest row first, and where its lower left corner lies."""
    points = np.concatenate([m.points[:, :2] for mob in letters for m in mob.get_family() if len(m.points)])
    (x0, y0), (x1, y1) = points.min(0) - MARGIN, points.max(0) + MARGIN
    columns, rows = round((x1 - x0) / PIXEL), round((y1 - y0) / PIXEL)
    surface = cairo.ImageSurface(cairo.FORMAT_A8, columns, rows)
    ctx = cairo.Context(surface)
    for mob in letters:
        for part in mob.get_family():
            if not isinstance(part, VMobject) or not len(part.points):
                continue
            for path in part.get_subpaths():
                at = (path[:, :2] - (x0, y0)) / PIXEL
                ctx.move_to(*at[0])
                for k in range(0, len(at) - 3, 4):
                    ctx.curve_to(*at[k + 1], *at[k + 2], *at[k + 3])
                ctx.close_path()
            ctx.fill()
    stride = surface.get_stride()
    ink = np.frombuffer(surface.get_data(), np.uint8).reshape(rows, stride)[:, :columns] / 255
    return ink, (x0, y0)


def noise_levels() -> np.ndarray:
    """(STEPS + 1,) noise level of each state of `denoised`."""
    return np.append(np.geomspace(HIGHEST, LOWEST, STEPS), 0.0)


def rises(letters: Sequence[VMobject], box: Rect) -> np.ndarray:
    """(STEPS + 1, Gy, Gx) float32 σ √(2 log (max p / p)) on a grid over `box`, p the density of a state of `denoised`.

    Iso-lines of it are those of the density; for small σ they lie as far from the letters as their value says. Under
    `SMOOTHEST`, where they would show every serif, σ stays.
    """
    ink, (x0, y0) = raster(letters)
    a, b, c, d = box
    columns, rows = round((b - a) / COARSE), round((d - c) / COARSE)
    x, y = np.linspace(a, b, columns), np.linspace(c, d, rows)
    at, up = (corner + (np.arange(n) + 0.5) * PIXEL for corner, n in zip((x0, y0), ink.shape[::-1], strict=True))
    maps: dict[float, np.ndarray] = {}
    for sigma in np.maximum(noise_levels(), SMOOTHEST):
        if sigma not in maps:
            across, along = (np.exp(-np.square((g[:, None] - p) / sigma) / 2) for g, p in ((x, at), (y, up)))
            density = along @ ink @ across.T
            maps[sigma] = sigma * np.sqrt(2 * np.log(density.max() / np.maximum(density, 1e-300))).astype(np.float32)
    return np.array([maps[sigma] for sigma in np.maximum(noise_levels(), SMOOTHEST)])


def farthest(letters: Sequence[VMobject], rise: np.ndarray, box: Rect) -> float:
    """The highest value of a map (Gy, Gx) over `box` on the outlines of the letters."""
    points = np.concatenate([m.points[:, :2] for mob in letters for m in mob.get_family() if len(m.points)])
    (a, b, c, d), (rows, columns) = box, rise.shape
    at = (points - (a, c)) / (b - a, d - c) * (columns - 1, rows - 1)
    i, j = np.clip(np.rint(at).astype(int), 0, (columns - 1, rows - 1)).T
    return float(rise[j, i].max())


def denoised(letters: Sequence[VMobject], *, count: int = POINTS, seed: int = 0) -> np.ndarray:
    """(STEPS + 1, count, 2) float32 scene points that go from noise to the ink of the letters."""
    ink, corner = raster(letters)
    rng = np.random.default_rng(seed)
    levels = noise_levels()
    node = rng.choice(ink.size, count, p=(ink / ink.sum()).ravel())
    clean = np.stack([node % ink.shape[1], node // ink.shape[1]], 1) + rng.random((count, 2))
    x = clean * PIXEL + corner + levels[0] * rng.standard_normal((count, 2))
    states = [x]
    for sigma, lower in pairwise(levels):
        guess = posterior_mean(ink, corner, x, sigma)
        x = guess + lower / sigma * (x - guess)
        states.append(x)
    return np.array(states, np.float32)


def posterior_mean(ink: np.ndarray, corner: tuple[float, float], x: np.ndarray, sigma: float) -> np.ndarray:
    """(N, 2) E[x₀ | x] at noise level `sigma` of points x (N, 2), for the density `ink` with its corner there."""
    from scipy.ndimage import gaussian_filter, map_coordinates

    pixel = PIXEL
    while sigma / pixel > WIDEST:
        rows, columns = (n // 2 * 2 for n in ink.shape)
        ink = ink[:rows, :columns].reshape(rows // 2, 2, columns // 2, 2).sum((1, 3))
        pixel *= 2
    middle = [(np.arange(n) + 0.5) * pixel for n in ink.shape]
    fields = [ink, ink * middle[1], ink * middle[0][:, None]]
    blurred = [gaussian_filter(field, sigma / pixel, mode="constant", truncate=7) for field in fields]
    at = ((x - corner) / pixel - 0.5).T[::-1]
    mass, across, up = (map_coordinates(field, at, order=1, mode="nearest") for field in blurred)
    known = mass > 1e-30
    mean = np.stack([across, up], 1) / np.where(known, mass, 1.0)[:, None] + corner
    return np.where(known[:, None], mean, x)
