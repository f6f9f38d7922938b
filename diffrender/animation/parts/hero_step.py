"""One recorded reverse step of the hero, taken apart: towards the predicted data, then the kick of fresh noise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from manim import Dot, Mobject, VGroup, smooth

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page, containing
from diffrender.animation.layout.plane import Plane
from diffrender.animation.mobjects.furniture.arrow import StepArrow
from diffrender.animation.mobjects.furniture.panels import KEY_GAP, Key, Rect, key_arrow, key_dot
from diffrender.animation.parts.hero import Hero
from diffrender.animation.parts.zoom.spotlight import Spotlight
from diffrender.animation.text.typst import Typeset
from diffrender.animation.theme import RING, Theme
from diffrender.trajectory.reader import Trajectory

GUESS_ARROW = 0.6  # the arrow to the prediction is slighter than those of what happens
STAGES = {"guess": 0.45, "drift": 0.4, "noise": 0.4, "hold": 0.35, "move": 0.3, "gone": 0.1}  # shares of a slow step
GROWN = 1.4 / 2.0  # of it when all arrows have grown, and stand
BEST = 0.35  # of the way to the predicted data: how long a step and its kick are best to be seen
SCALE = {2: 0.8, 3: 1.0}  # of arrows
AROUND, SIDE = 1.1, 0.6  # of what arrows span: the sides of a box round them; of its longest, the shortest side
RIM = 0.1  # units before the middle of a point at which an arrow to it ends
ASIDE = 4.0  # how badly it reads that the mean lies a radian beside the way to what is predicted
ABOUT = 0.4  # of the way to it: so far about what is predicted a close-up shows, if other predictions lie there
TINY = 2.0  # how badly, that they are shorter or longer than is best by a factor e
FLAT = 2.0  # how badly, that arrows look shorter by a factor e than they are
AWAY = 3.0  # how badly, that a step leads away from it by a factor e
TYPICAL, BACK = 8.0, 2.0  # how badly, that its noise is longer or shorter by e than most, and leads back
LEAST = 0.4  # of the samples' standard deviation in the end: the way to what is predicted should be as long
SHORT = "$hat(x)_0$", "mean", "noise"
LONG = (
    "to $hat(x)_0$, predicted",
    "mean of the step",
    "fresh noise, drawn anew each step|fresh noise, new each step|fresh noise",
)
LIT_BY = {"guess": ("data",), "drift": ("data", "score"), "noise": ("noise",), "move": ("sum",)}


class HeroStep:
    """Arrows of one step of a hero: dashed to x̂0, solid for the deterministic part, dashed orange for the kick.

    Every end is as recorded: from x_t to x_t + drift, from there to x_{t−1}. Without a recorded x̂0, drift or noise the
    arrow for it is left out. `equation`'s terms named data (or score), noise and sum are lit as what they say happens.
    """

    def __init__(self, view: Plane, run: Trajectory, hero: Hero, equation: Typeset, *, theme: Theme) -> None:
        self.view, self.run, self.hero, self.theme = view, run, hero, theme
        casing = theme.bg
        # what the equation writes in blue is drawn in blue: the mean of a step that has a kick too
        self.mean = theme.data if "noise" in self.ends(0) else theme.fg
        self.arrows = {
            "guess": StepArrow(theme.data, dashed=True, scale=GUESS_ARROW, casing=casing),
            "drift": StepArrow(self.mean, scale=SCALE[view.dims], casing=casing),
            "noise": StepArrow(theme.noise, dashed=True, scale=SCALE[view.dims], casing=casing),
        }
        self.predicted = Dot(radius=0.06, color=theme.data).set_stroke(theme.fg, 1.2 * RING * 100)
        self.predicted.set_z_index(8).set_opacity(0)
        hero.point.set_z_index(8)  # arrows end at it, and do not hide it
        self.light = Spotlight.by_name(equation, theme)
        self.terms = list(equation.terms)
        self.mobjects: list[Mobject] = [arrow.set_z_index(7) for arrow in self.arrows.values()]
        self.mobjects += [self.predicted, equation]

    def keys(self, page: Page, box: Box) -> list[tuple[Key, float, str]]:
        """Items of a legend in a box: what arrows that are drawn mean, in few words where one line must hold them."""
        theme, drawn, width = self.theme, self.ends(0), 0.62
        guess, mean, noise = LONG if page.column_align else SHORT
        noise = page.fitting(noise, box.width - width - KEY_GAP, "legend")
        items = {
            "guess": (self._guess_key, width, guess),
            "drift": (key_arrow(self.mean), width, "step" if "noise" not in drawn else mean),
            "noise": (key_arrow(theme.noise, dashed=True), width, noise),
        }
        return [item for name, item in items.items() if name in drawn]

    def _guess_key(self, x0: float, x1: float, y: float) -> VGroup:
        """The arrow to the prediction, and the ringed point there."""
        arrow = key_arrow(self.theme.data, dashed=True, scale=GUESS_ARROW)(x0, x1 - 0.15, y)
        return VGroup(arrow, key_dot(self.theme.data, ring=self.theme.fg)(x1 - 0.15, x1, y))

    def ends(self, step: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Where each arrow of a recorded step begins and ends, in data units as shown."""
        run, chain = self.run, self.hero.chain
        now, after = (self.hero.states[k, 0] for k in (step, step + 1))
        made = {}
        if "x0" in run:
            made["guess"] = (now, np.asarray(run["x0"][step, chain]))
        kick = np.asarray(run["noise"][step, chain]) / run.scale[step + 1] if "noise" in run else np.zeros_like(now)
        made["drift"] = (now, after - kick)
        if np.abs(kick).max() > 0:
            made["noise"] = (after - kick, after)
        return made

    def show(self, step: int, part: float) -> None:
        """Show a recorded step when `part`, 0 to 1, of its time has passed."""
        ends, begin, done = self.ends(step), 0.0, {}
        for name, length in STAGES.items():
            done[name] = float(smooth(np.clip((part * sum(STAGES.values()) - begin) / length, 0, 1)))
            begin += length
        for name, arrow in self.arrows.items():
            grown = done[name] if name in ends and done["move"] < 1 else 0.0
            a, b = (np.array([*self.view.to_scene(p), 0.0]) for p in ends.get(name, ends["drift"]))
            if name == "guess":
                self.predicted.move_to(b).set_opacity(grown)
            short = 0.0 if name == "drift" and "noise" in ends else RIM  # the mean is a place, not a point
            length = float(np.linalg.norm(b - a))
            arrow.put(a, b - (b - a) * min(short / length, 0.5) if length else b, grown)
        self.hero.show_step(step + done["move"])
        strengths = dict.fromkeys(self.terms, 1.0 if part <= 0 else 0.0)
        strengths |= {term: 1.0 for term in self.terms if term == "state"}  # it stands there all the while
        for stage, terms in LIT_BY.items():
            # without a kick, whatever else the equation names is part of the deterministic step
            for term in (*terms, "noise") if stage == "drift" and "noise" not in ends else terms:
                if term in strengths and done[stage] > 0:
                    strengths[term] = max(strengths[term], done[stage])
        self.light.light(strengths)

    def rest(self) -> None:
        """Light the whole equation and show no arrow."""
        self.light.light(dict.fromkeys(self.terms, 1.0))
        for arrow in self.arrows.values():
            arrow.put(np.zeros(3), np.zeros(3), 0.0)
        self.predicted.set_opacity(0)

    def pick(self, count: int, first: int, last: int, aim: Callable[[int], None] = lambda step: None) -> int:
        """The step from `first` to before `last` that begins the `count` consecutive ones whose arrows, as seen, read
        best, by rule: none very short, much longer than another, over it or along the line of sight, the noise as long
        as is typical and not back, the mean on the dashed line to what is predicted, or near it, and the point in the
        end not farther from it.
        aim: puts the camera where it is at a step."""
        size = LEAST * float(self.view.flat(np.asarray(self.run.states[-1])).std(0).mean())
        bad = []
        for k in range(first, max(last, first + count)):
            aim(k)
            pairs = self.ends(k)
            seen = {name: np.subtract(*self.view.flat(np.array(pair))[::-1]) for name, pair in pairs.items()}
            ends = {name: float(np.linalg.norm(arrow)) for name, arrow in seen.items()}
            turned = sum(
                -np.log(max(ends[name] / (np.linalg.norm(np.subtract(*pair)) or 1.0), 1e-6))
                for name, pair in pairs.items()
            )
            way = ends.pop("guess", 1.0) or 1.0
            off = _angle(seen["guess"], seen["drift"]) if "guess" in pairs else 0.0
            turn = _angle(seen["drift"], seen["noise"]) if "noise" in seen else np.pi / 2
            over = -np.log(max(np.sin(turn), 1e-6)) + BACK * max(-float(np.cos(turn)), 0.0) + self._untypical(k)
            lengths = sum(abs(np.log(max(length, 1e-6) / (BEST * way))) for length in ends.values())
            bad.append(
                TINY * lengths + FLAT * turned + ASIDE * off + over + max(np.log(size / way), 0.0) + self._lost(k)
            )
        return first + int(np.argmin(np.convolve(bad, np.ones(count), "valid")))

    def _untypical(self, step: int) -> float:
        """How badly it reads that the noise of a step is longer or shorter than that of most points."""
        if "noise" not in self.run:
            return 0.0
        lengths = np.linalg.norm(np.asarray(self.run["noise"][step], float), axis=-1)
        typical, own = np.sqrt(np.mean(lengths**2)), lengths[self.hero.chain]
        return TYPICAL * abs(float(np.log(own / typical))) if own > 0 and typical > 0 else 0.0

    def _lost(self, step: int) -> float:
        """How badly it reads that a step leads away from what is predicted, by chance: most lead nearer."""
        ends = self.ends(step)
        if "guess" not in ends:
            return 0.0
        (now, guess), (_, after) = ends["guess"], list(ends.values())[-1]
        before, then = (float(np.linalg.norm(guess - at)) for at in (now, after))
        return AWAY * max(float(np.log(max(then, 1e-9) / max(before, 1e-9))), 0.0)

    def around(self, first: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        """(D,) the low and the high corner of a box round all arrows of these steps, of no very short side."""
        points = np.array([pair for k in range(first, first + count) for pair in self.ends(k).values()])
        low, high = points.min((0, 1)), points.max((0, 1))
        half = np.maximum(AROUND * (high - low), SIDE * (high - low).max()) / 2
        return (low + high) / 2 - half, (low + high) / 2 + half

    def window(
        self, first: int, count: int, rect: Rect, *, most: float, room: float = 1.45
    ) -> tuple[float, float, float, float]:
        """The part of the view's plane, of the shape of `rect`, that holds all arrows of these steps, and what other
        predictions lie about the one that they lead to, if not too far; no more than `most` times as large as now."""
        steps = [self.ends(k) for k in range(first, first + count)]
        pairs = [pair for ends in steps for pair in ends.values()]
        points = self.view.flat(np.array(pairs).reshape(2 * len(pairs), -1))
        for k, ends in enumerate(steps):
            if "guess" in ends:
                start, end = self.view.flat(np.array(ends["guess"]))
                others = self.view.flat(np.asarray(self.run["x0"][first + k])).std(0).mean()
                about = min(2 * others, ABOUT * float(np.linalg.norm(end - start)))
                points = np.concatenate([points, [end - about, end + about]])
        if self.view.dims == 3:
            points = np.concatenate([points, self.view.flat(corners(*self.around(first, count)))])
        (x0, y0), (x1, y1) = points.min(0), points.max(0)
        x, y, w, h = (x0 + x1) / 2, (y0 + y1) / 2, room * (x1 - x0) / 2, room * (y1 - y0) / 2
        least = (self.view.box[1] - self.view.box[0]) / (2 * most)
        if w < least and h < least * (rect[3] - rect[2]) / (rect[1] - rect[0]):
            w = least
        return containing((x - w, x + w, y - h, y + h), rect)


def corners(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """(8, 3) corners of a box in space."""
    return np.stack(np.meshgrid(*np.stack([low, high], 1)), -1).reshape(-1, 3)


def arrived(part: float) -> bool:
    """Whether the point has come to where the step ends when `part`, 0 to 1, of its time has passed."""
    return part * sum(STAGES.values()) >= sum(STAGES.values()) - STAGES["gone"]


def _angle(a: np.ndarray, b: np.ndarray) -> float:
    """Between two vectors, in radians; 0 if one of them is nothing."""
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.arccos(np.clip(a @ b / size, -1, 1))) if size else 0.0
