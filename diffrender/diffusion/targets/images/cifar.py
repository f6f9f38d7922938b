"""CIFAR-10 as its authors publish it: pickled batches, alone or in one archive."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from diffrender.core.errors import DiffrenderError, words_of
from diffrender.diffusion.targets.images import plain_pickle

EVENT = (3, 32, 32)
MAX_BATCH_BYTES = 200_000_000


def read_batch(data: bytes, source: Path | str) -> tuple[np.ndarray, np.ndarray]:
    """The images (N, 3, 32, 32) uint8 and classes (N,) int64 of one pickled batch.

    Raises DiffrenderError naming `source` if it is anything else.
    """
    batch = plain_pickle.load(data, source)
    pixels, labels = (batch.get(key) for key in (b"data", b"labels")) if isinstance(batch, dict) else (None, None)
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.shape[1:] != (np.prod(EVENT),):
        raise DiffrenderError(f"{source}: not a batch of CIFAR-10: it has no rows of {np.prod(EVENT)} bytes.")
    if not _are_classes(labels, len(pixels)):
        raise DiffrenderError(f"{source}: not a batch of CIFAR-10: its labels are not {len(pixels):,} classes, 0 to 9.")
    return pixels.reshape(-1, *EVENT), np.array(labels, np.int64)


def _are_classes(labels: Any, count: int) -> bool:
    return isinstance(labels, list) and len(labels) == count and all(isinstance(k, int) and 0 <= k < 10 for k in labels)


def read_file(path: Path, names: Sequence[str]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Images and classes of a file: a batch, or those batches of an archive that are called one of `names`."""
    if tarfile.is_tarfile(path):
        yield from _read_archive(path, names)
    else:
        if path.stat().st_size > MAX_BATCH_BYTES:
            raise DiffrenderError(f"{path}: larger than a batch of CIFAR-10.")
        yield read_batch(path.read_bytes(), path)


def _read_archive(path: Path, names: Sequence[str]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches of an archive, read in passing; nothing is unpacked onto the disk."""
    left = set(names)
    try:
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                name = member.name.rsplit("/", 1)[-1]
                if name in left and member.isfile():
                    if member.size > MAX_BATCH_BYTES:
                        raise DiffrenderError(f"{path}: '{member.name[:80]}' is larger than a batch of CIFAR-10.")
                    file = archive.extractfile(member)
                    data = file.read() if file else b""
                    left.discard(name)
                    yield read_batch(data, f"{path} ({name})")
                    if not left:
                        return
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise DiffrenderError(
            f"{path}: the archive is cut short or damaged ({words_of(error)}).",
            "Delete it, and it is downloaded again, or copy it again.",
        ) from None
    raise DiffrenderError(f"{path}: '{sorted(left)[0]}' is not in it: not an archive of CIFAR-10.")
