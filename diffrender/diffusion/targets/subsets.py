"""Parts of labelled sets: classes by their names, and the first states of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from diffrender.core.errors import ConfigError, suggest


def class_numbers(classes: Sequence[int | str], names: Sequence[str] | None, where: str) -> list[int]:
    """The numbers of classes that are named, or given by number; ConfigError naming the key `where`."""
    if not names:
        raise ConfigError(f"{where}: the target has no classes.", "Leave it out, or take a target that has some.")
    known = {str(k): k for k in range(len(names))} | {name: k for k, name in enumerate(names)}
    for entry in classes:
        if str(entry) not in known:
            raise ConfigError(f"{where}: the target has no class '{entry}'.", suggest(str(entry), names))
    if not classes:
        raise ConfigError(f"{where}: no class is named.", f"Known: {', '.join(names)}.")
    return [known[str(entry)] for entry in classes]


def first_of_each(label: np.ndarray | None, count: int, limit: int) -> np.ndarray:
    """Indices (at most `limit`,) of the first of `count` states, evenly over the classes, in their own order."""
    if label is None:
        return np.arange(min(count, limit))
    rank = np.empty(count, np.int64)  # how many of its class come before a state
    for k in np.unique(label):
        same = label == k
        rank[same] = np.arange(same.sum())
    return np.sort(np.lexsort((np.arange(count), rank))[:limit])
