"""Targets that come from a file or are set in type: read once, then sampled evenly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

from diffrender.config.find import find_file, shipped
from diffrender.core.errors import ConfigError, DiffrenderError
from diffrender.core.registry import Registry
from diffrender.diffusion.targets.points.regions import Pixels, Rows, Segments, Triangles
from diffrender.diffusion.targets.shapes.bitmaps import ink, outline, read_picture
from diffrender.diffusion.targets.shapes.meshes import read_mesh
from diffrender.diffusion.targets.shapes.svg import read_svg
from diffrender.diffusion.targets.shapes.tables import read_points

Sampler = Callable[[int, np.random.Generator], np.ndarray]
Measure = Literal["area", "length"]

SHAPES = Registry("target")  # make(folder, **params) -> Sampler

TYPST = """#set page(width: auto, height: auto, margin: 0pt, fill: none)
#set text(font: "New Computer Modern", size: 100pt, top-edge: "bounds", bottom-edge: "bounds")
#sys.inputs.text"""


@SHAPES.register("drawing", aliases=("mesh", "file"))
def drawing(
    folder: Path, *, file: str, by: Measure = "area", invert: bool = False, dataset: str | None = None
) -> Sampler:
    """A drawing (SVG, PNG, JPEG), a mesh (OBJ, PLY, OFF, STL) or points (CSV, TSV, XYZ, NPY) in a file.

    by: evenly over the ink's area, or along its lines: outlines of what is filled, centre lines of SVG strokes.
    invert: the paper of a drawing is what counts, not its ink. dataset: which one of a table with a `dataset` column.
    """
    path = find_file(file, folder)
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise ConfigError(
            f"target.file: {path.name}: not a kind of file that points can be drawn from.",
            f"Known: {', '.join(sorted(READERS))}.",
        )
    read, keys = READERS[suffix]
    for key, used in {"by": by != "area", "invert": invert, "dataset": dataset is not None}.items():
        if used and key not in keys:
            raise ConfigError(f"target.{key}: has no meaning for {path.name}.")
    given = {"by": by, "invert": invert, "dataset": dataset}
    try:
        return read(path, **{key: given[key] for key in keys})
    except OSError as error:
        raise DiffrenderError(f"{path}: cannot be read ({error.strerror or error}).") from None


@SHAPES.register("text", aliases=("word",))
def text(folder: Path, *, text: str, by: Measure = "area") -> Sampler:
    """Words in New Computer Modern, as typst sets them."""
    import typst

    svg = typst.compile(TYPST.encode(), format="svg", sys_inputs={"text": text})
    return of_svg(svg, f"target.text '{text}'", by)


@SHAPES.register("dino")
def dino(folder: Path, *, by: Measure = "area") -> Sampler:
    """A dinosaur, drawn for this program."""
    return drawing(folder, file=str(shipped("configs") / "drawings" / "dino.svg"), by=by)


def of_svg(source: bytes, name: str, by: Measure = "area", invert: bool = False) -> Sampler:
    """Even draws from an SVG given as bytes; `name` is what errors call it."""
    drawn = read_svg(source, name)
    return Segments(*drawn.lines()) if by == "length" else Pixels(*drawn.mask(invert))


def _svg(path: Path, *, by: Measure, invert: bool) -> Sampler:
    return of_svg(path.read_bytes(), str(path), by, invert)


def _picture(path: Path, *, by: Measure, invert: bool) -> Sampler:
    mask = ink(read_picture(path), invert, str(path))
    return Segments(*outline(mask)) if by == "length" else Pixels(mask)


def _mesh(path: Path) -> Sampler:
    return Triangles(*read_mesh(path))


def _table(path: Path, *, dataset: str | None = None) -> Sampler:
    return Rows(read_points(path, dataset))


READERS: dict[str, tuple[Callable[..., Sampler], tuple[str, ...]]] = {
    ".svg": (_svg, ("by", "invert")),
    **dict.fromkeys((".png", ".jpg", ".jpeg"), (_picture, ("by", "invert"))),
    **dict.fromkeys((".obj", ".ply", ".off", ".stl"), (_mesh, ())),
    **dict.fromkeys((".csv", ".tsv"), (_table, ("dataset",))),
    **dict.fromkeys((".xyz", ".npy"), (_table, ())),
}
