"""A density as a landscape: the flat map tilts up, its height the logarithm of the density, and a ball lies on it."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from diffrender.animation.colors import srgb
from diffrender.animation.mobjects import kernels
from diffrender.animation.mobjects.base import Box, Placement
from diffrender.animation.mobjects.cached import Picture
from diffrender.animation.theme import Theme
from diffrender.core.errors import RenderError

TILT, TURN = math.radians(52), math.radians(18)  # of the camera once the map has risen
STEEP = math.radians(36)  # its tilt over bowls, into which it must look
RISE = 0.27  # height of the highest top, as a part of the longer side of what is shown
SINK = 0.2  # depth of the deepest bowl, where the surface is turned over
DEPTH = 8.0  # the ground lies where log p is so much under its maximum; what is lower is drawn as flat ground
LIGHT = (-0.5, -0.2, 0.74)  # towards the light, in the frame of the camera: from the left, in front and above
GROWN = 1.06  # its size once it has risen, as a part of that of the flat map: a tilted one is less high
GRID = 0.34  # opacity of the lines on it, once it has risen
SEEN = 0.9  # opacity of the ways
BALL, WAY = 0.017, 0.0036  # radius of the ball, and of its path: parts of the longer side of what is shown


class Landscape(Picture):
    """A density that can be tilted from a flat map, as `Heatmap` draws it, to a landscape seen from an angle.

    Parameters
    ----------
    box, rect: as for every bulk mobject; the map fills the panel as long as it is flat.
    values: (Gy, Gx) density > 0 on `extent`, lowest y first. high, power: as of the heat map in whose colours it is.
    theme: for the table of colours, the lines, and the ball. shown: the part of it that the flat map shows.
    turned: its height is −log p: its modes are bowls.

    `rise` 0..1 says how far it has been tilted, `ball` (x, y) where the ball lies, `way` (K, 2) where it has been,
    `before` (M, 2) the way by the slope alone, in that colour.
    """

    caches: ClassVar[frozenset[str]] = Picture.caches | {"fields", "bare", "seen"}

    def __init__(
        self,
        box: Box,
        rect: Box,
        values: np.ndarray,
        *,
        high: float,
        power: float,
        theme: Theme,
        extent: Box,
        shown: Box,
        turned: bool = False,
    ) -> None:
        super().__init__(box, rect)
        if values.ndim != 2 or min(values.shape) < 2:
            raise RenderError(f"Landscape: values have shape {values.shape}, not (Gy, Gx) of at least 2 × 2.")
        self.extent, self.shown, self.span = extent, shown, max(shown[1] - shown[0], shown[3] - shown[2])
        height = np.log(np.maximum(np.asarray(values, float), 1e-300)) - math.log(high)
        self.tilt, self.rises = (STEEP, -SINK) if turned else (TILT, RISE)
        height = self.span * self.rises * _ground(1 + height / DEPTH)
        steps = [(extent[3] - extent[2]) / (len(height) - 1), (extent[1] - extent[0]) / (height.shape[1] - 1)]
        along_y, along_x = np.gradient(height, *steps)
        color = np.clip(values / high, 0, 1) ** power
        self.fields = np.stack([height, along_x, along_y, color], axis=-1).astype(np.float32)
        self.table = theme.table("density").astype(np.float32)
        self.lines = tuple(np.rint(srgb(theme.border) * 255).tolist())
        self.casing = tuple(np.rint(srgb(theme.panel) * 255).tolist())
        self.ink, self.slope_ink = (tuple(np.rint(srgb(c) * 255).tolist()) for c in (theme.chain, theme.score))
        self.bare: tuple | None = None  # what was seen last, and its picture without the marks
        self.seen: tuple | None = None  # what marks were drawn on last, and its subpixels with their depth
        self.spacing = _round(self.span / 16)
        self.rise, self.ball = 0.0, (math.nan, math.nan)
        self.way = self.before = np.zeros((0, 2))

    def height(self, xy: Any) -> float:
        """Height of the surface at (x, y), in data units; bilinear."""
        (x0, x1, y0, y1), (gy, gx) = self.extent, self.fields.shape[:2]
        column, row = (xy[0] - x0) / (x1 - x0) * (gx - 1), (xy[1] - y0) / (y1 - y0) * (gy - 1)
        i, j = min(max(int(column), 0), gx - 2), min(max(int(row), 0), gy - 2)
        u, v, part = column - i, row - j, self.fields[j : j + 2, i : i + 2, 0].astype(float)
        return float(np.array([1 - v, v]) @ part @ np.array([1 - u, u]))

    def view(self) -> tuple[float, ...]:
        """Middle, cosines and sines of turn and tilt, and the lift that keeps it in the middle."""
        x0, x1, y0, y1 = self.shown
        tilt, turn = self.tilt * self.rise, TURN * self.rise
        lift = 0.1 * self.span * self.rises * math.sin(tilt)
        angles = math.cos(turn), math.sin(turn), math.cos(tilt), math.sin(tilt)
        return ((x0 + x1) / 2, (y0 + y1) / 2, *angles, lift)

    def whole(self, across: float, down: float) -> float:
        """How much larger than flat all of its ground may be, its middle at these parts of the panel, without a cut."""
        x, y, ct, st, cp, _, lift = self.view()
        left, right, low, high = self.extent
        corners = np.array([[u - x, v - y] for u in (left, right) for v in (low, high)])
        us, vs = corners @ (ct, st), corners @ (-st, ct) * cp - lift
        wide, tall = self.box[1] - self.box[0], self.box[3] - self.box[2]
        rooms = ((us, across * wide), (-us, (1 - across) * wide), (vs, (1 - down) * tall), (-vs, down * tall))
        return float(min(room / max(-part.min(), 1e-9) for part, room in rooms))

    def make(self, place: Placement, bounds: np.ndarray, cover: np.ndarray) -> np.ndarray:
        """The lit surface, kept while its angle and place stay, with the ball and its way drawn on it."""
        left, right, top, bottom = place.edges
        x0, x1, y0, y1 = self.box
        middle = (self.shown[0] + self.shown[1]) / 2, (self.shown[2] + self.shown[3]) / 2
        across, down = (middle[0] - x0) / (x1 - x0), (y1 - middle[1]) / (y1 - y0)
        grown = min(1 + (GROWN - 1) * self.rise, self.whole(across, down)) if self.rise else 1.0
        unit = (right - left) / (x1 - x0) * grown
        size = (unit, left + across * (right - left) - bounds[0], top + down * (bottom - top) - bounds[2])
        disc = self.span * WAY
        drawn = ((self.before, self.slope_ink), (self.way, self.ink))
        ways = [(x, y, disc, SEEN, *ink) for way, ink in drawn for x, y in way]
        marks = np.array([*ways, (*self.ball, self.span * BALL, 1.0, *self.ink)])
        lines = (self.spacing, GRID * self.rise, *self.lines)
        light = tuple(np.array(LIGHT) / np.linalg.norm(LIGHT))
        shape, view = cover.shape, self.view()
        look = (self.fields, self.extent, size, view, self.table, light, lines)
        seen = (shape, size, view)
        if self.bare is None or self.bare[0] != (seen, place.rounded):
            self.bare = ((seen, place.rounded), kernels.bare_surface(*look, cover))
        if not np.isfinite(marks[:, :2]).all(1).any():
            return self.bare[1]
        if self.seen is None or self.seen[0] != seen:
            drawn = kernels.surface(self.fields, self.extent, shape, *look[2:], (0, shape[1]))
            self.seen = (seen, *drawn)
        color, depth = self.seen[1:]
        return kernels.on_surface(
            self.bare[1], color, depth, self.fields, self.extent, size, view, marks, self.casing, cover
        )


def _ground(height: np.ndarray) -> np.ndarray:
    """Heights 0..1, those under 0 flat, with a soft edge instead of a crease."""
    soft = 0.06
    return np.where(height > soft, height, np.where(height < -soft, 0.0, (height + soft) ** 2 / (4 * soft)))


def _round(value: float) -> float:
    """The next 1, 2 or 5 times a power of ten, above."""
    size = 10.0 ** math.floor(math.log10(value))
    return next(m * size for m in (1, 2, 5, 10) if m * size >= value)
