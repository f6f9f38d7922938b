"""The archive of a recording, `.npz`: nothing is mapped or allocated that the file does not hold."""

from __future__ import annotations

import contextlib
import io
import math
import os
import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np

from diffrender.core.disguises import HEAD_BYTES, known_start
from diffrender.core.errors import TrajectoryError, words_of
from diffrender.trajectory.schema import NAME

MAX_MEMBERS = 512
MAX_META = 8_000_000  # bytes of `meta`
MAX_INFLATED = 1 << 30  # bytes that compressed members may take in memory
NPY, ZIP = b"\x93NUMPY", b"PK"  # with which files begin
PICKLES = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))


def read_members(path: Path, mapped: bool) -> dict[str, np.ndarray]:
    """Every member of the archive, its size checked against the file before anything is mapped or allocated.

    With `mapped` they are read-only maps of the file. TrajectoryError names file and member, and says what to do.
    """
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
            if len(infos) > MAX_MEMBERS:
                raise TrajectoryError(f"{path}: holds {len(infos):,} members; a recording has at most {MAX_MEMBERS}.")
            budget = MAX_INFLATED
            arrays: dict[str, np.ndarray] = {}
            for info in infos:
                key = info.filename.removesuffix(".npy")
                if key == info.filename or not NAME.fullmatch(key) or key in arrays:
                    raise _no_member(path, info.filename, key in arrays)
                if info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1:
                    arrays[key] = _stored(path, file, info, key, mapped)
                else:
                    budget -= info.file_size
                    arrays[key] = _inflated(path, archive, info, key, budget)
            return arrays
    except FileNotFoundError:
        raise TrajectoryError(f"{path}: no such file.") from None
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error, EOFError, struct.error) as error:
        raise _no_archive(path, words_of(error)) from None
    except OSError as error:
        raise TrajectoryError(f"{path}: cannot be read ({error.strerror or error}).") from None


def _stored(path: Path, file: IO[bytes], info: zipfile.ZipInfo, key: str, mapped: bool) -> np.ndarray:
    """Map (or read) a stored member; its data begin where the *local* header says."""
    file.seek(info.header_offset)
    local = file.read(30)
    if len(local) < 30 or local[:4] != b"PK\x03\x04":
        raise TrajectoryError(f"{path}: '{key}' has no local header: the file is damaged.")
    name_length, extra_length = struct.unpack("<HH", local[26:30])
    start = info.header_offset + 30 + name_length + extra_length
    if info.compress_size != info.file_size or start + info.file_size > os.fstat(file.fileno()).st_size:
        raise TrajectoryError(f"{path}: '{key}' is truncated: its {info.file_size:,} bytes are not in the file.")
    file.seek(start)
    shape, order, dtype, header = _npy_header(path, file.read(min(info.file_size, 1 << 16)), key, info.file_size)
    if math.prod(shape) == 0:
        return np.empty(shape, dtype)
    if not mapped or key == "meta":
        file.seek(start + header)
        return np.fromfile(file, dtype, math.prod(shape)).reshape(shape, order=order)
    return np.memmap(path, dtype, "r", start + header, shape, order).view(np.ndarray)


def _inflated(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, key: str, budget: int) -> np.ndarray:
    """Read a compressed member into memory, within what is left of the budget."""
    if budget < 0:
        raise TrajectoryError(
            f"{path}: compressed members of more than {MAX_INFLATED >> 20:,} MB cannot be mapped.",
            "Write the file with numpy.savez, not savez_compressed.",
        )
    with archive.open(info) as member:
        first = member.read(min(info.file_size, 1 << 16))
        shape, order, dtype, header = _npy_header(path, first, key, info.file_size)
        data = first[header:] + member.read(info.file_size - len(first))
    if len(data) != info.file_size - header:
        raise TrajectoryError(f"{path}: '{key}' is truncated.")
    return np.frombuffer(data, dtype).reshape(shape, order=order)


