"""The vector field that carries noise to data, over time, with particles riding it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from manim import VGroup, VMobject
from pydantic import Field

from diffrender.animation import (
    KEY_DOT_WIDTH,
    LINE,
    Course,
    Plane,
    PlayTrajectory,
    Recording,
    Rect,
    RenderError,
    SceneOptions,
    Space,
    Streamlines,
    TrajectoryScene,
    around,
    captions,
    fitted,
    frame,
    key_dot,
    key_line,
    legend,
    nearness,
    panel,
    path_length,
)

ROOT = 0.5  # length and colour follow this power of the magnitude: a flow spans two decades
FAINTEST = {2: 0.18, 3: 0.0}  # opacity of arrows where nothing is carried: in space they would hide what is behind
LENGTH = {2: 0.9, 3: 0.6}  # of the longest arrow, in steps of the grid
NEAR = {2: (1.0, 0.05), 3: (0.6, 0.3)}  # cells over which chains are counted, and which part of the most is plenty
UNSEEN = 0.06  # a fainter arrow is not drawn at all
CONES = 10  # along each axis of space, at most


@dataclass(frozen=True)
class Layout:
    """Where things go in one shape of frame: boxes, and baselines (x, y)."""

    rect: Rect
    name: tuple[float, float, int]
    bar: Rect
    key: tuple[float, float]
    sigma: tuple[float, float, int]


LAYOUTS = {
    "wide": Layout(
        (-6.61, 1.72, -3.05, 2.45), (2.22, 2.2, -1), (2.22, 2.46, -0.55, 1.75), (2.22, -1.25), (2.22, -2.6, -1)
    ),
    "square": Layout(
        (-2.55, 2.55, -1.35, 2.05), (-3.5, -2.2, -1), (-2.2, 1.0, -2.2, -1.98), (0.0, -1.8), (3.5, -2.2, 1)
    ),
    "tall": Layout((-3.5, 3.5, -2.6, 4.5), (-3.5, -3.95, -1), (-2.1, 0.9, -3.95, -3.65), (0.0, -3.25), (3.5, -3.95, 1)),
}


class Drift(TrajectoryScene):
    """The flow from noise to data as arrows or streamlines in one fixed scale, with particles carried by it."""

    default_config = "spiral"
    shows = ("plane", "space")
    needs = {
        "flow": Recording(
            "reverse",
            {"sampler.kind": "ddim", "sampler.chains": 2000, "record.fields": ["velocity"], "record.keep": []},
        )
    }

    class Options(SceneOptions):
        """Options of `drift`."""

        style: Literal["arrows", "streamlines"] = Field("arrows", description="in space always arrows (cones)")
        duration: float = Field(10.0, gt=0, le=600, description="seconds from noise to data")
        particles: int = Field(250, ge=0, le=20000)
        trail_steps: int = Field(20, ge=1, le=500)
        orbit: float = Field(120.0, ge=-3600, le=3600, description="degrees that the camera turns, in space")

    def construct(self) -> None:
        """The field at the noisiest level, then the whole way at the speed at which things move, then the end."""
        run, page, theme, options = self.trajectories["flow"], self.page, self.theme, self.options
        place = LAYOUTS[page.shape]
        self.read_field()
        view = self.field_view(place.rect)
        states = run["x"][:, : options.particles]
        view.cloud(run.target, color=theme.data, radius=0.014, alpha=theme.faint * 0.65)
        field = self.field(view)
        tails = view.trails(
            states, color=theme.samples, width=LINE, alpha=0.9, length=options.trail_steps, casing=theme.panel
        )
        riders = view.cloud(states, color=theme.samples, radius=0.046, alpha=1.0, ring=theme.panel)
        lines = isinstance(field, Streamlines)
        near = nearness(run["x"], self.axes, *NEAR[view.dims], UNSEEN)
        fading = field if lines else Faded(field, near, FAINTEST[view.dims])

        title = page.title("Probability flow")
        equation = page.equation(
            'class("unary", -) dot(x) = 1\\/2 thin g_t^2 thin {{nabla log p_t (x) : score}} - f_t (x)', score="score"
        )
        timeline, seconds = path_length(run["x"]), options.duration
        course = Course(page, run, timeline)
        scale = "colour: square root, lines of one length" if lines else "length and colour: square root"
        items: list[Any] = [captions.sampler(run), course.step, scale, captions.seed(run), captions.model(run)]
        if not lines:
            items.insert(-2, "faint far from particles" if view.dims == 2 else "cones near chains only")
        caption = page.caption(*(item for item in items if item))
        edge = frame(place.rect, theme.border).set_z_index(view.made[-1].z_index + 1)
        sigma = course.sigma(*place.sigma[:2], 0.46, place.sigma[2])

        course.show(0)
        fading.show_step(0)
        ground = [panel(place.rect, theme), caption, *self.column(place), sigma, *view.made, edge]
        self.intro(title, equation, ground=ground)
        self.play(
            PlayTrajectory(fading, field, tails, riders, timeline=timeline, run_time=seconds),
            *view.turning(seconds, options.orbit),
            *course.drives(seconds),
        )
        for turn in view.coming_to_rest(3.0, options.orbit / seconds):
            self.play(turn)
        self.outro()

    def read_field(self) -> None:
        """The recorded velocities and their places, and the scale that they are shown in: `way`, `nodes`, `vmax`."""
        run = self.trajectories["flow"]
        if len(run.event) != 1 or run.event[0] not in (2, 3):
            raise RenderError(f"{run.file}: drift shows states in the plane or in space, not of shape {run.event}.")
        axes = "xyz"[: run.event[0]]
        run.require("field_velocity", *(f"grid_{d}" for d in axes))
        self.axes = [run[f"grid_{d}"] for d in axes]
        stride = -(-max(map(len, self.axes)) // CONES) if len(axes) == 3 else 1
        self.axes = [axis[::stride] for axis in self.axes]
        mesh = np.meshgrid(*self.axes[::-1], indexing="ij")  # y, x or z, y, x: as fields are recorded
        self.nodes = np.stack(mesh[::-1], axis=-1)
        field = run["field_velocity"][(slice(None), *[slice(None, None, stride)] * len(axes))]
        self.way = -np.asarray(field)  # recorded per unit of time, and time falls on the way to the data
        self.vmax = float(np.quantile(np.linalg.norm(self.way, axis=-1), 0.85)) or 1.0

    def field_view(self, rect: Rect) -> Plane | Space:
        """As much of the probed plane as has the panel's shape; of space, what is round the data."""
        run, (a, b, c, d) = self.trajectories["flow"], rect
        if len(self.axes) == 2:
            half = [(g[1] - g[0]) / 2 for g in self.axes]
            ends = [end for g, h in zip(self.axes, half, strict=True) for end in (g[0] - h, g[-1] + h)]
            return Plane(fitted(tuple(ends), rect), rect)
        data = run.target
        reach = (0.43 * (b - a), 0.43 * (d - c))
        center = ((a + b) / 2, (c + d) / 2)
        return around(data if len(data) else run["x"][-1], rect, center, reach, self.theme, self.theme.panel)

    def field(self, view: Plane | Space) -> Any:
        """The recorded velocities in the chosen style; each step shows its own field, the last step the one before."""
        table, first = self.theme.table("magnitude"), self.way[0]
        if self.options.style == "streamlines" and view.dims == 2:
            lines = Streamlines(
                view.box,
                view.rect,
                self.nodes,
                first,
                table=table,
                vmax=self.vmax,
                spacing=0.24,
                length=0.8,
                power=ROOT,
                width=0.03,
            )
            drawn = view.keep(lines)
        else:
            drawn = view.arrows(self.nodes, first, table=table, vmax=self.vmax, length=LENGTH[view.dims], power=ROOT)
        index = np.minimum(np.arange(self.trajectories["flow"].steps + 1), len(self.way) - 1)
        return drawn.follow(self.way, index)

    def column(self, place: Layout) -> list[VMobject]:
        """What the colours and marks mean, beside the panel, or under it where the frame is not wide."""
        page, theme, size = self.page, self.theme, self.page.em("legend")
        table = theme.table("magnitude")
        made = page.root_scale("$norm(dot(x))$", place.name, place.bar, table, self.vmax, ".1f")
        items: list[Any] = [
            (key_dot(theme.samples), KEY_DOT_WIDTH, f"{self.options.particles:,} particles"),
            (key_line(theme.samples), 0.5, f"last {self.options.trail_steps} steps"),
        ]
        x, y = place.key
        if page.shape == "wide":
            made += [VGroup(*legend([item], x, y - 0.5 * k, size, theme)) for k, item in enumerate(items)]
        else:
            made.append(legend(items, x, y, size, theme, align=0, gap=0.5))
        return made


class Faded:
    """Makes arrows faint where no recorded chain is near: a field is of interest where something flows."""

    def __init__(self, field: Any, near: Callable[[int], np.ndarray], faintest: float) -> None:
        self.field, self.near, self.faintest, self.step = field, near, faintest, -1

    def show_step(self, step: float) -> None:
        """Set the arrows' opacity for recorded step `step`."""
        if int(step) != self.step:
            self.step = int(step)
            self.field.alpha = (self.faintest + (1 - self.faintest) * self.near(self.step)).ravel()
