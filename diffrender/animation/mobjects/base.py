"""Base of every bulk mobject: a rectangle of data space laid on a rectangle of the scene, which draws itself.

Its four points are its corners, so Manim's layout, `.animate`, fades, z_index and moving cameras work on it as on any
mobject. Its data are never copied with it: a copy (Manim makes one for every animation) shares them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from manim import Mobject, VMobject

from diffrender.animation.colors import srgb
from diffrender.animation.mobjects import kernels
from diffrender.animation.theme import RADIUS
from diffrender.core.errors import RenderError

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Placement:
    """Where a rectangle lies in the frame.

    corners: (3, 2) pixels of its lower left, lower right and upper left corner (y downwards, as pixels are counted).
    unit: pixels to one scene unit, the mobject's own scaling included.
    """

    corners: np.ndarray
    unit: float

    def affine(self, box: Box) -> np.ndarray:
        """(2, 3) float64 matrix from data coordinates in `box` to pixels."""
        x0, x1, y0, y1 = box
        rows = []
        for corner, right, up in self.corners.T.tolist():  # plain numbers: it is asked for many times a frame
            along, across = (right - corner) / (x1 - x0), (up - corner) / (y1 - y0)
            rows.append([along, across, corner - along * x0 - across * y0])
        return np.array(rows)

    @property
    def upright(self) -> bool:
        """Whether its sides are parallel to the frame's and it is not mirrored."""
        right, up = self.corners[1] - self.corners[0], self.corners[2] - self.corners[0]
        return abs(right[1]) + abs(up[0]) < 1e-6 and right[0] > 0 and up[1] < 0

    @property
    def rounded(self) -> tuple[float, ...]:
        """Its corners to a thousandth of a pixel: what is made for one place is made again for no other."""
        return tuple(np.round(self.corners, 3).ravel().tolist())

    @property
    def edges(self) -> tuple[float, float, float, float]:
        """Left, right, top and bottom pixel coordinates of an upright rectangle."""
        return self.corners[0, 0], self.corners[1, 0], self.corners[2, 1], self.corners[0, 1]


