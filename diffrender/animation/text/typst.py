"""Words and equations, set by Typst in New Computer Modern, and in Noto Sans JP what that has not.

Typst carries its fonts, so every machine draws the same. Source is Typst markup (https://typst.app/docs):
`words("True density $p(x)$", …)`, `maths("x_t + {{tau nabla log p : score}}", …)`.

Three things Manim's own Typst mobjects do not do are done here: bars and roots are filled shapes, so that their
thickness scales with everything else; text is placed by its baseline; a coloured term is found without compiling the
equation once more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import groupby, pairwise
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np
import svgelements
import typst
from manim import VGroup, VMobject
from manim.mobject.svg.svg_mobject import VMobjectFromSVGPath

from diffrender.animation.text.glyph import Glyph
from diffrender.animation.text.language import spoken
from diffrender.animation.theme import GRADE
from diffrender.core.errors import RenderError
from diffrender.core.glyphs import fonts, missing_glyphs

_POINTS = 10.0  # an em of the compiled source, in SVG units
_THINNEST = 0.045  # of a fraction bar or root, in em: what is thinner vanishes on a projector
# Typst is told colours that no theme has, and the imported shapes tell by them what they are
_HREF = "{http://www.w3.org/1999/xlink}href"
_STRUT, _TERM, _SLOT = 0x030000, 0x010000, 0x020000
TERM = re.compile(r"\{\{(.*?)\s*:\s*(\w+)\s*\}\}")  # a named term of an equation: its source, its name
LAST_BUNDLED = "\u2e7f"  # scripts of which the bundled fonts have nothing come after it, mathematical letters too
LINES: dict[str, tuple[tuple[int, np.ndarray], ...]] = {}  # every line that this process has set: body → outlines
_PREAMBLE = """\
#set page(width: auto, height: auto, margin: 0pt, fill: none)
#set text(size: 10pt, font: ("New Computer Modern", "Noto Sans JP"), weight: 400)
#show math.equation: set text(font: ("New Computer Modern Math", "Noto Sans JP"), weight: 450)
#let term(n, body) = text(fill: rgb("#0100" + n), body)
#let slot(n, width) = box(width: width * 1em, height: .1em, fill: rgb("#0200" + n))
#let strut = box(width: .001em, height: .5em, fill: rgb("#030000"))
"""


@cache
def _compiler(system: bool) -> typst.Compiler:
    return typst.Compiler(b"", font_paths=fonts(system))


@cache
def _svg(body: str) -> str:
    """The SVG of a line of Typst; RenderError with Typst's own words if it cannot be set."""
    try:
        # a script that no bundled font has is set in one of the system's, if there is one
        foreign = max(body) > LAST_BUNDLED and bool(missing_glyphs(body))
        return str(_compiler(foreign).compile(input=(_PREAMBLE + body).encode(), format="svg"), "utf-8")  # type: ignore[arg-type]
    except typst.TypstError as error:
        raise RenderError(
            f"Typst cannot set {body!r}: {error}.", "Its syntax: https://typst.app/docs/reference"
        ) from None


@cache
def _path(d: str) -> np.ndarray:
    """(4k, 3) cubic curves of a path of SVG. A font's glyph is one path wherever it stands, and is read once."""
    return np.asarray(VMobjectFromSVGPath(svgelements.Path(d)).points)


def _bar(path: np.ndarray, width: float) -> np.ndarray:
    """(16, 3) of the filled rectangle that a stroked line (fraction bar, overline of a root) is."""
    (x0, y), x1, w = path[0, :2], path[-1, 0], max(width, _THINNEST * _POINTS) / 2
    corners = np.array([[x, y - s, 0] for x, s in ((x0, -w), (x1, -w), (x1, w), (x0, w), (x0, -w))])
    share = np.linspace(0, 1, 4)[:, None]
    return np.concatenate([a + share * (b - a) for a, b in pairwise(corners)])


def _shapes(parent: Element, at: np.ndarray, glyphs: Mapping[str, str]) -> Iterator[tuple[int, np.ndarray]]:
    """(colour, points (4k, 3)) of all that is drawn in an element of Typst's SVG, in order; `at` (3, 3) places it."""
    for element in parent:
        kind, color = element.tag.rpartition("}")[2], element.get("fill", "none")
        m = svgelements.Matrix(element.get("transform", ""))
        x, y = (float(element.get(name, 0)) for name in "xy")
        here = at @ [[m.a, m.c, m.e], [m.b, m.d, m.f], [0, 0, 1]] @ [[1, 0, x], [0, 1, y], [0, 0, 1]]
        if kind == "g":
            yield from _shapes(element, here, glyphs)
        elif kind in ("use", "path"):
            path = _path(glyphs[element.get(_HREF, "")] if kind == "use" else element.get("d", ""))
            points = path @ np.diag([1, 1, 0]) @ np.pad(here[:2, :2].T, (0, 1)) + [*here[:2, 2], 0]
            if not len(points):
                continue
            if element.get("stroke") and np.ptp(points[:, 1]) < 1e-6:
                color = element.get("stroke", "")
                points = _bar(points, float(element.get("stroke-width", 1)))
            yield int(color[1:7], 16) if color.startswith("#") else 0, points


