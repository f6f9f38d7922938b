"""Power spectra over frequency: of signal, of noise and of both together, and the frequency where the two meet."""

from __future__ import annotations

from typing import Any

import numpy as np
from manim import VMobject

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.furniture.arrow import set_polygons
from diffrender.animation.parts.axes import Axes
from diffrender.animation.theme import LINE

UNDER = 10.0  # how far under the least power of the data the axis goes
SHADE = 0.13  # opacity of what lies on either side of the cut-off


class SpectrumPlot:
    """The signal's power (T+1, K) and the noise's (T+1,) over frequencies (K,), both logarithmic; bind it to a clock.

    measured: (T+1, K) the power of the noisy images themselves, a thin line over the two of which it is the sum.
    What is below the cut-off (T+1,) is shaded in the data's colour, what is drowned in the noise's. The axis ends
    a decade under the least power of the data; a curve that falls lower leaves it there.
    """

    def __init__(
        self,
        page: Page,
        box: Box,
        frequencies: np.ndarray,
        signal: np.ndarray,
        noise: np.ndarray,
        cut: np.ndarray,
        measured: np.ndarray,
    ) -> None:
        theme, self.cut = page.theme, cut
        self.frequencies, self.signal, self.noise, self.measured = frequencies, signal, noise, measured
        self.least = float(signal[0].min()) / UNDER
        most = float(max(signal.max(), noise.max()))
        self.axes = Axes(
            page, box, x=(float(frequencies[0]), float(frequencies[-1])), y=(self.least, most), log_x=True, log_y=True,
            x_name="cycles per image" if page.shape != "square" else "cycles",
            y_name="power" if page.frame.shape != "square" else "",
        )  # fmt: skip
        look: dict[str, Any] = {"stroke_width": 0, "fill_opacity": SHADE}
        self.shades = [VMobject(fill_color=hue, **look) for hue in (theme.data, theme.samples)]
        widths = {theme.data: 190 * LINE, theme.samples: 190 * LINE, theme.fg: 70 * LINE}
        self.curves = [VMobject(stroke_color=hue, stroke_width=width) for hue, width in widths.items()]
        self.edge = VMobject(stroke_color=theme.muted, stroke_width=130 * LINE)
        self.mobjects = [*self.shades, *(mob.set_z_index(2) for mob in (*self.curves, self.edge))]

    def show_step(self, step: float) -> None:
        """Put the spectra and the cut-off at a recorded step."""
        k, rect = int(step), self.axes.rect
        flat = np.full(len(self.frequencies), self.noise[k])
        for curve, power in zip(self.curves, (self.signal[k], flat, self.measured[k]), strict=True):
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
