"""The lines of a table that hold cells, and the mark that cuts them."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from diffrender.core.errors import DiffrenderError, words_of
from diffrender.diffusion.targets.shapes.tables.numbers import ERROR_CELL, is_number

SEPARATORS = ("\t", ";", ",", "|", " ")  # a blank stands for any white space
ARFF = re.compile(r"@(relation|attribute|data)\b", re.IGNORECASE)  # Weka's lines above its rows


def lines_of(path: Path, text: str) -> tuple[list[tuple[int, str]], str, str]:
    """(number, line) of all that holds cells; the comment line right before them; the separator that `sep=` names."""
    lines: list[tuple[int, str]] = []
    comment = separator = ""
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if not bare.strip(",;\t"):
            continue
        if "--" in bare and not bare.strip("+|:=- "):  # a line drawn between a header and its rows
            continue
        if (bare.startswith(("#", "//", "%")) or ARFF.match(bare)) and not ERROR_CELL.match(bare):
            comment = comment if lines else bare.lstrip("#/% ")
        elif not lines and (found := re.fullmatch(r'"?sep=(.)"?', bare, re.IGNORECASE)):
            separator = found[1]
        elif not lines and bare.lower() == "sep=":
            separator = "\t"
        else:
            lines.append((number, line))
    return lines, comment, separator


def cells_of(lines: Sequence[str], separator: str, path: Path) -> list[list[str]]:
    """The cells of lines, without white space round them; DiffrenderError where quotes do not end."""
    try:
        if separator == " ":
            return [line.split() for line in lines]
        return [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=separator, skipinitialspace=True)]
    except csv.Error as error:
        raise DiffrenderError(f"{path}: not a table that can be read ({words_of(error)}).") from None


def separator_of(lines: Sequence[str], path: Path) -> str:
    """The mark that cuts most rows into equally many cells, most of them numbers."""
    best, most = " ", -1.0
    for separator in SEPARATORS:
        try:
            rows = cells_of(lines, separator, path)
        except DiffrenderError:
            continue
        body = rows[1:] or rows
        width, times = Counter(map(len, body)).most_common(1)[0]
        numbers = sum(is_number(cell) for row in body for cell in row) / max(1, sum(map(len, body)))
        score = (times / len(body)) * numbers if width > 1 else -0.5
        if score > most + 1e-9:
            best, most = separator, score
    return best
