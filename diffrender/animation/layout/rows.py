"""What arrangements are made of: a register of them, a frame's body, and rows cut off it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from diffrender.animation.layout.box import Box
from diffrender.animation.theme import Frame

ARRANGEMENTS: dict[str, Callable[..., dict[str, Any]]] = {}


def arrangement(name: str) -> Callable[[Callable[..., dict[str, Any]]], Callable[..., dict[str, Any]]]:
    """Register a function frame → boxes under `name`."""

    def register(make: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        ARRANGEMENTS[name] = make
        return make

    return register


def body_of(frame: Frame) -> Box:
    """What lies between header and caption, within the margins."""
    return Box(-frame.x, frame.x, frame.bottom, frame.top)


def cut(box: Box, *heights: float, gap: float = 0.16) -> tuple[Box, list[Box]]:
    """What is left of a box when rows of these heights, the lowest last, are cut off at its bottom; and the rows."""
    rows, bottom = [], box.bottom
    for height in reversed(heights):
        rows.append(Box(box.left, box.right, bottom, bottom + height))
        bottom += height + (gap if height else 0.0)
    return Box(box.left, box.right, bottom, box.top), rows[::-1]


def slider_height(frame: Frame) -> float:
    """Height of a row for a knob, and the words at its sides; in a tall frame as much as two lines of a key."""
    return (2.25 if frame.shape == "tall" else max(0.4 / frame.type.legend, 1.1)) * frame.type.legend


def key_height(frame: Frame, lines: int = 2) -> float:
    return (2.9 if frame.shape == "tall" and lines > 1 else 1.35) * frame.type.legend  # in a tall frame two lines
