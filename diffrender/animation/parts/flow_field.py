"""A recorded vector field: its places, its scale for the whole clip, and how it is drawn in the plane and in space."""

from __future__ import annotations

from typing import Any

import numpy as np
from manim import Animation

from diffrender.animation.animations import UpdateFromAlpha
from diffrender.animation.colors import blend, ramp
from diffrender.animation.layout.page import containing, fitted
from diffrender.animation.layout.plane import Plane
from diffrender.animation.layout.space import Space
from diffrender.animation.mobjects.furniture.panels import Rect
from diffrender.animation.mobjects.plane.field import Field
from diffrender.animation.mobjects.plane.paths import PathDensity
from diffrender.animation.mobjects.plane.streamlines import Streamlines
from diffrender.animation.mobjects.space.streamlines import Streamlines3D
from diffrender.animation.parts.field_error import field_error
from diffrender.animation.theme import LINE, Theme
from diffrender.trajectory.reader import Trajectory

LONGEST = 0.95  # quantile of a moment's magnitudes, in space of a clip's, that has the full length of an arrow
PATHS = 100  # chains whose paths are shown in space
ROOT = {2: 1 / 4, 3: 1 / 3}  # lengths follow this power of the magnitude: where particles are, the field is weak
FLOWS = 0.45  # how often a second a lit part travels along each line
LENGTH = {2: 0.9, 3: 1.1}  # of the longest arrow, in steps of the grid
SIDE, NEAR = 14, 80  # places along each side of space that may have an arrow, and those nearest to the data that do
ALPHA, WHOLE = 0.25, 0.7  # opacity of a single path: in the plane, and in space
FULL = 1000  # in the plane of so many paths at most: of more, all together have no more ink
TINT = {2: 0.4, 3: 1.0}  # of a field, from the border's colour to that of muted text: it lies among what it moves
DATA_ROOM = 1.1  # of the data, in the plane
FEW = 500  # of the data say where they are
ERROR, FAINT = (0.5, 1.0), 0.2  # of a learned field, of the exact one, between which it fades; and how faint it gets
LINES: dict[str, Any] = {"spacing": 0.36, "length": 1.5, "width": 0.034}  # in scene units
SPACE_LINES: dict[str, Any] = {"length": 1.7, "width": 0.042}
APART = 0.45  # scene units between starts of lines in space


