"""Characters that can be set: by the fonts that Typst brings along, or by those of this system."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from diffrender.core.errors import RenderError
from diffrender.core.notes import note_once

FONTS = Path(__file__).parents[1] / "fonts"  # that come with diffrender, beside those that Typst brings along
MARKUP = """\
#set page(width: auto, height: auto)
#set text(font: ("New Computer Modern", "Noto Sans JP"))
#sys.inputs.text"""
MAX_CHARACTERS = 300  # that are tried one by one
NO_GLYPH = "\ufffe"  # a character that no font has


@cache
def fonts(system: bool) -> Any:
    """Typst's own fonts and those that come with diffrender, and, with `system`, those of this machine."""
    import typst

    return typst.Fonts(include_system_fonts=system, font_paths=[FONTS])


def missing_glyphs(text: str, *, system: bool = False) -> list[str]:
    """The characters of a text for which there is no shape in the bundled fonts, nor, with `system`, in any other."""
    unusual = sorted({c for c in text if ord(c) > 126 and not c.isspace()})
    if not unusual:
        return []
    empty = _shapes(NO_GLYPH, system)
    if not _shapes(" ".join(unusual), system) & empty:
        return []
    return [character for character in unusual[:MAX_CHARACTERS] if _shapes(character, system) <= empty]


@cache
def _shapes(words: str, system: bool) -> set[str]:
    """The outlines of the glyphs with which words are set."""
    import typst

    compiler = typst.Compiler(MARKUP.encode(), font_paths=fonts(system), sys_inputs={"text": words})
    svg = compiler.compile(format="svg")
    text = svg.decode() if isinstance(svg, bytes) else str(svg)
    return set(re.findall(r'<symbol[^>]*>\s*<path[^>]*\bd="([^"]*)"', text))


def check_words(text: str, key: str) -> None:
    """RenderError for words of which nothing would be seen; a note that names the characters without a shape."""
    if text and not any(c.isprintable() and not c.isspace() for c in text):
        raise RenderError(f"{key}: nothing but blanks.", "Leave it out, or write something.")
    if missing := missing_glyphs(text, system=True):
        shown = " ".join(missing[:12]) + (" …" if len(missing) > 12 else "")
        problem = f"{key}: no font here has the characters {shown}"
        if not "".join(c for c in text if c not in missing).strip():
            raise RenderError(f"{problem}, and there are no others.", "Install a font that has them.")
        note_once(f"{problem}; they will be empty boxes.")
