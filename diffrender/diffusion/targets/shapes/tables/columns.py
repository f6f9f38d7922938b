"""The columns of a table by what they are: coordinates, a class, row names, or what is left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from diffrender.core.errors import ConfigError, DiffrenderError, suggest
from diffrender.diffusion.targets.shapes.tables.text import Table

if TYPE_CHECKING:
    from pandas import Series

MAX_CLASSES = 1000
ENOUGH = 5  # rows from which a column that counts them is one
TIMES = ("time", "date", "datetime", "timestamp", "year", "t", "zeit", "datum", "jahr", "temps", "tiempo", "fecha")
DATE = re.compile(r"\d{1,4}([-./])\d{1,2}\1\d{1,4}\b.*|\d{1,2}:\d{2}(:\d{2}.*)?")  # 2024-01-31 12:00, 31.1.2024, 12:00


@dataclass
class Columns:
    """What the columns of a table are."""

    path: Path
    table: Table

    def __post_init__(self) -> None:
        import pandas as pd

        frame = self.table.frame
        self.names = self.table.names or [f"column {k}" for k in range(frame.shape[1])]
        one_line = [" ".join(name.split()) for name in self.names]
        self.shown = [name if len(name) <= 30 else f"{name[:29]}…" for name in one_line]  # in messages
        self.lower = [re.sub(r"\s*[\[(].*[\])]$", "", name.strip().lower()) for name in self.names]  # x [mm] is x
        if self.table.names is None:
            self.lower = [f"column {k}" for k in range(frame.shape[1])]
        self.numeric = [
            bool(pd.api.types.is_numeric_dtype(frame[k]) and not pd.api.types.is_bool_dtype(frame[k])) for k in frame
        ]
        self.empty = [bool(frame[k].isna().all()) for k in frame]

    # ---- one column ----
    def find(self, asked: str | int, key: str) -> int:
        """The number of a column given by name or number."""
        if isinstance(asked, int) or (self.table.names is None and str(asked).isdigit()):
            if 0 <= int(asked) < len(self.names):
                return int(asked)
        elif asked in self.names:
            self.check_once(self.names.index(asked), f"by number in target.{key}")
            return self.names.index(asked)
        elif str(asked).lower() in self.lower:
            return self.lower.index(str(asked).lower())
        known = self.shown if self.table.names else [str(k) for k in range(len(self.names))]
        name = str(asked)[:60]
        raise ConfigError(f"target.{key}: {self.path.name} has no column '{name}'.", suggest(name, known[:40]))

    def check_once(self, k: int, how: str) -> None:
        """Refuse a column chosen by a name that others have too. how: to say which one is meant."""
        same = [j for j, name in enumerate(self.names) if name.strip() == self.names[k].strip() and not self.empty[j]]
        if self.table.names and len(same) > 1:
            shown = ", ".join(map(str, same[:8]))
            raise DiffrenderError(
                f"{self.path}: {len(same)} columns are called '{self.shown[k]}' (numbers {shown}, from 0).",
                f"Give them other names in the header, or say which {how}.",
            )

    def numbers(self, k: int) -> np.ndarray:
        """A column as float64; refused, with line and cell, if not all of it are numbers."""
        import pandas as pd

        column = self.table.frame[k]
        found = pd.to_numeric(column, errors="coerce")
        wrong = np.flatnonzero((found.isna() & column.notna()).to_numpy())
        if len(wrong):
            cell = " ".join(str(column.iloc[wrong[0]]).split())[:40]
            raise DiffrenderError(
                f"{self.path}: row {wrong[0] + 1} of numbers, {self.shown[k]}: '{cell}' is not a number.",
                "A column of coordinates holds numbers only; target.columns says which ones they are.",
            )
        return found.to_numpy(np.float64)

    def words(self, k: int) -> Series:
        """A column as text, a question mark where it is empty."""
        column = self.table.frame[k].astype(object)
        return column.where(column.notna(), "?").map(str)

    def is_text(self, k: int) -> bool:
        """Whether most of a column are words."""
        import pandas as pd

        if self.numeric[k]:
            return False
        return bool(pd.to_numeric(self.table.frame[k], errors="coerce").notna().mean() < 0.5)

    def is_time(self, k: int) -> bool:
        """Whether a column says when each row was measured: by its name, or by what its cells look like."""
        return self.lower[k] in TIMES or all(DATE.fullmatch(word.strip()) for word in self.words(k).unique())

    def distinct(self, k: int) -> int:
        """How many different values there are in a column."""
        return int(self.table.frame[k].nunique())

    def is_whole(self, k: int) -> bool:
        """Whether a column holds whole numbers only."""
        values = self.table.frame[k]
        return self.numeric[k] and bool(((values % 1) == 0).all())

    def counts_rows(self, k: int) -> bool:
        """Whether a column is 0, 1, 2, … or 1, 2, 3, …"""
        if not self.is_whole(k) or len(self.table.frame) < ENOUGH:
            return False
        values = self.table.frame[k].to_numpy(np.float64)
        return bool(values[0] in (0, 1) and (np.diff(values) == 1).all())

    # ---- all of them ----
    def choose(self, dataset: str | None) -> None:
        """Keep one data set of a table that holds several."""
        if "dataset" not in self.lower:
            raise DiffrenderError(f"{self.path}: has no column 'dataset' to choose '{dataset}' from.")
        column = self.words(self.lower.index("dataset"))
        known = sorted(set(column))
        if dataset is None and len(known) == 1:
            dataset = known[0]
        if dataset not in known:
            names = [" ".join(name.split())[:30] for name in known[:40]]
            problem = f"holds {len(known)} data sets" if dataset is None else f"has no data set '{dataset[:30]}'"
            raise DiffrenderError(
                f"{self.path}: {problem}.", f"Choose one with target.dataset. {suggest((dataset or '')[:30], names)}"
            )
        self.table.frame = self.table.frame[column == dataset].reset_index(drop=True)

    def keep(self, rows: np.ndarray) -> None:
        """Keep some of the rows, (M,) bool."""
        self.table.frame = self.table.frame[rows].reset_index(drop=True)

    def classes(self, k: int) -> tuple[list[str], np.ndarray]:
        """The names of the classes in a column, and the number of each row's, (M,) int64."""
        column = self.table.frame[k]
        if self.is_whole(k):
            values = column.to_numpy(np.float64)
            known, numbers = np.unique(values, return_inverse=True)
            names = [f"{v:.0f}" for v in known]
        else:
            texts, numbers = np.unique(self.words(k).to_numpy(str), return_inverse=True)
            names = [str(v)[:60] for v in texts]
        if len(names) > MAX_CLASSES:
            raise DiffrenderError(f"{self.path}: {self.shown[k]} holds {len(names):,} classes; at most {MAX_CLASSES}.")
        return names, numbers.astype(np.int64)

    def notes(self, coordinates: Sequence[int], kind: int | None, asked: bool) -> list[str]:
        """What was decided, in one line; nothing where nothing had to be."""
        used = {*coordinates, kind}
        left_out = [self.shown[k] or "row names" for k in range(len(self.names)) if k not in used and not self.empty[k]]
        plain = [self.lower[k] for k in coordinates] in (["x", "y"], ["x", "y", "z"]) or self.table.names is None
        if asked or (plain and kind is None and not left_out and not self.table.notes):
            return []
        said = [f"coordinates {', '.join(self.shown[k] for k in coordinates)}"]
        if kind is not None:
            said.append(f"class {self.names[kind]}")
        if left_out:
            shown = ", ".join(left_out[:6]) + (", …" if len(left_out) > 6 else "")
            said.append(f"left out {shown}")
        return [f"{self.path.name}: {'; '.join([*said, *self.table.notes])}."[:400]]