class FlowField:
    """The field `name` of a recording, times `sign`: -1 for velocities, which are recorded per unit of a time that
    falls on the way to the data.

    axes: the grid's, x first. places: (…, D). vectors: (K, …, D). index: (T+1,) which of the K belongs to each step:
    its own, the last step the one before. trusted: (T+1,) 0..1, by a network's error at all places.
    """

    def __init__(self, run: Trajectory, name: str, *, sign: float = 1.0) -> None:
        names = "xyz"[: run.event[0]]
        run.require(f"field_{name}", *(f"grid_{d}" for d in names))
        self.run, self.axes = run, [np.asarray(run[f"grid_{d}"]) for d in names]
        # y, x or z, y, x: as fields are recorded
        self.places = np.stack(np.meshgrid(*self.axes[::-1], indexing="ij")[::-1], axis=-1)
        self.vectors = sign * np.asarray(run[f"field_{name}"])
        self.index = np.minimum(np.arange(run.steps + 1), len(self.vectors) - 1)
        velocity = name == "velocity"
        error = field_error(run, self.places, np.asarray(run[f"field_{name}"])) if velocity else None
        self.trusted = np.ones(len(self.index)) if error is None else np.interp(error[self.index], ERROR, (1.0, FAINT))

    def view(self, rect: Rect) -> Plane:
        """As much of the probed plane as has the shape of `rect`, and so much more that no data are cut off."""
        half = [(g[1] - g[0]) / 2 for g in self.axes]
        ends = [end for g, h in zip(self.axes, half, strict=True) for end in (g[0] - h, g[-1] + h)]
        box = np.array(fitted((ends[0], ends[1], ends[2], ends[3]), rect))
        if len(data := np.asarray(self.run.target, float)):
            (x0, y0), (x1, y1) = DATA_ROOM * data.min(0), DATA_ROOM * data.max(0)
            box = np.where([1, 0, 1, 0], np.minimum(box, [x0, 0, y0, 0]), np.maximum(box, [0, x1, 0, y1]))
        return Plane(containing(tuple(box.tolist()), rect), rect)

    def drawn(self, view: Plane, style: str, *, theme: Theme) -> Any:
        """The field in a style, `streamlines` or `arrows`, which in space stand near the data."""
        return (self.lines if style == "streamlines" else self.arrows)(view, theme=theme)

    def lines(self, view: Plane, *, theme: Theme) -> Any:
        """Streamlines that flow as their `phase` grows, of one length; in space of one layer: none hides another."""
        drawn: Field
        if isinstance(view, Space):
            drawn = Streamlines3D(
                view.orbit, view.box, view.rect, self.places, self.vectors[0], haze=theme.muted,
                low=view.corners.min(0), high=view.corners.max(0), starts=layer(view, APART),
                **SPACE_LINES, **self._look(theme, 3)
            )  # fmt: skip
        else:
            drawn = Streamlines(
                view.box, view.rect, self.places, self.vectors[0], phase=0.0, **LINES, **self._look(theme, 2)
            )
        return view.keep(drawn).follow(self.vectors, self.index)

    def arrows(self, view: Plane, *, theme: Theme) -> Any:
        """Arrows, scaled anew at each moment, none cut off; in space all alike, near the data and within their box."""
        places, vectors = self.places, self.vectors
        if isinstance(view, Space):
            cut = tuple(slice(None, None, -(-n // SIDE)) for n in places.shape[:3])
            places, vectors = places[cut], vectors[(slice(None), *cut)]
        length = np.linalg.norm(vectors, axis=-1).reshape(len(vectors), -1)
        drawn = view.arrows(
            places, vectors[0], length=LENGTH[view.dims], power=ROOT[view.dims], **self._look(theme, view.dims)
        )
        at = places.reshape(-1, view.dims)
        if isinstance(view, Space):
            shown = self._near_data(at)
            longest = np.quantile(length[:, shown], LONGEST)
            along = vectors.reshape(*length.shape, 3) / np.maximum(length, 1e-12)[..., None]
            size = np.clip(length / longest, 0, 1) ** drawn.power * drawn.length
            reach = np.abs(along * size[..., None] / 2).max(0)
            shown &= inside(at, view.corners.min(0), view.corners.max(0), reach)
        else:
            (x0, x1, y0, y1), (a, b, _, _) = view.box, view.rect
            reach = drawn.length / 2 * (x1 - x0) / (b - a)
            shown = inside(at, np.array([x0, y0]), np.array([x1, y1]), reach)
            longest = np.quantile(length, LONGEST, axis=1)
        drawn.alpha = np.where(shown, 1.0, 0.0)
        return drawn.follow(vectors, self.index, longest=np.broadcast_to(np.maximum(longest, 1e-12), len(vectors)))

    def _near_data(self, at: np.ndarray) -> np.ndarray:
        """(P,) which of places in space (P, 3) are those nearest to the data."""
        run = self.run
        data = np.asarray(run.target if len(run.target) else run["x"][-1], np.float32)[:FEW]
        away = np.square(at[:, None].astype(np.float32) - data).sum(-1).min(1)
        return np.asarray(away <= np.sort(away)[min(NEAR, len(away)) - 1])

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

    def _look(self, theme: Theme, dims: int) -> dict[str, Any]:
        return {"table": ramp((blend(theme.border, theme.muted, TINT[dims]),) * 2), "vmax": 1.0}


def layer(view: Space, apart: float) -> np.ndarray:
    """(N, 3) places in the box of a view, in the plane through its middle that faces the viewer: one in each of square
    cells whose sides are so many scene units."""
    low, high = view.corners.min(0), view.corners.max(0)
    (x0, x1, _, _), (a, b, _, _) = view.box, view.rect
    side, reach = apart * (x1 - x0) / (b - a), float(np.linalg.norm(high - low)) / 2
    rng, count = np.random.default_rng(0), int(np.ceil(reach / side))
    cells = np.stack(np.meshgrid(*[np.arange(-count, count)] * 2), axis=-1).reshape(-1, 2)
    flat = (cells + rng.uniform(0.15, 0.85, cells.shape)) * side
    at = (low + high) / 2 + flat @ view.orbit.axes[:2]
    return np.asarray(at[inside(at, low, high, 0.0)])


def inside(at: np.ndarray, low: np.ndarray, high: np.ndarray, reach: Any) -> np.ndarray:
    """(P,) which of places (P, D) are farther than `reach`, one or theirs, within the sides of a box."""
    return ((at - reach > low) & (at + reach < high)).all(1)


def flowing(lines: Any, seconds: float) -> Animation:
    """The animation in which the lit parts travel along the lines for so many seconds."""
    began = lines.phase or 0.0

    def flow(u: float) -> None:
        lines.phase = began + u * FLOWS * seconds

    return UpdateFromAlpha(flow, lines, run_time=seconds)