def _outlines(body: str) -> tuple[tuple[int, np.ndarray], ...]:
    """(mark, points (4k, 3)) of every shape of a line, one em high. Imported once: a text is often set again."""
    if body not in LINES:
        root = ElementTree.fromstring(_svg(body))
        symbols = (part for part in root.iter() if part.tag.endswith("}symbol"))
        glyphs = {f"#{symbol.get('id')}": symbol[0].get("d", "") for symbol in symbols}
        up = np.diag([1, -1, 1])  # y of SVG goes downwards
        LINES[body] = tuple((mark, points / _POINTS) for mark, points in _shapes(root, up, glyphs))
    return LINES[body]


class Typeset(VGroup):
    """One line of compiled Typst: a glyph for each stretch of letters in one colour, in reading order.

    em: size in units. terms: name → glyphs, as named in `{{ … : name }}`.
    slots: left ends (3,) of the room kept for numbers.
    """

    def __init__(self, body: str, em: float, color: str, names: Sequence[str] = ()) -> None:
        super().__init__()
        self.body, self.slots = body, []
        self.terms = {name: VGroup() for name in names}
        baseline = 0.0
        for mark, group in groupby(_outlines(body), key=lambda outline: outline[0]):
            outlines = [em * points for _, points in group]
            if mark == _STRUT:
                baseline = outlines[0][:, 1].min()
            elif mark & 0xFF0000 == _SLOT:
                self.slots += [points.min(0) for points in outlines]
            else:
                glyph = _inked(color, em).twin(outlines)
                self.add(glyph)
                if mark & 0xFF0000 == _TERM:
                    self.terms[names[mark & 0xFF]].add(glyph)
        if not self.submobjects:
            raise RenderError(f"{body!r} sets nothing to be seen.", "A number alone is a Number (numerals.py).")
        self._drop = (baseline - self.get_bottom()[1]) / self.height
        self._ems = self.height / em

    @property
    def room(self) -> float:
        """The width it needs."""
        return float(self.width)

    @property
    def em(self) -> float:
        """Size in units, as it is now."""
        return float(self.height / self._ems)

    @property
    def baseline(self) -> float:
        """Where the text stands now, y in units."""
        return float(self.get_bottom()[1] + self._drop * self.height)

    def at(self, x: float, y: float, align: int = -1) -> Typeset:
        """Put the baseline at y, and the left edge (align −1), the centre (0) or the right edge (1) at x."""
        return placed(self, x, y - self.baseline, align)

    def paint(self, term: str, color: str) -> Typeset:
        """Colour one named term."""
        for mob in self.terms[term]:
            ink(mob, color, self.em)
        return self


def ink(mob: VMobject, color: str, em: float) -> None:
    """Colour a glyph that is `em` high: filled, and thickened a little, as hairlines vanish on a projector."""
    mob.set_fill(color, 1).set_stroke(color, GRADE * em * 100, 1)


@lru_cache(maxsize=256)
def _inked(color: str, em: float) -> Glyph:
    """A glyph without an outline, of which others are twins."""
    glyph = Glyph()
    ink(glyph, color, em)
    return glyph


def placed(mob: Any, x: float, dy: float, align: int) -> Any:
    """`mob` moved up by `dy`, and its left edge (align −1), centre (0) or right edge (1) to x."""
    here = (mob.get_left, mob.get_center, mob.get_right)[align + 1]()[0]
    return mob.shift([x - here, dy, 0])


def escaped(text: str) -> str:
    """Text that Typst shall set as it stands: a file's name, a title from a config."""
    return re.sub(r"([\\#$*_`@<>~\[\]/=+-])", r"\\\1", text)


def words(markup: str, em: float, color: str) -> Typeset:
    """A line of text `em` units high, in the language that is spoken; `$…$` is math."""
    return Typeset(f"#strut;{spoken().line(markup)}", em, color)


def maths(source: str, em: float, color: str, **terms: str) -> Typeset:
    """A display equation; `{{ source : name }}` names a term, and `name="#RRGGBB"` colours it.

    >>> equation = maths("x_t = {{alpha_t x_0 : data}} + {{sigma_t epsilon : noise}}", .5, theme.fg, noise=theme.noise)
    """
    names: list[str] = []

    def named(found: re.Match) -> str:
        names.append(found[2])
        return f'term("{len(names) - 1:02x}", {found[1]})'

    body = TERM.sub(named, spoken().equation(source))
    equation = Typeset(f"$ #strut {body} $", em, color, names)
    for name, hue in terms.items():
        equation.paint(name, hue)
    return equation


def unnamed(source: str) -> str:
    """An equation's source as Typst itself reads it, without names of terms."""
    return TERM.sub(lambda found: found[1], source)
