"""The Manim wing: what scenes are made of. Scene files import from here, and nothing else of diffrender.

Names are loaded when first used, since Manim takes a second.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# module below `diffrender` → the names it lends
_MODULES: dict[str, tuple[str, ...]] = {
    "animation.animations": (
        "FadeInFast",
        "FadeOutFast",
        "PlayTrajectory",
        "UpdateFromAlpha",
        "ticked",
    ),
    "animation.layout.page": (
        "MOVING_TEXT",
        "containing",
        "fitted",
    ),
    "animation.layout.views": (
        "Plane",
        "Space",
        "around",
    ),
    "animation.mobjects.base": ("Raster",),
    "animation.mobjects.camera": ("BulkCamera",),
    "animation.mobjects.furniture.color_bar": ("ColorBar",),
    "animation.mobjects.furniture.panels": (
        "KEY_DOT_WIDTH",
        "Rect",
        "frame",
        "key_arrow",
        "key_dot",
        "key_line",
        "legend",
        "line",
        "panel",
    ),
    "animation.mobjects.images.grid": ("ImageGrid",),
    "animation.mobjects.plane.cloud": ("PointCloud",),
    "animation.mobjects.plane.curve": (
        "Curve",
        "averaged",
    ),
    "animation.mobjects.plane.field": (
        "Streamlines",
        "nearness",
        "VectorField",
    ),
    "animation.mobjects.plane.heat": (
        "Contours",
        "Heatmap",
    ),
    "animation.mobjects.plane.histogram": ("Histogram2D",),
    "animation.mobjects.plane.lattice": (
        "Lattice",
        "areas",
        "normal_mass",
    ),
    "animation.mobjects.plane.trails": ("Trails",),
    "animation.mobjects.space.cloud": (
        "PointCloud3D",
        "VectorField3D",
    ),
    "animation.mobjects.space.lines": (
        "Cage",
        "Trails3D",
    ),
    "animation.parts.density_panel": (
        "DensityPanel",
        "POWER",
    ),
    "animation.parts.readouts": ("Course",),
    "animation.parts.zoom.magnifier": (
        "Magnifier",
        "PACE",
        "TERMS",
    ),
    "animation.parts.zoom.pacing": (
        "Accelerating",
        "pick_step",
    ),
    "animation.parts.zoom.spotlight": (
        "Spotlight",
        "extent_of",
    ),
    "animation.scene": (
        "SceneOptions",
        "TrajectoryScene",
    ),
    "animation.text.captions": ("captions",),
    "animation.text.numbers": (
        "Number",
        "Running",
    ),
    "animation.text.typst": (
        "Typeset",
        "escaped",
        "maths",
        "words",
    ),
    "animation.theme": (
        "HAIR",
        "LINE",
        "MARGIN",
        "blend",
        "point_radius",
    ),
    "animation.timeline": (
        "linear",
        "log_snr",
        "path_length",
    ),
    "core.errors": ("RenderError",),
    "trajectory.reader": ("Trajectory",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'diffrender.animation' has no attribute '{name}'")
    module = import_module(f"diffrender.{_HOME[name]}")
    value = module if module.__name__.endswith(f".{name}") else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
