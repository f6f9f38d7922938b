"""Densities of classes as hills over a floor with their contours: flat from above, tilted up, turned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from diffrender.animation.colors import srgb
from diffrender.animation.mobjects import kernels
from diffrender.animation.mobjects.base import Box, Placement, covered
from diffrender.animation.mobjects.cached import Picture
from diffrender.animation.theme import Theme
from diffrender.core.errors import RenderError

TILT = math.radians(58)  # of the camera from straight above, once the hills stand
RISE = 0.42  # height of the highest hill, as a part of the longer side of what is shown
FLOOR = 0.30  # by how much the floor lies lower then, likewise
LIFT = 0.06  # by how much it is lowered beyond the middle of sheet and floor, likewise: hills stand over both
LEAST = 0.012  # of the highest density: where there is less, there is no sheet
SQUARED = 2  # times: a class colours the sheet by its share of the density so often squared; where two meet is a border
LEVELS = (0.08, 0.3, 0.65)  # contours, as parts of a class's own highest density
GROWN = 0.82  # its size then, as a part of that of the flat map: what stands up needs room
LIGHT = (-0.55, -0.3, 0.7)  # towards the light, in the frame of the camera: from the left, in front and above
SHADE = 0.6  # how much darker than flat ground a slope turned away from the light is
FINER, WIDTH = 8, 3.0  # floor points to a grid cell, and the width of a contour in them
ENOUGH = 0.85  # floor points to a pixel: a coarser floor is as good, and stays in the processor's cache
GROUND, LINE = 0.16, 0.9  # opacity of a class's colour on the floor within its contours, and of these


class Hills(Picture):
    """The densities of some classes as one surface: its height is their sum, its colour that of whose most of it is.

    Parameters
    ----------
    box, rect: as for every bulk mobject. density: (K, Gy, Gx), joint with the class, on `extent`, lowest y first.
    colors: one for each class. theme: for the floor.

    `rise` 0..1 says how far camera and heights have risen from the flat map, `turn` the angle of the camera in radians,
    `weights` how much of each class stands (K numbers 0..1). Heights are to scale: one unit of density has the same
    height everywhere, whatever the weights.
    """

    caches: ClassVar[frozenset[str]] = Picture.caches | {"density", "floors", "hues", "_mixed", "_mixed_for"}
    _mixed_for: tuple | None = None
    _mixed: tuple[np.ndarray, np.ndarray]

    def __init__(
        self, box: Box, rect: Box, density: np.ndarray, *, colors: Sequence[str], theme: Theme, extent: Box
    ) -> None:
        super().__init__(box, rect)
        if density.ndim != 3 or min(density.shape[1:]) < 2 or len(colors) < len(density):
            raise RenderError(f"Hills: densities have shape {density.shape}, with {len(colors)} colours.")
        self.extent, self.density = extent, np.asarray(density, np.float32)
        self.span = max(extent[1] - extent[0], extent[3] - extent[2])
        self.highest = float(self.density.sum(0).max())
        self.hues = np.array([srgb(color) * 255 for color in colors[: len(density)]], np.float32)
        painted = _painted(self.density, self.hues, srgb(theme.panel) * 255)
        self.floors = [_packed(painted), _packed(_halved(painted)), _packed(_halved(_halved(painted)))]
        self.weights = (1.0,) * len(density)
        self.rise, self.turn = 0.0, 0.0

    def mixed(self) -> tuple[np.ndarray, np.ndarray]:
        """(Gy, Gx) density as it stands, by the highest of all; (Gy, Gx, 3) colours 0..255 of whose it mostly is."""
        if self._mixed_for != self.weights:
            parts = np.asarray(self.weights, np.float32)[:, None, None] * self.density
            whole = parts.sum(0)
            parts /= np.maximum(whole, 1e-30)
            for _ in range(SQUARED):
                parts *= parts
            tint = np.tensordot(parts, self.hues, (0, 0)) / np.maximum(parts.sum(0), 1e-30)[..., None]
            self._mixed, self._mixed_for = (whole / self.highest, tint), self.weights
        return self._mixed

    def heights(self) -> np.ndarray:
        """(Gy, Gx) of the surface, in data units, once it has risen."""
        return self.span * RISE * self.mixed()[0]

    def height(self, x: Any, y: Any) -> Any:
        """Heights of the surface at the nodes next to places (x, y) as it stands now, in data units."""
        (x0, x1, y0, y1), share = self.extent, self.mixed()[0]
        rows = np.rint((y - y0) / (y1 - y0) * (len(share) - 1)).astype(int).clip(0, len(share) - 1)
        columns = np.rint((x - x0) / (x1 - x0) * (share.shape[1] - 1)).astype(int).clip(0, share.shape[1] - 1)
        return share[rows, columns] * (self.span * RISE * self.rise)

    def view(self) -> tuple[float, ...]:
        """Middle, cosines and sines of turn and tilt, and the lift that keeps it in the middle."""
        x0, x1, y0, y1 = self.extent
        tilt = TILT * self.rise
        lift = self.span * self.rise * (LIFT - FLOOR / 2) * math.sin(tilt)
        angles = math.cos(self.turn), math.sin(self.turn), math.cos(tilt), math.sin(tilt)
        return ((x0 + x1) / 2, (y0 + y1) / 2, *angles, lift)

    def seen_at(self, x: float, y: float, height: float) -> tuple[float, float]:
        """Where a point of space is seen, as a place of the flat map."""
        mx, my, ct, st, cp, sp, lift = self.view()
        u, v = (x - mx) * ct + (y - my) * st, -(x - mx) * st + (y - my) * ct
        grown = self.grown()
        return mx + grown * u, my + grown * (v * cp + height * sp - lift)

    def grown(self) -> float:
        """Its size, as a part of that of the flat map."""
        return 1 + (GROWN - 1) * self.rise

    def hidden_by(self, x: float, y: float, height: float) -> float:
        """By how much the hills before a point of space rise over it in the picture, in data units; below 0: not."""
        _, _, ct, st, cp, sp, _ = self.view()
        x0, x1, y0, y1 = self.extent
        away = np.arange(0.04, 1.2, 0.01) * self.span  # towards the eye
        px, py = x + away * st, y - away * ct
        inside = (px > x0) & (px < x1) & (py > y0) & (py < y1)
        if not inside.any():
            return -self.span
        return float((self.height(px[inside], py[inside]) * sp - away[inside] * cp).max() - height * sp)

    def sheet(self) -> tuple[np.ndarray, np.ndarray]:
        """(Gy, Gx) density as it stands, by the highest of all; (Gy, Gx, 3) its colours 0..255, as they are lit."""
        share, tint = self.mixed()
        x0, x1, y0, y1 = self.extent
        steps = (y1 - y0) / (len(share) - 1), (x1 - x0) / (share.shape[1] - 1)
        along_y, along_x = np.gradient(self.span * RISE * self.rise * share, *steps)
        _, _, ct, st, _, sp, _ = self.view()
        across, along = sp * (along_x * ct + along_y * st), sp * (along_y * ct - along_x * st)
        light = np.array(LIGHT) / np.linalg.norm(LIGHT)
        lit = (light[2] - across * light[0] - along * light[1]) / np.sqrt(1 + across**2 + along**2) / light[2]
        bright = np.clip(1 + sp * SHADE * (lit - 1), 0, 1.25)[..., None]
        tint = tint * np.minimum(bright, 1) + (255 - tint) * np.maximum(bright - 1, 0)
        return share, tint.astype(np.float32)

    def paint(self, place: Placement, pixels: np.ndarray, opacity: float) -> None:
        """Draw it straight into the frame: it is seldom twice the same. Turned, it is a picture like any other."""
        if not place.upright:
            super().paint(place, pixels, opacity)
            return
        height, width = pixels.shape[:2]
        bounds, cover = covered(place.rounded, round(self.corner * place.unit, 3), width, height)
        frame = pixels.view(np.uint32)[bounds[2] : bounds[3], bounds[0] : bounds[1], 0]
        self._lay(frame, place, bounds, cover, round(256 * opacity))

    def make(self, place: Placement, bounds: np.ndarray, cover: np.ndarray) -> np.ndarray:
        """As a picture of its own."""
        picture = np.zeros(cover.shape, np.uint32)
        self._lay(picture, place, bounds, cover, 256)
        return picture

    def _lay(self, frame: np.ndarray, place: Placement, bounds: np.ndarray, cover: np.ndarray, part: int) -> None:
        """The lit sheet at its height and angle now, over its floor with contours, into pixels (h, w) uint32."""
        left, right, top, bottom = place.edges
        unit = (right - left) / (self.box[1] - self.box[0]) * self.grown()
        x0, x1, y0, y1 = self.box
        middle = (self.extent[0] + self.extent[1]) / 2, (self.extent[2] + self.extent[3]) / 2
        across, down = (middle[0] - x0) / (x1 - x0), (y1 - middle[1]) / (y1 - y0)
        size = (unit, left + across * (right - left) - bounds[0], top + down * (bottom - top) - bounds[2])
        density, tint = self.sheet()
        tall = self.span * RISE * self.rise
        drawn, rows = kernels.hills(density, tint, self.extent, cover.shape, size, self.view(), tall, LEAST)
        depth = self.span * FLOOR * self.rise
        wanted = ENOUGH * unit * (self.extent[1] - self.extent[0])
        floor = next((floor for floor in reversed(self.floors) if floor.shape[1] >= wanted), self.floors[0])
        kernels.over_floor(frame, drawn, rows, floor, self.extent, size, self.view(), depth, cover, part)

    def content(self) -> Any:
        """The rise, the turn and the classes' weights; densities and colours stay what they are."""
        return self.rise, self.turn, self.weights


