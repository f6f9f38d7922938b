"""The chain of many that is followed: chosen by rule, never by hand, by what records and by what shows."""

from __future__ import annotations

from typing import Any

import numpy as np

CANDIDATES = 400  # chains among which it is looked for
ALIKE = 0.15  # of them go about as far as one that is looked for
FARTHEST = 0.8  # it goes farther than so much of them


def pick_hero(states: Any, way: float = FARTHEST, prefer: np.ndarray | None = None) -> int:
    """The chain that is followed: of the first `CANDIDATES` the one whose start and end are as far apart as of `way`.

    Long enough to be followed, and no outlier. states: (T+1, N, D). prefer: (N,) figures, by the highest of which it is
    chosen from the `ALIKE` of all that go about as far.
    """
    first, last = (np.asarray(states[k][:CANDIDATES], float) for k in (0, len(states) - 1))
    apart = np.linalg.norm(last - first, axis=1)
    off = np.abs(apart - np.quantile(apart, way))
    if prefer is None:
        return int(np.argmin(off))
    alike = np.argsort(off, kind="stable")[: max(int(ALIKE * len(off)), 1)]
    return int(alike[np.argmax(np.asarray(prefer)[alike])])
