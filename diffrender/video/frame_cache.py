"""A cache of drawn frames: only what changed since the last frame is drawn.

Manim draws anew everything from the first mobject that moves. But mobjects that share no pixel can be drawn in any
order, to the same picture: a mobject that stands still and touches nothing that moves beneath it is drawn first, into
a layer that is kept. What is kept decides how long a frame takes, never what it shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil, floor
from typing import Any

import numpy as np
from manim import Camera, Mobject, MovingCamera, VMobject

from diffrender.animation.mobjects.base import Raster
from diffrender.animation.mobjects.camera import Bulk, BulkCamera, BulkMovingCamera

MOVING_FRAMES = 12  # for which a changed mobject counts as moving; doubled after each wrong guess
MARGIN = 2.0  # pixels: what antialiasing may touch beyond an outline
MITER_WIDTHS = 5.0  # in stroke widths: how far a corner may stick out under cairo's miter limit of 10,
CAP_WIDTHS = 0.75  # and the end of a line that has no corners
MAX_PIXEL = 1e6  # farther out cairo's fixed-point coordinates overflow, and anything may be drawn anywhere
MAX_PATCHED_SHARE = 0.8  # of the frame: if more was drawn over, all of it is put back
KNOWN_CAMERAS = {Camera, MovingCamera, Bulk, BulkCamera, BulkMovingCamera, object}  # cameras that draw as is said here

Area = tuple[float, float, float, float]  # left, right, top, bottom in whole pixels, or infinite
EVERYWHERE: Area = (-np.inf, np.inf, -np.inf, np.inf)


@dataclass(eq=False)
class Seen:
    """A mobject as it was drawn: all that decides how it looks, and the pixels it may have touched.

    state: None if it cannot be told whether it looks the same. until: the frame up to which it counts as moving, which
    is `patience` frames after it changed.
    """

    mobject: Mobject
    state: Any
    area: Area
    patience: int
    until: int


@dataclass
class Layer:
    """A picture, and what it is of."""

    base: np.ndarray
    holds: list[Seen] = field(default_factory=list)
    pixels: np.ndarray | None = None


class FrameCache:
    """Draws the frames of a scene, one after the other, on one camera."""

    def __init__(self, camera: Any) -> None:
        self.camera = camera
        self.applies = all(c in KNOWN_CAMERAS or _adds_nothing(c) for c in type(camera).__mro__)
        self.frame = 0
        self.view: Any = None
        self.seen: dict[int, Seen] = {}
        self.animated: set[int] = set()
        self.layer: Layer | None = None
        self.over: list[Seen] | None = None  # what was drawn over the layer last; None: the pixels may hold anything

    def begin(self, animated: Iterable[Mobject]) -> None:
        """Something else was drawn with the camera since the last frame; now these mobjects will move."""
        self.over = None
        self.animated = {id(mobject) for mobject in animated}
        for key in self.animated & self.seen.keys():
            self.seen[key].until = self.frame + MOVING_FRAMES

    def draw(self, base: np.ndarray, mobjects: Iterable[Mobject]) -> None:
        """Draw mobjects over the picture `base` (H, W, 4) into the camera's pixels, as `capture_mobjects` would."""
        if not self.applies:
            self.camera.set_frame_to_background(base)
            self._capture(self.camera.get_mobjects_to_display(mobjects))
            return
        self.camera.view = None
        x, y = self.camera.frame_center[:2]
        self.camera.view = (x, y, self.camera.frame_width, self.camera.frame_height)
        try:
            self._draw(base, displayed(mobjects))
        finally:
            self.camera.view = None

    def _draw(self, base: np.ndarray, mobjects: Sequence[Mobject]) -> None:
        """Draw so, while what is seen stands."""
        still, moving = self._divide(self._look(mobjects))
        layer, stale = self.layer, moving
        if layer is None or layer.base is not base or layer.holds != still:
            self._make_layer(base, still)
        else:
            if moving == self.over:
                return
            stale = self._stale(moving)
            self._put_back(base if layer.pixels is None else layer.pixels, set(moving) - set(stale))
        self._capture([one.mobject for one in stale])
        self.over = moving

    def _look(self, shown: Sequence[Mobject]) -> list[Seen]:
        """Mobjects as they are now; what looks as it did is the very same `Seen` as before."""
        camera, self.frame = self.camera, self.frame + 1
        before, self.seen = (self.seen if camera.view == self.view else {}), {}
        self.view = camera.view
        for mobject in shown:
            state, last = _state(mobject), before.get(id(mobject))
            if last is None or state is None or last.state != state:
                if last is None:
                    patience = MOVING_FRAMES
                    until = self.frame + (MOVING_FRAMES if id(mobject) in self.animated else 1)
                else:
                    patience = last.patience * (2 if last.until <= self.frame else 1)
                    until = self.frame + patience
                same = last is not None and _same_outline(last.state, state)
                last = Seen(mobject, state, last.area if last and same else _area(mobject, camera), patience, until)
            self.seen[id(mobject)] = last
        return list(self.seen.values())

    def _divide(self, shown: list[Seen]) -> tuple[list[Seen], list[Seen]]:
        """What can be drawn first, for it stands still and touches nothing that comes before it and moves; the rest."""
        still: list[Seen] = []
        moving: list[Seen] = []
        for one in shown:
            if one.state is None or one.until > self.frame or _touches(one.area, moving):
                moving.append(one)
            else:
                still.append(one)
        return still, moving

    def _make_layer(self, base: np.ndarray, still: list[Seen]) -> None:
        self.camera.set_frame_to_background(base)
        kept = self.layer.pixels if self.layer else None
        self.layer = Layer(base, still)
        if still:
            self._capture([one.mobject for one in still])
            kept = np.empty_like(self.camera.pixel_array) if kept is None else kept
            np.copyto(kept, self.camera.pixel_array)
            self.layer.pixels = kept

    def _stale(self, moving: list[Seen]) -> list[Seen]:
        """What of it must be drawn anew: it has changed, or touches what has, or what is drawn anew for that reason."""
        before, now = set(self.over or ()), set(moving)
        left = [one for one in moving if one in before]
        if self.over is None or left != [one for one in self.over if one in now]:
            return moving
        fresh: Iterable[Seen] = before ^ now
        while fresh:
            fresh = {one for one in left if _touches(one.area, fresh)}
            left = [one for one in left if one not in fresh]
        stay = set(left)
        return [one for one in moving if one not in stay]

    def _put_back(self, picture: np.ndarray, stay: set[Seen]) -> None:
        """Make the camera's pixels those of the layer again, but for what is to stay as it was drawn."""
        pixels = self.camera.pixel_array
        height, width = pixels.shape[:2]
        areas = _outermost({_within(one.area, width, height) for one in self.over or () if one not in stay})
        size = sum((right - left) * (bottom - top) for left, right, top, bottom in areas)
        if self.over is None or (size > MAX_PATCHED_SHARE * height * width and not stay):
            self.camera.set_frame_to_background(picture)
            return
        for left, right, top, bottom in areas:
            pixels[top:bottom, left:right] = picture[top:bottom, left:right]

    def _capture(self, mobjects: list[Mobject]) -> None:
        self.camera.capture_mobjects(mobjects, include_submobjects=False)


