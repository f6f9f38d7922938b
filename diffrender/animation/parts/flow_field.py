"""A recorded vector field: its places, its scale for the whole clip, and how it is drawn in the plane and in space."""

from __future__ import annotations

from typing import Any

import numpy as np
from manim import Animation

from diffrender.animation.animations import UpdateFromAlpha
from diffrender.animation.layout.page import fitted
from diffrender.animation.layout.views import Plane, Space
from diffrender.animation.mobjects.furniture.panels import Rect
from diffrender.animation.mobjects.plane.field import Streamlines
from diffrender.animation.mobjects.plane.paths import PathDensity
from diffrender.animation.parts.field_error import error_of_steps, field_error
from diffrender.animation.theme import LINE, Theme, ramp
from diffrender.trajectory.reader import Trajectory

QUANTILES = (0.15, 0.92)  # of all magnitudes of the clip: the ends of the logarithmic colour scale
LONGEST = 0.95  # quantile of a moment's magnitudes, in space of a clip's, that has the full length of an arrow
PATHS = 100  # chains whose paths are shown in space
ROOT = 0.25  # lengths follow this power of the magnitude: where particles are, the field is weak
FLOWS = 0.45  # how often a second a lit part travels along each line
LENGTH = {2: 0.9, 3: 0.75}  # of the longest arrow, in steps of the grid
SLICE = 14  # arrows along each side of the slice of space that is shown, at most
AROUND = 0.2  # arrows in space lie within the box of the data, and so much of its sides outside
ALPHA, WHOLE = 0.25, 0.7  # opacity of a single path: in the plane, and in space
FULL = 1000  # in the plane of so many paths at most: of more, all together have no more ink
ERROR, FAINT = (0.5, 1.0), 0.2  # of a learned field, of the exact one, between which it fades; and how faint it gets
LINES: dict[str, Any] = {"spacing": 0.26, "length": 1.5, "width": 0.034}  # in scene units


