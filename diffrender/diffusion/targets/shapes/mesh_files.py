"""Meshes as files have them: corners, and polygons of any size over them. OBJ, OFF, PLY, STL."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from diffrender.core.errors import DiffrenderError

STL_FACE = 50  # bytes of a triangle in a binary STL: a normal, three corners, two bytes to spare


@dataclass
class Polygons:
    """corners: (V, 3) float64. flat: the indices of all polygons; sizes: how many of them each has (P,)."""

    corners: np.ndarray
    flat: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    sizes: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    notes: list[str] = field(default_factory=list)


def _lines(path: Path) -> list[tuple[int, str]]:
    """(number, text) of the lines that say something, without comments; a line that ends in a backslash goes on."""
    data = path.read_bytes()
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = data.decode(encoding, "replace").replace("\\\r\n", " ").replace("\\\n", " ")
    found = ((k, line.partition("#")[0].strip()) for k, line in enumerate(text.splitlines(), 1))
    return [(k, line) for k, line in found if line]


def _numbers(text: str) -> np.ndarray | None:
    """All numbers of a text, (N,) float64, or None if not all of it are numbers."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return np.fromstring(text, np.float64, sep=" ")
        except (DeprecationWarning, ValueError):
            return None


def _rows(lines: list[tuple[int, str]], width: int, path: Path, what: str) -> np.ndarray:
    """The first `width` numbers of each line, (N, width) float64."""
    rows = [line.split(None, width)[:width] for _, line in lines]
    short = next((i for i, row in enumerate(rows) if len(row) < width), None)
    found = _numbers(" ".join(cell for row in rows for cell in row)) if short is None else None
    if found is None or len(found) != width * len(rows):
        wrong = next((i for i, row in enumerate(rows) if len(row) < width or _numbers(" ".join(row)) is None), 0)
        number, line = lines[wrong]
        raise DiffrenderError(f"{path}: line {number}: not the {width} numbers of {what} ('{line[:40]}').")
    return found.reshape(-1, width)


def read_obj(path: Path) -> Polygons:
    """The `v` and `f` lines of a Wavefront OBJ; everything else in it says how it looks. No other file is read."""
    places: list[tuple[int, str]] = []
    faces: list[tuple[int, str]] = []
    so_far: list[int] = []
    for number, line in _lines(path):
        key, _, rest = line.replace("\t", " ").partition(" ")
        if key == "v":
            places.append((number, rest))
        elif key in ("f", "fo"):
            faces.append((number, rest))
            so_far.append(len(places))
    if not places:
        raise DiffrenderError(f"{path}: no corners in it: an OBJ file has lines such as 'v 0 1 0'.")
    corners = _rows(places, 3, path, "a corner")
    rows = [re.sub(r"/\S*", "", rest).split() for _, rest in faces]
    sizes = np.array([len(row) for row in rows], np.int64)
    indices = _numbers(" ".join(cell for row in rows for cell in row)) if rows else np.zeros(0)
    if indices is None or len(indices) != sizes.sum() or (indices != np.rint(indices)).any():
        wrong = next((i for i, row in enumerate(rows) if not all(re.fullmatch(r"[-+]?\d+", c) for c in row)), 0)
        raise DiffrenderError(f"{path}: line {faces[wrong][0]}: not the corners of a face ('{faces[wrong][1][:40]}').")
    flat = np.where(indices < 0, indices + np.repeat(so_far, sizes), indices - 1)
    wrong_at = np.flatnonzero((flat < 0) | (flat >= len(corners)) | (indices == 0))
    if len(wrong_at):
        face = int(np.searchsorted(np.cumsum(sizes), wrong_at[0], side="right"))
        raise DiffrenderError(
            f"{path}: line {faces[face][0]}: a face names corner {indices[wrong_at[0]]:.0f}, but there are "
            f"{len(corners):,}, counted from 1."
        )
    return Polygons(corners, flat.astype(np.int64), sizes)


def read_off(path: Path) -> Polygons:
    """An Object File Format mesh (OFF, COFF, NOFF …), as text."""
    lines = _lines(path)
    head = re.fullmatch(r"(?:ST)?C?N?(4?)OFF(?![A-Za-z])\s*(.*)", lines[0][1], re.IGNORECASE) if lines else None
    if head is None or head[1] or "BINARY" in head[2].upper():
        raise DiffrenderError(f"{path}: not an OFF file in text, which begins with the word OFF.", "Save it as PLY.")
    rest = [(lines[0][0], head[2]), *lines[1:]] if head[2] else lines[1:]
    rest = _by_lines(rest)
    counts = _numbers(rest[0][1]) if rest else None
    if counts is None or len(counts) < 2 or not (0 < counts[0] < 1e9 and 0 <= counts[1] < 1e9):
        raise DiffrenderError(f"{path}: not an OFF file: under its first line stand the numbers of corners and faces.")
    vertices, polygons = int(counts[0]), int(counts[1])
    if len(rest) < 1 + vertices + polygons:
        raise DiffrenderError(
            f"{path}: truncated: it announces {vertices:,} corners and {polygons:,} faces and has {len(rest) - 1:,} "
            "lines of them."
        )
    corners = _rows(rest[1 : 1 + vertices], 3, path, "a corner")
    faces = rest[1 + vertices : 1 + vertices + polygons]
    sizes = _rows(faces, 1, path, "a face")[:, 0].astype(np.int64) if faces else np.zeros(0, np.int64)
    flat: list[str] = []
    for (number, line), size in zip(faces, sizes, strict=True):
        cells = line.split()[1 : 1 + size]
        if len(cells) < size or size < 0:
            raise DiffrenderError(f"{path}: line {number}: a face with fewer corners than it says ('{line[:40]}').")
        flat += cells
    indices = _numbers(" ".join(flat)) if flat else np.zeros(0)
    if indices is None or len(indices) != sizes.sum():
        raise DiffrenderError(f"{path}: a face whose corners are not numbers.")
    return Polygons(corners, indices.astype(np.int64), sizes)


