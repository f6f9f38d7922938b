"""A recording as one HTML file that plays it: opened from disk, it asks no server and no network for anything."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

from diffrender.core.files import write_text
from diffrender.notebook.player_data import player_data
from diffrender.trajectory.reader import Trajectory

HERE = Path(__file__).parent


def script() -> str:
    """The player: an ES module that also is a widget of anywidget."""
    style = (HERE / "player.css").read_text("utf-8")
    return (HERE / "player.js").read_text("utf-8").replace("{{style}}", style)


def template(title: str) -> str:
    """The page, all but its recording, whose place is `{{data}}`."""
    page = (HERE / "page.html").read_text("utf-8").replace("{{title}}", escape(title))
    return page.replace("{{script}}", script())


def page(data: dict[str, Any]) -> str:
    """The page of what `player_data` made."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    return template(data["title"]).replace("{{data}}", text)


def write_page(run: Trajectory, out: Path) -> Path:
    """Write the page of a recording; returns its file."""
    write_text(out, page(player_data(run)))
    return out
