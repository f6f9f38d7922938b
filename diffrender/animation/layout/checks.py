"""Checks that what stands in a frame can be read: nothing overlaps, nothing leaves the frame, no text is too small."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from manim import Mobject, VMobject

from diffrender.animation.mobjects.base import Raster
from diffrender.animation.mobjects.furniture.panels import Outline
from diffrender.animation.text.numbers import Number, Running
from diffrender.animation.text.typst import Typeset
from diffrender.animation.theme import EDGE, Frame

_SEEN = 0.05  # fainter than this counts as gone


def texts(mobjects: Iterable[Mobject]) -> list[Typeset | Number]:
    """Every text that is seen, wherever it hangs."""
    family = [mob for top in mobjects for mob in top.get_family()]
    return [mob for mob in family if isinstance(mob, Typeset | Number) and seen_box(mob) is not None]


def faults(mobjects: Iterable[Mobject], frame: Frame) -> list[str]:
    """What is wrong with a frame's layout, in words; nothing if all is well.

    Two texts that overlap, a text that crosses the edge of a panel, a text or mark that comes within `EDGE` units of
    the frame's edge, a text whose em is under the floor of 1/40 of the frame's height, a caption so high that it
    reaches into the body of the frame.
    """
    tops = list(mobjects)
    lines = _lines(tops)
    boxes = [(mob, lines.get(id(mob), id(mob)), seen_box(mob)) for mob in texts(tops)]
    edges = [seen_box(mob) for top in tops for mob in top.get_family() if isinstance(mob, Outline)]
    found = []
    for i, (a, line, box) in enumerate(boxes):
        if a.em < min(frame.type.floor, frame.height / 40) - 1e-6:
            found.append(f"{_name(a)} is {a.em:.3f} units high, under the floor of {frame.type.floor}")
        if box is not None and box[0, 1] < frame.bottom - EDGE / 2 and box[1, 1] > frame.bottom + EDGE / 2:
            found.append(f"{_name(a)} stands half above and half under the line between body and caption")
        if any(_crosses(box, edge) for edge in edges):
            found.append(f"{_name(a)} crosses the edge of a panel")
        for b, other, other_box in boxes[:i]:
            if line != other and _overlap(box, other_box):
                found.append(f"{_name(a)} overlaps {_name(b)}")
    for top in tops:
        box = None if isinstance(top, Raster) else seen_box(top)
        if box is not None and (np.abs(box) > np.array([frame.width, frame.height]) / 2 - EDGE).any():
            found.append(f"{_name(top)} comes within {EDGE} of the frame's edge")
    return found


def _lines(tops: list[Mobject]) -> dict[int, int]:
    """Text → the running line it belongs to: a number stands in a gap of its own line, which is no overlap."""
    running = [mob for top in tops for mob in top.get_family() if isinstance(mob, Running)]
    return {id(part): id(line) for line in running for part in line.submobjects}


def seen_box(mob: Mobject) -> np.ndarray | None:
    """((x0, y0), (x1, y1)) of what is seen of a mobject and all it holds, bulk mobjects aside; None if nothing is."""
    seen = [
        part.points[:, :2]
        for part in mob.family_members_with_points()
        if isinstance(part, VMobject)
        and not isinstance(part, Raster)
        and max(part.fill_rgbas[0, 3], part.stroke_rgbas[0, 3] * (part.stroke_width > 0)) > _SEEN
    ]
    if not seen:
        return None
    points = np.concatenate(seen)
    return np.array([points.min(0), points.max(0)])


def _overlap(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    return a is not None and b is not None and bool((np.minimum(a[1], b[1]) > np.maximum(a[0], b[0])).all())


def _crosses(text: np.ndarray | None, edge: np.ndarray | None) -> bool:
    """Partly in the rectangle of an edge and partly not, by more than `EDGE` / 10."""
    if text is None or edge is None or not _overlap(text, edge):
        return False
    return bool((text[0] < edge[0] - EDGE / 10).any() or (text[1] > edge[1] + EDGE / 10).any())


def _name(mob: Mobject) -> str:
    if isinstance(mob, Typeset):
        return repr(mob.body.removeprefix("#strut;"))
    return f"number {mob.value:g}" if isinstance(mob, Number) else type(mob).__name__
