"""Text files of numbers as people have them: the way they are written is found, then pandas reads them.

From Excel, R, NumPy, pandas, CloudCompare: semicolons, decimal commas, `sep=`, UTF-16, Latin-1, quotes, `#` and `//`.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from diffrender.core.errors import DiffrenderError, words_of

if TYPE_CHECKING:
    from pandas import DataFrame

MAX_BYTES = 200_000_000
CLOUDS = (".xyz", ".asc", ".pts")  # scans: three coordinates, and what else was measured
MAX_COLUMNS = 2000
MOST_HEADS = 20  # rows of words above the numbers
SAMPLE = 200  # rows that the format is found from
SEPARATORS = ("\t", ";", ",", "|", " ")  # a blank stands for any white space
SPOKEN = {"\t": "tabs", ";": "semicolons", ",": "commas", "|": "bars", " ": "blanks"}
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
ARFF = re.compile(r"@(relation|attribute|data)\b", re.IGNORECASE)  # Weka's lines above its rows
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
    lines, comment, separator = _content(path, text)
    del text
    if path.suffix.lower() in CLOUDS and len(lines) > 1 and lines[0][1].strip() == str(len(lines) - 1):
        lines = lines[1:]  # it counts the points that follow
    if not lines:
        raise DiffrenderError(f"{path}: no points in it.")
    separator = separator or _separator([line for _, line in lines[:SAMPLE]], path)
    rows = _cells([line for _, line in lines[:SAMPLE]], separator, path)
    mark, thousands = _decimal(rows, separator, decimal, path)
    if mark == ",":
        notes.append("decimal commas")
    elif thousands:
        notes.append("commas as thousands marks")
    gaps = {k for k in range(1, len(rows)) if lines[k][0] - lines[k - 1][0] > 1}
    names, skipped = _header(rows, gaps, comment, separator, header, path, notes)
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
        names = _fitting(names, frame.shape[1], path)
    return Table(frame, names, body[0][0], notes)


# ---- bytes to lines --------------------------------------------------------------------------------------------------
def decoded(path: Path) -> tuple[str, str]:
    """The text of a file, and its encoding's name if it is not UTF-8; refused if it is no text."""
    if path.stat().st_size > MAX_BYTES:
        raise DiffrenderError(
            f"{path}: larger than a table may be ({MAX_BYTES // 10**6} MB).", "Save its numbers as a NumPy file (.npy)."
        )
    data = path.read_bytes()
    encoding, said, zeros = "utf-8-sig", "", (data[:400:2].count(0), data[1:400:2].count(0))
    if data[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff"):
        encoding, said = "utf-32", "UTF-32"
    elif data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding, said = "utf-16", "UTF-16"
    elif 3 * sum(zeros) > len(data[:400]) and 5 * min(zeros) < max(zeros):  # of a digit's two bytes one is zero
        encoding, said = ("utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"), "UTF-16"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text, said = _single_bytes(data)
    text = text.rstrip("\0\x1a")  # what old programs end or fill a file with
    whole = not any(c < " " and c not in "\t\n\r\f\v\0" for c in text[:100_000])
    if whole and (at := text.find("\0")) >= 0:
        line = text.count("\n", 0, at) + 1
        raise DiffrenderError(
            f"{path}: line {line}: a zero byte, which no text holds.",
            "The file is damaged, or was not written to its end: save or copy it again.",
        )
    if not whole:
        raise DiffrenderError(f"{path}: not a text file, whatever its name says.")
    return text, said


def _single_bytes(data: bytes) -> tuple[str, str]:
    """Bytes that are no UTF-8: Windows-1252, which is Latin-1 with more signs, or Latin-1 itself."""
    try:
        return data.decode("cp1252"), "Latin-1 (Windows-1252)"
    except UnicodeDecodeError:
        return data.decode("latin-1"), "Latin-1"


def _content(path: Path, text: str) -> tuple[list[tuple[int, str]], str, str]:
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


def _cells(lines: Sequence[str], separator: str, path: Path) -> list[list[str]]:
    try:
        if separator == " ":
            return [line.split() for line in lines]
        return [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=separator, skipinitialspace=True)]
    except csv.Error as error:
        raise DiffrenderError(f"{path}: not a table that can be read ({words_of(error)}).") from None


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


# ---- what it is written like -----------------------------------------------------------------------------------------
def _separator(lines: Sequence[str], path: Path) -> str:
    """The mark that cuts most rows into equally many cells, most of them numbers."""
    best, most = " ", -1.0
    for separator in SEPARATORS:
        try:
            rows = _cells(lines, separator, path)
        except DiffrenderError:
            continue
        body = rows[1:] or rows
        width, times = Counter(map(len, body)).most_common(1)[0]
        numbers = sum(_is_number(cell) for row in body for cell in row) / max(1, sum(map(len, body)))
        score = (times / len(body)) * numbers if width > 1 else -0.5
        if score > most + 1e-9:
            best, most = separator, score
    return best


