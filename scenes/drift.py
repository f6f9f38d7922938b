"""The vector field that carries noise to data, over time, with particles riding it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from manim import VGroup, VMobject
from pydantic import Field

from diffrender.show import wording
from diffrender.show.animations import PlayTrajectory
from diffrender.show.mobjects import ColorBar, PointCloud, Streamlines, Trails, VectorField
from diffrender.show.mobjects.furniture import KEY_DOT_WIDTH, Rect, frame, key_dot, key_line, legend, line, panel
from diffrender.show.motion import Drive, ticked
from diffrender.show.page import fitted
from diffrender.show.stage import SceneOptions, TrajectoryScene
from diffrender.show.text import Running
from diffrender.show.theme import LINE
from diffrender.show.timeline import linear

ROOT = 0.5  # length and colour follow this power of the magnitude: a flow spans two decades
FAINTEST = 0.18  # opacity of arrows where nothing is carried


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
    needs = {
        "flow": {
            "sampler.kind": "ddim",
            "sampler.chains": 2000,
            "record.fields": ["velocity"],
            "record.keep": [],
        }
    }

    class Options(SceneOptions):
        """Options of `drift`."""

        style: Literal["arrows", "streamlines"] = "arrows"
        duration: float = Field(10.0, gt=0, le=600, description="seconds from noise to data")
        particles: int = Field(250, ge=0, le=20000)
        trail_steps: int = Field(20, ge=1, le=500)

    def construct(self) -> None:
        """The field at the noisiest level, then the whole way at constant speed in the flow's time, then the end."""
        run, page, theme = self.trajectories["flow"], self.page, self.theme
        run.require("field_velocity", "grid_x", "grid_y")
        place = LAYOUTS[page.shape]
        self.way = -np.asarray(run["field_velocity"])  # recorded per unit of time; time falls on the way to the data
        self.places = np.stack(np.meshgrid(run["grid_x"], run["grid_y"]), axis=-1)
        speed = np.linalg.norm(self.way, axis=-1)
        self.vmax = float(np.quantile(speed, 0.85)) or 1.0
        box = self.view(place.rect)
        field = self.field(box, place.rect)
        fading = Faded(field, self.nearness(run["x"])) if isinstance(field, VectorField) else field
        chains = min(self.options.particles, run["x"].shape[1])
        states = run["x"][:, :chains]
        target = PointCloud(box, place.rect, self.target(), theme.data, 0.014, theme.faint * 0.65)
        tails = Trails(box, place.rect, states, theme.samples, LINE, 0.9, theme.panel, length=self.options.trail_steps)
        riders = PointCloud(box, place.rect, states[0], theme.samples, 0.046, 1.0, theme.panel).follow(states)

        title = page.title("Probability flow")
        equation = page.equation(
            "dot(x) = f_t (x) - 1\\/2 thin g_t^2 thin {{nabla log p_t (x) : score}}", score="score"
        )
        step = page.running(f"step {{:,}} of {run.steps:,}", run.steps, size="caption", color="muted")
        scale = "length and colour: square root"
        items = [wording.sampler(run), step, wording.seed(run), scale, wording.model(run)]
        if isinstance(field, VectorField):
            items.insert(-1, "faint where nothing flows")
        sigma = self.sigma(place)
        edge = frame(place.rect, theme.border)
        marks = [target, field, tails.show_step(0), riders, edge]
        for z, mark in enumerate(marks):
            mark.set_z_index(1 + z)
        ground = [panel(place.rect, theme), page.caption(*(i for i in items if i)), *self.column(place), sigma, *marks]

        def numbers(k: float) -> None:
            sigma.set_values(float(run["sigma"][int(k)]))
            step.set_values(int(k))

        numbers(0)
        fading.show_step(0)
        self.open(title, equation, ground=ground)
        timeline, seconds = linear(run.steps), self.options.duration
        self.play(
            PlayTrajectory(fading, field, tails, riders, timeline=timeline, run_time=seconds),
            Drive(lambda u: numbers(timeline.step(ticked(u, seconds))), sigma, step, run_time=seconds),
        )
        self.close()

    def field(self, box: Rect, rect: Rect) -> VectorField | Streamlines:
        """The recorded velocities in the chosen style; each step shows its own field, the last step the one before."""
        table, first = self.theme.table("magnitude"), self.way[0]
        index = np.minimum(np.arange(self.trajectories["flow"].steps + 1), len(self.way) - 1)
        if self.options.style == "streamlines":
            drawn: VectorField | Streamlines = Streamlines(
                box, rect, self.places, first, table, self.vmax, spacing=0.24, length=0.8, power=ROOT, width=0.03
            )
        else:
            step = (rect[1] - rect[0]) / (box[1] - box[0]) * float(self.places[0, 1, 0] - self.places[0, 0, 0])
            drawn = VectorField(box, rect, self.places, first, table, self.vmax, 0.9 * step, power=ROOT)
        return drawn.follow(self.way, index)

    def nearness(self, x: np.ndarray) -> Callable[[int], np.ndarray]:
        """Step → (Gy, Gx) 0..1: how many of the recorded chains are near each arrow."""
        from scipy.ndimage import gaussian_filter

        gx, gy = self.places[0, :, 0], self.places[:, 0, 1]
        edges = [np.concatenate([[-np.inf], (g[1:] + g[:-1]) / 2, [np.inf]]) for g in (gy, gx)]

        def near(step: int) -> np.ndarray:
            count = np.histogram2d(x[step][:, 1], x[step][:, 0], edges)[0]
            some = gaussian_filter(count, 1.0)
            return np.clip(some / (0.05 * some.max()), 0, 1)

        return near

    def target(self) -> np.ndarray:
        """(M, 2) reference data; of a recording without any, none."""
        run = self.trajectories["flow"]
        return run["target"] if "target" in run else np.empty((0, 2), np.float32)

    def view(self, rect: Rect) -> Rect:
        """What of data space the panel shows: as much of the probed grid as has the panel's shape."""
        gx, gy = self.places[0, :, 0], self.places[:, 0, 1]
        dx, dy = (gx[1] - gx[0]) / 2, (gy[1] - gy[0]) / 2
        return fitted((gx[0] - dx, gx[-1] + dx, gy[0] - dy, gy[-1] + dy), rect)

    def column(self, place: Layout) -> list[VMobject]:
        """What the colours and marks mean, beside the panel, or under it where the frame is not wide."""
        page, theme, bar = self.page, self.theme, place.bar
        made: list[VMobject] = [page.label("$norm(dot(x))$", *place.name, size="label")]
        made.append(ColorBar(bar, theme.table("magnitude"), theme.border))
        size = page.em("legend")
        for share in (0, 0.5, 1):
            value = f"{share**2 * self.vmax:.1f}" if share < 1 else f"≥ {self.vmax:.1f}"
            x, y = made[1].at(share)[:2]
            if page.shape == "wide":
                made += [line([(x, y), (x + 0.1, y)], theme.muted), page.label(value, x + 0.2, y - 0.09, size="legend")]
            else:
                made += [page.label(value, x, y - 1.15 * size, 0, size="legend")]
        items = [
            (key_dot(theme.samples), KEY_DOT_WIDTH, f"{self.options.particles:,} particles"),
            (key_line(theme.samples), 0.5, f"last {self.options.trail_steps} steps"),
        ]
        x, y = place.key
        if page.shape == "wide":
            made += [VGroup(*legend([item], x, y - 0.5 * k, size, theme)) for k, item in enumerate(items)]
        else:
            made.append(legend(items, x, y, size, theme, align=0, gap=0.5))
        return made

    def sigma(self, place: Layout) -> Running:
        """The noise level, running."""
        widest = float(self.trajectories["flow"]["sigma"].max())
        return Running("$sigma_t =$ {:.2f}", [widest], 0.46, self.theme.fg).at(*place.sigma)


class Faded:
    """Makes arrows faint where no recorded chain is near: a field is of interest where something flows."""

    def __init__(self, field: VectorField, near: Callable[[int], np.ndarray]) -> None:
        self.field, self.near, self.step = field, near, -1

    def show_step(self, step: float) -> None:
        """Set the arrows' opacity for recorded step `step`."""
        if int(step) != self.step:
            self.step = int(step)
            self.field.alpha = (FAINTEST + (1 - FAINTEST) * self.near(self.step)).ravel()
