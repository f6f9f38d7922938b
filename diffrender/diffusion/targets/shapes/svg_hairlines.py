"""Strokes of an SVG that are too thin to be seen at a size, and a width at which they are."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from diffrender.diffusion.targets.shapes.svg_css import NUMBER
from diffrender.diffusion.targets.shapes.svg_document import HREF, Document, box_of, length_of, tag

MIN_PIXELS = 0.5  # a stroke is drawn at least so wide
SHAPES = ("path", "line", "polyline", "polygon", "circle", "ellipse", "rect", "text", "tspan")
WIDTH = re.compile(r"(?<![-\w])stroke-width\s*:\s*([^;{}!]+)")
RULE = re.compile(r"([^{}@;]+)\{([^{}]*)\}")
LAST = re.compile(r"([\w-]+)?((?:[.#][\w-]+)*)$")  # of a selector: a tag's name, classes and ids
SCALE = re.compile(r"(?<![-\w])(matrix|scale)\s*\(([^()]*)\)")


@dataclass(frozen=True)
class Stroke:
    """An element, the width of its stroke in the drawing's units, and in the element's own; its style as it stands."""

    element: Element
    seen: float
    own: float
    style: str


def strokes_of(document: Document) -> list[Stroke]:
    """The stroke of each shape, the thinnest first.

    Of a selector in a style sheet the last part counts.
    """
    css = "\n".join(e.text or "" for e in document.root.iter() if tag(e) == "style")
    rules = [
        (one.split()[-1], width[1])
        for selectors, body in RULE.findall(css)
        if (width := WIDTH.search(body))
        for one in selectors.split(",")
        if one.split()
    ]
    return sorted(_strokes(document.root, rules, _shown(document.root)), key=lambda stroke: stroke.seen)


def widen(strokes: list[Stroke], unit: float) -> bool:
    """Draw every stroke at least half a pixel wide, a pixel being `unit` long; whether there was a thinner one."""
    least = MIN_PIXELS * unit
    for stroke in strokes:
        if stroke.seen < least:
            wide = f"stroke-width:{stroke.own * least / stroke.seen:.6g}!important"
            stroke.element.set("style", f"{stroke.style};{wide}" if stroke.style else wide)
        elif "style" in stroke.element.attrib:
            stroke.element.set("style", stroke.style)
    return bool(strokes) and strokes[0].seen < least


def _strokes(
    element: Element, rules: list[tuple[str, str]], shown: dict[str, float], width: str = "1", scale: float = 1.0
) -> Iterator[Stroke]:
    width = _width(element, rules) or width
    scale *= _scale(element) * shown.get(element.get("id", ""), 1.0)
    own = length_of(width)
    if tag(element) in SHAPES and own and 0 < own * scale < math.inf:
        yield Stroke(element, own * scale, own, element.get("style", "").strip("; \n\t"))
    for child in element:
        yield from _strokes(child, rules, shown, width, scale)


def _width(element: Element, rules: list[tuple[str, str]]) -> str:
    """What an element says of its stroke's width, by itself or by a rule; "" if nothing."""
    if own := WIDTH.search(element.get("style", "")):
        return own[1].strip()
    names = {f".{name}" for name in element.get("class", "").split()} | {f"#{element.get('id')}"}
    for selector, width in reversed(rules):
        part = LAST.fullmatch(selector.removeprefix("*"))
        if part and part[1] in (None, tag(element)) and set(re.findall(r"[.#][\w-]+", part[2])) <= names:
            return width.strip()
    return element.get("stroke-width", "").strip()


def _scale(element: Element) -> float:
    """How long a unit inside an element is outside it: the root of its transform's area."""
    scale = 1.0
    for kind, numbers in SCALE.findall(f"{element.get('transform', '')};{element.get('style', '')}"):
        values = [float(v) for v in re.findall(NUMBER, numbers)]
        if kind == "matrix" and len(values) == 6:
            scale *= math.sqrt(abs(values[0] * values[3] - values[1] * values[2]))
        elif kind == "scale" and values:
            scale *= math.sqrt(abs(values[0] * values[-1]))
    box, width, height = (
        box_of(element.get("viewBox")),
        length_of(element.get("width")),
        length_of(element.get("height")),
    )
    if tag(element) == "svg" and box and width and height and min(box[2:]) > 0:
        scale *= min(width / box[2], height / box[3])
    return scale


def _shown(root: Element) -> dict[str, float]:
    """The ids of what <use> shows, and how long a unit is there."""
    found: dict[str, float] = {}
    for use in (e for e in root.iter() if tag(e) == "use"):
        link = next((use.get(key) for key in HREF if use.get(key)), "") or ""
        found[link.removeprefix("#")] = min(_scale(use), found.get(link.removeprefix("#"), math.inf))
    return found
