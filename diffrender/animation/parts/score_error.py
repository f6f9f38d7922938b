"""The error of a learned score: on the grid where it was probed beside the exact one, and its norm over p_t."""

from __future__ import annotations

import numpy as np

from diffrender.core.errors import RenderError
from diffrender.trajectory.reader import Trajectory

ASKED = 0.01  # of the largest p_t of a moment: where there is less, training hardly ever asked the network
CEILING = 0.98  # quantile of the errors where it was asked, at which colours end


class ScoreError:
    """What a recording with `field_score`, `field_exact_score` and `density` on one grid says of the score, times σ_t.

    σ_t s is minus the noise, so errors of all levels are of one size: σ_t ‖s_θ − s‖ = ‖ε̂_θ − ε̂‖ for each x.

    places: (Gy, Gx, 2). exact, learned: (K, Gy, Gx, 2), difference and its size (K, Gy, Gx). asked: (K, Gy, Gx)
    whether p_t is at least `ASKED` of its largest there. norm, elsewhere: (K,) root mean square of the error over p_t,
    and over what lies outside. nothing: (K,) what the norm would be if the answer were 0. high: where colours end.
    """

    def __init__(self, run: Trajectory) -> None:
        run.require("field_score", "field_exact_score", "density", "grid_x", "grid_y", "density_x")
        x, y = np.asarray(run["grid_x"], float), np.asarray(run["grid_y"], float)
        count = len(run["field_score"])
        if not (np.array_equal(x, run["density_x"]) and np.array_equal(y, run["density_y"])):
            raise RenderError(
                f"{run.file}: density and fields are of different grids.",
                "Record both with record.density_grid as record.grid.",
            )
        self.places = np.stack(np.meshgrid(x, y), axis=-1)
        sigma = np.asarray(run["sigma"][:count], float)[:, None, None, None]
        self.exact, self.learned = (sigma * run[f"field_{name}"] for name in ("exact_score", "score"))
        self.difference = self.learned - self.exact
        self.size = np.linalg.norm(self.difference, axis=-1)
        p = np.asarray(run["density"][:count], float)
        self.asked = p >= ASKED * p.max((1, 2), keepdims=True)
        self.norm = weighted(self.size, p)
        self.nothing = weighted(np.linalg.norm(self.exact, axis=-1), p)
        self.elsewhere = weighted(self.size, (~self.asked).astype(float))
        self.high = float(f"{np.quantile(self.size[self.asked], CEILING):.1e}")


def weighted(size: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(K,) root mean square of sizes (K, Gy, Gx) by weights of that shape; 0 where there is no weight."""
    total = weight.sum((1, 2))
    return np.sqrt((size**2 * weight).sum((1, 2)) / np.where(total > 0, total, 1.0))
