"""Files in the IDX format, in which MNIST and Fashion-MNIST are published, compressed with gzip."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from diffrender.core.errors import DiffrenderError, words_of

UNSIGNED_BYTES = 8
MAX_BYTES = 1 << 30


def read_idx(path: Path, axes: int) -> np.ndarray:
    """The array of unsigned bytes in `path`, which must have `axes` axes; read-only.

    Raises DiffrenderError naming the file if it is no IDX file, is cut short, or holds another kind of array.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rb") as file:
            head = file.read(4 + 4 * axes)
            shape = _shape(path, head, axes)
            size = math.prod(shape)
            data = file.read(size + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DiffrenderError(
            f"{path}: cut short or damaged ({words_of(error)}).",
            "Delete it, and it is downloaded again, or copy it again.",
        ) from None
    except OSError as error:
        raise DiffrenderError(f"{path}: cannot be read ({error.strerror or error}).") from None
    if len(data) != size:
        raise DiffrenderError(
            f"{path}: its head says {' × '.join(map(str, shape))} bytes, but {min(len(data), size + 1):,} are there.",
            "Delete it, and it is downloaded again, or copy it again.",
        )
    return np.frombuffer(data, np.uint8).reshape(shape)


def _shape(path: Path, head: bytes, axes: int) -> tuple[int, ...]:
    """The sizes in the head of a file."""
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] != UNSIGNED_BYTES:
        raise DiffrenderError(f"{path}: not an IDX file of unsigned bytes, whatever its name says.")
    if head[3] != axes or len(head) < 4 + 4 * axes:
        raise DiffrenderError(f"{path}: an IDX file of {head[3]} axes, where {axes} are needed.")
    shape = struct.unpack(f">{axes}I", head[4:])
    if math.prod(shape) > MAX_BYTES:
        raise DiffrenderError(f"{path}: claims {math.prod(shape):,} bytes, more than a set of images may have.")
    return shape
