"""Named arrangements of a frame: where its stage, its panels and its rows of text lie, in every shape of frame.

A scene asks for one by name and gets boxes by name; no scene holds coordinates of its own:

>>> boxes = self.arrange("stage with column")
>>> boxes.stage, boxes.column, boxes.key, boxes.slider

Each arrangement is one function of the frame's body, the part between header and caption, and decides for itself what
is beside what in a `wide` (16:9), `classic` (4:3), `square` (1:1) or `tall` (9:16) frame. Text rows are as high as the
text that they hold.
"""

from __future__ import annotations

from typing import Any

from diffrender.animation.layout import stages, tiles  # noqa: F401 - they register themselves
from diffrender.animation.layout.box import Boxes
from diffrender.animation.layout.rows import ARRANGEMENTS
from diffrender.animation.theme import Frame
from diffrender.core.errors import RenderError, suggest


def arrange(name: str, frame: Frame, **options: Any) -> Boxes:
    """The boxes of the arrangement called `name` in this frame; RenderError with the known ones if there is none."""
    if name not in ARRANGEMENTS:
        raise RenderError(f"There is no arrangement '{name}'.", suggest(name, ARRANGEMENTS))
    return Boxes(name, ARRANGEMENTS[name](frame, **options))
