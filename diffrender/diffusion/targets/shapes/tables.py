"""Files of points: CSV, TSV, XYZ and NPY."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from diffrender.core.errors import DiffrenderError, suggest

MAX_BYTES = 512_000_000
MAX_ROWS = 20_000_000


def read_points(path: Path, dataset: str | None = None) -> np.ndarray:
    """The points in a file, (M, 2) or (M, 3) float64.

    A table may have a header; its columns x, y (z) are taken if it names them, else all that are not `dataset`. A
    `dataset` column holds the names of several sets, of which `dataset` says the one to take. Rows of an XYZ file
    may go on after x y z.
    """
    if path.stat().st_size > MAX_BYTES:
        raise DiffrenderError(f"{path}: larger than a file of points may be ({MAX_BYTES // 10**6} MB).")
    rows = _npy(path) if path.suffix.lower() == ".npy" else _table(path, dataset)
    if rows.ndim != 2 or rows.shape[1] not in (2, 3):
        raise DiffrenderError(f"{path}: points of 2 or 3 numbers are needed, not an array of shape {rows.shape}.")
    if not len(rows):
        raise DiffrenderError(f"{path}: no points in it.")
    if not (finite := np.isfinite(rows).all(axis=1)).all():
        raise DiffrenderError(f"{path}: row {int(np.argmin(finite)) + 1} of numbers: not finite.")
    return rows


def _npy(path: Path) -> np.ndarray:
    try:
        rows = np.load(path, allow_pickle=False, mmap_mode="r")
    except (OSError, ValueError, EOFError, SyntaxError):
        raise DiffrenderError(f"{path}: not a NumPy file of numbers, whatever its name says.") from None
    if rows.dtype.kind not in "fiu" or rows.ndim != 2 or rows.shape[1] > 3 or len(rows) > MAX_ROWS:
        raise DiffrenderError(f"{path}: points are (N, 2) or (N, 3) numbers, not {rows.dtype} of shape {rows.shape}.")
    return np.array(rows, np.float64)


def _table(path: Path, dataset: str | None) -> np.ndarray:
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise DiffrenderError(f"{path}: not a text file, whatever its name says.") from None
    lines = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        raise DiffrenderError(f"{path}: no points in it.")
    separator = next((mark for mark in "\t;," if mark in lines[0]), None)
    first = _cells(lines[0], separator)
    header = None if all(_is_number(cell) for cell in first) else [cell.strip().lower() for cell in first]
    body = lines[1:] if header else lines
    if not body:
        raise DiffrenderError(f"{path}: no points in it, only a header.")
    if header and "dataset" in header:
        body = _of_dataset(path, body, separator, header.index("dataset"), dataset)
    elif dataset is not None:
        raise DiffrenderError(f"{path}: has no column 'dataset' to choose '{dataset}' from.")
    columns = _columns(header) if header else range(3) if path.suffix.lower() == ".xyz" else range(len(first))
    try:
        return np.loadtxt(body, np.float64, delimiter=separator, usecols=list(columns), ndmin=2, comments=None)
    except (ValueError, IndexError) as error:
        raise DiffrenderError(
            f"{path}: {str(error).rstrip('.')}.", "A table of points holds numbers only, under one header line at most."
        ) from None


def _columns(header: list[str]) -> list[int]:
    """Which columns of a header hold the coordinates."""
    named = [header.index(axis) for axis in ("x", "y", "z") if axis in header]
    return named if len(named) >= 2 else [k for k, name in enumerate(header) if name != "dataset"]


def _of_dataset(path: Path, body: list[str], separator: str | None, column: int, dataset: str | None) -> list[str]:
    """The lines of one data set, without its name."""
    rows = [_cells(line, separator) for line in body]
    known = {row[column] for row in rows if len(row) > column}
    if dataset is None and len(known) == 1:
        dataset = next(iter(known))
    if dataset not in known:
        problem = f"holds {len(known)} data sets" if dataset is None else f"has no data set '{dataset}'"
        raise DiffrenderError(f"{path}: {problem}.", f"Choose one with target.dataset. {suggest(dataset or '', known)}")
    chosen = [["0" if k == column else cell for k, cell in enumerate(row)] for row in rows if row[column] == dataset]
    return [(separator or " ").join(row) for row in chosen]


def _cells(line: str, separator: str | None) -> list[str]:
    return next(csv.reader([line], delimiter=separator)) if separator else line.split()


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
