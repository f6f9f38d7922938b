"""Styles of an SVG, put the way resvg reads them; and which of them have no effect there, in words."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
DEGREES = {"deg": 1.0, "grad": 0.9, "rad": 180 / math.pi, "turn": 360.0}
REM = 16.0  # CSS pixels
INSIDE = r"(?:[^()]|\([^()]*\))*"  # of brackets that hold at most one more pair

COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
VARIABLE = re.compile(r"(?<![-\w])(--[-\w]+)\s*:\s*([^;{}]*)(?:;|(?=\}|$))")
USED = re.compile(r"var\(\s*(--[-\w]+)\s*(?:,\s*((?:[^(),]|\([^()]*\))*))?\)")
LIGHT_DARK = re.compile(rf"light-dark\(\s*((?:[^(),]|\([^()]*\))+?)\s*,{INSIDE}\)")
TRANSFORM = re.compile(r"(?<![-\w])(transform\s*:)([^;{}]*)")
ANGLE = re.compile(rf"({NUMBER})({'|'.join(DEGREES)})\b")
PIXELS = re.compile(rf"({NUMBER})px\b")
REMS = re.compile(rf"(?<![-\w.])({NUMBER})rem\b")
ONE_AXIS = {  # CSS's transforms of one axis, and SVG's of both
    re.compile(r"translateX\(([^(),]*)\)"): r"translate(\1,0)",
    re.compile(r"translateY\(([^(),]*)\)"): r"translate(0,\1)",
    re.compile(r"translate3d\(([^(),]*),([^(),]*),[^()]*\)"): r"translate(\1,\2)",
    re.compile(r"scaleX\(([^(),]*)\)"): r"scale(\1,1)",
    re.compile(r"scaleY\(([^(),]*)\)"): r"scale(1,\1)",
    re.compile(r"rotateZ\("): "rotate(",
}
LEFT_OUT = {  # what browsers draw and resvg does not
    "clip paths that are CSS shapes": re.compile(
        r"clip-path\s*:\s*(circle|ellipse|inset|polygon|path|rect|xywh|shape)\("
    ),
    "transforms by percent, em or calc(), or in space": re.compile(
        rf"transform\s*:[^;{{}}]*(%|calc\(|{NUMBER}(em|ex|ch|vw|vh)\b|\w+3d\(|[XY]\()"
    ),
    "transform-box": re.compile(r"transform-box\s*:\s*(?!view-box)"),
    "the style properties translate, rotate and scale": re.compile(
        r"(?<![-\w(])(translate|rotate|scale)\s*:\s*(?!none)"
    ),
    "places and sizes given as styles": re.compile(r"(?<![-\w])(cx|cy|r|rx|ry|x|y|d)\s*:\s*[^;{}\s]"),
    "style sheets from other files": re.compile(r"@import\b"),
    "style rules with @media, @supports or @layer": re.compile(r"@(media(?!\s*print)|supports|layer|container)\b"),
    "colours by oklch() or another new function": re.compile(
        r"(?<![-\w])(ok)?(lab|lch)\(|(?<![-\w])(hwb|color(-mix)?)\("
    ),
    "vector-effect": re.compile(r"vector-effect\s*:\s*non-"),
    "animations": re.compile(r"@keyframes\b|(?<![-\w])animation(-name)?\s*:\s*(?!none)"),
    "style rules inside others": re.compile(r"(?:^|\})\s*[^{}@]+\{[^{}]*\{"),
}
SELECTOR = re.compile(r"(?:^|[{};])\s*([^{};@]+)(?=\{)")
UNKNOWN_SELECTOR = re.compile(r"::?(?!first-child\b)[-\w]+(\([^()]*\))?|[\^$*]=|~(?!=)")
IDLE = re.compile(r":(root|hover|focus|active|visited|link|before|after|focus-visible|focus-within|target)\b")


def variables(css: str) -> dict[str, str]:
    """The custom properties that a style sheet sets, --name → value."""
    return {name: value.strip() for name, value in VARIABLE.findall(COMMENT.sub(" ", css))}


def plain(css: str, known: Mapping[str, str]) -> str:
    """Style rules or declarations without custom properties, CSS's angles and lengths in rem: SVG's own words."""
    css = VARIABLE.sub("", COMMENT.sub(" ", css))
    for _ in range(4):  # a variable may name another
        css = USED.sub(lambda found: known.get(found[1], found[2] or "inherit"), css)
    css = LIGHT_DARK.sub(r"\1", css)
    css = REMS.sub(in_pixels, css)
    return TRANSFORM.sub(lambda found: found[1] + _plain_transform(found[2]), css)


def in_pixels(rems: re.Match[str]) -> str:
    """A length in rem as CSS pixels."""
    return f"{float(rems[1]) * REM:.9g}px"


def _plain_transform(value: str) -> str:
    value = ANGLE.sub(lambda found: f"{float(found[1]) * DEGREES[found[2]]:.9g}", value)
    for css, svg in ONE_AXIS.items():
        value = css.sub(svg, value)
    return PIXELS.sub(r"\1", value)


def without_effect(css: str) -> list[str]:
    """What of plain style rules and declarations resvg does not follow, in words."""
    found = [what for what, pattern in LEFT_OUT.items() if pattern.search(css)]
    selectors = (one for many in SELECTOR.findall(css) for one in many.split(","))
    unknown = [hit[0] for one in selectors if not IDLE.search(one) and (hit := UNKNOWN_SELECTOR.search(one))]
    return found + ([f"style rules for {', '.join(sorted(set(unknown))[:3])}"] if unknown else [])
