"""An even grid of the plane that a flow has carried along, with one cell that is followed and measured."""

from __future__ import annotations

import math

import numpy as np
from manim import VGroup, VMobject

from diffrender.animation.colors import ramp
from diffrender.animation.layout.page import containing
from diffrender.animation.mobjects.base import at_step
from diffrender.animation.mobjects.furniture.panels import Rect, put_dashes
from diffrender.animation.mobjects.plane.lattice import Lattice, areas, normal_mass
from diffrender.animation.theme import LINE, Theme
from diffrender.core.errors import RenderError
from diffrender.trajectory.reader import Trajectory

ROOT = 0.5  # colour follows this power of the density, which rises by two decades
BRIGHTEST = 0.99  # of the probability lies where the density is less than that of the last colour
MAX_RISE = 40  # densities are told apart up to so many times the highest of the noise
FOLLOWED = 0.7  # the followed cell ends at this quantile of the density, by probability
ROOM = 1.06  # of its own sides, for the even grid
INNER = 1.6  # deviations from the middle within which it begins
PACED = 2000  # cells whose colours set the pace
SATURATION, GREY = 0.6, (0.2126, 0.7152, 0.0722)  # of the density's colours; how light red, green and blue are
LENS, TIGHT = (
    1.9,
    1.35,
)  # how wide the magnifier's view is, at least: sides of the cell at the start; its largest extent
FINE, PARTS = 5, 200  # parts each way of a cell in it, so that no edge shows between the colours of two; of all at most


def toned(table: np.ndarray) -> np.ndarray:
    """A table of colours (K, 3) as light as it was and less saturated, so that lines and points on it can be seen."""
    grey = (table @ np.array(GREY))[:, None]
    return np.rint(grey + SATURATION * (table - grey)).astype(table.dtype)


def all_round(theme: Theme, count: int = 256) -> np.ndarray:
    """(count, 3) uint8 hues of directions, from the right over the top and back."""
    return ramp((theme.noise, theme.reject, theme.score, theme.accept, theme.noise), count)


def directions(points: np.ndarray, theme: Theme, count: int = 256) -> np.ndarray:
    """(N, 3) uint8 a colour for the direction in which each of points (N, 2) lies from the middle: one of `count`."""
    turn = np.arctan2(points[:, 1], points[:, 0]) / (2 * np.pi) % 1.0
    return all_round(theme, count)[(turn * (count - 1)).astype(int)]


