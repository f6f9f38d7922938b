"""The worth of one long chain: in independent draws, of a walk too; and the bias of a finite step."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import narrowed
from diffrender.animation.layout.paragraph import broken
from diffrender.animation.many_chains_scene import ManyChainsScene
from diffrender.animation.parts.correlations import Correlated, Correlations
from diffrender.animation.parts.filling import FillingHistogram
from diffrender.animation.parts.mixing import BATCHES, WINDOW, mixing, rounded, spread_bias
from diffrender.animation.parts.tally import Tally
from diffrender.animation.text import captions
from diffrender.animation.text.language import spoken
from diffrender.trajectory.reader import Trajectory

LOWER = 0.17  # scene units that a large line stands lower under a panel than a legend
MASS = 0.005  # of a mode that a chain should have been in: the edge of a grid may have tops of next to none
SURE = 2.0  # standard errors that a bias is large, to be called one
MORE_THAN_ONE = 1.5  # gradients to a step: the first state takes one too
GAP = 0.15  # scene units that lines beside a panel may reach lower than it
LINE = 1.05  # em from one line beside a panel to the next

Said = tuple[str, tuple[float, ...]]  # the name of one of the scene's words, and its figures


class ChainWorthScene(ManyChainsScene):
    """A scene of a density that says what a chain has been worth, once all its states were counted in `cells`.

    The scene's `words` hold what is said: correlation, in_gradients, in_steps, later, per_draw, walk, walk_is,
    walk_is_beside; worth, worth_in_steps, walks, against; density, wide, narrow, apart, slow, fast, kept, unbiased,
    missed, short, visited_shares, visited_shares_alone, ellipses.
    """

    cells: FillingHistogram
    mixed: Mapping[Path, list[Correlated]] = MappingProxyType({})  # of the run that was asked for last

    def correlated(self, run: Trajectory) -> list[Correlated]:
        """How the first chain of a run mixes, and more of its kind if they are recorded, and the walk by chance beside
        it, if there is one.
        """
        if not (chains := self.mixed.get(run.file)):
            who, walk = captions.short_sampler(run), self.trajectories.get("walk")
            several = self.trajectories.get("several")
            x = run["x"][1:, :1] if several is None else several["x"][1:]
            chains = [Correlated(who, mixing(x), _gradients(run), "fg")]
            if walk is not None:
                chains.append(Correlated(self.words["walk"], mixing(walk["x"][1:]), _gradients(walk), "muted"))
            self.mixed = {run.file: chains}
        return chains

    def visited(self, run: Trajectory) -> tuple[int, int]:
        """In how many of the density's modes with mass a run's first chain has been, and how many there are."""
        counts = self.basins.counts(run["x"][1:, 0])[self.basins.masses > MASS]
        return int((counts > 0).sum()), len(counts)

    def in_gradients(self, run: Trajectory) -> bool:
        """Whether work is told in gradients: not in steps, of which each takes one."""
        return _gradients(run) > MORE_THAN_ONE or "momentum" in run

    def correlations(self, run: Trajectory, box: Box) -> Correlations:
        """The chart that says what a chain is worth, and a walk."""
        words = self.words
        unit = words["in_gradients" if self.in_gradients(run) else "in_steps"]
        return Correlations(
            self.page, box, self.correlated(run),
            name=words["correlation"], unit=unit, x_name=words["later"], key=words["per_draw"],
        )  # fmt: skip

    def walk_is(self, run: Trajectory) -> list[str]:
        """How many chains the correlation is of, and what walk by chance stands beside it, if one does."""
        several, walk = self.trajectories.get("several"), self.trajectories.get("walk")
        if walk is None:
            return [] if several is None else [f"correlation of {several.chains} chains"]
        name = "walk_is" if "accepted" in run else "walk_is_beside"
        return [self.words[name].format(float(walk["time"][1]), walk.chains)]

    def worth(self, run: Trajectory) -> dict[str, list[Any]]:
        """How much work of a chain tells as much of the mean as one draw, and of a walk by chance, and where it stands;
        that it has not been in every mode, if it has not: then nothing is known of it.
        """
        page, (own, *others) = self.page, self.correlated(run)
        visited, modes = self.visited(run)
        if visited < modes:
            said: list[tuple[Any, ...]] = [("missed", visited, modes)]
        else:
            self.found = ("worth" if self.in_gradients(run) else "worth_in_steps"), *own.per_draw
            said = [self.found]
            for walk in others:
                said.append(("walks", *walk.per_draw))
                self.found = "against", *own.per_draw, *walk.per_draw
        if page.shape == "wide":
            return {"curve": self.beside_panel(said)}
        name, *values = said[0]
        form = page.fitting(self.words[name], self.row.width, "legend", *values)
        return {"key": [self.under(page.note(form.format(*values), self.right), self.right)]}

    def beside_panel(self, said: list[tuple[Any, ...]]) -> list[Any]:
        """The first form of words with their figures, broken into lines on the right of the panel where it stands."""
        room = self.at._replace(left=self.at.right + 0.3, right=self.left.right)
        em, y, made = self.page.em("legend"), self.at.top + 0.1, list[Any]()
        for k, (name, *values) in enumerate(said):
            color = ("fg", "muted")[k > 0]
            text = spoken().line(self.words[name].split("|")[0].format(*values))
            rows = broken(text, em, self.theme.color(color), room.width)
            if y - LINE * em * len(rows) < room.bottom - GAP:
                break
            for row in rows:
                y -= LINE * em
                made.append(row.at(room.left, y, -1))
            y -= 0.3 * em
        return made

    def widths(self, run: Trajectory) -> None:
        """How wide the visited states lie round each mode, and the density, and what of that a finite step has done."""
        self.go(self.left, "key", "curve")
        tally = Tally(self.page, self.right, self.basins, run["x"][1:, 0], self.density.box, self.colors)
        told = "visited_shares" if tally.told else "visited_shares_alone"
        below = self.right if self.page.shape == "tall" else self.left
        self.set_places(
            label=[self.label("density", self.left)], name=[self.label(told, self.right)],
            key=self.large(self.width_found(run), below),
            right=[*(mob for mob in self.cells.mobjects if mob not in self.cells.keys), tally.set_z_index(6)],
            footer=self.footer(run, self.words["ellipses"]),
        )  # fmt: skip
        self.rest(2.8)

    def large(self, said: list[Said], box: Box) -> list[Any]:
        """The scene's words with their figures, one as large as the frame is wide, under a panel; of two each under one
        of both; in a tall frame on several lines.
        """
        page, room = self.page, 2 * self.page.frame.x
        if page.shape == "tall":
            em, rows = page.em("legend"), list[Any]()
            for name, values in said:
                forms = self.words[name].split("|")
                tries: list[list[Any]] = [
                    broken(spoken().line(f.format(*values)), em, self.theme.fg, room) for f in forms
                ]
                fewest: list[Any] = min(tries, key=len)
                rows += fewest  # of those of fewest lines the longest
            return [self.under(row.at(0.0, 0.0, 0), box).shift([0, -1.3 * k * em, 0]) for k, row in enumerate(rows)]
        size, places = "label", [(over.left, -1, over.width, over) for over in (self.left, self.right)]
        if len(said) == 1:
            size, places = "title", [(*((-page.frame.x, -1) if page.shape == "wide" else (0.0, 0)), room, box)]
        made = []
        for (name, values), (x, align, width, over) in zip(said, places, strict=True):
            form = page.fitting(self.words[name], width, "label", *values)
            line = narrowed(page.words(form.format(*values), size), width)
            made.append(self.under(line.at(x, 0.0, align), over).shift([0, -LOWER, 0]))
        return made

    def too_short(self, run: Trajectory) -> Said | None:
        """The name of the word for a chain too short to tell a bias by, and its figures: it has not been in every mode,
        or the parts of it by which the error of a figure is found depend on each other.
        """
        (visited, modes), own = self.visited(run), self.correlated(run)[0].mixing
        if visited < modes:
            return "missed", (visited, modes)
        if run.steps < BATCHES * WINDOW * own.steps:
            return "short", (run.steps, rounded(own.steps))
        return None

    def width_found(self, run: Trajectory) -> list[Said]:
        """What is said of how wide the states of a chain lie, a line each."""
        if said := self.too_short(run):
            return [said]
        x = run["x"][1:, 0]
        bias = spread_bias(self.basins, x)
        sure, width = abs(bias.percent) > SURE * bias.error, (round(bias.percent, 1) + 0.0, bias.error)  # never −0.0
        if "accepted" in run:
            return [("apart" if sure else "unbiased", width)]
        if "momentum" in run:
            energy = float(np.square(run["momentum"][:, 0], dtype=float).sum(1).mean()) / 2
            if sure or round(energy, 2) == 1:
                return [("apart", width)]
            return [("slow" if energy < 1 else "fast", (energy,)), ("kept", width)]
        if sure:
            return [("wide" if bias.percent > 0 else "narrow", (abs(width[0]), bias.error))]
        return [("unbiased", width)]


def _gradients(run: Trajectory) -> float:
    """How many gradients a step of a run takes; one, if that was not recorded."""
    return float(run["nfe"][-1]) / run.steps if "nfe" in run else 1.0
