"""Langevin Monte Carlo: one chain, its steps under a magnifier, its histogram; many chains; the same without noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from manim import ORIGIN, Mobject, VGroup, smooth
from pydantic import Field

from diffrender.errors import RenderError
from diffrender.show.density import POWER, DensityPanel
from diffrender.show.emphasis import Accelerating, pick_step
from diffrender.show.magnifier import PACE, TERMS, Magnifier
from diffrender.show.mobjects import Histogram2D, PointCloud, Trails
from diffrender.show.mobjects.furniture import Rect, frame, key_arrow, key_dot, key_line, line, panel
from diffrender.show.mobjects.spotlight import Spotlight, extent_of
from diffrender.show.motion import Appear, Drive, Vanish, ticked
from diffrender.show.stage import SceneOptions, TrajectoryScene
from diffrender.show.text import Running, escaped
from diffrender.show.theme import HAIR, LINE
from diffrender.trajectory import Trajectory

Act = Literal["chain", "zoom", "histogram", "many", "still"]
SEARCH = 600  # the step that is taken apart first is among the first so many
SAMPLERS = {"ula": "unadjusted Langevin"}
EQUATION = (
    "{{x_(t+1) : sum}} = {{x_t : state}} + {{tau nabla log p(x_t) : score}} + {{sqrt(2 tau) thin epsilon : noise}}"
)


class Langevin(TrajectoryScene):
    """Langevin Monte Carlo on a density: the steps of one chain, its histogram, many chains, and all without noise."""

    default_config = "langevin"
    needs = {
        "chain": {"sampler.kind": "ula", "sampler.chains!": 1, "sampler.steps": 120000},
        "many": {"sampler.kind": "ula", "sampler.chains": 600, "sampler.steps!": 400},
        "still": {"sampler.kind!": "gradient", "sampler.chains": 600, "sampler.steps!": 400},
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
        self.close()

    def prepare(self) -> None:
        """Read the chain, and lay out the panel that all acts share."""
        run, page, theme = self.trajectories["chain"], self.page, self.theme
        run.require("drift", "noise")
        some = slice(0, min(100, run.steps))
        if not np.allclose((run.x[1:] - run.x[:-1])[some], run.drift[some] + run.noise[some], atol=1e-4):
            raise RenderError(
                f"{run.path}: its moves are not drift + noise, so steps cannot be drawn as their sum.",
                "Record every step (record.every: 1) of an unadjusted sampler (sampler.kind: ula).",
            )
        self.run, self.tau = run, float(run.time[1] - run.time[0])
        self.left, self.right = page.pair()
        self.density = DensityPanel(page, run, self.left)
        self.title, self.equation = page.title("Langevin Monte Carlo"), page.equation(EQUATION, **TERMS)
        self.label = page.panel_label(page.words("True density $p(x)$"), self.left)
        box, trail = self.density.box, self.options.trail
        path = Trails(box, self.left, run.x, theme.chain, LINE * 1.15, 0.95, theme.panel, length=trail)
        dot = PointCloud(box, self.left, run.x[0], theme.chain, 0.065, ring=theme.panel).follow(run.x)
        self.chain_marks: list[Mobject] = [path.set_z_index(2), dot.set_z_index(3)]
        self.trail_text = f"last {trail:,} steps shown"
        near = slice(0, min(SEARCH, run.steps))
        slow = min(self.options.slow_steps, run.steps)
        self.first = pick_step(run.drift[near, 0], run.noise[near, 0], run.x[: near.stop + 1, 0], slow, box)
        self.now = 0  # the step to which the chain has come
        self.aside: list[Mobject] = []  # what stands on the right
        self.footer: list[Mobject] = []
        self.cloud: PointCloud | None = None
        self.cells: Histogram2D | None = None
        (a, b, c, d), (e, f, g, h) = self.left, self.right
        self.to_middle = np.array([(e + f - a - b) / 4, (g + h - c - d) / 4, 0.0])  # of both panels
        self.centred = False  # whether the left panel stands alone in the middle
        self.cues: dict[str, float] = {}  # when an act begins to move, in seconds

    # ---- the acts ----------------------------------------------------------------------------------------------------
    def opening(self) -> None:
        """Title, equation, and the density alone in the middle."""
        self.footer = [self.caption(self.run)]
        self.shift_left(self.to_middle)
        self.open(self.title, self.equation, ground=[*self.density.mobjects, self.label, *self.footer])

    def chain(self) -> None:
        """One chain wanders, its last steps behind it."""
        counter, seconds = self.counter(self.run), self.seconds("chain")

        def show(u: float) -> None:
            self.show_chain(int(self.first * u**2))
            counter.set_values(int(self.first * ticked(u, seconds) ** 2))

        show(0)
        self.turn(self.aside, self.caption(self.run, counter, self.trail_text), arriving=self.chain_marks)
        self.play(Drive(show, *self.chain_marks, self.density.border, counter, run_time=seconds))
        self.now = self.first

    def zoom(self) -> None:
        """A window on the chain: every step made of its two arrows, first slowly, then faster and faster."""
        page, theme, run = self.page, self.theme, self.run
        self.make_room()
        counter, slow = self.counter(run), self.options.slow_steps
        glass = Magnifier(self.density, self.right, run, self.first, slow, self.equation, self.options.speed)
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
        right = [page.panel_label(name, self.right, below=True), page.legend(keys, self.right), *glass.mobjects]
        self.turn(right, self.caption(run, counter, self.trail_text), arriving=self.chain_marks)
        self.cues["zoom"] = self.time
        self.glass = glass
        moving = [*glass.mobjects, *self.chain_marks, self.density.border, counter, self.equation]
        self.play(Drive(show, *moving, run_time=glass.seconds))
        self.now = glass.last

    def histogram(self) -> None:
        """The window becomes a histogram of all states visited so far, which fills up to the density."""
        page, run, seconds = self.page, self.run, self.seconds("histogram")
        self.make_room()
        x0, x1, y0, y1 = box = self.density.box
        bins = (self.options.bins, max(1, round(self.options.bins * (y1 - y0) / (x1 - x0))))
        cells = Histogram2D(box, self.right, bins, self.theme.table("density"), self.density.high, POWER)
        cells.follow(run.x, start=1).set_z_index(1)
        states = page.running(
            "{:,} visited states" if page.shape == "square" else "Histogram of {:,} visited states", run.steps
        )
        law = Accelerating(self.now, run.steps, seconds, PACE)
        counter, pace = self.counter(run), page.running("{:,} steps a second", 99999, size="caption", color="muted")

        def show(u: float) -> None:
            tick = ticked(u, seconds)
            step = law.at(tick)
            cells.show_step(step)
            self.show_chain(step)
            states.set_values(step)
            counter.set_values(step)
            pace.set_values(round(law.pace_at(tick)))

        show(0)
        ground, border = panel(self.right, self.theme), frame(self.right, self.theme.border).set_z_index(4)
        label = page.panel_label(states, self.right, below=True)
        note = page.note(f"{bins[0]} × {bins[1]} bins, same colours", self.right)
        self.turn([ground, cells, border, label, note], self.caption(run, counter, pace), arriving=self.chain_marks)
        self.cues["histogram"] = self.time
        self.play(
            Drive(show, cells, *self.chain_marks, self.density.border, border, states, counter, pace, run_time=seconds)
        )
        self.now, self.cells = run.steps, cells
        self.wait(1.5)

    def many(self) -> None:
        """Hundreds of chains from one broad start become the density."""
        run, seconds = self.trajectories["many"], self.seconds("many")
        self.cloud, counter = self.chains_of(run, self.left), self.counter(run)
        counter.set_values(0)
        keep = self.aside if self.cells in self.aside else []
        caption = self.caption(run, counter, "one broad start")
        self.turn(keep, caption, arriving=[self.cloud], going=self.chain_marks, label=f"{run.chains:,} chains")
        self.wait(1)
        self.cues["many"] = self.time
        self.play(self.run_together([self.cloud], counter, run.steps, seconds, 1.5))
        self.wait(1)

    def still(self) -> None:
        """The same chains once more, and beside them the same without noise: they climb, and stay on the modes."""
        page, theme, run, seconds = self.page, self.theme, self.trajectories["still"], self.seconds("still")
        noisy, counter = self.trajectories["many"], self.counter(run)
        self.make_room()
        counter.set_values(0)
        paths = Trails(
            self.density.box, self.right, run.x[:, ::3], theme.chain, HAIR, 0.55, power=0, length=run.steps
        ).show_step(0)
        before, self.cloud = self.cloud, self.chains_of(noisy, self.left)
        stuck = self.chains_of(run, self.right)
        ground, border = panel(self.right, theme), frame(self.right, theme.border).set_z_index(4)
        label = page.words("No noise" if page.shape == "square" else "No noise: stuck on the modes")
        keys = [(key_dot(theme.chain), 0.22, "chain"), (key_line(theme.chain), 0.5, "its path (every third)")]
        right = [
            ground, self.density.heat(self.right).set_z_index(1), paths.set_z_index(2), stuck, border,
            page.panel_label(label, self.right, below=True), page.legend(keys, self.right),
        ]  # fmt: skip
        self.turn(
            right, self.caption(noisy, counter, "same starts"), arriving=[self.cloud],
            going=[*self.chain_marks, *([before] if before else [])], label=f"With noise: {noisy.chains:,} chains",
        )  # fmt: skip
        self.strike_noise()
        self.cues["still"] = self.time
        self.play(self.run_together([self.cloud, stuck, paths], counter, run.steps, seconds, 1.6, border))

    # ---- what the acts share -----------------------------------------------------------------------------------------
    def chains_of(self, run: Trajectory, rect: Rect) -> PointCloud:
        """All chains of a recording on a panel, at their start."""
        cloud = PointCloud(self.density.box, rect, run.x[0], self.theme.chain, 0.036, 0.95, ring=self.theme.panel)
        if self.centred and rect == self.left:
            cloud.shift(self.to_middle)
        return cloud.follow(run.x).set_z_index(3)

    def counter(self, run: Trajectory) -> Running:
        """The running step of a recording, for its caption."""
        return self.page.running(f"step {{:,}} of {run.steps:,}", run.steps, size="caption", color="muted")

    def caption(self, run: Trajectory, *items: str | Running) -> VGroup:
        """The caption of an act that shows this recording."""
        name = run.meta.get("sampler", {}).get("name", "")
        sampler = SAMPLERS.get(name, escaped(name))
        return self.page.caption(
            sampler, f"$tau = {self.tau:.3g}$", *items, f"seed {run.meta.get('seed', 0)}", "exact score"
        )

    def seconds(self, act: str) -> float:
        """How long an act moves."""
        return getattr(self.options, f"{act}_seconds") / self.options.speed

    def show_chain(self, step: float) -> None:
        """The chain at a recorded step, or on its way to the next, in the left panel."""
        for mark in self.chain_marks:
            mark.show_step(step)

    def run_together(
        self, shown: list[Mobject], counter: Running, steps: int, seconds: float, ease: float, *above: Mobject
    ) -> Drive:
        """All chains from their start to their end, slower at first."""

        def show(u: float) -> None:
            for mob in shown:
                mob.show_step(int(steps * u**ease))
            counter.set_values(int(steps * ticked(u, seconds) ** ease))

        return Drive(show, *shown, self.density.border, *above, counter, run_time=seconds)

    def turn(
        self,
        aside: Sequence[Mobject],
        caption: Mobject,
        *,
        arriving: Sequence[Mobject] = (),
        going: Sequence[Mobject] = (),
        label: str = "",
    ) -> None:
        """Change acts: what stands on the right, the caption, the left panel's label, and what lies in that panel."""
        out, into = [*self.aside, *self.footer, *going], [*aside, caption, *arriving]
        if label:
            out.append(self.label)
            self.label = self.page.panel_label(self.page.words(label), self.left)
            self.label.shift(self.to_middle if self.centred else ORIGIN)
            into.append(self.label)
        self.aside, self.footer = list(aside), [caption]
        self.change(
            [mob for mob in out if mob in self.mobjects and mob not in into],
            [mob for mob in into if mob not in self.mobjects],
        )

    def shift_left(self, way: np.ndarray) -> list[Mobject]:
        """Move the left panel and all that belongs to it; returns what of it is on screen."""
        self.centred = way is self.to_middle
        mobjects = [*self.density.mobjects, self.label, *self.chain_marks, *([self.cloud] if self.cloud else [])]
        for mob in mobjects:
            mob.shift(way)
        return [mob for mob in mobjects if mob in self.mobjects]

    def make_room(self) -> None:
        """Let the left panel glide from the middle to its place, if it is not there yet."""
        if not self.centred:
            return
        moving, gone = self.shift_left(-self.to_middle), [1.0]

        def show(u: float) -> None:
            for mob in moving:
                mob.shift(-self.to_middle * (u - gone[0]))
            gone[0] = u

        self.play(Drive(show, *moving, run_time=0.8, rate_func=smooth))

    def strike_noise(self) -> None:
        """Take the noise out of the equation, for all to see."""
        page, theme = self.page, self.theme
        x0, x1, y0, y1 = extent_of(self.equation.terms["noise"])
        strike = line([(x0 - 0.08, y0 + 0.02), (x1 + 0.02, y1 - 0.02)], theme.fg, 0.04)
        end, light = strike.points.copy(), Spotlight(self.equation, {"noise": theme.noise}, theme, dim=0.5)

        def show(u: float) -> None:
            light.light({"noise": 1 - u})
            strike.points = end[0] + (end - end[0]) * u

        title = page.title("Without noise")
        self.play(Vanish(self.title, run_time=0.3))
        self.play(Appear(title), Drive(show, self.equation, strike, run_time=0.8, rate_func=smooth))
