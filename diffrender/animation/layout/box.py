"""Rectangles of a frame, which arrangements give out by name."""

from __future__ import annotations

from typing import Any, NamedTuple

from diffrender.core.errors import RenderError, suggest


class Box(NamedTuple):
    """A rectangle of the scene, in units: (left, right, bottom, top), which is how mobjects take it."""

    left: float
    right: float
    bottom: float
    top: float

    @property
    def width(self) -> float:
        """From left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """From bottom to top."""
        return self.top - self.bottom

    @property
    def center(self) -> tuple[float, float]:
        """Its middle."""
        return (self.left + self.right) / 2, (self.bottom + self.top) / 2

    def inset(self, by: float, high: float | None = None) -> Box:
        """The box without a rim: `by` at its sides, `high` at its foot and top, if that is not the same."""
        high = by if high is None else high
        return Box(self.left + by, self.right - by, self.bottom + high, self.top - high)

    def above(self, thing: Any, gap: float = 0.18) -> Box:
        """The part of the box that is over a mobject, such as a caption of several lines; all of it if it is empty."""
        there = bool(len(thing.get_all_points()))
        return self._replace(bottom=max(self.bottom, float(thing.get_top()[1]) + gap)) if there else self

    def columns(self, *shares: float, gap: float = 0.4) -> list[Box]:
        """The box cut into columns, left to right, that are to one another as `shares`."""
        room, left, made = (self.width - gap * (len(shares) - 1)) / sum(shares), self.left, []
        for share in shares:
            made.append(Box(left, left + share * room, self.bottom, self.top))
            left += share * room + gap
        return made

    def rows(self, *shares: float, gap: float = 0.4) -> list[Box]:
        """The box cut into rows, top to bottom, that are to one another as `shares`."""
        room, top, made = (self.height - gap * (len(shares) - 1)) / sum(shares), self.top, []
        for share in shares:
            made.append(Box(self.left, self.right, top - share * room, top))
            top -= share * room + gap
        return made

    def squares(self, count: int, *, gap: float = 0.14, lines: int = 1) -> list[Box]:
        """`count` squares in `lines` rows, as large as fit, from the left edge and row by row centred in the height."""
        each = -(-count // lines)
        size = min((self.width - gap * (each - 1)) / each, (self.height - gap * (lines - 1)) / lines)
        spread = (self.width - size * each) / max(each - 1, 1) if each > 1 else 0.0
        across = size + min(max(spread, gap), 3 * gap)
        left = self.left + (self.width - across * (each - 1) - size) / 2
        top = self.center[1] + (size * lines + gap * (lines - 1)) / 2
        return [
            Box(x, x + size, y - size, y)
            for k in range(count)
            for x, y in [(left + (k % each) * across, top - (k // each) * (size + gap))]
        ]


class Boxes:
    """Boxes by name, as attributes; `tiles` and `cells` are lists of boxes."""

    def __init__(self, arrangement: str, boxes: dict[str, Any]) -> None:
        self.__dict__.update(boxes)
        self._arrangement, self._boxes = arrangement, boxes

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise RenderError(f"The arrangement '{self._arrangement}' has no box '{name}'.", suggest(name, self._boxes))

    def with_(self, **others: Any) -> Boxes:
        """The same with other boxes for these names."""
        return Boxes(self._arrangement, self._boxes | others)

    def __iter__(self) -> Any:
        return iter(self._boxes.items())
