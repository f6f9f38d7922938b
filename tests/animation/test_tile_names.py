"""Names of tiles: of one size, as large as they have room for, and the first says what all are."""

from __future__ import annotations

import pytest

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.parts.tile_names import tile_names
from diffrender.animation.theme import Frame, theme


def row(width, height=0.5, gap=0.14):
    tiles = [Box(k * (width + gap), k * (width + gap) + width, 0.5, 0.5 + width) for k in range(4)]
    return tiles, [Box(t.left, t.right, 0.5 - height, 0.5) for t in tiles]


@pytest.mark.parametrize(("width", "height", "size"), [(2.0, 0.5, "legend"), (0.5, 0.5, "floor"), (2.0, 0.25, "floor")])
def test_names_are_as_large_as_there_is_room_for(width, height, size):
    page = Page(Frame.of(1920, 1080), theme("dark"))
    made = tile_names(page, *row(width, height), ["0", "100", "2,000", "6,000"], "step ")
    assert made[1].height == pytest.approx(page.words("100", size).height)
    other = {"legend": "floor", "floor": "legend"}[size]
    assert made[1].height != pytest.approx(page.words("100", other).height), "the control"


def test_the_first_says_what_all_are_unless_it_would_come_near_the_next():
    page = Page(Frame.of(1920, 1080), theme("dark"))
    assert tile_names(page, *row(1.5), ["0", "7", "8", "9"], "step ")[0].body.endswith(" 0")
    names = tile_names(page, *row(0.35), ["0", "7", "8", "9"], "a long word ")
    assert "long" not in names[0].body
