"""Names of a row of tiles: all of one size, as large as they have room for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.theme import EDGE

SIZES = "legend", "floor"
HEIGHT, HANG = 1.2, 0.4  # em of a row at least; units that the first name may hang over its tile's left edge


def tile_names(page: Page, tiles: Sequence[Box], rows: Sequence[Box], names: Sequence[str], prefix: str) -> list[Any]:
    """A name for each of `tiles`, in its box of `rows`; the first begins with `prefix` if there is room."""
    for size in SIZES:
        em, made = page.em(size), [page.words(name, size, "muted") for name in names]
        if max(text.width for text in made) <= tiles[0].width and rows[0].height >= HEIGHT * em:
            break
    first, tile = page.words(prefix + names[0], size, "muted"), tiles[0]
    for text, box, row in zip(made, tiles, rows, strict=False):
        text.at(box.center[0], row.bottom + 0.25 * em, 0)
    if first.width <= tile.width:
        made[0] = first.at(tile.center[0], made[0].baseline, 0)
    elif made[0].get_right()[0] - first.width >= max(tile.left - HANG, EDGE - page.frame.width / 2):
        made[0] = first.at(made[0].get_right()[0], made[0].baseline, 1)
    return made
