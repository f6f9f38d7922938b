"""Which columns of a table are coordinates, and which is a class: by their names, else by what is in them."""

from __future__ import annotations

from collections.abc import Sequence

from diffrender.core.errors import ConfigError, DiffrenderError
from diffrender.diffusion.targets.shapes.tables.columns import MAX_CLASSES, TIMES, Columns
from diffrender.diffusion.targets.shapes.tables.numbers import COMMA, POINT
from diffrender.diffusion.targets.shapes.tables.text import CLOUDS

FEW = 20  # distinct whole numbers in a column that may be a class
AXES = (("x", "y", "z"), ("x1", "x2", "x3"), ("x0", "x1", "x2"), ("x_1", "x_2", "x_3"), ("lon", "lat"), ("lng", "lat"),
        ("long", "lat"), ("longitude", "latitude"), ("easting", "northing"), ("rechtswert", "hochwert"))  # fmt: skip
OF_ONE_NAME = (
    ("x", "y", "z"),
    ("0", "1", "2"),
    ("1", "2", "3"),
)  # pos_x, pos_y; PC1, PC2; Points:0, …
CLASSES = ("label", "labels", "class", "classes", "target", "cluster", "group", "category", "species", "kind", "type",
           "y_true", "klasse", "gruppe", "classe", "groupe", "clase", "grupo")  # fmt: skip
ROW_NAMES = ("", "index", "id", "row", "rows", "rowname", "rownames", "no", "nr", "n", "#", "unnamed: 0")


class Roles:
    """What the columns of a table are taken for."""

    def __init__(self, of: Columns) -> None:
        self.of = of

    def choose(self, columns: Sequence[str | int] | None, label: str | int | None) -> tuple[list[int], int | None]:
        """The columns of the coordinates, and the one of the class, if there is one."""
        kind = None if label is None else self.of.find(label, "label")
        if columns is not None:
            found = [self.of.find(name, "columns") for name in columns]
            if len(found) not in (2, 3) or len(set(found)) != len(found):
                raise ConfigError("target.columns: two or three different columns are needed.", "Example: [x, y]")
            return found, kind
        free = [
            k for k in range(len(self.of.names)) if k != kind and not self.of.empty[k] and self.of.lower[k] != "dataset"
        ]
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
            self.of.check_once(k, f"by number, such as target.columns: {coordinates}")
        return coordinates, kind

    def _wrong_number(self, found: Sequence[int], kind: int | None) -> DiffrenderError:
        """Of a table that has `found` as columns of numbers, too many or too few; kind: its class."""
        shown = ", ".join([*(self.of.shown[k] for k in found[:12]), *(["…"] if len(found) > 12 else [])])
        problem = f"{self.of.path}: points of 2 or 3 numbers are needed; its columns of numbers are: {shown or 'none'}."
        if len(found) > 3 * len(self.of.table.frame):
            return DiffrenderError(problem, f"It has {len(self.of.table.frame)} rows: turn it, a row for each point.")
        if len(found) == 1 and kind is not None:
            return DiffrenderError(
                f"{problem[:-1]}, and {self.of.shown[kind]} is taken as the class.",
                f"If that is a coordinate: target.columns: {self._as_list([*found, kind])}.",
            )
        if len(found) > 3:
            return DiffrenderError(problem, f"Choose with target.columns: {self._as_list(found[:2])}.")
        other = next((k for k in range(len(self.of.names)) if k not in found and not self.of.empty[k]), None)
        if other is None:
            return DiffrenderError(problem, "Cells stand between commas, semicolons, tabs, bars or blanks.")
        cells = [" ".join(str(cell).split())[:40] for cell in self.of.table.frame[other].dropna()]
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
            found = [self.of.lower.index(axis) for axis in axes if axis in self.of.lower]
            if len(found) >= 2 and all(k in free for k in found):
                return found
        return self._axes_of_one_name([k for k in free if not self.of.is_text(k)])

    def _axes_of_one_name(self, free: Sequence[int]) -> list[int] | None:
        """The columns of a table of more that are called alike but for the axis: pos_x, pos_y; PC1, PC2."""
        parts = {k: (name[:-1].rstrip(" _.:-"), name[-1]) for k in free if len(name := self.of.lower[k]) > 1}
        for axes in OF_ONE_NAME if self.of.table.names else ():
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
            if (
                self.of.lower[k] in CLASSES
                and (self.of.is_whole(k) or self.of.is_text(k))
                and self.of.distinct(k) <= MAX_CLASSES
            ):
                return k
        texts = [k for k in free if self.of.is_text(k) and not self.of.is_time(k)]
        if len(texts) == 1 and 1 < self.of.distinct(texts[0]) <= max(2, min(50, len(self.of.table.frame) // 3)):
            return texts[0]
        return None

    def _unnamed(self, free: Sequence[int], kind: int | None) -> list[int]:
        """The coordinates of a table whose header names no axes: its columns of numbers but row names."""
        found = [k for k in free if not self.of.is_text(k)]
        if len(found) > 2 and self.of.counts_rows(found[0]):
            if self.of.table.names and self.of.lower[found[0]] in ROW_NAMES:
                return found[1:]
            raise DiffrenderError(
                f"{self.of.path}: its first column counts the rows: a row number, or a coordinate.",
                f"Say which: target.columns: {self._as_list(found[1:3])}, or {self._as_list(found[:3])}.",
            )
        is_named = len(found) > 2 and self.of.table.names and self.of.lower[found[0]] in ROW_NAMES
        if is_named and self.of.is_whole(found[0]) and self.of.distinct(found[0]) == len(self.of.table.frame):
            return found[1:]
        if self.of.path.suffix.lower() in CLOUDS:
            return found[:3]
        if len(found) == 3 and (times := [k for k in found if self.of.lower[k] in TIMES]):
            rest = [k for k in found if k not in times]
            raise DiffrenderError(
                f"{self.of.path}: {self.of.shown[times[0]]} may be a coordinate, or when each row was measured.",
                f"Say which: target.columns: {self._as_list(rest)}, or {self._as_list(found)}.",
            )
        if len(found) == 3 and kind is None:
            few = [
                k
                for k in found
                if self.of.is_whole(k) and self.of.distinct(k) <= min(FEW, len(self.of.table.frame) // 4)
            ]
            if len(few) == 1 and not any(self.of.is_whole(k) for k in found if k not in few):
                rest = [k for k in found if k not in few]
                name, count = self.of.shown[few[0]], self.of.distinct(few[0])
                raise DiffrenderError(
                    f"{self.of.path}: {name} holds {count} whole numbers only: a class, or a coordinate.",
                    f"Say which: target: {{columns: {self._as_list(rest)}, label: {self._as_list(few)[1:-1]}}}, or "
                    f"target.columns: {self._as_list(found)}.",
                )
        return found

    def _as_list(self, columns: Sequence[int]) -> str:
        return f"[{', '.join(self.of.shown[k] if self.of.table.names else str(k) for k in columns)}]"
