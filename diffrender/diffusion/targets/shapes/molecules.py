"""Molecules in XYZ files: a line that counts the atoms, a line of words, then an element and three numbers a line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from diffrender.core.errors import DiffrenderError
from diffrender.diffusion.targets.shapes.tables.encoding import decoded
from diffrender.diffusion.targets.shapes.tables.numbers import as_plain_numbers

NUMBER = r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?"
ATOM = re.compile(r"([A-Za-z]{1,3})(?![A-Za-z])\S*")  # an element, and a label after it: C, C12, O-3, H(2)
COUNT = re.compile(r"\s*(\d+)(\s+[A-Za-z].*)?\s*")
PROPERTIES = re.compile(r"Properties=\"?([\w:]+)")  # of extended XYZ: name:type:columns, again and again
ROW = re.compile(rf"\s*{NUMBER}(\s+{NUMBER})+\s*")


@dataclass(frozen=True)
class Layout:
    """Where a line of an atom has its element and the first of its three numbers, counted in words from 0."""

    element: int
    place: int


def read_molecule(path: Path) -> tuple[dict[str, Any], list[np.ndarray]] | None:
    """The atoms of the first molecule, [(M, 3), elements (M,) as classes], or None if the file is a plain table."""
    text, _ = decoded(path)
    lines = as_plain_numbers(text)[0].lstrip("\r\n").splitlines()
    counted = COUNT.fullmatch(lines[0]) if len(lines) > 2 else None
    layout = _layout(lines[1], lines[2].split()) if counted else None
    if counted is None or layout is None:
        return None
    count = int(counted[1])
    body = lines[2 : 2 + count]
    if not body or len(body) < count:
        raise DiffrenderError(
            f"{path}: its first line counts {count:,} atoms, but only {len(body):,} follow.", "It was cut off."
        )
    names, rows = [], np.empty((count, 3))
    for i, line in enumerate(body):
        words = line.split()
        try:
            names.append(_element(words[layout.element]))
            rows[i] = [float(_with_point(words[layout.place + k])) for k in range(3)]
        except (ValueError, IndexError):
            raise DiffrenderError(
                f"{path}: line {i + 3}: not an element and three numbers ('{line.strip()[:40]}')."
            ) from None
    if not np.isfinite(rows).all() or np.abs(rows).max() > 1e150:
        raise DiffrenderError(f"{path}: an atom whose place is not finite.")
    known, numbers = np.unique(np.array(names), return_inverse=True)
    after = [line for line in lines[2 + count :] if line.strip()]
    more = f" {'The molecules' if COUNT.fullmatch(after[0]) else 'Lines'} after it are left out." if after else ""
    atoms = f"{count:,} atom{'s' * (count > 1)}"
    note = f"{path.name}: a molecule of {atoms}; class is the element ({', '.join(known[:8])}).{more}"
    return {"notes": [note], "classes": [str(name) for name in known]}, [rows, numbers.astype(np.int64)]


def _layout(comment: str, words: list[str]) -> Layout | None:
    """How the first atom's line is laid out, or None if it is no atom."""
    if found := PROPERTIES.search(comment):
        parts, at, places = found[1].split(":"), 0, {}
        for name, _, width in zip(parts[::3], parts[1::3], parts[2::3], strict=False):
            places[name.lower()] = at
            at += int(width) if width.isdigit() else 1
        if {"species", "pos"} <= set(places):
            return Layout(places["species"], places["pos"])
    for layout in (Layout(0, 1), Layout(1, 2), Layout(3, 0)):  # as usual; a number before it; the element last
        numbers = words[layout.place : layout.place + 3]
        if len(words) > layout.element and len(numbers) == 3 and all(map(_is_number, numbers)):
            if ATOM.fullmatch(words[layout.element]):
                return layout
            if words[0].isdigit() and layout.element == 0 and len(words) == 4 and not ROW.fullmatch(comment):
                return layout  # the element by its number
    return None


def _element(word: str) -> str:
    """The element that an atom's word names: a symbol, with or without a label, or a number."""
    if word.isdigit() and len(word) <= 3:
        return word
    if found := ATOM.fullmatch(word):
        return found[1].capitalize()
    raise ValueError


def _is_number(word: str) -> bool:
    return bool(re.fullmatch(NUMBER, _with_point(word)))


def _with_point(word: str) -> str:
    """A number with a decimal point, where it has a comma."""
    return word.replace(",", ".", 1) if word.count(",") == 1 else word
