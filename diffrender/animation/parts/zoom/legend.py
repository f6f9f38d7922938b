"""The words round a window under the magnifier: its legend of arrows and marks, and the rule of acceptance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.furniture.panels import Key, key_arrow, key_line
from diffrender.animation.parts.zoom.verdict import key_cross
from diffrender.animation.theme import Theme
from diffrender.trajectory.reader import Trajectory

CLEAR = 0.09  # scene units from a tall rule to the panel under it
Keys = list[tuple[Key, float, str]]


def _path_keys(run: Trajectory, theme: Theme, words: Mapping[str, str], width: float) -> Keys:
    """A legend of velocities and the path, arrows so wide."""
    fresh = "accepted" in run
    kick = key_arrow(theme.score, dashed=not fresh, scale=0.6 if fresh else 0.8)
    keys = [
        (key_arrow(theme.accept), width, words["fresh" if fresh else "velocity"]),
        (kick, width, words["kick" if fresh else "half"]),
    ]
    if not fresh:
        keys += [
            (key_arrow(theme.noise, dashed=True), width, words["shaken"]),
            (key_arrow(theme.reject, dashed=True), width, words["friction"]),
        ]
    refused = [(key_cross(theme), 0.2, words["refused"])] if fresh else []
    return [*keys, *refused, (key_line(theme.sum), 0.8 * width, words["path"])]


def fitting_keys(page: Page, run: Trajectory, words: Mapping[str, str], box: Box) -> Keys:
    """The longest legend of a window that fits on the lines of a box; of words in several forms, parted by bars."""
    lines = _lines(page, run)
    for form, width in ((0, 0.62), (0, 0.4), (-1, 0.4), (-1, 0.3)):
        said = {name: text.split("|")[form] for name, text in words.items()}
        keys = window_keys(run, page.theme, said, width)
        each = -(-len(keys) // lines)
        if all(page.legend(keys[k : k + each], box).width <= box.width for k in range(0, len(keys), each)):
            return keys
    while page.legend(keys, box).width > lines * box.width:
        keys.pop()
    return keys


def window_keys(run: Trajectory, theme: Theme, words: Mapping[str, str], width: float = 0.62) -> Keys:
    """A legend of what the window shows: its arrows or its path, and what is refused of proposals."""
    if "path" in run:
        return _path_keys(run, theme, words, width)
    keys = [
        (key_arrow(theme.score, dashed=True), width, "$tau nabla log p$"),
        (key_arrow(theme.noise, dashed=True), width, words["drawn_noise"]),
    ]
    if "accepted" in run:  # a proposal is the sum, which the window names
        return [*keys, (key_cross(theme), 0.2, words["refused"])]
    return [*keys, (key_arrow(theme.sum), width, words["sum"])]


def key_lines(page: Page, run: Trajectory, words: Mapping[str, str], box: Box) -> list[Keys]:
    """The lines on which the legend of a window stands in a box."""
    keys = fitting_keys(page, run, words, box)
    each = -(-len(keys) // _lines(page, run))
    return [keys[k : k + each] for k in range(0, len(keys), each)]


def _lines(page: Page, run: Trajectory) -> int:
    """On how many lines the legend of a window stands."""
    return 2 if page.shape == "tall" and "path" in run and "accepted" not in run else 1


def acceptance(page: Page, run: Trajectory, words: str, box: Box) -> Any:
    """When a proposal is taken, over the window: with words if there is room, and else a little smaller; or over
    both panels, if it would be much smaller.
    """
    rule = f"${(run.meta.get('sampler') or {}).get('acceptance') or 'A'}$"
    text = page.words(page.fitting(words, box.width, "label", rule).format(rule))
    if text.width > 1.3 * box.width:
        return page.panel_label(text, box, align=1)
    page.panel_label(text.scale(min(1.0, box.width / text.width)), box)
    return text.shift([0, max(0.0, box.top + CLEAR - float(text.get_bottom()[1])), 0])


def friction_of(run: Trajectory) -> float:
    """gamma, as the recording says it; 1 if it does not."""
    said = (run.meta.get("sampler") or {}).get("options") or {}
    return float(said.get("friction", 1.0))
