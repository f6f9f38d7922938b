"""Scenes that are told on a density: its panel, which moves about, something beside it, and act after act."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from manim import Mobject

from diffrender.animation.animations import FadeOutFast
from diffrender.animation.layout.box import Box
from diffrender.animation.mobjects.furniture.panels import frame, panel
from diffrender.animation.parts.basins import Basins
from diffrender.animation.parts.clock import Clock
from diffrender.animation.parts.crowd import TAIL, Crowd
from diffrender.animation.parts.density_panel import POWER, DensityPanel
from diffrender.animation.parts.filling import FillingHistogram
from diffrender.animation.parts.glide import Glide, fit, lay_on
from diffrender.animation.parts.tally import Tally, category_colors
from diffrender.animation.parts.zoom.legend import friction_of
from diffrender.animation.scene import TrajectoryScene
from diffrender.animation.text import captions
from diffrender.animation.text.numbers import Running
from diffrender.animation.text.typst import Typeset
from diffrender.animation.timeline import Timeline
from diffrender.trajectory.reader import Trajectory

TAILS = {"hmc": 1, "underdamped": 3}  # steps that are drawn behind each of many chains, where these are long
FAINT = 0.6  # how far the density's colours go towards the panel's under coloured chains


class DensityScene(TrajectoryScene):
    """A scene whose left panel shows a density, and which moves this panel from act to act.

    left, right: the two panels, `row` what lies under both; stage: all that lies between header and foot, middle: where
    the left panel stands alone on it. `at`: where it stands now. density, basins, colors: what it shows, its basins,
    and a colour for each. ground: of the right panel, its hairline last. cues: when acts began to move, in seconds;
    holds: when a picture stands, and for how long. What stands where is kept by name in `places`: `left`, `label`,
    `right`, `name`, `ground`, `key` and `footer`, and whatever an act adds.
    """

    fills_early = True
    titled = ""  # the sampler that the title names, which captions need not repeat

    def lay_out(self, run: Trajectory) -> None:
        """Lay out the panels, for the density that a recording holds."""
        page, theme = self.page, self.theme
        boxes = self.arrange("two panels")
        self.left, self.right, self.at = boxes.left, boxes.right, boxes.left
        stage = self.arrange("stage", slider=False).stage
        self.stage = stage._replace(top=stage.top - 1.3 * page.em("label"))
        self.middle = fit(self.left, self.stage)
        self.density = DensityPanel(page, run, self.left)
        self.basins = Basins(self.density.values, self.density.extent)
        self.colors = category_colors(theme, len(self.basins.modes))
        self.ground: list[Mobject] = [panel(self.right, theme), frame(self.right, theme.border).set_z_index(4)]
        middle = self.middle
        low, high = middle.bottom - 0.15 * middle.height, middle.top + 0.25 * middle.height
        self.hill_box = self.stage._replace(bottom=max(low, self.stage.bottom), top=min(high, self.stage.top))
        self.row = Box(-page.frame.x, page.frame.x, boxes.left_key.bottom, boxes.left_key.top)
        self.cues: dict[str, float] = {}
        self.holds: list[tuple[float, float]] = []

    def go(self, box: Box, *places: str) -> None:
        """Let the density's panel glide to a box of its shape; what stands in these places goes meanwhile.

        So do its label, a beam from it and what is said under it. What the panel will not cover stays longest.
        """
        if box == self.at:
            self.set_places(**{name: [] for name in ("beam", *places)})
            return
        left = self.places.get("left", ())
        names = sorted({"label", "key", "beam", *places})
        gone = {name: [mob for mob in self.places.get(name, ()) if mob in self.mobjects] for name in names}
        self.places |= {name: [] for name in names}
        moving = [mob for mob in (*self.density.mobjects, *left) if mob in self.mobjects]
        clear = box.right <= self.right.left or box.bottom >= self.right.top
        lasting = [name for name in names if clear and name in ("right", "ground", "name")]
        fades = [FadeOutFast(*mobs, run_time=0.8 if name in lasting else 0.3) for name, mobs in gone.items() if mobs]
        self.play(Glide(moving, self.at, box, run_time=0.8), *fades)
        self.at = box

    def on_left(self, mobjects: Sequence[Mobject]) -> list[Mobject]:
        """Bulk mobjects laid on the density's panel where it stands now."""
        for mob in mobjects:
            lay_on(mob, self.at)
        return list(mobjects)

    def under(self, mob: Any, box: Box) -> Any:
        """A legend or colour key moved to lie right under a panel."""
        em = self.page.em("legend")
        return mob.shift([0, box.bottom - 0.12 - 0.8 * em - _baseline(mob), 0])

    def color_key(self) -> list[Mobject]:
        """What the density's colours mean, under its panel; in a tall frame, if another is below, under that."""
        tall = self.page.shape == "tall" and self.at == self.left
        return [self.under(self.density.color_key(self.at), self.right if tall else self.at)]

    def rest(self, seconds: float) -> None:
        """Let a picture stand that is to be looked at."""
        self.holds.append((self.time, seconds))
        self.wait(seconds)

    def label(self, name: str, box: Box, *values: Any, clock: Clock | None = None) -> Any:
        """One of the scene's words over a panel: the longest of its forms, parted by bars, for which there is room.

        values: for its fields in braces; with a clock, figures (T+1,) that run.
        """
        filled = [value[-1] for value in values] if clock else values
        form = self.page.fitting(self.words[name], box.width, "label", *filled)
        text = clock.number(form, *values) if clock else self.page.words(form.format(*values))
        return self.page.panel_label(text, box)

    def count(self, clock: Clock, *, proposed: bool = False) -> Running:
        """The step that a clock shows, without the last one, to which it does not go; or the proposal that is made."""
        numbers = np.arange(clock.run.steps + 1)
        form, numbers = ("proposal {:,}", numbers + 1) if proposed else ("step {:,}", numbers)
        return clock.number(form, numbers, size="caption", color="muted")

    def footer(self, run: Trajectory, *items: Any, clock: Clock | None = None) -> list[Mobject]:
        """The caption of an act: what ran, its step size, what else there is to say, seed and model."""
        who = [] if captions.sampler(run) == self.titled else ["sampler"]
        step = float(run["time"][1] - run["time"][0])
        size = f"$tau = {step:.3g}$"
        if run.kind == "reverse":  # its equation says what of it belongs to each level
            size = f"$tau = {run.meta['sampler']['options']['step_size']:g}$"
        elif "path" in run and "accepted" in run:
            inner = run["path"].shape[2] - 1
            size = f"path: {inner} leapfrog steps of {step / inner:.3g}"
        elif "path" in run:
            size = f'$"{captions.short_sampler(run)}:" thin h = {step:.3g}, gamma = {friction_of(run):.3g}$'
        return list(self.caption(*who, size, *items, "seed", "model", run=run, clock=clock))

    def footer_of_both(self, run: Trajectory, beside: Trajectory, *items: Any, clock: Clock) -> list[Mobject]:
        """The caption of an act with one run in the first panel and another in the second.

        In a wide frame, which has one line for it, the model, the seed and the first item are left out where all do not
        fit.
        """
        sides = ("above", "below") if self.page.shape == "tall" else ("left", "right")
        names = [f"{side}: {captions.sampler(r)}" for side, r in zip(sides, (run, beside), strict=True)]
        forms = [(*items, "seed", "model"), (*items, "seed"), items, (*items[1:], "seed"), items[1:]]
        for form in forms:
            made = self.caption(*names, *form, run=run, clock=clock)
            line = made.height <= 2 * self.page.em("caption") and made.width <= 2 * self.page.frame.x
            if line or self.page.shape != "wide":
                break
        return list(made)

    def act(self, run: Trajectory, timeline: Timeline, *parts: Any) -> Clock:
        """The clock of an act, with what moves in it."""
        clock = self.clock(run, timeline=timeline)
        clock.bind(*parts, moves=[self.density.border, self.ground[1]])  # these lie over what moves
        clock.show(0)  # an act may begin late in a run
        return clock

    def play_act(self, name: str, clock: Clock, seconds: float) -> None:
        """Let the act's recorded time pass."""
        self.cues[name] = self.time
        shown = [mob for mob in clock.mobjects if mob in (self.density.border, self.ground[1])]
        clock.mobjects = [mob for mob in clock.mobjects if mob not in shown or mob in self.mobjects]
        self.play(clock.play(seconds))

    def crowd(self, run: Trajectory, box: Box, *, whole: bool = False, by: int = 0) -> Crowd:
        """All chains of a recording on a panel, each in the colour of the basin in which it was at step `by`."""
        labels = self.basins.of(run["x"][by])
        tail = TAILS.get((run.meta.get("sampler") or {}).get("name", ""), TAIL)
        return Crowd(self.density.box, box, run, labels, self.colors, theme=self.theme, whole=whole, tail=tail)

    def faint(self, box: Box) -> Mobject:
        """The density on a panel, in colours on which coloured points can be read."""
        return self.density.heat(box, faint=FAINT).set_z_index(1)

    def tally(self, run: Trajectory, box: Box, *, spread: bool, true: bool = True) -> Tally:
        """Which share of the chains ended in each basin, and how far spread, on a panel."""
        x = run["x"][-1]
        return Tally(self.page, box, self.basins, x, self.density.box, self.colors, spread=spread, true=true)

    def histogram_of(self, run: Trajectory, columns: int) -> FillingHistogram:
        """The histogram of a run's first chain on the right panel, with square bins."""
        x0, x1, y0, y1 = box = self.density.box
        bins = (columns, round(columns * (y1 - y0) / (x1 - x0)))
        return FillingHistogram(box, self.right, run["x"], bins=bins, theme=self.theme, power=POWER)


def _baseline(mob: Mobject) -> float:
    """Where the first text in a mobject stands."""
    return next(part.baseline for part in mob.get_family() if isinstance(part, Typeset))
