"""Arrangements with rows of tiles, grids of cells and strips."""

from __future__ import annotations

import math
from typing import Any

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.rows import arrangement, body_of, cut, key_height, slider_height
from diffrender.animation.layout.stages import stage
from diffrender.animation.theme import Frame

PLOT_ROW = 1.4  # height of a row in which a plot can be read, in a square frame,
TALL_PLOT = 5.4  # and in a tall one, in em of its legend


@arrangement("panel over tiles")
def panel_over_tiles(
    frame: Frame,
    *,
    tiles: int = 11,
    slider: bool = False,
    under: float = 0.34,
    key_lines: int = 2,
    largest: float = 2.4,
) -> dict[str, Any]:
    """A `panel`, `side` beside it for curves and numbers, and a row of square `tiles`.

    In a tall frame `side` lies under the panel, and has the part `under` of their height; tiles are at most `largest`.

    `key`: a row under the panel, of `key_lines` in a tall frame. `tile_names`: the boxes of their names, under each.
    """
    body, (slider_row,) = cut(body_of(frame), slider_height(frame) if slider else 0.0)
    lines = 2 if frame.shape == "tall" and tiles > 6 else 1
    each, name = -(-tiles // lines), 1.25 * frame.type.floor
    size = min(
        (body.width - 0.14 * (each - 1)) / each,
        {"wide": 1.6, "classic": 1.5, "square": 1.3, "tall": largest}[frame.shape],
    )
    body, (key_row, band) = cut(body, key_height(frame, key_lines), lines * (size + name) + 0.14 * (lines - 1))
    rows = band.rows(*[1] * lines, gap=0.14)
    squares = [square for k, row in enumerate(rows) for square in _tile_row(row, size, min(each, tiles - k * each))]
    if frame.shape == "tall":
        panel, side = body.rows(1 - under, under, gap=0.5)
    else:
        panel, side = body.columns(*((0.52, 0.48) if frame.shape == "wide" else (0.56, 0.44)), gap=0.7)
    names = [Box(s.left, s.right, s.bottom - name, s.bottom) for s in squares]
    return {
        "panel": panel, "side": side, "key": key_row, "tiles": squares, "tile_names": names, "slider": slider_row,
    }  # fmt: skip


@arrangement("panel beside tiles")
def panel_beside_tiles(
    frame: Frame,
    *,
    tiles: int = 7,
    under: float = 0.34,
    key_lines: int = 2,
    key_rows: int = 1,
    key_last: bool = False,
) -> dict[str, Any]:
    """A `panel` as high as the frame lets it be; beside it, under each other, `side`, the key, and a row of `tiles`.

    key_rows: lines of the key. key_last: it is the lowest, and names of tiles stand over them, next to `side`. In
    square and tall frames as "panel over tiles".
    """
    if frame.shape not in ("wide", "classic"):
        return panel_over_tiles(frame, tiles=tiles, under=under, key_lines=key_lines)
    panel, right = body_of(frame).columns(*((0.45, 0.55) if frame.shape == "wide" else (0.47, 0.53)), gap=0.6)
    name, gap = 1.25 * frame.type.legend, 0.14
    size = (right.width - gap * (tiles - 1)) / tiles
    key = max(1.6 * key_rows - 0.25, 0.0) * frame.type.legend
    if key_last:
        side, (row, key_row) = cut(right, size + name, key, gap=0.08)
        squares = _tile_row(row._replace(top=row.bottom + size), size, tiles)
        names = [Box(s.left, s.right, s.top, s.top + name) for s in squares]
        return {"panel": panel, "side": side, "key": key_row, "tiles": squares, "tile_names": names}
    side, (key_row, row) = cut(right, key, size + name)
    squares = _tile_row(row, size, tiles)
    names = [Box(s.left, s.right, s.bottom - name, s.bottom) for s in squares]
    return {"panel": panel, "side": side, "key": key_row, "tiles": squares, "tile_names": names}


def _tile_row(row: Box, size: float, count: int) -> list[Box]:
    """Squares spread evenly over a row, at its top."""
    step = (row.width - size) / max(count - 1, 1)
    return [Box(row.left + k * step, row.left + k * step + size, row.top - size, row.top) for k in range(count)]


@arrangement("grid")
def grid(
    frame: Frame, *, count: int = 4, slider: bool = True, key: bool = True, longest: float = math.inf
) -> dict[str, Any]:
    """`count` equal `cells` with a row for a label above each (`labels`), in as many rows as make them largest.

    longest: how many times the other a side of a cell may be; what is left over lies round all of them.
    """
    boxes = stage(frame, slider=slider, key=key)
    body, label, gap = boxes["stage"], 1.3 * frame.type.label, 0.35

    def cells(columns: int) -> list[Box]:
        return [
            b for row in body.rows(*[1] * -(-count // columns), gap=gap) for b in row.columns(*[1] * columns, gap=gap)
        ]

    best = max(range(1, count + 1), key=lambda n: min(cells(n)[0].width, cells(n)[0].height - label))
    (x0, x1, y0, y1), lines = cells(best)[0], -(-count // best)
    spare = max(0.0, x1 - x0 - longest * (y1 - y0 - label)), max(0.0, y1 - y0 - label - longest * (x1 - x0))
    body = body.inset(best * spare[0] / 2, lines * spare[1] / 2)
    made = cells(best)[:count]
    labels = [Box(b.left, b.right, b.top - label, b.top) for b in made]
    return boxes | {"cells": [Box(b.left, b.right, b.bottom, b.top - label) for b in made], "labels": labels}


@arrangement("cells over chart")
def cells_over_chart(frame: Frame, *, count: int = 4) -> dict[str, Any]:
    """`count` equal `cells`, a line of text over each (`labels`) and two under each (`notes`), over one `chart`.

    In as many rows as make them largest, wide enough for numbers; of a last row with fewer they stand in the middle.
    """
    label, note, gap = 1.3 * frame.type.label, 2.5 * frame.type.legend, 0.15 if frame.shape == "square" else 0.35
    body, least = body_of(frame), 7.4 * frame.type.floor

    def sizes(columns: int) -> tuple[float, float, float]:
        lines = -(-count // columns)
        high = body.height * min(0.44 + 0.14 * lines, 0.76)
        return (body.width - gap * (columns - 1)) / columns, (high - gap * (lines - 1)) / lines - label - note, high

    fitting = [n for n in range(1, count + 1) if sizes(n)[0] >= least]
    columns = max(fitting, key=lambda n: min(sizes(n)[:2]))
    width, height, high = sizes(columns)
    cells = []
    for k in range(count):
        line, place = divmod(k, columns)
        here = min(columns, count - line * columns)
        left = body.center[0] - (here * width + (here - 1) * gap) / 2 + place * (width + gap)
        top = body.top - line * (height + label + note + gap) - label
        cells.append(Box(left, left + width, top - height, top))
    labels = [Box(c.left, c.right, c.top, c.top + label) for c in cells]
    notes = [Box(c.left, c.right, c.bottom - note, c.bottom) for c in cells]
    return {"cells": cells, "labels": labels, "notes": notes, "chart": body._replace(top=body.top - high - 0.35)}


@arrangement("film strip")
def film_strip(frame: Frame, *, panels: int = 3, tiles: int = 11, slider: bool = False) -> dict[str, Any]:
    """`panels` square panels in a row with a label above each, `side` beside them if there is room, tiles below.

    In a tall frame, and in a square one with more than two panels, they lie in the width, and `side` is a row under
    them, in which a plot finds room.
    """
    boxes = panel_over_tiles(frame, tiles=tiles, slider=slider, largest=1.6)
    body = Box(-frame.x, frame.x, boxes["key"].top + 0.16, frame.top)
    label, gap = 1.3 * frame.type.label, 0.42 if frame.shape == "wide" else 0.25
    if frame.shape in ("wide", "classic") or (frame.shape == "square" and panels < 3):
        share = 0.6 if frame.shape == "square" else 0.72
        size = min(body.height - label, (share * body.width - gap * (panels - 1)) / panels)
        left, side = (
            body.left,
            Box(body.left + panels * (size + gap), body.right, body.top - label - size, body.top - label),
        )
        top = body.top - label
    else:
        row = (
            max(0.38 * body.height - label - 0.4, TALL_PLOT * frame.type.legend) if frame.shape == "tall" else PLOT_ROW
        )
        most = body.height - label - (0.4 if frame.shape == "tall" else 0.25) - row
        size = min((body.width - gap * (panels - 1)) / panels, most)
        left, top = body.left + (body.width - panels * size - gap * (panels - 1)) / 2, body.top - label
        side = Box(body.left, body.right, body.bottom, top - size - (0.4 if frame.shape == "tall" else 0.25))
    made = [Box(left + k * (size + gap), left + k * (size + gap) + size, top - size, top) for k in range(panels)]
    labels = [Box(b.left, b.right, b.top, b.top + label) for b in made]
    del boxes["panel"]
    return boxes | {"panels": made, "labels": labels, "side": side}
