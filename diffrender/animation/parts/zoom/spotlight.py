"""Lighting the terms of an equation while what they mean happens."""

from __future__ import annotations

from collections.abc import Mapping

from diffrender.animation.colors import blend
from diffrender.animation.text.typst import Typeset
from diffrender.animation.theme import Theme

_LEVELS = 12


class Spotlight:
    """Greys an equation's terms, which can still be read, and lights them one by one.

    Glyphs of no term (=, +) keep their colour.

    colors: term → "#RRGGBB" when lit. Changes colours in place: nothing is built.
    """

    def __init__(self, equation: Typeset, colors: Mapping[str, str], theme: Theme) -> None:
        self.equation, self.levels = equation, dict.fromkeys(colors, _LEVELS)
        self.shades = {
            name: [blend(color, theme.muted, 1 - k / _LEVELS) for k in range(_LEVELS + 1)]
            for name, color in colors.items()
        }

    @classmethod
    def by_name(cls, equation: Typeset, theme: Theme) -> Spotlight:
        """Of all terms: each in the theme's colour of its name, or in that of text if it has none."""
        return cls(equation, {t: theme.color(t) if hasattr(theme, t) else theme.fg for t in equation.terms}, theme)

    def light(self, strengths: Mapping[str, float]) -> None:
        """Light each named term so strongly, 0 (muted) to 1 (its own colour)."""
        for name, strength in strengths.items():
            level = round(strength * _LEVELS)
            if level != self.levels[name]:
                self.levels[name] = level
                self.equation.paint(name, self.shades[name][level])
