"""Sentences of two lines, at the head of what an arrangement leaves beside its panel."""

from __future__ import annotations

from typing import Any

from diffrender.animation.layout.box import Box, Boxes
from diffrender.animation.layout.page import Page
from diffrender.animation.text.language import own, spoken

LINES, LEADING = 2, 1.5  # of a sentence; from one line to the next, in em


def beside_panel(page: Page, boxes: Boxes) -> tuple[Box, Box]:
    """The head, for a sentence, and the body of what "panel beside tiles" leaves beside its panel, tiles included.

    In a square frame sentences stand under the panel, over the whole width.
    """
    left, right = boxes.side.left, boxes.side.right
    low = min(box.bottom for box in boxes.tile_names)
    if page.shape == "square":
        return Box(boxes.panel.left, right, low, boxes.panel.bottom - 0.3), boxes.side
    whole = Box(left, right, low, boxes.side.top)
    head = whole._replace(bottom=whole.top - LINES * LEADING * page.em("label"))
    return head, whole._replace(top=head.bottom - 0.3 * page.em("legend"))


def sentence(page: Page, box: Box, text: str) -> list[Any]:
    """The lines of a text in the film's language from the top of a box, all of one size, smaller if they must be."""
    lines = [page.words(own(part)) for part in spoken().line(text).splitlines()]
    share = min(1.0, box.width / max(line.width for line in lines))
    return list(page.stack(box, *(line.scale(share) for line in lines), gap=0.45, align=page.column_align))
