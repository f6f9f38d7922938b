"""Heat maps and isolines of a function of the plane."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from diffrender.animation.colors import srgb
from diffrender.animation.mobjects import kernels
from diffrender.animation.mobjects.base import Box, Placement, rgba8, state_at
from diffrender.animation.mobjects.cached import Picture
from diffrender.animation.theme import HAIR
from diffrender.core.errors import RenderError

SHADES = 8192  # entries of a bent colour table: finer than any picture needs

Values = np.ndarray | Callable[[np.ndarray], np.ndarray]


class Sampled(Picture):
    """A function of the plane, known on a grid, sampled at every pixel by cubic splines.

    Parameters
    ----------
    box, rect: as for every bulk mobject. `box` is what is shown.
    values: (Gy, Gx) at the nodes of a grid that reaches to the edges of `extent`, lowest y first; or a function of
        (…, 2) data coordinates giving (…,) values, which is sampled on such a grid, `samples` nodes on the longer side.
    low, high: values that become 0 and 1; `high` None for the largest given.
    extent: where `values` lie, if not on `box`; outside it nothing is drawn.
    """

    # `content` stands for the coefficients and the step
    caches: ClassVar[frozenset[str]] = Picture.caches | {"coefficients", "shown", "step"}

    def __init__(
        self, box: Box, rect: Box, values: Values, low: float, high: float | None, extent: Box | None, samples: int
    ) -> None:
        super().__init__(box, rect)
        self.extent = extent or self.box
        if callable(values):
            values = sample(values, self.extent, samples)
        self.low = float(low)
        self.high = float(np.max(values)) if high is None else float(high)
        if not self.high > self.low:
            raise RenderError(f"{type(self).__name__}: high = {self.high:g} is not above low = {self.low:g}.")
        self.recorded: np.ndarray | None = None
        self.index: np.ndarray | None = None
        self.step = 0.0
        self.shown: Any = None
        self.set_values(values)

    def set_values(self, values: np.ndarray) -> Sampled:
        """Show other values (Gy, Gx) on the same extent."""
        values = np.asarray(values, np.float64)
        if values.ndim != 2 or min(values.shape) < 2:
            raise RenderError(
                f"{type(self).__name__}: values have shape {values.shape}, not (Gy, Gx) of at least 2 × 2."
            )
        if bad := np.count_nonzero(~np.isfinite(values)):
            raise RenderError(f"{type(self).__name__}: {bad:,} of {values.size:,} values are not finite.")
        from scipy.ndimage import spline_filter

        scaled = (values - self.low) / (self.high - self.low)
        self.coefficients = spline_filter(scaled, order=3, mode="mirror").astype(np.float32)
        self.shown = object()
        return self

    def follow(self, values: np.ndarray, index: np.ndarray | None = None) -> Sampled:
        """Bind to recorded values (K, Gy, Gx); index: (T+1,) which of the K belongs to each step, if not one each."""
        self.recorded, self.index, self.shown = values, index, None
        return self

    def show_step(self, step: float) -> Sampled:
        """Show what belongs to recorded step `step`: the nearest there is."""
        self.step = step
        return self

    def set_box(self, box: Box) -> Sampled:
        """Show another part of the extent: the window of a magnifier moves."""
        self.box = tuple(map(float, box))  # type: ignore[assignment]
        return self

    def content(self) -> Any:
        """The recorded state that is shown, read if another was before, or a token that is new with new values."""
        if self.recorded is not None:
            k = state_at(self.step, self.index, len(self.recorded))
            if k != self.shown:
                self.set_values(self.recorded[k])
                self.shown = k
        return self.shown

    def at_pixels(self, place: Placement, bounds: np.ndarray) -> np.ndarray:
        """(h, w) float32 values, 0 at `low` and 1 at `high`, at the pixels in `bounds`; NaN outside the extent."""
        left, right, top, bottom = place.edges
        (x0, x1, y0, y1), (ex0, ex1, ey0, ey1) = self.box, self.extent
        dx, dy = (x1 - x0) / (right - left), (y1 - y0) / (bottom - top)
        gy, gx = self.coefficients.shape
        x = _held(x0 + (np.arange(bounds[0], bounds[1]) + 0.5 - left) * dx, ex0, ex1, dx)
        y = _held(y0 + (bottom - np.arange(bounds[2], bounds[3]) - 0.5) * dy, ey0, ey1, dy)
        rows, columns = (y - ey0) / (ey1 - ey0) * (gy - 1), (x - ex0) / (ex1 - ex0) * (gx - 1)
        return kernels.resample(self.coefficients, rows, columns)


class Heatmap(Sampled):
    """A density or other function as colour, dithered, clipped to its panel.

    Parameters besides those of `Sampled`
    ----------
    table: (M, 3) uint8 colours; the first should be the panel's own, so that the map grows out of it.
    power: bends the colour scale; 0.7 for densities, so that tails are seen (say so beside the bar).
    levels: of the colour value ((value − low) / (high − low)) ** power, at which isolines are drawn.
    ink, ink_alpha: colour and opacity of isolines.
    """

    def __init__(
        self,
        box: Box,
        rect: Box,
        values: Values,
        *,
        table: np.ndarray,
        levels: Sequence[float] = (),
        ink: str = "#FFFFFF",
        ink_alpha: float = 0.17,
        low: float = 0.0,
        high: float | None = 1.0,
        power: float = 1.0,
        extent: Box | None = None,
        samples: int = 400,
    ) -> None:
        super().__init__(box, rect, values, low, high, extent, samples)
        self.levels = np.sort(np.asarray(levels, np.float32))
        self.ink = np.array([*srgb(ink) * 255, ink_alpha], np.float32)
        self.power, self.table = float(power), bent(table, float(power))

    def make(self, place: Placement, bounds: np.ndarray, cover: np.ndarray) -> np.ndarray:
        """The values' colours, dithered, and hairline isolines over them."""
        values = self.at_pixels(place, bounds)
        lines = kernels.bend(values, np.float32(self.power)) if len(self.levels) else values[:0]
        left, top = int(bounds[0]), int(bounds[2])
        half = HAIR * place.unit / 2
        return kernels.heat(values, cover, self.table, lines, self.levels, half, self.ink, left, top)


