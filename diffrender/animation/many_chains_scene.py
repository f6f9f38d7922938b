"""Acts of samplers of a density: why it needs noise, many chains, the same without noise, the falling noise level."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.animation.animations import FadeInFast, FadeOutFast, OpacityScale, UpdateFromAlpha
from diffrender.animation.density_scene import DensityScene
from diffrender.animation.layout.page import narrowed
from diffrender.animation.mobjects.furniture.panels import key_path
from diffrender.animation.parts.annealing import Annealing
from diffrender.animation.parts.ball import Ball, Climb, Tilt, carried_over, pick_climber
from diffrender.animation.parts.clock import Clock
from diffrender.animation.parts.crowd import slow_then_ramp
from diffrender.animation.parts.distances import METRIC, Distance, apart_by_chance, wasserstein_curve
from diffrender.animation.parts.one_chain import OneChain, alone, track
from diffrender.animation.parts.zoom.picking import best_steps
from diffrender.animation.text import captions
from diffrender.animation.text.typst import Typeset
from diffrender.animation.timeline import linear
from diffrender.trajectory.reader import Trajectory

BEHIND = 0.3  # opacity of chains behind their counts
GAP = 0.5  # scene units from the title to what stands in the equation's place
FAR = 3.5  # widths of a mode from its top
SOON_OVER = 14  # states of its track in which a chain must be over a top, to be watched
SOON = 10  # steps that pass slowly where chains are seen for the second time


class ManyChainsScene(DensityScene):
    """A scene of a density with the acts `hill`, `many`, `still` and `annealing`, of the recordings `many` and `still`.

    equation: that of the header, with a term `noise`. lasts: seconds that each act moves. The scene's `words` hold
    what the acts say: hill, height, stuck; crowd, wasserstein, floor, steps, straight; crowd_alone, crowd_counted,
    crowd_shares, stuck_chains, stuck_at, same, ends, ends_off, ellipses; cooled, temperature, own_top. plain: whether
    the chains without noise move as those with it do, but for the noise; else words whose names end in `_beside` say
    what they are.
    """

    equation: Typeset
    lasts: dict[str, float]
    distance: Distance | None = None
    plain = True
    climb: Climb | None = None  # the way without noise, once it was shown
    found: tuple[Any, ...] | None = None  # what a chain is worth, the name of a word and its figures, once it was shown

    def beside(self, name: str) -> str:
        """The word for chains without noise, or beside them."""
        return name if self.plain else f"{name}_beside"

    def hill(self) -> None:
        """The map tilts up; a ball that only follows the slope climbs the nearest top, and is stuck there."""
        run, seconds = self.trajectories["still"], self.lasts["hill"]
        self.go(self.middle, "left", "right", "ground", "name")
        carried, shape = self.carried(run), ""
        if carried is not None:  # its energy is −log p
            shape = "_bowl"
        land = self.density.landscape(self.at, self.hill_box, turned=bool(shape))
        badness = self.badness if carried is not None else None
        self.climb = climb = Climb(land, run, pick_climber(run["x"], self.basins, land, carried, badness))
        clock = self.act(run, climb.timeline, climb)
        climb.clear()
        height = self.page.fitting(self.words[f"height{shape}"], self.hill_box.width, "legend")
        self.set_places(
            left=[land], label=[self.label(f"hill{shape}" if shape else self.beside("hill"), self.hill_box)],
            key=[self.under(self.page.note(height, self.hill_box), self.hill_box)],
            footer=self.footer(run, self.count(clock), clock=clock),
        )  # fmt: skip
        self.remove(*self.density.mobjects)
        tilt = Tilt(land, self.equation, self.theme, fading=self.plain)
        over = 0 if carried is None or self.same_start() is None else int(carried[climb.chain])
        rise, way, stand, rolls, fall = (0.16, 0.26, 0.12, 0.32, 0.14) if over else (0.2, 0.48, 0.16, 0.0, 0.16)
        self.play(tilt.play(rise * seconds))
        self.play_act("hill", clock, way * seconds)
        self.set_places(label=[self.label(f"stuck{shape}", self.hill_box)])
        self.rest(stand * seconds)
        if over:
            self.roll(climb, over, rolls * seconds)
        said = [*self.places["label"], *self.places["key"]]  # of a landscape, which goes
        self.places |= {"label": [], "key": []}
        self.play(tilt.play(fall * seconds, back=True), FadeOutFast(*said, run_time=0.4))
        self.add(*self.density.mobjects)
        self.set_places(left=[])

    def carried(self, still: Trajectory) -> np.ndarray | None:
        """(N,) after how many states momentum has carried chains over the tops on which those without noise end; 0 if
        it soon does for none. None of samplers without momentum.
        """
        run = self.trajectories.get("many")
        if run is None or "momentum" not in run or run.chains != still.chains:
            return None
        tops = still["x"][-1]
        return carried_over(track(run)[: SOON_OVER + 1], tops, self.basins.spreads[self.basins.of(tops)])

    def badness(self, chain: int) -> float:
        """How badly those steps of a chain read that will be taken apart, far from the top where it is stuck else."""
        run, top = alone(self.trajectories["many"], chain), self.trajectories["still"]["x"][-1, chain]
        near = ~self.far_from(top, run["x"][:-1, 0])
        return best_steps(run, min(self.options.slow_steps, run.steps), self.density.box, near)[1]

    def far_from(self, top: np.ndarray, x: np.ndarray) -> np.ndarray:
        """(K,) whether states (K, 2) are off a top (2,), by widths of its mode."""
        wide = FAR * self.basins.spreads[self.basins.of(np.asarray(top, float)[None])[0]]
        return np.hypot(*(np.asarray(x, float) - top).T) > wide

    def roll(self, climb: Climb, last: int, seconds: float) -> None:
        """Beside the way of the ball that is stuck another, which has momentum, goes over the same top.

        last: the number of the state of its track at which it is over.
        """
        run = alone(self.trajectories["many"], climb.chain)
        way = track(run)[:, 0]
        kept = climb.path(len(climb.x) - 1)
        ball = Ball(climb.landscape, way[: last + 1], (len(way) - 1) // run.steps, kept=kept)
        clock = self.act(run, ball.timeline, ball)
        self.set_places(
            label=[self.label("over_bowl", self.hill_box)], footer=self.footer(run, self.count(clock), clock=clock)
        )
        self.play(clock.play(seconds))

    def same_start(self) -> Trajectory | None:
        """The run with noise if one of its chains starts where the ball did, and the ball was shown."""
        run = self.trajectories.get("many")
        if self.climb is None or run is None or run.chains <= self.climb.chain:
            return None
        return run if np.allclose(run["x"][0, self.climb.chain], self.climb.x[0], atol=1e-6) else None

    def stuck_beside(self) -> tuple[list[Any], list[Any]]:
        """The ball's way and where it was stuck, on the density where it stands now; and a legend of it and a chain."""
        if self.climb is None:
            return [], []
        x, theme, page = self.climb.x[:, None], self.theme, self.page
        way = OneChain(self.density.box, self.left, x, theme=theme, length=len(x), color="score", power=0.0)
        way.show_step(len(x) - 1)
        said = [self.words[self.beside(name)].split("|")[-1] for name in ("stuck_chains", "crowd_alone")]
        said = [text.format(self.run.chains, captions.short_sampler(self.run)) for text in said]
        keys = [(key_path(color), 0.55, word) for color, word in zip((theme.score, theme.chain), said, strict=True)]
        return self.on_left(way.mobjects), [self.under(page.legend(keys, self.at), self.at)]

    def annealed(self) -> tuple[Clock, dict[str, list[Any]]]:
        """Many annealed chains over the density of their noise level, the scale of levels and their distance to p: the
        clock, and what stands where.
        """
        run, words = self.trajectories["many"], self.words
        crowd = self.crowd(run, self.left, by=-1)
        self.shown_levels = shown = Annealing(self.density, run, crowd, self.right)
        names = {"name": words["wasserstein"], "floor": words["floor"], "x_name": words["steps"]}
        self.distance = distance = wasserstein_curve(self.page, shown.free, run, self.density, **names)
        clock = self.act(run, linear(run.steps, interpolate=True), shown, *([distance] if distance else []))
        note = self.page.note(self.page.fitting(words["own_top"], self.left.width, "legend"), self.left)
        return clock, {
            "left": [shown.heat, crowd.points], "label": [self.label("cooled", self.left)], "ground": [],
            "right": [*shown.standing, shown.scale.mark, *(distance.mobjects if distance else [])],
            "name": [self.label("temperature", self.right, run["sigma"], clock=clock)],
            "key": [self.under(note, self.left)], "footer": self.footer(run, "step", clock=clock),
        }  # fmt: skip

    def annealing(self) -> None:
        """The noise level falls, as a temperature does: chains that are free at first settle in all modes."""
        run = self.trajectories["many"]
        self.go(self.left, "left", "right", "ground", "name", "key", "curve")
        clock, places = self.annealed()
        clock.show(0)
        self.set_places(**places)
        self.rest(0.5)
        self.play_act("annealing", clock, self.lasts["annealing"])
        tally = self.tally(run, self.left, spread=False).set_z_index(6)
        chains = OpacityScale(*self.places["left"][1:])
        dim = UpdateFromAlpha(lambda u: chains.set(1 - u * (1 - BEHIND)), *self.places["left"][1:])
        self.play(FadeInFast(tally, run_time=1.0), dim)
        self.places["left"] = [*self.places["left"], tally]
        self.rest(1.5)

    def many(self) -> None:
        """Hundreds of chains, each in the colour of the basin in which it began, mix and become the density."""
        run, words = self.trajectories["many"], self.words
        self.go(self.left, "left", "right", "ground", "name", "key", "curve")
        names = {"name": words["wasserstein"], "floor": words["floor"], "x_name": words["steps"]}
        self.distance = distance = wasserstein_curve(self.page, self.right, run, self.density, **names)
        crowd = self.crowd(run, self.left)
        clock = self.act(run, slow_then_ramp(run.steps), crowd, *([distance] if distance else []))
        self.set_places(
            left=[self.faint(self.left), *crowd.mobjects], label=[self.label("crowd", self.left, run.chains)],
            right=distance.mobjects if distance else [],
            footer=self.footer(run, "step", *([] if crowd.finer > 1 else [words["straight"]]), clock=clock),
        )  # fmt: skip
        self.rest(0.5)
        self.play_act("many", clock, self.lasts["many"])
        self.rest(1.5)

    def still(self) -> None:
        """The same starts with and without noise: whose shares become true, and who stays where the start put it."""
        noisy, run = self.trajectories["many"], self.trajectories["still"]
        self.go(self.left, "right", "ground", "name", "key", "curve")
        who = captions.short_sampler(noisy)
        crowds = [self.crowd(noisy, self.left), self.crowd(run, self.right, whole=True)]
        clock = self.act(run, slow_then_ramp(min(noisy.steps, run.steps), SOON), *crowds)
        self.set_places(
            at_once=["left"],
            left=[self.faint(self.left), *crowds[0].mobjects], right=[self.faint(self.right), *crowds[1].mobjects],
            label=[self.label(self.beside("crowd_alone"), self.left, noisy.chains, who)], ground=self.ground,
            name=[self.label(self.beside("stuck_chains"), self.right, run.chains)],
            footer=self.footer_of_both(noisy, run, self.words["same"], "step", clock=clock), key=[self.rule(run)],
        )  # fmt: skip
        self.play_act("still", clock, self.lasts["still"])
        ends = ((noisy, self.left, True), (run, self.right, False))  # what is true stands once
        self.tallies = [self.tally(r, box, spread=True, true=true).set_z_index(6) for r, box, true in ends]
        points, told = int((self.tallies[1].counts > 0).sum()), self.tallies[0].told
        counted = self.beside("crowd_counted" if told else "crowd_shares")
        scatter = 100 * float(np.sqrt(self.basins.masses * (1 - self.basins.masses) / noisy.chains).max())
        unsure = self.basins.spread_error(noisy["x"][-1])
        self.places["equation"] = [self.equation]
        self.set_places(
            label=[self.label(counted, self.left, who, scatter, unsure)], key=[],
            name=[self.label(self.beside("stuck_at"), self.right, run.chains, points)],
            footer=self.footer_of_both(noisy, run, self.words["ellipses"], clock=clock),
        )  # fmt: skip
        moved = [mob for crowd in crowds for mob in crowd.mobjects]  # figures stand out from them
        chains = OpacityScale(*moved)
        dim = UpdateFromAlpha(lambda u: chains.set(1 - u * (1 - BEHIND)), *moved)
        self.play(FadeInFast(*self.tallies, run_time=1.0), dim)
        for place, tally in zip(("left", "right"), self.tallies, strict=True):
            self.places[place] = [*self.places[place], tally]
        self.rest(1.0)
        self.set_places(key=self.how_far(noisy, run), equation=[self.equation] if self.plain else self.result())
        self.rest(1.0)  # besides what the end of a film stands

    def result(self) -> list[Typeset]:
        """What the sampler has come to, in the equation's place, if that was found; else the equation."""
        if not self.found:
            return [self.equation]
        page, (name, *values), wide = self.page, self.found, self.page.shape == "wide"
        end = page.title_end if wide and page.title_end is not None else -page.frame.x
        room = page.frame.x - end - GAP
        said = page.words(page.fitting(self.words[name], room, "label", *values).format(*values))
        x, align = (page.frame.x, 1) if wide else (0.0, 0)
        return [narrowed(said, room).at(x, page.frame.equation_y, align)]

    def rule(self, run: Trajectory) -> Typeset:
        """The step of a run, as its recording writes it, under the right panel: the header's is that of the left."""
        page = self.page
        rule = page.equation(captions.equation(run))
        rule.scale(min(page.em("label") / page.em("equation"), self.right.width / rule.width))
        x, y, align = page.foot(self.right)
        return self.under(rule.at(x, y, align), self.right)

    def how_far(self, noisy: Trajectory, still: Trajectory) -> list[Typeset]:
        """Under each panel how far its last states are from the density, what is usual for true samples, and so whether
        the density is what they are.
        """
        page, made = self.page, []
        for run, box in ((noisy, self.left), (still, self.right)):
            if METRIC not in run:
                continue
            low, high = apart_by_chance(self.density, run.chains)
            figures = float(np.asarray(run[METRIC])[-1]), f"{low:.3f}–{high:.3f}", f"{low:.2f}–{high:.2f}"
            name, color = ("ends", "accept") if figures[0] <= high else ("ends_off", "reject")
            form = page.fitting(self.words[name], box.width, "legend", *figures)
            said = narrowed(page.words(form.format(*figures), "legend", color), box.width)
            made.append(self.under(said.at(*page.foot(box)), box))
        return made
