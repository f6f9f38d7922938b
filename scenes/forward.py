"""The forward process: data dissolve into noise, and what is left of them falls with log-SNR."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from manim import VMobject
from pydantic import Field

from diffrender.animation import (
    HAIR,
    KEY_DOT_WIDTH,
    Axes,
    Course,
    Curve,
    ImageTiles,
    Number,
    Plane,
    PlayTrajectory,
    Recording,
    Rect,
    RenderError,
    SceneOptions,
    Space,
    TrajectoryScene,
    UpdateFromAlpha,
    around,
    captions,
    frame,
    image_grid,
    image_values,
    key_dot,
    legend,
    line,
    linear,
    panel,
    path_length,
    point_radius,
    ticked,
    tile_steps,
)

TILES = 11
CAP = 10.0  # log-SNR is infinite for clean data: its curve is cut here, and the ticks say so; the number is not
SHARE = {2: 0.6, 3: 0.85}  # of a panel's half width that data, or the box round them, fill: noise needs the rest
TILE_POINTS = 500


@dataclass(frozen=True)
class Layout:
    """Where things go in one shape of frame: boxes, and baselines."""

    cloud: Rect
    key: tuple[float, float, int]
    snr: Rect  # axes of log-SNR, its name above
    bar: Rect  # axes of ᾱ
    rows: tuple[int, ...]  # tiles in each row
    size: float  # of a tile
    gap: float
    bottoms: tuple[float, ...]  # of each row


LAYOUTS = {
    "wide": Layout(
        cloud=(-6.61, -0.35, -1.1, 2.45), key=(-6.61, -1.55, -1), snr=(0.95, 6.61, 0.92, 2.0),
        bar=(0.95, 6.61, -1.1, -0.02), rows=(11,), size=1.07, gap=0.145, bottoms=(-2.95,),
    ),
    "square": Layout(
        cloud=(-3.5, -0.2, -0.95, 2.1), key=(0.0, -1.36, 0), snr=(0.75, 3.5, 0.78, 1.7),
        bar=(0.75, 3.5, -0.95, -0.03), rows=(11,), size=0.57, gap=0.073, bottoms=(-2.3,),
    ),
    "tall": Layout(
        cloud=(-3.5, 3.5, 0.75, 4.75), key=(0.0, 0.12, 0), snr=(-2.55, 0.28, -2.2, -1.0), bar=(1.2, 3.5, -2.2, -1.0),
        rows=(6, 5), size=1.0, gap=0.2, bottoms=(-3.5, -5.08),
    ),
}  # fmt: skip


class Forward(TrajectoryScene):
    """Data dissolve into noise, step by recorded step of the Markov chain."""

    default_config = "spiral"
    shows = ("plane", "space", "images")
    needs = {
        "run": Recording(
            "forward",
            {"sampler.steps": 200, "record.keep": []},
            fixed={"sampler.kind": "forward"},
        )
    }

    class Options(SceneOptions):
        """Options of `forward`."""

        duration: float = Field(10.0, gt=0, le=600, description="seconds from data to noise")
        orbit: float = Field(120.0, ge=-3600, le=3600, description="degrees that the camera turns, in space")

    def construct(self) -> None:
        """The data, then the whole way at constant speed in the schedule's time, then the noise."""
        run, page, theme, options = self.trajectories["run"], self.page, self.theme, self.options
        if len(run.event) == 3:
            self.images_dissolve()
            return
        if len(run.event) != 1 or run.event[0] not in (2, 3):
            raise RenderError(f"{run.file}: forward shows states in the plane or in space, not of shape {run.event}.")
        place, seconds, timeline = LAYOUTS[page.shape], options.duration, linear(run.steps)
        self.states = run.states
        view = self.field_view(place.cloud)
        view.cloud(self.states[0], color=theme.data, radius=0.018, alpha=0.5)
        cloud = view.cloud(self.states, color=theme.samples, radius=point_radius(run.chains, 12), alpha=0.8)
        edge = frame(place.cloud, theme.border).set_z_index(view.made[-1].z_index + 1)

        course = Course(page, run, timeline)
        items: list[Any] = [captions.sampler(run), course.step, "fresh noise each step"]
        items += [f"{run.chains:,} points"] if page.shape != "tall" else []
        caption = page.caption(*(item for item in [*items, captions.scaling(run), captions.seed(run)] if item))
        names = (key_dot(theme.samples), KEY_DOT_WIDTH, "$x_t$"), (key_dot(theme.data), KEY_DOT_WIDTH, "data $x_0$")
        key = legend(names, *place.key[:2], page.em("legend"), theme, align=place.key[2], gap=0.6)
        self.furniture: list[VMobject] = [panel(place.cloud, theme), caption, key]
        self.moving: list[Any] = []
        self.numbers: list[tuple[Number, np.ndarray]] = []
        self.curves(place)
        self.tiles(place)

        def show(u: float) -> None:
            self.show_step(timeline.step(u))

        def count(u: float) -> None:
            now = int(timeline.step(ticked(u, seconds)))
            for number, values in self.numbers:
                number.set_value(float(values[now]))

        show(0)
        count(0)
        course.show(0)
        values = [number for number, _ in self.numbers]
        ground = [*self.furniture, *values, *view.made, edge, *self.moving]
        self.intro(page.title("Data dissolve into noise"), self.equation(), ground=ground)
        self.play(
            PlayTrajectory(cloud, timeline=timeline, run_time=seconds),
            *view.turning(seconds, options.orbit),
            UpdateFromAlpha(show, *self.moving, run_time=seconds),
            UpdateFromAlpha(count, *values, run_time=seconds),
            *course.drives(seconds),
        )
        for turn in view.coming_to_rest(3.0, options.orbit / seconds):
            self.play(turn)
        self.outro()

    def images_dissolve(self) -> None:
        """Images of the data, a strip of one of them, and log-SNR and ᾱ with the present on them."""
        run, page, theme = self.run, self.page, self.theme
        boxes = self.arrange("panel over tiles", tiles=12 if page.shape == "tall" else TILES)
        values, clock = image_values(run), self.clock(run, timeline=path_length(run.states[:, :16], even=0.2))
        rows = 2 if page.shape == "wide" else 3
        cols = max(min(int(rows * boxes.panel.width / boxes.panel.height), run.chains // rows), 1)
        grid = image_grid(values, boxes.panel, theme=theme, rows=rows, cols=cols, chains=list(range(rows * cols)))
        steps = tile_steps(path_length(run.states[:, [0]], even=0.1), len(boxes.tiles))
        names = [f"{'$t =$ ' * (k == 0)}{run['time'][step]:.2g}" for k, step in enumerate(steps)]
        tiles = ImageTiles(page, values, steps, boxes.tiles, names=names, name_boxes=boxes.tile_names)
        numbers = clock.number("$x_t =$ {:.3f} $x_0 +$ {:.3f} $epsilon$", run["alpha"], run["sigma"], size="label")
        x, y, align = page.foot(boxes.key)
        numbers.at(x, y, align)
        clock.bind(grid, tiles)

        tall, wide, cut = page.shape == "tall", page.shape == "wide", f", cut at ± {CAP:g}"
        upper, lower = boxes.side.columns(1, 1, gap=0.5) if tall else boxes.side.rows(1, 1, gap=0.2)
        time = np.asarray(run["time"], float)
        with np.errstate(divide="ignore"):
            snr = np.clip(2 * (np.log(run["alpha"]) - np.log(run["sigma"])), -CAP, CAP)
        curves: list[Any] = []
        ground: list[Any] = [*tiles.names, *tiles.grounds]
        for box, figure, ends, name, color in (
            (upper, snr, (-CAP, 0.0, CAP), f"log-SNR{cut * wide}", theme.fg),
            (lower, np.asarray(run["alpha"]) ** 2, (0.0, 0.5, 1.0), "$macron(alpha)_t$", theme.data),
        ):
            span = float(time[0]), float(time[-1])
            axes = Axes(page, box, x=span, y=ends[::2], y_ticks=ends, x_ticks=(), y_name=name)
            curves.append(axes.curve(time, figure, color=color, future=theme.grid, ring=theme.bg))
            ground += axes.mobjects
        clock.bind(*curves)
        caption = self.caption(
            "sampler", "fresh noise each step" if wide else f"log-SNR{cut}", "scaling", "seed", "step"
        )
        clock.show(0)
        header = self.header("Data dissolve into noise", self.equation())
        self.intro(*header, ground=[*ground, caption, numbers, *curves, *tiles.mobjects, grid])
        self.play_run(clock)
        self.outro()

    def equation(self) -> Any:
        """What x_t is, given x_0: with ᾱ where the variance is kept."""
        run = self.trajectories["run"]
        kept = np.allclose(run["alpha"] ** 2 + run["sigma"] ** 2, 1, atol=1e-4)
        data, noise = ("sqrt(macron(alpha)_t)", "sqrt(1 - macron(alpha)_t)") if kept else ("alpha_t", "sigma_t")
        source = f"x_t = {{{{{data} thin x_0 : data}}}} + {{{{{noise} thin epsilon : noise}}}}"
        return self.page.equation(source, data="data", noise="noise")

    def field_view(self, rect: Rect) -> Plane | Space:
        """Data round the middle of a panel, with room for the noise."""
        (a, b, c, d), data = rect, self.states[0]
        share = SHARE[data.shape[1]]
        reach = (share * (b - a) / 2, share * (d - c) / 2)
        return around(data, rect, ((a + b) / 2, (c + d) / 2), reach, self.theme, self.theme.panel)

    def curves(self, place: Layout) -> None:
        """log-SNR and ᾱ over time, each with its name, its value now and three lines."""
        run = self.trajectories["run"]
        with np.errstate(divide="ignore"):
            snr = 2 * (np.log(run["alpha"]) - np.log(run["sigma"]))
        name = "$macron(alpha)_t$" if self.page.shape == "tall" else "$macron(alpha)_t = alpha_t^2$"
        self.curve(place.snr, snr, {-CAP: f"≤ −{CAP:g}", 0: "0", CAP: f"≥ {CAP:g}"}, "log-SNR", "+.1f", self.theme.fg)
        self.curve(
            place.bar,
            run["alpha"] ** 2,
            {0: "0", 0.5: "0.5", 1: "1"},
            name,
            ".3f",
            self.theme.data,
        )

    def curve(self, axes: Rect, y: np.ndarray, ticks: dict[float, str], name: str, spec: str, color: str) -> None:
        """One curve and what stands round it."""
        page, theme, time = self.page, self.theme, np.asarray(self.trajectories["run"]["time"])
        low, high = min(ticks), max(ticks)
        pad = 0.06 * (high - low)
        box = (float(time[0]), float(time[-1]), low - pad, high + pad)
        drawn = Curve(box, axes, time, np.clip(y, low, high), color=color, future=theme.grid, ring=theme.bg)
        em = page.em("legend")
        for tick, text in ticks.items():
            height = drawn.to_scene(np.array([box[0], tick]))[1]
            self.furniture.append(line([(axes[0], height), (axes[1], height)], theme.grid, HAIR))
            self.furniture.append(page.label(text, axes[0] - 0.14, height - 0.3 * em, 1, "legend", "muted"))
        above = axes[3] + 0.16
        self.furniture.append(page.label(name, axes[0], above, size="legend"))
        number = Number(spec, low if low < 0 else high, em=em, color=color)
        self.numbers.append((number.at(axes[1] - number.room, above), y))
        self.moving.append(drawn.set_z_index(1))

    def tiles(self, place: Layout) -> None:
        """The cloud at evenly spaced recorded steps, each shown once the run has come to it; a frame round the last."""
        page, theme, run = self.page, self.theme, self.trajectories["run"]
        self.tile_steps = np.rint(np.linspace(0, run.steps, TILES)).astype(int)
        self.tile_marks: list[list[Any]] = []
        rects = [
            (x, x + place.size, bottom, bottom + place.size)
            for count, bottom in zip(place.rows, place.bottoms, strict=True)
            for x in -page.frame.x + (place.size + place.gap) * np.arange(count)
        ]
        few = slice(None, None, -(-run.chains // TILE_POINTS))
        size = point_radius(len(self.states[0][few]), 0.5 * place.size**2)
        for rect, step in zip(rects, self.tile_steps, strict=True):
            view = self.field_view(rect)
            view.cloud(self.states[step][few], color=theme.samples, radius=size, alpha=0.9)
            self.tile_marks.append(view.made)
            self.moving += view.made
            self.furniture.append(panel(rect, theme))
            time = f"{run['time'][step]:.1f}".removesuffix(".0")
            middle = (rect[0] + rect[1]) / 2
            self.furniture.append(page.label(time, middle, rect[2] - 1.15 * page.em("floor"), 0, "floor", "muted"))
        self.marker = frame(rects[0], theme.samples, 0.035).set_z_index(9)
        self.tile_places = [np.array([(r[0] + r[1]) / 2, (r[2] + r[3]) / 2, 0.0]) for r in rects]
        self.moving.append(self.marker)

    def show_step(self, step: float) -> None:
        """Curves, tiles and the marker at a recorded step."""
        now = int(np.searchsorted(self.tile_steps, step, side="right")) - 1
        for mob in self.moving:
            if isinstance(mob, Curve):
                mob.show_step(step)
        for k, made in enumerate(self.tile_marks):
            for mob in made:
                mob.set_fill(opacity=1.0 if k <= now else 0.0)
        self.marker.move_to(self.tile_places[now])
