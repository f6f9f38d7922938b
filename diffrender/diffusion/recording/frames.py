"""Choice of the states of a long run that are kept, and how large the recording of images becomes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from diffrender.diffusion.levels import Level

HALF_BYTES, SINGLE_BYTES = 2, 4  # of a number in float16 and float32


def kept_states(levels: Sequence[Level], frames: int) -> frozenset[int]:
    """Indices of `frames` of the states at `levels` (or of all), spread evenly in log-SNR, first and last included.

    Where several states stand at one level (annealed Langevin) they count as lying evenly between it and the next. The
    exact clean level and one of pure noise have no log-SNR: they stand one step beyond their neighbours.
    """
    count = len(levels)
    if count <= frames:
        return frozenset(range(count))
    place = _places(np.array([level.log_snr for level in levels]))
    if place[-1] < place[0]:
        place = -place
    kept = [0]
    for k, wanted in enumerate(np.linspace(place[0], place[-1], frames)[1:], 1):
        after = int(np.searchsorted(place, wanted))
        near = after - (after > 0 and wanted - place[after - 1] <= place[min(after, count - 1)] - wanted)
        kept.append(min(max(near, kept[-1] + 1), count - frames + k))  # each another state, and room for the rest
    return frozenset(kept)


def _places(log_snr: np.ndarray) -> np.ndarray:
    """log-SNR of each state, finite, and different for states of one level; monotone if the levels are."""
    new = np.flatnonzero(np.concatenate([[True], log_snr[1:] != log_snr[:-1]]))
    values = log_snr[new].copy()
    finite = np.flatnonzero(np.isfinite(values))
    if len(finite) < 2:
        return np.arange(len(log_snr), dtype=float)
    step = (values[finite[-1]] - values[finite[0]]) / (finite[-1] - finite[0])
    values[: finite[0]] = values[finite[0]] - step
    values[finite[-1] + 1 :] = values[finite[-1]] + step
    return np.interp(np.arange(len(log_snr)), new, values)


def recording_bytes(states: int, chains: int, numbers: int, members: Sequence[str], half: Sequence[str]) -> int:
    """Bytes of a recording: of each state `numbers` numbers of x and of what else is kept (`members`).

    Those in `half` are kept in half precision.
    """
    each = sum(HALF_BYTES if name in half else SINGLE_BYTES for name in {"x", *members})
    return states * chains * numbers * each