class DeformedGrid:
    """The recorded grid: `side` × `side` points, drawn as about `lines` lines each way over cells coloured by density.

    mass: (side−1, side−1) probability in each cell, which stays while the cell is deformed. vmax: density of the last
    colour. wide: the part of the plane, of the shape of `rect`, that holds the even grid and the data. across: how wide
    the magnifier's view is, in data units. inside: the probability in the followed cell, `mass` of all its parts.
    ratio: (T+1,) area of the followed cell over its area at the start; its density changes by 1 / ratio.
    """

    def __init__(self, run: Trajectory, rect: Rect, *, lines: int, theme: Theme) -> None:
        side = math.isqrt(run.chains)
        if run.event != (2,) or side < 3 or side**2 != run.chains:
            raise RenderError(
                f"{run.file}: {run.chains} chains of shape {run.event} are no square grid of the plane.",
                "Record one with --set sampler.start=grid --set sampler.chains=14641 and a target in the plane; of a"
                " model of your own begin at diffrender.grid_of_starts(121).",
            )
        self.run, self.rect, self.theme, self.side = run, rect, theme, side
        first, last = (self.nodes(k) for k in (0, -1))
        self.deviation = deviation = float(np.hypot(run["alpha"][0], run["sigma"][0]) / run.scale[0])
        self.table = toned(theme.table("density"))
        self.mass = normal_mass(first, deviation)
        dense = self.mass / np.maximum(areas(last), 1e-12)
        order = np.argsort(dense, axis=None)
        passed = np.cumsum(self.mass.ravel()[order]) / self.mass.sum()
        peak = float((self.mass / areas(first)).max())
        self.vmax = float(np.clip(dense.ravel()[order[np.searchsorted(passed, BRIGHTEST)]], peak, MAX_RISE * peak))
        self.every = max(1, round((side - 1) / (lines - 1)))
        shown = np.concatenate([first.reshape(-1, 2), np.asarray(run.target, float).reshape(-1, 2)])
        (left, bottom), (right, top) = ROOM * shown.min(axis=0), ROOM * shown.max(axis=0)
        self.wide = containing((float(left), float(right), float(bottom), float(top)), rect)
        self.cell = self._pick(first, last, deviation)
        extents = [float(np.ptp(self.ring(k), axis=0).max()) for k in range(run.steps + 1)]
        self.across = max(LENS * extents[0], TIGHT * max(extents))
        (r, c), e = self.cell, self.every
        self.inside = float(self.mass[r : r + e, c : c + e].sum())
        self.ratio = np.array([self.ratio_at(k) for k in range(run.steps + 1)])

    def nodes(self, step: int) -> np.ndarray:
        """(side, side, 2) the points of a recorded step, as shown; −1 is the last."""
        return self.nodes_at(step % (self.run.steps + 1))

    def nodes_at(self, step: float) -> np.ndarray:
        """(side, side, 2) the points at a step 0..T, between two on the straight line from one to the other."""
        return np.asarray(at_step(self.run.states, step), float).reshape(self.side, self.side, 2)

    def block(self, step: float) -> np.ndarray:
        """(every+1, every+1, 2) the points of the followed cell at a step 0..T."""
        (r, c), e = self.cell, self.every
        return self.nodes_at(step)[r : r + e + 1, c : c + e + 1]

    def ring(self, step: float) -> np.ndarray:
        """(4·every, 2) the points round the followed cell at a step 0..T."""
        block = self.block(step)
        return np.concatenate([block[0], block[1:, -1], block[-1, -2::-1], block[-2:0:-1, 0]])

    def lens(self, step: float) -> Rect:
        """What a magnifier of the followed cell shows at a step 0..T: as much of the plane at each, so that areas in it
        can be compared by eye; the cell in its middle."""
        (x, y), half = self.middle(step).tolist(), self.across / 2
        return (x - half, x + half, y - half, y + half)

    def middle(self, step: float) -> np.ndarray:
        """(2,) of the followed cell's extent at a step 0..T."""
        ring = self.ring(step)
        return np.asarray((ring.min(axis=0) + ring.max(axis=0)) / 2, float)

    def square(self, step: float) -> np.ndarray:
        """(4·every, 2) the cell as it was at the start, with its middle where the cell's is at a step 0..T."""
        return np.asarray(self.ring(0) - self.middle(0) + self.middle(step), float)

    def ratio_at(self, step: float) -> float:
        """The area of the followed cell at a step 0..T, over that at the start."""
        return float(areas(self.block(step)).sum() / areas(self.block(0)).sum())

    def shades(self, seed: int = 0) -> np.ndarray:
        """(T+1, C, 1) colours of some cells, 0..1 of the table, drawn by their probability: what is seen to change."""
        mass = self.mass.ravel()
        cells = np.random.default_rng(seed).choice(mass.size, min(PACED, mass.size), p=mass / mass.sum())
        size = np.stack([areas(self.nodes(k)).ravel()[cells] for k in range(self.run.steps + 1)])
        return np.clip(mass[cells] / np.maximum(size, 1e-12) / self.vmax, 0, 1)[..., None] ** ROOT

    def _pick(self, first: np.ndarray, last: np.ndarray, deviation: float) -> tuple[int, int]:
        """Row and column where the followed cell, between drawn lines, begins: by rule, never by hand."""
        starts = range(0, self.side - self.every, self.every)
        cells = [(r, c) for r in starts for c in starts if np.abs(first[r, c]).max() < INNER * deviation]
        cells = cells or [(r, c) for r in starts for c in starts]
        part = [np.s_[r : r + self.every, c : c + self.every] for r, c in cells]
        dense = np.array([self.mass[p].sum() / max(areas(last)[p].sum(), 1e-12) for p in part])
        order = np.argsort(dense)
        passed = np.cumsum([self.mass[part[k]].sum() for k in order])
        return cells[int(order[min(np.searchsorted(passed, FOLLOWED * passed[-1]), len(order) - 1)])]

    def lattice(self) -> Lattice:
        """The whole grid on its panel."""
        return self._lattice(self.wide, self.rect, self.run.states, self.mass, self.every)

    def _lattice(
        self, box: Rect, rect: Rect, states: np.ndarray, mass: np.ndarray, every: int, fine: int = 1
    ) -> Lattice:
        theme = self.theme
        colors = {"table": self.table, "vmax": self.vmax, "power": ROOT}
        return Lattice(box, rect, states, mass=mass, color=theme.fg, every=every, fine=fine, alpha=0.5, **colors)  # type: ignore[arg-type]


