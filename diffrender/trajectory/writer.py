"""Recordings written as a stream, one block of it in memory whatever the run's length."""

from __future__ import annotations

import contextlib
import io
import json
import math
import shutil
import struct
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from diffrender.core.errors import TrajectoryError, suggest
from diffrender.core.files import replacing, write_text
from diffrender.core.provenance import made_with
from diffrender.trajectory.schema import (
    KINDS,
    SCHEMA_VERSION,
    check_keys,
    check_shapes,
    first_not_finite,
    member,
)

COPY = 1 << 22  # bytes copied in one go
MANIFEST = "parts.json"


class TrajectoryWriter:
    """Writes a recording as it comes: members are spooled to disk, and joined into the file when the block is left.

    >>> with TrajectoryWriter("run.npz", {"kind": "langevin", "seed": 0}) as writer:   # doctest: +SKIP
    ...     for block in blocks:
    ...         writer.write("x", block)         # (rows, N, *event), appended
    ...     writer.add("target", points)         # a whole member

    The file appears complete or not at all: an exception inside the block leaves whatever stood at `path`. `meta` must
    name the `kind`; `schema_version` and `versions` are filled in, and what `writer.meta` is at the end is written.
    parts: a folder, made for this recording alone, in which what was written so far can be found by `recover` even if
    the process is killed; it is gone when the block is left.
    """

    def __init__(self, path: str | Path, meta: Mapping[str, Any], *, parts: Path | None = None) -> None:
        self.path, self.meta, self.parts = Path(path), dict(meta), parts
        self.spools: dict[str, _Spool] = {}
        if self.meta.get("kind") not in KINDS:
            raise TrajectoryError(f"{path}: unknown kind {self.meta.get('kind')!r}.", suggest("", KINDS))

    def write(self, key: str, rows: np.ndarray, *, at: int | None = None, first: int = 0, chains: int = 0) -> None:
        """Append rows (R, …) to member `key`, or put them at row `at`.

        With `chains`, each row is columns `first` … of a row that has `chains` of them: how runs in batches are joined.
        """
        rows = np.ascontiguousarray(rows)
        if (row := first_not_finite(rows)) is not None:
            spool = self.spools.get(key)
            row += at if at is not None else spool.rows if spool else 0
            raise TrajectoryError(
                f"{self.path}: '{key}' became NaN or infinite at step {row}: the run diverged.",
                "Take smaller steps or less guidance, or train the model longer.",
            )
        with self._disk():
            if key not in self.spools:
                shape = (chains, *rows.shape[2:]) if chains else rows.shape[1:]
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.spools[key] = _Spool(self.path.parent, rows.dtype, shape, self.parts and self.parts / key)
                if self.parts:
                    self.note_parts()
            self.spools[key].write(rows, at, first)

    def add(self, key: str, array: np.ndarray) -> None:
        """Write a whole member at once."""
        self.write(key, np.asarray(array))

    def __enter__(self) -> TrajectoryWriter:
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        try:
            if kind is None:
                self._join()
        finally:
            for spool in self.spools.values():
                spool.file.close()
            if self.parts:
                shutil.rmtree(self.parts, ignore_errors=True)

    def note_parts(self) -> None:
        """Write down what `recover` must know of the parts: their types and shapes, and `meta`."""
        assert self.parts
        members = {key: [spool.dtype.str, list(spool.row)] for key, spool in self.spools.items()}
        write_text(self.parts / MANIFEST, json.dumps({"path": str(self.path), "meta": self.meta, "members": members}))

    def _join(self) -> None:
        """Check what was spooled against the schema, then copy it into the file."""
        meta = {"schema_version": SCHEMA_VERSION, **self.meta, "versions": made_with()}
        check_keys(self.spools, meta["kind"], str(self.path))
        check_shapes({k: (s.shape, s.dtype) for k, s in self.spools.items()}, meta["kind"], str(self.path))
        text = np.array(json.dumps(meta, ensure_ascii=False, allow_nan=False))
        with self._disk(), replacing(self.path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            _store(archive, "meta", _header(text.dtype, ()), [text.tobytes()])
            for key, spool in self.spools.items():
                _store(archive, key, _header(spool.dtype, spool.shape), spool.blocks())
                spool.file.close()

    @contextlib.contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise TrajectoryError(
                f"{self.path}: cannot be written ({error.strerror or error}).",
                "Choose a folder that is writable and has room with --out.",
            ) from None


class _Spool:
    """One growing member in a nameless temporary file: nothing is left behind, however the process ends.

    With `name` it is a file of that name, from which it may be read on.
    """

    def __init__(self, folder: Path, dtype: np.dtype, row: tuple[int, ...], name: Path | None = None) -> None:
        self.dtype, self.row, self.rows = dtype, row, 0
        self.row_bytes = math.prod(row) * dtype.itemsize
        self.file: Any  # closed by the writer
        if name is None:
            self.file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
        else:
            name.parent.mkdir(parents=True, exist_ok=True)
            self.file = name.open("r+b" if name.exists() else "w+b", buffering=0)
            self.rows = name.stat().st_size // max(1, self.row_bytes)

    @property
    def shape(self) -> tuple[int, ...]:
        """(rows, *row) as written so far."""
        return (self.rows, *self.row)

    def write(self, rows: np.ndarray, at: int | None, first: int) -> None:
        """Write rows from row `at` on, after the last if None; rows of only some chains begin at chain `first`."""
        at = self.rows if at is None else at
        if rows.shape[1:] == self.row:
            _write_all(self.file, rows, at * self.row_bytes)
        else:
            before = first * self.row_bytes // self.row[0]
            for i, part in enumerate(rows):
                _write_all(self.file, part, (at + i) * self.row_bytes + before)
        self.rows = max(self.rows, at + len(rows))

    def blocks(self) -> Iterator[bytes]:
        """The data, as blocks of bytes."""
        self.file.truncate(self.rows * self.row_bytes)
        self.file.seek(0)
        while block := self.file.read(COPY):
            yield block


def recover(parts: Path, reason: str) -> Path | None:
    """Make the recording whose process ended while it was being written, and remove its parts; None if it is no run.

    Every member is cut to the moves that all of them have. reason: for `meta.incomplete`.
    """
    try:
        manifest = json.loads((parts / MANIFEST).read_text("utf-8"))
        with TrajectoryWriter(manifest["path"], {**manifest["meta"], "incomplete": reason}, parts=parts) as writer:
            for key, (dtype, row) in manifest["members"].items():
                writer.spools[key] = _Spool(parts, np.dtype(dtype), tuple(row), parts / key)
            axes = {key: found.axes.split()[0] for key in writer.spools if (found := member(key, "reverse"))}
            states = [s.rows for key, s in writer.spools.items() if axes.get(key) == "T+1"]
            moves = [s.rows + 1 for key, s in writer.spools.items() if axes.get(key) == "T"]
            whole = min(states + moves)
            for key, spool in writer.spools.items():
                if axes.get(key) in ("T", "T+1"):
                    spool.rows = whole - (axes[key] == "T")
            if whole < 2:
                raise TrajectoryError(f"{writer.path}: no move was recorded.")
        return writer.path
    except (OSError, ValueError, KeyError, TrajectoryError):
        shutil.rmtree(parts, ignore_errors=True)
        return None


def _write_all(file: IO[bytes], array: np.ndarray, offset: int) -> None:
    file.seek(offset)
    left = array.data.cast("B") if array.size else memoryview(b"")
    while left:
        left = left[file.write(left) :]


def _header(dtype: np.dtype, shape: tuple[int, ...]) -> bytes:
    """The header that numpy.save would write."""
    stream = io.BytesIO()
    described = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, described)
    return stream.getvalue()


def _store(archive: zipfile.ZipFile, key: str, header: bytes, blocks: Any) -> None:
    """Add a stored member whose data begin on a multiple of 64 bytes, so that maps of it are aligned."""
    info = zipfile.ZipInfo(f"{key}.npy")  # dated 1980: the same run gives the same bytes
    assert archive.fp is not None
    before = archive.fp.tell() + 30 + len(info.filename) + 20  # 20: the zip64 sizes
    padding = -(before + 4) % 64
    info.extra = struct.pack("<HH", 0xD935, padding) + bytes(padding)
    with archive.open(info, "w", force_zip64=True) as member:
        member.write(header)
        for block in blocks:
            member.write(block)
