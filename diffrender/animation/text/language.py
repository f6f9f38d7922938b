"""The language in which scenes speak: what they write in English is looked up as it is set.

Words, running numbers and words in equations all come through `text.typst` and `text.numbers`, which ask `spoken()`.
A scene says which language that is when it is made, as it tells Manim the size of the frame.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from diffrender.config.catalogue import FIELD, NUMBER, read_catalogue

OWN = "/**/"  # a comment, of which Typst sets nothing: before words of the user's own, which stand as they are
THIN = "\u2009"
# one part of a line that holds a field, mathematics or a call; or a number with a fraction or thousands
_PARTS = re.compile(r"(\{[^}]*\}|\$[^$]*\$|#[\w.]+(?:\([^)]*\))?)")
_NUMBER = re.compile(r"(?<![^\W_])(?<!\.)(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.\d+)(?![\w.])")
_QUOTED = re.compile(r'"([^"]+)"')
_BETWEEN = re.compile(r'(?<="), (?=[−-]?")')  # numbers with commas are parted by semicolons


class Language:
    """What a catalogue says: lines in another language, and by its line for 1,000.5 how numbers are written in it.

    unsaid: the lines with letters in them that were asked for and are not in it.
    """

    def __init__(self, catalogue: Mapping[str, str] | None = None) -> None:
        self.lines, self.unsaid = dict(catalogue or {}), set[str]()
        fields = sorted((line for line in self.lines if FIELD in line), key=lambda line: -len(line))
        self.patterns = [(re.compile(_pattern(line), re.DOTALL), self.lines[line]) for line in fields]
        number = self.lines.get(NUMBER, NUMBER).replace(" ", THIN)
        self.signs = {ord(","): number[1], ord("."): number[-2]}

    @classmethod
    def of(cls, file: Path | None) -> Language:
        """That of a catalogue's file; English if there is none."""
        return cls(None if file is None else read_catalogue(file))

    def line(self, text: str) -> str:
        """A line of Typst markup in this language."""
        return text if OWN in text or not self.patterns else self._numbers(self._said(text))

    def equation(self, source: str) -> str:
        """An equation: what stands in quotes is looked up, and its numbers are written as this language does."""
        if not self.patterns:
            return source
        return self._quoted_numbers(_QUOTED.sub(lambda found: f'"{self._said(found[1])}"', source))

    def number(self, text: str) -> str:
        """A number that was formatted in English."""
        return text.translate(self.signs)

    def _said(self, text: str) -> str:
        if text not in self.lines:
            for pattern, said in self.patterns:
                if found := pattern.fullmatch(text):
                    first, *rest = said.split(FIELD)
                    filled = (self._said(part) + after for part, after in zip(found.groups(), rest, strict=True))
                    self.lines[text] = first + "".join(filled)
                    break
            else:
                if _has_words(text):
                    self.unsaid.add(text)
                self.lines[text] = text
        return self.lines[text]

    def _numbers(self, text: str) -> str:
        """The same line, its numbers outside fields and calls written as this language does."""
        parts = _PARTS.split(text)
        for k, part in enumerate(parts):
            if part.startswith("$"):
                parts[k] = self._quoted_numbers(part)
            elif not part.startswith(("{", "#")):
                parts[k] = _NUMBER.sub(lambda found: self.number(found[0]), part)
        return "".join(parts)

    def _quoted_numbers(self, source: str) -> str:
        """Mathematics, its numbers written so: in quotes, where a comma parts nothing."""
        if self.signs[ord(".")] == ".":
            return source
        return _BETWEEN.sub("; ", _NUMBER.sub(lambda found: f'"{self.number(found[0])}"', source))


def own(text: str) -> str:
    """Markup that no language changes: words of the user's own. Each form of several, parted by bars, is marked."""
    return "|".join(OWN + form for form in text.split("|"))


def _pattern(line: str) -> str:
    return "(.+?)".join(re.escape(part) for part in line.split(FIELD))


def _has_words(text: str) -> bool:
    """Whether there are letters outside fields, mathematics and calls."""
    return bool(re.search(r"[^\W\d_]", re.sub(r"\de[-+−]?\d", "", _PARTS.sub("", text))))


_spoken = Language()


def speak(language: Language) -> None:
    """From now on, text is set in this language."""
    global _spoken
    _spoken = language


def spoken() -> Language:
    """The language in which text is set."""
    return _spoken
