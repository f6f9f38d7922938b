"""Two power spectra over frequency, that of the signal and that of the noise, and the frequency where they meet."""

from __future__ import annotations

from typing import Any

import numpy as np
from manim import VMobject

from diffrender.animation.layout.arrangements import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.furniture.arrow import set_polygons
from diffrender.animation.parts.axes import Axes
from diffrender.animation.theme import LINE

UNDER = 10.0  # how far under the least power of the data the axis goes
SHADE = 0.13  # opacity of what lies on either side of the cut-off


class SpectrumPlot:
    """The signal's power (T+1, K) and the noise's (T+1,) over frequencies (K,), both logarithmic; bind it to a clock.

    What is below the cut-off (T+1,) is shaded in the data's colour, what is drowned in the noise's. The axis ends
    a decade under the least power of the data; a curve that falls lower leaves it there.
    """

    def __init__(
        self, page: Page, box: Box, frequencies: np.ndarray, signal: np.ndarray, noise: np.ndarray, cut: np.ndarray
    ) -> None:
        theme, self.cut = page.theme, cut
        self.frequencies, self.signal, self.noise = frequencies, signal, noise
        self.least = float(signal[0].min()) / UNDER
        most = float(max(signal.max(), noise.max()))
        self.axes = Axes(
            page, box, x=(float(frequencies[0]), float(frequencies[-1])), y=(self.least, most), log_x=True, log_y=True,
            x_name="cycles per image" if page.shape != "square" else "cycles", y_name="power",
        )  # fmt: skip
        look: dict[str, Any] = {"stroke_width": 0, "fill_opacity": SHADE}
        self.shades = [VMobject(fill_color=hue, **look) for hue in (theme.data, theme.samples)]
        self.curves = [VMobject(stroke_color=hue, stroke_width=160 * LINE) for hue in (theme.data, theme.samples)]
        self.edge = VMobject(stroke_color=theme.fg, stroke_width=130 * LINE)
        self.mobjects = [*self.shades, *(mob.set_z_index(2) for mob in (*self.curves, self.edge))]

    def show_step(self, step: float) -> None:
        """Put both spectra and the cut-off at a recorded step."""
        k, rect = int(step), self.axes.rect
        flat = np.full(len(self.frequencies), self.noise[k])
        for curve, power in zip(self.curves, (self.signal[k], flat), strict=True):
            points = [[*self.axes.at(*p), 0.0] for p in self.above_least(power)]
            curve.set_points_as_corners(points) if len(points) > 1 else curve.clear_points()
        kept = self.cut[k] >= self.frequencies[0]
        x = self.axes.at(self.cut[k], self.least)[0] if kept else rect.left
        for shade, left, right in zip(self.shades, (rect.left, x), (x, rect.right), strict=True):
            set_polygons(shade, [self.corners(left, right)] if right - left > 1e-3 else [])
        self.edge.set_points_as_corners([[x, rect.bottom, 0], [x, rect.top, 0]]) if kept else self.edge.clear_points()

    def corners(self, left: float, right: float) -> np.ndarray:
        """(4, 3) of the part of the plot between two places across."""
        rect = self.axes.rect
        xy = ((left, rect.bottom), (left, rect.top), (right, rect.top), (right, rect.bottom))
        return np.array([[*place, 0.0] for place in xy])

    def above_least(self, power: np.ndarray) -> list[tuple[float, float]]:
        """(frequency, power) where the power (K,) is on the axis, and the point where it leaves it."""
        out: list[tuple[float, float]] = []
        for f, p in zip(self.frequencies, power, strict=True):
            if p < self.least:
                if out:  # straight between rings, as it is drawn
                    g, q = out[-1]
                    part = np.log(q / self.least) / np.log(q / max(p, 1e-300))
                    out.append((float(g * (f / g) ** part), self.least))
                break
            out.append((float(f), float(p)))
        return out
