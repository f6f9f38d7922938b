"""A version of a scene that is previewed: what is known of it, and which of its frames come next."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from diffrender.core.errors import DiffrenderError
from diffrender.video.spec import RenderSpec

TEXT = "scene.txt"  # in a version's folder: the scene's file as it was when the version began
CHUNK = 8  # frames that are drawn at once, beginning at a marker: a fork costs about one of them
Act = tuple[int, str]


@dataclass
class Picture:
    """A file that shows a frame. exact: drawn by playing all that comes before, not by jumping there."""

    file: Path
    exact: bool


@dataclass
class Version:
    """One version: a spec, and what was drawn of it.

    total: its number of frames, None until it was played once. pictures: by frame. busy: what is done for it now.
    glanced: the cursor at which it was last drawn by jumping; played: whether its playing has begun.
    seconds: from `show` to its first picture.
    """

    number: int
    spec: RenderSpec
    begun: float
    total: int | None = None
    acts: list[Act] = field(default_factory=list)
    markers: list[int] = field(default_factory=list)
    pictures: dict[int, Picture] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)
    glanced: int | None = None
    played: bool = False
    error: DiffrenderError | None = None
    seconds: float | None = None

    def keep(self, message: dict[str, Any], folder: Path) -> None:
        """Take a drawn picture over; what was drawn exactly stays."""
        exact = not message["jumped"]
        for at in range(message["at"], message["at"] + message["repeat"]):
            known = self.pictures.get(at)
            if known is None or not known.exact:
                self.pictures[at] = Picture(folder / message["file"], exact)

    def next_chunk(self, cursor: int) -> tuple[int, int, int] | None:
        """(marker, first, last): the frames [first, last) to be drawn next; None if there are none.

        They are those nearest to the cursor: forwards from it as far as they go without a gap, and backwards no further
        than the marker before.
        """
        if not self.total or not self.markers:
            return None
        missing = [k for k in range(self.markers[0], self.total) if not self._done(k)]
        if not missing:
            return None
        nearest = min(missing, key=lambda k: (abs(k - cursor), k < cursor))
        marker = self.markers[bisect.bisect_right(self.markers, nearest) - 1]
        if nearest >= cursor:
            first, last = nearest, nearest + 1
            while last < min(self.total, first + CHUNK) and not self._done(last):
                last += 1
        else:
            first, last = nearest, nearest + 1
            while first > max(marker, last - CHUNK) and not self._done(first - 1):
                first -= 1
        return marker, first, last

    def _done(self, frame: int) -> bool:
        """Whether a frame is drawn exactly, or being drawn so."""
        known = self.pictures.get(frame)
        return (known is not None and known.exact) or any(a <= frame < b for a, b in self.windows())

    def windows(self) -> list[tuple[int, int]]:
        """The frames that are being drawn from markers."""
        return [(int(a), int(b)) for job in self.busy if "-" in job for a, b in [job.split("-")]]

    def drawn(self) -> list[tuple[int, int]]:
        """The frames that can be shown, as ascending half-open ranges."""
        ranges: list[tuple[int, int]] = []
        for frame in sorted(self.pictures):
            if ranges and ranges[-1][1] == frame:
                ranges[-1] = ranges[-1][0], frame + 1
            else:
                ranges.append((frame, frame + 1))
        return ranges
