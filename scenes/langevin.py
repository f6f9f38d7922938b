"""Langevin Monte Carlo: one chain, its steps under a magnifier, its histogram; many chains; the same without noise."""

from __future__ import annotations

from typing import Literal

import numpy as np
from manim import Mobject, smooth
from pydantic import Field

from diffrender.animation import (
    HAIR,
    LINE,
    MOVING_TEXT,
    PACE,
    POWER,
    TERMS,
    Accelerating,
    DensityPanel,
    FadeInFast,
    FadeOutFast,
    Histogram2D,
    Magnifier,
    Number,
    PointCloud,
    Recording,
    Rect,
    RenderError,
    Running,
    SceneOptions,
    Spotlight,
    Trails,
    Trajectory,
    TrajectoryScene,
    UpdateFromAlpha,
    captions,
    extent_of,
    frame,
    key_arrow,
    key_dot,
    key_line,
    line,
    panel,
    pick_step,
    ticked,
)

Act = Literal["chain", "zoom", "histogram", "many", "still"]
FLICKER = 600.0  # steps a second above which the chain's path, each time another one, is drawn fainter
SEARCH = 600  # the step that is taken apart first is among the first so many
EQUATION = (
    "{{x_(t+1) : sum}} = {{x_t : state}} + {{tau nabla log p(x_t) : score}} + {{sqrt(2 tau) thin epsilon : noise}}"
)


