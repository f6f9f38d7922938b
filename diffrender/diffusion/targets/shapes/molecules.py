"""Molecules in XYZ files: a line that counts the atoms, a line of words, then an element and three numbers a line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from diffrender.core.errors import DiffrenderError

HEAD_BYTES = 4096
ATOM = re.compile(r"\s*([A-Z][a-z]{0,2}\d*|\d{1,3})\s+(\S+)\s+(\S+)\s+(\S+)(\s.*)?")
NUMBER = r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?"
ELEMENT = re.compile(rf"\s*([A-Z][a-z]{{0,2}}\d*\s|\d{{1,3}}(\s+{NUMBER}){{3}}\s*$)")
ROW = re.compile(rf"\s*{NUMBER}(\s+{NUMBER})+\s*")


def read_molecule(path: Path) -> tuple[dict[str, Any], list[np.ndarray]] | None:
    """The atoms of the first molecule, [(M, 3), elements (M,) as classes], or None if the file is a plain table."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES).decode("utf-8-sig", "replace").splitlines()
    if len(head) < 3 or not head[0].strip().isdigit() or not ELEMENT.match(head[2]) or ROW.fullmatch(head[1]):
        return None
    lines = path.read_text("utf-8-sig", "replace").splitlines()
    count = int(head[0])
    body = lines[2 : 2 + count]
    if not body or len(body) < count:
        raise DiffrenderError(
            f"{path}: its first line counts {count:,} atoms, but only {len(body):,} follow.", "It was cut off."
        )
    names, rows = [], np.empty((count, 3))
    for i, line in enumerate(body):
        found = ATOM.fullmatch(line)
        try:
            if found is None:
                raise ValueError
            names.append(found[1])
            rows[i] = [float(found[k]) for k in (2, 3, 4)]
        except ValueError:
            raise DiffrenderError(
                f"{path}: line {i + 3}: not an element and three numbers ('{line.strip()[:40]}')."
            ) from None
    if not np.isfinite(rows).all() or np.abs(rows).max() > 1e150:
        raise DiffrenderError(f"{path}: an atom whose place is not finite.")
    known, numbers = np.unique(np.array(names), return_inverse=True)
    more = " The molecules after the first are left out." if any(line.strip() for line in lines[2 + count :]) else ""
    note = f"{path.name}: a molecule of {count:,} atoms; class is the element ({', '.join(known[:8])}).{more}"
    return {"notes": [note], "classes": [str(name) for name in known]}, [rows, numbers.astype(np.int64)]
