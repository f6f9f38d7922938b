"""Themes of one's own as scenes take them, and where their colours are too much alike to be read or seen."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from diffrender.animation.colors import contrast
from diffrender.animation.theme import Theme, theme
from diffrender.config.theme_file import OwnTheme

TEXT_CONTRAST, MARK_CONTRAST = 4.5, 3.0  # least ratios of WCAG 2 (1.4.3, 1.4.11)
TEXTS = ("fg", "muted", "data", "samples", "noise", "accept", "reject")  # terms of equations have the colours of marks
MARKS = ("border",)
TABLES = ("density", "error", "signed")  # these hold the panel's own colour, where nothing is shown


def theme_of(chosen: str | OwnTheme) -> Theme:
    """The theme of a name, or of colours of one's own over those of their base."""
    if isinstance(chosen, str):
        return theme(chosen)
    base = theme(chosen.base)
    given = chosen.model_dump(exclude={"base", "data"}, exclude_none=True)
    given |= {"score": chosen.data} if chosen.data else {}
    if chosen.panel:
        for name in TABLES:
            anchors = (chosen.panel if color == base.panel else color for color in getattr(base, name))
            given.setdefault(name, tuple(anchors))
    known: dict[str, Any] = {field.name: given[field.name] for field in fields(Theme) if field.name in given}
    return replace(base, **known)


def weak_contrasts(look: Theme) -> list[str]:
    """What can hardly be read or seen in a theme, in words; nothing if all is well."""
    pairs = [(name, look.color(name), TEXT_CONTRAST, "text") for name in TEXTS]
    pairs += [(name, look.color(name), MARK_CONTRAST, "marks") for name in MARKS]
    pairs += [(f"magnitude[{k}]", color, MARK_CONTRAST, "marks") for k, color in enumerate(look.magnitude)]
    found = []
    for name, color, least, what in pairs:
        ground = min(("bg", "panel"), key=lambda token: contrast(color, look.color(token)))
        if (ratio := contrast(color, look.color(ground))) < least:
            found.append(f"{name} {color} on {ground} {look.color(ground)}: {ratio:.2f} : 1, {what} need {least:g} : 1")
    return found
