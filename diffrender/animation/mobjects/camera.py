"""Cameras that draw bulk mobjects and glyphs in ways of their own; all else as Manim's cameras do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from manim import Camera, Mobject, MovingCamera, ThreeDCamera, VMobject

from diffrender.animation.mobjects.base import Raster
from diffrender.animation.text.glyph import Glyph, Stamps, trace


class Bulk:
    """Mixin for a cairo camera: a `Raster` draws itself, and a `Glyph` is stamped, each in its place in the z-order.

    mark: (H, W, 4) uint8 RGBA, premultiplied, that lies on the background's last rows; None for a bare one.
    view: (x, y, width, height) of what is seen, its centre first, while that is known to stand; else None. (Manim
        measures the frame anew for every point asked about.)
    """

    mark: np.ndarray | None = None
    view: tuple[float, float, float, float] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.stamps = Stamps()
        # a camera that turns points in space has no flat outlines to keep
        self.flat = type(self).transform_points_pre_display is Camera.transform_points_pre_display  # type: ignore[attr-defined]
        super().__init__(*args, **kwargs)

    def put_mark(self, mark: np.ndarray) -> None:
        """From now on the background has this mark."""
        self.mark = mark
        self.init_background()

    def init_background(self) -> None:
        """As Manim does, with the mark."""
        super().init_background()  # type: ignore[misc]
        if self.mark is not None:
            rows = self.background[-len(self.mark) :]  # type: ignore[attr-defined]
            clear = 255 - self.mark[..., 3:].astype(np.uint16)
            rows[:] = self.mark + (rows * clear + 127) // 255

    def display_multiple_non_background_colored_vmobjects(
        self, vmobjects: Iterable[VMobject], pixel_array: Any
    ) -> None:
        """Draw in order into (H, W, 4) uint8 pixels: bulk mobjects and glyphs here, all others as Manim does."""
        context = self.get_cairo_context(pixel_array)  # type: ignore[attr-defined]
        surface = context.get_target()
        for mobject in vmobjects:
            if isinstance(mobject, Glyph) and self.flat and self.stamps.draw(self, context, mobject):
                continue
            if not isinstance(mobject, Raster):
                self.display_vectorized(mobject, context)  # type: ignore[attr-defined]
            elif (opacity := mobject.get_fill_opacity()) > 0:
                surface.flush()
                mobject.draw(self, pixel_array, float(min(opacity, 1)))
                surface.mark_dirty()

    def points_to_subpixel_coords(self, mobject: Mobject, points: np.ndarray) -> np.ndarray:
        """(N, 2) pixels of points (N, 3): Manim's own figures."""
        if self.view is None or not self.flat:
            return super().points_to_subpixel_coords(mobject, points)  # type: ignore[misc]
        points = self.transform_points_pre_display(mobject, points)  # type: ignore[attr-defined]
        x, y, width, height = self.view
        wide, high = self.pixel_width, self.pixel_height  # type: ignore[attr-defined]
        pixels = np.empty((len(points), 2))
        pixels[:, 0] = (points[:, 0] - x) * (wide / width) + wide / 2
        pixels[:, 1] = (points[:, 1] - y) * -(high / height) + high / 2
        return pixels

    def set_cairo_context_path(self, ctx: Any, vmobject: VMobject) -> Any:
        """Manim's outline of a mobject, curve for curve, in half the time: by Python's numbers instead of NumPy's."""
        points = self.transform_points_pre_display(vmobject, vmobject.points)  # type: ignore[attr-defined]
        if len(points) % 4 or not len(points):
            return super().set_cairo_context_path(ctx, vmobject)  # type: ignore[misc]
        trace(ctx, points[:, :2].tolist(), vmobject.tolerance_for_point_equality)
        return self


class BulkCamera(Bulk, Camera):
    """Manim's camera, drawing bulk mobjects."""


class BulkMovingCamera(Bulk, MovingCamera):
    """Manim's moving and zooming camera, drawing bulk mobjects."""


class BulkThreeDCamera(Bulk, ThreeDCamera):
    """Manim's 3-D camera, drawing bulk mobjects as flat pictures on their panel (3-D data: see `orbit.py`)."""
