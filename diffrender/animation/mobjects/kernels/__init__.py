"""Compiled inner loops that draw into a frame. They know pixels, not Manim.

A frame is a flat (H·W,) uint32 view of premultiplied RGBA bytes. Every kernel stays within `bounds` = (x0, x1, y0, y1),
skips what is not finite, and composites "over" in 8-bit fixed point, two channels to a multiplication.
Compiled code is cached on disk: the first call ever takes seconds, the first of a process milliseconds.
"""

from diffrender.animation.mobjects.kernels.blend import blit, restore, rounded
from diffrender.animation.mobjects.kernels.discs import LARGE, STEP, Stencils, discs, extent, stencils
from diffrender.animation.mobjects.kernels.hills import hills, over_floor
from diffrender.animation.mobjects.kernels.images import bend, cells, heat, isolines, resample
from diffrender.animation.mobjects.kernels.landscape import bare_surface, on_surface, surface
from diffrender.animation.mobjects.kernels.polygons import polygons
from diffrender.animation.mobjects.kernels.space import far_to_near, project, trace_space
from diffrender.animation.mobjects.kernels.stamps import DEGREES, rebase, show, stamp
from diffrender.animation.mobjects.kernels.streaks import lay, streaks, trace

__all__ = [
    "DEGREES",
    "LARGE",
    "STEP",
    "Stencils",
    "bare_surface",
    "bend",
    "blit",
    "cells",
    "discs",
    "extent",
    "far_to_near",
    "heat",
    "hills",
    "isolines",
    "lay",
    "on_surface",
    "over_floor",
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
    "surface",
    "trace",
    "trace_space",
]
