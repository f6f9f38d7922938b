"""The zoom window on a chain, and the one in which a step's drift, noise and sum are drawn as arrows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from manim import Mobject, VGroup, VMobject, smooth

from diffrender.animation.animations import OpacityScale
from diffrender.animation.mobjects.furniture.arrow import StepArrow
from diffrender.animation.mobjects.furniture.panels import Rect, cut, frame, pill, put_dashes
from diffrender.animation.mobjects.plane.cloud import PointCloud
from diffrender.animation.mobjects.plane.heat import Heatmap
from diffrender.animation.mobjects.plane.trails import Trails
from diffrender.animation.parts.zoom.pacing import STAGES, place_tags
from diffrender.animation.parts.zoom.verdict import Verdict
from diffrender.animation.text.typst import Typeset
from diffrender.animation.theme import HAIR, LINE, Theme

_ARROWS = ("score", "noise", "sum")
CORNER = (1.0, 0.5)  # scene units: of the window, in which its scale bar lies
NAMED = 0.6  # of an arrow, that has grown before its name appears
TAIL, STRAIGHT = 12, 24  # steps of the chain that are drawn behind it, of at most so many straight lines


def stages(part: float, table: Mapping[str, float] = STAGES) -> dict[str, float]:
    """How far each stage of a slow step has come, 0 to 1 and eased, when `part` of its time has gone.

    table: the stages and their lengths.
    """
    seconds, begin = part * sum(table.values()), 0.0
    out = {}
    for name, length in table.items():
        out[name] = float(smooth(np.clip((seconds - begin) / length, 0, 1)))
        begin += length
    return out


WHOLE = {"score": 1.0, "noise": 1.0, "sides": 1.0, "sum": 1.0, "hold": 1.0, "move": 0.0, "glide": 0.0}


class ChainWindow(VGroup):
    """A window on recorded steps of one chain. Nothing in it is rebuilt: what is drawn and the map under it are moved.

    Parameters
    ----------
    rect: of the window, in scene units. size: (width, height) of what it shows, in data units.
    heat: the density, of which the window shows a part. x: (T+1, 2) states of the chain.
    tags: name → label of what has that name, the most important first; `state` is the chain's own.
    drawn: what shows a step, from the lowest up. verdict: of proposals, if they are judged.
    time: an arrow is so much of its velocity; 1 where arrows are moves. track: (f T + 1, 2) states of the line behind
    the chain, f to a step, if they are not `x`.
    """

    time = 1.0

    def __init__(
        self,
        rect: Rect,
        size: tuple[float, float],
        heat: Heatmap,
        *,
        x: np.ndarray,
        theme: Theme,
        tags: Mapping[str, Typeset],
        drawn: Sequence[Mobject],
        verdict: Verdict | None = None,
        track: np.ndarray | None = None,
    ) -> None:
        self.rect, self.size, self.heat, self.x, self.verdict = rect, size, heat, x, verdict
        behind = x if track is None else track
        self.finer = (len(behind) - 1) // (len(x) - 1)
        self.tag_rect = rect  # where tags may lie
        self.past = Trails(
            heat.box, rect, behind[:, None], color=theme.chain, width=1.3 * LINE, alpha=0.9, casing=theme.panel,
            length=min(TAIL * self.finer, STRAIGHT),
        )  # fmt: skip
        self.dot = PointCloud(heat.box, rect, x[:1], color=theme.chain, radius=0.10, ring=theme.panel)
        self.tags = {name: VGroup(pill(text, theme), text) for name, text in tags.items()}
        self.outline = frame(rect, theme.fg, 0.032)
        self.tagged = -1  # the step for which the tags stand
        judged = [verdict] if verdict else []
        super().__init__(heat, self.past, *drawn, *judged, self.dot, *self.tags.values(), self.outline)
        self.strengths = {name: OpacityScale(mob) for name, mob in self.tags.items()}

    def look_at(self, centre: np.ndarray) -> Rect:
        """Move the window over the plane; returns the part it shows, (x0, x1, y0, y1) in data units."""
        (w, h), (cx, cy) = self.size, centre
        box = (cx - w / 2, cx + w / 2, cy - h / 2, cy + h / 2)
        self.heat.set_box(box)
        self.past.box = self.dot.box = box
        return box

    def stages(self, part: float) -> Mapping[str, float]:
        """How far each stage of a step that is taken apart has come."""
        return stages(part)

    def passing(self, part: float) -> Mapping[str, float]:
        """The same of a step that goes by too fast for that: its arrows stand there at once."""
        return {**WHOLE, "glide": part}

    def show(self, step: int, done: Mapping[str, float], tagged: bool = True) -> None:
        """Draw recorded step `step`, as far as each of its stages has come."""
        self.draw_step(step, done)
        self.dot.set_xy(self.now(step, done["move"])[None])
        self.past.show_step(self.finer * (step + done["move"]))
        if self.verdict is not None:
            self.verdict.show(step, done["hold"], done["move"], self.heat.to_scene)
        for name, strength in self.strengths.items():
            there = np.clip(self.grown(done).get(name, 1.0) / (1 - NAMED) - NAMED / (1 - NAMED), 0, 1)
            strength.set(float(there) * self.strength(name, done) if tagged else 0.0)
        if tagged and step != self.tagged:
            self.tagged = step
            self._place_tags(self.heat.to_scene(self.x[step]), self.tips(step), self.tails(step))

    @abstractmethod
    def draw_step(self, step: int, done: Mapping[str, float]) -> None:
        """Draw what shows a step."""

    @abstractmethod
    def tips(self, step: int) -> dict[str, np.ndarray]:
        """Where in the scene that ends which has a tag, by its name."""

    def tails(self, step: int) -> dict[str, np.ndarray]:
        """Where in the scene that begins which has a tag, if not where the chain is."""
        return {}

    def uncovered(self, step: int) -> np.ndarray:
        """(K, 2) places in the scene, beside the arrows, that no tag should cover: crosses, the scale bar."""
        marked = [at[:2] for at in self.verdict.places for _ in range(4)] if self.verdict else []
        left, low = self.rect[0], self.rect[2]
        corner = [[left + x, low + y] for x in np.linspace(0, CORNER[0], 12) for y in np.linspace(0, CORNER[1], 8)]
        return np.array(marked + corner)

    def grown(self, done: Mapping[str, float]) -> Mapping[str, float]:
        """How far what has a tag, or a term in the equation, has come: name → 0..1."""
        return done

    def strength(self, name: str, done: Mapping[str, float]) -> float:
        """How opaque a tag is: all go as the chain moves on."""
        return 1 - done["move"]

    def now(self, step: int, part: float) -> np.ndarray:
        """(2,) where the chain is on `part` 0..1 of its way to the next state."""
        return self.x[step] + part * (self.x[step + 1] - self.x[step])

    def _place_tags(self, at: np.ndarray, tips: Mapping[str, np.ndarray], tails: Mapping[str, np.ndarray]) -> None:
        """Each beyond its arrow's tip, the chain's own behind it; none on another or on an arrow."""
        back = 2 * at - sum(tips.values()) / len(tips)
        ends = [at + (back - at) * 0.01 if name == "state" else tips[name] for name in self.tags]
        sizes = [(float(tag.width), float(tag.height)) for tag in self.tags.values()]
        starts = [tails.get(name, at) for name in self.tags]
        centres = place_tags(ends, starts, sizes, self.tag_rect, also=self.uncovered(self.tagged))
        for tag, centre in zip(self.tags.values(), centres, strict=True):
            tag.shift([*(centre - tag.get_center()[:2]), 0.0])


class StepView(ChainWindow):
    """The window in which a step is the sum of two arrows.

    drift, noise: (T, 2) as recorded. tags: `score`, `noise`, `sum` and `state`. scale: of the arrows.
    """

    def __init__(
        self,
        rect: Rect,
        size: tuple[float, float],
        heat: Heatmap,
        *,
        drift: np.ndarray,
        noise: np.ndarray,
        theme: Theme,
        scale: float = 1.25,
        **window: Any,
    ) -> None:
        self.drift, self.noise = drift, noise
        self.sides = VMobject(stroke_color=theme.fg, stroke_width=HAIR * 170, stroke_opacity=0.6)
        self.other_sides = self.sides.copy()
        colors = {"score": theme.score, "noise": theme.noise, "sum": theme.sum}
        self.arrows = {
            name: StepArrow(colors[name], dashed=name != "sum", scale=scale, casing=theme.panel) for name in _ARROWS
        }
        drawn = [self.sides, self.other_sides, *self.arrows.values()]
        super().__init__(rect, size, heat, theme=theme, drawn=drawn, **window)
        self.arrow_strength = OpacityScale(*self.arrows.values(), self.sides, self.other_sides)

    def draw_step(self, step: int, done: Mapping[str, float]) -> None:
        """Draw the arrows, and the sides of their parallelogram."""
        at, tips = self.heat.to_scene(self.x[step]), self.tips(step)
        ends = np.array([tips[name][:2] for name in _ARROWS])
        for name, end, part in zip(_ARROWS, ends, cut(at[:2], ends, self.rect), strict=True):
            self.arrows[name].put(at[:2], at[:2] + part * (end - at[:2]), done[name])
        put_dashes(self.sides, tips["score"], tips["sum"], done["sides"])
        put_dashes(self.other_sides, tips["noise"], tips["sum"], done["sides"])
        self.arrow_strength.set(1 - done["move"])

    def tips(self, step: int) -> dict[str, np.ndarray]:
        """The tips of the arrows."""
        start, d, n = self.x[step], self.drift[step], self.noise[step]
        ends = {"score": start + d, "noise": start + n, "sum": start + d + n}
        return {name: self.heat.to_scene(end) for name, end in ends.items()}