class Raster(VMobject):
    """A mobject drawn in bulk by a camera of `diffrender.animation.mobjects.camera`.

    box: (x0, x1, y0, y1) of data space; rect: the same of scene space, on which it is laid. Scaling the mobject scales
    what it draws, marks included. Raises RenderError if either is empty or not finite.
    """

    caches: ClassVar[frozenset[str]] = frozenset()  # attributes on which its picture does not depend; all others count

    def __init__(self, box: Box, rect: Box, color: str = "#FFFFFF", corner: float = RADIUS) -> None:
        super().__init__(stroke_width=0, fill_opacity=1, fill_color=color)
        for name, (a, b, c, d) in (("box", box), ("rect", rect)):
            if not (np.isfinite([a, b, c, d]).all() and b > a and d > c):
                raise RenderError(
                    f"{type(self).__name__}: {name} = ({a:g}, {b:g}, {c:g}, {d:g}) is not a rectangle.",
                    "It must be (left, right, bottom, top) with left < right and bottom < top.",
                )
        a, b, c, d = rect
        self.points = np.array([[a, c, 0], [b, c, 0], [a, d, 0], [b, d, 0]], float)
        self._of_manim = frozenset(self.__dict__)
        self.box: Box = tuple(map(float, box))  # type: ignore[assignment]
        self.natural_area = (b - a) * (d - c)
        self.corner = corner

    def __deepcopy__(self, memo: dict[int, Any]) -> Raster:
        for name, value in self.__dict__.items():
            if name not in self._of_manim and not isinstance(value, Mobject):
                memo[id(value)] = value
        return super().__deepcopy__(memo)

    def pointwise_become_partial(self, mobject: Mobject, a: float, b: float) -> Raster:
        """Create and Write uncover a bulk mobject by opacity: its corners are no curve to be cut."""
        if isinstance(mobject, VMobject):
            self.set_fill(opacity=mobject.get_fill_opacity() * (b - a), family=False)
        return self

    def to_scene(self, xy: np.ndarray) -> np.ndarray:
        """(…, 2) data coordinates → (…, 3) scene coordinates, wherever the mobject now is."""
        x0, x1, y0, y1 = self.box
        u = (np.asarray(xy, float) - (x0, y0)) / (x1 - x0, y1 - y0)
        p = self.points
        return p[0] + u[..., :1] * (p[1] - p[0]) + u[..., 1:] * (p[2] - p[0])

    def place(self, camera: Any) -> Placement | None:
        """Where it lies in the frame now; None while it has no extent (scaled to nothing) or is nowhere."""
        corners = camera.points_to_subpixel_coords(self, self.points)[:3]
        if len(corners) < 3:
            return None
        right, up = corners[1] - corners[0], corners[2] - corners[0]
        area = abs(right[0] * up[1] - right[1] * up[0])
        if not (math.isfinite(area) and area > 1e-6):
            return None
        return Placement(corners, math.sqrt(area / self.natural_area))

    def state(self) -> Any:
        """All that decides what is drawn, to be compared with what it was before; None if that is not known.

        Every attribute counts but Manim's own and `caches`. Recordings count as the same as long as they are the same
        object, other arrays as long as they hold the same; an attribute of an unknown kind makes the state unknown.
        """
        try:
            return self.points.tobytes(), self.fill_rgbas.tobytes(), self.appearance()
        except _UnknownKind:
            return None

    def appearance(self) -> dict[str, Any]:
        """What its picture depends on besides where it lies and Manim's colour: attribute → value to compare."""
        left_out = self._of_manim | self.caches | {"_of_manim"}
        return {
            name: Same(value) if name in _BOUND else _comparable(value)
            for name, value in vars(self).items()
            if name not in left_out
        }

    def area(self, camera: Any) -> tuple[float, float, float, float] | None:
        """The pixels (left, right, top, bottom) that drawing it may touch: its rectangle; None if it may be any."""
        if not getattr(self, "clip", True):
            return None
        x, y = camera.points_to_subpixel_coords(self, self.points).T
        return float(x.min()), float(x.max()), float(y.min()), float(y.max())

    def draw(self, camera: Any, pixels: np.ndarray, opacity: float) -> None:
        """Draw into `pixels` (H, W, 4) uint8, premultiplied RGBA, if there is anything to draw."""
        place = self.place(camera)
        if place is not None:
            self.paint(place, pixels, opacity)

    def paint(self, place: Placement, pixels: np.ndarray, opacity: float) -> None:
        """What each kind of bulk mobject does."""
        raise TypeError(f"{type(self).__name__} does not say how it is painted")


_BOUND = {"recorded", "chains", "index"}  # may be larger than memory, and are not written to


class Same:
    """Equal only to one of the very same thing, whatever is in it."""

    def __init__(self, thing: Any) -> None:
        self.thing = thing

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.thing is other.thing

    __hash__ = None  # type: ignore[assignment]


class _UnknownKind(Exception):
    """A value that cannot be told to be as it was."""