def _painted(density: np.ndarray, hues: np.ndarray, ground: np.ndarray) -> np.ndarray:
    """The floor (Fy, Fx, 3), 0..255: within its contours each class's colour faintly, its contours clearly."""
    from scipy.ndimage import zoom

    gy, gx = density.shape[1:]
    shape = ((gy - 1) * FINER + 1, (gx - 1) * FINER + 1)
    floor = np.tile(ground.astype(np.float32), (*shape, 1))
    lines = []
    for own, hue in zip(density, hues, strict=True):
        fine = zoom(own, (shape[0] / gy, shape[1] / gx), order=3, grid_mode=False)
        slope = np.hypot(*np.gradient(fine)) + 1e-12
        inside = np.clip((fine - LEVELS[0] * own.max()) / slope + 0.5, 0, 1) * GROUND
        floor += inside[..., None] * (hue - floor)
        lines += [np.clip(WIDTH / 2 + 0.5 - np.abs(fine - level * own.max()) / slope, 0, 1) * LINE for level in LEVELS]
    for line, hue in zip(lines, np.repeat(hues, len(LEVELS), axis=0), strict=True):
        floor += line[..., None] * (hue - floor)
    return floor


def _halved(floor: np.ndarray) -> np.ndarray:
    """A floor (Fy, Fx, 3) of half as many points each way, each the mean of four; at an odd edge they are repeated."""
    rows, columns = floor.shape[:2]
    even = np.pad(floor, ((0, rows % 2), (0, columns % 2), (0, 0)), mode="edge")
    return even.reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2, 3).mean((1, 3))


def _packed(floor: np.ndarray) -> np.ndarray:
    """(Fy, Fx) opaque pixels of a floor (Fy, Fx, 3)."""
    red, green, blue = np.rint(floor).clip(0, 255).astype(np.uint32).transpose(2, 0, 1)
    return np.ascontiguousarray(red | green << 8 | blue << 16 | np.uint32(0xFF000000))
