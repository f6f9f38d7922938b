"""The forward process: data dissolve into noise, point by point, and what is left of them falls with log-SNR."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from manim import VGroup
from pydantic import Field

from diffrender.animation import (
    KEY_DOT_WIDTH,
    LINE,
    CloudTiles,
    Hero,
    Recording,
    SceneOptions,
    ScheduleColumn,
    TrajectoryScene,
    beside_marginals,
    blend,
    even_steps,
    forward_equation,
    frame,
    key_dot,
    key_line,
    log_snr_of,
    marginals,
    panel,
    point_radius,
    scale_bar,
)

TILES = 11
VISIBLE = (-5.0, 5.5)  # log-SNR: outside nothing can be seen to change from tile to tile
REACH = {2: 0.62, 3: 0.9}  # of a panel that data, or the box round them, fill: noise needs the rest
DATA, DATA_ALPHA, CLOUD = 0.017, 0.75, 0.75  # points of x_0; opacities of them and of x_t


class Forward(TrajectoryScene):
    """Data dissolve into noise, step by recorded step of the Markov chain, until the normal distribution is reached."""

    default_config = "spiral"
    shows = ("plane", "space")
    needs = {
        "run": Recording(
            "forward",
            {"sampler.steps": 200, "sampler.chains": 2000, "record.keep": []},
            fixed={"sampler.kind": "forward"},
        )
    }

    class Options(SceneOptions):
        """Options of `forward`."""

        duration: float = Field(10.0, gt=0, le=600, description="seconds from data to noise")
        hero: bool = Field(True, description="follow one of the points")
        compare: Literal["linear", "scaled_linear", "cosine"] | None = Field(
            None, description="another schedule, whose curve is drawn dashed"
        )

    def construct(self) -> None:
        """The data; then the whole way, paced by what can be seen to change; then the noise under its bell."""
        run, page, theme, options = self.run, self.page, self.theme, self.options
        count = 12 if page.shape == "tall" else TILES
        boxes, states = self.arrange("panel over tiles", tiles=count, under=0.43), run.states[:, : options.points]
        alpha, sigma = (np.asarray(run[key], float) for key in ("alpha", "sigma"))
        share = sigma**2 / (alpha**2 + sigma**2)
        self.tints = [blend(theme.data, theme.samples, float(w)) for w in share]
        self.deviation = float(sigma[-1] / run.scale[-1])  # of what is left when the data are gone

        # the cloud over the data it began as, and one of its points
        stage, reach = beside_marginals(boxes.panel, run.event[0]), REACH[run.event[0]]
        view = self.view(states[0], stage, reach=reach, noise=self.deviation, haze=theme.panel)
        view.cloud(states[0], color=theme.data, radius=DATA, alpha=DATA_ALPHA)
        cloud = view.cloud(states, color=theme.data, radius=point_radius(states.shape[1], 12), alpha=CLOUD)
        clock = self.clock(run)
        clock.bind(cloud)
        clock.bind(lambda step: cloud.set_fill(self.tints[int(step)]))
        if options.trails:
            tails = view.trails(states[:, : options.trails], color=theme.fg, width=LINE, alpha=0.6, length=12)
            clock.bind(tails)
        if options.hero:
            clock.bind(Hero(view, states, theme=theme))
        edges = [
            clock.bind(m)
            for m in marginals(view, states, stage, deviation=self.deviation, colors=self.tints, theme=theme)
        ]

        # its way in tiles, and its schedule
        steps = even_steps(np.clip(log_snr_of(run), *VISIBLE), len(boxes.tiles))
        names = [f"{run['time'][step]:.2f}" for step in steps]
        tiles = CloudTiles(
            page, states, steps, boxes.tiles, boxes.tile_names, colors=self.tints, names=names, prefix="$t =$ ",
            reach=reach, noise=self.deviation,
        )  # fmt: skip
        clock.bind(tiles)
        column = ScheduleColumn(
            clock, states, boxes.side, deviation=self.deviation, tiles=steps, colors=self.tints, compare=options.compare
        )
        other = f"dashed: {options.compare} by its formula".replace("_", " ") if options.compare else ""
        caption = self.caption("sampler", "step", "points", "scaling", other, "seed")
        ground = [panel(stage, theme), *tiles.names, *tiles.grounds, *column.standing, caption]
        ground += [self.legend(self.keys(), boxes.key), frame(stage, theme.border).set_z_index(8)]
        ground += [scale_bar(view, page, stage).set_z_index(9)] if view.dims == 2 else []
        ground += [mob for part in (*edges, tiles, column) for mob in part.mobjects]
        clock.show(0)
        self.look(0)
        self.intro(*self.header("Data dissolve into noise", forward_equation(run)), ground=[*ground, *view.made])
        self.play_run(clock)
        self.outro()

    def keys(self) -> list[Any]:
        """What the marks mean; the cloud's in the colours that it goes through."""
        theme, wide = self.theme, self.page.shape == "wide"
        through = [theme.data, blend(theme.data, theme.samples, 0.5), theme.samples]

        def cloud(x0: float, x1: float, y: float) -> VGroup:
            third = (x1 - x0) / 3
            return VGroup(*(key_dot(c)(x0 + k * third, x0 + (k + 1) * third, y) for k, c in enumerate(through)))

        items: list[Any] = [
            (key_dot(theme.data, radius=0.04), 0.1, "data $x_0$"),
            (cloud, 0.6, "$x_t$, data to noise" if wide else "$x_t$"),
        ]
        items += [(key_dot(theme.fg), KEY_DOT_WIDTH, "one of them" if wide else "one")] if self.options.hero else []
        name = "cal(N)(0, 1)" if abs(self.deviation - 1) < 0.01 else "cal(N)(0, sigma_T^2)"
        return [*items, (key_line(theme.fg, width=LINE), 0.4, f"${name}$")]
