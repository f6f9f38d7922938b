"""SVG drawings, drawn by resvg and taken as ink.

Everything that resvg draws counts: fills, strokes, clip paths, masks, patterns, markers, style sheets, text. Nothing
outside the file is read. Called in a process with limits on time and memory.
"""

from __future__ import annotations

import contextlib
import io
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from diffrender.core.errors import DiffrenderError
from diffrender.diffusion.targets.shapes.ink import CONTRAST, classes_of, contrast, coverage, outline
from diffrender.diffusion.targets.shapes.svg_document import Box, Document
from diffrender.diffusion.targets.shapes.svg_hairlines import strokes_of, widen

ROUGH, SIDE, FINE = 400, 800, 1600  # pixels on the longer side: to find the ink, to draw it, to draw fine lines
THIN = 3.0  # pixels: ink that is thinner on the whole is drawn finer
FIRST_REACH, REACHES = 1000.0, 5  # of a drawing that says no size: what is looked at first, each next ten times as far
MAX_ZOOMS = 8  # steps towards ink that is tiny on its page
PALE, PALE_PIXELS = 4, 100  # of 255: a colour so far from the paper's, of so many pixels, was meant to be seen
FONT = "Aileron"  # the face that Pillow brings along


def read_svg(
    source: bytes, *, name: str, by: str = "area", invert: bool = False, opaque: bool = False, label: str = ""
) -> tuple[dict[str, Any], list[np.ndarray]]:
    """The ink of an SVG's bytes; `name` is what errors call it.

    By area: {corner: x and y, downwards, of the top left; unit: the side of a pixel} and [weights (H, W) uint8]. By
    length: {} and [starts, ends] (S, 2) of the outlines, y upwards. invert: what counts is the paper within the view.
    opaque: all that is drawn is ink, whatever its colour. What was left out stands under "notes". label: "colour": the
    classes are the colours; then `classes` are their names, and a second array says which each pixel is of. A drawing
    of our own page says so itself.
    """
    document = Document(source, name)
    painter = _Painter(document)
    window, paper = painter.find(opaque)
    if invert and document.view:
        window = document.view
    for side in (SIDE, FINE):
        rgba, corner, unit = painter.draw(window, side)
        weights = coverage(rgba, paper)
        if _thickness(weights) >= THIN:
            break
    if invert:
        weights = 255 - weights
    if not weights.any():
        raise painter.empty()
    notes = {"notes": painter.notes()}
    if by == "length":
        start, end = outline(weights)
        shift = np.array([corner[0], -corner[1]])
        return notes, [start * unit + shift, end * unit + shift]
    number, names = None, list[str]()
    if (label or document.label) and not invert:
        number, names = classes_of(rgba, weights, name, asked=bool(label))
    return {"corner": corner, "unit": unit, "classes": names, **notes}, [weights, *([] if number is None else [number])]


