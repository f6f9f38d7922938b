"""Pickles that hold data and nothing else: lists, dicts, strings, numbers and arrays of bytes.

The batches of CIFAR-10 are pickles, and a pickle is a program: loading one runs whatever it names. Here the names in it
are never looked up. The five that an array needs stand for small classes of this file, which check what they are given
and build the array themselves; any other name is refused before anything is done with it.
"""

from __future__ import annotations

import io
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from diffrender.core.errors import DiffrenderError

BYTE_TYPES = {"u1", "i1", "|u1", "|i1"}  # what the pixels of an image may be
MAX_CHARACTERS = 16


def load(data: bytes, source: Path | str) -> Any:
    """What the pickle `data` holds; strings of Python 2 as bytes.

    Raises DiffrenderError naming `source` if it is no pickle, is cut short, or names anything but an array's parts.
    """
    try:
        return _finished(_PlainUnpickler(io.BytesIO(data), encoding="bytes").load())
    except _Refused as refused:
        raise DiffrenderError(
            f"{source}: a pickle that names '{refused}', which no batch of images needs; nothing of it was run.",
            "Get the file again from where the data set is published.",
        ) from None
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise DiffrenderError(f"{source}: not a batch of images, or cut short ({str(error)[:80]}).") from None
    except (RecursionError, MemoryError, OverflowError):
        raise DiffrenderError(
            f"{source}: not a batch of images: it claims more than a file of its size holds."
        ) from None


class _Refused(Exception):
    """A name that is not looked up."""


class _DType:
    """The type of an array's elements, by its short name."""

    def __init__(self, name: Any = "", *_: Any) -> None:
        text = name.decode("ascii") if isinstance(name, bytes) else name
        if not isinstance(text, str) or text[:MAX_CHARACTERS] not in BYTE_TYPES:
            raise ValueError(f"an array of {text!r:.20}, not of bytes")
        self.name = text.strip("|")

    def __setstate__(self, state: Any) -> None:
        """Byte order and alignment, which single bytes do not have."""


class _Array:
    """An array of bytes in the making."""

    def __init__(self, *_: Any) -> None:
        self.parts: tuple[tuple[int, ...], str, bytes] | None = None

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, fortran, data = state
        if isinstance(data, str):
            data = data.encode("latin-1")
        sizes = isinstance(shape, tuple) and all(isinstance(n, int) and n >= 0 for n in shape)
        if not sizes or not isinstance(kind, _DType) or not isinstance(data, bytes) or fortran:
            raise ValueError("an array that is not a plain block of bytes")
        if math.prod(shape) != len(data):
            raise ValueError(f"an array of shape {shape} with {len(data):,} bytes")
        self.parts = shape, kind.name, data

    def array(self) -> np.ndarray:
        """The finished array, read-only."""
        if self.parts is None:
            raise ValueError("an array without its bytes")
        shape, kind, data = self.parts
        return np.frombuffer(data, kind).reshape(shape)


def _encode(text: Any, encoding: Any) -> bytes:
    """Bytes as Python 3 writes them in old protocols."""
    if not isinstance(text, str) or encoding not in ("latin1", b"latin1"):
        raise ValueError("text in an unknown encoding")
    return text.encode("latin-1")


STAND_INS = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _DType,
    ("_codecs", "encode"): _encode,
}


class _PlainUnpickler(pickle.Unpickler):
    """An unpickler that looks up no name."""

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for a name of NumPy's; any other is refused, and nothing is imported."""
        stand_in = STAND_INS.get((module, name))
        if stand_in is None:
            raise _Refused(f"{module}.{name}"[:80])
        return stand_in

    def persistent_load(self, pid: Any) -> Any:
        """Refused: objects kept outside the file are not plain data."""
        raise _Refused("a persistent object")


def _finished(value: Any) -> Any:
    """`value` with every array in it finished; lists and dicts are walked through."""
    if isinstance(value, _Array):
        return value.array()
    if isinstance(value, dict):
        return {key: _finished(entry) for key, entry in value.items()}
    return [_finished(entry) for entry in value] if isinstance(value, list) else value
