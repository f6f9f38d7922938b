"""The JSON of slides that manim-slides plays (https://manim-slides.eertmans.be), each a file of one act.

In the lecture's folder: `manim-slides present NAME`. A file that plays backwards is not made: the same is named for it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from diffrender.core.files import write_text
from diffrender.lecture.slides.deck import ground
from diffrender.lecture.slides.slide import Slide


def write_manim_slides(slides: Sequence[Slide], pieces: Sequence[Sequence[Path]], out: Path) -> Path:
    """Write the JSON; returns its file. Its files are named from the folder above it, as manim-slides reads them."""
    found = []
    for slide, files in zip(slides, pieces, strict=True):
        for file in files:
            name = os.path.relpath(file, out.parent.parent).replace(os.sep, "/")
            found.append({"file": name, "rev_file": name, "loop": False, "auto_next": False, "notes": slide.notes})
    data = {"slides": found, "resolution": slides[0].size, "background_color": ground(slides)}
    write_text(out, json.dumps(data, indent=2, ensure_ascii=False))
    return out
