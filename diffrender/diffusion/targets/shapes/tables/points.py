"""Files of points: their coordinates and classes, checked, and what was decided about them in words.

Called in a process with limits on time and memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from diffrender.core.errors import DiffrenderError
from diffrender.diffusion.targets.shapes.molecules import read_molecule
from diffrender.diffusion.targets.shapes.tables.columns import Columns
from diffrender.diffusion.targets.shapes.tables.doubtful_rows import fills_of, odd, spoken
from diffrender.diffusion.targets.shapes.tables.roles import Roles
from diffrender.diffusion.targets.shapes.tables.text import read_table

MAX_COORDINATE = 1e150  # larger ones overflow when they are squared


def read_points(
    _: bytes,
    *,
    path: str,
    columns: Sequence[str | int] | None = None,
    label: str | int | None = None,
    header: bool | None = None,
    decimal: str | None = None,
    dataset: str | None = None,
    missing: Sequence[float] | None = None,
) -> tuple[dict[str, Any], list[np.ndarray]]:
    """The points of a table, [(M, 2) or (M, 3) float64], and if they have classes, their numbers (M,) int64.

    The keywords are those of a `drawing` target. The classes' names stand under "classes", what was decided under
    "notes". DiffrenderError names the key that decides, where a column could be meant in two ways.
    """
    file = Path(path)
    if file.suffix.lower() == ".xyz" and columns is None and (molecule := read_molecule(file)):
        return molecule
    table = read_table(file, header, decimal)
    reader = Columns(file, table)
    if dataset is not None or "dataset" in reader.lower:
        reader.choose(dataset)
    coordinates, kind = Roles(reader).choose(columns, label)
    rows = np.stack([reader.numbers(k) for k in coordinates], 1)
    fills = fills_of(rows) if missing is None else sorted(map(float, missing))
    rows[np.isin(rows, fills)] = np.nan
    whole = ~np.isnan(rows).any(axis=1)
    check_points(rows[whole], path)
    _check_several(rows, whole, path)
    notes = reader.notes(coordinates, kind, asked=columns is not None)
    if lost := int((~whole).sum()):
        several = len(fills) > 1
        taken = (
            f"{', '.join(f'{v:.10g}' for v in fills)} {'stand' if several else 'stands'} for a missing one "
            f"(target.missing: [] keeps {'them' if several else 'it'})"
        )
        why = f"; {taken}" if fills and missing is None else ""
        notes.append(f"{file.name}: {lost:,} of {len(rows):,} rows lack a number, and are left out{why}.")
        reader.keep(whole)
        rows = rows[whole]
    notes += [f"{file.name}: {line}." for line in odd(rows, [reader.shown[k] for k in coordinates])]
    if kind is None:
        return {"notes": notes}, [rows]
    names, numbers = reader.classes(kind)
    return {"notes": notes, "classes": names}, [rows, numbers]


def check_points(rows: np.ndarray, path: str) -> None:
    """Refuse an array that is not (M, 2) or (M, 3) finite numbers, M > 0, of a size that can be squared."""
    if rows.ndim != 2 or rows.shape[1] not in (2, 3):
        raise DiffrenderError(f"{path}: points of 2 or 3 numbers are needed, not an array of shape {rows.shape}.")
    if not len(rows):
        raise DiffrenderError(f"{path}: no points in it.")
    if not (fine := np.isfinite(rows).all(axis=1)).all():
        row = int(np.argmin(fine))
        raise DiffrenderError(f"{path}: row {row + 1} of numbers: not finite ({spoken(rows[row])}).")
    if not (fine := (np.abs(rows) <= MAX_COORDINATE).all(axis=1)).all():
        row = int(np.argmin(fine))
        raise DiffrenderError(
            f"{path}: row {row + 1} of numbers: too large ({spoken(rows[row])}).", f"At most {MAX_COORDINATE:g}."
        )


def _check_several(rows: np.ndarray, whole: np.ndarray, path: str) -> None:
    """Refuse a table of one point, also where it is one only without the rows that lack a number."""
    if np.ptp(rows[whole], axis=0).any():
        return
    if whole.all():
        raise DiffrenderError(f"{path}: all its points are the same ({spoken(rows[0])}).")
    row = int(np.argmin(whole))
    raise DiffrenderError(
        f"{path}: row {row + 1} of numbers lacks one ({spoken(rows[row])}), and all others are the same point."
    )
