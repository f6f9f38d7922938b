"""The fading tails of many chains."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from diffrender.animation.mobjects import kernels
from diffrender.animation.mobjects.base import Box, Clip, Placement, Raster, finite32, rgba8
from diffrender.animation.theme import CASING, LINE
from diffrender.core.errors import RenderError

UNDER = 0.55  # opacity of a casing, in its trail's
TIMES = 65535  # a stamp is 16 bits
CHUNK = 1 << 18  # vertices stamped at a time


class Trails(Raster):
    """Where chains have been: lines of one width whose opacity falls from the newest point to nothing at the oldest.

    Where trails overlap, the most opaque shows. What is drawn at a step depends on the recording and that step alone,
    however it was reached.

    Parameters
    ----------
    box, rect: as for every bulk mobject.
    xy: (T, N, 2) data coordinates, the newest last.
    color: "#RRGGBB", which `set_color` changes, or (N, 3) uint8, one a chain.
    width: scene units.
    alpha: opacity of the newest point.
    casing: colour of a wider line underneath, at about half the opacity, that sets trails off from a heat map.
    power: opacity falls as (1 − age / length) ** power; 0 for no fading.
    length: steps until a trail has vanished; None for as long as the recording is.
    """

    caches: ClassVar[frozenset[str]] = frozenset({"lines", "casings"})

    def __init__(
        self,
        box: Box,
        rect: Box,
        xy: np.ndarray,
        *,
        color: Any,
        width: float = LINE,
        alpha: float = 1.0,
        casing: str | None = None,
        clip: bool = True,
        power: float = 1.5,
        length: int | None = None,
    ) -> None:
        super().__init__(box, rect, color if isinstance(color, str) else "#FFFFFF")
        if not (math.isfinite(width) and width >= 0):
            raise RenderError(f"Trails: width {width} is negative or not finite.")
        if length is not None and length < 1:
            raise RenderError(f"Trails: length {length} is less than one step.")
        self.colors = None if isinstance(color, str) else np.asarray(color)
        self.line_width, self.alpha, self.casing, self.clip = width, alpha, casing, clip
        self.power, self.length = power, length
        self.follow(xy)
        self.step: float = len(xy) - 1

    def follow(self, x: np.ndarray, chains: Any = None) -> Trails:
        """Bind to a recording x (T+1, N, 2), which may be larger than memory; `chains` picks some of its N."""
        if x.ndim != 3 or x.shape[2] != 2 or not len(x):
            raise RenderError(f"Trails: a recording has shape {x.shape}, not (T+1, N, 2).")
        count = len(x[0] if chains is None else x[0][chains])
        if self.colors is not None and len(self.colors) not in (1, count):
            raise RenderError(f"Trails: {len(self.colors)} colours for {count} chains.", "Give one, or one a chain.")
        self.recorded, self.chains = x, chains
        self.lines, self.casings = Stamps(), Stamps()
        return self

    def show_step(self, step: float) -> Trails:
        """Show the trails that end at recorded step `step` (0..T)."""
        self.step = step
        return self

    def vertices(self, first: int, last: int) -> np.ndarray:
        """(V, N, 2) float32 data coordinates at the recorded steps `first` to `last`."""
        xy = self.recorded[first : last + 1]
        return finite32(xy if self.chains is None else xy[:, self.chains])

    def paint(self, place: Placement, pixels: np.ndarray, opacity: float) -> None:
        """Casings, then trails, each stamped on by what is new since the last frame."""
        with Clip(place, self.corner, pixels, self.clip) as window:
            if window.empty:
                return
            if self.casing:
                under = rgba8(self.casing, 1).view(np.uint32)[:, 0]
                width = self.line_width + CASING
                self.casings.draw(self, place, window, pixels, width, under, UNDER * self.alpha, opacity)
            given = self.fill_rgbas[:1] * 255 if self.colors is None else self.colors
            colors = rgba8(given[:, :3], len(given)).view(np.uint32)[:, 0]
            self.lines.draw(self, place, window, pixels, self.line_width, colors, self.alpha, opacity)


class Stamps:
    """The planes into which trails are stamped, brought up to a step by as little stamping as will do.

    Going on from the last step drawn stamps the steps since; anything else, a jump or another place in the frame,
    stamps all that is visible anew. Both give the same pixels (see `kernels.stamps`).
    """

    def __init__(self) -> None:
        self.key: tuple = ()
        self.fade_key: tuple = ()
        self.drawn = 0.0
        self.planes: tuple[np.ndarray, ...] = ()
        self.tints: tuple[np.ndarray, ...] = ()

    def draw(
        self,
        trails: Trails,
        place: Placement,
        window: Clip,
        pixels: np.ndarray,
        width: float,
        colors: np.ndarray,
        alpha: float,
        opacity: float,
    ) -> None:
        """Lay the trails over the frame."""
        last = len(trails.recorded) - 1
        step = min(max(float(trails.step), 0.0), float(last))
        self.length = min(trails.length or last, last) or 1
        left, right, top, bottom = (int(b) for b in window.bounds)
        bounds = left, right, top, bottom
        key = (place.corners.round(6).tobytes(), trails.box, bounds, width, self.length, len(colors))
        if key != self.key or not self.drawn <= step <= self.drawn + self.length:
            self._start(step, bottom - top, right - left, tinted=len(colors) > 1)
            self.key = key
        if self._time(step) > TIMES:
            self._rebase(step)
        affine, breadth = place.affine(trails.box), width * place.unit
        at_once = max(1, CHUNK // max(trails.recorded.shape[1], 1))
        now, end, half = self._time(step), math.ceil(step), max(breadth, 1.0) / 2
        for first in range(math.floor(self.drawn), end, at_once):
            until = min(first + at_once, end)
            xy, times = trails.vertices(first, until), np.array([self._time(k) for k in range(first, until + 1)])
            part = min(step - (until - 1), 1.0)
            # a line thinner than a pixel is drawn a pixel wide, and fainter
            kernels.stamp(self.planes, *self.tints, left, top, xy, affine, times, part, now, colors, half)
        self.drawn = step
        fade = self._fade(alpha * min(breadth, 1.0), trails.power)
        life, share = math.ceil(self.length * self.rate), round(256 * opacity)
        kernels.show(
            window.frame, pixels.shape[1], self.planes, *self.tints, left, top, now, life, fade, colors[0], share
        )

    def _start(self, step: float, height: int, width: int, tinted: bool) -> None:
        """Empty planes, in which everything visible at `step` is still to be stamped."""
        # two and a half lengths to run before times must be rebased; a power of two, so that rebasing is exact
        self.rate = 2.0 ** math.floor(math.log2(TIMES / (3.5 * self.length + 4)))
        self.drawn = float(max(math.floor(step - self.length), 0))
        self.base = self._whole(self.drawn)
        size, kind = (height, width), np.uint16
        self.planes = np.zeros((*size, kernels.DEGREES), kind), np.zeros(size, kind)
        self.tints = (np.zeros(size if tinted else (0, 0), np.uint32), np.zeros(size if tinted else (0, 0), np.uint32))

    def _whole(self, step: float) -> float:
        """The latest step up to `step` whose time is a whole number."""
        return math.floor(step * self.rate) / self.rate if self.rate < 1 else float(math.floor(step))

    def _time(self, step: float) -> int:
        """The stamp of a step: 0, never, is always longer ago than a trail lasts."""
        return math.floor((step - self.base) * self.rate + 0.5) + math.ceil(self.length * self.rate) + 1

    def _rebase(self, step: float) -> None:
        """Move the origin of times on, so that `step` can be stamped."""
        base = self._whole(max(self.drawn, step - self.length))
        kernels.rebase(self.planes, round((base - self.base) * self.rate))
        self.base = base

    def _fade(self, alpha: float, power: float) -> np.ndarray:
        """(65536,) uint8 opacity by age."""
        key = (alpha, power, self.length, self.rate)
        if key != self.fade_key:
            left = 1 - np.arange(TIMES + 1) / (self.length * self.rate)
            self.fade = np.where(left > 0, np.rint(255 * min(max(alpha, 0), 1) * np.maximum(left, 0) ** power), 0)
            self.fade, self.fade_key = self.fade.astype(np.uint8), key
        return self.fade
