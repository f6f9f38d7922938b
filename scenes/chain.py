"""The Markov chain of diffusion on recorded images: noise is added step by step, and taken away again."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from pydantic import Field

from diffrender.animation import (
    Box,
    Clock,
    ImageGrid,
    Recording,
    SceneOptions,
    StepArrow,
    Timeline,
    Trajectory,
    TrajectoryScene,
    captions,
    frame,
    image_grid,
    image_values,
    path_length,
)

TILES = 5
GAP = 1.0  # between tiles, where the arrows stand
MARGIN = 0.12  # from an arrow to the tiles


class Chain(TrajectoryScene):
    """The Markov chain x_T … x_0: q adds noise to an image of the data, p_θ makes an image of noise."""

    default_config = "digits"
    shows = ("images",)
    needs = {
        "reverse": Recording("reverse", {"sampler.steps": 120, "sampler.chains": 16}),
        "forward": Recording(
            "forward", {"sampler.steps": 120, "sampler.chains": 16}, fixed={"sampler.kind": "forward"}
        ),
    }

    class Options(SceneOptions):
        """Options of `chain`."""

        duration: float = Field(8.0, gt=0, le=600, description="seconds of each of the two passes")
        chain: int = Field(0, ge=0, description="the image that is shown")

    def construct(self) -> None:
        """The data dissolve from right to left; then noise becomes an image from left to right."""
        page, theme = self.page, self.theme
        boxes = self.arrange("stage", key=False)
        stage, row = boxes.stage, boxes.slider
        self.upright = page.shape == "tall"
        places = self.places_of_tiles(stage)
        ground: list[Any] = [frame(box, theme.border, fill=theme.panel) for box in places]
        names = ["$x_T$", *["$x_t$"] * (TILES - 2), "$x_0$"]
        ground += [self.name(text, box) for text, box in zip(names, places, strict=True)]
        words = captions.title(self.run, "Images")

        forward, reverse = self.trajectories["forward"], self.trajectories["reverse"]
        there = Pass(self, forward, places[::-1], "noise", "q (x_t mid(|) x_(t-1))")
        title = self.header(words + ": data to noise" * (page.shape == "wide"), self.sampler_equation(forward))
        caption = self.caption("fresh noise at each step", "scaling", "seed", "step", clock=there.clock)
        moving = [*title, caption, *there.clock.slider(row, "data", "noise"), *there.mobjects]
        there.clock.show(0)
        self.intro(*ground, ground=moving)
        self.play_run(there.clock)
        self.wait(self.seconds(1.0))

        back = Pass(self, reverse, places, "data", "p_theta (x_(t-1) mid(|) x_t)")
        title = self.header(words + ": noise to data" * (page.shape == "wide"), self.sampler_equation(reverse))
        caption = self.caption("sampler", "scaling", "seed", "model", "step", clock=back.clock)
        slider = back.clock.slider(row)
        back.clock.show(0)
        self.crossfade(moving, [*title, caption, *slider, *back.mobjects])
        self.play_run(back.clock)
        self.outro()

    def places_of_tiles(self, stage: Box) -> list[Box]:
        """The squares of the tiles, from x_T to x_0: left to right, in a tall frame from top to bottom."""
        label = 1.5 * self.page.em("label")
        length, breadth = (stage.height, stage.width) if self.upright else (stage.width, stage.height)
        gap = GAP if self.page.shape == "wide" else 0.72 * GAP
        size = min((length - gap * (TILES - 1)) / TILES, breadth - 2 * label)
        step = (length - size) / (TILES - 1)
        x, y = stage.center
        if self.upright:
            tops = [stage.top - k * step for k in range(TILES)]
            return [Box(x - size / 2, x + size / 2, top - size, top) for top in tops]
        return [
            Box(stage.left + k * step, stage.left + k * step + size, y - size / 2, y + size / 2) for k in range(TILES)
        ]

    def name(self, text: str, box: Box) -> Any:
        """The name of a tile: under it, in a tall frame beside it."""
        page, em = self.page, self.page.em("label")
        if self.upright:
            return page.label(text, box.right + 0.3, box.center[1] - 0.3 * em, -1)
        return page.label(text, box.center[0], box.bottom - 1.1 * em, 0)


class Pass:
    """One way along the chain: each tile goes on from the state of the one before to its own, and an arrow leads to it.

    Nothing is shown but recorded states: a tile holds the state of the present step until its own is reached.
    """

    def __init__(self, scene: Chain, run: Trajectory, places: list[Box], color: str, name: str) -> None:
        self.scene, self.run, self.places = scene, run, places
        chain = min(scene.options.chain, run.chains - 1)
        values = image_values(run)
        self.timeline: Timeline = path_length(run.states[:, [chain]], even=0.25)
        self.stations = np.array([self.timeline.step(u) for u in np.linspace(0, 1, TILES)])
        self.tiles: list[ImageGrid] = [
            image_grid(values, box, theme=scene.theme, rows=1, cols=1, chains=[chain]).set_z_index(1) for box in places
        ]
        self.arrows = [StepArrow(scene.theme.color(color), scale=0.9).set_z_index(2) for _ in places[1:]]
        self.names = [self.named(name, color, a, b) for a, b in pairwise(places)]
        self.steps = [self.numbered(int(step), box) for step, box in zip(self.stations, places, strict=True)]
        self.clock: Clock = scene.clock(run, timeline=self.timeline)
        self.clock.bind(self)

    @property
    def mobjects(self) -> list[Any]:
        """What moves."""
        return [*self.tiles, *self.arrows, *self.names, *self.steps]

    def numbered(self, step: int, box: Box) -> Any:
        """The recorded step that a tile stands for: under its name."""
        page = self.scene.page
        if self.scene.upright:
            return page.label(
                f"step {step}", box.left - 0.3, box.center[1] - 0.3 * page.em("legend"), 1, "legend", "muted"
            )
        y = box.bottom - 1.1 * page.em("label") - 1.3 * page.em("legend")
        return page.label(f"step {step}", box.center[0], y, 0, "legend", "muted")

    def named(self, name: str, color: str, a: Box, b: Box) -> Any:
        """The name of the step from one tile to the next: over its arrow, in a tall frame beside it."""
        page, x, y = self.scene.page, (a.center[0] + b.center[0]) / 2, (a.center[1] + b.center[1]) / 2
        em = page.em("legend")
        text = page.maths(name, "legend", color)
        return text.at(x + 0.3, y - 0.3 * em) if self.scene.upright else text.at(x, a.top + 0.5 * em, 0)

    def show_step(self, step: float) -> None:
        """Show the chain as far as a recorded step."""
        for k, tile in enumerate(self.tiles):
            before, own = self.stations[max(k - 1, 0)], self.stations[k]
            tile.show_step(float(np.clip(step, before, own)))
            tile.set_fill(opacity=1.0 if step > before or k == 0 else 0.0)
            if k:
                share = float(np.clip((step - before) / max(own - before, 1), 0, 1))
                start, end = self.ends(self.places[k - 1], self.places[k])
                self.names[k - 1].set_opacity(float(share > 0))
                self.arrows[k - 1].put(start, start + max(share, 0.001) * (end - start))

    def ends(self, a: Box, b: Box) -> tuple[np.ndarray, np.ndarray]:
        """Where an arrow from one tile to the next begins and ends."""
        one, other = np.array(a.center), np.array(b.center)
        way = (other - one) / np.linalg.norm(other - one)
        return one + way * (a.width / 2 + MARGIN), other - way * (b.width / 2 + MARGIN)
