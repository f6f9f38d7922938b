"""Compiled inner loops that draw into a frame. They know pixels, not Manim.

A frame is a flat (H·W,) uint32 view of premultiplied RGBA bytes. Every kernel stays within `bounds` = (x0, x1, y0, y1),
skips what is not finite, and composites "over" in 8-bit fixed point, two channels to a multiplication.
Compiled code is cached on disk: the first call ever takes seconds, the first of a process milliseconds.
"""

from .blend import blit, restore, rounded
from .discs import LARGE, STEP, Stencils, discs, extent, stencils
from .pictures import bend, cells, heat, isolines, resample
from .polygons import polygons
from .space import far_to_near, project
from .stamps import DEGREES, rebase, show, stamp
from .streaks import lay, streaks, trace

__all__ = [
    "DEGREES",
    "LARGE",
    "STEP",
    "Stencils",
    "bend",
    "blit",
    "cells",
    "discs",
    "extent",
    "far_to_near",
    "heat",
    "isolines",
    "lay",
    "polygons",
    "project",
    "rebase",
    "resample",
    "restore",
    "rounded",
    "show",
    "stamp",
    "stencils",
    "streaks",
    "trace",
]