class _Painter:
    """Draws a document through windows, always with the same font."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.strokes, self.hairlines = strokes_of(document), False
        self.font, unknown = _set_in_bundled_font(document) if document.texts else (b"", "")
        document.left_out += [f"characters that {FONT} lacks ({unknown})"] * bool(unknown)

    def find(self, opaque: bool) -> tuple[Box, np.ndarray | None]:
        """A window around the ink, and the colour of the paper (3,), None where all that is drawn is ink."""
        if self.document.view:
            window = self.document.view
            rgba, corner, unit = self.draw(window, ROUGH)
        else:
            window, rgba, corner, unit = self._whole()
        paper = None if opaque else _paper(rgba)
        if paper is not None and (contrast(rgba, paper) >= PALE)[coverage(rgba, paper) == 0].sum() >= PALE_PIXELS:
            self.document.left_out.append("what is nearly of the colour of the paper")
        for _ in range(MAX_ZOOMS):
            rows, columns = (np.flatnonzero(coverage(rgba, paper).any(axis=axis)) for axis in (1, 0))
            if not len(rows):
                raise self.empty()
            low = np.array([columns[0], rows[0]]) - 1
            high = np.array([columns[-1], rows[-1]]) + 2
            x, y = (max(0.0, float(v)) for v in low)
            window = (corner[0] + x * unit, corner[1] + y * unit, *((high - [x, y]) * unit))
            if (high - low).max() > max(rgba.shape[:2]) / 4:
                break
            rgba, corner, unit = self.draw(window, ROUGH)
        return window, paper

    def _whole(self) -> tuple[Box, np.ndarray, tuple[float, float], float]:
        """A window in which all of a drawing lies that says no view, and what `draw` gives of it."""
        for k in range(REACHES):
            reach = FIRST_REACH * 10**k
            window = (-reach, -reach, 2 * reach, 2 * reach)
            rgba, corner, unit = self.draw(window, ROUGH)
            edge = np.concatenate([rgba[0], rgba[-1], rgba[:, 0], rgba[:, -1]])
            if rgba[..., 3].any() and not edge[:, 3].any():
                break
        return window, rgba, corner, unit

    def empty(self) -> DiffrenderError:
        """Why nothing is seen: all of it lies outside the view, or is small in it, or there is nothing at all."""
        document, remedy = self.document, "Is all of it hidden, or nearly of the colour of the paper?"
        left_out = f" (left out: {', '.join(document.left_out)})" if document.left_out else ""
        view = document.view
        if view and not self.draw(view, ROUGH)[0][..., 3].any() and (box := self._ink_anywhere()):
            shown, needed = (" ".join(f"{v:.6g}" for v in each) for each in (view, box))
            return DiffrenderError(
                f"{document.name}: nothing in it can be seen: it shows the part {shown} (x, y, width, height), and "
                f"what is drawn covers {needed}{left_out}.",
                f'Set viewBox="{needed}", or leave out viewBox, width and height.',
            )
        return DiffrenderError(f"{document.name}: an empty drawing: nothing in it can be seen{left_out}.", remedy)

    def _ink_anywhere(self) -> Box | None:
        """About where the drawing has ink, looked for also outside its view; None if nowhere."""
        self.document.forget_view()
        with contextlib.suppress(DiffrenderError):
            return self.find(opaque=False)[0]
        return None

    def draw(self, window: Box, side: int) -> tuple[np.ndarray, tuple[float, float], float]:
        """Pixels (H, W, 4) of a window, `side` along its longer side; x and y of the top left; the side of a pixel."""
        import resvg_py
        from PIL import Image

        x, y, width, height = window
        unit = max(width, height) / side
        across, down = (max(1, math.ceil(length / unit - 1e-6)) for length in (width, height))
        whole = (x, y, across * unit, down * unit)
        self.hairlines = widen(self.strokes, unit)
        with tempfile.NamedTemporaryFile(suffix=".otf") as font:
            if self.font:
                font.write(self.font)
                font.flush()
            try:
                png = resvg_py.svg_to_bytes(
                    svg_string=self.document.through(whole, across, down),
                    dpi=96,
                    skip_system_fonts=True,
                    font_files=[font.name] if self.font else None,
                    font_family=FONT,
                    serif_family=FONT,
                    sans_serif_family=FONT,
                    cursive_family=FONT,
                    fantasy_family=FONT,
                    monospace_family=FONT,
                )
            except ValueError as error:
                raise DiffrenderError(
                    f"{self.document.name}: cannot be drawn ({str(error)[:100]}).", "Save it again as plain SVG."
                ) from None
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            rgba = np.asarray(image.convert("RGBA"))
        return rgba, (float(x), float(y)), float(unit)

    def notes(self) -> list[str]:
        """What was taken otherwise than a browser would, a line at most."""
        said = []
        if self.font:
            said.append(f"text is set in {FONT}, whatever font it names")
        if self.hairlines:
            said.append("strokes too thin to be seen are drawn wider")
        if self.document.left_out:
            said.append(f"left out: {', '.join(self.document.left_out)}")
        return [f"{Path(self.document.name).name}: {'; '.join(said)}."] if said else []


def _paper(rgba: np.ndarray) -> np.ndarray | None:
    """The colour of the paper (3,): what covers the whole view at its border, else white, or black under white ink.

    None where one colour that is not white covers everything.
    """
    white = np.full(3, 255.0)
    colours = rgba[..., :3].astype(np.int16)
    if rgba[..., 3].min() >= 250:
        paper = np.median(np.concatenate([colours[0], colours[-1], colours[:, 0], colours[:, -1]]), axis=0)
        return paper if coverage(rgba, paper).any() or paper.min() > 255 - CONTRAST else None
    black = np.zeros(3)
    return white if coverage(rgba, white).any() else black


def _thickness(weights: np.ndarray) -> float:
    """About how many pixels the ink is thick: its area over half the length of its border."""
    inside = weights >= 128
    border = int((inside[1:] != inside[:-1]).sum()) + int((inside[:, 1:] != inside[:, :-1]).sum())
    return 2 * float(inside.sum()) / border if border else float(max(weights.shape))


def _set_in_bundled_font(document: Document) -> tuple[bytes, str]:
    """The font's bytes, and the characters of the document that it has no shape for, which are taken out."""
    from PIL import ImageFont

    font = ImageFont.load_default(32)
    assert isinstance(font, ImageFont.FreeTypeFont)
    missing = bytes(font.getmask("\ufffe"))
    elements = [element for text in document.texts for element in text.iter()]
    used = {c for e in elements for t in (e.text, e.tail) for c in (t or "") if not c.isspace()}
    unknown = sorted(c for c in used if bytes(font.getmask(c)) == missing)
    gone = str.maketrans(dict.fromkeys(unknown, ""))
    for element in elements:
        element.text = element.text and element.text.translate(gone)
        element.tail = element.tail and element.tail.translate(gone)
    return font.font_bytes, "".join(unknown[:20])
