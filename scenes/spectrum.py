"""Power spectra: noise drowns an image from its finest detail on, and what stands above it is a blurred image."""

from __future__ import annotations

import numpy as np
from manim import VMobject
from pydantic import Field

from diffrender.animation import (
    LINE,
    Axes,
    Recording,
    SceneOptions,
    TrajectoryScene,
    cutoffs,
    image_grid,
    image_values,
    key_line,
    low_pass,
    path_length,
    radial_power,
)

LEAST = 1e-3  # power at which the axis ends


class Spectrum(TrajectoryScene):
    """Images in noise, the power of both by frequency, and the images without what the noise has drowned."""

    default_config = "digits"
    shows = ("images",)
    needs = {
        "run": Recording(
            "forward",
            {"sampler.steps": 120, "sampler.chains": 64, "record.keep": []},
            fixed={"sampler.kind": "forward"},
        )
    }

    class Options(SceneOptions):
        """Options of `spectrum`."""

        duration: float = Field(10.0, gt=0, le=600, description="seconds from data to noise")

    def construct(self) -> None:
        """Two rows of images, the spectra beside them, and the cut-off that moves to coarser and coarser bands."""
        run, page, theme = self.run, self.page, self.theme
        boxes = self.arrange("two panels")
        alpha, sigma = (np.asarray(run[key], float) for key in ("alpha", "sigma"))
        self.frequencies, power = radial_power(run["x"][0])
        self.signal, self.noise = alpha[:, None] ** 2 * power, sigma**2
        self.cut = cutoffs(self.frequencies, self.signal, self.noise)
        clock = self.clock(run, timeline=path_length(run.states[:, :16], even=0.2))
        values, em = image_values(run), page.em("label")
        kept = np.stack([low_pass(values[0][:3], f) for f in self.cut])
        upper, lower = boxes.left.rows(1, 1, gap=1.5 * em)
        chosen = list(range(3))
        grids = [
            image_grid(shown, box, theme=theme, rows=1, cols=3, chains=chosen)
            for shown, box in ((values, upper), (kept, lower))
        ]
        texts = [
            page.label(said, boxes.left.left, float(grid.get_top()[1]) + 0.35 * em, -1, "label")
            for said, grid in zip(("$x_t$", "$x_0$ below the cut-off"), grids, strict=True)
        ]
        ends = float(self.frequencies[0]), float(self.frequencies[-1])
        top = float(max(power.max(), self.noise.max()))
        plot = boxes.right._replace(bottom=boxes.right.bottom + 0.4 * em)
        self.axes = Axes(page, plot, x=ends, y=(LEAST, top), log_x=True, log_y=True,
                         x_name="cycles per image", y_name="power")  # fmt: skip
        self.lines = [VMobject(stroke_color=hue, stroke_width=100 * LINE * 1.6).set_z_index(2)
                      for hue in (theme.data, theme.samples, theme.fg)]  # fmt: skip
        clock.bind(*grids)
        clock.bind(self.draw, moves=self.lines)
        keys = [(key_line(theme.data), 0.5, r"$alpha_t^2 P_0$"), (key_line(theme.samples), 0.5, "$sigma_t^2$")]
        keys.append((key_line(theme.fg), 0.5, "cut-off"))
        caption = self.caption("sampler", "step", f"spectrum of {run.chains} images", "seed")
        clock.show(0)
        equation = "P_t (f) = {{alpha_t^2 P_0 (f) : data}} + {{sigma_t^2 : noise}}"
        ground = [
            *texts,
            *grids,
            *self.axes.mobjects,
            *self.lines,
            self.legend(keys, boxes.right_key._replace(left=boxes.left_key.left)),
            caption,
        ]
        self.intro(*self.header("Fine detail drowns first", equation), ground=ground)
        self.play_run(clock)
        self.outro()

    def draw(self, step: float) -> None:
        """Put both spectra and the cut-off at a recorded step."""
        k, at, rect = int(step), self.axes.at, self.axes.rect
        powers = (self.signal[k], np.full(len(self.frequencies), self.noise[k]))
        for curve, power in zip(self.lines, powers, strict=False):
            points = [[*at(*p), 0] for p in zip(self.frequencies, power, strict=True) if p[1] >= LEAST]
            curve.set_points_as_corners(points) if len(points) > 1 else curve.clear_points()
        if self.cut[k] < self.frequencies[0]:
            self.lines[2].clear_points()
            return
        x = at(self.cut[k], LEAST)[0]
        self.lines[2].set_points_as_corners([[x, rect.bottom, 0], [x, rect.top, 0]])
