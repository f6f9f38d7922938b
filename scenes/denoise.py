"""Denoising: a cloud of noise becomes the data, in the plane or in space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from manim import VGroup
from pydantic import Field

from diffrender.animation import (
    KEY_DOT_WIDTH,
    LINE,
    Course,
    PlayTrajectory,
    Rect,
    SceneOptions,
    TrajectoryScene,
    around,
    captions,
    key_dot,
    legend,
    log_snr,
    point_radius,
)


@dataclass(frozen=True)
class Layout:
    """Where things go in one shape of frame: lengths in units, places as baselines or boxes."""

    rect: Rect  # what the cloud may cover
    center: tuple[float, float]  # where the middle of the data lies
    reach: tuple[float, float]  # how far the data may extend from there
    equation: tuple[float, float, int]
    sigma: tuple[float, float, float]  # x, y, em
    legend: tuple[float, float]
    slider: float


LAYOUTS = {
    "wide": Layout(
        rect=(-2.0, 7.11, -2.5, 4.0), center=(2.75, 0.62), reach=(3.75, 2.72), equation=(-6.61, 2.02, -1),
        sigma=(-6.61, 0.55, 0.66), legend=(-6.61, -0.85), slider=-3.02,
    ),
    "square": Layout(
        rect=(-4.0, 4.0, -1.3, 2.2), center=(0.0, 0.45), reach=(3.2, 1.65), equation=(0.0, 2.48, 0),
        sigma=(0.0, -2.16, 0.42), legend=(0.0, -1.6), slider=-2.6,
    ),
    "tall": Layout(
        rect=(-4.0, 4.0, -3.15, 5.0), center=(0.0, 0.85), reach=(3.2, 3.4), equation=(0.0, 5.28, 0),
        sigma=(0.0, -4.88, 0.56), legend=(0.0, -3.85), slider=-5.3,
    ),
}  # fmt: skip


class Denoise(TrajectoryScene):
    """A cloud of noise becomes the data, step by recorded step."""

    default_config = "spiral"
    kinds = {"run": "reverse"}
    needs: ClassVar[dict] = {"run": {}}

    class Options(SceneOptions):
        """Options of `denoise`."""

        duration: float = Field(10.0, gt=0, le=600, description="seconds from noise to data")
        trails: int = Field(0, ge=0, le=500, description="chains that leave a tail")
        trail_steps: int = Field(12, ge=1, le=500)
        interpolate: bool = Field(False, description="also show states between two recorded ones")
        orbit: float = Field(120.0, ge=-3600, le=3600, description="degrees that the camera turns, in space")

    def construct(self) -> None:
        """Noise, then the run at constant speed in log-SNR, then the data for a while."""
        run, page, theme, options = self.trajectories["run"], self.page, self.theme, self.options
        place = LAYOUTS[page.shape]
        states, scale = captions.states(run), captions.unit_variance(run)
        timeline = log_snr(run["alpha"], run["sigma"], interpolate=options.interpolate)
        data = captions.target(run)

        shown = data if len(data) else states[-1]
        view = around(shown, place.rect, place.center, place.reach, theme, noise=float(states[0].std()))
        view.cloud(data, theme.data, 0.018, theme.faint, clip=False)
        bound = [view.cloud(states, theme.samples, point_radius(run.chains, 22), 0.8)]
        if options.trails:
            tails = run["x"][:, : options.trails]
            tails = tails if scale is None else tails / scale[:, None, None]
            bound.append(view.trails(tails, theme.samples, LINE, 0.7, options.trail_steps, clip=False))

        title = page.title("Denoising")
        equation = page.maths(
            "x_t = {{alpha_t x_0 : data}} + {{sigma_t thin epsilon : noise}}", data="data", noise="noise"
        )
        equation.at(*place.equation)
        course = Course(page, run, timeline)
        items: list[Any] = [captions.sampler(run), course.step, f"{run.chains:,} points", captions.scaling(run)]
        items += [captions.seed(run), captions.model(run)]
        if options.interpolate:
            items.insert(-2, "straight lines between steps")
        caption = page.caption(*(item for item in items if item))
        x, y, size = place.sigma
        wide = page.shape == "wide"
        readings = [course.sigma(x, y, size, -1 if wide else 0), *course.slider(place.slider)]
        if wide:
            readings.append(page.label("noise left in the cloud", x, y - 0.5, -1, "legend", "muted"))

        course.show(0)
        self.open(title, equation, ground=[caption, *readings, self.key(place, bool(len(data))), *view.made])
        seconds = options.duration
        self.play(
            PlayTrajectory(*bound, timeline=timeline, run_time=seconds),
            *view.turning(seconds, options.orbit),
            *course.drives(seconds),
        )
        for turn in view.coming_to_rest(3.0, options.orbit / seconds):
            self.play(turn)
        self.close()

    def key(self, place: Layout, target: bool) -> VGroup:
        """The legend: in a wide frame one item above the other, else in a row."""
        theme, size = self.theme, self.page.em("legend")
        items = [(key_dot(theme.samples), KEY_DOT_WIDTH, "samples $x_t$")]
        if target:
            items.append((key_dot(theme.data, alpha=0.7), KEY_DOT_WIDTH, "data"))
        x, y = place.legend
        if self.page.shape == "wide":
            return VGroup(*(legend([item], x, y - 0.52 * k, size, theme) for k, item in enumerate(items)))
        return legend(items, x, y, size, theme, align=0, gap=0.6)
