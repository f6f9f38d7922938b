"""The chain of many that is followed: chosen by rule, never by hand, by what records and by what shows."""

from __future__ import annotations

from typing import Any

import numpy as np

CANDIDATES = 400  # chains among which it is looked for
FARTHEST = 0.8  # it goes farther than so much of them


def pick_hero(states: Any, way: float = FARTHEST) -> int:
    """The chain that is followed: of the first `CANDIDATES` the one whose start and end are as far apart as of `way`.

    Long enough to be followed, and no outlier. states: (T+1, N, D).
    """
    first, last = (np.asarray(states[k][:CANDIDATES], float) for k in (0, len(states) - 1))
    apart = np.linalg.norm(last - first, axis=1)
    return int(np.argmin(np.abs(apart - np.quantile(apart, way))))
