"""Annealed Langevin on images: chains ride from noise to pictures as the noise level falls."""

from __future__ import annotations

from typing import Any

import numpy as np
from manim import VMobject
from pydantic import Field

from diffrender.animation import (
    Box,
    ColorBar,
    Recording,
    SceneOptions,
    Timeline,
    TrajectoryScene,
    blend,
    captions,
    frame,
    image_grid,
    image_values,
    line,
)

DECIDED = 0.4, 3.0  # noise levels, of values in [−1, 1], between which it is decided what an image becomes
SLOW = 2 / 3  # share of the film between them
BAR = 0.3  # width of the scale
TICKS = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03)


class Surf(TrajectoryScene):
    """Annealed Langevin: a grid of images rides from noise to pictures over falling noise levels."""

    default_config = "digits"
    shows = ("images",)
    needs = {
        "run": Recording(
            "reverse",
            {
                "schedule.kind": "geometric",
                "schedule.num_train_timesteps": 40,
                "schedule.sigma_min": 0.08,
                "schedule.sigma_max": 6.5,
                "sampler.steps": 40,
                "sampler.chains": 64,
                "record.frames": 201,
            },
            fixed={"sampler.kind": "annealed", "sampler.inner_steps": 5, "sampler.step_size": 0.25},
        )
    }

    class Options(SceneOptions):
        """Options of `surf`."""

        duration: float = Field(14.0, gt=0, le=600, description="seconds from noise to images")
        rows: int = Field(8, ge=1, le=16, description="rows and columns of the grid")

    def construct(self) -> None:
        """The grid, the noise level on its scale, and both moving together; slowly where images are decided."""
        run, page, theme, options = self.run, self.page, self.theme, self.options
        boxes = self.arrange("stage with column", slider=False)
        side = min(options.rows, int(np.sqrt(run.chains)))
        clock = self.clock(run, timeline=self.timeline())
        values = image_values(run)
        grid = image_grid(values, boxes.stage, theme=theme, rows=side, cols=side, chains=list(range(side**2)))
        left, bottom, right, top = *map(float, grid.points[0, :2]), *map(float, grid.points[3, :2])
        rim = Box(left - 0.09, right + 0.09, bottom - 0.09, top + 0.09)
        ground = frame(rim, theme.samples, fill=theme.samples)

        texts: list[Any] = [clock.number("$sigma =$ {:.2f}", run["sigma"], size="title", color="samples")]
        if page.column_align < 0:
            texts.append(page.words("noise level", "legend", "muted"))
            upper, lower = boxes.column.rows(0.3, 0.7)
        else:
            upper, lower = boxes.column.columns(0.32, 0.68)
        page.stack(upper, *texts, align=-1)
        scale, pointer = self.scale(lower)

        def colour(step: float) -> None:
            hue = self.hue(float(run["sigma"][int(step)]))
            ground.set_fill(hue).set_stroke(hue)

        clock.bind(grid.set_z_index(1), pointer)
        clock.bind(colour, moves=[ground])
        caption = self.caption("sampler", "scaling", "model", "step")
        clock.show(0)
        words = captions.title(run, "Images") + ": surfing" * (page.shape == "wide")
        standing = [*texts, *scale, pointer.mark, caption]
        self.intro(*self.header(words, self.sampler_equation()), ground=[*standing, ground, grid])
        self.play_run(clock)
        self.outro()

    @property
    def levels(self) -> tuple[float, float]:
        """The greatest and the least noise level of the scale."""
        sigma = np.asarray(self.run["sigma"])
        return float(sigma.max()), float(sigma[sigma > 0].min())

    def place(self, sigma: float) -> float:
        """Where a noise level stands on its way, 0 at the noisiest, 1 at the least noisy, by its logarithm."""
        high, low = self.levels
        return float(np.clip(np.log(high / max(sigma, low)) / np.log(high / low), 0, 1))

    def hue(self, sigma: float) -> str:
        """The colour of a noise level: from that of noise to that of data."""
        return blend(self.theme.samples, self.theme.data, self.place(sigma))

    def timeline(self) -> Timeline:
        """Two thirds of the film for the noise levels at which it is decided what an image becomes."""
        run = self.run
        sigma = np.asarray(run["sigma"]) * float((run.meta.get("target") or {}).get("scale", 1.0))
        slow = (sigma[:-1] <= DECIDED[1]) & (sigma[:-1] >= DECIDED[0])
        share = np.full(run.steps, 1.0 / run.steps)
        if slow.any() and not slow.all():
            share = np.where(slow, SLOW / slow.sum(), (1 - SLOW) / (~slow).sum())
        passed = np.concatenate([[0.0], np.cumsum(share)])
        steps = np.arange(run.steps + 1, dtype=float)
        return Timeline("noise level", run.steps, lambda u: float(np.interp(u, passed / passed[-1], steps)))

    def scale(self, box: Box) -> tuple[list[Any], Pointer]:
        """The scale of noise levels with its ticks, and the pointer that runs along it: upright beside the stage."""
        page, theme, em = self.page, self.theme, self.page.em("legend")
        upright = page.column_align < 0
        if upright:
            bar = Box(box.left, box.left + BAR, box.bottom + 0.2, box.top)
        else:
            bar = Box(box.left + 0.3, box.right - 0.3, box.top - BAR, box.top)
        hues = [blend(theme.samples, theme.data, u) for u in np.linspace(1, 0, 256)]
        table = np.array([[int(hue[k : k + 2], 16) for k in (1, 3, 5)] for hue in hues], np.uint8)
        made: list[Any] = [ColorBar(bar, table, border=theme.border)]
        high, low = self.levels
        for tick in (t for t in TICKS if low <= t <= high):
            u = self.place(tick)
            if upright:
                y = bar.top - u * bar.height
                made += [line([(bar.right, y), (bar.right + 0.1, y)], theme.muted)]
                made.append(page.label(f"{tick:g}", bar.right + 0.2, y - 0.3 * em, size="legend"))
            else:
                x = bar.right - u * bar.width
                made.append(page.label(f"{tick:g}", x, bar.bottom - 1.15 * em, 0, "legend"))
        return made, Pointer(self, bar, upright)


class Pointer:
    """A mark that runs along the scale of noise levels with recorded time."""

    def __init__(self, scene: Surf, bar: Box, upright: bool) -> None:
        self.scene, self.bar, self.upright = scene, bar, upright
        wide, high = (bar.width + 0.2, 0.12) if upright else (0.12, bar.height + 0.2)
        self.mark = frame(Box(-wide / 2, wide / 2, -high / 2, high / 2), scene.theme.fg, 0.03, fill=scene.theme.bg)
        self.mark.set_z_index(2)

    @property
    def mobjects(self) -> list[VMobject]:
        """What moves."""
        return [self.mark]

    def show_step(self, step: float) -> None:
        """Stand at the noise level of a recorded step."""
        u, bar = self.scene.place(float(self.scene.run["sigma"][int(step)])), self.bar
        x, y = bar.center
        self.mark.move_to([x, bar.top - u * bar.height, 0] if self.upright else [bar.right - u * bar.width, y, 0])
