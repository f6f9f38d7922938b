"""SVG drawings: read safely, painted as ink by Cairo, or taken as lines.

Fills with their rule and holes, strokes with width, caps, joins and dashes, transforms, nested groups, `use`, CSS
classes and view boxes count; text, pictures, filters, clip paths and masks do not.
"""

from __future__ import annotations

import io
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

import cairo
import numpy as np

from diffrender.core.errors import DiffrenderError
from diffrender.diffusion.targets.shapes.svg_paints import Box, Paint, paints_of, pixels

MAX_BYTES = 50_000_000
MAX_DEPTH = 100
MAX_SHAPES = 50_000  # after every `use` is put in place
MAX_PATH = 50_000_000  # characters of path data, likewise
CONTRAST = 32  # of 255: a colour nearer to the paper is paper
SIDE = 2000  # pixels on the longer side of the ink
TINY = 1e-12  # a drawing smaller than this, or larger than one by it, is none
DEFINITIONS = {"clipPath", "filter", "linearGradient", "marker", "mask", "pattern", "radialGradient"}
NOT_DRAWN = {"foreignObject", "image", "metadata", "script", "text"} | DEFINITIONS


def read_svg(source: bytes, name: str) -> Drawing:
    """The drawing in an SVG file's bytes; `name` is what errors call it."""
    import svgelements

    clean = _checked(source, name)
    try:
        root = svgelements.SVG.parse(io.BytesIO(clean), reify=False)
        shapes = [s for s in root.elements() if isinstance(s, svgelements.Shape)]
        paints = [paint for shape in shapes for paint in paints_of(shape)]
        view = (0.0, 0.0, float(root.width), float(root.height)) if getattr(root, "viewbox", None) else None
    except Exception as error:  # svgelements raises whatever its parsing trips over
        raise DiffrenderError(f"{name}: cannot be read as SVG ({error}).") from None
    return Drawing(paints, view, name)


class Drawing:
    """Fills and strokes in painting order, some of them ink and some paper that covers ink.

    view: x, y, width, height outside which nothing is seen, or None.
    """

    def __init__(self, paints: list[Paint], view: Box | None, name: str) -> None:
        self.paints, self.view, self.name = paints, view, name
        paper = self._paper()
        self.ink = [p.opacity * np.abs(p.colour - paper).max() >= CONTRAST for p in paints]

    def mask(self, invert: bool = False) -> tuple[np.ndarray, tuple[float, float], float]:
        """How much of each pixel is ink, (H, W) uint8 of 0 … 255; the corner of the top left one; the side of each.

        The longer side of the ink is about SIDE pixels.
        invert: ink is whatever is not, within the view if there is one, else within the box around the ink.
        """
        low, high = self._extent()
        if invert and self.view:
            low, high = np.array(self.view[:2]), np.add(self.view[:2], self.view[2:])
        scale = SIDE / (high - low).max()
        corner = low - 1 / scale  # a pixel to spare on every side
        width, height = (int(v) + 3 for v in np.ceil((high - low) * scale))
        matrix = cairo.Matrix(scale, 0, 0, scale, *(-corner * scale))
        surface = cairo.ImageSurface(cairo.FORMAT_A8, width, height)
        context = cairo.Context(surface)
        context.set_matrix(matrix)
        context.rectangle(*low, *(high - low))
        context.clip()
        if invert:
            context.paint()
        for paint, is_ink in zip(self.paints, self.ink, strict=True):
            adds = is_ink != invert
            context.set_operator(cairo.OPERATOR_OVER if adds else cairo.OPERATOR_DEST_OUT)
            context.set_source_rgba(0, 0, 0, 1 if is_ink else paint.opacity)
            paint.draw(context, matrix)
        mask = pixels(surface)
        if not mask.any():
            raise self._empty()
        return mask, (float(corner[0]), float(corner[1])), float(1 / scale)

    def lines(self) -> tuple[np.ndarray, np.ndarray]:
        """Outlines of what is filled and centre lines of what is only stroked, as segments start, end (S, 2), y up."""
        low, high = self._extent()
        scale = SIDE / (high - low).max()
        context = cairo.Context(cairo.ImageSurface(cairo.FORMAT_A8, 1, 1))
        starts: list[tuple[float, ...]] = []
        ends: list[tuple[float, ...]] = []
        here: tuple[float, ...]
        first: tuple[float, ...]
        traced = None
        for paint, is_ink in zip(self.paints, self.ink, strict=True):
            if not is_ink or paint.path is traced:  # the stroke around a fill that is ink already
                continue
            traced = paint.path
            paint.trace(context, cairo.Matrix(scale, 0, 0, scale, *(-low * scale)))
            context.identity_matrix()
            here = first = ()
            for kind, points in context.copy_path_flat():
                if kind == cairo.PATH_MOVE_TO:
                    here = first = points
                    continue
                there = first if kind == cairo.PATH_CLOSE_PATH else points
                starts.append(here)
                ends.append(there)
                here = there
        if starts == ends:
            raise self._empty()
        start, end = ((low + np.array(points) / scale) * [1.0, -1.0] for points in (starts, ends))
        return start, end

    def _paper(self) -> np.ndarray:
        """The colour of a first fill that covers the whole view; else white, or black if all paint is white."""
        if self.view and len(self.paints) > 1 and self._covers(self.paints[0], self.view):
            return self.paints[0].colour
        white = np.full(3, 255.0)
        return white if any(np.abs(p.colour - white).max() >= CONTRAST for p in self.paints) else np.zeros(3)

    @staticmethod
    def _covers(paint: Paint, view: Box) -> bool:
        surface = cairo.ImageSurface(cairo.FORMAT_A8, 64, 64)
        paint.draw(cairo.Context(surface), cairo.Matrix(64 / view[2], 0, 0, 64 / view[3], 0, 0))
        return bool(pixels(surface).mean() > 250)

    def _extent(self) -> tuple[np.ndarray, np.ndarray]:
        """The lowest and highest x and y, (2,) each, of what is ink and in view."""
        corners = [p.corners() for p, is_ink in zip(self.paints, self.ink, strict=True) if is_ink]
        if not corners:
            raise self._empty()
        low, high = np.min([c[0] for c in corners], axis=0), np.max([c[1] for c in corners], axis=0)
        if self.view:
            low, high = np.maximum(low, self.view[:2]), np.minimum(high, np.add(self.view[:2], self.view[2:]))
        if not ((high - low).min() >= 0 and TINY < (high - low).max() < 1 / TINY):
            raise self._empty()
        return low, high

    def _empty(self) -> DiffrenderError:
        return DiffrenderError(
            f"{self.name}: an empty drawing: no fill or stroke in it can be seen.",
            "Text must be turned into paths before it counts.",
        )