class Langevin(TrajectoryScene):
    """Langevin Monte Carlo on a density: the steps of one chain, its histogram, many chains, and all without noise."""

    default_config = "langevin"
    shows = ("plane",)
    needs = {
        "chain": Recording(
            "langevin",
            {"model.kind": "exact", "sampler.kind": "ula", "sampler.steps": 120_000},
            fixed={
                "sampler.chains": 1,
                "record.keep": ["drift", "noise"],
                "record.every": 1,
                "record.density": True,
            },
        ),
        "many": Recording(
            "langevin",
            {"model.kind": "exact", "sampler.kind": "ula", "sampler.chains": 600},
            fixed={"sampler.steps": 400},
        ),
        "still": Recording(
            "langevin",
            {"model.kind": "exact", "sampler.chains": 600},
            fixed={"sampler.kind": "gradient", "sampler.steps": 400},
        ),
    }

    class Options(SceneOptions):
        """What is shown, and how fast."""

        acts: tuple[Act, ...] = Field(("chain", "zoom", "histogram", "many", "still"), min_length=1)
        speed: float = Field(1.0, gt=0, le=20, description="all that moves goes so many times as fast")
        slow_steps: int = Field(3, ge=1, le=12, description="steps taken apart slowly, before they speed up")
        trail: int = Field(50, ge=1, le=1000, description="the last so many steps of the chain are drawn")
        bins: int = Field(69, ge=4, le=400, description="columns of the histogram")
        chain_seconds: float = Field(6.0, gt=0)
        histogram_seconds: float = Field(14.0, gt=0)
        many_seconds: float = Field(9.0, gt=0)
        still_seconds: float = Field(9.0, gt=0)

    def construct(self) -> None:
        """The storyboard."""
        self.prepare()
        self.opening()
        for act in self.options.acts:
            getattr(self, act)()
        self.outro()

    def prepare(self) -> None:
        """Read the chain, and lay out the panels that all acts share."""
        run, page, theme = self.trajectories["chain"], self.page, self.theme
        run.require("drift", "noise")
        if run.event != (2,):
            raise RenderError(f"{run.file}: its states are {run.event}, but only a plane can be shown.")
        if not np.allclose(run["x"][1:] - run["x"][:-1], run["drift"] + run["noise"], atol=1e-4):
            raise RenderError(
                f"{run.file}: its moves are not drift + noise, so steps cannot be drawn as their sum.",
                "Record every step (record.every: 1) of an unadjusted sampler (sampler.kind: ula).",
            )
        self.tau = float(run["time"][1] - run["time"][0])
        self.left, self.right = page.pair()
        self.density = DensityPanel(page, run, self.left)
        self.ground: list[Mobject] = [panel(self.right, theme), frame(self.right, theme.border).set_z_index(4)]
        self.title, self.equation = page.title("Langevin Monte Carlo"), page.equation(EQUATION, **TERMS)
        self.equation.set_z_index(MOVING_TEXT)
        self.key = self.density.color_key(self.left if page.shape == "wide" else self.right)
        box, trail = self.density.box, self.options.trail
        path = Trails(
            box, self.left, run["x"], color=theme.chain, width=LINE * 1.15, alpha=0.95, casing=theme.panel, length=trail
        )
        dot = PointCloud(box, self.left, run["x"][0], color=theme.chain, radius=0.065, ring=theme.panel).follow(
            run["x"]
        )
        self.chain_marks: list[Mobject] = [path.set_z_index(2), dot.set_z_index(3)]
        self.trail_text = [] if page.shape == "tall" else [f"last {trail:,} steps shown"]  # words go before sizes
        near = slice(0, min(SEARCH, run.steps))
        slow = min(self.options.slow_steps, run.steps)
        self.first = pick_step(run["drift"][near, 0], run["noise"][near, 0], run["x"][: near.stop + 1, 0], slow, box)
        self.now = self.first  # the step to which the chain has come
        (a, b, c, d), (e, f, g, h) = self.left, self.right
        self.to_middle = np.array([(e + f - a - b) / 4, (g + h - c - d) / 4, 0.0])  # of both panels
        self.centred = True  # whether the left panel stands alone in the middle
        self.cues: dict[str, float] = {}  # when an act begins to move, in seconds

    # ---- the acts ----------------------------------------------------------------------------------------------------
    def opening(self) -> None:
        """Title, equation, and the density alone in the middle."""
        self.places |= {
            "label": self.left_label("True density $p(x)$"),
            "key": [self.key],
            "footer": self.act_caption(),
        }
        for mob in (*self.density.mobjects, *self.chain_marks, *self.key_if_wide()):
            mob.shift(self.to_middle)
        shown = [mob for mobjects in self.places.values() for mob in mobjects]
        self.intro(self.title, self.equation, ground=[*self.density.mobjects, *shown])

    def chain(self) -> None:
        """One chain wanders, its last steps behind it."""
        counter, seconds = self.counter(self.trajectories["chain"], self.first), self.act_seconds("chain")

        def show(u: float) -> None:
            self.show_chain(int(self.first * u**2))
            counter.set_values(int(self.first * ticked(u, seconds) ** 2))

        show(0)
        self.set_places(left=self.chain_marks, footer=self.act_caption(counter, *self.trail_text))
        self.play(UpdateFromAlpha(show, *self.chain_marks, self.density.border, counter, run_time=seconds))

    def zoom(self) -> None:
        """A window on the chain: every step made of its two arrows, first slowly, then faster and faster."""
        page, theme, slow = self.page, self.theme, self.options.slow_steps
        self.make_room()
        glass = Magnifier(
            self.density,
            self.right,
            self.trajectories["chain"],
            first=self.first,
            slow=slow,
            equation=self.equation,
            speed=self.options.speed,
        )
        counter = self.counter(self.trajectories["chain"], glass.last)
        keys = [
            (key_arrow(theme.score, dashed=True), 0.62, "log gradient"),
            (key_arrow(theme.noise, dashed=True), 0.62, "noise"),
            (key_arrow(theme.sum), 0.62, "sum"),
        ]

        def show(u: float) -> None:
            self.show_chain(glass.show(u * glass.seconds))
            counter.set_values(glass.step_at(ticked(u, glass.seconds) * glass.seconds))

        show(0)
        name = page.words("One step" if page.shape == "square" else "One step of the chain")
        legend = page.legend(keys, self.right)
        self.set_places(
            left=self.chain_marks, ground=self.ground, right=glass.mobjects, key=self.key_if_wide(),
            name=[page.panel_label(name, self.right, below=True)], below=[legend],
            footer=self.act_caption(counter, *self.trail_text),
        )  # fmt: skip
        self.glass, self.cues["zoom"] = glass, self.time
        moving = [*glass.mobjects, *self.chain_marks, self.density.border, counter, self.equation]
        self.play(UpdateFromAlpha(show, *moving, run_time=glass.seconds))
        self.now = glass.last

    def histogram(self) -> None:
        """The window becomes a histogram of all states visited so far, which fills up to the density."""
        page, run, seconds = self.page, self.trajectories["chain"], self.act_seconds("histogram")
        self.make_room()
        x0, x1, y0, y1 = box = self.density.box
        bins = (self.options.bins, max(1, round(self.options.bins * (y1 - y0) / (x1 - x0))))
        cells = Histogram2D(
            box, self.right, bins, table=self.theme.table("density"), high=self.density.high, power=POWER
        )
        cells.follow(run["x"], start=1).set_z_index(1)
        law = Accelerating(self.now, run.steps, seconds, PACE)
        states, path = self.visited(), self.chain_marks[0]
        pace = page.running("{:,} steps a second", round(law.pace_at(1)), size="caption", color="muted")

        def show(u: float) -> None:
            tick = ticked(u, seconds)
            step = law.at(tick)
            cells.show_step(step)
            self.show_chain(step)
            path.alpha = 0.95 * min(1.0, (FLICKER / law.pace_at(tick)) ** 0.3)
            states.set_values(step) if isinstance(states, Running) else states.set_value(step)
            pace.set_values(round(law.pace_at(tick)))

        show(0)
        wide, tall = page.shape == "wide", page.shape == "tall"
        title = "Histogram of visited states" if wide else "Visited states"
        self.set_places(
            left=self.chain_marks, ground=self.ground, right=[cells], key=[self.key],
            name=[states, *([] if tall else [page.panel_label(page.words(title), self.right)])],
            below=[page.note(f"{bins[0]} × {bins[1]} bins, same colours", self.right)] if wide else [],
            footer=self.act_caption(pace),
        )  # fmt: skip
        self.cells, self.cues["histogram"] = cells, self.time
        moving = [cells, *self.chain_marks, self.density.border, self.ground[1], states, pace]
        self.play(UpdateFromAlpha(show, *moving, run_time=seconds))
        self.now = run.steps
        self.wait(1.5)

    def many(self) -> None:
        """Hundreds of chains from one broad start become the density."""
        run, seconds = self.trajectories["many"], self.act_seconds("many")
        cloud, counter = self.chains_of(run, self.left), self.counter(run, run.steps).set_values(0)
        label, footer = self.left_label(f"{run.chains:,} chains"), self.act_caption(counter, "one broad start")
        gone: dict[str, list[Mobject]] = (
            {} if "histogram" in self.cues else {"right": [], "ground": [], "name": [], "below": []}
        )
        self.set_places(left=[cloud], label=label, footer=footer, **gone)
        self.wait(1)
        self.cues["many"] = self.time
        self.play(self.run_together([cloud], counter, run.steps, seconds, 1.5))
        self.wait(1)

    def still(self) -> None:
        """The same chains once more, and beside them the same without noise: they climb, and stay on the modes."""
        page, theme, run, seconds = self.page, self.theme, self.trajectories["still"], self.act_seconds("still")
        self.make_room()
        noisy, counter = self.trajectories["many"], self.counter(run, run.steps).set_values(0)
        paths = Trails(
            self.density.box,
            self.right,
            run["x"][:, ::3],
            color=theme.chain,
            width=HAIR,
            alpha=0.55,
            power=0,
            length=run.steps,
        ).show_step(0)
        with_noise, stuck = self.chains_of(noisy, self.left), self.chains_of(run, self.right)
        name = page.words("No noise" if page.shape == "square" else "No noise: stuck on the modes")
        keys = [(key_dot(theme.chain), 0.22, "chain"), (key_line(theme.chain), 0.5, "its path (every third)")]
        self.set_places(
            left=[with_noise], label=self.left_label(f"With noise: {noisy.chains:,} chains"), ground=self.ground,
            right=[self.density.heat(self.right).set_z_index(1), paths.set_z_index(2), stuck],
            name=[page.panel_label(name, self.right, below=True)], below=[page.legend(keys, self.right)],
            key=self.key_if_wide(), footer=self.act_caption(counter, "same starts"),
        )  # fmt: skip
        self.strike_noise()
        self.cues["still"] = self.time
        self.play(self.run_together([with_noise, stuck, paths], counter, run.steps, seconds, 1.6))

    # ---- what the acts share -----------------------------------------------------------------------------------------
    def left_label(self, markup: str) -> list[Mobject]:
        """The label of the left panel, wherever that stands."""
        text = self.page.panel_label(self.page.words(markup), self.left)
        return [text.shift(self.to_middle) if self.centred else text]

    def key_if_wide(self) -> list[Mobject]:
        """The colour key, where there is room for it beside another legend."""
        return [self.key] if self.page.shape == "wide" else []

    def visited(self) -> Running | Number:
        """The number of visited states: at the right end of the label's line, in a tall frame the label itself."""
        if self.page.shape == "tall":
            return self.page.panel_label(
                self.page.running("{:,} visited states", self.trajectories["chain"].steps), self.right, below=True
            )
        return self.page.panel_label(self.page.number(",", self.trajectories["chain"].steps), self.right, align=1)

    def chains_of(self, run: Trajectory, rect: Rect) -> PointCloud:
        """All chains of a recording on a panel, at their start."""
        cloud = PointCloud(
            self.density.box, rect, run["x"][0], color=self.theme.chain, radius=0.038, alpha=0.95, ring=self.theme.panel
        )
        if self.centred and rect == self.left:
            cloud.shift(self.to_middle)
        return cloud.follow(run["x"]).set_z_index(3)

    def counter(self, run: Trajectory, last: int) -> Running:
        """The running step of a recording, up to `last`, for its caption."""
        return self.page.running(f"step {{:,}} of {run.steps:,}", last, size="caption", color="muted")

    def act_caption(self, *items: str | Running) -> list[Mobject]:
        """The caption of an act, item by item."""
        run = self.trajectories["chain"]
        first = (captions.sampler(run), f"$tau = {self.tau:.3g}$")
        return list(self.page.caption(*first, *items, captions.seed(run), captions.model(run)))

    def act_seconds(self, act: str) -> float:
        """How long an act moves."""
        return getattr(self.options, f"{act}_seconds") / self.options.speed

    def show_chain(self, step: float) -> None:
        """The chain at a recorded step, or on its way to the next, in the left panel."""
        for mark in self.chain_marks:
            mark.show_step(step)

    def run_together(
        self, shown: list[Mobject], counter: Running, steps: int, seconds: float, ease: float
    ) -> UpdateFromAlpha:
        """All chains from their start to their end, slower at first."""

        def show(u: float) -> None:
            for mob in shown:
                mob.show_step(int(steps * u**ease))
            counter.set_values(int(steps * ticked(u, seconds) ** ease))

        above = [mob for mob in (self.density.border, self.ground[1]) if mob in self.mobjects]
        return UpdateFromAlpha(show, *shown, *above, counter, run_time=seconds)

    def make_room(self) -> None:
        """Let the left panel glide from the middle to its place, if it is not there yet."""
        if not self.centred:
            return
        self.centred = False
        group = [*self.density.mobjects, *self.places["label"], *self.chain_marks, *self.places.get("left", [])]
        group, gone = list(dict.fromkeys([*group, *self.key_if_wide()])), [0.0]

        def show(u: float) -> None:
            for mob in group:
                mob.shift(-self.to_middle * (u - gone[0]))
            gone[0] = u

        self.play(
            UpdateFromAlpha(show, *(mob for mob in group if mob in self.mobjects), run_time=0.8, rate_func=smooth)
        )

    def strike_noise(self) -> None:
        """Take the noise out of the equation, for all to see."""
        theme = self.theme
        x0, x1, y0, y1 = extent_of(self.equation.terms["noise"])
        strike = line([(x0 - 0.08, y0 + 0.02), (x1 + 0.02, y1 - 0.02)], theme.fg, 0.04)
        strike.set_z_index(MOVING_TEXT + 1)
        end, light = strike.points.copy(), Spotlight(self.equation, {"noise": theme.noise}, theme, dim=0.5)

        def show(u: float) -> None:
            light.light({"noise": 1 - u})
            strike.points = end[0] + (end - end[0]) * u

        self.play(FadeOutFast(self.title, run_time=0.3))
        self.title = self.page.title("Without noise")
        self.play(FadeInFast(self.title), UpdateFromAlpha(show, self.equation, strike, run_time=0.8, rate_func=smooth))