def _by_lines(rest: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """The lines below the first word of an OFF file; made anew where several corners or faces stand in one.

    Blanks of any kind may stand between the numbers of the format; what has a line for each is left as it is.
    """
    counts = _numbers(rest[0][1]) if rest else None
    if counts is None or len(counts) < 2 or len(rest) > sum(counts[:2]):
        return rest
    cells = [(number, cell) for number, line in rest[1:] for cell in line.split()]
    places = 3 * int(counts[0])
    made, at = [rest[0]], 0
    while at < len(cells):
        width = 3 if at < places else 1 + int(cells[at][1]) if cells[at][1].isdigit() else 1
        made.append((cells[at][0], " ".join(cell for _, cell in cells[at : at + width])))
        at += width
    return made if len(made) == 1 + sum(counts[:2]) else rest


def read_ply(path: Path) -> Polygons:
    """A PLY file, ASCII or binary: polygons of any size, or points alone (scans, Gaussian splats)."""
    import plyfile

    ply = None
    for size in (3, 4, None):  # lists of one length, known before, are read as a block
        known = {"face": dict.fromkeys(("vertex_indices", "vertex_index"), size)} if size else {}
        try:
            ply = plyfile.PlyData.read(str(path), known_list_len=known)
            break
        except MemoryError:
            raise
        except Exception as error:  # plyfile raises whatever its parsing trips over
            if size is None:
                raise DiffrenderError(
                    f"{path}: cannot be read as PLY ({str(error).strip()[:100] or type(error).__name__}).",
                    "Is it what its name says, and complete?",
                ) from None
    assert ply is not None
    elements = {element.name: element for element in ply.elements}
    names = elements["vertex"].data.dtype.names or () if "vertex" in elements else ()
    places = {name.lower(): name for name in names}
    if not {"x", "y", "z"} <= set(places):
        raise DiffrenderError(f"{path}: no element 'vertex' with x, y and z in it, as a PLY of points or faces has.")
    data = elements["vertex"].data
    corners = np.stack([np.asarray(data[places[axis]], np.float64) for axis in "xyz"], 1)
    key = None
    if "face" in elements:
        names = elements["face"].data.dtype.names or ()
        key = next((k for k in ("vertex_indices", "vertex_index") if k in names), None)
    if key is None or not len(elements["face"].data):
        return Polygons(corners)
    lists = elements["face"].data[key]
    if lists.dtype != object:
        return Polygons(corners, np.asarray(lists, np.int64).ravel(), np.full(len(lists), lists.shape[1], np.int64))
    sizes = np.fromiter(map(len, lists), np.int64, len(lists))
    return Polygons(corners, np.concatenate(lists).astype(np.int64), sizes)


def read_stl(path: Path) -> Polygons:
    """An STL file, binary or ASCII. A few bytes after the last triangle do no harm; missing ones are refused."""
    data = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    count = int.from_bytes(data[80:84], "little")
    whole, rest = divmod(len(data) - 84, STL_FACE)
    if count in (0, 2**32 - 1) and whole > 0 and not rest:
        count = whole  # written by a program that could not go back to its head
    announced = 84 + STL_FACE * count
    notes: list[str] = []
    is_text = data.lstrip()[:5].lower() == b"solid" and not (count and announced <= len(data))
    if len(data) >= 84 and not is_text:
        if announced > len(data):
            raise DiffrenderError(
                f"{path}: truncated: it announces {count:,} triangles, and holds {(len(data) - 84) // STL_FACE:,}.",
                "Save or download it again.",
            )
        if len(data) - announced >= STL_FACE:
            notes.append(f"{path.name}: its head announces {count:,} triangles; what follows them is left out.")
        rows = np.frombuffer(data, np.uint8, STL_FACE * count, 84).reshape(count, STL_FACE)
        corners = np.ascontiguousarray(rows[:, 12:48]).view("<f4").reshape(-1, 3).astype(np.float64)
    else:
        text = data.decode("utf-8", "replace")
        if not text.lstrip()[:5].lower() == "solid":
            raise DiffrenderError(f"{path}: not an STL file, whatever its name says.")
        words = ((k, line.split(None, 1)) for k, line in enumerate(text.splitlines(), 1))
        lines = [(k, cells[-1]) for k, cells in words if cells and cells[0].lower() == "vertex"]
        corners = _rows(lines, 3, path, "a corner") if lines else np.zeros((0, 3))
        begun, ended = (re.findall(rf"^\s*{word}\b", text, re.MULTILINE | re.I) for word in ("solid", "endsolid"))
        if len(corners) % 3 or len(ended) < len(begun):
            raise DiffrenderError(f"{path}: truncated: its last triangle or its end is missing.", "Save it again.")
        count = len(corners) // 3
    if not count:
        raise DiffrenderError(f"{path}: no triangles in it.")
    return Polygons(corners, np.arange(3 * count), np.full(count, 3, np.int64), notes)
