"""Files that a lecture brings along, looked at before any work begins: its videos, sounds and words."""

from __future__ import annotations

import re
from pathlib import Path

from diffrender.core import limited_process
from diffrender.core.errors import ConfigError
from diffrender.core.notes import note

MARKUP = '#set page(width: auto, height: auto)\n#set text(font: "New Computer Modern")\n#sys.inputs.text'
MAX_CHARACTERS = 300  # that are tried one by one
NO_GLYPH = "\ufffe"  # a character that no font has


def check_video(file: Path) -> None:
    """Refuse a video that cannot be read to its end."""
    limited_process.call("diffrender.video.film.sources:inspect_video", str(file), path=str(file))


def check_sound(file: Path) -> None:
    """Refuse a sound file that cannot be read."""
    limited_process.call("diffrender.video.film.sources:inspect_sound", str(file), path=str(file))


def check_words(text: str, key: str) -> None:
    """Refuse words of which nothing would be seen; say which characters would be empty boxes."""
    if text and not text.strip():
        raise ConfigError(f"{key}: nothing but blanks.", "Leave it out, or write something.")
    if missing := missing_glyphs(text):
        shown = " ".join(missing[:12]) + (" …" if len(missing) > 12 else "")
        plain = "".join(c for c in text if c not in missing).strip()
        problem = f"{key}: no font that is bundled has the characters {shown}"
        if not plain:
            raise ConfigError(f"{problem}, and there are no others.", "Write it in Latin, Greek or Cyrillic letters.")
        note(f"{problem}; they will be empty boxes.")


def missing_glyphs(text: str) -> list[str]:
    """The characters of a text that Typst's bundled fonts have no shape for."""
    unusual = sorted({c for c in text if ord(c) > 126 and not c.isspace()})
    if not unusual:
        return []
    import typst

    def shapes(words: str) -> set[str]:
        compiler = typst.Compiler(MARKUP.encode(), ignore_system_fonts=True, sys_inputs={"text": words})
        return _shapes(compiler.compile(format="svg"))

    empty = shapes(NO_GLYPH)
    if not shapes(" ".join(unusual)) & empty:
        return []
    return [character for character in unusual[:MAX_CHARACTERS] if shapes(character) <= empty]


def _shapes(svg: object) -> set[str]:
    """The outlines of the glyphs in an SVG of Typst's."""
    text = svg.decode() if isinstance(svg, bytes) else str(svg)
    return set(re.findall(r'<symbol[^>]*>\s*<path[^>]*\bd="([^"]*)"', text))
