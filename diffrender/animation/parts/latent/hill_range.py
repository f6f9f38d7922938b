"""The recorded density of each class as hills that rise one after the other while the camera turns.

Beside them stands what is decoded nearest to each top.
"""

from __future__ import annotations

import math

import numpy as np
from manim import Animation, smooth

from diffrender.animation.animations import UpdateFromAlpha
from diffrender.animation.mobjects.space.hills import Hills
from diffrender.animation.parts.class_labels import ClassLabels, class_colors
from diffrender.animation.parts.latent.code_plane import CodePlane

TURNS = -0.55, 0.75  # radians, from where to where the camera turns
UP = 0.22  # part of the time in which the camera comes up
GROWS = 0.72  # part of the time by which all hills stand
ASIDE = 0.12  # how much of the others stands where one class is asked for
SINKS = 0.03  # part of the span within which a label fades as its top sinks behind another hill
OVER = 0.34  # scene units from a top to the middle of its label


class HillRange:
    """Hills on the plane, their labels on their tops; `show` says how far they have risen.

    peaks: (K, 2) where each class is densest. stage, side: what stands on the plane and beside it. moving: what
    changes.
    """

    def __init__(self, plane: CodePlane) -> None:
        run, page, view = plane.run, plane.page, plane.view
        run.require("class_density", "density_x", "density_y")
        density = np.asarray(run["class_density"], float)
        x, y = np.asarray(run["density_x"], float), np.asarray(run["density_y"], float)
        extent = (float(x[0]), float(x[-1]), float(y[0]), float(y[-1]))
        colors = class_colors(page.theme, len(density))
        self.view, self.asked = view, plane.asked
        self.hills = Hills(view.box, view.rect, density, colors=colors, theme=page.theme, extent=extent)
        self.hills.set_z_index(2)
        tops = [np.unravel_index(int(own.argmax()), own.shape) for own in density]
        self.peaks = np.array([[x[i], y[j]] for j, i in tops])
        self.labels = ClassLabels(page, plane.names[: len(density)])
        self.stage = self.moving = [self.hills, *self.labels.mobjects]
        said = plane.fitting("decoded nearest to each top|decoded at each top", "legend", "muted")
        self.side = plane.tiles(plane.decoded_at(self.peaks), said)
        self.show(0.0)

    def show(self, u: float) -> None:
        """What is seen when `u` of the time has passed."""
        count, hills = len(self.peaks), self.hills
        hills.rise = smooth(min(u / UP, 1.0))
        hills.turn = (TURNS[0] + (TURNS[1] - TURNS[0]) * u) * smooth(min(u / UP, 1.0))
        goal = np.array([1.0 if self.asked in (None, k) else ASIDE for k in range(count)])
        begins = np.linspace(0.4 * UP, GROWS - 0.2, count)
        grown = np.array([smooth(float(np.clip((u - begin) / 0.2, 0, 1))) for begin in begins])
        hills.weights = tuple((goal * grown).tolist())
        self._label()

    def lie_down(self, seconds: float) -> Animation:
        """Back to the flat map."""
        rise, turn, weights = self.hills.rise, self.hills.turn, np.asarray(self.hills.weights)

        def show(u: float) -> None:
            self.hills.rise, self.hills.turn = rise * (1 - u), turn * (1 - u)
            self.hills.weights = tuple((weights + u * (1 - weights)).tolist())
            self._label()

        return UpdateFromAlpha(show, *self.moving, run_time=seconds, rate_func=smooth)

    def _label(self) -> None:
        hills = self.hills
        tops = [hills.height(x, y) for x, y in self.peaks]
        seen = [hills.seen_at(x, y, top) for (x, y), top in zip(self.peaks, tops, strict=True)]
        hidden = [hills.hidden_by(x, y, top) for (x, y), top in zip(self.peaks, tops, strict=True)]
        up = OVER * math.sin(math.pi / 2 * hills.rise)
        clear = np.clip(0.5 - np.array(hidden) / hills.span / SINKS, 0, 1)
        shown = clear * np.clip(np.asarray(hills.weights) / ASIDE, 0, 1)
        self.labels.put(self.view.to_scene(np.array(seen)) + np.array([0.0, up]), shown)
