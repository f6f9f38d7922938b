"""Spellings of numbers in tables: decimal commas, marks of thousands, other minus signs, exponents, missing ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from diffrender.core.errors import DiffrenderError

ERRORS = (
    "#N/A",
    "#NV",
    "#DIV/0!",
    "#VALUE!",
    "#WERT!",
    "#REF!",
    "#BEZUG!",
    "#NUM!",
    "#ZAHL!",
    "#NAME?",
    "#NULL!",
)
BLANKS = ("-", "--", "---", "?", ".", "*", "NaT", "missing", "Missing", "\\N", "nil", "(null)")  # besides pandas' own
MISSING = {"", "na", "n/a", "nan", "null", "none", "<na>", *map(str.lower, (*BLANKS, *ERRORS))}
POINT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?inf(inity)?", re.IGNORECASE)
COMMA = re.compile(r"[-+]?(\d*,\d+)([eE][-+]?\d+)?")
DASH = re.compile(r"(?<![^\s,;|\"'])[\u2212\u2013\u2014\ufe63\uff0d](?=[\d.,])")  # that stands for a minus sign
EXPONENT = re.compile(r"(?<![\w.])([-+]?(?:\d+[.,]?\d*|[.,]\d+))(?:[dD]|\*\^)([-+]?\d{1,3})(?![\w.])")
GROUP_MARK = "[\u00a0\u202f\u2009'\u2019]"
GROUPED = re.compile(rf"(?<![\w.])[-+]?\d{{1,3}}(?:{GROUP_MARK}\d{{3}})+(?!\w)")
WIDE_BLANK = re.compile("[\u00a0\u202f\u2009\u3000]")
WITH_MARK = re.compile(r"[;\t]")
QUOTED_NUMBER = re.compile(r"(?<![^\s,;|])'([-+]?[\d.,]+(?:[eE][-+]?\d+)?)'(?=[\s,;|]|$)", re.MULTILINE)
GROUPED_CELL = re.compile(
    r"(^|[;\t\"])([-+]?\d{1,3}(?: \d{3})+)(?=[.,;\t\"\r]|$)", re.MULTILINE
)  # 1 234 567, where no blank parts cells
ERROR_CELL = re.compile(rf"({'|'.join(map(re.escape, ERRORS))})(?=[,;|\t]|$)", re.IGNORECASE)
THREES = re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+")  # 1,234: thousands, or a decimal comma
THOUSANDS = {  # decimal mark → numbers with marks of thousands and a fraction, or with several such marks
    ".": re.compile(r"[-+]?\d{1,3}(,\d{3})+\.\d*|[-+]?[1-9]\d{0,2}(,\d{3}){2,}"),
    ",": re.compile(r"[-+]?\d{1,3}(\.\d{3})+,\d*|[-+]?[1-9]\d{0,2}(\.\d{3}){2,}"),
}


def as_plain_numbers(text: str) -> tuple[str, list[str]]:
    """Text whose numbers are written as Python reads them, and what was found of marks of thousands, in words.

    Fortran's 1.5D+03, Mathematica's 1.5*^3, other minus signs, 1 234,5 with blanks that do not break, and 1'234.5.
    """
    text = EXPONENT.sub(r"\1e\2", DASH.sub("-", text))
    text, found = GROUPED.subn(lambda number: re.sub(GROUP_MARK, "", number[0]), text)
    text = QUOTED_NUMBER.sub(r"\1", WIDE_BLANK.sub(" ", text))
    if WITH_MARK.search(text) and GROUPED_CELL.search(text):
        lines = [
            GROUPED_CELL.sub(lambda cell: cell[1] + cell[2].replace(" ", ""), line) if WITH_MARK.search(line) else line
            for line in text.split("\n")
        ]
        found += lines != text.split("\n")
        text = "\n".join(lines)
    return text, ["blanks or apostrophes as thousands marks"] if found else []


def is_number(cell: str) -> bool:
    return any(kind.fullmatch(cell) for kind in (POINT, COMMA, *THOUSANDS.values()))


def decimal_mark(
    rows: Sequence[Sequence[str]], separator: str, given: str | None, path: Path
) -> tuple[str, str | None]:
    """The decimal mark, and the mark of thousands if there is one."""
    cells = [cell for row in rows for cell in row]
    if given:
        other = "," if given == "." else "."
        return given, other if any(other in cell for cell in cells if is_number(cell)) else None
    for mark, kind in THOUSANDS.items():
        if any(kind.fullmatch(cell) for cell in cells):
            return mark, "," if mark == "." else "."
    commas = [cell for cell in cells if COMMA.fullmatch(cell)]
    points = [cell for cell in cells if "." in cell and POINT.fullmatch(cell)]
    if not commas:
        return ".", None
    threes = all(THREES.fullmatch(cell) for cell in commas)
    if not points and (separator == ";" or not threes):
        return ",", None
    if points and threes:
        return ".", ","
    raise DiffrenderError(
        f"{path}: '{commas[0]}' may be a decimal comma or a mark of thousands.",
        "Say which: target.decimal: ',' for decimal commas, '.' for thousands.",
    )
