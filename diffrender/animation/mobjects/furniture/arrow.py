"""The emphasised arrow: one step's drift, noise or sum, with a casing so that it reads on any heat map."""

from __future__ import annotations

from typing import Self

import numpy as np
from manim import LineJointType, VGroup, VMobject

from diffrender.animation.theme import CASING, DASH, GAP, HEAD_LENGTH, HEAD_WIDTH, SHAFT

_SWEEP = 0.82  # the head's back edge is notched to here
_SHORTEST = 1.7  # an arrow shorter than so many heads shrinks whole


def _quads(a: np.ndarray, u: np.ndarray, spans: list[tuple[float, float]], width: float) -> list[np.ndarray]:
    n = np.array([-u[1], u[0], 0]) * width / 2
    return [np.array([a + u * s + n, a + u * e + n, a + u * e - n, a + u * s - n]) for s, e in spans]


def _dashes(length: float, scale: float) -> list[tuple[float, float]]:
    """A whole number of dashes along a shaft, one at the tail and one at the neck."""
    count = max(1, round((length + GAP * scale) / ((DASH + GAP) * scale)))
    dash = length / (count + (count - 1) * GAP / DASH)
    pitch = dash * (1 + GAP / DASH)
    return [(i * pitch, i * pitch + dash) for i in range(count)]


def outline(start: np.ndarray, end: np.ndarray, scale: float, dashed: bool, grown: float = 1.0) -> list[np.ndarray]:
    """Polygons (K, 3) of an arrow from start to end, its tip exactly at the end; `grown` of its length is drawn.

    While it grows the dashes stay where they will be and the head travels.
    """
    a, b = (np.array([*p[:2], 0.0]) for p in (start, end))
    full = float(np.linalg.norm(b - a))
    length = full * grown
    if length < 1e-4:
        return []
    u = (b - a) / full
    n = np.array([-u[1], u[0], 0.0])
    size = scale * min(1.0, length / (_SHORTEST * HEAD_LENGTH * scale))
    tip, head, half = a + u * length, HEAD_LENGTH * size, HEAD_WIDTH * size / 2
    neck = length - head * _SWEEP
    if dashed:
        whole = scale * min(1.0, full / (_SHORTEST * HEAD_LENGTH * scale))
        spans = _dashes(full - HEAD_LENGTH * whole * _SWEEP, scale)
        spans = [(s, min(e, neck)) for s, e in spans if s < neck]
    else:
        spans = [(0.0, neck + head * 0.05)]
    back = tip - u * head
    return [
        *_quads(a, u, spans, SHAFT * size),
        # turning the same way as the shaft: where the two overlap they must not cut each other out
        np.array([tip, back - n * half, tip - u * head * _SWEEP, back + n * half]),
    ]


def set_polygons(mob: VMobject, polygons: list[np.ndarray]) -> None:
    """Make these closed polygons, straight sides, the outline of `mob`."""
    if not polygons:
        mob.clear_points()
        return
    a = np.concatenate(polygons)
    b = np.concatenate([corners for polygon in polygons for corners in (polygon[1:], polygon[:1])])
    mob.points = np.stack([a, a + (b - a) / 3, a + (b - a) * 2 / 3, b], 1).reshape(-1, 3)


class StepArrow(VGroup):
    """An arrow that is moved, never rebuilt: `put(start, end)` sets the points of its two shapes.

    color, casing: "#RRGGBB". scale: of head, shaft and dashes together; 1 is the emphasised arrow of a panel.
    """

    def __init__(self, color: str, *, dashed: bool = False, scale: float = 1.0, casing: str | None = None) -> None:
        self.dashed, self.size, self.start, self.end = dashed, scale, np.zeros(3), np.zeros(3)
        joint = LineJointType.ROUND
        self.face = VMobject(fill_color=color, fill_opacity=1, stroke_width=0, joint_type=joint)
        super().__init__(self.face)
        if casing:
            self.shadow = VMobject(
                fill_opacity=0, stroke_color=casing, stroke_width=CASING * 200, stroke_opacity=0.9, joint_type=joint
            )
            self.add_to_back(self.shadow)

    def put(self, start: np.ndarray, end: np.ndarray, grown: float = 1.0) -> Self:
        """Lie from start to end, (2,) or (3,) in scene units; of a growing arrow only the part `grown` (0 to 1)."""
        self.start, self.end = start, end
        return self.lay(outline(start, end, self.size, self.dashed, grown))

    def lay(self, polygons: list[np.ndarray]) -> Self:
        """Make these polygons both shapes."""
        first, *others = self.submobjects
        set_polygons(first, polygons)
        for mob in others:
            mob.points = first.points.copy()
        return self


class StepArrows(StepArrow):
    """Many arrows of one look, moved together, never rebuilt."""

    def put_all(self, starts: np.ndarray, ends: np.ndarray, grown: np.ndarray) -> Self:
        """Lie from starts to ends, (K, 2 | 3) in scene units, each drawn as far as it has `grown`, (K,) 0 to 1."""
        rows = zip(starts, ends, grown.tolist(), strict=True)
        return self.lay([part for a, b, g in rows for part in outline(a, b, self.size, self.dashed, g)])
