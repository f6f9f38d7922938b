"""The zoom window on a chain: where one step's drift, noise and sum are drawn as arrows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from manim import VGroup, VMobject, smooth

from diffrender.animation.animations import OpacityScale
from diffrender.animation.mobjects.furniture.arrow import StepArrow
from diffrender.animation.mobjects.furniture.panels import Rect, frame, pill, put_dashes
from diffrender.animation.mobjects.plane.cloud import PointCloud
from diffrender.animation.mobjects.plane.heat import Heatmap
from diffrender.animation.mobjects.plane.trails import Trails
from diffrender.animation.parts.zoom.pacing import STAGES, place_tags
from diffrender.animation.text.typst import Typeset
from diffrender.animation.theme import HAIR, LINE, Theme

_ARROWS = ("score", "noise", "sum")
TAIL = 12  # steps of the chain that are drawn behind it


def stages(part: float) -> dict[str, float]:
    """How far each stage of a slow step has come, 0 to 1 and eased, when `part` of its time has gone."""
    seconds, begin = part * sum(STAGES.values()), 0.0
    out = {}
    for name, length in STAGES.items():
        out[name] = float(smooth(np.clip((seconds - begin) / length, 0, 1)))
        begin += length
    return out


WHOLE = {"score": 1.0, "noise": 1.0, "sides": 1.0, "sum": 1.0, "hold": 1.0, "move": 0.0, "glide": 0.0}


class StepView(VGroup):
    """A window on recorded steps of one chain. Nothing in it is rebuilt: arrows, tags and the map under them are moved.

    Parameters
    ----------
    rect: of the window, in scene units. size: (width, height) of what it shows, in data units.
    heat: the density, of which the window shows a part.
    x, drift, noise: (T+1, 2), (T, 2), (T, 2) as recorded.
    tags: `score`, `noise`, `sum` and `state` → the labels of the arrows and of the chain, the most important first.
    scale: of the arrows.
    """

    def __init__(
        self,
        rect: Rect,
        size: tuple[float, float],
        heat: Heatmap,
        *,
        x: np.ndarray,
        drift: np.ndarray,
        noise: np.ndarray,
        theme: Theme,
        tags: Mapping[str, Typeset],
        scale: float = 1.25,
    ) -> None:
        self.rect, self.size, self.heat = rect, size, heat
        self.tag_rect = rect  # where tags may lie
        self.x, self.drift, self.noise = x, drift, noise
        self.past = Trails(
            heat.box, rect, x[:, None], color=theme.chain, width=1.3 * LINE, alpha=0.9, casing=theme.panel, length=TAIL
        )
        self.dot = PointCloud(heat.box, rect, x[:1], color=theme.chain, radius=0.10, ring=theme.panel)
        self.sides = VMobject(stroke_color=theme.fg, stroke_width=HAIR * 170, stroke_opacity=0.6)
        self.other_sides = self.sides.copy()
        colors = {"score": theme.score, "noise": theme.noise, "sum": theme.sum}
        self.arrows = {
            name: StepArrow(colors[name], dashed=name != "sum", scale=scale, casing=theme.panel) for name in _ARROWS
        }
        self.tags = {name: VGroup(pill(text, theme), text) for name, text in tags.items()}
        self.outline = frame(rect, theme.fg, 0.032)
        self.tagged = -1  # the step for which the tags stand
        super().__init__(
            self.heat, self.past, self.sides, self.other_sides,
            *self.arrows.values(), self.dot, *self.tags.values(), self.outline,
        )  # fmt: skip
        self.strengths = {name: OpacityScale(mob) for name, mob in self.tags.items()}
        self.arrow_strength = OpacityScale(*self.arrows.values(), self.sides, self.other_sides)

    def look_at(self, centre: np.ndarray) -> Rect:
        """Move the window over the plane; returns the part it shows, (x0, x1, y0, y1) in data units."""
        (w, h), (cx, cy) = self.size, centre
        box = (cx - w / 2, cx + w / 2, cy - h / 2, cy + h / 2)
        self.heat.set_box(box)
        self.past.box = self.dot.box = box
        return box

    def show(self, step: int, done: Mapping[str, float], tagged: bool = True) -> None:
        """Draw recorded step `step`, as far as each of its stages has come (`stages` or `WHOLE`)."""
        start, d, n = self.x[step], self.drift[step], self.noise[step]
        points = [self.heat.to_scene(p) for p in (start, start + d, start + n, start + d + n)]
        at, score, noise, end = points
        for name, tip in zip(_ARROWS, (score, noise, end), strict=True):
            self.arrows[name].put(at, tip, done[name])
        put_dashes(self.sides, score, end, done["sides"])
        put_dashes(self.other_sides, noise, end, done["sides"])
        self.arrow_strength.set(1 - done["move"])
        now = start + done["move"] * (self.x[step + 1] - start)
        self.dot.set_xy(now[None])
        self.past.show_step(step + done["move"])
        for name, strength in self.strengths.items():
            strength.set(done.get(name, 1.0) * (1 - done["move"]) if tagged else 0.0)
        if tagged:
            self._place_tags(step, at, {"score": score, "noise": noise, "sum": end})

    def _place_tags(self, step: int, at: np.ndarray, tips: Mapping[str, np.ndarray]) -> None:
        """Each beyond its arrow's tip, the chain's own behind it; none on another or on an arrow."""
        if step == self.tagged:
            return
        self.tagged = step
        back = 2 * at - sum(tips.values()) / len(tips)
        ends = [at + (back - at) * 0.01 if name == "state" else tips[name] for name in self.tags]
        sizes = [(float(tag.width), float(tag.height)) for tag in self.tags.values()]
        centres = place_tags(ends, [at] * len(ends), sizes, self.tag_rect)
        for tag, centre in zip(self.tags.values(), centres, strict=True):
            tag.shift([*(centre - tag.get_center()[:2]), 0.0])
