"""A grid of the plane that a flow carries along: its lines, and in its cells the density of what it carries."""

from __future__ import annotations

import numpy as np

from diffrender.animation.mobjects import kernels
from diffrender.animation.mobjects.base import Box, Clip, Placement, Raster, at_step, finite32, rgba8
from diffrender.animation.mobjects.plane.lines import lay_lines
from diffrender.animation.theme import LINE
from diffrender.core.errors import RenderError

OVERLAP = 0.35  # pixels by which cells reach over their edges, so that no seam shows between two
FAINTEST = 0.25  # of a line's opacity that is left where it is stretched far
TURNING = 4.0  # times as dense as the middle of it and the cells round it: a cell that turns over, and has no area then


class Lattice(Raster):
    """S × S points joined to their neighbours; each cell is coloured by the probability in it over its area.

    A line keeps its ink: where it is longer than at the start it is as much fainter.

    Parameters
    ----------
    box, rect: as for every bulk mobject.
    x: (T+1, S·S, 2) a recording, row by row, which may be larger than memory.
    mass: (S−1, S−1) the probability in each cell, which stays what it is while the cell is deformed.
    table, vmax, power: the colour of density p is that of (p / vmax) ** power.
    color, alpha, width: of the lines; every: draw each so-many-th line; the outermost are always drawn.
    fine: cells are drawn as so many parts each way, whose colours lead from one cell's to the next one's.
    """

    def __init__(
        self,
        box: Box,
        rect: Box,
        x: np.ndarray,
        *,
        mass: np.ndarray,
        table: np.ndarray,
        vmax: float,
        color: str,
        power: float = 0.5,
        every: int = 4,
        fine: int = 1,
        alpha: float = 0.5,
        width: float = 0.8 * LINE,
    ) -> None:
        super().__init__(box, rect, color)
        self.side = len(mass) + 1
        if x.ndim != 3 or x.shape[1:] != (self.side**2, 2) or not vmax > 0:
            raise RenderError(f"Lattice: a recording {x.shape} and cells {mass.shape} are no grid of the plane.")
        self.recorded, self.mass, self.table = x, mass, np.asarray(table)
        self.vmax, self.power, self.alpha, self.line_width = float(vmax), power, alpha, width
        self.drawn = np.unique(np.append(np.arange(0, self.side, every), self.side - 1))
        self.fine, self.step = fine, 0.0

    def show_step(self, step: float) -> Lattice:
        """Show recorded step `step` (0..T)."""
        self.step = step
        return self

    def nodes(self) -> np.ndarray:
        """(S, S, 2) data coordinates of the points now."""
        return at_step(self.recorded, self.step).reshape(self.side, self.side, 2)

    def density(self) -> np.ndarray:
        """(S−1, S−1) probability over area of every cell now; where one turns over, what the cells round it have."""
        dense = self.mass / np.maximum(areas(self.nodes()), 1e-12)
        round_it = _middle_of_nine(dense)
        return np.where(dense > TURNING * round_it, round_it, dense)

    def paint(self, place: Placement, pixels: np.ndarray, opacity: float) -> None:
        """The deformed cells, coloured by their density, the densest on top, and the lines over them."""
        nodes, affine = self.nodes().astype(float), place.affine(self.box)
        at = self._parted(nodes @ affine[:, :2].T + affine[:, 2], ends=True)
        corners = _widened(np.stack([at[:-1, :-1], at[:-1, 1:], at[1:, 1:], at[1:, :-1]], axis=2))
        share = self._parted(np.clip(self.density() / self.vmax, 0, 1) ** self.power)
        rgba = rgba8(self.table[np.rint(share * (len(self.table) - 1)).astype(int)].reshape(-1, 3), share.size, opacity)
        order = np.argsort(share, axis=None, kind="stable")  # where the grid folds, the denser lies on top
        lines, first = self._lines(nodes), self._lines(at_step(self.recorded, 0).reshape(nodes.shape))
        fade = self.alpha * np.clip(_lengths(first) / np.maximum(_lengths(lines), 1e-12), FAINTEST, 1)
        ink = rgba8(self.fill_rgbas[:1, :3] * 255, 1).view(np.uint32)
        with Clip(place, self.corner, pixels) as window:
            quads = corners.reshape(-1, 4, 2)[order]
            kernels.polygons(window.frame, pixels.shape[1], window.bounds, quads, rgba[order])
            lay_lines(window, pixels, place, self.box, finite32(lines), fade, ink, self.line_width, opacity)

    def _parted(self, values: np.ndarray, *, ends: bool = False) -> np.ndarray:
        """Values (N, N, …) of cells at all `fine` parts of them; or, from end to end (`ends`), of points."""
        count, fine = len(values), self.fine
        if fine == 1:
            return values
        at = np.arange((count - ends) * fine + ends) / fine - (0.0 if ends else (fine - 1) / (2 * fine))
        share = np.array([np.interp(at, np.arange(count), row) for row in np.eye(count)])  # (N, parts)
        return np.einsum("ip,jq,ij...->pq...", share, share, values, optimize=True)

    def _lines(self, nodes: np.ndarray) -> np.ndarray:
        """(S, L, 2) the points of the lines that are drawn."""
        return np.concatenate([nodes[self.drawn].swapaxes(0, 1), nodes[:, self.drawn]], axis=1)


def _widened(corners: np.ndarray) -> np.ndarray:
    """Quadrilaterals (R, C, 4, 2), every side of which is `OVERLAP` farther out, however thin they are."""
    first, second, third, last = np.moveaxis(corners, 2, 0)
    across, down = second - first + third - last, third - second + last - first
    for along, other, sides in ((across, down, (-1, 1, 1, -1)), (down, across, (-1, -1, 1, 1))):
        out = np.stack([-other[..., 1], other[..., 0]], axis=-1)  # at right angles to the sides that it moves
        out *= np.sign((out * along).sum(-1, keepdims=True))
        out *= OVERLAP / np.maximum(np.linalg.norm(out, axis=-1, keepdims=True), 1e-9)
        corners = corners + out[..., None, :] * np.array(sides)[:, None]
    return corners


def _lengths(lines: np.ndarray) -> np.ndarray:
    """(S, L) of lines (S, L, 2), at each point the mean length of the parts at its sides."""
    parts = np.linalg.norm(np.diff(lines, axis=0), axis=-1)
    ends = np.concatenate([parts[:1], parts, parts[-1:]])
    return (ends[1:] + ends[:-1]) / 2


def _middle_of_nine(values: np.ndarray) -> np.ndarray:
    """(R, C) the median of each of values (R, C) and those round it; the outermost count twice at the edge."""
    padded = np.pad(values, 1, mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, (3, 3)), axis=(2, 3))


def areas(nodes: np.ndarray) -> np.ndarray:
    """(S−1, S−1) areas of the quadrilaterals between (S, S, 2) points."""
    a, b = nodes[1:, 1:] - nodes[:-1, :-1], nodes[1:, :-1] - nodes[:-1, 1:]
    return np.abs(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]) / 2


def normal_mass(nodes: np.ndarray, deviation: float) -> np.ndarray:
    """(S−1, S−1) the probability of the cells of an upright grid (S, S, 2) under a normal law of that deviation."""
    from scipy.special import ndtr

    across, up = (np.diff(ndtr(axis / deviation)) for axis in (nodes[0, :, 0], nodes[:, 0, 1]))
    return up[:, None] * across
