"""Text for a terminal: what files say of themselves may hold the codes by which terminals are controlled."""

from __future__ import annotations

import re

CODES = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1
    "\u200e\u200f\u202a-\u202e\u2066-\u2069]"  # marks that turn the order of letters about
)


def printable(text: str) -> str:
    """The text with every control character, but tab and newline, written as `\\x1b`."""
    return CODES.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
