"""The columns of a table by what they are: coordinates, a class, row names, or what is left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from diffrender.core.errors import ConfigError, DiffrenderError, suggest
from diffrender.diffusion.targets.shapes.tables.numbers import COMMA, POINT
from diffrender.diffusion.targets.shapes.tables.text import CLOUDS, Table

if TYPE_CHECKING:
    from pandas import Series

MAX_CLASSES = 1000
FEW = 20  # distinct whole numbers in a column that may be a class
ENOUGH = 5  # rows from which a column that counts them is one
AXES = (("x", "y", "z"), ("x1", "x2", "x3"), ("x0", "x1", "x2"), ("x_1", "x_2", "x_3"), ("lon", "lat"), ("lng", "lat"),
        ("long", "lat"), ("longitude", "latitude"), ("easting", "northing"), ("rechtswert", "hochwert"))  # fmt: skip
OF_ONE_NAME = (
    ("x", "y", "z"),
    ("0", "1", "2"),
    ("1", "2", "3"),
)  # pos_x, pos_y; PC1, PC2; Points:0, …
TIMES = ("time", "date", "datetime", "timestamp", "year", "t", "zeit", "datum", "jahr", "temps", "tiempo", "fecha")
CLASSES = ("label", "labels", "class", "classes", "target", "cluster", "group", "category", "species", "kind", "type",
           "y_true", "klasse", "gruppe", "classe", "groupe", "clase", "grupo")  # fmt: skip
ROW_NAMES = ("", "index", "id", "row", "rows", "rowname", "rownames", "no", "nr", "n", "#", "unnamed: 0")


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
            self._check_once(self.names.index(asked), f"by number in target.{key}")
            return self.names.index(asked)
        elif str(asked).lower() in self.lower:
            return self.lower.index(str(asked).lower())
        known = self.shown if self.table.names else [str(k) for k in range(len(self.names))]
        name = str(asked)[:60]
        raise ConfigError(f"target.{key}: {self.path.name} has no column '{name}'.", suggest(name, known[:40]))

    def _check_once(self, k: int, how: str) -> None:
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

    def roles(self, columns: Sequence[str | int] | None, label: str | int | None) -> tuple[list[int], int | None]:
        """The columns of the coordinates, and the one of the class, if there is one."""
        kind = None if label is None else self.find(label, "label")
        if columns is not None:
            found = [self.find(name, "columns") for name in columns]
            if len(found) not in (2, 3) or len(set(found)) != len(found):
                raise ConfigError("target.columns: two or three different columns are needed.", "Example: [x, y]")
            return found, kind
        free = [k for k in range(len(self.names)) if k != kind and not self.empty[k] and self.lower[k] != "dataset"]
        coordinates = self._named_axes(free)
        if coordinates is None:
            if kind is None:
                kind = self._class_among(free)
            free = [k for k in free if k != kind]
            coordinates = self._unnamed(free, kind)
        elif kind is None:
            kind = self._class_among([k for k in free if k not in coordinates])
        if len(coordinates) not in (2, 3):
            raise self._wrong_number(coordinates, kind)
        for k in coordinates:
            self._check_once(k, f"by number, such as target.columns: {coordinates}")
        return coordinates, kind

    def _wrong_number(self, found: Sequence[int], kind: int | None) -> DiffrenderError:
        """Of a table that has `found` as columns of numbers, too many or too few; kind: its class."""
        shown = ", ".join([*(self.shown[k] for k in found[:12]), *(["…"] if len(found) > 12 else [])])
        problem = f"{self.path}: points of 2 or 3 numbers are needed; its columns of numbers are: {shown or 'none'}."
        if len(found) > 3 * len(self.table.frame):
            return DiffrenderError(problem, f"It has {len(self.table.frame)} rows: turn it, a row for each point.")
        if len(found) == 1 and kind is not None:
            return DiffrenderError(
                f"{problem[:-1]}, and {self.shown[kind]} is taken as the class.",
                f"If that is a coordinate: target.columns: {self._as_list([*found, kind])}.",
            )
        if len(found) > 3:
            return DiffrenderError(problem, f"Choose with target.columns: {self._as_list(found[:2])}.")
        other = next((k for k in range(len(self.names)) if k not in found and not self.empty[k]), None)
        if other is None:
            return DiffrenderError(problem, "Cells stand between commas, semicolons, tabs, bars or blanks.")
        cells = [" ".join(str(cell).split())[:40] for cell in self.table.frame[other].dropna()]
        cell = next(
            (each for each in reversed(cells) if not (POINT.fullmatch(each) or COMMA.fullmatch(each))), cells[-1]
        )
        remedy = (
            f"'{cell}' is not one: a cell of numbers holds digits, a decimal mark and a sign, no units or brackets."
        )
        return DiffrenderError(problem, remedy)

    def _named_axes(self, free: Sequence[int]) -> list[int] | None:
        """The columns that are called like axes."""
        for axes in AXES:
            found = [self.lower.index(axis) for axis in axes if axis in self.lower]
            if len(found) >= 2 and all(k in free for k in found):
                return found
        return self._axes_of_one_name([k for k in free if not self.is_text(k)])

    def _axes_of_one_name(self, free: Sequence[int]) -> list[int] | None:
        """The columns of a table of more that are called alike but for the axis: pos_x, pos_y; PC1, PC2."""
        parts = {k: (name[:-1].rstrip(" _.:-"), name[-1]) for k in free if len(name := self.lower[k]) > 1}
        for axes in OF_ONE_NAME if self.table.names else ():
            stems: dict[str, list[int]] = {}
            for k, (stem, axis) in parts.items():
                if stem and axis in axes:
                    stems.setdefault(stem, []).append(k)
            found = [ks for ks in stems.values() if [parts[k][1] for k in ks] in (list(axes), list(axes[:2]))]
            if len(found) == 1 and len(found[0]) < len(free):
                return found[0]
        return None

    def _class_among(self, free: Sequence[int]) -> int | None:
        """The column that is the class by its name, or as the only one of words that come again and again."""
        for k in free:
            if self.lower[k] in CLASSES and (self.is_whole(k) or self.is_text(k)) and self.distinct(k) <= MAX_CLASSES:
                return k
        texts = [k for k in free if self.is_text(k)]
        if len(texts) == 1 and 1 < self.distinct(texts[0]) <= max(2, min(50, len(self.table.frame) // 3)):
            return texts[0]
        return None

    def _unnamed(self, free: Sequence[int], kind: int | None) -> list[int]:
        """The coordinates of a table whose header names no axes: its columns of numbers but row names."""
        found = [k for k in free if not self.is_text(k)]
        if len(found) > 2 and self.counts_rows(found[0]):
            if self.table.names and self.lower[found[0]] in ROW_NAMES:
                return found[1:]
            raise DiffrenderError(
                f"{self.path}: its first column counts the rows: a row number, or a coordinate.",
                f"Say which: target.columns: {self._as_list(found[1:3])}, or {self._as_list(found[:3])}.",
            )
        is_named = len(found) > 2 and self.table.names and self.lower[found[0]] in ROW_NAMES
        if is_named and self.is_whole(found[0]) and self.distinct(found[0]) == len(self.table.frame):
            return found[1:]
        if self.path.suffix.lower() in CLOUDS:
            return found[:3]
        if len(found) == 3 and (times := [k for k in found if self.lower[k] in TIMES]):
            rest = [k for k in found if k not in times]
            raise DiffrenderError(
                f"{self.path}: {self.shown[times[0]]} may be a coordinate, or when each row was measured.",
                f"Say which: target.columns: {self._as_list(rest)}, or {self._as_list(found)}.",
            )
        if len(found) == 3 and kind is None:
            few = [k for k in found if self.is_whole(k) and self.distinct(k) <= min(FEW, len(self.table.frame) // 4)]
            if len(few) == 1 and not any(self.is_whole(k) for k in found if k not in few):
                rest = [k for k in found if k not in few]
                raise DiffrenderError(
                    f"{self.path}: {self.shown[few[0]]} holds {self.distinct(few[0])} whole numbers only: a class, or "
                    "a coordinate.",
                    f"Say which: target: {{columns: {self._as_list(rest)}, label: {self._as_list(few)[1:-1]}}}, or "
                    f"target.columns: {self._as_list(found)}.",
                )
        return found

    def _as_list(self, columns: Sequence[int]) -> str:
        return f"[{', '.join(self.shown[k] if self.table.names else str(k) for k in columns)}]"

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