def displayed(mobjects: Iterable[Mobject]) -> list[Mobject]:
    """What Manim's camera shows of mobjects and their families, in its order, each once, found in one pass.

    A mobject that comes twice counts where it comes last: so we go from the end, where its family came before it.
    """
    shown: list[Mobject] = []
    met: set[int] = set()

    def visit(mobject: Mobject) -> None:
        if id(mobject) not in met:
            met.add(id(mobject))
            for part in reversed(mobject.submobjects):
                visit(part)
            if len(mobject.points):
                shown.append(mobject)

    for mobject in reversed(list(mobjects)):
        visit(mobject)
    shown.reverse()
    return sorted(shown, key=lambda mobject: mobject.z_index)


def _adds_nothing(camera_class: type) -> bool:
    """Whether a class draws as its bases do: a scene's own camera may do anything."""
    return set(vars(camera_class)) <= {"__module__", "__doc__", "__qualname__"}


def _state(mobject: Mobject) -> Any:
    """All that decides how a mobject is drawn, to be compared; None if that is not known."""
    if isinstance(mobject, Raster):
        return mobject.state()
    if not isinstance(mobject, VMobject) or mobject.background_image:
        return None
    fill, stroke, behind = mobject.fill_rgbas, mobject.stroke_rgbas, mobject.background_stroke_rgbas
    if len(fill) > 1 or len(stroke) > 1 or len(behind) > 1:  # a gradient runs across the whole family
        return None
    outline = (
        mobject.points.tobytes(),
        mobject.stroke_width,
        mobject.background_stroke_width,
        mobject.joint_type,
        mobject.cap_style,
    )
    return Outline(outline), fill.tobytes(), stroke.tobytes(), behind.tobytes()