def _is_number(cell: str) -> bool:
    return any(kind.fullmatch(cell) for kind in (POINT, COMMA, *THOUSANDS.values()))


def _decimal(rows: Sequence[Sequence[str]], separator: str, given: str | None, path: Path) -> tuple[str, str | None]:
    """The decimal mark, and the mark of thousands if there is one."""
    cells = [cell for row in rows for cell in row]
    if given:
        other = "," if given == "." else "."
        return given, other if any(other in cell for cell in cells if _is_number(cell)) else None
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


def _header(
    rows: list[list[str]],
    gaps: set[int],
    comment: str,
    separator: str,
    given: bool | None,
    path: Path,
    notes: list[str],
) -> tuple[list[str] | None, int]:
    """The names of the columns, or None, and how many of the first rows hold no points."""
    first, body = rows[0], rows[1:]
    if given is False:
        return None, 0
    if given or _is_header(first, body):
        return _names_above(rows, gaps, notes)
    whole = all(cell.lstrip("-+").isdigit() for row in body for cell in row)
    if body and _counts(first) and whole and first[0] == "0":
        raise DiffrenderError(
            f"{path}: its first row is {', '.join(first)}: a header of numbers, or a point.",
            "Say which: target.header: true or false.",
        )
    if body and _counts(first) and not whole:
        notes.append(f"its first row ({', '.join(first)}) is a header")
        return first, 1
    named = _cells([comment], separator, path)[0] if comment else []
    named = named if len(named) == len(first) else comment.replace(",", " ").split()
    if len(named) == len(first) and not any(_is_number(cell) for cell in named):
        return named, 0
    return None, 0


def _names_above(rows: list[list[str]], gaps: set[int], notes: list[str]) -> tuple[list[str], int]:
    """The names of the columns among the first rows, and how many of these hold no points.

    Rows of words are a header, with titles above it, or units and comments below it. gaps: rows above which lines are
    empty.
    """
    words = 1
    while words < min(MOST_HEADS, len(rows) - 1) and _is_header(rows[words], rows[words + 1 :]):
        words += 1
    cells = max((sum(map(bool, row)) for row in rows[words : words + 9]), default=len(rows[0]))
    names = next(
        (
            k
            for k in range(max((gap for gap in gaps if gap < words), default=0), words)
            if len(named := list(filter(None, rows[k]))) >= max(2, cells - 1) and len(set(named)) == len(named)
        ),
        words - 1,
    )
    if titles := rows[:names]:
        notes.append(f"first line{'s' * (names > 1)} left out ({' '.join(titles[0]).strip()[:60]})")
    if below := rows[names + 1 : words]:
        notes.append(f"row{'s' * (len(below) > 1)} of units left out ({', '.join(below[0])[:60]})")
    return [name.strip("'") for name in rows[names]], words


def _is_header(first: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Whether a row holds names above numbers."""
    for k, cell in enumerate(first):
        below = [row[k] for row in body if len(row) > k and row[k].lower() not in MISSING]
        numbers = sum(_is_number(b) for b in below) > len(below) / 2 if below else not body
        if numbers and not _is_number(cell) and cell.lower() not in MISSING - {""}:
            return not (cell == "" and _is_row_of_numbers(first[k + 1 :], body))
    return False


def _is_row_of_numbers(cells: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Whether cells after an empty one are a row of the table, which lacks its first number: `,5.2,1.1`."""
    return bool(cells) and not _counts(cells) and all(_is_number(cell) for cell in cells)


def _counts(cells: Sequence[str]) -> bool:
    """Whether cells are 0, 1, 2, … or 1, 2, 3, …: how programs number columns that have no names."""
    return len(cells) > 1 and any(list(cells) == [str(k + first) for k in range(len(cells))] for first in (0, 1))


def _fitting(names: list[str], columns: int, path: Path) -> list[str]:
    """As many names as there are columns: R leaves out the one of the row names."""
    while len(names) > columns and not names[-1]:
        names = names[:-1]
    if len(names) == columns - 1:
        names = ["", *names]
    if len(names) != columns:
        raise DiffrenderError(
            f"{path}: its header has {len(names)} names, and its rows have {columns} cells.", "Mend its first row."
        )
    return names


# ---- the numbers -----------------------------------------------------------------------------------------------------
def _frame(path: Path, body: list[tuple[int, str]], separator: str, decimal: str, thousands: str | None) -> DataFrame:
    import pandas as pd

    if len(_cells([body[0][1]], separator, path)[0]) > MAX_COLUMNS:
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
