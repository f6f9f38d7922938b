"""Targets that come from a file or are set in type: read once, then sampled evenly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from diffrender.config.find import find_file, instead_of, shipped
from diffrender.core import limited_process
from diffrender.core.errors import ConfigError, DiffrenderError, reading
from diffrender.core.notes import note
from diffrender.core.registry import Registry
from diffrender.diffusion.targets.points.regions import Pixels, Rows, Sampler, Segments, Triangles
from diffrender.diffusion.targets.shapes.disguises import check_disguise

Measure = Literal["area", "length"]

SHAPES = Registry("target")  # make(folder, **params) -> Sampler
HERE = __name__.rpartition(".")[0]

TYPST = """#set page(width: auto, height: auto, margin: 0pt, fill: none)
#set text(font: "New Computer Modern", size: 100pt, top-edge: "bounds", bottom-edge: "bounds")
#sys.inputs.text"""


@SHAPES.register("drawing", aliases=("mesh", "file"))
def drawing(
    folder: Path,
    *,
    file: str,
    by: Measure = "area",
    invert: bool = False,
    dataset: str | None = None,
    columns: tuple[str | int, ...] | None = None,
    label: str | int | None = None,
    header: bool | None = None,
    decimal: Literal[".", ","] | None = None,
    missing: tuple[float, ...] | None = None,
) -> Sampler:
    """A drawing (SVG, PNG, JPEG), a mesh (OBJ, PLY, OFF, STL) or points (CSV, TSV, TXT, DAT, XYZ, PLY, NPY) in a file.

    by: evenly over the ink's area, or along its outlines.
    invert: the paper of a drawing is what counts, not its ink. label: colour, the classes of a drawing are the colours
    of its ink. Of tables: columns: names or numbers (from 0) of those that hold the coordinates; label: the one that
    holds the class; header: whether the first row is one; decimal: its decimal mark; missing: values that stand for no
    number; dataset: which set of a `dataset` column. What a table does not say itself is found, and said.
    """
    path = find_file(file, folder)
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise ConfigError(
            f"target.file: {path.name}: not a kind of file that points can be drawn from.",
            f"{instead_of(suffix)}Known: {', '.join(sorted(READERS))}.",
        )
    reader = READERS[suffix]
    given = {
        "by": by if by != "area" else None,
        "invert": invert or None,
        "dataset": dataset,
        "columns": columns,
        "label": label,
        "header": header,
        "decimal": decimal,
        "missing": missing,
    }
    asked = {key: value for key, value in given.items() if value is not None}
    for key in asked:
        if key not in reader.keys:
            raise ConfigError(f"target.{key}: has no meaning for {path.name}.")
    if reader.keys == DRAWING_KEYS and label is not None:
        _check_label(path, label, by, invert)
    try:
        with reading(path):
            check_disguise(path)
            return reader(path, asked)
    except OSError as error:
        raise DiffrenderError(f"{path}: cannot be read ({error.strerror or error}).") from None


def _check_label(path: Path, label: str | int, by: Measure, invert: bool) -> None:
    """Refuse a class of a drawing that is not by colour, or that paper and outlines do not have."""
    if label != "colour":
        raise ConfigError(
            f"target.label: {str(label)[:40]}: {path.name} is a drawing, and has no columns.", "Its classes: colour."
        )
    if invert or by != "area":
        raise ConfigError("target.label: the colours are of the ink's area.", "Leave out target.invert and target.by.")


@SHAPES.register("text", aliases=("word",))
def text(folder: Path, *, text: str, by: Measure = "area") -> Sampler:
    """Words in New Computer Modern, as typst sets them."""
    import typst

    if not text.strip() or not text.isprintable() or any("\ud800" <= c <= "\udfff" for c in text):
        raise ConfigError(f"target.text: {text[:60]!r}: nothing that can be set in type.", 'Example: text: "∇ log p"')
    svg = typst.compile(TYPST.encode(), format="svg", sys_inputs={"text": text})
    return _svg_sampler(svg, f"target.text '{text[:60]}'", by=by, opaque=True)


@SHAPES.register("dino")
def dino(folder: Path, *, by: Measure = "area") -> Sampler:
    """A dinosaur, drawn for this program."""
    return drawing(folder, file=str(shipped("configs") / "drawings" / "dino.svg"), by=by)


def of_svg(source: bytes, name: str, by: Measure = "area", invert: bool = False) -> Sampler:
    """Even draws from an SVG given as bytes; `name` is what errors call it."""
    return _svg_sampler(source, name, by=by, invert=invert)


# ---- files -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Reader:
    """What reads one kind of file: `make(path, keys asked for)`, and which keys it knows."""

    make: Callable[[Path, dict[str, Any]], Sampler]
    keys: tuple[str, ...] = ()

    def __call__(self, path: Path, asked: dict[str, Any]) -> Sampler:
        return self.make(path, asked)


def _read(function: str, what: str, blob: bytes = b"", /, **keywords: Any) -> limited_process.Answer:
    """A reader's answer from the process with limits; what it remarks is said here."""
    found, arrays = limited_process.call(f"{HERE}.{function}", what, blob, **keywords)
    for line in found.get("notes", ()):
        note(line)
    return found, arrays


def _svg_sampler(source: bytes, name: str, **asked: Any) -> Sampler:
    found, arrays = _read("svg:read_svg", name, source, name=name, **asked)
    if "corner" not in found:
        return Segments(*arrays)
    return _pixels(found, arrays, tuple(found["corner"]))


def _pixels(found: dict[str, Any], arrays: list[Any], corner: tuple[float, float] = (0.0, 0.0)) -> Pixels:
    weights, *labels = arrays
    return Pixels(weights, corner, found["unit"], labels=labels[0] if labels else None, classes=found["classes"])


def _svg(path: Path, asked: dict[str, Any]) -> Sampler:
    return _svg_sampler(path.read_bytes(), str(path), **asked)


def _bitmap(path: Path, asked: dict[str, Any]) -> Sampler:
    found, arrays = _read("bitmaps:read_bitmap", str(path), path=str(path), **asked)
    return _pixels(found, arrays) if "unit" in found else Segments(*arrays)


def _mesh(path: Path, asked: dict[str, Any]) -> Sampler:
    _, arrays = _read("meshes:read_mesh", str(path), path=str(path))
    return Triangles(*arrays) if len(arrays) == 2 else Rows(*arrays)


def _table(path: Path, asked: dict[str, Any]) -> Sampler:
    found, arrays = _read("tables.points:read_points", str(path), path=str(path), **asked)
    return Rows(*arrays, classes=found.get("classes"))


def _array(path: Path, asked: dict[str, Any]) -> Sampler:
    return Rows(*_read("arrays:read_array", str(path), path=str(path), **asked)[1])


TABLE_KEYS = ("columns", "label", "header", "decimal", "missing", "dataset")
DRAWING_KEYS = ("by", "invert", "label")
READERS: dict[str, Reader] = {
    ".svg": Reader(_svg, DRAWING_KEYS),
    **dict.fromkeys((".png", ".jpg", ".jpeg"), Reader(_bitmap, DRAWING_KEYS)),
    **dict.fromkeys((".obj", ".ply", ".off", ".stl"), Reader(_mesh)),
    **dict.fromkeys((".csv", ".tsv", ".txt", ".dat", ".xyz", ".asc", ".pts"), Reader(_table, TABLE_KEYS)),
    ".npy": Reader(_array, ("columns",)),
}
