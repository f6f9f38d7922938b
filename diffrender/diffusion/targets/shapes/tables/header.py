"""Rows above the numbers: a header, titles before it, units below it, or numbers that a program counted with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from diffrender.core.errors import DiffrenderError
from diffrender.diffusion.targets.shapes.tables.lines import cells_of
from diffrender.diffusion.targets.shapes.tables.numbers import MISSING, is_number

MOST_HEADS = 20  # rows of words above the numbers


def header_of(
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
    named = cells_of([comment], separator, path)[0] if comment else []
    named = named if len(named) == len(first) else comment.replace(",", " ").split()
    if len(named) == len(first) and not any(is_number(cell) for cell in named):
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
        numbers = sum(is_number(b) for b in below) > len(below) / 2 if below else not body
        if numbers and not is_number(cell) and cell.lower() not in MISSING - {""}:
            return not (cell == "" and _is_row_of_numbers(first[k + 1 :], body))
    return False


def _is_row_of_numbers(cells: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Whether cells after an empty one are a row of the table, which lacks its first number: `,5.2,1.1`."""
    return bool(cells) and not _counts(cells) and all(is_number(cell) for cell in cells)


def _counts(cells: Sequence[str]) -> bool:
    """Whether cells are 0, 1, 2, … or 1, 2, 3, …: how programs number columns that have no names."""
    return len(cells) > 1 and any(list(cells) == [str(k + first) for k in range(len(cells))] for first in (0, 1))


def fitting(names: list[str], columns: int, path: Path) -> list[str]:
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
