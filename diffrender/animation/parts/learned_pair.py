"""One pair of a training on its stage: a point of the data, noise on it, the network's guess, and how far it misses.

The recording holds some pairs, all at one noise level, with what the network said of them at every snapshot, and
E[x_0 | x_t] of the data that it was trained on.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from manim import Circle, Dot, Square, VMobject

from diffrender.animation.layout.page import Page, containing
from diffrender.animation.layout.plane import Plane
from diffrender.animation.mobjects.furniture.arrow import StepArrow
from diffrender.animation.mobjects.furniture.panels import put_dashes
from diffrender.animation.theme import HAIR, LINE, RING
from diffrender.trajectory.reader import Trajectory

MARK = 0.12  # radius of the points of the pair
ROOM = {2: 1.8, 3: 2.6}  # of the close-up round the pair, in what it needs
LARGEST = 0.09  # radius of the likeliest of the points that it could have been
DIM = 0.4  # opacity of all data while some are shown to be likely
SEEN, RIM = 0.03, 1.15  # of the likeliest, above which the close-up holds a point; its room round all of them
TYPICAL = 4  # of so many pairs one is typical: it misses at best about as much as all do


def diamond(color: str) -> Square:
    """The mark of the mean, hollow: the guess may lie on it."""
    return Square(2.2 * MARK).rotate(np.pi / 4).set_stroke(color, 130 * LINE)


def told_pair(run: Trajectory) -> int:
    """Of the pairs that miss at best about as much as all do, the one whose guess gains most by training and least
    gets worse on the way."""
    x0, guess = np.asarray(run["pair_x0"], float), np.asarray(run["pair_guess"], float)
    miss, least = np.linalg.norm(guess - x0, axis=-1), np.linalg.norm(np.asarray(run["pair_best"]) - x0, axis=-1)
    off = np.abs(least - np.sqrt(np.square(least).mean()))
    typical = off <= np.sort(off)[max(len(off) // TYPICAL, 1) - 1]
    return int(np.argmax(np.where(typical, 2 * miss[0] - miss[-1] - miss.max(0), -np.inf)))


def likelihoods(run: Trajectory, noised: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(M,) how likely points (M, D) of the data are, given one noised state (D,), of the likeliest."""
    level = run.meta["pair_level"]
    squares = np.square(noised - level["alpha"] * points).sum(1)
    return np.exp((squares.min() - squares) / (2 * level["sigma"] ** 2))


class LearnedPair:
    """The pair's marks over the data in `view`; a clock's steps are snapshots.

    points: of the data that are shown. miss: (K,) how far the guess misses; rms: (K,) the root mean square miss of all
    pairs, and best_rms that of E[x_0 | x_t], than which no guess is better on average. place: (D,) where x_t is drawn;
    of_edm: as x_σ = x_t / α, which is x_0 and noise alone. closer: the part of data space in which it is seen.
    """

    def __init__(self, page: Page, run: Trajectory, view: Plane, points: int, *, of_edm: bool) -> None:
        theme, self.view = page.theme, view
        self.x0, self.noised, self.best = (
            np.asarray(run[f"pair_{name}"][told_pair(run)], float) for name in ("x0", "noised", "best")
        )
        self.place = self.noised / run.meta["pair_level"]["alpha"] if of_edm else self.noised
        x0, guess = np.asarray(run["pair_x0"], float), np.asarray(run["pair_guess"], float)
        self.count, self.guess = len(x0), guess[:, told_pair(run)]
        misses = np.linalg.norm(guess - x0, axis=-1)
        self.miss, self.rms = misses[:, told_pair(run)], np.sqrt(np.square(misses).mean(1))
        self.best_rms = float(np.sqrt(np.square(np.asarray(run["pair_best"], float) - x0).sum(-1).mean()))
        shown = np.concatenate([[self.x0, self.place, self.best], self.guess])
        data = run.target[:points]
        weights = likelihoods(run, self.noised, data)
        likely = np.sqrt(weights)
        near = view.fit(shown, ROOM[view.dims])
        held = view.fit(np.concatenate([shown, data[weights > SEEN]]), RIM, every=True)  # else their mean looks wrong
        self.closer = containing(
            (min(near[0], held[0]), max(near[1], held[1]), min(near[2], held[2]), max(near[3], held[3])), view.rect
        )
        self.likely = view.cloud(data, color=theme.data, radius=LARGEST * likely, alpha=0.95)
        self.likely.set_z_index(3)
        self.data = Dot(radius=MARK, color=theme.data).set_stroke(theme.fg, 150 * RING).set_z_index(14)
        self.start = Circle(radius=MARK).set_stroke(theme.fg, 130 * LINE).set_fill(theme.panel, 1).set_z_index(13)
        self.end = Dot(radius=MARK, color=theme.samples).set_stroke(theme.bg, 100 * RING).set_z_index(15)
        self.mean_mark = diamond(theme.fg).set_z_index(16)
        self.noise = VMobject(stroke_color=theme.noise, stroke_width=220 * HAIR).set_z_index(11)
        self.arrow = StepArrow(theme.samples, scale=0.6, casing=theme.panel).set_z_index(11)
        self.line = VMobject(stroke_color=theme.fg, stroke_width=250 * LINE).set_z_index(12)
        self.step, self.grown = 0.0, {"noise": 0.0, "guess": 0.0, "miss": 0.0}

    @property
    def mobjects(self) -> list[Any]:
        """What is there from the guess on."""
        return [self.data, self.start, self.end, self.noise, self.arrow, self.line]

    def at(self, place: np.ndarray) -> np.ndarray:
        """(3,) the scene point of a place."""
        return np.array([*self.view.to_scene(place), 0.0])

    def show(self, part: str, grown: float) -> None:
        """Let the noise, the guess or the miss have grown so far, 0 to 1."""
        self.grown[part] = grown
        self.show_step(self.step)

    def show_step(self, step: float) -> None:
        """Show the guess of a snapshot, or between two, and its miss."""
        self.step, k = step, min(int(step), len(self.guess) - 1)
        guess = self.guess[k] + (step - k) * (self.guess[min(k + 1, len(self.guess) - 1)] - self.guess[k])
        data, start, end = (self.at(place) for place in (self.x0, self.place, guess))
        put_dashes(self.noise, data, start, self.grown["noise"])
        self.data.move_to(data)
        self.start.move_to(data + (start - data) * self.grown["noise"])
        far = float(np.linalg.norm(end - start))
        stop = end - (end - start) * min(MARK / far, 0.5) if far else end
        rim = start + (end - start) * min(MARK / far, 0.5) if far else start
        self.arrow.put(rim, stop, self.grown["guess"] * (far > 2 * MARK))
        self.end.move_to(end).set_opacity(float(self.grown["guess"] >= 1))
        self.line.set_points_as_corners([data, data + (end - data) * max(self.grown["miss"], 1e-3)])
        self.line.set_stroke(opacity=float(self.grown["miss"] > 0))
        self.mean_mark.move_to(self.at(self.best))