class Outline(tuple):
    """What decides which pixels a vector mobject touches."""


def _same_outline(a: Any, b: Any) -> bool:
    """Whether two states are those of one outline, perhaps in other colours."""
    return bool(a and b) and isinstance(a[0], Outline) and a[0] == b[0]


def _area(mobject: Mobject, camera: Any) -> Area:
    """The pixels that drawing a mobject may touch."""
    if isinstance(mobject, Raster):
        area = mobject.area(camera)
    elif not isinstance(mobject, VMobject) or mobject.get_background_image():
        area = None
    else:
        corners = np.array([mobject.points.min(axis=0), mobject.points.max(axis=0)])
        (left, bottom), (right, top) = camera.points_to_subpixel_coords(mobject, corners)[[0, -1]].tolist()
        stroke = max(mobject.get_stroke_width(), mobject.get_stroke_width(background=True))
        unit = max(camera.pixel_width / camera.view[2], camera.pixel_height / camera.view[3])
        widths = MITER_WIDTHS if len(mobject.points) > 4 else CAP_WIDTHS  # one cubic has no corner
        reach = widths * stroke * camera.cairo_line_width_multiple * unit
        area = left - reach, right + reach, top - reach, bottom + reach
    if area is None or not all(abs(side) < MAX_PIXEL for side in area):
        return EVERYWHERE
    left, right, top, bottom = area
    # whole pixels: two that do not touch share none
    return (
        floor(left - MARGIN),
        ceil(right + MARGIN),
        floor(top - MARGIN),
        ceil(bottom + MARGIN),
    )


def _touches(area: Area, others: Iterable[Seen]) -> bool:
    """Whether an area shares pixels with that of any other mobject."""
    left, right, top, bottom = area
    for other in others:
        a, b, c, d = other.area
        if left < b and a < right and top < d and c < bottom:
            return True
    return False


def _outermost(areas: set[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
    """Areas without those that lie within another."""
    kept: list[tuple[int, int, int, int]] = []
    for area in sorted(areas, key=lambda a: (a[0] - a[1]) * (a[3] - a[2])):  # the largest first: it lies within none
        left, right, top, bottom = area
        for a, b, c, d in kept:
            if a <= left and right <= b and c <= top and bottom <= d:
                break
        else:
            kept.append(area)
    return kept


def _within(area: Area, width: int, height: int) -> tuple[int, int, int, int]:
    """The pixels of an area that are in the frame."""
    left, right, top, bottom = area
    left, right = int(max(left, 0)), int(min(right, width))
    top, bottom = int(max(top, 0)), int(min(bottom, height))
    return left, max(left, right), top, max(top, bottom)
