"""Arrangements of one stage, or of few panels."""

from __future__ import annotations

from typing import Any

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.rows import arrangement, body_of, cut, key_height, slider_height
from diffrender.animation.theme import Frame


@arrangement("stage")
def stage(frame: Frame, *, slider: bool = True, key: bool = True) -> dict[str, Any]:
    """One stage as large as the frame lets it be; `key` and `slider` under it."""
    body, (key_row, slider_row) = cut(
        body_of(frame), key_height(frame) if key else 0.0, slider_height(frame) if slider else 0.0
    )
    return {"stage": body, "key": key_row, "slider": slider_row}


@arrangement("stage with column")
def stage_with_column(frame: Frame, *, slider: bool = True, lines: int = 1, band: float = 2.2) -> dict[str, Any]:
    """A stage and a `column` for what is read: beside it in wide and 4:3 frames, a band of `lines` under it in others.

    band: height of that in a tall frame, of text in its usual size.

    `key`: where the legend goes, at the column's foot, or a row under the stage. `slider`: the lowest row.
    """
    body, (slider_row,) = cut(body_of(frame), slider_height(frame) if slider else 0.0)
    if frame.shape in ("wide", "classic"):
        column, right = body.columns(*((0.34, 0.66) if frame.shape == "wide" else (0.36, 0.64)))
        return {"stage": right, "column": column, "key": column, "slider": slider_row}
    band = (
        band * max(1.0, frame.font_scale)
        if frame.shape == "tall"
        else 1.2 * frame.type.title + 1.6 * frame.type.label * (lines - 1)
    )
    top, (key_row, column) = cut(body, key_height(frame), band)
    return {"stage": top, "column": column, "key": key_row, "slider": slider_row}


@arrangement("square stage with column")
def square_stage_with_column(frame: Frame) -> dict[str, Any]:
    """A square stage, and a `column` for what is read beside it with the `key` at its foot; in square and tall frames
    as "stage with column"."""
    if frame.shape not in ("wide", "classic"):
        return stage_with_column(frame, slider=False, lines=2, band=4.3)
    body = body_of(frame)
    gap, width = (0.5 if frame.shape == "wide" else 0.3), min(body.height, 0.56 * body.width)
    column, (key_row,) = cut(body._replace(left=body.left + width + gap), key_height(frame))
    return {"stage": body._replace(right=body.left + width), "column": column, "key": key_row}


@arrangement("stage and side")
def stage_and_side(frame: Frame, *, slider: bool = False) -> dict[str, Any]:
    """A stage, and a `side` for pictures and curves: beside it, in a tall frame under it."""
    body, (slider_row,) = cut(body_of(frame), slider_height(frame) if slider else 0.0)
    if frame.shape == "tall":
        left, right = body.rows(0.58, 0.42, gap=0.35)
    else:
        left, right = body.columns(0.58, 0.42, gap=0.5 if frame.shape == "wide" else 0.3)
    return {"stage": left, "side": right, "slider": slider_row}


@arrangement("ribbon")
def ribbon(frame: Frame) -> dict[str, Any]:
    """A `stage` over time, and a strip at each end of it (`first`, `last`), a line over each, and a `key` under it."""
    body, (key_row,) = cut(body_of(frame), key_height(frame))
    body = body._replace(top=body.top - 1.3 * frame.type.label, bottom=body.bottom + 1.4 * frame.type.legend)
    first, stage, last = body.columns(*((0.13, 0.74, 0.13) if frame.shape != "tall" else (0.2, 0.6, 0.2)), gap=0.12)
    return {"stage": stage, "first": first, "last": last, "key": key_row}


@arrangement("rows with sides")
def rows_with_sides(frame: Frame, *, count: int = 3) -> dict[str, Any]:
    """`count` wide `cells` under each other, a line over each (`labels`), a strip beside each (`sides`); a `key`."""
    body, (key_row,) = cut(body_of(frame), key_height(frame))
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
    body, (slider_row,) = cut(body_of(frame), slider_height(frame) if slider else 0.0)
    label, key = 1.3 * frame.type.label, lines * key_height(frame)
    if frame.shape == "tall":
        body, (key_row,) = cut(body, key)
        left, right = body.rows(1, 1, gap=label + 0.2)
        left, right = (Box(b.left, b.right, b.bottom, b.top - label) for b in (left, right))
        keys = key_row.columns(1, 1)
        return {"left": left, "right": right, "left_key": keys[0], "right_key": keys[1], "slider": slider_row}
    gap = {"wide": 0.7, "classic": 0.5, "square": 0.4}[frame.shape]
    body, (key_row,) = cut(body, key)
    left, right = Box(body.left, body.right, body.bottom, body.top - label).columns(1, 1, gap=gap)
    keys = key_row.columns(1, 1, gap=gap)
    return {"left": left, "right": right, "left_key": keys[0], "right_key": keys[1], "slider": slider_row}


@arrangement("two panels and chart")
def two_panels_and_chart(frame: Frame) -> dict[str, Any]:
    """Two panels of one size, `left` and `right`, and a `chart`: in a row, in square and tall frames the chart below.

    Room for a label above each, and for two lines under each panel: `left_key`, `right_key`.
    """
    body, label, key = body_of(frame), 1.3 * frame.type.label, 2.6 * frame.type.legend
    if frame.shape in ("wide", "classic"):
        *panels, chart = body.columns(1, 1, 1.1, gap=0.5 if frame.shape == "wide" else 0.4)
        chart = chart._replace(bottom=body.bottom + (key - 1.3 * frame.type.legend))  # its axis near the panels' edge
    else:
        upper, chart = body.rows(*((0.54, 0.46) if frame.shape == "square" else (0.55, 0.45)), gap=0.3)
        panels = upper.columns(1, 1, gap=0.4)
    left, right = (Box(b.left, b.right, b.bottom + key, b.top - label) for b in panels)
    keys = [Box(b.left, b.right, b.bottom - key, b.bottom) for b in (left, right)]
    return {"left": left, "right": right, "left_key": keys[0], "right_key": keys[1], "chart": chart}