def _npy_header(path: Path, start: bytes, key: str, size: int) -> tuple[tuple[int, ...], Any, np.dtype, int]:
    """Shape, order, dtype and header length from the first bytes of a member, whose `size` must be what they say."""
    stream = io.BytesIO(start)
    try:
        major, _ = np.lib.format.read_magic(stream)
        if major not in (1, 2):
            raise ValueError(f"format {major}")
        read = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(stream)
    except Exception as error:
        raise TrajectoryError(f"{path}: '{key}' is not a NumPy array that can be read ({words_of(error)}).") from None
    if dtype.hasobject:
        raise TrajectoryError(
            f"{path}: '{key}' is a pickle; a recording holds plain arrays only.",
            "Convert it to numbers before saving; pickles are never loaded.",
        )
    if dtype.kind not in "fiubU" or dtype.itemsize == 0 or (dtype.kind == "U") != (key == "meta"):
        problem = f"{path}: '{key}' holds {str(dtype)[:60]}, which no member of a recording may."
        raise TrajectoryError(problem, _as_numbers(key, dtype))
    if key == "meta" and (shape != () or dtype.itemsize > MAX_META):
        raise TrajectoryError(f"{path}: 'meta' must be one JSON string of at most {MAX_META:,} bytes.")
    claimed, held = math.prod(shape) * dtype.itemsize, size - stream.tell()
    if any(n < 0 for n in shape) or claimed != held:
        raise TrajectoryError(
            f"{path}: '{key}' claims shape {shape} ({claimed:,} bytes) but holds {held:,} bytes.",
            "The file is damaged, or was not written by NumPy.",
        )
    return shape, "F" if fortran else "C", dtype, stream.tell()


def _no_archive(path: Path, reason: str) -> TrajectoryError:
    """Of a file that is no archive: what it is, if its first bytes say so."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        if head.startswith(NPY):
            remedy = "Save the run with diffrender.Recorder; a cloud of points is a data set: name it .npy."
            return TrajectoryError(f"{path}: not a recording, but one array (.npy).", remedy)
        if not head:
            return TrajectoryError(f"{path}: is empty.", "Make the recording again, or copy the file again.")
        if head.startswith(ZIP):
            return TrajectoryError(f"{path}: truncated or damaged ({reason}).", "Copy it again, or make it again.")
        if head.startswith(PICKLES) and not known_start(head):
            remedy = "Pickles are never loaded: write the run with diffrender.Recorder."
            return TrajectoryError(f"{path}: not a recording, but a pickle.", remedy)
        if known := known_start(head):
            return TrajectoryError(f"{path}: {known[0]}, whatever its name says.", known[1])
    return TrajectoryError(
        f"{path}: not a recording ({reason}).", "A recording is an .npz written by diffrender or numpy.savez."
    )


def _no_member(path: Path, name: str, again: bool) -> TrajectoryError:
    """Of a name in an archive that no array of a recording has."""
    plain = name.removesuffix(".npy")
    shown = plain[:80]
    if again:
        return TrajectoryError(f"{path}: '{shown}' stands in it twice.", "Write each array once, with numpy.savez.")
    if plain == name:
        return TrajectoryError(f"{path}: '{name[:80]}' in it is no array (.npy).", "Take it out of the archive.")
    if "/" in plain or "\\" in plain:
        remedy = "Write them with numpy.savez(file, x=…, …), all side by side."
        return TrajectoryError(f"{path}: '{shown}' stands in a folder inside it.", remedy)
    better = re.sub(r"\W+", "_", plain, flags=re.ASCII).strip("_")
    better = better if NAME.fullmatch(better) else "my_key"
    return TrajectoryError(
        f"{path}: '{shown}' cannot be the name of an array in a recording.",
        f"Names are letters, digits and _: numpy.savez(file, {better}=…).",
    )


def _as_numbers(key: str, dtype: np.dtype) -> str:
    """What to save in place of an array of that type."""
    if key == "meta":
        return "Save it as text: numpy.array(json.dumps(meta))."
    if dtype.kind == "c":
        return f"Save its parts: numpy.stack([{key}.real, {key}.imag], -1)."
    return f"Save numbers: numpy.asarray({key}, float)."
