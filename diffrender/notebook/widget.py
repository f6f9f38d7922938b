"""The player as a widget for Jupyter, VS Code, Colab and marimo, by anywidget (the extra `notebook`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diffrender.core.errors import MissingToolError
from diffrender.notebook.page import page, script, template
from diffrender.notebook.player_data import player_data
from diffrender.trajectory.reader import Trajectory

try:
    import anywidget
    import traitlets
except ImportError:
    raise MissingToolError(
        "A widget needs anywidget, which is not installed.",
        "pip install anywidget, or write a page: diffrender page mine.npz --out mine.html",
    ) from None


class Player(anywidget.AnyWidget):
    """States, predictions and tiles of a recording under a slider. `save("mine.html")` writes it as one HTML file."""

    _esm = script()
    data = traitlets.Dict().tag(sync=True)
    page = traitlets.Unicode().tag(sync=True)

    def __init__(self, run: Trajectory, **options: Any) -> None:
        data = player_data(run)
        super().__init__(data=data, page=template(data["title"]), **options)

    def save(self, out: str | Path) -> Path:
        """Write the widget as one HTML file that needs neither server nor network."""
        from diffrender.core.files import write_text

        write_text(Path(out), page(self.data))
        return Path(out)
