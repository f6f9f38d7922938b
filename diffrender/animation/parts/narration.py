"""Text in a scene's column, act by act: a heading of a line or two, and the numbers that belong to it."""

from __future__ import annotations

import math
from typing import Any

from diffrender.animation.layout.box import Box
from diffrender.animation.text.language import own, spoken

GAPS = 0.42, 0.3, 0.18, 0.08  # between lines, in their em


class Narration:
    """Texts in the column of a scene, changed act by act; a text that stays does not blink.

    Beside a stage the heading has lines of its own and all numbers stand under it; under a stage it is one line, or of
    its lines the `under` after the first, and of the numbers the newest `newest` are shown. size: of the heading.
    floor: how low texts beside a stage may reach; where they would reach lower their lines stand closer.
    """

    def __init__(
        self, scene: Any, box: Box, *, newest: int = 1, size: str = "label", floor: float = -math.inf, under: int = 0
    ) -> None:
        self.scene, self.page, self.box = scene, scene.page, box
        self.newest, self.size, self.floor, self.under = newest, size, floor, under

    def texts(self, heading: str, *numbers: Any) -> list[Any]:
        """The texts of an act, put where they belong."""
        beside, page = self.page.column_align < 0, self.page
        heading = spoken().line(heading)  # whole: its lines break elsewhere in another language
        parts = heading.splitlines() if beside or self.under else [heading.replace("\n", " ")]
        parts = parts if beside or not self.under else parts[1 : 1 + self.under]
        said = [page.words(own(part), self.size) for part in parts if part]
        shown = list(numbers if beside else numbers[-self.newest :])
        for gap in GAPS:
            lines = page.stack(self.box, *said, *shown, gap=gap, align=page.column_align)
            if not beside or min(float(line.get_bottom()[1]) for line in lines) > self.floor:
                break
        return [*said, *shown]

    def first(self, heading: str, *numbers: Any) -> list[Any]:
        """The texts of a scene's first picture, to be shown with the rest of it."""
        self.scene.places["narration"] = self.texts(heading, *numbers)
        return self.scene.places["narration"]

    def say(self, heading: str, *numbers: Any) -> None:
        """Change to an act's texts."""
        self.scene.set_places(narration=self.texts(heading, *numbers))
