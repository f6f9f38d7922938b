"""Whether what stands in a frame can be read: nothing overlaps, nothing leaves the frame, no text is too small."""

from __future__ import annotations

from collections.abc import Iterable

from manim import Mobject, VMobject

from .mobjects.raster import Raster
from .text import Number, Running, Typeset
from .theme import EDGE, Frame

_SEEN = 0.05  # fainter than this counts as gone


def texts(mobjects: Iterable[Mobject]) -> list[Typeset | Number]:
    """Every text that is seen, wherever it hangs."""
    return [
        mob
        for top in mobjects
        for mob in top.get_family()
        if isinstance(mob, Typeset | Number) and any(_seen(part) for part in mob.family_members_with_points())
    ]


def faults(mobjects: Iterable[Mobject], frame: Frame) -> list[str]:
    """What is wrong with a frame's layout, in words; nothing if all is well.

    Two texts that overlap, a text or mark that comes within `EDGE` units of the frame's edge, a text whose em is under
    the floor of 1/40 of the frame's height.
    """
    tops = list(mobjects)
    found, all_texts = [], texts(tops)
    lines = _lines(tops)
    for i, a in enumerate(all_texts):
        if a.em < min(frame.type.floor, frame.height / 40) - 1e-6:
            found.append(f"{_name(a)} is {a.em:.3f} units high, under the floor of {frame.type.floor}")
        for b in all_texts[:i]:
            if lines.get(id(a), id(a)) != lines.get(id(b), id(b)) and _overlap(a, b):
                found.append(f"{_name(a)} overlaps {_name(b)}")
    for top in tops:
        for mob in top.family_members_with_points():
            if not isinstance(mob, Raster) and _seen(mob) and _beyond(mob, frame):
                found.append(f"{_name(mob)} of {_name(top)} comes within {EDGE} of the frame's edge")
    return found


def _lines(tops: list[Mobject]) -> dict[int, int]:
    """Text → the running line it belongs to: a number stands in a gap of its own line, which is no overlap."""
    running = [mob for top in tops for mob in top.get_family() if isinstance(mob, Running)]
    return {id(part): id(line) for line in running for part in line.submobjects}


def _seen(mob: Mobject) -> bool:
    return isinstance(mob, VMobject) and max(mob.get_fill_opacity(), mob.get_stroke_opacity()) > _SEEN


def _overlap(a: Mobject, b: Mobject) -> bool:
    return all(
        min(a.get_corner([1, 1, 0])[i], b.get_corner([1, 1, 0])[i])
        > max(a.get_corner([-1, -1, 0])[i], b.get_corner([-1, -1, 0])[i])
        for i in (0, 1)
    )


def _beyond(mob: Mobject, frame: Frame) -> bool:
    (x0, y0, _), (x1, y1, _) = mob.get_corner([-1, -1, 0]), mob.get_corner([1, 1, 0])
    return max(-x0, x1) > frame.width / 2 - EDGE or max(-y0, y1) > frame.height / 2 - EDGE


def _name(mob: Mobject) -> str:
    if isinstance(mob, Typeset):
        return repr(mob.body.removeprefix("#strut;"))
    return f"number {mob.value:g}" if isinstance(mob, Number) else type(mob).__name__
