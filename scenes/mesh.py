"""A grid of the plane deformed by the probability flow: how noise is squeezed and stretched into the data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from manim import VMobject
from pydantic import Field

from diffrender.animation import (
    Course,
    Lattice,
    PlayTrajectory,
    Recording,
    Rect,
    RenderError,
    SceneOptions,
    TrajectoryScene,
    areas,
    captions,
    containing,
    frame,
    key_line,
    legend,
    log_snr,
    normal_mass,
    panel,
)

ROOT = 0.5  # colour follows this power of the density, which rises by two decades
MOST = 40  # densities are told apart up to so many times the highest of the noise
START = 3.05  # deviations of the noise that are in view


@dataclass(frozen=True)
class Layout:
    """Where things go in one shape of frame: boxes, and baselines (x, y, alignment)."""

    rect: Rect
    name: tuple[float, float, int]
    bar: Rect
    key: tuple[float, float, int]
    sigma: tuple[float, float, int]
    slider: float


LAYOUTS = {
    "wide": Layout(
        rect=(-6.61, 1.72, -2.35, 2.45), name=(2.22, 2.2, -1), bar=(2.22, 2.46, 0.0, 1.75), key=(2.22, -0.75, -1),
        sigma=(2.22, -1.9, -1), slider=-3.02,
    ),
    "square": Layout(
        rect=(-2.7, 2.7, -1.05, 2.1), name=(-3.5, -1.5, -1), bar=(-2.9, 0.4, -1.5, -1.33), key=(3.5, -1.5, 1),
        sigma=(0.0, -2.25, 0), slider=-2.65,
    ),
    "tall": Layout(
        rect=(-3.5, 3.5, -2.3, 4.7), name=(-3.5, -3.05, -1), bar=(-2.7, -0.35, -3.05, -2.77), key=(3.5, -3.05, 1),
        sigma=(0.0, -4.7, 0), slider=-5.3,
    ),
}  # fmt: skip


class Mesh(TrajectoryScene):
    """An even grid of the plane, carried from noise to data by the flow."""

    default_config = "spiral"
    shows = ("plane",)
    needs = {
        "flow": Recording(
            "reverse",
            {"sampler.kind": "ddim", "sampler.steps": 100, "sampler.chains": 14_641, "record.keep": []},
            fixed={"sampler.start": "grid"},
        )
    }

    class Options(SceneOptions):
        """Options of `mesh`."""

        duration: float = Field(10.0, gt=0, le=600, description="seconds from noise to data")
        lines: int = Field(25, ge=2, le=200, description="lines of the grid each way, about so many")

    def construct(self) -> None:
        """The even grid, then the whole way at constant speed in log-SNR, then the data."""
        run, page, theme, options = self.trajectories["flow"], self.page, self.theme, self.options
        place, seconds = LAYOUTS[page.shape], options.duration
        timeline = log_snr(run["alpha"], run["sigma"])
        mesh = self.mesh(place.rect).set_z_index(1)
        edge = frame(place.rect, theme.border).set_z_index(2)
        course = Course(page, run, timeline)

        title = page.title("A flow of the plane")
        equation = page.equation("p_t (x_t) = p_T (x_T) thin abs(det partial x_T\\/partial x_t)")
        items: list[Any] = [
            captions.sampler(run),
            course.step,
            f"{mesh.side} × {mesh.side} points",
            "colour: square root",
        ]
        caption = page.caption(*(item for item in [*items, captions.scaling(run), captions.model(run)] if item))
        readings = [course.sigma(*place.sigma[:2], 0.46, place.sigma[2]), *course.slider(place.slider)]

        course.show(0)
        ground = [panel(place.rect, theme), caption, *self.column(place, mesh.vmax), *readings, mesh, edge]
        self.intro(title, equation, ground=ground)
        self.play(PlayTrajectory(mesh, timeline=timeline, run_time=seconds), *course.drives(seconds))
        self.outro()

    def mesh(self, rect: Rect) -> Lattice:
        """The recorded grid on the panel, its colours in one scale for the whole clip."""
        run, theme = self.trajectories["flow"], self.theme
        side = math.isqrt(run.chains)
        if run.event != (2,) or side < 3 or side**2 != run.chains:
            raise RenderError(
                f"{run.file}: {run.chains} chains of shape {run.event} are no square grid of the plane.",
                "Record one with --set sampler.start=grid --set sampler.chains=14641 and a target in the plane.",
            )
        states, scale = run.states, (run.scale if run.rescaled else None)
        first, last = (np.asarray(states[k]).reshape(side, side, 2) for k in (0, -1))
        deviation = float(np.hypot(run["alpha"][0], run["sigma"][0])) / (1.0 if scale is None else float(scale[0]))
        mass = normal_mass(first, deviation)
        dense = mass / np.maximum(areas(last), 1e-12)
        order = np.argsort(dense, axis=None)
        middle = order[np.searchsorted(np.cumsum(mass.ravel()[order]), mass.sum() / 2)]  # half of all lies denser
        peak = float((mass / areas(first)).max())
        vmax = float(np.clip(dense.ravel()[middle], peak, MOST * peak))
        reach = np.maximum(np.abs(run.target).max(0, initial=0) * 1.1, START * deviation)
        box = containing((-reach[0], reach[0], -reach[1], reach[1]), rect)
        every = max(1, round((side - 1) / (self.options.lines - 1)))
        table = theme.table("density")
        return Lattice(
            box, rect, states, mass=mass, table=table, vmax=vmax, color=theme.samples, power=ROOT, every=every
        )

    def column(self, place: Layout, vmax: float) -> list[VMobject]:
        """What the colours and the lines mean, beside the panel, or under it where the frame is not wide."""
        page, theme = self.page, self.theme
        made = page.root_scale("$p_t$", place.name, place.bar, theme.table("density"), vmax, ".2g")
        items: list[Any] = [(key_line(theme.samples), 0.5, "lines of the grid")]
        made.append(legend(items, *place.key[:2], page.em("legend"), theme, align=place.key[2]))
        return made
