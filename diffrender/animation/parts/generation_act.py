"""The act after a training: the network generates its last snapshot, from the noise that all snapshots came from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from manim import Mobject

from diffrender.animation.animations import FadeInFast, FadeOutFast
from diffrender.animation.layout.box import Box, Boxes
from diffrender.animation.layout.page import narrowed
from diffrender.animation.layout.plane import Plane
from diffrender.animation.mobjects.furniture.panels import KEY_DOT_WIDTH, key_dot, key_path
from diffrender.animation.parts.clock import Clock
from diffrender.animation.parts.hero import Hero
from diffrender.animation.parts.sentence import beside_panel, sentence
from diffrender.animation.parts.tile_names import tile_names
from diffrender.animation.theme import HAIR, point_radius
from diffrender.animation.timeline import paced
from diffrender.trajectory.reader import Trajectory

Stamp = Callable[[Box, Any, int, Clock], Sequence[Mobject]]
SAID = "Training moved the network's weights;\nnow {0:,} denoising steps move the points"
EACH = "each step mixes in the network's guess of the data|each step mixes in a guess of the network"
STEP = "denoising step {{:,}} of {0:,}"
OUT, INTO, RUN = 0.3, 0.7, 3.2  # seconds in which what stood goes; noise comes; it becomes data,
NOISE, DONE = 0.6, 0.8  # and in which noise, and what came of it, stands
ALPHA, EVEN = 0.95, 0.25  # opacity of points; of the time that all steps have alike
TAIL: dict[str, Any] = {"length": 3, "width": HAIR, "alpha": 0.85}  # of every point


def generation(run: Trajectory) -> Trajectory | None:
    """The way from noise to the last snapshot of a training as a run of its own; None if it was not recorded."""
    members = {"x": "generation", "alpha": "generation_alpha", "sigma": "generation_sigma"}
    if any(key not in run for key in members.values()):
        return None
    return Trajectory(run.file, {**run.meta, "kind": "reverse"}, {name: run[key] for name, key in members.items()})


class GenerationAct:
    """`play` lets the recorded generation `way` pass in a view on the panel, in place of what is gone.

    points, heroes: how many of the samples are shown, and followed. stamp: draws (box, states, step, clock) a state on
    a tile. view: in which the samples stand then. left: what must go, with the view or before it.
    """

    def __init__(
        self,
        scene: Any,
        way: Trajectory,
        boxes: Boxes,
        view: Plane,
        stamp: Stamp,
        *,
        points: int,
        heroes: int,
    ) -> None:
        theme, between = scene.theme, scene.options.interpolate
        self.scene, self.view = scene, view
        self.clock = scene.clock(way, timeline=paced(way.states, even=EVEN, interpolate=between))
        clock, states = self.clock, way.states[:, :points]
        radius = point_radius(points, 16)
        view.look(1, degrees=scene.options.orbit)
        self.tails = view.trails(states, color=theme.samples, **TAIL)
        self.samples = view.cloud(states, color=theme.samples, radius=radius, alpha=ALPHA, ring=theme.panel)
        clock.bind(self.tails, self.samples)
        self.heroes = [Hero(view, states, theme=theme, chain=k, length=way.steps, even=True) for k in range(heroes)]
        for hero in self.heroes:
            clock.bind(hero)
        shape = scene.page.shape
        self.column = [*self._texts(boxes), *(self._tiles(boxes, states, stamp) if shape != "square" else [])]
        named = ["model", "sampler"] if shape == "wide" else ["model"]
        self.caption = scene.caption(*named, "step", "seed", run=way, clock=clock)
        clock.show(0)

    def _texts(self, boxes: Boxes) -> list[Mobject]:
        """What changes now, how far that has come, and what the marks mean."""
        scene, page, clock = self.scene, self.scene.page, self.clock
        (head, body), em, steps = beside_panel(page, boxes), page.em("label"), clock.run.steps
        row = body._replace(bottom=body.top - 3.6 * em, top=body.top - 2.4 * em)
        step = clock.number(STEP.format(steps), np.arange(steps + 1))
        ratio = np.asarray(clock.run["sigma"], float) / np.asarray(clock.run["alpha"], float)
        level = [clock.number("$sigma\\/alpha =$ {:.2f}", ratio)] if page.shape in ("wide", "classic") else []
        page.stack(body._replace(top=body.top - 0.6 * em), [step, *level], align=page.column_align)
        items: list[Any] = [(key_dot(scene.theme.samples, alpha=ALPHA), KEY_DOT_WIDTH, "generated")]
        if self.heroes:
            items.append((key_path(scene.theme.fg), 0.4, f"{len(self.heroes)} of them"))
        shown = [*sentence(page, head, SAID.format(steps)), step, *level, *clock.slider(row)]
        square = page.shape == "square"  # where sentences stand over the place of the tiles and their key
        under = body._replace(top=row.bottom - 0.6 * em)
        shown.append(scene.legend(items, under if square else boxes.key))
        each = narrowed(page.words(page.fitting(EACH, body.width, "label")), body.width)
        page.stack(under, each, align=page.column_align)
        return [*shown, each] if not square and each.get_bottom()[1] > boxes.side.bottom else shown

    def _tiles(self, boxes: Boxes, states: Any, stamp: Stamp) -> list[Mobject]:
        """Some of the states, each once the clock has come to it, and their steps."""
        at = [round(u) for u in np.linspace(0, len(states) - 1, len(boxes.tiles))]
        names = tile_names(self.scene.page, boxes.tiles, boxes.tile_names, [f"{step:,}" for step in at], "step ")
        stamped = zip(boxes.tiles, at, strict=True)
        return [*names, *(mob for box, step in stamped for mob in stamp(box, states, step, self.clock))]

    def play(self, gone: Sequence[Mobject]) -> list[Mobject]:
        """In place of what is `gone`: noise, its way, and what came of it; returns all that stands then but it."""
        scene, seconds = self.scene, self.scene.seconds
        moving = [self.tails, *(mob for hero in self.heroes for mob in hero.mobjects)]
        scene.play(
            FadeOutFast(*(mob for mob in gone if mob in scene.mobjects), run_time=seconds(OUT)),
            FadeInFast(self.samples, *moving, *self.column, self.caption, run_time=seconds(INTO), after=OUT / INTO),
        )
        scene.stand(seconds(NOISE))
        scene.play(self.clock.play(seconds(RUN)))
        scene.stand(seconds(DONE))
        return [*moving, *self.column, self.caption]
