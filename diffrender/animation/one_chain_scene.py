"""Acts of one long chain of a sampler of a density: it wanders, its steps under a magnifier, what it has visited."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.animation.animations import OpacityScale, UpdateFromAlpha
from diffrender.animation.chain_worth_scene import ChainWorthScene
from diffrender.animation.layout.box import Box
from diffrender.animation.mobjects.furniture.panels import frame, panel
from diffrender.animation.parts.clock import Clock
from diffrender.animation.parts.correlations import Correlations
from diffrender.animation.parts.distances import total_variation_curve
from diffrender.animation.parts.glide import fit
from diffrender.animation.parts.one_chain import OneChain, alone, track
from diffrender.animation.parts.zoom.legend import acceptance, fitting_keys, key_lines
from diffrender.animation.parts.zoom.magnifier import Magnifier
from diffrender.animation.parts.zoom.pacing import Accelerating
from diffrender.animation.parts.zoom.picking import pick_first
from diffrender.animation.parts.zoom.windows import check_moves
from diffrender.animation.timeline import Timeline
from diffrender.core.errors import DiffrenderError
from diffrender.trajectory.reader import Trajectory

LOWER = {True: 0.2, False: 0.7}  # scene units that a window of proposals reaches further down in a tall frame: of paths
NORMAL = "$epsilon tilde cal(N)(0, I)$"
FROM = 6.0  # steps a second with which a histogram begins that goes on with a chain
ANEW = 40.0  # steps a second with which the histogram of a chain begins that was not seen before
SEEN_AT_ONCE = 20  # states in it then


class OneChainScene(ChainWorthScene):
    """A scene of a density with the acts `chain`, `zoom` and `histogram`, of the first chain of its first recording.

    one: the chain on the density's panel. first, now: the step with which the magnifier begins, and to which the chain
    has come. looked, seen: the run whose first chain comes under the magnifier, and that chain on the panel: `run` and
    `one`, or those from where the ball without noise was let go. trail: steps that are drawn behind it; tail: what a
    caption says of them. chart: what the chain is worth, once it was shown. The scene's `words` hold what the acts say:
    wander, same_start, with_momentum, goes_on, not_stuck; density, another, and those of the magnifier; visited,
    variation, counted_in, independent. Its options: slow_steps, bins.
    """

    one: OneChain
    first: int
    now: int
    looked: Trajectory
    seen: OneChain
    trail: int
    tail: list[str]
    chart: Correlations
    left_label = "density"  # of the panel beside the window
    followed = False  # whether the chain that comes under the magnifier is already on the panel

    def problem(self, run: Trajectory) -> list[Any]:
        """What the sampler is for, in a wide frame, where there is room for it."""
        name = f"problem_{(run.meta.get('sampler') or {}).get('name')}"
        form = self.words[name if name in self.words else "problem"]
        said = self.page.note(self.page.fitting(form, self.right.width, "legend"), self.right)
        return [self.under(said, self.right)] if self.page.shape == "wide" else []

    def chain(self) -> None:
        """One chain wanders, its last steps behind it: from where the ball without noise was let go, if it was."""
        run, last, one = self.run, self.first, self.one
        self.go(self.middle, "left", "right", "ground", "name")
        beside, key, name = list[Any](), self.color_key(), "wander"
        if self.climb and (same := self.same_start()):
            run, name = alone(same, self.climb.chain), "goes_on" if "momentum" in same else "same_start"
            one, last = self.chain_of(run), min(last, run.steps)
            beside, key = self.stuck_beside()
            if self.can_be_looked_at(run):
                near = ~self.far_from_top(run["x"][:-1, 0])  # so that it is seen not to be stuck
                last = self.first = pick_first(run, self.options.slow_steps, self.density.box, near)
                self.looked, self.seen, self.now = run, one, min(SEEN_AT_ONCE, self.run.steps)
            else:
                self.left_label = "another"
        self.followed = one is self.seen
        begin = min(one.first_inside(self.at), last)
        name_of, power = ("quadratic", 2) if one.finer == 1 else ("cubic", 3)  # paths are to be seen
        clock = self.act(run, Timeline(name_of, last, lambda u: begin + (last - begin) * u**power), one)
        label = self.once_over(clock) if name == "goes_on" else [self.label(name, self.at)]
        self.set_places(
            left=[*beside, *self.on_left(one.mobjects)], label=label,
            key=key, footer=self.footer(run, self.count(clock), *self.tail, clock=clock),
        )  # fmt: skip
        self.play_act("chain", clock, self.lasts["chain"])
        if self.climb and name != "wander" and self.far_from_top(run["x"][last]):
            self.set_places(label=[self.label(self.beside("not_stuck"), self.at)])
            self.rest(1.0)
        self.set_places(label=[])  # before the panel glides over it

    def once_over(self, clock: Clock) -> list[Any]:
        """What is said of a chain with momentum; and, once it is in another basin than the ball's, that it goes on."""
        assert self.climb is not None
        own = self.basins.of(np.asarray(self.climb.x[-1:], float))
        away = self.basins.of(np.asarray(clock.run["x"][:, 0], float)) != own
        over = int(away.argmax()) if away.any() else clock.run.steps + 1
        said = [self.label(name, self.at) for name in ("with_momentum", "goes_on")]
        strengths = [OpacityScale(text) for text in said]

        def show(step: float) -> None:
            for k, strength in enumerate(strengths):
                strength.set(float((step >= over) == (k == 1)))

        clock.bind(show, moves=said)
        return said

    def chain_of(self, run: Trajectory) -> OneChain:
        """The first chain of a run on the density's panel, on its recorded way."""
        way = track(run)
        finer = (len(way) - 1) // run.steps
        return OneChain(self.density.box, self.left, way, theme=self.theme, length=self.trail, finer=finer)

    def can_be_looked_at(self, run: Trajectory) -> bool:
        """Whether a run has enough steps that the magnifier can take apart."""
        try:
            check_moves(run)
        except DiffrenderError:
            return False
        return run.steps >= self.options.slow_steps

    def far_from_top(self, x: np.ndarray) -> np.ndarray:
        """(K,) whether states (K, 2) are farther from the top on which the ball was stuck than its mode is wide."""
        return np.zeros(len(x), bool) if self.climb is None else self.far_from(self.climb.x[-1], x)

    def zoom(self) -> None:
        """A window on the chain: every step made of its two arrows, first slowly, then faster, never too fast."""
        run, one, words, slow = self.looked, self.seen, self.words, self.options.slow_steps
        paths, judged, tall = "path" in run, "accepted" in run, self.page.shape == "tall"
        self.go(self.left, *([] if self.followed else ["left"]), "right", "name")
        box, ground = self.right, self.ground
        if (judged or paths) and tall:  # room for what is decided or done, under the window
            box = box._replace(bottom=box.bottom - LOWER[paths])
            ground = [panel(box, self.theme), frame(box, self.theme.border)]
        self.glass = glass = Magnifier(
            self.density, box, run, below=self.row, words=words, first=self.first, slow=slow,
            equation=self.equation, one=one, seconds=self.lasts["zoom"],
        )  # fmt: skip
        clock = self.act(run, glass.timeline, glass)
        clock.bind(moves=[*one.mobjects, self.equation])
        facts = [] if paths else self.tail
        if self.page.shape == "wide" and paths:
            facts = [words["scaled"].format(glass.view.time)]
        if not (judged and paths):  # of these the equation says what is drawn
            facts = [*facts, NORMAL]
        plain = "changed" if paths else "taken_apart"
        name = acceptance(self.page, run, words["proposed"], box) if judged else self.label(plain, box)
        both = name.width > box.width + 1e-6  # a rule that needs the room over both panels
        label = [] if both else [self.label(self.left_label, self.left, run.steps)]
        self.set_places(
            left=self.on_left(one.mobjects), label=label,
            ground=ground, beam=glass.on_panel, right=glass.in_window, name=[name], key=self.window_key(box),
            footer=self.footer(run, self.count(clock, proposed=judged), *facts, clock=clock),
        )  # fmt: skip
        self.play_act("zoom", clock, glass.seconds)
        if run is self.run:
            self.now = glass.last

    def window_key(self, right: Box) -> list[Any]:
        """What the window's arrows and marks mean: under it, or, where these are many, from the left margin on."""
        page, row, paths = self.page, self.row, "path" in self.looked
        if page.shape == "wide" and not paths:
            legend = page.legend(fitting_keys(page, self.looked, self.words, right), right)
            return [*self.color_key(), self.under(legend, right)]
        lines = key_lines(page, self.looked, self.words, row)
        box = self.left if page.shape == "wide" else right
        drop = 1.5 * page.em("legend")
        return [self.under(page.legend(line, box), box).shift([0, -k * drop, 0]) for k, line in enumerate(lines)]

    def histogram(self) -> None:
        """All states visited so far: dots, then bins that become finer; their distance to the density falls."""
        page, run, seconds, words = self.page, self.run, self.lasts["histogram"], self.words
        if page.shape == "tall":
            above, below = self.left.columns(0.4, 0.6, gap=0.35)
            below = below._replace(top=below.top + 1.5 * page.em("label"))  # beside the density's name too
        else:
            above, below = self.left.rows(*((0.38, 0.62) if page.shape == "wide" else (0.28, 0.72)), gap=0.3)
        at = fit(self.left, above)
        if page.shape == "wide":  # beside it stands what the chain is worth
            at = at._replace(left=above.left, right=above.left + at.width)
        self.go(at, "left", "right", "name", "key")
        self.cells = cells = self.histogram_of(run, self.options.bins)
        self.distance = total_variation_curve(
            page, below, cells, self.density,
            name=words["variation"], x_name=words["counted_in"], floor=words["independent"],
        )  # fmt: skip
        law = Accelerating(self.now, run.steps, seconds, FROM if self.looked is run else ANEW)
        clock = self.act(run, law.timeline, cells, self.one, self.distance)
        pace = clock.number("{:,} steps a second", paces := law.paces(), size="caption", color="muted")
        clock.bind(lambda step: self.one.at_pace(paces[int(step)]))
        name = "visited" if self.looked is run else "visited_longer"
        visited = self.label(name, self.right, np.arange(run.steps + 1), clock=clock)
        clock.show(0)
        self.set_places(
            left=self.on_left(self.one.mobjects), label=[self.label("density", self.at)], ground=self.ground,
            right=cells.mobjects, name=[visited], curve=self.distance.mobjects,
            key=[self.under(cells.color_key(page, self.right), self.right)],
            footer=self.footer(run, pace),
        )  # fmt: skip
        self.play_act("histogram", clock, seconds)
        self.now = run.steps
        self.rest(0.8)
        self.chart = chart = self.correlations(run, below)
        chart.show(0)
        worth = self.worth(run)
        worth["curve"] = [*chart.mobjects, *worth.get("curve", ())]
        self.set_places(**worth, footer=self.footer(run, *self.walk_is(run)))
        self.play(UpdateFromAlpha(chart.show, *chart.curves, run_time=1.8))
        self.rest(2.0)
        self.widths(run)
