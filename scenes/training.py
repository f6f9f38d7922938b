"""Training: generated samples, the loss and the distance to the data, as they change together."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from pydantic import Field

from diffrender.animation import (
    KEY_DOT_WIDTH,
    BesideData,
    Box,
    Boxes,
    Clock,
    FadeInFast,
    FadeOutFast,
    GenerationAct,
    Hero,
    LearningCurves,
    LearningImages,
    PairAct,
    SceneOptions,
    Training,
    Trajectory,
    TrajectoryScene,
    at_least,
    frame,
    generation,
    key_dot,
    key_line,
    key_path,
    panel,
    path_length,
    point_radius,
    scale_bar,
    stray_count,
    tile_names,
    towards_the_data,
)

STAMPS = {"tall": 5, "square": 9, "classic": 7, "wide": 7}  # moments of the training that stay on screen
HEROES = 3  # noises whose end points are followed while the network learns,
TAIL = 5  # each with where it went in so many snapshots
DATA, SAMPLES = 0.75, 0.95  # opacity of points
SMALLER = 0.8  # radius of samples, that of the data being 1
MOVE_SECONDS = 0.8  # in which samples go to their panel at the end
STATE = re.compile(r"\((x_\w+),")  # in an objective's equation, what the network is given
REACH, SAID_ROOM = 0.92, 1.5  # of its room, that data fill; em over and under points, for what is said of them
UNTRAINED = 0.8  # seconds that what the untrained network makes stands


class TrainingScene(TrajectoryScene):
    """The same noise through a better and better network: its samples, three of them followed, loss and distance."""

    default_config = "spiral"
    shows = ("plane", "space", "images")
    unused_options = ("trails",)
    needs = {"training": Training()}

    class Options(SceneOptions):
        """Options of `training`."""

        duration: float = Field(8.0, gt=0, le=600, description="seconds from the first to the last training step")
        points: int = Field(800, ge=10, le=20000, description="points shown of the data and of the samples each")
        pair: bool = Field(True, description="first, one pair of a data point and noise, and the network's guess")
        interpolate: bool = Field(True, description="points go straight from one snapshot to the next; images do not")
        heroes: int = Field(HEROES, ge=0, le=50, description="points that are followed, from always the same noise")

    def construct(self) -> None:
        """What was learned and back to the first step; all steps, slowly where the samples change; beside the data."""
        run, page, options = self.run, self.page, self.options
        run.require("snapshot", "snapshot_step", "loss")
        images = len(run.event) == 3
        if images:
            self.options = options = options.model_copy(update={"interpolate": False})  # between two is a third's mean
        name = "panel over tiles" if images else "panel beside tiles"
        more = {} if images else {"key_rows": 1 + (page.shape == "classic")}
        tall = page.shape == "tall"
        under, lines = (0.42, 1 + images) if tall else (0.46, 2)
        self.late: list[Any] = []
        boxes = self.arrange(name, tiles=STAMPS[page.shape], under=under, key_lines=lines, **more)
        shots, steps = run["snapshot"], np.asarray(run["snapshot_step"])
        timeline = path_length(shots, even=0.4) if images else towards_the_data(run, interpolate=options.interpolate)
        clock = self.clock(run, timeline=timeline)
        shown, moving = (self.images if images else self.cloud)(boxes, clock)

        # loss and distance over the training, each with the floor that nothing can beat
        charts = LearningCurves(page, run, boxes.side, clock)
        told = "training step {:,}, log axis" if page.shape == "wide" else "training step {:,}"
        step = clock.number(told, steps, size="legend", between=options.interpolate)
        step.at(boxes.side.right, boxes.side.bottom + 0.2 * page.em("legend"), 1)

        said = (run.meta.get("objective") or {}).get("equation") or ""
        said = STATE.sub(r"({{\1 : state}},", said)  # lit with the noise on a pair
        header = self.header("Training" if page.shape != "wide" else "Training a diffusion model", said or None)
        between = ", straight in between" if options.interpolate and page.shape == "wide" else ""
        count = "same noise" if tall else f"same noise, {len(shots)} networks"
        ground = [*shown, self.caption("model", count + between, charts.said, "seed"), step, *charts.mobjects]
        clock.show(1)
        self.look(1)
        self.intro(*header, ground=[mob for mob in (*ground, *moving) if mob not in self.late], result=boxes.panel)
        if options.pair and self.has_pairs():
            self.one_pair(boxes, clock, [*ground, *moving])
        else:
            self.restart(clock, *(mob for mob in clock.mobjects if mob in self.mobjects))
            if back := [a for v in self.views for a in v.turn(1.0, degrees=options.orbit, start=1.0, end=0.0)]:
                self.play(*back)
        self.stand(self.seconds(UNTRAINED))
        self.add(*self.late)
        self.play_run(clock)
        shown = [*ground, *moving]
        if (way := generation(run)) is not None:
            shown = self.generate(way, boxes, shown)
        if not images and len(run.target):
            self.beside_the_data(boxes, shown)
        self.outro()

    def has_pairs(self) -> bool:
        """Whether pairs were recorded that can be shown among the data."""
        run = self.run
        return "pair_guess" in run and len(run.event) == 1 and run["pair_x0"].shape[1:] == run.target.shape[1:]

    def one_pair(self, boxes: Boxes, clock: Clock, shown: list[Any]) -> None:
        """What training does with one pair of data and noise; then the clock's beginning, in place of all `shown`."""
        act = self.act = PairAct(self, boxes, self.stage, self.data, self.options.points)
        stays = [*self.standing, self.data]
        gone = [mob for mob in shown if mob in self.mobjects and mob not in stays]
        self.next_act("pair")
        left = act.play([*gone, *self.opening])
        self.opening = []
        clock.show(0)
        self.next_act("run")
        act.leave(left, gone)

    def generate(self, way: Trajectory, boxes: Boxes, shown: list[Any]) -> list[Any]:
        """The trained network at work, in place of what is `shown`; what stands then."""
        view = self.view(self.run.target, self.room(boxes), reach=REACH, haze=self.theme.panel)
        few = {"points": self.options.points, "heroes": self.options.heroes}
        act = self.generating = GenerationAct(self, way, boxes, view, self.stamp, **few)
        self.next_act("generation")
        left = act.play([mob for mob in shown if mob not in self.standing])
        self.next_act("result")
        return [*self.standing, *left, act.samples]

    def beside_the_data(self, boxes: Boxes, gone: list[Any]) -> None:
        """The last samples leave the data that they lie among: both as large as fits, with their distance."""
        run, options = self.run, self.options
        shown = run.states[-1][: options.points]
        two = BesideData.boxes(self.page, self.stage.in_the_end(run.target))
        view, left, right = (self.view(run.target, box, reach=0.86) for box in (self.room(boxes), two.left, two.right))
        self.look(1)
        view.cloud(shown, color=self.theme.samples, radius=point_radius(options.points, 24), alpha=SAMPLES)
        beside = BesideData(self.page, run, left, right, two, points=options.points, name="generated")
        caption = self.caption("model", beside.meant, "seed")
        self.play(FadeOutFast(*gone, run_time=0.3), FadeInFast(*view.made, run_time=0.3))  # at rest: no double
        beside.move_first(self, view, self.seconds(MOVE_SECONDS))
        beside.play(self, view, [], caption)

    def room(self, boxes: Boxes) -> Box:
        """What of the panel is for points: what is said in it stands over and under them."""
        return boxes.panel.inset(0.0, SAID_ROOM * self.page.em("legend"))

    def images(self, boxes: Boxes, clock: Clock) -> tuple[list[Any], list[Any]]:
        """Samples as a grid, one of them at several moments: what stands, and what moves."""
        learning = LearningImages(self.page, self.run, boxes, clock)
        note = self.legend([(key_line(self.theme.samples), 0.4, "one noise, at several moments")], boxes.key)
        return [note], learning.mobjects

    def cloud(self, boxes: Boxes, clock: Clock) -> tuple[list[Any], list[Any]]:
        """The samples among the data, some of them followed, and stamps: what stands, and what moves."""
        run, page, theme, options = self.run, self.page, self.theme, self.options
        shots, steps = run["snapshot"], np.asarray(run["snapshot_step"])
        view = self.view(run.target, self.room(boxes), reach=REACH, haze=theme.panel)
        radius, few = point_radius(options.points, 16), options.points
        self.stage, self.data = view, view.cloud(run.target[:few], color=theme.data, radius=radius, alpha=DATA)
        same: dict[str, Any] = {"radius": SMALLER * radius, "alpha": SAMPLES, "ring": theme.panel}
        clock.bind(view.cloud(shots[:, :few], color=theme.samples, **same))  # ringed: seen apart from the data
        heroes = [Hero(view, shots, theme=theme, chain=k, length=TAIL) for k in range(options.heroes)]
        for hero in heroes:
            clock.bind(hero)

        # stamps: what it could do at some moments
        tiles = [round(clock.timeline.step(course)) for course in np.linspace(0, 1, len(boxes.tiles))]
        shown = [
            mob for box, shot in zip(boxes.tiles, tiles, strict=True) for mob in self.stamp(box, shots, shot, clock)
        ]
        names = tile_names(page, boxes.tiles, boxes.tile_names, [f"{steps[shot]:,}" for shot in tiles], "step ")

        edge = [frame(boxes.panel, theme.border).set_z_index(view.made[-1].z_index + 1)]
        edge += [scale_bar(view, page, boxes.panel, under=theme.panel).set_z_index(9)] if view.dims == 2 else []
        self.standing = [panel(boxes.panel, theme), *edge, *view.cage]
        few_data, least = run.target[:few], at_least(run)
        count = stray_count(page, clock, shots[:, :few], few_data, boxes.panel, least) if len(few_data) > 1 else []
        self.late = count[-1:]  # the first picture says that it is the result
        ground = [*self.standing, *count, self.legend(self.keys(), boxes.key), *names, *shown]
        return ground, list(view.made)

    def stamp(self, box: Box, states: np.ndarray, shot: int, clock: Clock) -> list[Any]:
        """One of some states (T+1, N, D) on a tile, once the clock has come to it."""
        states = states[shot][: self.options.points]
        view = self.view(self.run.target, box, reach=0.86)
        self.views.remove(view)
        cloud = view.cloud(states, color=self.theme.samples, radius=point_radius(len(states), 0.5 * box.width**2))
        clock.bind(lambda k: [m.set_fill(opacity=float(k >= shot)) for m in view.made], moves=[cloud])
        return [panel(box, self.theme), *view.made]

    def keys(self) -> list[Any]:
        """What the marks mean."""
        theme, wide = self.theme, self.page.shape == "wide"
        items: list[Any] = [
            (key_dot(theme.data, alpha=DATA), KEY_DOT_WIDTH, "data"),
            (key_dot(theme.samples, alpha=SAMPLES), KEY_DOT_WIDTH, "from the network" if wide else "generated"),
        ]
        followed = (key_path(theme.fg), 0.4, f"{self.options.heroes} of them")
        return [*items, followed] if self.options.heroes else items
