"""Classes on a plane: their colours, and the name of each on a patch that stands at its cluster."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from manim import VGroup

from diffrender.animation.colors import srgb
from diffrender.animation.layout.page import MOVING_TEXT, Page
from diffrender.animation.mobjects.furniture.panels import frame, pill
from diffrender.animation.mobjects.furniture.sticker import Sticker
from diffrender.animation.text.typst import escaped
from diffrender.animation.theme import LINE, Theme
from diffrender.trajectory.reader import Trajectory

SEEN = 0.02  # opacity from which on a label is in the way of others
FADES = 0.25  # of a label's size, over which it appears as it comes clear of another


def class_names(run: Trajectory) -> list[str]:
    """The names of the target's classes, as the recording says them; one nameless class where there are none."""
    return [str(name) for name in (run.meta.get("target") or {}).get("labels") or [""]]


def class_colors(theme: Theme, count: int) -> list[str]:
    """A colour for each class; where there are more than the theme has, they come again, and names tell them apart."""
    return [theme.classes[k % len(theme.classes)] for k in range(count)]


def class_rgb(theme: Theme, label: np.ndarray, count: int) -> np.ndarray:
    """(N, 3) uint8 colours of points of classes `label` (N,)."""
    table = np.array([np.rint(srgb(color) * 255) for color in class_colors(theme, count)], np.uint8)
    return table[np.asarray(label)]


class ClassLabels:
    """A patch with the name of each class, in the frame of its colour.

    mobjects: one for each class, in their order.
    """

    def __init__(self, page: Page, names: Sequence[str], size: str = "legend") -> None:
        self.mobjects: list[Sticker] = []
        for name, color in zip(names, class_colors(page.theme, len(names)), strict=True):
            text = page.words(escaped(name), size)
            patch = pill(text, page.theme, alpha=0.88)
            edge = [float(v) for v in (*patch.get_corner([-1, -1, 0])[:2], *patch.get_corner([1, 1, 0])[:2])]
            rim = frame((edge[0], edge[2], edge[1], edge[3]), color, 1.3 * LINE)
            self.mobjects.append(Sticker(VGroup(patch, rim, text)).set_z_index(MOVING_TEXT))
        self.size = np.array([[mark.width, mark.height] for mark in self.mobjects])
        self.shapes = [mark.points - mark.get_center() for mark in self.mobjects]

    def put(self, places: np.ndarray, shown: np.ndarray | float = 1.0) -> None:
        """Put their middles at scene points (K, 2), each `shown` 0..1; where two would collide the later one fades."""
        places, strength = np.asarray(places, float), np.broadcast_to(np.asarray(shown, float), (len(places),)).copy()
        for k, place in enumerate(places):
            if k:
                apart = np.abs(places[:k] - place) / ((self.size[:k] + self.size[k]) / 2)
                free = np.clip((apart.max(1) - 1.0) / FADES, 0, 1)
                strength[k] *= float((1 - (1 - free) * np.clip(strength[:k] / SEEN, 0, 1)).min())
            mark = self.mobjects[k]
            mark.points = self.shapes[k] + np.array([*place.tolist(), 0.0])  # at once: `move_to` asks for its middle
            mark.set_fill(opacity=float(strength[k]))
