"""The forward process: data dissolve into noise, point by point, and what is left of them falls with log-SNR."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import numpy as np
from pydantic import Field

from diffrender.animation import (
    LINE,
    BesideBell,
    Box,
    Boxes,
    Clock,
    CloudTiles,
    FadeOutFast,
    ForwardStep,
    Hero,
    ImageTiles,
    Recording,
    SceneOptions,
    ScheduleColumn,
    TrajectoryScene,
    beside_marginals,
    even_steps,
    evenly_in,
    forward_equation,
    forward_keys,
    frame,
    image_grid,
    image_values,
    landing,
    log_snr_of,
    marginals,
    one_step,
    panel,
    point_radius,
    scale_bar,
    steps_of,
    told_step,
    towards_the_bell,
    turned,
    variance_kept,
)

SPACING = "trailing"  # step k of T is t = k / T
TILES = {"wide": 7, "classic": 5, "square": 11, "tall": 6}
OF_IMAGES = TILES | {"tall": 12}  # a cloud needs the room of a second row
VISIBLE = (-7.0, 5.5)  # log-SNR: outside nothing can be seen to change from tile to tile
REACH = {2: 0.62, 3: 0.9}  # of a panel that data, or the box round them, fill: noise needs the rest
DATA, CLOUD = 0.017, 0.75  # radius of points of x_0; opacity of points
SETTLED = 0.5  # seconds that the last state stands before it is compared
BAR = 0.25  # of a panel that its scale bar is long, at most: so it is the same one as at the end
TAIL, OWN_TAIL = 12, 4  # steps that tails are long, and that of the point that is followed,
HERO = 0.1  # with its radius: it is found among so many
EVEN, EVEN_SECONDS = 0.4, 1.0  # |log-SNR| at a step that counts as where it is 0, and how long that stands
QUESTION, ASKED = "Where does the shape go?|Where does it go?", 0.2  # asked at first; seconds in which that goes
LAST, NEARLY = 0.04, 0.1  # of the way, for a last step that leaves so small a part of the state before it
ALL_NOISE = "the last step, nearly all fresh noise: {0}|last step: nearly all noise|last step: noise"
WEIGH = "data and noise weigh the same|as much noise as data|SNR = 1"


class Forward(TrajectoryScene):
    """Data dissolve into noise, step by recorded step of the Markov chain, until the normal distribution is reached."""

    default_config = "spiral"
    shows = ("plane", "space", "images")
    needs = {
        "run": Recording(
            "forward",
            {"sampler.steps": 60, "sampler.timestep_spacing": SPACING, "record.keep": []},
            fixed={"sampler.kind": "forward"},
        )
    }

    class Options(SceneOptions):
        """Options of `forward`."""

        duration: float = Field(10.0, gt=0, le=600, description="seconds from data to noise")
        interpolate: bool = Field(True, description="of points, also states between two recorded")
        hero: bool = Field(True, description="follow one of the points")
        halts: bool = Field(
            True, description="stand for one step of that point, taken apart, and where there is as much noise as data"
        )
        compare: Literal["linear", "scaled_linear", "cosine"] | None = Field(
            None, description="another schedule, whose curve is drawn dashed"
        )

    def construct(self) -> None:
        """The data; then the whole way, paced by what can be seen to change; then they stand beside the normal law."""
        pictures = len(self.run.event) == 3
        if pictures and "interpolate" not in self.options.model_fields_set:
            self.options = self.options.model_copy(update={"interpolate": False})  # between two is a third's mean
        run, page, theme, options = self.run, self.page, self.theme, self.options
        tiles, under = (OF_IMAGES, 0.46) if pictures else (TILES, 0.38)
        keys: dict[str, Any] = {"key_lines": 1, "key_rows": 0 if pictures else 2, "key_last": True}
        boxes = self.arrange("panel beside tiles", tiles=tiles[page.shape], under=under, **keys)
        alpha, sigma = (np.asarray(run[key], float) for key in ("alpha", "sigma"))
        self.kept = variance_kept(alpha, sigma)
        self.noise = sigma**2 / (alpha**2 + sigma**2)  # its share
        self.tints = [turned(theme.data, theme.samples, float(share)) for share in self.noise]
        self.deviation = float(sigma[-1] / run.scale[-1])  # of what is left when the data are gone
        steps = even_steps(seen := np.clip(log_snr_of(run), *VISIBLE), len(boxes.tiles))
        self.times = [f"{run['time'][step]:.2f}" for step in steps]
        self.leaping: list[Any] = []
        between, self.states = options.interpolate, run.states[:, : options.points]
        pace = (
            evenly_in(seen, name="log-SNR", interpolate=between)
            if pictures
            else towards_the_bell(run.states, self.deviation, seen, interpolate=between)
        )
        self.leap = between and not pictures and steps_of(run)[0][-1] < NEARLY
        clock = self.clock(run, timeline=landing(pace, LAST) if self.leap else pace)
        ground, moving = (self.images if pictures else self.cloud)(clock, boxes, steps)
        beside = page.shape in ("wide", "classic")  # the tiles lie under the plot
        named = (run["time"][steps].tolist(), boxes.tile_names) if beside else None
        column = ScheduleColumn(clock, boxes.side, compare=options.compare, tiles=named)
        other = f"dashed: {options.compare} by its formula".replace("_", " ") if options.compare else ""
        caption = self.caption("sampler", "step", "points" * (not pictures), "scaling", other, "seed")
        clock.show(0)
        self.look(0)
        ground += [*column.standing, *column.mobjects, *moving, caption]
        asked = [] if pictures else [page.tag(QUESTION, self.stage.rect, room=0.9)]
        self.intro(*self.header("Data dissolve into noise", forward_equation(run)), ground=[*ground, *asked])
        if asked:
            self.play(FadeOutFast(*asked, run_time=self.seconds(ASKED)))
        self.the_way(clock, boxes, [mob for mob in ground if mob is not caption])
        if not pictures:
            self.stand(self.seconds(SETTLED))
            self.beside_the_bell([*(mob for mob in ground if mob is not caption), *self.leaping])
        self.outro()

    def the_way(self, clock: Clock, boxes: Boxes, ground: list[Any]) -> None:
        """From data to noise, with a halt for one step, and one where there is as much noise as data."""
        run, seconds = self.run, self.options.duration
        halts: list[tuple[int, int, Callable[[], None]]] = []  # a step, the one that stands after the halt, the halt
        if self.options.halts and self.hero is not None and self.stage.dims == 2:  # in space the step is not seen
            way = self.hero.states[:, 0]
            if (step := told_step(run, way)) is not None:
                halts.append((step, step + 1, partial(self.one_step, boxes, way, step, ground)))
        off = np.abs(log_snr_of(run))
        if self.options.halts and off.min() < EVEN:
            halts.append((even := int(off.argmin()), even, self.equal_weights))
        halts += [(run.steps - 2, run.steps - 2, self.last_step)] if self.leap else []
        before = 0.0
        for step, after, halt in sorted(halts, key=lambda each: each[0]):
            if (at := clock.timeline.course(step)) > before:
                self.play_run(clock, seconds * (at - before), start=before, end=at)
            clock.show_step(step)
            halt()
            clock.show_step(after)
            before = max(clock.timeline.course(after), before)
        if before < 1:
            self.play_run(clock, seconds * (1 - before), start=before)

    def one_step(self, boxes: Boxes, way: np.ndarray, step: int, ground: list[Any]) -> None:
        """The step of the followed point, taken apart in a close-up."""
        view, hero = self.stage, self.hero
        assert hero is not None
        low, high, large = min(box.bottom for box in boxes.tiles), boxes.side.top, boxes.panel
        box = Box(boxes.side.left, boxes.side.right, low, high)
        if self.page.shape in ("wide", "classic"):
            large, box = Box(large.left, box.right, large.bottom, large.top).columns(0.55, 0.45, gap=0.5)
        told = ForwardStep(self, view, way, step, large, box)
        gone = [mob for mob in ground if mob not in view.made]
        others = [mob for mob in view.made if mob not in hero.mobjects]
        told.play(gone, others, hero.path, lambda u: hero.point.show_step(step + u))

    def last_step(self) -> None:
        """From shortly before it to the end it is said that the last step leaves next to nothing of a state."""
        told = f"${' + '.join(one_step(self.run, self.run.steps - 1))}$"
        self.leaping = [self.page.tag(ALL_NOISE, self.stage.rect, told, room=0.9)]
        self.add(*self.leaping)

    def equal_weights(self) -> None:
        """A halt where the data and the noise weigh the same."""
        tags = [] if len(self.run.event) == 3 else [self.page.tag(WEIGH, self.stage.rect, room=0.9)]
        self.add(*tags)
        self.stand(self.seconds(EVEN_SECONDS))
        self.remove(*tags)

    def beside_the_bell(self, gone: list[Any]) -> None:
        """What the data have become, beside draws of the normal distribution: they cannot be told apart."""
        boxes, last = self.arrange("two panels", lines=2), np.asarray(self.states[len(self.states) - 1])
        dims = last.shape[1]
        stages = [beside_marginals(box, dims) for box in (boxes.left, boxes.right)]
        views = [self.view(last, s, reach=1.0, noise=self.deviation, haze=self.theme.panel) for s in stages]
        view = self.lay()
        view.leaves = True
        self.look(1)
        share, left = 1 - float(self.noise[-1]), float(self.run["alpha"][-1] / self.run.scale[-1])
        beside = BesideBell(
            self.page, last, views, boxes, self.deviation, time=float(self.run["time"][-1]), share=share, left=left
        )
        beside.draw(view, last, self.theme.samples)
        self.add(*view.made)
        self.remove(self.points)  # in whose place it stands
        beside.play(self, view, [mob for mob in gone if mob is not self.points], frame=self.frame)

    def cloud(self, clock: Clock, boxes: Boxes, steps: list[int]) -> tuple[list[Any], list[Any]]:
        """Points over what is left of the data, a followed one, marginals, tiles: what stands, and what moves."""
        states, theme, options = self.states, self.theme, self.options
        stage, reach = beside_marginals(boxes.panel, states.shape[2]), REACH[states.shape[2]]
        self.lay = partial(self.view, states[0], stage, reach=reach, noise=self.deviation, haze=theme.panel)
        view = self.lay()
        view.leaves = True
        left = np.asarray(self.run["alpha"], float) / np.asarray(self.run.scale, float)  # α, of states as shown
        rest = (left[:, None, None] * np.asarray(states[0], float)).astype(np.float32)
        origin = view.cloud(rest, color=theme.data, radius=DATA, alpha=CLOUD)
        cloud = view.cloud(states, color=theme.data, radius=point_radius(states.shape[1], 12), alpha=CLOUD)
        self.points = cloud
        clock.bind(cloud, lambda step: cloud.set_fill(self.tints[int(step)]))
        fades = np.sqrt(1 - self.noise)  # as its part of x_t does
        clock.bind(lambda step: origin.set_fill(opacity=fades[int(step)]), moves=[origin])
        clock.bind(origin)
        same: dict[str, Any] = {"colors": self.tints}
        if options.trails:
            tails: dict[str, Any] = {"color": theme.fg, "width": LINE, "alpha": 0.6, "length": TAIL}
            clock.bind(view.trails(states[:, : options.trails], **tails))
        self.stage = view
        self.hero = hero = Hero(view, states, theme=theme, length=OWN_TAIL, radius=HERO) if options.hero else None
        if hero:
            clock.bind(hero)
            same |= {"hero": hero.chain}
        edges = marginals(view, states, stage, deviation=self.deviation, theme=theme, colors=self.tints)
        same |= {"prefix": "$t =$ ", "reach": reach, "noise": self.deviation, "names": self.times}
        tiles = CloudTiles(self.page, states, steps, boxes.tiles, boxes.tile_names, **same)
        clock.bind(*edges, tiles)
        keys = forward_keys(self.page, boxes.key.width, hero=bool(hero), kept=self.kept, deviation=self.deviation)
        ground = [panel(stage, theme), *tiles.names, *tiles.grounds, self.legend(keys, boxes.key)]
        self.frame = [ground[0], frame(stage, theme.border).set_z_index(8)]
        if view.dims == 2:
            self.frame.append(scale_bar(view, self.page, stage, share=BAR, under=theme.panel).set_z_index(9))
        ground += self.frame[1:]
        return ground, [*view.made, *(mob for edge in edges for mob in edge.mobjects), *tiles.mobjects]

    def images(self, clock: Clock, boxes: Boxes, steps: list[int]) -> tuple[list[Any], list[Any]]:
        """Images of the data as a grid, and one of them in tiles."""
        self.hero = None
        values, rows = image_values(self.run), 2 if self.page.shape == "wide" else 3
        cols = max(min(round(rows * boxes.panel.width / boxes.panel.height), self.run.chains // rows), 1)
        chosen = list(range(rows * cols))
        grid = image_grid(values, boxes.panel, theme=self.theme, rows=rows, cols=cols, chains=chosen)
        names = [f"{'$t =$ ' * (k == 0)}{name}" for k, name in enumerate(self.times)]
        tiles = ImageTiles(self.page, values, steps, boxes.tiles, names=names, name_boxes=boxes.tile_names)
        clock.bind(grid, tiles)
        return [*tiles.names, *tiles.grounds], [*tiles.mobjects, grid]
