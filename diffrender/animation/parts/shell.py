"""Ways between two noises, drawn in the plane that they span: along the shell of noise, and straight through it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from manim import VMobject

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.furniture.panels import line
from diffrender.animation.mobjects.plane.curve import Curve
from diffrender.animation.theme import HAIR

NAMES = (
    "$x_T$; dotted: the shell where all noise lies, length 1|dotted: the shell where all noise lies, length 1"
    "|dotted: shell of noise, length 1|dotted: shell of noise|$x_T$; dotted: 1|$x_T$"
)
SHORT = 0.9  # lengths that are said under a way
BEYOND = 0.45  # radians that the shell goes on beyond the noises
LEAST = 0.85  # of their size equations keep, so that the names have room
DOTS = 60  # of the shell
OUT = 0.15  # scene units from the shell to the names of the noises


class Shell:
    """x_T of ways from a noise a to a noise b, in their plane: a to the left, b to the right, the origin at the foot.

    angles, lengths: for each way (K,) its angle from a towards b, in radians, and its length, as recorded; noise has 1.
    curves: of either way, x rising, with a dot at the present place; told: the place;
    middles: in the middle of either way its length; standing: these, and everything else.
    """

    def __init__(
        self,
        page: Page,
        box: Box,
        angles: Sequence[np.ndarray],
        lengths: Sequence[np.ndarray],
        hues: Sequence[str],
    ) -> None:
        theme, em = page.theme, page.em("legend")
        theta, top = float(angles[0][-1]), max(1.0, float(np.max(lengths)))
        reach = np.sin(theta / 2 + BEYOND) if theta / 2 + BEYOND < np.pi / 2 else 1.0
        body = box._replace(top=box.top - 2.9 * em)
        unit = min(body.height / top, (body.width - 2 * em) / (2 * reach * top))
        half, up = body.width / 2 / unit, body.height / unit
        extent = (-half, half, top - up, top)  # as far up as it goes

        def laid(angle: Any, length: Any) -> np.ndarray:
            """(K, 2): the bisector of a and b points up."""
            turned = np.pi / 2 + theta / 2 - angle
            return np.stack([length * np.cos(turned), length * np.sin(turned)], axis=-1)

        self.curves: list[Curve] = []
        for angle, length, hue in zip(angles, lengths, hues, strict=True):
            x, y = laid(angle, length).T
            ink = theme.color(hue)
            self.curves.append(Curve(extent, body, x, y, color=ink, future=theme.grid, ring=theme.bg))
        origin = np.array([body.center[0], body.top - unit * top])
        ends = [origin + unit * laid(at, 1.0) for at in (0.0, theta)]
        arc = origin + unit * laid(np.linspace(-BEYOND, theta + BEYOND, 2 * DOTS), np.ones(2 * DOTS))
        dots = VMobject(stroke_color=theme.muted, stroke_width=HAIR * 170)
        for a, b in zip(arc[::2], arc[1::2], strict=True):
            dots.start_new_path(np.array([*a, 0.0])).add_line_to(np.array([*b, 0.0]))
        self.told = page.running("$u =$ {:.2f}", 1.0, size="legend").at(origin[0] + 0.3, origin[1])

        def length_of(curve: Curve, hue: str) -> list[Any]:
            """How long the middle of a way is: over it, or under what is shorter than noise, if there is room."""
            k = round((len(curve.x) - 1) / 2)
            length = float(np.hypot(curve.x[k], curve.y[k]))
            x, y = origin + unit * np.array([curve.x[k], curve.y[k]]) + (0, -1.35 * em if length < SHORT else 0.5 * em)
            return [page.label(f"{length:.2f}", x, y, 0, "legend", hue)] if y > origin[1] + 1.5 * em else []

        self.middles = [text for curve, hue in zip(self.curves, hues, strict=True) for text in length_of(curve, hue)]
        names = [
            page.label(name, float(x), float(y), side, "legend")
            for name, at, side in zip(("$a$", "$b$"), ends, (1, -1), strict=True)
            for x, y in [at + OUT * (at - origin) / unit - (0, 0.3 * em)]
        ]
        self.standing: list[Any] = [
            *self.middles,
            page.label(page.fitting(NAMES, box.width, "legend"), box.left, box.top - em, -1, "legend"),
            *(line([tuple(origin), tuple(end)], theme.border, HAIR) for end in ends),
            dots,
            *names,
        ]


def two_lines(page: Page, names: Sequence[str], hues: Sequence[str], equations: Sequence[str]) -> list[Any]:
    """In the place of the equation two under each other, each with its name, or its last word, before it."""
    frame, wide = page.frame, page.shape == "wide"
    made = [page.maths(source, color=hue) for source, hue in zip(equations, hues, strict=True)]
    gap, second = 0.35, max(equation.width for equation in made)
    page.equations += [source for source in equations if source not in page.equations]
    room = frame.x - (page.title_end or -frame.x) - 2 * gap if wide else 2 * frame.x
    forms = names, [name.split()[-1] for name in names]
    each = [[page.words(name, "label", hue) for name, hue in zip(form, hues, strict=True)] for form in forms]
    said = next((s for s in each if max(text.width for text in s) + gap + LEAST * second <= room), each[-1])
    first = max(text.width for text in said)
    size = min((room - first - gap) / second, 1.0)  # of the equations
    width = first + gap + size * second
    left = frame.x - width if wide else -width / 2
    for k, (text, equation) in enumerate(zip(said, made, strict=True)):
        y = frame.equation_y - 1.4 * k * page.em("equation")
        text.at(left, y)
        equation.scale(size).at(left + first + gap, y)
    return [*said, *made]
