"""The reverse process on images: what there is, what the model takes for noise, and what it expects underneath."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from diffrender.animation import (
    LINE,
    Axes,
    Box,
    Boxes,
    Clock,
    CodePanel,
    ImageGrid,
    ImageTiles,
    PredictedNoise,
    Recording,
    SceneOptions,
    TrajectoryScene,
    UpdateFromAlpha,
    captions,
    escaped,
    frame,
    image_grid,
    image_values,
    key_dashes,
    key_line,
    loop_of,
    noise_grid,
    paced_by_prediction,
    tile_steps,
)

TILES = 11
KEY_WIDTH = 0.42
LEAST_PLOT = 1.3  # height of a box with room for a plot
SHARES = 0.45, 0.55  # of the duration: one image, then all
SLOW_AT, STEP_SECONDS = 0.6, 2.5  # where on the way steps are shown in code, and how long each
LEAST_CODE = 1.0  # size of code that can still be read, of the smallest type


class Images(TrajectoryScene):
    """Noise becomes images: x_t, the noise and the image that the model sees in it, and how much noise there is."""

    default_config = "digits"
    shows = ("images",)
    unused_options = ("trails", "points", "interpolate", "orbit", "project")
    needs = {"run": Recording("reverse")}

    class Options(SceneOptions):
        """Options of `images`."""

        duration: float = Field(14.0, gt=0, le=600, description="seconds in which noise becomes an image, then many")
        rows: int = Field(3, ge=1, le=12, description="rows and columns of the grid")
        code_steps: int = Field(2, ge=0, le=20, description="steps shown in the sampler's own code; 0: none")
        chain: int = Field(0, ge=0, description="the image that is followed first")

    def construct(self) -> None:
        """One image, then many: the state, and the noise and the image predicted in it, over falling noise."""
        run, page, theme, options = self.run, self.page, self.theme, self.options
        run.require("x0", "eps")
        self.chain = min(options.chain, run.chains - 1)
        wide, count = page.shape == "wide", 12 if page.shape == "tall" else TILES
        boxes = self.arrange("film strip", panels=3, tiles=count)
        clock = self.clock(run, timeline=paced_by_prediction(run))

        # three panels, first of one image, then of many
        side = min(options.rows, int(np.sqrt(run.chains)))
        one, many = self.grids(boxes.panels, 1, [self.chain]), self.grids(boxes.panels, side, list(range(side**2)))
        forms = (
            "$x_t$",
            "predicted noise $sigma_t hat(epsilon)$|$sigma_t hat(epsilon)$",
            "predicted image $hat(x)_0$|$hat(x)_0$",
        )
        room = boxes.labels[0].width + 0.25 * wide
        ground: list[Any] = [
            page.roomy(page.words(page.fitting(form, room * options.font_scale, "label")), room).at(
                box.left, box.bottom + 0.4 * page.em("label")
            )
            for form, box in zip(forms, boxes.labels, strict=True)
        ]
        ground += [frame(box, theme.border, fill=theme.grid) for box in boxes.panels]
        ground += [frame(box, theme.border).set_z_index(3) for box in boxes.panels]

        # the noise level, true and told from the picture; the way of one image in tiles
        level, standing = self.noise_level(clock, boxes.side)
        steps = tile_steps(clock.timeline, count)
        first = page.fitting(f"step {steps[0]}|{steps[0]}", boxes.tile_names[0].width + 0.45, "floor")
        numbers = [first, *map(str, steps[1:])]
        tiles = ImageTiles(
            page, image_values(run), steps, boxes.tiles, chain=self.chain, names=numbers, name_boxes=boxes.tile_names
        )
        key = [self.legend(self.keys(), boxes.key)] if standing else []
        strip = [*tiles.mobjects, *tiles.names, *tiles.grounds, *key]
        clock.bind(tiles, *one)
        caption = self.caption("sampler", "step", self.asked(), "scaling", "seed", "model")

        clock.show(1)
        title = captions.title(run, "Images") + ": noise becomes an image" * wide
        shown = [*ground, *standing, *level, caption, *strip, *one]
        self.intro(*self.header(title, self.sampler_equation()), ground=shown, result=boxes.panels[0])
        self.restart(clock, *one, *tiles.mobjects)
        self.play_run(clock, SHARES[0] * options.duration)
        self.wait(self.seconds(1.0))
        clock.release(tiles)
        self.in_code(clock, one, strip, [*standing, *level], boxes, caption)
        clock.release(*one)
        clock.bind(*many)
        clock.show(0)
        self.crossfade(one, early=many)
        self.play_run(clock, SHARES[1] * options.duration)
        if "nearest_apart" in run:
            self.crossfade(strip, self.nearest(boxes, side**2))
        self.outro()

    def nearest(self, boxes: Boxes, count: int) -> list[Any]:
        """In place of the strip the images of the data that the samples are nearest to, in their order, and how far."""
        run, page, em = self.run, self.page, self.page.em("floor")
        each = len(boxes.tiles) if page.shape != "tall" else len(boxes.tiles) // 2
        first = max((each - count) // 2, 0)
        places = list(zip(boxes.tiles, boxes.tile_names, strict=True))[first : first + count]
        values, far = image_values(run, "nearest"), np.asarray(run["nearest_distance"])
        made: list[Any] = []
        for k, (box, name) in enumerate(places):
            made.append(image_grid(values, box, theme=self.theme, rows=1, cols=1, chains=[k]).set_z_index(1))
            made.append(page.label(f"{far[k]:.2f}", box.center[0], name.bottom + 0.25 * em, 0, "floor", "muted"))
        said = "nearest images of the data, rms difference (data from one another: {:.2f})|nearest (data: {:.2f})"
        apart = float(np.median(run["nearest_apart"]))
        words = page.fitting(said, boxes.key.width, "legend", apart).format(apart)
        return [*made, page.label(words, boxes.key.center[0], boxes.key.bottom + 0.3 * em, 0, "legend", "data")]

    def in_code(
        self, clock: Clock, one: list[ImageGrid], strip: list[Any], plot: list[Any], boxes: Boxes, caption: Any
    ) -> None:
        """Some steps slowly, and between panels and caption, in place of all that is there, the sampler's own loop, the
        line at work marked.

        The predictions change at the line that asks the model, the state at the last one.
        """
        run, page = self.run, self.page
        lines = loop_of(str((run.meta.get("sampler") or {}).get("source") or ""))
        if not lines or not self.options.code_steps or run.steps < 2:
            return
        top = boxes.panels[0].bottom - 0.2
        panel = CodePanel(page, lines, Box(-page.frame.x, page.frame.x, -page.frame.height / 2, top).above(caption))
        asked = panel.asks
        if asked is None or panel.em < LEAST_CODE * page.em("floor"):
            return
        first = max(int(clock.timeline.step(SLOW_AT)), 1)
        steps = min(self.options.code_steps, run.steps - first)
        hidden = strip + (plot if boxes.side.top < top + 0.1 else [])
        self.crossfade([*hidden, *one])
        clock.show_step(first)
        self.crossfade((), [*panel.mobjects, *one])

        def show(u: float) -> None:
            step = min(int(u * steps), steps - 1)
            line = min(int((u * steps - step) * len(lines)), len(lines) - 1)
            clock.show_step(first + step + (line == len(lines) - 1))
            for grid in one[1:]:
                grid.show_step(first + step - (line < asked))
            panel.mark(line)

        seen = [mob for mob in clock.mobjects if mob not in hidden]
        self.play(UpdateFromAlpha(show, *seen, panel.bar, run_time=self.seconds(STEP_SECONDS) * steps))
        clock.show_step(first + steps)
        self.crossfade(panel.mobjects, hidden)

    def grids(self, boxes: list[Box], side: int, chains: list[int]) -> list[ImageGrid]:
        """x_t, predicted noise and predicted image of some chains, side × side in each of three boxes."""
        run = self.run
        square: dict[str, Any] = {"theme": self.theme, "rows": side, "cols": side, "chains": chains}
        return [
            image_grid(image_values(run), boxes[0], **square),
            noise_grid(PredictedNoise(run), boxes[1], **square),
            image_grid(image_values(run, "x0"), boxes[2], **square),
        ]

    def noise_level(self, clock: Clock, box: Box) -> tuple[list[Any], list[Any]]:
        """Curves and numbers of the true noise level and of the one told from the pictures; and what stands still."""
        run, page, theme = self.run, self.page, self.theme
        estimates, sigma = np.asarray(run["noise_estimate"]), np.asarray(run["sigma"])
        estimate = estimates[:, min(self.chain, estimates.shape[1] - 1)]
        self.clean = float(np.median(estimates[-1])) if sigma[-1] == 0 else 0.0  # what edges alone are taken for
        numbers = [
            clock.number("$sigma_t =$ {:.2f}", sigma, size="label", color="samples"),
            clock.number("estimate {:.2f}", estimate, size="legend" if page.shape == "tall" else "label"),
        ]
        if box.height < LEAST_PLOT:
            page.stack(box, numbers)
            return list(numbers), []
        beside = box.width > 2 * box.height
        text, plot = (
            box.columns(*((0.42, 0.58) if page.shape == "tall" else (0.36, 0.64)))
            if beside
            else box.rows(0.36, 0.64, gap=0.1)
        )
        page.stack(text, *numbers, align=-1)
        falls = sigma.max() > 2  # from many times the data's deviation: by the logarithm
        low = float(max(min(sigma[sigma > 0].min(), estimate.min()), 0.02)) if falls else 0.0
        axes = Axes(
            page, plot, x=(0, run.steps), y=(low, float(max(sigma.max(), estimate.max()))), log_y=falls,
            x_name="step", x_ticks=(0, run.steps),
        )  # fmt: skip
        steps, true = np.arange(run.steps + 1), np.where((sigma > 0) | (not falls), sigma, np.nan)
        curves = [
            axes.curve(steps, np.maximum(estimate, low), color=theme.fg),
            axes.curve(steps, true, color=theme.samples, future=theme.grid, ring=theme.bg),
        ]
        clock.bind(*curves)
        return [*curves, *numbers], [*axes.mobjects, *([axes.floor(max(self.clean, low))] if self.clean else [])]

    def keys(self) -> list[Any]:
        """What the curves mean."""
        theme, wide = self.theme, self.page.shape == "wide"
        said: list[Any] = [
            (key_line(theme.samples, width=2 * LINE), KEY_WIDTH, f"{'noise level ' * wide}$sigma_t$"),
            (key_line(theme.fg, width=2 * LINE), KEY_WIDTH, "estimated from the picture" if wide else "estimate"),
        ]
        if self.clean:  # the estimate of an image without noise: it ends there, and not at 0
            words = f"{'estimate of a clean image' if wide else 'of clean ones'}: {self.clean:.2f}"
            said.append((key_dashes(theme.muted), KEY_WIDTH, words))
        return said

    def asked(self) -> str:
        """The class that images were asked to be of, if it is one for all."""
        run = self.run
        labels = (run.meta.get("target") or {}).get("labels") or []
        asked = set(np.asarray(run["label"]).tolist()) if "label" in run and labels else set()
        return f"class {escaped(str(labels[asked.pop()]))}" if len(asked) == 1 else ""
