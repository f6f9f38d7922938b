"""Text files of numbers as people have them: the way they are written is found, then pandas reads them.

From Excel, R, NumPy, pandas, CloudCompare: semicolons, decimal commas, `sep=`, UTF-16, Latin-1, quotes, `#` and `//`.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from diffrender.core.errors import DiffrenderError
from diffrender.diffusion.targets.shapes.tables.encoding import decoded
from diffrender.diffusion.targets.shapes.tables.header import fitting, header_of
from diffrender.diffusion.targets.shapes.tables.lines import cells_of, lines_of, separator_of
from diffrender.diffusion.targets.shapes.tables.numbers import (
    BLANKS,
    ERRORS,
    as_plain_numbers,
    decimal_mark,
)

if TYPE_CHECKING:
    from pandas import DataFrame

CLOUDS = (".xyz", ".asc", ".pts")  # scans: three coordinates, and what else was measured
MAX_COLUMNS = 2000
SAMPLE = 200  # rows that the format is found from
SPOKEN = {"\t": "tabs", ";": "semicolons", ",": "commas", "|": "bars", " ": "blanks"}


@dataclass
class Table:
    """A table as it stands in a file. names: of its columns, if it has a header. notes: what was found out about it."""

    frame: DataFrame
    names: list[str] | None
    first_row: int  # the line of the file in which the first row stands
    notes: list[str] = field(default_factory=list)


def read_table(path: Path, header: bool | None, decimal: str | None) -> Table:
    """The table in a text file; DiffrenderError with the key that decides, where it could be meant in two ways."""
    notes: list[str] = []
    text, encoding = decoded(path)
    if encoding:
        notes.append(f"read as {encoding}")
    text, marks = as_plain_numbers(text)
    notes += marks
    lines, comment, separator = lines_of(path, text)
    del text
    if path.suffix.lower() in CLOUDS and len(lines) > 1 and lines[0][1].strip() == str(len(lines) - 1):
        lines = lines[1:]  # it counts the points that follow
    if not lines:
        raise DiffrenderError(f"{path}: no points in it.")
    separator = separator or separator_of([line for _, line in lines[:SAMPLE]], path)
    rows = cells_of([line for _, line in lines[:SAMPLE]], separator, path)
    mark, thousands = decimal_mark(rows, separator, decimal, path)
    if mark == ",":
        notes.append("decimal commas")
    elif thousands:
        notes.append("commas as thousands marks")
    gaps = {k for k in range(1, len(rows)) if lines[k][0] - lines[k - 1][0] > 1}
    names, skipped = header_of(rows, gaps, comment, separator, header, path, notes)
    heads = {line for _, line in lines[:skipped]}
    body = [(k, line) for k, line in lines[skipped:] if line not in heads]
    if again := len(lines) - skipped - len(body):
        notes.append(f"{again} more header{'s' * (again > 1)} left out")
    if not body:
        zeros = path.read_bytes().endswith(bytes(2))
        lost = "Zero bytes follow it: the file was not written to its end. Save or copy it again." if zeros else ""
        raise DiffrenderError(f"{path}: no points in it, only a header.", lost)
    if separator != " ":  # a mark at the end of every line closes the last cell
        ends = all(line.rstrip().endswith(separator) for _, line in body[:SAMPLE])
        body = [(k, line.rstrip()[:-1]) for k, line in body] if ends else body
    frame = _frame(path, body, separator, mark, thousands)
    if names is not None:
        names = fitting(names, frame.shape[1], path)
    return Table(frame, names, body[0][0], notes)


def _frame(path: Path, body: list[tuple[int, str]], separator: str, decimal: str, thousands: str | None) -> DataFrame:
    import pandas as pd

    if len(cells_of([body[0][1]], separator, path)[0]) > MAX_COLUMNS:
        raise DiffrenderError(f"{path}: more than {MAX_COLUMNS:,} columns, which no table of points has.")
    try:
        frame = pd.read_csv(
            io.StringIO("\n".join(line for _, line in body)),
            sep=r"\s+" if separator == " " else separator,
            header=None,
            decimal=decimal,
            thousands=thousands,
            skipinitialspace=True,
            low_memory=False,
            na_values=[*BLANKS, *ERRORS],
        )
        return frame.astype({k: str for k in frame.columns if frame[k].dtype == bool})  # words, as of a class
    except pd.errors.ParserError as error:
        found = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
        if not found:
            raise DiffrenderError(f"{path}: not a table that can be read ({str(error)[:100]}).") from None
        wanted, line, seen = map(int, found.groups())
        raise DiffrenderError(
            f"{path}: line {body[line - 1][0]} has {seen} cells, and the first row {wanted}"
            f" (cells between {SPOKEN.get(separator, repr(separator))}).",
            "A table of points has equally many in every row.",
        ) from None
    except (ValueError, OverflowError) as error:
        raise DiffrenderError(f"{path}: not a table that can be read ({str(error)[:100]}).") from None
