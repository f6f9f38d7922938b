"""Samplers of a density in space: the path of one chain in depth, then many chains, and beside them draws of p."""

from __future__ import annotations

from typing import Any

import numpy as np
from manim import Animation

from diffrender.animation.animations import FadeOutFast
from diffrender.animation.mobjects.furniture.panels import KEY_DOT_WIDTH, key_dot, key_line
from diffrender.animation.one_chain_scene import OneChainScene
from diffrender.animation.parts.beside import BesideData
from diffrender.animation.parts.clock import Clock
from diffrender.animation.parts.crowd import slow_then_ramp
from diffrender.animation.parts.distance_course import DistanceCourse
from diffrender.animation.parts.hero import Hero
from diffrender.animation.theme import LINE, point_radius
from diffrender.animation.timeline import Timeline

WANDERED = 400  # steps of the chain that is followed, all of whose path is drawn
DRAWS, SAMPLES = 0.3, 0.85  # opacity of points that are drawn from p, and of chains
AREA = 24  # over which the points of a cloud are spread, in square units
HALF = 0.5  # of the camera's way, that it goes while one chain is followed


class ChainsInSpaceScene(OneChainScene):
    """A scene of a density that also shows one in space, by the acts `chain` and `many`, of the recordings of the same.

    The recordings hold draws of p (`record.target_points`). The scene's `words` hold what is said: one, path, draws,
    chains, beside those of the plane.
    """

    def in_space(self, acts: tuple[str, ...]) -> None:
        """One chain's path in depth, many chains from their starts to p, and beside them draws of p."""
        run, theme = self.run, self.theme
        boxes = self.arrange("stage with column", slider=False)
        draws = np.asarray(run.target if len(run.target) else run["x"][-1])
        self.space = view = self.view(draws, boxes.stage)
        size = point_radius(max(len(draws), 1), AREA)
        self.drawn = [view.cloud(draws, color=theme.data, radius=size, alpha=DRAWS)] if len(run.target) else []
        header, shown = self.header(self.title, self.equation), list[Any]()
        for k, act in enumerate(acts):
            clock, standing, moving = (self.wandering if act == "chain" else self.crowding)(boxes)
            if k == 0:
                clock.show(1)
                self.look(0)
                self.intro(*header, ground=[*view.made[: 1 + len(self.drawn)], *standing, *moving])
                self.restart(clock, *moving)
            else:
                clock.show(0)
                self.crossfade(shown, [*standing, *moving])
            shown, way = [*standing, *moving], [k / len(acts), (k + 1) / len(acts)]
            self.play(clock.play(self.lasts[act]), *self.turning(self.lasts[act], *way))
            self.wait(1.0)
        if acts[-1] == "many" and len(run.target):
            self.beside_draws(shown)

    def turning(self, seconds: float, start: float, end: float) -> list[Animation]:
        """The camera's way to the telling angle, from part `start` to part `end` of it."""
        return [a for v in self.views for a in v.turn(seconds, degrees=self.options.orbit, start=start, end=end)]

    def wandering(self, boxes: Any) -> tuple[Clock, list[Any], list[Any]]:
        """One chain and all of its path so far: its clock, what stands, and what moves."""
        run, words, theme = self.run, self.words, self.theme
        last = min(WANDERED, run.steps)
        hero = Hero(self.space, run["x"][: last + 1], theme=theme, chain=0, length=last, even=True)
        clock = self.clock(run, timeline=Timeline("quadratic", last, lambda u: last * u**2, interpolate=True))
        clock.bind(hero)
        keys = [(key_dot(theme.fg, ring=theme.bg), KEY_DOT_WIDTH, words["one"]),
                (key_line(theme.fg, width=1.2 * LINE), 0.4, words["path"])]  # fmt: skip
        return clock, self.told(boxes, clock, keys), hero.mobjects

    def crowding(self, boxes: Any) -> tuple[Clock, list[Any], list[Any]]:
        """All chains, first slowly, then faster: their clock, what stands, and what moves."""
        run, theme = self.trajectories["many"], self.theme
        size = point_radius(run.chains, AREA)
        look: dict[str, Any] = {"radius": size, "alpha": SAMPLES, "casing": theme.bg}
        self.samples = self.space.cloud(run["x"], color=theme.samples, **look)
        clock = self.clock(run, timeline=slow_then_ramp(run.steps))
        clock.bind(self.samples)
        keys = [(key_dot(theme.samples, alpha=SAMPLES), KEY_DOT_WIDTH, self.words["chains"].format(run.chains))]
        return clock, self.told(boxes, clock, keys), [self.samples]

    def told(self, boxes: Any, clock: Clock, keys: list[Any]) -> list[Any]:
        """What is read beside the stage in an act: its numbers, legend and caption."""
        page, theme, words = self.page, self.theme, self.words
        column: list[Any] = [clock.number("step {:,}", np.arange(clock.run.steps + 1), size="title")]
        if page.shape != "square":
            column += DistanceCourse(clock).lines(boxes.column.width) if clock.run is not self.run else []
        page.stack(boxes.column, *column, align=page.column_align)
        if self.drawn:
            keys = [*keys, (key_dot(theme.data, alpha=0.6), KEY_DOT_WIDTH, words["draws"])]
        return [*column, self.legend(keys, boxes.key), *self.footer(clock.run, "step", clock=clock)]

    def beside_draws(self, gone: list[Any]) -> None:
        """All chains make room for draws of p, to which they should be alike."""
        run = self.trajectories["many"]
        boxes = BesideData.boxes(self.page, self.space.in_the_end(self.run.target))
        left, right = self.view(self.run.target, boxes.left), self.view(self.run.target, boxes.right)
        self.look(1)
        beside = BesideData(self.page, run, left, right, boxes)
        gone = [*(mob for mob in gone if mob is not self.samples), *self.drawn, *self.space.cage]
        self.play(FadeOutFast(*gone, run_time=0.4))
        self.play(self.space.move(*beside.where, self.seconds(1.2)))
        self.crossfade((), [*beside.mobjects, self.caption("sampler", beside.meant, run=run)])
        beside.ring(self)