def _comparable(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, value.tobytes()
    if value is None or isinstance(value, bool | int | float | str | np.generic | frozenset) or type(value) is object:
        return value
    if isinstance(value, tuple | list):
        return tuple(_comparable(part) for part in value)
    state = getattr(value, "state", None)
    if state is None and callable(value):
        return Same(value)
    if not callable(state) or (now := state()) is None:
        raise _UnknownKind
    return now


class Clip:
    """A rounded rectangle to which drawing is confined.

        with Clip(place, corner, pixels, clip=True) as window:
            ...draw within window.bounds...

    Kernels stay within `bounds`; on leaving, the pixels that the outline only partly covers are blended with what was
    there before. With `clip=False` the whole frame is the window.
    """

    def __init__(self, place: Placement, corner: float, pixels: np.ndarray, clip: bool = True) -> None:
        height, width = pixels.shape[:2]
        self.frame = pixels.reshape(-1, 4).view(np.uint32)[:, 0]
        if clip:
            outline = place.rounded, round(corner * place.unit, 3), width, height
            self.bounds, self.where, self.cover = _outline(*outline)
        else:
            self.bounds = np.array([0, width, 0, height])
            self.where, self.cover = np.empty(0, np.int64), np.empty(0, np.int32)

    @property
    def empty(self) -> bool:
        """Whether nothing of it is in the frame."""
        return bool(self.bounds[0] >= self.bounds[1] or self.bounds[2] >= self.bounds[3])

    def __enter__(self) -> Clip:
        self.before = self.frame[self.where]
        return self

    def __exit__(self, *exc: object) -> None:
        if len(self.where):
            kernels.restore(self.frame, self.before, self.where, self.cover)


@lru_cache(maxsize=64)
def _outline(corners: tuple[float, ...], radius: float, width: int, height: int) -> tuple[np.ndarray, ...]:
    """Pixel bounds of a parallelogram within the frame, and index and coverage of what it covers only in part."""
    bounds, cover = covered(corners, radius, width, height)
    y, x = np.nonzero(cover < 256)
    return bounds, (y + bounds[2]) * width + x + bounds[0], cover[y, x]


@lru_cache(maxsize=16)
def covered(corners: tuple[float, ...], radius: float, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixel bounds (x0, x1, y0, y1) of a rounded parallelogram within the frame, and its coverage (h, w) 0..256."""
    p = np.array(corners).reshape(3, 2)
    p = np.concatenate([p, [p[1] + p[2] - p[0]]])
    low = np.clip(np.floor(p.min(0)), 0, (width, height)).astype(np.int64)
    high = np.clip(np.ceil(p.max(0)), 0, (width, height)).astype(np.int64)
    bounds = np.array([low[0], high[0], low[1], high[1]])
    return bounds, kernels.rounded(p, radius, bounds)


def rgba8(color: Any, count: int, alpha: Any = 1.0) -> np.ndarray:
    """(1 | count, 4) uint8, straight, of a colour "#RRGGBB" or (count, 3|4) uint8 colours, and of opacities.

    alpha: one number or (count,) in 0..1, multiplied into the colours' own. Raises RenderError on a wrong length.
    """
    if isinstance(color, str):
        colors = np.rint(srgb(color) * 255)[None]
    else:
        colors = np.atleast_2d(np.asarray(color))
    alphas = np.atleast_1d(np.asarray(alpha, float))
    for what, values in (("colours", colors), ("opacities", alphas)):
        if len(values) not in (1, count):
            raise RenderError(f"{len(values)} {what} for {count} points.", "Give one, or one a point.")
    out = np.empty((max(len(colors), len(alphas)), 4), np.uint8)
    out[:, :3] = colors[:, :3]
    own = colors[:, 3] / 255 if colors.shape[1] == 4 else 1.0
    out[:, 3] = np.rint(np.clip(alphas * own, 0, 1) * 255)
    return out


def finite32(values: np.ndarray) -> np.ndarray:
    """A contiguous float32 copy; what float32 cannot hold becomes infinite, which no kernel draws."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.array(values, np.float32, order="C", subok=False)


def at_step(recorded: np.ndarray, step: float, chains: Any = None) -> np.ndarray:
    """What `recorded` (T+1, N, …) holds at `step`, clamped to 0..T; linear between steps. `chains` picks along N."""
    last = len(recorded) - 1
    step = min(max(float(step), 0.0), float(last))
    k = int(step)
    now = recorded[k] if chains is None else recorded[k][chains]
    if step == k:
        return now
    after = recorded[k + 1] if chains is None else recorded[k + 1][chains]
    return now + np.float32(step - k) * (after - now)


def state_at(step: float, index: np.ndarray | None, count: int) -> int:
    """Which of `count` recorded states belongs to the step nearest `step`; index: (T+1,) if there is not one a step."""
    k = round(float(step))
    if index is not None:
        k = int(index[min(max(k, 0), len(index) - 1)])
    return min(max(k, 0), count - 1)
