"""The worth of one long chain: in independent draws, of a walk too; and the bias of a finite step."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import narrowed
from diffrender.animation.layout.paragraph import broken
from diffrender.animation.many_chains_scene import ManyChainsScene
from diffrender.animation.parts.filling import FillingHistogram
from diffrender.animation.parts.mixing import rounded, spread_bias, steps_per_draw
from diffrender.animation.parts.tally import Tally
from diffrender.animation.text.language import spoken
from diffrender.trajectory.reader import Trajectory

LOWER = 0.17  # scene units that a large line stands lower under a panel than a legend
SURE = 2.0  # standard errors that a bias is large, to be called one
EARLY = 0.7  # of the distance that draws as few as the mean tells of would have: bins below it are known sooner
GAP = 0.15  # scene units that lines beside a panel may reach lower than it
LINE = 1.05  # em from one line beside a panel to the next
NOTE = 1.5  # em from one line under a chart to the next


class ChainWorthScene(ManyChainsScene):
    """A scene of a density that says what a chain has been worth, once all its states were counted in `cells`.

    The scene's `words` hold what is said: worth, worth_in_steps, walks, against, sooner; density, wide, narrow, apart,
    energetic, unbiased, ellipses.
    """

    cells: FillingHistogram

    def walked(self, run: Trajectory) -> np.ndarray | None:
        """States of a walk by chance after as many gradients as those of a run, if there is one and room to name it."""
        walk = self.trajectories.get("walk")
        if walk is None or "nfe" not in run or "nfe" not in walk or self.page.shape != "wide":
            return None
        each = max(1, round(float(run["nfe"][-1]) / run.steps * walk.steps / float(walk["nfe"][-1])))
        return np.ascontiguousarray(walk["x"][::each])

    def walk_is(self, run: Trajectory) -> list[str]:
        """What walk by chance stands beside a chain, if one does."""
        if self.walked(run) is None:
            return []
        name = "walk_is" if "accepted" in run else "walk_is_beside"
        return [self.words[name].format(float(self.trajectories["walk"]["time"][1]))]

    def worth(self, run: Trajectory) -> list[Any]:
        """How much work of a chain tells as much of the mean as one draw, or of a walk; why bins are known sooner."""
        page, steps = self.page, steps_per_draw(run["x"][1:, 0])
        gradients = float(run["nfe"][-1]) / run.steps if "nfe" in run else 1.0
        self.found = ("worth" if gradients > 1 or "momentum" in run else "worth_in_steps"), rounded(gradients * steps)
        said: list[tuple[Any, ...]] = [self.found]
        if (walk := self.trajectories.get("walk")) is not None:
            each = float(walk["nfe"][-1]) / walk.steps
            needs = rounded(each * steps_per_draw(walk["x"][1:, 0]))
            said.append(("walks", needs))
            self.found = "against", self.found[1], needs
        if self.distance and self.distance.values[-1] < EARLY * self.distance.floor * np.sqrt(steps):
            said.append(("sooner",))
        if page.shape == "wide":
            return self.beside_panel(said)
        box, (name, *values) = self.right, said[0]
        form = page.fitting(self.words[name], box.width, "legend", *values)
        text = self.under(page.label(form.format(*values), *page.foot(box), "legend", "fg"), box)
        return [text.shift([0, -NOTE * page.em("legend"), 0])] if page.shape == "tall" else []

    def beside_panel(self, said: list[tuple[Any, ...]]) -> list[Any]:
        """The first form of words with their figures, broken into lines on the right of the panel where it stands."""
        room = self.at._replace(left=self.at.right + 0.3, right=self.left.right)
        em, y, made = self.page.em("legend"), self.at.top + 0.1, list[Any]()
        for k, (name, *values) in enumerate(said):
            color = ("fg", "noise" if name == "walks" else "muted")[k > 0]
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
        name, values = self.width_found(run)
        below = self.right if self.page.shape == "tall" else self.left
        self.set_places(
            label=[self.label("density", self.left)], key=self.large(name, values, below),
            right=[*(mob for mob in self.cells.mobjects if mob not in self.cells.keys), tally.set_z_index(6)],
            footer=self.footer(run, self.words["ellipses"]),
        )  # fmt: skip
        self.rest(2.8)

    def large(self, name: str, values: tuple[float, ...], box: Box) -> list[Any]:
        """One of the scene's words with its figures, as large as the frame is wide, under a panel; in a tall one on
        several lines.
        """
        page, room = self.page, 2 * self.page.frame.x
        if page.shape == "tall":
            em, rows = page.em("legend"), list[Any]()
            for form in self.words[name].split("|"):
                rows = broken(spoken().line(form.format(*values)), em, self.theme.fg, room)
                if len(rows) <= 2:
                    break
            return [self.under(row.at(0.0, 0.0, 0), box).shift([0, -1.3 * k * em, 0]) for k, row in enumerate(rows)]
        form = page.fitting(self.words[name], room, "label", *values)
        said = narrowed(page.words(form.format(*values), "title"), room)
        x, align = (-page.frame.x, -1) if page.shape == "wide" else (0.0, 0)
        return [self.under(said.at(x, 0.0, align), box).shift([0, -LOWER, 0])]

    def width_found(self, run: Trajectory) -> tuple[str, tuple[float, ...]]:
        """The name of the word for how wide the states of a chain lie, and its figures."""
        x = run["x"][1:, 0]
        bias = spread_bias(self.basins, x)
        sure, width = abs(bias.percent) > SURE * bias.error, (round(bias.percent, 1) + 0.0, bias.error)  # never −0.0
        if "accepted" in run:
            return "apart" if sure else "unbiased", width
        if "momentum" in run:
            energy = float(np.square(run["momentum"][:, 0], dtype=float).sum(1).mean()) / 2
            return ("apart", width) if sure or round(energy, 2) == 1 else ("energetic", (energy, *width))
        if sure:
            return "wide" if bias.percent > 0 else "narrow", (abs(width[0]), bias.error)
        return "unbiased", width
