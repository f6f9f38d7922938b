"""Several lines of text: broken where they must be, as large as there is room for."""

from __future__ import annotations

import re
from itertools import pairwise

from diffrender.animation.layout.page import Page
from diffrender.animation.text.language import own
from diffrender.animation.text.typst import Typeset, escaped, words
from diffrender.animation.theme import MARGIN
from diffrender.core.glyphs import check_words

TOKEN = re.compile(r"(?:\$[^$\n]+\$|[^\s$]|\$(?![^$\n]+\$))+")  # a word, or mathematics with the blanks in it
MATHS = re.compile(r"(\$[^$\n]+\$)")
LONG_WORD = re.compile(r"[^\s$]{24,}")
SMALLER = 0.94  # each try at a smaller size


def markup(text: str) -> str:
    """Typst for a text that shall be set as it stands, but for the mathematics between dollar signs."""
    return "".join(part if MATHS.fullmatch(part) else escaped(part) for part in MATHS.split(text))


def paragraph(
    page: Page,
    text: str,
    em: float,
    color: str,
    *,
    top: float,
    bottom: float,
    leading: float,
    hang: bool = False,
    key: str = "text",
) -> list[Typeset]:
    """A text in centred lines between two heights, no wider than the page: at most `em` high, smaller if it must be.

    Its own line breaks are kept; other lines are broken between words, and are about equally long. The last baseline
    stands at `bottom`, or, where it hangs, the first line at `top`. leading: from one line to the next, in em. Words of
    which nothing would be seen are refused, by what they are called: `key`.
    """
    check_words(text, key)
    room = page.frame.width - 2 * MARGIN
    while True:
        lines = [line for part in text.splitlines() if part.strip() for line in broken(part, em, color, room)]
        fits = max(line.width for line in lines) <= room and (0.9 + leading * (len(lines) - 1)) * em <= top - bottom
        if fits or (em <= page.em("floor") and hyphenated(text) == text):
            break
        if em <= page.em("floor"):
            text = hyphenated(text)
        em = max(em * SMALLER, page.em("floor"))
    first = top - 0.9 * em if hang else bottom + leading * em * (len(lines) - 1)
    return [line.at(0, first - k * leading * em, 0) for k, line in enumerate(lines)]


def hyphenated(text: str) -> str:
    """A text whose longest words are cut in two: the last resort where they find no room."""
    return LONG_WORD.sub(lambda word: f"{word[0][: len(word[0]) // 2]}- {word[0][len(word[0]) // 2 :]}", text)


def broken(text: str, em: float, color: str, room: float) -> list[Typeset]:
    """One line of a text on as few as fit in `room`, the longest as short as can be."""
    tokens = [markup(token) for token in TOKEN.findall(text)]
    widths = [words(own(token), em, color).width for token in tokens]
    blank = 0.33 * em
    reach = [[sum(widths[a:b]) + blank * (b - a - 1) for b in range(len(tokens) + 1)] for a in range(len(tokens))]
    for count in range(1, len(tokens) + 1):
        breaks = _evenly(reach, count)
        if max(reach[a][b] for a, b in pairwise(breaks)) <= room or count == len(tokens):
            return [words(own(" ".join(tokens[a:b])), em, color) for a, b in pairwise(breaks)]
    return []


def _evenly(reach: list[list[float]], count: int) -> list[int]:
    """Where to break words into `count` lines so that the longest is shortest: first word of each line, and the end."""
    total = len(reach)
    best: list[dict[int, tuple[float, list[int]]]] = [{0: (0.0, [0])}]
    for _ in range(count):
        lines: dict[int, tuple[float, list[int]]] = {}
        for start, (longest, breaks) in best[-1].items():
            for end in range(start + 1, total + 1):
                now = max(longest, reach[start][end])
                if end not in lines or now < lines[end][0]:
                    lines[end] = (now, [*breaks, end])
        best.append(lines)
    return best[-1][total][1]
