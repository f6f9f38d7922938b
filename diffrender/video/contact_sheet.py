"""Contact sheets: pictures in rows on a plain ground, for the frames of one clip and for the clips of a lecture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

GROUND = "#808080"  # between pictures of a dark and of a light theme alike


def contact_sheet(
    pictures: Sequence[Image.Image], *, columns: int, gap: int, mode: str = "RGB", ground: str = GROUND
) -> Image.Image:
    """Pictures row by row, each in the middle of a place as large as the largest of them, `gap` pixels apart."""
    from PIL import Image

    width, height = max(p.width for p in pictures), max(p.height for p in pictures)
    rows = math.ceil(len(pictures) / columns)
    sheet = Image.new(mode, (columns * (width + gap) + gap, rows * (height + gap) + gap), ground)
    for i, picture in enumerate(pictures):
        x, y = gap + i % columns * (width + gap), gap + i // columns * (height + gap)
        sheet.paste(picture, (x + (width - picture.width) // 2, y + (height - picture.height) // 2))
    return sheet
