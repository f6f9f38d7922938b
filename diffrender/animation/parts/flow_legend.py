"""What the marks of a flow mean, act by act."""

from __future__ import annotations

from typing import Any

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
from diffrender.animation.parts.deformed_grid import all_round
from diffrender.animation.parts.flow_field import FlowField
from diffrender.animation.parts.flow_marks import DATA, HUES
from diffrender.animation.parts.narration import Narration


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
        said = words["everyone"].format(self.run.chains)
        everyone = [(key_dot(theme.samples, radius=0.055), KEY_DOT_WIDTH, said)]
        followed = [one] if alone and self.page.shape != "square" else []  # there one line holds no more
        many = (key_path(theme.samples), 0.4, self._riders())
        return {
            "paths": [*(followed if self.beside else []), *self._paths()],
            "one": [*items, *(everyone if self.beside else []), one, field],
            "many": [*items, *followed, many, *([field] if self.dims == 2 or not arrows or not alone else [])],
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
        turn = self.page.fitting(words["began"], (self.width - 0.6) * self.beside, "legend")
        wheel = key_wheel(*("#" + bytes(hue).hex() for hue in all_round(theme, HUES)[:-1]))
        return [(key_hues(theme.noise, theme.reject, theme.accept), 0.4, said), (wheel, 0.4, turn)]


def flow_terms(scene: Any, boxes: Boxes, keys: dict[str, Any], flow: FlowField, top: float) -> tuple[list[Any], str]:
    """What the equation's letters mean, in the column from `top` to the highest of the legends, if one particle is
    followed; and what is still to be said of a faint field in a caption."""
    page, alone = scene.page, scene.options.alone
    faint = scene.words["faint"] * bool(flow.trusted.min() < 1)
    floor = float(max(key.get_top()[1] for key in keys.values())) + 0.2
    box, beside = boxes.column._replace(top=top), page.column_align != 0
    narration = Narration(scene, box, size="legend", floor=floor, under=1 if page.shape == "square" else 2)
    notes = [page.words(page.fitting(faint, box.width, "legend"), "legend", "muted")] if faint and beside else []
    told = (alone and beside) or page.shape == "square"  # where one line holds no more
    left = "" if told else faint.split("|")[0 if page.shape == "wide" else -1]
    return narration.texts(scene.words["named"], *notes) if alone else [], left