class FollowedCell(VGroup):
    """The outline of the followed cell, with a casing, on a mobject that shows the plane (`mob.to_scene`).

    framed: with a frame round what the magnifier shows of it. bounds: the rectangle of the scene where that lies now.
    """

    bounds: Rect

    def __init__(self, grid: DeformedGrid, mob: Lattice, *, width: float = 2 * LINE, framed: bool = False) -> None:
        theme = grid.theme
        self.grid, self.mob = grid, mob
        self.casing = VMobject(stroke_color=theme.panel, stroke_width=260 * width)
        self.face = VMobject(stroke_color=theme.samples, stroke_width=100 * width)
        self.frame = VMobject(stroke_color=theme.muted, stroke_width=100 * LINE)
        super().__init__(*[self.frame][: int(framed)], self.casing, self.face)
        self.show_step(0)

    def show_step(self, step: float) -> FollowedCell:
        """Lie round the cell at a recorded step."""
        ring = self.grid.ring(step)
        for mob in (self.casing, self.face):
            mob.set_points_as_corners(self.mob.to_scene(np.concatenate([ring, ring[:1]])))
        a, b, c, d = self.grid.lens(step)
        low, high = (
            np.clip(p[:2], *self.mob.points[[0, 3], :2]) for p in self.mob.to_scene(np.array([[a, c], [b, d]]))
        )
        (x0, y0), (x1, y1) = low.tolist(), high.tolist()
        self.bounds = (x0, x1, y0, y1)
        self.frame.set_points_as_corners([[x, y, 0] for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0))])
        return self


class CellLens:
    """A magnifier on the followed cell, of one scale throughout, and dashed in it how large the cell was at the start.

    mobjects: the magnified part of the grid, that square, and the cell's outline.
    """

    def __init__(self, grid: DeformedGrid, rect: Rect) -> None:
        (low, size), e = self._seen(grid), grid.every
        rows, columns = (np.arange(lo, lo + size) for lo in low)
        index = (rows[:, None] * grid.side + columns).ravel()
        states = np.stack([np.asarray(grid.run.states[k])[index] for k in range(grid.run.steps + 1)])
        mass = grid.mass[low[0] : low[0] + size - 1, low[1] : low[1] + size - 1]
        self.grid = grid
        self.part = grid._lattice((-1, 1, -1, 1), rect, states, mass, e, fine=max(1, min(FINE, PARTS // size)))
        self.part.box = grid.lens(0)
        self.square = VGroup(*self._sides())
        self.outline = FollowedCell(grid, self.part)
        self.mobjects = [self.part, self.square, self.outline]
        self.show_step(0)

    @staticmethod
    def _seen(grid: DeformedGrid) -> tuple[list[int], int]:
        """Where the rows and columns begin, at drawn lines, of a square of points that holds all that is ever seen, and
        how many there are of either."""
        seen = np.zeros((grid.side, grid.side), bool)
        for step in range(grid.run.steps + 1):
            a, b, c, d = grid.lens(step)
            x, y = np.moveaxis(grid.nodes(step), -1, 0)
            seen |= (x > a) & (x < b) & (y > c) & (y < d)
        e, at = grid.every, [np.flatnonzero(seen.any(1 - axis)) for axis in (0, 1)]
        low = [max(0, (int(found[0]) // e - 1) * e) for found in at]
        size = max(min(grid.side, (int(found[-1]) // e + 2) * e + 1) - lo for found, lo in zip(at, low, strict=True))
        return [max(0, min(lo, (grid.side - size) // e * e)) for lo in low], size

    def _sides(self) -> list[VMobject]:
        """The square of the start, which stays where it is in the magnifier: dashed, on a casing."""
        theme, corners = self.grid.theme, self.part.to_scene(self.grid.square(0)[:: self.grid.every])
        made = []
        for color, width in ((theme.panel, 2.6 * LINE), (theme.samples, 1.4 * LINE)):
            for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
                mob = VMobject(stroke_color=color, stroke_width=100 * width)
                made.append(put_dashes(mob, tuple(a[:2]), tuple(b[:2])))
        return made

    def show_step(self, step: float) -> None:
        """Look at the cell at a recorded step."""
        self.part.box = self.grid.lens(step)
        self.part.show_step(step)
        self.outline.show_step(step)
