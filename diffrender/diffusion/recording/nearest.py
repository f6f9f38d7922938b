"""The images of a set that samples come nearest to: a sample that lies on one is a copy."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

AT_ONCE = 256  # samples compared with all images together


def nearest_states(
    samples: np.ndarray, parts: Iterable[np.ndarray], *, apart_from: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """For samples (N, *event) the nearest states, (N, *event), their numbers, (N,), and how far they are, (N,).

    parts: all states, some (M, *event) at a time; None is returned if there are none. apart_from: (N,) the number of
    the state that is not looked at for each sample: its own, of a sample that is one of them. Distances are root mean
    squares over the numbers of an event. They are compared by their squares written out, and the one that is kept is
    measured without loss.
    """
    flat = samples.reshape(len(samples), -1)
    least, states = np.full(len(samples), np.inf), np.empty_like(samples)
    index, first = np.zeros(len(samples), np.int64), 0
    for part in parts:
        known = part.reshape(len(part), -1)
        size = np.einsum("md,md->m", known, known)
        for rows in np.array_split(np.arange(len(flat)), -(-len(flat) // AT_ONCE)):
            away = size - 2 * (flat[rows] @ known.T)
            if apart_from is not None:
                own = apart_from[rows] - first
                here = (own >= 0) & (own < len(known))
                away[here, own[here]] = np.inf
            near = np.argmin(away, 1)
            far = np.square(flat[rows].astype(np.float64) - known[near]).mean(1)
            closer = rows[far < least[rows]]
            chosen = near[far < least[rows]]
            states[closer], index[closer], least[closer] = part[chosen], first + chosen, far[far < least[rows]]
        first += len(part)
    return (states, index, np.sqrt(least)) if first else None
