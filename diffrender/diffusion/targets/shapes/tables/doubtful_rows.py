"""Rows of points that are doubtful: values that stand for missing ones, axes that never vary, points far from all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

FILLS = (-99, -999, -999.25, -9999, -99_999, -999_999, 999, 9999, 99_999, 999_999, -32_768, 32_767)
FILL = 1e15  # these, and larger ones, are written for what is missing
ENOUGH = 5  # other rows from which their span is one
AWAY, FAR = 3, 50  # times the span of all others: that far off a fill stands, and what is remarked


def fills_of(rows: np.ndarray) -> list[float]:
    """The values that plainly stand for missing ones: such as programs write, far from all others of their column."""
    found = set()
    for column in rows.T:
        like = np.isin(column, FILLS) | (np.abs(column) >= FILL)
        others = column[~like & ~np.isnan(column)]
        if like.any() and len(others) >= ENOUGH and (span := np.ptp(others)):
            away = np.maximum(column - others.max(), others.min() - column) > AWAY * span
            found |= set(column[like & away].tolist())
    return sorted(found)


def odd(rows: np.ndarray, names: Sequence[str]) -> list[str]:
    """What of points (M, D) is worth a word: an axis on which nothing varies, rows far from all others."""
    low, high = np.quantile(rows, (0.05, 0.95), axis=0)
    still = [
        f"{name} is {v:.4g} in every row"
        for name, v, s in zip(names, rows[0], np.ptp(rows, axis=0), strict=False)
        if not s
    ]
    with np.errstate(over="ignore"):
        far = (np.maximum(rows - high, low - rows) > FAR * (high - low)) & (high > low)
    if not (away := far.any(axis=1)).any():
        return still
    first, many = int(np.argmax(away)), int(away.sum())
    return [
        *still,
        f"{many:,} of {len(rows):,} rows lie{'s' * (many == 1)} far from all others ({spoken(rows[first])})",
    ]


def spoken(row: np.ndarray) -> str:
    """The numbers of a point (D,), as messages say them."""
    return ", ".join(f"{v:.4g}" for v in row)
