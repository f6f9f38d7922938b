"""The view of recorded states, in the plane or in space: scenes draw both with the same words.

A `Plane` lays data on a rectangle; a `Space` shows them through an orbiting camera. Both make clouds, trails and
arrows, and both keep what they made in `made`, in the order of drawing.
"""

from __future__ import annotations

import math

import numpy as np

from diffrender.animation.layout.plane import Plane
from diffrender.animation.layout.space import PHI, THETA, Space
from diffrender.animation.layout.telling_angle import telling_angle
from diffrender.animation.mobjects.furniture.panels import Rect
from diffrender.animation.mobjects.space.orbit import Orbit
from diffrender.animation.theme import Theme
from diffrender.core.errors import RenderError

DISTANCE = 3.6  # of the eye, in radii of the data
WIDE = 2.45  # deviations of noise that must find room: one point in twenty lies farther out
ROOM = 0.03  # of the box's sides, between data and box


def around(
    data: np.ndarray,
    rect: Rect,
    center: tuple[float, float],
    reach: tuple[float, float],
    theme: Theme,
    haze: str = "",
    noise: float = 0.0,
) -> Plane | Space:
    """The view in which data (M, 2 | 3) lie round `center` of the scene and extend no farther from it than `reach`.

    rect: what of the scene may be drawn on. haze: colour towards which far points go, if not the background's.
    In the plane the data's origin lies at `center`, in space the middle of their box, however it is turned.
    noise: standard deviation of a cloud of noise that must not be seen to be cut off by `rect`.
    """
    if data.ndim != 2 or data.shape[1] not in (2, 3):
        raise RenderError(f"States of shape {data.shape[1:]} cannot be shown here: they are no points in 2-D or 3-D.")
    if data.shape[1] == 2:
        extent = np.maximum(np.quantile(np.abs(data), 0.999, axis=0), 1e-6)
        unit = min(reach[0] / extent[0], reach[1] / extent[1])
        if noise > 0:
            (a, b, c, d), (x, y) = rect, center
            unit = min(unit, min(x - a, b - x, y - c, d - y) / (WIDE * noise))
        return Plane(_box(rect, center, unit), rect)
    low, high = np.quantile(data, (0.001, 0.999), axis=0)
    low, high = low - ROOM * np.max(high - low), high + ROOM * np.max(high - low)
    middle, radius = (low + high) / 2, float(np.linalg.norm(high - low)) / 2
    orbit = Orbit(PHI, THETA, perspective=1 / (DISTANCE * radius), center=tuple(middle), reach=0.7 * radius)
    corners = np.stack(np.meshgrid(*np.stack([low, high], 1)), -1).reshape(-1, 3)
    extent = np.zeros(2)
    telling = telling_angle(orbit, data, first=THETA)
    for orbit.phi in (PHI, telling[0]):
        for orbit.theta in np.linspace(0, 2 * math.pi, 48).tolist():
            extent = np.maximum(extent, np.abs(orbit.project(corners)[0]).max(0))
    orbit.phi, orbit.theta = PHI, THETA
    unit = min(reach[0] / float(extent[0]), reach[1] / float(extent[1]))
    return Space(orbit, _box(rect, center, unit), rect, low, high, theme=theme, haze=haze or theme.bg, telling=telling)


def _box(rect: Rect, center: tuple[float, float], unit: float) -> Rect:
    """What of data space `rect` shows, with the origin at `center` and `unit` scene units to a data unit."""
    (a, b, c, d), (x, y) = rect, center
    return (a - x) / unit, (b - x) / unit, (c - y) / unit, (d - y) / unit
