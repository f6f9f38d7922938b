"""Provenance of outputs: every file that diffrender writes says in itself where it came from.

Recordings carry a `meta` member, weights a header, videos and pictures a comment; each holds the content key by which
it is known to be up to date. Nothing here loads torch or Manim.
"""

from __future__ import annotations

import functools
import importlib.metadata
import io
import json
import platform
import struct
import sys
import zipfile
from pathlib import Path
from typing import Any

from diffrender import __version__

MAX_HEADER = 16_000_000
FILE_KINDS = {  # ending of a file that diffrender writes → what it is
    ".npz": "recording",
    ".safetensors": "weights",
    ".gif": "picture",
    ".png": "picture",
    ".mp4": "video",
    ".mov": "video",
    ".webm": "video",
    ".flac": "speech",
}


def versions(*packages: str) -> dict[str, str]:
    """Installed versions, without importing the packages."""
    return {"diffrender": __version__, **{package: _installed(package) for package in packages}}


@functools.cache
def code_digest() -> str:
    """A digest of the code of this diffrender: two checkouts of one version may differ."""
    from diffrender.core.files import digest, file_digest

    package = Path(__file__).parents[1]
    return digest({path.relative_to(package).as_posix(): file_digest(path) for path in sorted(package.rglob("*.py"))})


def made_with() -> dict[str, str]:
    """Versions of what makes recordings and weights; torch's only where it is loaded."""
    loaded = ("torch",) if "torch" in sys.modules else ()
    return {"python": platform.python_version(), **versions("numpy", *loaded)}


@functools.cache
def _installed(package: str) -> str:
    return importlib.metadata.version(package)


def read(path: Path) -> dict[str, Any] | None:
    """What `path` says of itself, or None when it says nothing (or is not there, or is damaged)."""
    kind = FILE_KINDS.get(path.suffix.lower())
    if kind is None or not path.is_file():
        return None
    try:
        found = _READERS[kind](path)
    except Exception:  # whatever is wrong with it, it is not up to date
        return None
    return found if isinstance(found, dict) else None


def key(path: Path) -> str | None:
    """The content key recorded in `path`."""
    return (read(path) or {}).get("key")


def comment(data: dict[str, Any]) -> str:
    """Provenance as the text that goes into a video's or picture's comment."""
    return json.dumps(data, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def _npz(path: Path) -> Any:
    import numpy as np

    with zipfile.ZipFile(path) as archive:
        if archive.getinfo("meta.npy").file_size > MAX_HEADER:
            return None
        return json.loads(str(np.lib.format.read_array(io.BytesIO(archive.read("meta.npy")), allow_pickle=False)))


def _safetensors(path: Path) -> Any:
    with path.open("rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        if size > MAX_HEADER:
            return None
        header = json.loads(file.read(size)).get("__metadata__", {})
    return {k: _plain(v) for k, v in header.items()}


def _plain(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _sound_or_video(path: Path) -> Any:
    import av

    with av.open(str(path)) as container:
        tags = {k.lower(): v for k, v in container.metadata.items()}
    return json.loads(tags["comment"])


def _picture(path: Path) -> Any:
    from PIL import Image

    with Image.open(path) as image:
        text = image.info["comment"]
    return json.loads(text.decode() if isinstance(text, bytes) else text)


_READERS = {
    "recording": _npz,
    "weights": _safetensors,
    "picture": _picture,
    "video": _sound_or_video,
    "speech": _sound_or_video,
}
