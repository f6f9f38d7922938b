"""From where points in space are to be seen so that they tell their shape: chosen by rule, never by hand.

A roll of paper is told by its spiral, a knot by its loops, a torus by its hole: by the empty room inside an outline.
From its side a roll covers as much of the picture, and is a box.
"""

from __future__ import annotations

import math

import numpy as np

from diffrender.animation.mobjects.space.orbit import Orbit

PHI_RANGE, PHIS, THETAS = (0.55, 1.45), 6, 24  # directions that are tried, radians: from above all is flat
MOST_POINTS, CELLS = 1500, 48  # points looked at, and cells of the picture along each side
FILLED = 0.2  # what a covered cell counts, beside an empty one inside the outline
TELLING = 0.97  # of the best: directions that tell so much of a shape are compared by its depth


def telling_angle(orbit: Orbit, data: np.ndarray, *, first: float = 0.0) -> tuple[float, float]:
    """(phi, theta) from which the shape of points (N, 3) is told best, and its depth.

    By rule: of `PHIS` × `THETAS` directions those whose picture has nearly the largest `told`, and of these the one in
    which depths differ most: a ring seen from above would look flat. first: the theta that is tried first.
    """
    points = np.ascontiguousarray(data[:MOST_POINTS], np.float32)
    reach = 1.15 * float(np.linalg.norm(np.ptp(points, axis=0))) / 2 or 1.0
    trial = Orbit(perspective=orbit.perspective, center=tuple(orbit.center))
    found = []
    for trial.phi in np.linspace(*PHI_RANGE, PHIS).tolist():
        for trial.theta in (first + np.arange(THETAS) * 2 * math.pi / THETAS).tolist():
            xy, _, depth = trial.project(points)
            cells = np.clip(np.nan_to_num(xy / reach + 1) * CELLS / 2, 0, CELLS - 1).astype(int)
            covered = np.zeros((CELLS, CELLS), bool)
            covered[cells[:, 1], cells[:, 0]] = True
            found.append((told(covered), float(np.nanstd(depth)), trial.phi, trial.theta))
    most = max(best for best, *_ in found)
    _, phi, theta = max(rest for best, *rest in found if best >= TELLING * most)
    return phi, theta


def told(covered: np.ndarray) -> float:
    """How much a picture tells of a shape: the cells inside its outline, of which those that it covers count `FILLED`.

    covered: (H, W) bool, cells in which points lie; a point is taken to cover the cells about its own too. Inside is
    what has something covered to its left and right, and above and below it: one point far out makes no outline.
    """
    wide = np.pad(covered, 1)
    wide = wide[:-2] | wide[1:-1] | wide[2:]
    filled = wide[:, :-2] | wide[:, 1:-1] | wide[:, 2:]
    inside = np.ones_like(filled)
    for axis in (0, 1):
        for way in (1, -1):
            seen = np.flip(filled, axis) if way < 0 else filled
            since = np.maximum.accumulate(seen, axis=axis)
            inside &= np.flip(since, axis) if way < 0 else since
    return float(inside.sum() - (1 - FILLED) * filled.sum())