# ---- what may be read at all -----------------------------------------------------------------------------------------
def _checked(source: bytes, name: str) -> bytes:
    """The SVG without what is not drawn; refused if it declares entities, is too deep or too large, or is no SVG."""
    if len(source) > MAX_BYTES:
        raise DiffrenderError(f"{name}: larger than a drawing may be ({MAX_BYTES // 10**6} MB).")
    try:
        _refuse_entities(source, name)
        root = ElementTree.fromstring(source)
    except (expat.ExpatError, ElementTree.ParseError, ValueError) as error:
        raise DiffrenderError(f"{name}: not an SVG file, whatever its name says ({error}).") from None
    if _tag(root) != "svg":
        raise DiffrenderError(f"{name}: not an SVG file: its outermost element is <{_tag(root)}>.")
    for parent in list(root.iter()):
        for child in list(parent):
            if _tag(child) in NOT_DRAWN:
                parent.remove(child)
            elif _tag(child) == "symbol" and _tag(parent) != "defs":
                parent[list(parent).index(child)] = defs = ElementTree.Element("defs")
                defs.append(child)
    _refuse_bombs(root, name)
    return ElementTree.tostring(root)


def _refuse_entities(source: bytes, name: str) -> None:
    """Entities can name other files, and ten lines of them can fill the memory."""
    depth = 0

    def refuse(*_: Any) -> int:
        raise DiffrenderError(f"{name}: declares XML entities, which are not read.", "Save it again as plain SVG.")

    def down(*_: Any) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise DiffrenderError(f"{name}: nested more than {MAX_DEPTH} elements deep.")

    def up(*_: Any) -> None:
        nonlocal depth
        depth -= 1

    parser = expat.ParserCreate()
    parser.EntityDeclHandler = parser.ExternalEntityRefHandler = refuse
    parser.StartElementHandler, parser.EndElementHandler = down, up
    parser.Parse(source, True)


def _refuse_bombs(root: ElementTree.Element, name: str) -> None:
    """`use` puts a copy of another element in place, which may hold `use` again: counted before any copy is made."""
    named = {e.get("id"): e for e in root.iter() if e.get("id")}
    known: dict[int, tuple[int, int]] = {}
    problem = DiffrenderError(
        f"{name}: too many shapes, or <use> elements that use themselves.", f"At most {MAX_SHAPES:,} shapes are drawn."
    )

    def size(element: ElementTree.Element, depth: int) -> tuple[int, int]:
        """Elements and characters of path data, this one's and below."""
        if depth > MAX_DEPTH:
            raise problem
        if id(element) not in known:
            parts = [size(child, depth + 1) for child in element]
            link = element.get("href") or element.get("{http://www.w3.org/1999/xlink}href") or ""
            if _tag(element) == "use" and link[1:] in named:
                parts.append(size(named[link[1:]], depth + 1))
            known[id(element)] = (1 + sum(p[0] for p in parts), len(element.get("d", "")) + sum(p[1] for p in parts))
        return known[id(element)]

    shapes, characters = size(root, 0)
    if shapes > MAX_SHAPES or characters > MAX_PATH:
        raise problem


def _tag(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]
