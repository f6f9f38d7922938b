"""Denoising: a cloud of noise becomes the data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from manim import VGroup
from pydantic import Field

from diffrender.show import wording
from diffrender.show.animations import PlayTrajectory
from diffrender.show.mobjects import PointCloud, Trails
from diffrender.show.mobjects.furniture import KEY_DOT_WIDTH, Slider, key_dot, legend
from diffrender.show.motion import Drive, ticked
from diffrender.show.stage import SceneOptions, TrajectoryScene
from diffrender.show.text import Running, Typeset
from diffrender.show.theme import LINE, point_radius
from diffrender.show.timeline import log_snr


@dataclass(frozen=True)
class Layout:
    """Where things go in one shape of frame: lengths in units, places as baselines or boxes."""

    rect: tuple[float, float, float, float]  # what the cloud may cover
    center: tuple[float, float]  # where the data's origin lies
    reach: tuple[float, float]  # how far the data may extend from there
    equation: tuple[float, float, int]
    sigma: tuple[float, float, float]  # x, y, em
    legend: tuple[float, float]
    slider: float


LAYOUTS = {
    "wide": Layout(
        (-2.0, 7.11, -2.5, 4.0),
        (2.75, 0.62),
        (3.75, 2.72),
        (-6.61, 2.02, -1),
        (-6.61, 0.55, 0.66),
        (-6.61, -0.85),
        -3.02,
    ),
    "square": Layout(
        (-4.0, 4.0, -1.72, 2.12), (0.0, 0.2), (3.2, 1.72), (0.0, 2.48, 0), (0.0, -2.02, 0.42), (0.0, 0.0), -2.55
    ),
    "tall": Layout(
        (-4.0, 4.0, -3.15, 5.0), (0.0, 0.85), (3.2, 3.4), (0.0, 5.28, 0), (0.0, -4.88, 0.56), (0.0, -3.85), -5.3
    ),
}


class Denoise(TrajectoryScene):
    """A cloud of noise becomes the data, step by recorded step."""

    default_config = "spiral"
    needs = {"run": {}}

    class Options(SceneOptions):
        """Options of `denoise`."""

        duration: float = Field(10.0, gt=0, le=600, description="seconds from noise to data")
        trails: int = Field(0, ge=0, le=500, description="chains that leave a tail")
        trail_steps: int = Field(12, ge=1, le=500)
        interpolate: bool = Field(False, description="also show states between two recorded ones")

    def construct(self) -> None:
        """Noise, then the run at constant speed in log-SNR, then the data for a while."""
        run, page, theme = self.trajectories["run"], self.page, self.theme
        place = LAYOUTS[page.shape]
        scale = wording.unit_variance(run)
        states = run["x"] if scale is None else wording.Rescaled(run["x"], scale)
        box = self.view(place)
        timeline = log_snr(run["alpha"], run["sigma"], interpolate=self.options.interpolate)
        chains = run["x"].shape[1]

        target = PointCloud(box, place.rect, self.target(), theme.data, 0.018, theme.faint, clip=False)
        cloud = PointCloud(box, place.rect, states[0], theme.samples, point_radius(chains, 22), 0.8).follow(states)
        cloud.set_z_index(1)
        bound = [cloud]
        if self.options.trails:
            tails = run["x"][:, : self.options.trails]
            tails = tails if scale is None else tails / scale[:, None, None]
            trails = Trails(
                box, place.rect, tails, theme.samples, LINE, 0.7, length=self.options.trail_steps, clip=False
            )
            bound.append(trails.show_step(0).set_z_index(2))

        title = page.title("Denoising")
        equation = page.maths(
            "x_t = {{alpha_t x_0 : data}} + {{sigma_t thin epsilon : noise}}", data="data", noise="noise"
        )
        equation.at(*place.equation)
        step = page.running(f"step {{:,}} of {run.steps:,}", run.steps, size="caption", color="muted")
        items = [wording.sampler(run), step, f"{chains:,} points", wording.seed(run), wording.model(run)]
        if scale is not None:
            items.append("scaled to unit variance")
        if self.options.interpolate:
            items.append("straight lines between steps")
        caption = page.caption(*(item for item in items if item))
        sigma = self.sigma(place)
        slider = Slider(-page.frame.x + 0.1, page.frame.x - 0.1, place.slider, theme)
        ground = [caption, *sigma, self.key(place), slider, *self.ends(place), target, *bound]

        def numbers(k: float) -> None:
            sigma[0].set_values(float(run["sigma"][int(k)]))
            step.set_values(int(k))

        numbers(0)
        self.open(title, equation, ground=ground)
        seconds = self.options.duration
        self.play(
            PlayTrajectory(*bound, timeline=timeline, run_time=seconds),
            Drive(lambda u: slider.set_value(timeline.step(u) / run.steps), slider, run_time=seconds),
            Drive(lambda u: numbers(timeline.step(ticked(u, seconds))), sigma[0], step, run_time=seconds),
        )
        self.close()

    def target(self) -> np.ndarray:
        """(M, 2) reference data; of a recording without any, none."""
        run = self.trajectories["run"]
        return run["target"] if "target" in run else np.empty((0, 2), np.float32)

    def view(self, place: Layout) -> tuple[float, float, float, float]:
        """What of data space `place.rect` shows: all data (or final states) within `place.reach` of the centre."""
        data = self.target() if len(self.target()) else self.trajectories["run"]["x"][-1]
        extent = np.maximum(np.quantile(np.abs(data), 0.999, axis=0), 1e-6)
        unit = min(place.reach[0] / extent[0], place.reach[1] / extent[1])
        (a, b, c, d), (x, y) = place.rect, place.center
        return (a - x) / unit, (b - x) / unit, (c - y) / unit, (d - y) / unit

    def sigma(self, place: Layout) -> list[Running | Typeset]:
        """The noise level, large, and in a wide frame what it means."""
        x, y, size = place.sigma
        widest = float(self.trajectories["run"]["sigma"].max())
        wide = self.page.shape == "wide"
        value = Running("$sigma_t =$ {:.2f}", [widest], size, self.theme.fg).at(x, y, -1 if wide else 0)
        return (
            [value, self.page.label("noise left in the cloud", x, y - 0.5, -1, "legend", "muted")] if wide else [value]
        )

    def key(self, place: Layout) -> VGroup:
        """The legend: in a wide frame one item above the other, else in a row."""
        theme, size = self.theme, self.page.em("legend")
        items = [(key_dot(theme.samples), KEY_DOT_WIDTH, "samples $x_t$")]
        if len(self.target()):
            items.append((key_dot(theme.data, alpha=0.7), KEY_DOT_WIDTH, "data"))
        x, y = place.legend
        if self.page.shape == "wide":
            return VGroup(*(legend([item], x, y - 0.52 * k, size, theme) for k, item in enumerate(items)))
        return legend(items, x, y, size, theme, align=0, gap=0.6)

    def ends(self, place: Layout) -> list[Typeset]:
        """What the ends of the slider mean."""
        x, y = self.page.frame.x, place.slider + (0.27 if self.page.shape == "wide" else 0.36)
        return [
            self.page.label(text, side * x, y, side, "legend", "muted") for text, side in (("noise", -1), ("data", 1))
        ]