class Contours(Sampled):
    """Isolines alone, all of one width.

    Parameters besides those of `Sampled`
    ----------
    levels: of the values as they are given.
    color, alpha, width: of the lines; width in scene units.
    fade: a value at which they have faded to nothing, from 0 on; 0 for no fading.
    """

    def __init__(
        self,
        box: Box,
        rect: Box,
        values: Values,
        *,
        levels: Sequence[float],
        color: str,
        alpha: float = 1.0,
        width: float = HAIR,
        fade: float = 0.0,
        extent: Box | None = None,
        samples: int = 400,
    ) -> None:
        super().__init__(box, rect, values, 0.0, 1.0, extent, samples)
        self.fade = fade
        self.levels, self.alpha, self.line_width = np.sort(np.asarray(levels, np.float32)), alpha, width
        self.line_color = int(rgba8(color, 1).view(np.uint32)[0, 0])

    def make(self, place: Placement, bounds: np.ndarray, cover: np.ndarray) -> np.ndarray:
        """Isolines of `line_width` alone, on nothing."""
        values = self.at_pixels(place, bounds)
        half = self.line_width * place.unit / 2
        if self.fade:
            cover = (cover * np.clip(1 - np.nan_to_num(values) / self.fade, 0, 1)).astype(cover.dtype)
        return kernels.isolines(values, cover, self.levels, half, np.uint32(self.line_color), self.alpha)


def sample(fn: Callable[[np.ndarray], np.ndarray], extent: Box, samples: int) -> np.ndarray:
    """(Gy, Gx) values of fn on a grid over `extent`, its outermost nodes on the edges, `samples` on the longer side."""
    x0, x1, y0, y1 = extent
    step = max(x1 - x0, y1 - y0) / (samples - 1)
    x = np.linspace(x0, x1, max(2, round((x1 - x0) / step) + 1))
    y = np.linspace(y0, y1, max(2, round((y1 - y0) / step) + 1))
    return np.asarray(fn(np.stack(np.meshgrid(x, y), axis=-1)))


def bent(table: np.ndarray, power: float) -> np.ndarray:
    """(SHADES, 3) float32 colours of evenly spaced values, where the colour scale follows value ** power."""
    at = np.linspace(0, 1, SHADES) ** power * (len(table) - 1)
    return np.stack([np.interp(at, np.arange(len(table)), table[:, c]) for c in range(3)], axis=1).astype(np.float32)


def _held(at: np.ndarray, low: float, high: float, reach: float) -> np.ndarray:
    """Coordinates, those at most `reach` outside low..high moved onto the edge: pixels that the outline cuts."""
    held = np.clip(at, low, high)
    return np.where(abs(at - held) <= reach, held, at)
