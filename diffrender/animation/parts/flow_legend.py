"""What the marks of a flow mean, act by act, and how fast its particles go."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.animation.layout.box import Boxes
from diffrender.animation.layout.plane import Plane
from diffrender.animation.mobjects.furniture.panels import (
    KEY_DOT_WIDTH,
    key_arrow,
    key_dot,
    key_hues,
    key_path,
    key_wheel,
)
from diffrender.animation.parts.clock import Clock
from diffrender.animation.parts.deformed_grid import all_round
from diffrender.animation.parts.flow_field import FlowField
from diffrender.animation.parts.flow_marks import DATA, HUES


class FlowLegend:
    """Legends of one particle, of many and of all paths, in the words of a scene and for the marks that its options ask
    for.

    boxes: where they will stand.
    """

    def __init__(self, scene: Any, view: Plane, boxes: Boxes, flow: FlowField) -> None:
        self.page, self.theme, self.words, self.options = scene.page, scene.theme, scene.words, scene.options
        self.run, self.dims, self.width = flow.run, view.dims, boxes.key.width
        self.paths = flow.paths_shown(view)
        self.beside = self.page.column_align != 0  # under a stage the key has no room

    def items(self) -> dict[str, list[Any]]:
        """Of the acts `one`, `many` and `paths`."""
        theme, words, alone, arrows = self.theme, self.words, self.options.alone, self.options.style == "arrows"
        data = (key_dot(theme.data, alpha=DATA), KEY_DOT_WIDTH, self._form(words["data"]))
        items: list[Any] = [data] if len(self.run.target) else []
        one = (key_dot(theme.fg, ring=theme.bg), KEY_DOT_WIDTH, words["one"])
        mark = key_arrow(theme.muted, scale=0.5 if arrows else 0.35)
        field = (mark, 0.4, self._form(words["arrows" if arrows else "field"]))
        followed = [one] if alone and self.page.shape != "square" else []  # there one line holds no more
        many = (key_path(theme.samples), 0.4, self._riders())
        return {
            "paths": [*(followed if self.beside else []), *self._paths()],
            "one": [*items, one, field],
            "many": [*items, *followed, many, *([field] if self.dims == 2 or not alone else [])],
        }

    def _form(self, forms: str) -> str:
        """The longest of some forms, or, where there is no room, the last."""
        return forms.split("|")[0 if self.beside else -1]

    def _riders(self) -> str:
        """How many particles ride, of how many."""
        chains = self.run.chains
        shown = min(self.options.points or self.options.particles, chains)
        some = self._form(self.words["some"]).format(shown, chains)
        return some if shown < chains else f"{shown:,} {self.words['riders']}"

    def _paths(self) -> list[Any]:
        """Paths, and their hues."""
        theme, words, chains = self.theme, self.words, self.run.chains
        said = words["ways" if self.paths < chains else "whole"].format(self.paths, chains)
        turn = words["angle" if self.dims == 2 else "seen_angle"]
        turn = self.page.fitting(turn, (self.width - 0.6) * self.beside, "legend")
        wheel = key_wheel(*("#" + bytes(hue).hex() for hue in all_round(theme, HUES)[:-1]))
        return [(key_hues(theme.noise, theme.reject, theme.accept), 0.4, said), (wheel, 0.4, turn)]


def flow_pace(clock: Clock, forms: str, width: float) -> list[Any]:
    """How fast all go, the root mean square of their speeds over a step, in a line no wider than `width`: one text, or
    nothing where that time is not recorded or noise drives them."""
    run, page = clock.run, clock.page
    if "time" not in run or "noise" in run or (run.meta.get("sampler") or {}).get("stochastic", False):
        return []
    moved = np.diff(np.asarray(run["x"], np.float32), axis=0)
    speed = np.sqrt(np.square(moved).sum(2).mean(1)) / np.abs(np.diff(np.asarray(run["time"], float)))
    form = page.fitting(forms, width, "legend", speed.max())
    return [clock.number(form, speed, size="legend", color="muted")]