class FlowField:
    """The field `name` of a recording, times `sign`: -1 for velocities, which are recorded per unit of a time that
    falls on the way to the data.

    axes: the grid's, x first. places: (…, D). vectors: (K, …, D). low, high: ends of the colour scale. index: (T+1,)
    which of the K belongs to each step: its own, the last step the one before. error: (T+1,) how large a network's
    error is in the chains' own steps, as a share of these, or None; trusted: (T+1,) 0..1, by that at all places.
    """

    def __init__(self, run: Trajectory, name: str, *, sign: float = 1.0) -> None:
        names = "xyz"[: run.event[0]]
        run.require(f"field_{name}", *(f"grid_{d}" for d in names))
        self.run, self.axes = run, [np.asarray(run[f"grid_{d}"]) for d in names]
        # y, x or z, y, x: as fields are recorded
        self.places = np.stack(np.meshgrid(*self.axes[::-1], indexing="ij")[::-1], axis=-1)
        self.vectors = sign * np.asarray(run[f"field_{name}"])
        length = np.linalg.norm(self.vectors, axis=-1)
        low, high = np.quantile(length[length > 0], QUANTILES) if (length > 0).any() else (0.5, 1.0)
        self.low, self.high = _round(min(float(low), float(high) / 2)), _round(float(high))
        self.index = np.minimum(np.arange(run.steps + 1), len(self.vectors) - 1)
        velocity = name == "velocity"
        error = field_error(run, self.places, np.asarray(run[f"field_{name}"])) if velocity else None
        self.trusted = np.ones(len(self.index)) if error is None else np.interp(error[self.index], ERROR, (1.0, FAINT))
        own = error_of_steps(run) if velocity else None
        self.error = None if own is None else own[self.index]

    def view(self, rect: Rect) -> Plane:
        """As much of the probed plane as has the shape of `rect`."""
        half = [(g[1] - g[0]) / 2 for g in self.axes]
        ends = [end for g, h in zip(self.axes, half, strict=True) for end in (g[0] - h, g[-1] + h)]
        return Plane(fitted(tuple(ends), rect), rect)

    def drawn(self, view: Plane, style: str, *, theme: Theme) -> Any:
        """The field in a style, `arrows` or `streamlines`; in space always as a slice of arrows."""
        lines = view.dims == 2 and style == "streamlines"
        return self.lines(view, theme=theme) if lines else self.arrows(view, theme=theme)

    def lines(self, view: Plane, *, theme: Theme) -> Streamlines:
        """Streamlines that flow as their `phase` grows, all of one length, coloured by magnitude."""
        drawn = Streamlines(
            view.box, view.rect, self.places, self.vectors[0], phase=0.0, **LINES, **self._colors(theme)
        )  # fmt: skip
        return view.keep(drawn).follow(self.vectors, self.index)

    def arrows(self, view: Plane, *, theme: Theme) -> Any:
        """Arrows, scaled anew at each moment, in space all alike; none is cut off at the edge; of space one slice."""
        places, vectors = self.places, self.vectors
        if isinstance(view, Space):  # the middle slice across the axis along which the shape is seen in the end
            view.look(1, degrees=0)
            along = int(np.argmax(np.abs(view.orbit.axes[2])))
            cut: list[Any] = [slice(None, None, -(-n // SLICE)) for n in places.shape[:3]]
            middle = places.shape[2 - along] // 2
            cut[2 - along] = slice(middle, middle + 1)
            places, vectors = places[tuple(cut)], vectors[(slice(None), *cut)]
        length = np.linalg.norm(vectors, axis=-1).reshape(len(vectors), -1)
        drawn = view.arrows(places, vectors[0], length=LENGTH[view.dims], power=ROOT, **self._colors(theme))
        (x0, x1, y0, y1), at = view.box, view.flat(places.reshape(-1, view.dims))
        reach = drawn.length / 2 * (1.0 if view.dims == 3 else (x1 - x0) / (view.rect[1] - view.rect[0]))
        inside = np.abs(at - ((x0 + x1) / 2, (y0 + y1) / 2)) < ((x1 - x0) / 2 - reach, (y1 - y0) / 2 - reach)
        drawn.alpha = np.where(inside.all(1) & self._near_data(places), 1.0, 0.0)
        moments = np.quantile(length, LONGEST, axis=1) if view.dims == 2 else np.quantile(length, LONGEST)
        return drawn.follow(vectors, self.index, longest=np.broadcast_to(np.maximum(moments, 1e-12), len(vectors)))

    def _near_data(self, places: np.ndarray) -> np.ndarray:
        """(P,) whether a place in space is near the data; in the plane all are."""
        at, data = places.reshape(-1, places.shape[-1]), np.asarray(self.run.target)
        if at.shape[1] == 2 or not len(data):
            return np.ones(len(at), bool)
        low, high = data.min(0), data.max(0)
        return ((at > low - AROUND * (high - low)) & (at < high + AROUND * (high - low))).all(1)

    def paths(self, view: Plane, hues: np.ndarray) -> list[Any]:
        """The paths of all chains in their hues (N, 3): in the plane as a density that grows, in space those of some as
        whole lines, one mobject for each hue."""
        states = self.run["x"]  # where the field was probed, not scaled
        if view.dims == 2:
            alpha = ALPHA * min(1.0, FULL / self.run.chains)
            return [view.keep(PathDensity(view.box, view.rect, states, color="#FFFFFF", alpha=alpha, colors=hues))]
        line: dict[str, Any] = {"width": LINE, "alpha": WHOLE, "length": self.run.steps + 1, "power": 0.0}
        drawn, states = hues[:PATHS], np.asarray(states[:, :PATHS])
        alike = [(hue, np.flatnonzero((drawn == hue).all(1))) for hue in np.unique(drawn, axis=0)]
        made = [view.trails(states[:, chosen], color="#" + bytes(hue).hex(), **line) for hue, chosen in alike]
        return [trails.show_step(self.run.steps) for trails in made]

    def paths_shown(self, view: Plane) -> int:
        """How many chains `paths` shows."""
        return self.run.chains if view.dims == 2 else min(PATHS, self.run.chains)

    def _colors(self, theme: Theme) -> dict[str, Any]:
        return {"table": speeds(theme), "vmax": self.high, "floor": self.low}


def speeds(theme: Theme) -> np.ndarray:
    """The colours of a field among data and particles: none of their hues, the faster the clearer."""
    return ramp((theme.border, theme.muted))


def flowing(lines: Streamlines, seconds: float) -> Animation:
    """The animation in which the lit parts travel along the lines for so many seconds."""
    began = lines.phase or 0.0

    def flow(u: float) -> None:
        lines.phase = began + u * FLOWS * seconds

    return UpdateFromAlpha(flow, lines, run_time=seconds)


def _round(value: float) -> float:
    """To two figures: a tick says exactly what the end of a scale is."""
    return float(f"{value:.1e}")
