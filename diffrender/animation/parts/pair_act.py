"""The first act of a training: one pair of the data and noise, the guess of the network that learns, and its miss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from manim import Animation, Mobject, smooth

from diffrender.animation.animations import FadeInFast, FadeOutFast, UpdateFromAlpha
from diffrender.animation.layout.box import Box, Boxes
from diffrender.animation.layout.plane import Plane
from diffrender.animation.parts.learned_pair import LearnedPair
from diffrender.animation.parts.pair_column import PairColumn
from diffrender.animation.parts.whole_data import free_corner, whole_data
from diffrender.animation.parts.zoom.spotlight import Spotlight
from diffrender.animation.timeline import evenly_in
from diffrender.trajectory.reader import Trajectory

CLOSER, FADE, CHANGE = 1.0, 0.3, 0.6  # seconds in which the camera comes near, or goes; what goes fades; texts change
GROW = {"noise": 0.8, "guess": 0.7, "miss": 0.6}  # seconds in which each grows,
STAND = {"noise": 0.4, "guess": 0.8, "learn": 0.3, "best": 2.2, "generate": 1.8}  # and in which a moment stands
LIT = {"data": ["data"], "noise": ["noise", "state"], "guess": ["samples"]}  # terms of the equation, by their part
LEARN = 2.8  # seconds from the first to the last snapshot


def snapshot_steps(run: Trajectory) -> int:
    """In how many steps samples of a training were made from noise; 0 if it was not recorded."""
    return int(((run.meta.get("config") or {}).get("training") or {}).get("snapshot_steps") or 0)


class PairAct:
    """`play` lets the data's own view come near, tells of the pair, and leaves the view as it was.

    cloud: of the data, which is in the view and stays. points: of the data that are shown.
    """

    def __init__(self, scene: Any, boxes: Boxes, view: Plane, cloud: Any, points: int) -> None:
        run = scene.run
        self.scene, self.view, self.cloud, self.far = scene, view, cloud, (view.box, view.rect)
        view.lay(view.box, boxes.panel)  # all of it: nothing is said in it now
        self.near = boxes.panel
        of_edm = (run.meta.get("objective") or {}).get("name") == "edm"
        self.pair = pair = LearnedPair(scene.page, run, view, points, of_edm=of_edm)
        view.lay(*self.far)
        pace = evenly_in(np.minimum.accumulate(pair.rms), pair.miss, np.log1p(run["snapshot_step"]), name="the miss",
                         interpolate=True)  # fmt: skip
        self.clock = scene.clock(run, timeline=pace)
        self.column = PairColumn(scene.page, self.clock, pair, boxes, of_edm=of_edm)
        self.clock.bind(pair.show_step, moves=pair.mobjects)
        self.clock.show(0)
        equation = scene.shown_equation
        self.light = Spotlight.by_name(equation, scene.theme) if getattr(equation, "terms", None) else None
        self.inset = whole_data(scene, run.target[:points], pair.closer, self._inset_box(boxes),
                                degrees=scene.options.orbit)  # fmt: skip
        self.said: list[Mobject] = []
        self.caption = [scene.caption("model", f"one of {pair.count} pairs", "seed")]

    def play(self, gone: Sequence[Mobject]) -> list[Mobject]:
        """Tell of the pair in place of what is `gone`; returns what then stands and must go."""
        scene, pair, rows, seconds = self.scene, self.pair, self.column.rows, self.scene.seconds
        self.said = self.column.say("noise")
        scene.play(FadeOutFast(*gone, run_time=seconds(FADE)), *self._lit("", seconds(FADE)))
        pair.show_step(0)
        scene.play(
            self.view.move(pair.closer, self.near, seconds(CLOSER)),
            FadeInFast(*self.inset, run_time=seconds(FADE)),
            FadeInFast(*self.said, *self.caption, pair.data, rows["data"], run_time=seconds(CLOSER), after=0.4),
            *self._lit("data", seconds(CLOSER)),
        )
        scene.add(pair.start, pair.noise)
        self._grow("noise", rows["noise"])
        scene.stand(seconds(STAND["noise"]))
        scene.add(pair.end, pair.arrow, pair.line)
        self._say("guess")
        self._grow("guess", rows["guess"])
        self._grow("miss", rows["miss"])
        scene.stand(seconds(STAND["guess"]))
        self._say("learn", *self.column.chart)
        scene.play(self.clock.play(seconds(LEARN), rate_func=smooth))
        scene.stand(seconds(STAND["learn"]))
        self._say("best", pair.mean_mark, rows["likely"], rows["best"], pair.likely)
        scene.stand(seconds(STAND["best"]))
        if "generation" not in scene.run and (steps := snapshot_steps(scene.run)):
            self._say("generate", values=[steps])
            scene.stand(seconds(STAND["generate"]))
        shown = [*pair.mobjects, pair.mean_mark, pair.likely, *rows.values(), *self.column.chart, *self.inset]
        return [mob for mob in (*shown, *self.said, *self.caption) if mob in scene.mobjects]

    def leave(self, shown: Sequence[Mobject], into: Sequence[Mobject]) -> None:
        """The pair goes, the camera goes to where it begins, and what comes `into` its place comes."""
        scene, seconds = self.scene, self.scene.seconds(CLOSER)
        scene.play(
            FadeOutFast(*shown, run_time=scene.seconds(FADE)),
            *self.view.turn(seconds, degrees=scene.options.orbit, start=1.0, end=0.0),
            self.view.move(*self.far, seconds),
            FadeInFast(*into, run_time=seconds, after=0.35),
        )

    def _inset_box(self, boxes: Boxes) -> Box:
        """Where all of the data stand in small: beside the key, or in a corner of the panel."""
        if self.column.inset:
            return self.column.inset
        pair = self.pair
        self.view.lay(pair.closer, self.near)
        marks = self.view.to_scene(np.concatenate([[pair.x0, pair.place, pair.best], pair.guess]))
        self.view.lay(*self.far)
        return free_corner(boxes.panel, marks)

    def _say(self, moment: str, *more: Mobject, values: Sequence[object] = ()) -> None:
        """Change the sentence, and let `more` come with it."""
        new, seconds = self.column.say(moment, *values), self.scene.seconds(CHANGE)
        out = FadeOutFast(*self.said, run_time=0.4 * seconds)
        self.scene.play(out, FadeInFast(*new, *more, run_time=seconds, after=0.4))
        self.said = new

    def _grow(self, part: str, row: Mobject) -> None:
        pair, seconds = self.pair, self.scene.seconds(GROW[part])
        grow = UpdateFromAlpha(lambda u: pair.show(part, float(smooth(u))), *pair.mobjects, run_time=seconds)
        self.scene.play(grow, FadeInFast(row, run_time=seconds), *self._lit(part, seconds))

    def _lit(self, part: str, seconds: float) -> list[Animation]:
        """What lights the equation's terms that come with a part, all with the miss; with none, it greys them."""
        if self.light is None:
            return []
        light, wanted = self.light, LIT.get(part, list(self.light.levels))
        terms = [term for term in wanted if term in light.levels]

        def show(u: float) -> None:
            light.light(dict.fromkeys(terms, u if part else 1 - u))

        return [UpdateFromAlpha(show, light.equation, run_time=seconds, adds=False)]
