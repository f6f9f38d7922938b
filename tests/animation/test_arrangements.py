"""Named arrangements: in every shape of frame their boxes lie within the margins, and none on another."""

from __future__ import annotations

from itertools import combinations

import pytest

from diffrender.animation.layout.arrangements import arrange
from diffrender.animation.layout.box import Box
from diffrender.animation.layout.rows import ARRANGEMENTS
from diffrender.animation.theme import Frame
from diffrender.core.errors import RenderError

SIZES = {"wide": (1920, 1080), "classic": (1024, 768), "square": (1080, 1080), "tall": (1080, 1920)}
# boxes that are one another's, or the same place under two names
SHARED = {frozenset(pair) for pair in (("column", "key"), ("stage", "cells"), ("stage", "labels"))}


def named(boxes):
    """(name, box) of all boxes that have an extent, those of lists too."""
    found = []
    for name, value in boxes:
        found += [(name, b) for b in (value if isinstance(value, list) else [value])]
    return [(name, box) for name, box in found if box.height > 0]


def clashes(boxes):
    """Pairs of names whose boxes overlap and may not."""

    def overlap(a, b):
        return min(a.right, b.right) - max(a.left, b.left) > 1e-6 and min(a.top, b.top) - max(a.bottom, b.bottom) > 1e-6

    return [
        (m, n)
        for (m, a), (n, b) in combinations(boxes, 2)
        if overlap(a, b) and frozenset((m, n)) not in SHARED and not (m == n == "cells")
    ]


@pytest.mark.parametrize("shape", SIZES)
@pytest.mark.parametrize("name", ARRANGEMENTS)
def test_boxes_lie_within_the_margins_and_not_on_each_other(name, shape):
    frame = Frame.of(*SIZES[shape])
    assert frame.shape == shape
    boxes = named(arrange(name, frame))
    for label, box in boxes:
        assert box.width > 0.3, label
        rim = Box(-frame.x, frame.x, frame.bottom, frame.top).inset(-1e-9)
        assert all((box.left >= rim.left, box.right <= rim.right, box.bottom >= rim.bottom, box.top <= rim.top)), label
    assert clashes(boxes) == []
    name, first = next((n, b) for n, b in boxes if n not in ("key", "column"))
    assert clashes([*boxes, ("spoilt", first)])  # one that lies on another is found out


def test_tiles_and_cells_are_as_many_as_asked_for_and_equal():
    for shape, size in SIZES.items():
        frame = Frame.of(*size)
        tiles = arrange("panel over tiles", frame, tiles=4).tiles
        assert len(tiles) == 4
        assert all(t.width == pytest.approx(t.height) == pytest.approx(tiles[0].width) for t in tiles), shape
        cells = arrange("grid", frame, count=6).cells
        assert len(cells) == 6
        assert {round(c.width, 6) for c in cells} == {round(cells[0].width, 6)}


def test_an_unknown_arrangement_or_box_is_said_with_the_nearest_known():
    frame = Frame.of(1920, 1080)
    with pytest.raises(RenderError, match="no arrangement 'stge'") as caught:
        arrange("stge", frame)
    assert "stage" in caught.value.remedy
    with pytest.raises(RenderError, match="no box 'colum'") as caught:
        _ = arrange("stage with column", frame).colum
    assert "column" in caught.value.remedy


def test_a_box_is_cut_in_shares():
    left, right = Box(0, 9, 0, 4).columns(1, 3, gap=1)
    assert (left.width, right.width, right.right) == (2, 6, 9)
    above, below = Box(0, 9, 0, 4).rows(1, 1, gap=1)
    assert (above.bottom, below.top) == (2.5, 1.5)
    squares = Box(0, 9, 0, 4).squares(5, gap=0.5, lines=2)
    assert len(squares) == 5
    assert all(s.width == pytest.approx(s.height) for s in squares)
