"""Power spectra: noise drowns an image from its finest detail on, so the way back begins with what is coarse."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from diffrender.animation import (
    LINE,
    ImageGrid,
    Recording,
    SceneOptions,
    SpectrumPlot,
    TrajectoryScene,
    band_pass,
    cutoffs,
    frame,
    image_grid,
    image_values,
    key_line,
    low_pass,
    octaves,
    path_length,
    radial_power,
)

SHARES = 0.55, 0.45  # of the duration: there, and back


class Spectrum(TrajectoryScene):
    """An image in noise, the power of both by frequency, and the image band by band as noise drowns it."""

    default_config = "photographs"
    shows = ("images",)
    unused_options = ("trails", "points", "interpolate", "orbit", "project")
    needs = {
        "run": Recording(
            "forward",
            {"sampler.steps": 200, "sampler.chains": 24, "record.keep": [], "record.frames": 121},
            fixed={"sampler.kind": "forward"},
        )
    }

    class Options(SceneOptions):
        """Options of `spectrum`."""

        duration: float = Field(14.0, gt=0, le=600, description="seconds from data to noise and back")
        chain: int | None = Field(
            None, ge=0, description="the image that is shown; the one of most contrast if not given"
        )

    def construct(self) -> None:
        """Noise rises over the spectrum and takes the image band by band; then the same run backwards."""
        run, page, theme = self.run, self.page, self.theme
        alpha, sigma = (np.asarray(run[key], float) for key in ("alpha", "sigma"))
        values = image_values(run)
        chain = int(values[0].std((1, 2, 3)).argmax()) if self.options.chain is None else self.options.chain
        first = values[0][[min(chain, run.chains - 1)]]
        frequencies, power = radial_power(run["x"][0])
        signal, noise = alpha[:, None] ** 2 * power, sigma**2
        cut = cutoffs(frequencies, signal, noise)
        bands = octaves(*first.shape[-2:])
        boxes = self.arrange("film strip", panels=2, tiles=len(bands))
        # slow while the cut-off moves, by its octaves
        clock = self.clock(run, timeline=path_length(np.log2(np.maximum(cut, 0.7))[:, None], even=0.25))

        below = np.stack([low_pass(first, f) for f in cut])
        grids = [
            image_grid(values, boxes.panels[0], theme=theme, rows=1, cols=1, chains=[min(chain, run.chains - 1)]),
            image_grid(below, boxes.panels[1], theme=theme, rows=1, cols=1),
        ]
        names = ["$x_t$", f"$x_0$ {'below the cut-off' if page.shape == 'wide' else 'below'}"]
        texts: list[Any] = [
            page.label(name, box.left, box.bottom + 0.4 * page.em("label"))
            for name, box in zip(names, boxes.labels, strict=True)
        ]
        before = boxes.tiles[0]
        for (low, high), box, place in zip(bands, boxes.tiles, boxes.tile_names, strict=False):
            grids.append(self.band(first, cut, low, high, box))
            clock.bind(lambda step, grid=grids[-1], low=low: grid.set_fill(opacity=float(cut[int(step)] > low)))
            said = f"up to {high:g}" if low < 0 else f"{low:g} – {high:g}" if np.isfinite(high) else f"over {low:g}"
            texts.append(page.label(said, box.center[0], place.bottom + 0.25 * page.em("floor"), 0, "floor", "muted"))
            if grids[3:] and box.left - before.right > 0.4:  # together they are what is below the cut-off
                x, y = (before.right + box.left) / 2, box.center[1] - 0.3 * page.em("label")
                texts.append(page.label("+", x, y, 0, "label", "muted"))
            before = box

        measured = np.stack([radial_power(x)[1] for x in run["x"]])
        plot = SpectrumPlot(page, boxes.side, frequencies, signal, noise, cut, measured)
        rect, em = plot.axes.rect, page.em("legend")
        said = clock.number("cut-off {:.1f}", cut, size="legend").at(rect.right, rect.top + 0.45 * em, 1)
        clock.bind(*grids, plot)
        wide = page.shape == "wide"
        keys = [
            (key_line(theme.fg, width=LINE), 0.5, "$P_t$, measured"),
            (key_line(theme.data), 0.5, f"$alpha_t^2 P_0${', images' * wide}"),
            (key_line(theme.samples), 0.5, f"$sigma_t^2${', noise' * wide}"),
            (key_line(theme.muted), 0.5, "cut-off"),
        ]
        contrast = "each band in its own contrast" if wide else "bands stretched"
        caption = self.caption("sampler", f"spectrum of {run.chains} images", contrast, "seed", "step")
        equation = "{{P_t (f) : sum}} = {{alpha_t^2 P_0 (f) : data}} + {{sigma_t^2 : noise}}"
        there, back = self.header("Fine detail drowns first", equation), self.header("Coarse comes back first")
        # the middle of the way tells most: half of the bands are left
        middle = int(np.abs(np.log(np.maximum(cut, 0.5)) - np.log(frequencies[-1]) / 2).argmin())
        clock.show_step(middle)
        edges = [frame(box, theme.border, radius=0) for box in (*boxes.panels, *boxes.tiles)]
        ground = [*texts, *plot.axes.mobjects, said, self.legend(keys, boxes.key), caption, *edges]
        self.intro(*there, ground=[*ground, *grids, *plot.mobjects])
        self.restart(clock, *grids, *plot.mobjects)
        self.play_run(clock, SHARES[0] * self.options.duration)
        self.wait(self.seconds(0.5))
        if self.options.title is None:
            self.crossfade(there[:1], back)
        seconds, end = self.seconds(SHARES[1] * self.options.duration), clock.timeline.course(middle)
        self.play(clock.play(seconds, start=1.0, end=end))
        self.outro()

    def band(self, first: np.ndarray, cut: np.ndarray, low: float, high: float, box: Any) -> ImageGrid:
        """One band of the image x_0 as far as it lies below the cut-off, stretched to its own contrast."""
        whole = band_pass(first, low, high)
        left = np.stack([band_pass(first, low, min(high, max(f, low))) for f in cut])
        reach = 1.0 if low < 0 else float(np.abs(whole).max()) or 1.0
        return image_grid(left, box, theme=self.theme, rows=1, cols=1, lo=-reach, hi=reach)
