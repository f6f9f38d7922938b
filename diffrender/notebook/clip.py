"""A clip that shows itself in a notebook: embedded where it is small, else as a file that is linked."""

from __future__ import annotations

import base64
import os
from html import escape
from pathlib import Path
from urllib.parse import quote

EMBEDDED = 8_000_000  # bytes up to which a clip becomes part of the notebook
TYPES = {
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".mov": "video/quicktime",
    ".gif": "image/gif",
    ".png": "image/png",
}


class Clip(type(Path())):  # type: ignore[misc]
    """The file of a clip: a path, that a notebook shows as the video or picture it is."""

    def _repr_html_(self) -> str:
        """A `<video>` or `<img>`; its bytes within, where the file has at most `EMBEDDED` of them."""
        kind = TYPES.get(self.suffix.lower(), "")
        if not kind or not self.is_file():
            return f"<code>{escape(str(self))}</code>"
        if self.stat().st_size <= EMBEDDED:
            source = f"data:{kind};base64,{base64.b64encode(self.read_bytes()).decode()}"
        else:
            source = quote(Path(os.path.relpath(self)).as_posix())  # notebooks serve what lies beside them
        if kind.startswith("image/"):
            return f'<img src="{source}" alt="{escape(self.stem)}" style="max-width: 100%">'
        return f'<video src="{source}" controls loop playsinline style="max-width: 100%"></video>'
