"""The deck: one HTML page that presents a lecture from disk and asks no network for anything."""

from __future__ import annotations

import base64
import json
import mimetypes
import os
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from diffrender.core.files import write_text
from diffrender.lecture.slides.slide import Slide

HERE = Path(__file__).parent
BLACK = "#000000"


def write_deck(title: str, slides: Sequence[Slide], out: Path, *, embed: bool = False) -> Path:
    """Write the page; returns its file. embed: the videos are in it, else they stay where they are, beside it."""
    page = (HERE / "deck.html").read_text("utf-8")
    data = {"title": title, "slides": [_data(slide, out.parent, embed) for slide in slides]}
    parts = {
        "title": escape(title),
        "ground": ground(slides),
        "style": (HERE / "deck.css").read_text("utf-8"),
        "script": (HERE / "deck.js").read_text("utf-8"),
        "data": json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c"),
    }
    for name, text in parts.items():  # the lecturer's own words come last: what is in them is not replaced
        page = page.replace(f"{{{{{name}}}}}", text)
    write_text(out, page)
    return out


def _data(slide: Slide, folder: Path, embed: bool) -> dict[str, Any]:
    return {
        "title": slide.title,
        "caption": slide.caption,
        "notes": slide.notes,
        "acts": slide.acts,
        "fps": float(slide.fps),
        "begins": slide.begins,
        "stops": slide.stops,
        "video": _address(slide.video, folder, embed),
    }


def _address(file: Path, folder: Path, embed: bool) -> str:
    """A file as seen from a page in `folder`, or all of it as a data address."""
    if not embed:
        return quote(os.path.relpath(file, folder).replace(os.sep, "/"))
    kind = mimetypes.guess_type(file.name)[0] or "video/mp4"
    return f"data:{kind};base64,{base64.b64encode(file.read_bytes()).decode()}"


def ground(slides: Sequence[Slide]) -> str:
    """The colour round the slides, #RRGGBB: that of a corner of the first picture."""
    from PIL import Image

    poster = next((slide.poster for slide in slides if slide.poster), None)
    if poster is None:
        return BLACK
    with Image.open(poster) as picture:
        corner = picture.convert("RGB").crop((2, 2, 3, 3)).tobytes()
    return f"#{corner.hex().upper()}"
