"""Cameras that draw bulk mobjects: ordinary Manim cameras with one method replaced."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from manim import Camera, MovingCamera, ThreeDCamera, VMobject

from diffrender.animation.mobjects.base import Raster


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

    def set_cairo_context_path(self, ctx: Any, vmobject: VMobject) -> Any:
        """Manim's outline of a mobject, curve for curve, in half the time: by Python's numbers instead of NumPy's."""
        points = self.transform_points_pre_display(vmobject, vmobject.points)  # type: ignore[attr-defined]
        if len(points) % 4 or not len(points):
            return super().set_cairo_context_path(ctx, vmobject)  # type: ignore[misc]
        ctx.new_path()
        near, path = vmobject.tolerance_for_point_equality, points[:, :2].tolist()
        start = end = None
        for k in range(0, len(path), 4):
            at = path[k]
            if end is None or not _close(end, at, near):
                if end is not None and _close(start, end, near):
                    ctx.close_path()
                ctx.new_sub_path()
                ctx.move_to(*at)
                start = at
            end = path[k + 3]
            ctx.curve_to(*path[k + 1], *path[k + 2], *end)
        if _close(start, end, near):
            ctx.close_path()
        return self


def _close(a: Any, b: Any, near: float) -> bool:
    """Whether two points are one, as NumPy's `isclose` says."""
    return abs(a[0] - b[0]) <= near + 1e-5 * abs(b[0]) and abs(a[1] - b[1]) <= near + 1e-5 * abs(b[1])


class BulkCamera(Bulk, Camera):
    """Manim's camera, drawing bulk mobjects."""


class BulkMovingCamera(Bulk, MovingCamera):
    """Manim's moving and zooming camera, drawing bulk mobjects."""


class BulkThreeDCamera(Bulk, ThreeDCamera):
    """Manim's 3-D camera, drawing bulk mobjects as flat pictures on their panel (3-D data: see `orbit.py`)."""
