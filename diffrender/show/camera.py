"""Cameras that draw bulk mobjects: ordinary Manim cameras with one method replaced."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from manim import Camera, MovingCamera, ThreeDCamera, VMobject

from .mobjects.raster import Raster


class Bulk:
    """Mixin for a cairo camera: a `Raster` draws itself into the frame, in its ordinary place in the z-order."""

    def display_multiple_non_background_colored_vmobjects(
        self, vmobjects: Iterable[VMobject], pixel_array: Any
    ) -> None:
        context = self.get_cairo_context(pixel_array)  # type: ignore[attr-defined]
        surface = context.get_target()
        for mobject in vmobjects:
            if not isinstance(mobject, Raster):
                self.display_vectorized(mobject, context)  # type: ignore[attr-defined]
            elif (opacity := mobject.get_fill_opacity()) > 0:
                surface.flush()
                mobject.draw(self, pixel_array, float(min(opacity, 1)))
                surface.mark_dirty()


class BulkCamera(Bulk, Camera):
    """Manim's camera, drawing bulk mobjects."""


class BulkMovingCamera(Bulk, MovingCamera):
    """Manim's moving and zooming camera, drawing bulk mobjects."""


class BulkThreeDCamera(Bulk, ThreeDCamera):
    """Manim's 3-D camera, drawing bulk mobjects as flat pictures on their panel (3-D data: see `orbit.py`)."""
