"""The fate of proposals under a magnifier: taken, or refused with a flash; refused ones stay marked for a while."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from manim import VGroup, VMobject

from diffrender.animation.mobjects.furniture.arrow import set_polygons
from diffrender.animation.mobjects.furniture.panels import Key, Rect
from diffrender.animation.theme import Theme

ARM, THICK = 0.16, 0.075  # scene units: half the length of a cross's arms, and their width
FLASH = 0.45  # radius to which the ring of a refusal grows
KEPT = 12  # refused proposals of the last so many steps are marked


class Verdict(VGroup):
    """Crosses where recorded proposals were refused; the newest appears with a ring that spreads and vanishes.

    accepted: (T,) bool, proposal: (T, 2), as recorded. kept: refused proposals of the last so many steps stay marked.
    """

    def __init__(self, accepted: np.ndarray, proposal: np.ndarray, rect: Rect, theme: Theme, kept: int = KEPT) -> None:
        self.accepted, self.proposal, self.rect, self.kept = np.asarray(accepted, bool), proposal, rect, kept
        self.crosses = VMobject(fill_color=theme.reject, fill_opacity=1, stroke_color=theme.panel, stroke_width=2)
        self.ring = VMobject(stroke_color=theme.reject, stroke_width=7)
        self.places: list[np.ndarray] = []  # of the crosses that are shown, in the scene
        super().__init__(self.crosses, self.ring)

    def show(self, step: int, judged: float, gone: float, to_scene: Callable[[np.ndarray], np.ndarray]) -> None:
        """Show step `step` when 0..1 of its judgement, then of its way to the next, has passed."""
        refused = [k for k in range(max(step - self.kept, 0), step) if not self.accepted[k]]
        taken = bool(self.accepted[step])
        if not taken and judged > 0:
            refused.append(step)
        self.places = [at for at in (to_scene(self.proposal[k]) for k in refused) if self._inside(at)]
        set_polygons(self.crosses, [arm for at in self.places for arm in cross(at)])
        flash = 0.0 if taken or gone else judged
        self.ring.set_stroke(opacity=np.sin(np.pi * flash))
        _put_ring(self.ring, to_scene(self.proposal[step]), ARM + FLASH * flash)

    def _inside(self, at: np.ndarray) -> bool:
        """Whether a cross there lies in the window as a whole."""
        (x0, x1, y0, y1), (x, y) = self.rect, at[:2]
        return bool(x0 + ARM < x < x1 - ARM and y0 + ARM < y < y1 - ARM)


def cross(at: np.ndarray, size: float = ARM) -> list[np.ndarray]:
    """The two arms (4, 3) of a cross."""
    arms = []
    for u in (np.array([1.0, 1.0]), np.array([1.0, -1.0])):
        u = u / np.sqrt(2)
        n = np.array([-u[1], u[0]]) * THICK / 2
        flat = [at[:2] + s * size * u + t * n for s, t in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        arms.append(np.array([[*p, 0.0] for p in flat]))
    return arms


def key_cross(theme: Theme) -> Key:
    """Legend sample: a refused proposal."""

    def draw(x0: float, x1: float, y: float) -> VMobject:
        mob = VMobject(fill_color=theme.reject, fill_opacity=1, stroke_width=0)
        set_polygons(mob, cross(np.array([(x0 + x1) / 2, y]), 0.12))
        return mob

    return draw


def _put_ring(mob: VMobject, at: np.ndarray, radius: float) -> None:
    """Lay a circle's outline, four curves, round a point."""
    k = 4 / 3 * (np.sqrt(2) - 1)
    quarter = np.array([[1, 0], [1, k], [k, 1], [0, 1]])
    turn = np.array([[0, -1], [1, 0]])
    points = [quarter @ np.linalg.matrix_power(turn, quadrant).T for quadrant in range(4)]
    flat = at[:2] + radius * np.concatenate(points)
    mob.points = np.column_stack([flat, np.zeros(len(flat))])
