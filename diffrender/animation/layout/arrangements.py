"""Named arrangements of a frame: where its stage, its panels and its rows of text lie, in every shape of frame.

A scene asks for one by name and gets boxes by name; no scene holds coordinates of its own:

>>> boxes = self.arrange("stage with column")
>>> boxes.stage, boxes.column, boxes.key, boxes.slider

Each arrangement is one function of the frame's body, the part between header and caption, and decides for itself what
is beside what in a `wide` (16:9), `classic` (4:3), `square` (1:1) or `tall` (9:16) frame. Text rows are as high as the
text that they hold.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from diffrender.animation.layout.box import Box, Boxes
from diffrender.animation.theme import Frame
from diffrender.core.errors import RenderError, suggest

PLOT_ROW = 1.4  # height of a row in which a plot can be read, in a square frame,
TALL_PLOT = 5.4  # and in a tall one, in em of its legend


ARRANGEMENTS: dict[str, Callable[..., dict[str, Any]]] = {}


def arrangement(name: str) -> Callable[[Callable[..., dict[str, Any]]], Callable[..., dict[str, Any]]]:
    """Register a function frame → boxes under `name`."""

    def register(make: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        ARRANGEMENTS[name] = make
        return make

    return register


def arrange(name: str, frame: Frame, **options: Any) -> Boxes:
    """The boxes of the arrangement called `name` in this frame; RenderError with the known ones if there is none."""
    if name not in ARRANGEMENTS:
        raise RenderError(f"There is no arrangement '{name}'.", suggest(name, ARRANGEMENTS))
    return Boxes(name, ARRANGEMENTS[name](frame, **options))


def _body(frame: Frame) -> Box:
    """What lies between header and caption, within the margins."""
    return Box(-frame.x, frame.x, frame.bottom, frame.top)


def _cut(box: Box, *heights: float, gap: float = 0.16) -> tuple[Box, list[Box]]:
    """What is left of a box when rows of these heights, the lowest last, are cut off at its bottom; and the rows."""
    rows, bottom = [], box.bottom
    for height in reversed(heights):
        rows.append(Box(box.left, box.right, bottom, bottom + height))
        bottom += height + (gap if height else 0.0)
    return Box(box.left, box.right, bottom, box.top), rows[::-1]


def _slider_row(frame: Frame) -> float:
    # a knob, and the words at its sides; in a tall frame as much as two lines of a key
    return (2.25 if frame.shape == "tall" else max(0.4 / frame.type.legend, 1.1)) * frame.type.legend


def _key_row(frame: Frame, lines: int = 2) -> float:
    return (2.9 if frame.shape == "tall" and lines > 1 else 1.35) * frame.type.legend  # in a tall frame two lines


@arrangement("stage")
def stage(frame: Frame, *, slider: bool = True, key: bool = True) -> dict[str, Any]:
    """One stage as large as the frame lets it be; `key` and `slider` under it."""
    body, (key_row, slider_row) = _cut(
        _body(frame), _key_row(frame) if key else 0.0, _slider_row(frame) if slider else 0.0
    )
    return {"stage": body, "key": key_row, "slider": slider_row}


@arrangement("stage with column")
def stage_with_column(frame: Frame, *, slider: bool = True, lines: int = 1, band: float = 2.2) -> dict[str, Any]:
    """A stage and a `column` for what is read: beside it in wide and 4:3 frames, a band of `lines` under it in others.

    band: height of that in a tall frame, of text in its usual size.

    `key`: where the legend goes, at the column's foot, or a row under the stage. `slider`: the lowest row.
    """
    body, (slider_row,) = _cut(_body(frame), _slider_row(frame) if slider else 0.0)
    if frame.shape in ("wide", "classic"):
        column, right = body.columns(*((0.34, 0.66) if frame.shape == "wide" else (0.36, 0.64)))
        return {"stage": right, "column": column, "key": column, "slider": slider_row}
    band = (
        band * max(1.0, frame.font_scale)
        if frame.shape == "tall"
        else 1.2 * frame.type.title + 1.6 * frame.type.label * (lines - 1)
    )
    top, (key_row, column) = _cut(body, _key_row(frame), band)
    return {"stage": top, "column": column, "key": key_row, "slider": slider_row}


@arrangement("square stage with column")
def square_stage_with_column(frame: Frame) -> dict[str, Any]:
    """A square stage, and a `column` for what is read beside it with the `key` at its foot; in square and tall frames
    as "stage with column"."""
    if frame.shape not in ("wide", "classic"):
        return stage_with_column(frame, slider=False, lines=2, band=4.3)
    body = _body(frame)
    gap, width = (0.5 if frame.shape == "wide" else 0.3), min(body.height, 0.56 * body.width)
    column, (key_row,) = _cut(body._replace(left=body.left + width + gap), _key_row(frame))
    return {"stage": body._replace(right=body.left + width), "column": column, "key": key_row}


@arrangement("stage and side")
def stage_and_side(frame: Frame, *, slider: bool = False) -> dict[str, Any]:
    """A stage, and a `side` for pictures and curves: beside it, in a tall frame under it."""
    body, (slider_row,) = _cut(_body(frame), _slider_row(frame) if slider else 0.0)
    if frame.shape == "tall":
        left, right = body.rows(0.58, 0.42, gap=0.35)
    else:
        left, right = body.columns(0.58, 0.42, gap=0.5 if frame.shape == "wide" else 0.3)
    return {"stage": left, "side": right, "slider": slider_row}


@arrangement("ribbon")
def ribbon(frame: Frame) -> dict[str, Any]:
    """A `stage` over time, and a strip at each end of it (`first`, `last`), a line over each, and a `key` under it."""
    body, (key_row,) = _cut(_body(frame), _key_row(frame))
    body = body._replace(top=body.top - 1.3 * frame.type.label, bottom=body.bottom + 1.4 * frame.type.legend)
    first, stage, last = body.columns(*((0.13, 0.74, 0.13) if frame.shape != "tall" else (0.2, 0.6, 0.2)), gap=0.12)
    return {"stage": stage, "first": first, "last": last, "key": key_row}


@arrangement("rows with sides")
def rows_with_sides(frame: Frame, *, count: int = 3) -> dict[str, Any]:
    """`count` wide `cells` under each other, a line over each (`labels`), a strip beside each (`sides`); a `key`."""
    body, (key_row,) = _cut(_body(frame), _key_row(frame))
    label = 1.3 * frame.type.legend
    rows = [row._replace(top=row.top - label) for row in body.rows(*[1] * count, gap=0.16)]
    pairs = [row.columns(*((0.78, 0.22) if frame.shape != "tall" else (0.68, 0.32)), gap=0.12) for row in rows]
    labels = [row._replace(bottom=row.top, top=row.top + label) for row in rows]
    return {"cells": [a for a, _ in pairs], "sides": [b for _, b in pairs], "labels": labels, "key": key_row}


@arrangement("two panels")
def two_panels(frame: Frame, *, slider: bool = False, lines: int = 1) -> dict[str, Any]:
    """Two panels of one size, `left` and `right`: side by side, in a tall frame above each other.

    Room for a label above each, and for a legend under each: `left_key`, `right_key`, in a tall frame halves of a row.
    lines: of each legend, in a tall frame twice as many over the whole width.
    """
    body, (slider_row,) = _cut(_body(frame), _slider_row(frame) if slider else 0.0)
    label, key = 1.3 * frame.type.label, lines * _key_row(frame)
    if frame.shape == "tall":
        body, (key_row,) = _cut(body, key)
        left, right = body.rows(1, 1, gap=label + 0.2)
        left, right = (Box(b.left, b.right, b.bottom, b.top - label) for b in (left, right))
        keys = key_row.columns(1, 1)
        return {"left": left, "right": right, "left_key": keys[0], "right_key": keys[1], "slider": slider_row}
    gap = {"wide": 0.7, "classic": 0.5, "square": 0.4}[frame.shape]
    body, (key_row,) = _cut(body, key)
    left, right = Box(body.left, body.right, body.bottom, body.top - label).columns(1, 1, gap=gap)
    keys = key_row.columns(1, 1, gap=gap)
    return {"left": left, "right": right, "left_key": keys[0], "right_key": keys[1], "slider": slider_row}


@arrangement("two panels and chart")
def two_panels_and_chart(frame: Frame) -> dict[str, Any]:
    """Two panels of one size, `left` and `right`, and a `chart`: in a row, in square and tall frames the chart below.

    Room for a label above each, and for two lines under each panel: `left_key`, `right_key`.
    """
    body, label, key = _body(frame), 1.3 * frame.type.label, 2.6 * frame.type.legend
    if frame.shape in ("wide", "classic"):
        *panels, chart = body.columns(1, 1, 1.1, gap=0.5 if frame.shape == "wide" else 0.4)
        chart = chart._replace(bottom=body.bottom + (key - 1.3 * frame.type.legend))  # its axis near the panels' edge
    else:
        upper, chart = body.rows(*((0.54, 0.46) if frame.shape == "square" else (0.55, 0.45)), gap=0.3)
        panels = upper.columns(1, 1, gap=0.4)
    left, right = (Box(b.left, b.right, b.bottom + key, b.top - label) for b in panels)
    keys = [Box(b.left, b.right, b.bottom - key, b.bottom) for b in (left, right)]
    return {"left": left, "right": right, "left_key": keys[0], "right_key": keys[1], "chart": chart}


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
    body, (slider_row,) = _cut(_body(frame), _slider_row(frame) if slider else 0.0)
    lines = 2 if frame.shape == "tall" and tiles > 6 else 1
    each, name = -(-tiles // lines), 1.25 * frame.type.floor
    size = min(
        (body.width - 0.14 * (each - 1)) / each,
        {"wide": 1.6, "classic": 1.5, "square": 1.3, "tall": largest}[frame.shape],
    )
    body, (key_row, band) = _cut(body, _key_row(frame, key_lines), lines * (size + name) + 0.14 * (lines - 1))
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
    panel, right = _body(frame).columns(*((0.45, 0.55) if frame.shape == "wide" else (0.47, 0.53)), gap=0.6)
    name, gap = 1.25 * frame.type.legend, 0.14
    size = (right.width - gap * (tiles - 1)) / tiles
    key = max(1.6 * key_rows - 0.25, 0.0) * frame.type.legend
    if key_last:
        side, (row, key_row) = _cut(right, size + name, key, gap=0.08)
        squares = _tile_row(row._replace(top=row.bottom + size), size, tiles)
        names = [Box(s.left, s.right, s.top, s.top + name) for s in squares]
        return {"panel": panel, "side": side, "key": key_row, "tiles": squares, "tile_names": names}
    side, (key_row, row) = _cut(right, key, size + name)
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
    body, least = _body(frame), 7.4 * frame.type.floor

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
