"""All of the data in small, with a frame round the part of them that a close-up shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffrender.animation.layout.box import Box
from diffrender.animation.mobjects.furniture.panels import Rect, frame, panel
from diffrender.animation.theme import LINE, point_radius

SIZE, FLAT, PAD = 0.3, 1.1, 0.15  # of a panel's width, of one flatter than so its height; units from its edges
SCALE_BAR = 0  # of `corners`, the one where the panel's scale bar stands
REACH, CLOUD, WINDOW, LEAST = 0.86, 0.8, 1.6 * LINE, 0.1  # of its box; opacity; width, and size, of the frame


def corners(box: Rect) -> list[Box]:
    """Squares in the corners of a box: lower left and right, upper left and right."""
    left, right, bottom, top = box
    size = SIZE * min(right - left, FLAT * (top - bottom))
    return [
        Box(x, x + size, y, y + size)
        for y in (bottom + PAD, top - PAD - size)
        for x in (left + PAD, right - PAD - size)
    ]


def free_corner(box: Rect, marks: np.ndarray) -> Box:
    """Of the corners of a box without its scale bar the one farthest from all marks (K, 2) on it."""
    free = [corner for k, corner in enumerate(corners(box)) if k != SCALE_BAR]
    return max(free, key=lambda corner: float(np.hypot(*(marks - corner.center).T).min()))


def whole_data(
    scene: Any, data: np.ndarray, window: Rect, box: Box, *, degrees: float, color: str = ""
) -> Sequence[Any]:
    """Data (M, 2 | 3) on a panel in a box, seen as the scene's views see them at the end of their way of so many
    degrees; the frame is round `window`, what of their plane is shown elsewhere, as far as it lies on the panel."""
    theme = scene.theme
    view = scene.view(data, box, reach=REACH, haze=theme.panel)
    scene.views.remove(view)
    view.look(1, degrees=degrees)
    view.cloud(
        data, color=color or theme.data, radius=point_radius(len(data), 0.5 * box.width * box.height), alpha=CLOUD
    )
    (x0, x1, y0, y1), (a, b, c, d) = view.box, view.rect
    x = np.clip(np.interp(window[:2], (x0, x1), (a, b)), a, b)
    y = np.clip(np.interp(window[2:], (y0, y1), (c, d)), c, d)
    half = [max(float(np.ptp(side)), LEAST) / 2 for side in (x, y)]
    place = (x.mean() - half[0], x.mean() + half[0], y.mean() - half[1], y.mean() + half[1])
    marks = [frame(box, theme.border), frame(place, theme.fg, WINDOW)]
    return [panel(box, theme).set_z_index(19), *(mob.set_z_index(20) for mob in view.made),
            *(mark.set_z_index(21) for mark in marks)]  # fmt: skip
