"""NumPy files of points. Called in a process with limits on time and memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from diffrender.core.errors import ConfigError, DiffrenderError, words_of
from diffrender.diffusion.targets.shapes.tables.doubtful_rows import odd
from diffrender.diffusion.targets.shapes.tables.points import check_points

MAX_BYTES = 512_000_000


def read_array(
    _: bytes, *, path: str, columns: Sequence[str | int] | None = None
) -> tuple[dict[str, Any], list[np.ndarray]]:
    """[points (M, 2) or (M, 3) float64] of a .npy file; `columns` are numbers, from 0."""
    array = _mapped(Path(path))
    kind = str(array.dtype)[:60]
    if array.dtype.kind not in "fiu" or array.ndim != 2:
        raise DiffrenderError(
            f"{path}: points are (N, 2) or (N, 3) numbers, not {kind} of shape {array.shape}.",
            _remedy(array),
        )
    if columns is not None:
        wrong = [c for c in columns if not isinstance(c, int) or not 0 <= c < array.shape[1]]
        if wrong or len(columns) not in (2, 3):
            raise ConfigError(f"target.columns: two or three numbers of 0 … {array.shape[1] - 1} are needed.")
        array = array[:, [int(c) for c in columns]]
    elif array.shape[1] not in (2, 3):
        raise DiffrenderError(
            f"{path}: points are (N, 2) or (N, 3) numbers, not {kind} of shape {array.shape}.",
            "Turn it with numpy.save(name, points.T)."
            if array.shape[0] in (2, 3)
            else "Choose two or three columns with target.columns: [0, 1].",
        )
    if array.nbytes > MAX_BYTES:
        raise DiffrenderError(f"{path}: larger than a file of points may be ({MAX_BYTES // 10**6} MB).")
    rows = np.array(array, np.float64)
    check_points(rows, path)
    if not np.ptp(rows, axis=0).any():
        raise DiffrenderError(f"{path}: all its points are the same.")
    return {"notes": [f"{Path(path).name}: {line}." for line in odd(rows, [f"column {k}" for k in range(3)])]}, [rows]


def _remedy(array: np.ndarray) -> str:
    """How an array that is no table of numbers becomes one."""
    if array.dtype.names:
        return f"Save its fields as columns: numpy.stack([points[name] for name in {list(array.dtype.names)[:3]}], 1)."
    if array.dtype.kind in "fiu" and array.ndim > 2:
        return "Save them flat: numpy.save(name, points.reshape(-1, points.shape[-1]))."
    if array.dtype.kind == "c":
        return "Save both parts as columns: numpy.stack([z.real, z.imag], 1)."
    if array.dtype.kind in "fiu":
        return "Save two or three numbers for each point: numpy.stack([x, y], 1)."
    return "Save them with numpy.save(name, points.astype(float))."


def _mapped(path: Path) -> np.ndarray:
    """The array of a .npy file; says what the file is instead, if it is something else."""
    with path.open("rb") as file:
        start = file.read(6)
    if start[:4] == b"PK\x03\x04":
        raise DiffrenderError(
            f"{path}: a zip archive, probably an .npz of several arrays, whatever its name says.",
            "Save the one array that holds the points: numpy.save('points.npy', points).",
        )
    if start != b"\x93NUMPY":
        raise DiffrenderError(f"{path}: not a NumPy file, whatever its name says.")
    try:
        array = np.load(path, allow_pickle=False, mmap_mode="r")
    except MemoryError:
        raise
    except Exception as error:  # headers are parsed, and can hold anything
        objects = "bject" in str(error) or "allow_pickle" in str(error)
        said = "an array of Python objects" if objects else f"not a NumPy file of numbers ({words_of(error)})"
        raise DiffrenderError(f"{path}: {said}.", "Save it again: numpy.save(name, points.astype(float)).") from None
    if not isinstance(array, np.ndarray):
        raise DiffrenderError(f"{path}: not one array of numbers.")
    return array
